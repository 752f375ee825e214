//! What a read asks of a real OpenSSH, and what becomes of the host when a path is no longer what
//! it was a moment ago.

use crate::openssh::{Account, rig_with};
use crate::rig::{Rig, shell, start, text};
use fleet::FleetError;
use fleet::error::FileProblem;
use fleet::file::{Entry, Found, Kind, Want};
use std::ffi::OsStr;
use std::fs;
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::{PermissionsExt, symlink};
use std::path::Path;
use std::process::Command as Process;
use std::time::{Duration, Instant};

const STAT: u8 = 17;
const OPEN: u8 = 3;
const CLOSE: u8 = 4;
const READ: u8 = 5;
const OPENDIR: u8 = 11;
const READDIR: u8 = 12;

const SERVER: &str = "/usr/lib/openssh/sftp-server";

/// The kinds of the requests in a log of what a server was sent, behind the greeting.
fn kinds(log: &Path) -> Vec<u8> {
    let bytes = fs::read(log).unwrap();
    let (mut left, mut kinds) = (&bytes[..], Vec::new());
    while let Some((length, rest)) = left.split_first_chunk() {
        let length = u32::from_be_bytes(*length) as usize;
        kinds.push(rest[0]);
        left = &rest[length..];
    }
    kinds.split_off(1)
}

fn bytes_of(found: Result<Found, FleetError>) -> Vec<u8> {
    match found.unwrap() {
        Found::File(content) => content.bytes,
        other => panic!("{other:?}"),
    }
}

fn is_fifo(found: Result<Found, FleetError>) -> bool {
    let fifo = FileProblem::NotRegular("fifo");
    matches!(found, Err(FleetError::File(error)) if error.problem == fifo)
}

/// Puts a FIFO in the place of a file, in one step.
fn becomes_fifo(path: &str) {
    let made = format!("{path}.new");
    assert!(
        Process::new("mkfifo")
            .arg(&made)
            .status()
            .unwrap()
            .success()
    );
    fs::rename(made, path).unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_known_file_takes_four_requests_and_the_handle_is_always_as_foretold() {
    let dir = tempfile::tempdir().unwrap();
    fs::set_permissions(dir.path(), fs::Permissions::from_mode(0o777)).unwrap();
    let log = dir.path().join("log");
    let spy = format!("Subsystem sftp tee -a {} | {SERVER}\n", log.display());
    let rig = rig_with(Account::Own, &spy).await;
    let path = rig.shelved("file");
    fs::write(&path, b"content").unwrap();
    // What nobody waits for comes behind the answer: the log has it once it grows no more.
    let still = async || {
        let mut seen = kinds(&log);
        loop {
            tokio::time::sleep(Duration::from_millis(200)).await;
            let now = kinds(&log);
            if now.len() == seen.len() {
                return now;
            }
            seen = now;
        }
    };
    let asked = async |path: &str| {
        let before = still().await.len();
        assert!(rig.read(path).await.is_ok());
        still().await.split_off(before)
    };
    // The first one finds out what kind of server it is.
    assert!(rig.read(&path).await.is_ok());
    for _ in 0..3 {
        assert_eq!(asked(&path).await, [STAT, OPEN, READ, CLOSE]);
    }
    let other = rig.shelved("other");
    fs::write(&other, b"content").unwrap();
    let look = [STAT, OPENDIR, READDIR, READDIR, CLOSE];
    let unknown = [&look[..], &[OPEN, READ, CLOSE]].concat();
    assert_eq!(asked(&other).await, unknown);
    let shelf = rig.shelf.to_str().unwrap();
    assert_eq!(asked(shelf).await, look);
    // Reads of all kinds at once leave the table of handles as it is known to be.
    let (large, many) = (rig.shelved("large"), rig.shelf.join("many"));
    fs::write(&large, vec![7; 3 << 20]).unwrap();
    fs::create_dir(&many).unwrap();
    for n in 0..1_800 {
        fs::write(many.join(n.to_string()), b"").unwrap();
    }
    let paths = [
        &path,
        &large,
        "/proc/self/status",
        many.to_str().unwrap(),
        shelf,
    ];
    for _ in 0..4 {
        let reads = paths.iter().cycle().take(30).map(|path| rig.read(path));
        for read in futures_util::future::join_all(reads).await {
            assert!(read.is_ok());
        }
    }
    assert_eq!(asked(&path).await, [STAT, OPEN, READ, CLOSE]);
}

/// The SFTP servers of the connection: processes of their own, or sshd's.
async fn servers(rig: &Rig) -> usize {
    let line = "cat /proc/[0-9]*/stat 2>/dev/null | sed -n 's/^[0-9]* (s[fs][ht][dp][^)]*) [A-Z] //p' \
                | awk -v p=$PPID '$1 == p' | wc -l";
    let ran = rig.run(shell(line)).await;
    text(&ran).0.trim().parse().unwrap()
}

/// Waits until there is no more than one of them.
async fn at_most_one_server(rig: &Rig) {
    let began = Instant::now();
    while servers(rig).await > 1 {
        assert!(began.elapsed() < Duration::from_secs(15));
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
}

async fn a_file_that_became_a_fifo_is_told_and_leaves_nothing_behind(
    account: Account,
    lines: &str,
) {
    let rig = rig_with(account, lines).await;
    let (path, other) = (rig.shelved("file"), rig.shelved("other"));
    let shared = |path: &str, mode| {
        fs::set_permissions(path, fs::Permissions::from_mode(mode)).unwrap();
    };
    fs::write(&other, vec![7; 900_000]).unwrap();
    for _ in 0..3 {
        let _gone = fs::remove_file(&path);
        fs::write(&path, b"content").unwrap();
        shared(&path, 0o666);
        assert_eq!(bytes_of(rig.read(&path).await), b"content");
        at_most_one_server(&rig).await;
        becomes_fifo(&path);
        shared(&path, 0o666);
        let began = Instant::now();
        let others = futures_util::future::join_all((0..8).map(|_| rig.read(&other)));
        let (fifo, others) = tokio::join!(rig.read(&path), others);
        assert!(is_fifo(fifo));
        for read in others {
            assert_eq!(bytes_of(read).len(), 900_000);
        }
        assert!(began.elapsed() < Duration::from_secs(10));
        // The server that stood still has come to its end.
        at_most_one_server(&rig).await;
        assert!(is_fifo(rig.read(&path).await));
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_fifo_in_the_place_of_a_file_stops_no_server_inside_sshd() {
    let lines = "Subsystem sftp internal-sftp\n";
    a_file_that_became_a_fifo_is_told_and_leaves_nothing_behind(Account::Own, lines).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_fifo_in_the_place_of_a_file_stops_no_server_of_its_own() {
    // Two channels: the stuck server's place is needed again.
    let lines = format!("Subsystem sftp {SERVER}\nMaxSessions 2\n");
    a_file_that_became_a_fifo_is_told_and_leaves_nothing_behind(Account::Plain, &lines).await;
}

pub(crate) async fn a_directory_without_sftp_has_every_name_and_kind(rig: &Rig) {
    let dir = rig.shelf.join("dir");
    fs::create_dir_all(dir.join("sub/deep")).unwrap();
    let names: [&[u8]; 4] = [b"-n x", b"a\n*", b"\xff", b"~"];
    for name in names {
        fs::write(dir.join(OsStr::from_bytes(name)), name).unwrap();
    }
    symlink("nowhere", dir.join("link")).unwrap();
    becomes_fifo(dir.join("pipe").to_str().unwrap());
    let Found::Directory(listing, _) = rig.read(dir.to_str().unwrap()).await.unwrap() else {
        panic!("it is a directory");
    };
    let found = |entry: &Entry| (entry.name.clone(), entry.attributes.kind());
    let mut expected: Vec<_> = names.map(|name| (name.to_vec(), Kind::File)).into();
    expected.push((b"link".to_vec(), Kind::Symlink));
    expected.push((b"pipe".to_vec(), Kind::Fifo));
    expected.push((b"sub".to_vec(), Kind::Directory));
    expected.sort_by(|a, b| a.0.cmp(&b.0));
    let found: Vec<_> = listing.entries.iter().map(found).collect();
    assert_eq!(found, expected);
    let large = rig.shelved("large");
    let bytes = crate::transfers::noise(3_000_000);
    fs::write(&large, &bytes).unwrap();
    let read = bytes_of(rig.read(&large).await);
    assert!(read == bytes[..1 << 20]);
    let odd = listing.entries.iter().find(|entry| entry.name == b"-n x");
    let odd = odd.unwrap().attributes;
    assert!(odd.size == Some(4) && odd.modified.is_some());
    // One that may not be entered is marked in a tree, and refused by itself.
    let closed = dir.join("sub/deep");
    fs::set_permissions(&closed, fs::Permissions::from_mode(0o700)).unwrap();
    let want = Want {
        tree: Some(9),
        ..start(1)
    };
    let Found::Tree(tree, _) = rig.read_as(dir.to_str().unwrap(), want).await.unwrap() else {
        panic!("it is a tree");
    };
    let is_foreign = nix::unistd::geteuid().is_root();
    let unreadable = tree.nodes.iter().filter(|node| node.unreadable).count();
    assert_eq!(unreadable, usize::from(is_foreign));
    if is_foreign {
        let FleetError::File(error) = rig.read(closed.to_str().unwrap()).await.unwrap_err() else {
            panic!("it is refused");
        };
        assert_eq!(error.problem, FileProblem::Denied);
    }
}
