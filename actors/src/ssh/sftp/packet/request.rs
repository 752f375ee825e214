//! What is asked of a host, as bytes.

use crate::file::Times;
use bytes::{BufMut, Bytes, BytesMut};

const INIT: u8 = 1;
const OPEN: u8 = 3;
const CLOSE: u8 = 4;
const READ: u8 = 5;
const WRITE: u8 = 6;
const LSTAT: u8 = 7;
const FSTAT: u8 = 8;
const SETSTAT: u8 = 9;
const OPENDIR: u8 = 11;
const READDIR: u8 = 12;
const REMOVE: u8 = 13;
const MKDIR: u8 = 14;
const RMDIR: u8 = 15;
const REALPATH: u8 = 16;
const STAT: u8 = 17;
const RENAME: u8 = 18;
const READLINK: u8 = 19;
const EXTENDED: u8 = 200;

/// What a file is opened for (`SSH_FXF_…`, §6.3).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[repr(u32)]
pub(in crate::ssh::sftp) enum Access {
    /// `READ`.
    Read = 1,
    /// `WRITE`: what is there stays, but for what is written over it.
    Write = 2,
    /// `READ` and `WRITE`.
    Both = 1 | 2,
    /// `WRITE`, `CREAT` and `EXCL`: it must not exist.
    Create = 2 | 8 | 32,
}

/// Attributes to be set (§5); what is absent stays as it is.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(in crate::ssh::sftp) struct Change {
    pub(in crate::ssh::sftp) mode: Option<u32>,
    pub(in crate::ssh::sftp) times: Option<Times>,
}

impl Change {
    fn put(&self, out: &mut BytesMut) {
        let flag = |bit: u32, is_there: bool| if is_there { bit } else { 0 };
        out.put_u32(flag(4, self.mode.is_some()) | flag(8, self.times.is_some()));
        if let Some(mode) = self.mode {
            out.put_u32(mode);
        }
        if let Some(Times { accessed, modified }) = self.times {
            out.put_u32(accessed);
            out.put_u32(modified);
        }
    }
}

/// A request, without its id.
#[derive(Debug, Clone, Copy)]
pub(in crate::ssh::sftp) enum Request<'a> {
    Open {
        path: &'a [u8],
        access: Access,
        change: Change,
    },
    Close(&'a [u8]),
    Read {
        handle: &'a [u8],
        offset: u64,
        length: u32,
    },
    /// Its `length` bytes of data follow the packet that [`encode`](Self::encode) gives.
    Write {
        handle: &'a [u8],
        offset: u64,
        length: u32,
    },
    Stat(&'a [u8]),
    Lstat(&'a [u8]),
    Fstat(&'a [u8]),
    SetStat(&'a [u8], Change),
    OpenDir(&'a [u8]),
    ReadDir(&'a [u8]),
    RealPath(&'a [u8]),
    ReadLink(&'a [u8]),
    MakeDir(&'a [u8], Change),
    RemoveDir(&'a [u8]),
    Remove(&'a [u8]),
    /// Fails where something is at the new path (§6.5).
    Rename(&'a [u8], &'a [u8]),
    /// Replaces what is at the new path, in one step (OpenSSH `PROTOCOL`, 4.3).
    PosixRename(&'a [u8], &'a [u8]),
    /// Waits until the file is on its disk (OpenSSH `PROTOCOL`, 4.6).
    Fsync(&'a [u8]),
    /// Asks how full the file system is (OpenSSH `PROTOCOL`, 4.4).
    StatVfs(&'a [u8]),
    /// Asks what the server takes (OpenSSH `PROTOCOL`, 4.8).
    Limits,
}

impl Request<'_> {
    /// Appends the packet to `out`.
    pub(in crate::ssh::sftp) fn encode(&self, id: u32, out: &mut BytesMut) {
        let start = out.len();
        out.put_u32(0);
        let mut behind = 0;
        let mut put = |kind: u8, text: &[u8]| {
            out.put_u8(kind);
            out.put_u32(id);
            put_text(out, text);
        };
        match *self {
            Self::Open {
                path,
                access,
                change,
            } => {
                put(OPEN, path);
                out.put_u32(access as u32);
                change.put(out);
            }
            Self::Close(handle) => put(CLOSE, handle),
            Self::Read {
                handle,
                offset,
                length,
            } => {
                put(READ, handle);
                out.put_u64(offset);
                out.put_u32(length);
            }
            Self::Write {
                handle,
                offset,
                length,
            } => {
                put(WRITE, handle);
                out.put_u64(offset);
                out.put_u32(length);
                behind = length as usize;
            }
            Self::Stat(path) => put(STAT, path),
            Self::Lstat(path) => put(LSTAT, path),
            Self::Fstat(handle) => put(FSTAT, handle),
            Self::SetStat(path, change) => {
                put(SETSTAT, path);
                change.put(out);
            }
            Self::OpenDir(path) => put(OPENDIR, path),
            Self::ReadDir(handle) => put(READDIR, handle),
            Self::RealPath(path) => put(REALPATH, path),
            Self::ReadLink(path) => put(READLINK, path),
            Self::MakeDir(path, change) => {
                put(MKDIR, path);
                change.put(out);
            }
            Self::RemoveDir(path) => put(RMDIR, path),
            Self::Remove(path) => put(REMOVE, path),
            Self::Rename(from, to) => {
                put(RENAME, from);
                put_text(out, to);
            }
            Self::PosixRename(from, to) => {
                put(EXTENDED, b"posix-rename@openssh.com");
                put_text(out, from);
                put_text(out, to);
            }
            Self::Fsync(handle) => {
                put(EXTENDED, b"fsync@openssh.com");
                put_text(out, handle);
            }
            Self::StatVfs(path) => {
                put(EXTENDED, b"statvfs@openssh.com");
                put_text(out, path);
            }
            Self::Limits => put(EXTENDED, b"limits@openssh.com"),
        }
        let length = u32::try_from(out.len() - start - 4 + behind).unwrap_or(u32::MAX);
        if let Some(field) = out.get_mut(start..start + 4) {
            field.copy_from_slice(&length.to_be_bytes());
        }
    }
}

/// The packet that opens the conversation: version 3.
pub(in crate::ssh::sftp) fn init() -> Bytes {
    Bytes::from_static(&[0, 0, 0, 5, INIT, 0, 0, 0, 3])
}

fn put_text(out: &mut BytesMut, text: &[u8]) {
    out.put_u32(u32::try_from(text.len()).unwrap_or(u32::MAX));
    out.put_slice(text);
}

#[cfg(test)]
mod tests {
    use super::*;
    use bytes::Buf;
    use proptest::prelude::*;

    fn encoded(request: Request<'_>) -> BytesMut {
        let mut out = BytesMut::new();
        request.encode(7, &mut out);
        out
    }

    #[test]
    fn requests_have_the_layout_of_the_draft() {
        let open = |access, change| {
            encoded(Request::Open {
                path: b"/a",
                access,
                change,
            })
        };
        assert_eq!(
            &*open(Access::Read, Change::default()),
            [
                0, 0, 0, 19, 3, 0, 0, 0, 7, 0, 0, 0, 2, b'/', b'a', 0, 0, 0, 1, 0, 0, 0, 0
            ]
        );
        let mode = Change {
            mode: Some(0o600),
            ..Change::default()
        };
        assert_eq!(
            open(Access::Create, mode)[15..],
            [0, 0, 0, 42, 0, 0, 0, 4, 0, 0, 1, 128]
        );
        let handle = Bytes::from_static(b"h");
        let read = Request::Read {
            handle: &handle,
            offset: 1,
            length: 2,
        };
        assert_eq!(encoded(read).len(), 4 + 22);
        let write = Request::Write {
            handle: &handle,
            offset: 1,
            length: 1000,
        };
        let mut write = encoded(write);
        assert_eq!(
            (write.get_u32(), write.len()),
            (22 + 1000, 22),
            "the data follows"
        );
        let mut fsync = encoded(Request::Fsync(&handle));
        assert_eq!(fsync.get_u32() as usize, fsync.len());
        assert_eq!(fsync[..9], [200, 0, 0, 0, 7, 0, 0, 0, 17]);
        assert_eq!(fsync[9..], *b"fsync@openssh.com\0\0\0\x01h");
    }

    #[test]
    fn only_what_changes_is_in_a_change() {
        let change = Change {
            mode: None,
            times: Some(Times {
                accessed: 3,
                modified: 2,
            }),
        };
        let mut packet = encoded(Request::SetStat(b"", change));
        packet.advance(13);
        assert_eq!(*packet, [0, 0, 0, 8, 0, 0, 0, 3, 0, 0, 0, 2]);
    }

    proptest! {
        #[test]
        fn names_go_out_as_they_are(from in proptest::collection::vec(any::<u8>(), 0..40), to in proptest::collection::vec(any::<u8>(), 0..40)) {
            for (request, head) in [
                (Request::Rename(&from, &to), 5),
                (Request::PosixRename(&from, &to), 5 + 4 + 24),
            ] {
                let mut packet = encoded(request);
                prop_assert_eq!(packet.get_u32() as usize, packet.len());
                packet.advance(head);
                for name in [&from, &to] {
                    let length = packet.get_u32() as usize;
                    prop_assert_eq!(&packet.split_to(length)[..], &name[..]);
                }
                prop_assert!(packet.is_empty());
            }
        }
    }
}
