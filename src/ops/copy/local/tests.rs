//! The side of this machine, on a real disk.

use super::*;
use crate::ops::copy::places::LocalPlaces;
use std::os::unix::fs::{PermissionsExt, symlink};
use std::path::Path;

fn side(root: &Path) -> Local {
    let places = LocalPlaces::within(&[root.into()]).unwrap();
    Local::new(&places.source(root).unwrap())
}

fn at(path: &str) -> Below {
    path.split('/')
        .fold(Below::here(), |at, name| at.child(name.as_bytes()).unwrap())
}

#[tokio::test]
async fn a_new_name_never_replaces_and_an_old_one_is_replaced_when_asked() {
    let dir = tempfile::tempdir().unwrap();
    std::fs::write(dir.path().join("new"), "new").unwrap();
    std::fs::write(dir.path().join("old"), "old").unwrap();
    let side = side(dir.path());
    let refused = side
        .rename(&at("new"), &at("old"), false)
        .await
        .unwrap_err();
    assert_eq!(refused.code, "exists");
    side.rename(&at("new"), &at("old"), true).await.unwrap();
    assert_eq!(std::fs::read(dir.path().join("old")).unwrap(), b"new");
    side.rename(&at("old"), &at("third"), false).await.unwrap();
    assert_eq!(side.look(&at("old")).await.unwrap(), None);
}

#[tokio::test]
async fn a_fifo_is_refused_at_once_and_a_link_is_not_followed() {
    let dir = tempfile::tempdir().unwrap();
    nix::unistd::mkfifo(&dir.path().join("pipe"), nix::sys::stat::Mode::S_IRWXU).unwrap();
    std::fs::write(dir.path().join("file"), "x").unwrap();
    symlink("file", dir.path().join("link")).unwrap();
    let side = side(dir.path());
    let within = std::time::Duration::from_secs(5);
    let opened = tokio::time::timeout(within, side.open(&at("pipe"))).await;
    let refused = opened.expect("it does not block").unwrap_err();
    assert!(refused.message.contains("fifo"), "{}", refused.message);
    assert_eq!(
        side.open(&at("link")).await.unwrap_err().code,
        "local_not_allowed"
    );
    assert_eq!(
        side.append(&at("link")).await.unwrap_err().code,
        "local_not_allowed"
    );
    assert!(side.open(&at("file")).await.is_ok());
}

#[test]
fn a_place_is_one_however_it_is_written() {
    let dir = tempfile::tempdir().unwrap();
    let root = |name: &str| dir.path().join(name);
    for name in ["one", "two"] {
        std::fs::create_dir(root(name)).unwrap();
    }
    symlink("one", root("link")).unwrap();
    let places = LocalPlaces::within(&["one", "two", "link"].map(root)).unwrap();
    let place = |path: &str| {
        let spot = places.target(&root(path)).unwrap();
        Local::new(&spot).place(&Below::here())
    };
    assert_eq!(place("one/./a//b"), place("link/a/b"));
    assert_ne!(place("one/a"), place("two/a"));
    let spot = places.target(&root("one/a")).unwrap();
    let (above, name) = Local::above(&spot).unwrap();
    assert_eq!(above.place(&name), place("one/a"));
}

#[tokio::test]
async fn what_has_a_second_name_is_not_written_on() {
    let dir = tempfile::tempdir().unwrap();
    std::fs::write(dir.path().join("a"), "x").unwrap();
    let side = side(dir.path());
    assert!(side.append(&at("a")).await.is_ok());
    std::fs::hard_link(dir.path().join("a"), dir.path().join("b")).unwrap();
    assert!(side.append(&at("a")).await.is_err());
}

#[cfg(target_os = "linux")]
#[tokio::test]
async fn hashing_ends_when_nobody_waits_for_it() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().canonicalize().unwrap().join("f");
    // Hours of work, and no room on the disk.
    File::create(&path).unwrap().set_len(1 << 40).unwrap();
    let is_open = || {
        let open = std::fs::read_dir("/proc/self/fd").unwrap();
        let mut open = open.filter_map(|fd| std::fs::read_link(fd.ok()?.path()).ok());
        open.any(|open| open == path)
    };
    let wait = |state| async move {
        for _ in 0..500 {
            if is_open() == state {
                return true;
            }
            tokio::time::sleep(std::time::Duration::from_millis(10)).await;
        }
        false
    };
    let (side, f) = (side(dir.path()), at("f"));
    tokio::select! {
        _ = side.sha256(&f) => panic!("it cannot be done yet"),
        begun = wait(true) => assert!(begun),
    }
    let ended = wait(false).await;
    // Else a failed test would not end either.
    let file = File::options().write(true).open(&path).unwrap();
    file.set_len(0).unwrap();
    assert!(ended, "it goes on");
}

#[tokio::test]
async fn a_new_file_is_private_until_it_is_sealed() {
    let dir = tempfile::tempdir().unwrap();
    let side = side(dir.path());
    drop(side.create(&at("f")).await.unwrap());
    let mode = |name: &str| {
        let metadata = std::fs::metadata(dir.path().join(name)).unwrap();
        metadata.permissions().mode() & 0o7777
    };
    assert_eq!(mode("f"), 0o600);
    assert_eq!(side.create(&at("f")).await.unwrap_err().code, "exists");
    let times = Times {
        accessed: 2_000_000,
        modified: 1_000_000,
    };
    side.seal(&at("f"), 0o754, times).await.unwrap();
    let seen = side.look(&at("f")).await.unwrap().unwrap();
    assert_eq!((mode("f"), seen.modified), (0o754, 1_000_000));
    assert_eq!(seen.accessed, 2_000_000);
    side.remove(&at("f")).await.unwrap();
    side.make_directory(&at("d"), 0o700).await.unwrap();
    assert_eq!(side.list(&Below::here(), 9).await.unwrap().len(), 1);
}
