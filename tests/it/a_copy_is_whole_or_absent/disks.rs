//! A disk that fills up in the middle of a copy, on either side.

use std::path::Path;
use std::process::Command;

use super::{failed, on, overwrite, serve};
use crate::support::account::is_root;
use crate::support::client::Era;
use crate::support::fleet::Fleet;
use crate::support::yard::{Yard, chmod, fill, parts};

#[tokio::test]
async fn a_full_disk_keeps_what_it_had() {
    if !is_root() {
        eprintln!("SKIPPED: only root mounts a small disk");
        return;
    }
    let fleet = Fleet::start(1).await;
    let yard = Yard::new(&fleet);
    let small = yard.directory("small");
    let tiny = yard.here.join("tiny");
    std::fs::create_dir(&tiny).unwrap();
    let (_there, _here) = (Mounted::small(&small), Mounted::small(&tiny));
    chmod(&small, 0o777);
    let server = serve(&fleet, &yard).await;
    let client = server.client(Era::Modern);
    for (old, from, dir) in [
        (
            small.join("old"),
            yard.local("big", 4 << 20, 1).display().to_string(),
            &small,
        ),
        (
            tiny.join("old"),
            on("web-01", &yard.remote("big", 4 << 20, 2)),
            &tiny,
        ),
    ] {
        fill(&old, 1000, 5);
        yard.give(&old);
        let kept = std::fs::read(&old).unwrap();
        let to = match dir == &small {
            true => on("web-01", &old),
            false => old.display().to_string(),
        };
        let result = overwrite(&client, &from, &to).await;
        failed(&result, "no_space");
        assert_eq!(std::fs::read(&old).unwrap(), kept);
        assert_eq!(
            parts(dir),
            Vec::<std::path::PathBuf>::new(),
            "room is given back"
        );
    }
}

/// A file system of one MiB in memory, until it is dropped.
struct Mounted(std::path::PathBuf);

impl Mounted {
    fn small(at: &Path) -> Self {
        let mut mount = Command::new("mount");
        mount
            .args(["-t", "tmpfs", "-o", "size=1m", "tmpfs"])
            .arg(at);
        assert!(mount.status().unwrap().success());
        Self(at.into())
    }
}

impl Drop for Mounted {
    fn drop(&mut self) {
        let _ = Command::new("umount").arg("-l").arg(&self.0).status();
    }
}
