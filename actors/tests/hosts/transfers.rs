//! What is promised of reading on a session: every byte arrives, and what is there is told as it is.

use crate::rig::{HOSTS, Rig};
use fleet::error::FileProblem;
use fleet::file::Kind;
use fleet::{Deadline, FileReader, FileSession, FleetError, HostName, RemotePath};
use std::fs;
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::{PermissionsExt, symlink};
use std::path::Path;
use std::time::{Duration, Instant};

/// Sizes around those at which something changes: nothing, a byte, what is asked for at once, and
/// more than is under way at once.
pub(crate) const SIZES: [usize; 7] = [
    0,
    1,
    255 * 1024 - 1,
    255 * 1024,
    255 * 1024 + 1,
    256 * 1024,
    8 << 20,
];

/// Opens a session on the first host.
pub(crate) async fn session(rig: &Rig) -> FileSession {
    let deadline = Deadline::within(Duration::from_secs(30));
    let host = HostName::parse(HOSTS[0]).unwrap();
    let lease = rig.fleet.lease(&host, deadline).await.unwrap();
    lease.files(deadline).await.unwrap()
}

pub(crate) fn remote(path: impl AsRef<Path>) -> RemotePath {
    RemotePath::parse(path.as_ref().as_os_str().as_bytes()).unwrap()
}

pub(crate) async fn rest(mut reader: FileReader<'_>) -> Vec<u8> {
    let mut bytes = Vec::new();
    while let Some(chunk) = reader.next().await.unwrap() {
        assert!(!chunk.is_empty());
        bytes.extend_from_slice(&chunk);
    }
    assert_eq!(reader.next().await.unwrap(), None, "the end stays the end");
    reader.close().await;
    bytes
}

/// Bytes of which no two stretches are alike.
pub(crate) fn noise(length: usize) -> Vec<u8> {
    let mut state = 0x9e37_79b9_7f4a_7c15_u64 ^ length as u64;
    let mut bytes = Vec::with_capacity(length + 8);
    while bytes.len() < length {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        bytes.extend_from_slice(&state.to_le_bytes());
    }
    bytes.truncate(length);
    bytes
}

pub(crate) fn problem<T>(done: Result<T, FleetError>) -> FileProblem {
    match done.err().unwrap() {
        FleetError::File(error) => error.problem,
        other => panic!("{other:?}"),
    }
}

pub(crate) async fn a_file_is_read_from_any_place_to_its_end(rig: &Rig) {
    let files = session(rig).await;
    for size in SIZES {
        let (path, bytes) = (rig.shelf.join(size.to_string()), noise(size));
        fs::write(&path, &bytes).unwrap();
        let reader = files.open(&remote(&path)).await.unwrap();
        assert_eq!(reader.attributes().size, Some(size as u64));
        assert!(rest(reader).await == bytes, "{size}");
        for offset in [1, size / 2, size, size + 1] {
            let mut reader = files.open(&remote(&path)).await.unwrap();
            reader.seek(offset as u64);
            let left = bytes.get(offset..).unwrap_or_default();
            assert!(rest(reader).await == left, "{size} from {offset}");
        }
    }
    // The size of such a file is 0, whatever it holds.
    let status = files.open(&remote("/proc/self/status")).await.unwrap();
    assert!(rest(status).await.starts_with(b"Name:"));
}

pub(crate) async fn a_read_that_was_left_and_taken_up_again_misses_nothing(rig: &Rig) {
    let (path, bytes) = (rig.shelf.join("patient"), noise(3 << 20));
    fs::write(&path, &bytes).unwrap();
    let files = session(rig).await;
    let mut reader = files.open(&remote(&path)).await.unwrap();
    let mut read = Vec::new();
    let mut left = 0;
    loop {
        match futures_util::FutureExt::now_or_never(reader.next()) {
            Some(Ok(Some(chunk))) => read.extend_from_slice(&chunk),
            Some(Ok(None)) => break,
            Some(Err(error)) => panic!("{error}"),
            None => {
                left += 1;
                tokio::time::sleep(Duration::from_millis(1)).await;
            }
        }
    }
    assert!(left > 0 && read == bytes);
}

pub(crate) async fn what_is_at_a_path_is_told_and_links_are_told_apart(rig: &Rig) {
    let files = session(rig).await;
    let dir = rig.shelf.join("dir");
    fs::create_dir(&dir).unwrap();
    // Names are bytes, and none of them means anything.
    let names: [&[u8]; 6] = [
        b"-rf",
        b"a b",
        b"it's \"so\"",
        b"line\nline",
        b"\xff\xfe",
        b"~",
    ];
    for name in names {
        fs::write(dir.join(std::ffi::OsStr::from_bytes(name)), name).unwrap();
    }
    symlink("../\u{e9} nowhere", dir.join("z link")).unwrap();
    let at = |name: &[u8]| remote(&dir).join(name).unwrap();
    for name in names {
        let reader = files.open(&at(name)).await.unwrap();
        assert_eq!(rest(reader).await, name);
        assert_eq!(files.stat(&at(name)).await.unwrap().kind(), Kind::File);
    }
    let listing = files.list(&remote(&dir)).await.unwrap();
    let mut expected = [&names[..], &[b"z link"]].concat();
    expected.sort_unstable();
    let listed: Vec<&[u8]> = listing.entries.iter().map(|e| &e.name[..]).collect();
    assert_eq!(listed, expected);
    let link = files.lstat(&at(b"z link")).await.unwrap();
    assert_eq!(link.kind(), Kind::Symlink);
    let leads = files.read_link(&at(b"z link")).await.unwrap();
    assert_eq!(leads, "../\u{e9} nowhere".as_bytes());
    assert_eq!(
        problem(files.stat(&at(b"z link")).await),
        FileProblem::Missing
    );
    assert_eq!(
        problem(files.list(&at(b"-rf")).await),
        FileProblem::NotDirectory("file")
    );
    let home = files.canonical(&RemotePath::home()).await.unwrap();
    assert_eq!(home, remote(&rig.home));
    let plain = files.canonical(&at(b"../dir/./a b")).await.unwrap();
    assert_eq!(plain, remote(dir.canonicalize().unwrap().join("a b")));
}

pub(crate) async fn only_regular_files_are_opened(rig: &Rig) {
    let files = session(rig).await;
    let fifo = rig.shelf.join("pipe");
    let made = std::process::Command::new("mkfifo").arg(&fifo).status();
    assert!(made.unwrap().success());
    let began = Instant::now();
    for (path, kind) in [
        (fifo.as_path(), "fifo"),
        (Path::new("/dev/zero"), "character device"),
        (&rig.shelf, "directory"),
    ] {
        let expected = FileProblem::NotRegular(kind);
        assert_eq!(problem(files.open(&remote(path)).await), expected);
        assert_eq!(problem(files.append(&remote(path), 0).await), expected);
    }
    assert!(began.elapsed() < Duration::from_secs(2));
    assert!(files.stat(&remote("/")).await.is_ok(), "nothing is stuck");
}

pub(crate) async fn operations_run_side_by_side_on_one_session(rig: &Rig) {
    let files = session(rig).await;
    let paths: Vec<_> = (0..40)
        .map(|n| (rig.shelf.join(format!("many {n}")), noise(n * 9_973)))
        .collect();
    for (path, bytes) in &paths {
        fs::write(path, bytes).unwrap();
        fs::set_permissions(path, fs::Permissions::from_mode(0o644)).unwrap();
    }
    let reads = paths.iter().map(async |(path, bytes)| {
        let reader = files.open(&remote(path)).await.unwrap();
        assert!(rest(reader).await == *bytes);
    });
    futures_util::future::join_all(reads).await;
}

pub(crate) async fn sessions_wait_for_each_other_and_none_fails(rig: &Rig) {
    let path = rig.shelf.join("one");
    fs::write(&path, b"1").unwrap();
    let once = async || {
        let files = session(rig).await;
        let reader = files.open(&remote(&path)).await.unwrap();
        assert_eq!(rest(reader).await, b"1");
    };
    futures_util::future::join_all((0..20).map(|_| once())).await;
    for _ in 0..30 {
        once().await;
    }
}
