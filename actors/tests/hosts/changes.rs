//! What is promised of changes on a session: every byte arrives, nothing is overwritten unasked, and
//! what failed is never success.

use crate::rig::Rig;
use crate::transfers::{SIZES, noise, problem, remote, rest, session};
use bytes::Bytes;
use fleet::error::FileProblem;
use fleet::file::Times;
use fleet::{FileSession, FleetError, RemotePath};
use std::fs;
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::{PermissionsExt, symlink};
use std::path::Path;

/// A directory every account may write to.
fn desk(rig: &Rig) -> RemotePath {
    let desk = rig.shelf.join("desk");
    fs::create_dir(&desk).unwrap();
    fs::set_permissions(&desk, fs::Permissions::from_mode(0o777)).unwrap();
    remote(desk)
}

fn local(path: &RemotePath) -> &Path {
    Path::new(std::ffi::OsStr::from_bytes(path.as_bytes()))
}

/// Makes a file, in pieces of different sizes.
async fn put(files: &FileSession, path: &RemotePath, bytes: &[u8]) -> Result<(), FleetError> {
    let mut writer = files.create(path, 0o644).await?;
    let mut left = Bytes::copy_from_slice(bytes);
    for size in [1, 4_096, 300_000, 70_000].into_iter().cycle() {
        if left.is_empty() {
            break;
        }
        writer.write(left.split_to(size.min(left.len()))).await?;
    }
    writer.finish().await
}

pub(crate) async fn what_is_written_arrives_whole(rig: &Rig) {
    let desk = desk(rig);
    let files = session(rig).await;
    for size in SIZES {
        let path = desk.join(size.to_string()).unwrap();
        put(&files, &path, &noise(size)).await.unwrap();
        assert!(fs::read(local(&path)).unwrap() == noise(size), "{size}");
        let reader = files.open(&path).await.unwrap();
        assert!(rest(reader).await == noise(size), "{size}");
    }
    let path = desk.join("1").unwrap();
    let times = Times {
        accessed: 1_000_000_007,
        modified: 1_000_000_001,
    };
    let set = files.set_attributes(&path, Some(0o604), Some(times));
    set.await.unwrap();
    let there = files.stat(&path).await.unwrap();
    assert_eq!(
        (there.mode, there.modified, there.accessed),
        (Some(0o100_604), Some(1_000_000_001), Some(1_000_000_007))
    );
    files
        .set_attributes(&path, Some(0o640), None)
        .await
        .unwrap();
    let there = files.stat(&path).await.unwrap();
    assert_eq!(
        (there.mode, there.modified),
        (Some(0o100_640), Some(1_000_000_001))
    );
}

pub(crate) async fn any_name_can_be_made_moved_and_removed(rig: &Rig) {
    let desk = desk(rig);
    let files = session(rig).await;
    let names: [&[u8]; 6] = [
        b"-rf",
        b"a b",
        b"it's \"so\"",
        b"line\nline",
        b"\xff\xfe",
        b"~",
    ];
    for name in names {
        let dir = desk.join(name).unwrap();
        files.make_directory(&dir, 0o755).await.unwrap();
        let (path, moved) = (dir.join(name).unwrap(), dir.join("\u{7f}").unwrap());
        put(&files, &path, name).await.unwrap();
        assert_eq!(fs::read(local(&path)).unwrap(), name);
        files.rename_new(&path, &moved).await.unwrap();
        assert_eq!(fs::read(local(&moved)).unwrap(), name);
        assert!(files.remove_directory(&dir).await.is_err(), "not empty");
        files.remove(&moved).await.unwrap();
        assert_eq!(problem(files.remove(&moved).await), FileProblem::Missing);
        files.remove_directory(&dir).await.unwrap();
        assert!(!local(&dir).exists());
    }
}

pub(crate) async fn nothing_is_overwritten_unasked(rig: &Rig) {
    let desk = desk(rig);
    let files = session(rig).await;
    let at = |name: &str| desk.join(name).unwrap();
    fs::write(local(&at("file")), b"old").unwrap();
    fs::create_dir(local(&at("dir"))).unwrap();
    symlink("nowhere", local(&at("link"))).unwrap();
    put(&files, &at("new"), b"new").await.unwrap();
    for taken in ["file", "dir", "link"].map(at) {
        let is_there = FileProblem::Exists;
        assert_eq!(problem(files.create(&taken, 0o644).await), is_there);
        assert_eq!(problem(files.make_directory(&taken, 0o755).await), is_there);
        let renamed = files.rename_new(&at("new"), &taken).await;
        assert_eq!(problem(renamed), is_there);
    }
    assert_eq!(fs::read(local(&at("file"))).unwrap(), b"old");
    assert!(!local(&at("nowhere")).exists());
    let missing = at("no").join("way").unwrap();
    assert_eq!(
        problem(files.create(&missing, 0o644).await),
        FileProblem::Missing
    );
}

pub(crate) async fn a_file_that_is_replaced_is_the_old_or_the_new_one(rig: &Rig) {
    let desk = desk(rig);
    let files = session(rig).await;
    let (target, part) = (desk.join("target").unwrap(), desk.join(".part").unwrap());
    put(&files, &target, &[0; 5_000]).await.unwrap();
    let watched = local(&target).to_owned();
    let (over, watch) = tokio::sync::oneshot::channel::<()>();
    let watcher = tokio::task::spawn_blocking(move || {
        let mut watch = watch;
        while watch.try_recv() == Err(tokio::sync::oneshot::error::TryRecvError::Empty) {
            let now = fs::read(&watched).expect("there is always one");
            assert!(now.len() == 5_000 && now.iter().all(|byte| *byte == now[0]));
        }
    });
    for round in 1..=40 {
        put(&files, &part, &[round; 5_000]).await.unwrap();
        files.replace(&part, &target).await.unwrap();
    }
    drop(over);
    watcher.await.unwrap();
    assert_eq!(fs::read(local(&target)).unwrap(), [40; 5_000]);
    assert!(!local(&part).exists());
    assert_eq!(
        problem(files.replace(&part, &target).await),
        FileProblem::Missing
    );
}

pub(crate) async fn a_file_is_written_on_from_where_it_was_left(rig: &Rig) {
    let desk = desk(rig);
    let files = session(rig).await;
    let (path, bytes) = (desk.join("part").unwrap(), noise(700_000));
    put(&files, &path, &bytes[..300_000]).await.unwrap();
    let mut writer = files.append(&path, 300_000).await.unwrap();
    let more = Bytes::copy_from_slice(&bytes[300_000..]);
    writer.write(more).await.unwrap();
    writer.finish().await.unwrap();
    assert!(fs::read(local(&path)).unwrap() == bytes);
    // Neither a gap is left nor anything that somebody else wrote is cut off.
    for offset in [699_999, 700_001] {
        let elsewhere = files.append(&path, offset).await;
        let size = 700_000;
        assert_eq!(problem(elsewhere), FileProblem::OtherSize { size, offset });
        assert!(fs::read(local(&path)).unwrap() == bytes);
    }
    let missing = desk.join("missing").unwrap();
    assert_eq!(
        problem(files.append(&missing, 0).await),
        FileProblem::Missing
    );
}

pub(crate) async fn a_write_that_was_abandoned_is_no_success(rig: &Rig) {
    let desk = desk(rig);
    let files = session(rig).await;
    let path = desk.join("torn").unwrap();
    let mut writer = files.create(&path, 0o644).await.unwrap();
    let much = Bytes::from(vec![7; 32 << 20]);
    let left = futures_util::FutureExt::now_or_never(writer.write(much.clone()));
    assert!(left.is_none(), "more than is ever under way");
    assert!(writer.write(much.slice(..1)).await.is_err());
    assert!(writer.finish().await.is_err());
    assert!(fs::metadata(local(&path)).unwrap().len() < 32 << 20);
}

pub(crate) async fn a_full_disk_is_an_error_and_never_success(rig: &Rig) {
    let desk = desk(rig);
    let Some(_mounted) = Mounted::on(local(&desk)) else {
        println!("skipped: mounting a small file system takes privileges");
        return;
    };
    let files = session(rig).await;
    for size in [(1 << 20) + 1, 3 << 20, 32 << 20] {
        let path = desk.join(size.to_string()).unwrap();
        let full = put(&files, &path, &noise(size)).await.unwrap_err();
        let FleetError::File(error) = full else {
            panic!("{full:?}")
        };
        assert_eq!(error.problem, FileProblem::NoSpace, "{error}");
        files.remove(&path).await.unwrap();
    }
    let path = desk.join("fits").unwrap();
    put(&files, &path, &noise(100_000)).await.unwrap();
}

/// A file system of one megabyte, less what it takes for itself.
struct Mounted(std::path::PathBuf);

impl Mounted {
    fn on(place: &Path) -> Option<Self> {
        let mounted = std::process::Command::new("mount")
            .args(["-t", "tmpfs", "-o", "size=1m,mode=1777", "none"])
            .arg(place)
            .stderr(std::process::Stdio::null())
            .status();
        let is_mounted = mounted.is_ok_and(|status| status.success());
        is_mounted.then(|| Self(place.to_owned()))
    }
}

impl Drop for Mounted {
    fn drop(&mut self) {
        let _gone = std::process::Command::new("umount")
            .arg("-l")
            .arg(&self.0)
            .status();
    }
}
