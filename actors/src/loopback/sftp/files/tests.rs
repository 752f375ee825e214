//! What the file system is asked for, and the statuses that come of it.

use super::*;
use crate::loopback::sftp::packet::{Change, Flags};
use bytes::Bytes;
use std::os::unix::fs::{PermissionsExt, symlink};

const READ: u32 = 1;
const WRITE: u32 = 2;
const NEW: u32 = 2 | 8 | 32;

fn open(path: &[u8], flags: u32) -> Ask {
    Ask::Open {
        path: Bytes::copy_from_slice(path),
        flags: Flags(flags),
        change: Change {
            mode: Some(0o640),
            ..Change::default()
        },
    }
}

fn status(reply: Reply) -> Code {
    match reply {
        Reply::Status(code, _) => code,
        other => panic!("{other:?}"),
    }
}

fn handle(reply: Reply) -> Bytes {
    match reply {
        Reply::Handle(handle) => Bytes::copy_from_slice(&handle.to_be_bytes()),
        other => panic!("{other:?}"),
    }
}

#[test]
fn handles_are_bounded_and_given_back() {
    let dir = tempfile::tempdir().unwrap();
    std::fs::write(dir.path().join("f"), b"12345").unwrap();
    let mut files = Files::new(dir.path().to_owned());
    let ask = || open(b"f", READ);
    let first = handle(files.answer(ask()));
    for _ in 1..HANDLES {
        handle(files.answer(ask()));
    }
    assert_eq!(status(files.answer(ask())), Code::Failure);
    let read = |handle: &Bytes, offset| Ask::Read {
        handle: handle.clone(),
        offset,
        length: 3,
    };
    assert_eq!(files.answer(read(&first, 3)), Reply::Data(b"45".to_vec()));
    assert_eq!(status(files.answer(read(&first, 5))), Code::Eof);
    assert_eq!(status(files.answer(Ask::Close(first.clone()))), Code::Ok);
    assert_eq!(
        status(files.answer(Ask::Close(first.clone()))),
        Code::Failure
    );
    assert_eq!(status(files.answer(read(&first, 0))), Code::Failure);
    let again = handle(files.answer(ask()));
    assert_ne!(again, first);
}

#[test]
fn paths_begin_at_home_and_links_are_told_apart() {
    let dir = tempfile::tempdir().unwrap();
    let home = dir.path().canonicalize().unwrap();
    symlink("nowhere", home.join("link")).unwrap();
    std::fs::create_dir(home.join("d")).unwrap();
    let mut files = Files::new(home.clone());
    let bytes = Bytes::from_static;
    let name = |path: &Path| named(path);
    assert_eq!(files.answer(Ask::RealPath(bytes(b"."))), name(&home));
    assert_eq!(
        files.answer(Ask::RealPath(bytes(b"d/../new"))),
        name(&home.join("new"))
    );
    assert_eq!(
        files.answer(Ask::ReadLink(bytes(b"link"))),
        name(Path::new("nowhere"))
    );
    assert!(matches!(
        files.answer(Ask::Lstat(bytes(b"link"))),
        Reply::Attributes(_)
    ));
    assert_eq!(
        status(files.answer(Ask::Stat(bytes(b"link")))),
        Code::NoSuchFile
    );
    assert_eq!(status(files.answer(open(b"d", READ))), Code::Failure);
    assert_eq!(status(files.answer(Ask::Unknown)), Code::Unsupported);
    let open = handle(files.answer(Ask::OpenDir(bytes(b"."))));
    assert!(matches!(files.answer(Ask::ReadDir(open.clone())), Reply::Names(n) if n.len() == 2));
    assert_eq!(status(files.answer(Ask::ReadDir(open))), Code::Eof);
}

#[test]
fn what_is_written_is_there_and_nothing_is_replaced_unasked() {
    let dir = tempfile::tempdir().unwrap();
    let home = dir.path();
    let mut files = Files::new(home.to_owned());
    let b = Bytes::from_static;
    let write = |handle: &Bytes, offset, data| Ask::Write {
        handle: handle.clone(),
        offset,
        data: b(data),
    };
    let new = handle(files.answer(open(b"new", NEW)));
    assert_eq!(status(files.answer(open(b"new", NEW))), Code::Failure);
    for (offset, data) in [(3, &b"def"[..]), (0, b"abc")] {
        assert_eq!(status(files.answer(write(&new, offset, data))), Code::Ok);
    }
    assert_eq!(status(files.answer(Ask::Fsync(new.clone()))), Code::Ok);
    assert_eq!(std::fs::read(home.join("new")).unwrap(), b"abcdef");
    let change = Change {
        size: Some(2),
        mode: Some(0o600),
        times: Some((1, 2)),
        owner: None,
    };
    let set = Ask::FsetStat(new.clone(), change);
    assert_eq!(status(files.answer(set)), Code::Ok);
    assert_eq!(status(files.answer(Ask::Close(new))), Code::Ok);
    let there = home.join("new").metadata().unwrap();
    assert_eq!((there.len(), there.mtime()), (2, 2));
    assert_eq!(there.permissions().mode() & 0o777, 0o600);
    std::fs::write(home.join("old"), b"old").unwrap();
    let renamed = files.answer(Ask::Rename(b(b"new"), b(b"old")));
    assert_eq!(status(renamed), Code::Failure);
    assert_eq!(std::fs::read(home.join("old")).unwrap(), b"old");
    let renamed = files.answer(Ask::Rename(b(b"new"), b(b"free")));
    assert_eq!(status(renamed), Code::Ok);
    let replaced = files.answer(Ask::PosixRename(b(b"free"), b(b"old")));
    assert_eq!(status(replaced), Code::Ok);
    assert_eq!(std::fs::read(home.join("old")).unwrap(), b"ab");
    let reader = handle(files.answer(open(b"old", READ)));
    let denied = files.answer(write(&reader, 0, b"x"));
    assert_eq!(status(denied), Code::NoSuchFile, "EBADF, as OpenSSH has it");
}

#[test]
fn directories_and_attributes_change_as_asked() {
    let dir = tempfile::tempdir().unwrap();
    let mut files = Files::new(dir.path().to_owned());
    let b = Bytes::from_static;
    let mode = Change {
        mode: Some(0o700),
        ..Change::default()
    };
    let mut is = |ask, code| assert_eq!(status(files.answer(ask)), code);
    is(Ask::MakeDir(b(b"d"), mode), Code::Ok);
    is(Ask::MakeDir(b(b"d"), mode), Code::Failure);
    is(Ask::MakeDir(b(b"no/d"), mode), Code::NoSuchFile);
    std::fs::write(dir.path().join("d/f"), b"12345").unwrap();
    is(Ask::RemoveDir(b(b"d")), Code::Failure);
    is(Ask::Rename(b(b"d"), b(b"e")), Code::Ok);
    is(Ask::Rename(b(b"e/f"), b(b"e")), Code::Failure);
    let change = Change {
        size: Some(3),
        times: Some((5, 7)),
        ..mode
    };
    is(Ask::SetStat(b(b"e/f"), change), Code::Ok);
    let there = dir.path().join("e/f").metadata().unwrap();
    assert_eq!((there.len(), there.atime(), there.mtime()), (3, 5, 7));
    is(Ask::SetStat(b(b"nothing"), mode), Code::NoSuchFile);
    is(open(b"nothing", WRITE), Code::NoSuchFile);
    is(open(b"e", WRITE), Code::Failure);
    is(Ask::Remove(b(b"e/f")), Code::Ok);
    is(Ask::Remove(b(b"e/f")), Code::NoSuchFile);
    is(Ask::RemoveDir(b(b"e")), Code::Ok);
}

#[test]
fn a_fifo_is_opened_neither_to_read_nor_to_write() {
    let dir = tempfile::tempdir().unwrap();
    nix::unistd::mkfifo(&dir.path().join("p"), nix::sys::stat::Mode::S_IRWXU).unwrap();
    let mut files = Files::new(dir.path().to_owned());
    for flags in [READ, WRITE, READ | WRITE, WRITE | 8, NEW, WRITE | 16] {
        assert_eq!(status(files.answer(open(b"p", flags))), Code::Failure);
    }
}
