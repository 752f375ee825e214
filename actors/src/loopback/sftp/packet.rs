//! The packets of SFTP version 3 (draft-ietf-secsh-filexfer-02) as a server needs them.
//!
//! Paths, names and handles are bytes. Every length a client sends is checked before it is used.

mod request;

pub(super) use request::{Ask, Change, Flags, Request};

use bytes::{BufMut, Bytes, BytesMut};

/// A status code (§7).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[repr(u32)]
pub(super) enum Code {
    Ok = 0,
    Eof = 1,
    NoSuchFile = 2,
    PermissionDenied = 3,
    Failure = 4,
    BadMessage = 5,
    Unsupported = 8,
}

/// Attributes, all of them (§5).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Attributes {
    pub(super) size: u64,
    pub(super) uid: u32,
    pub(super) gid: u32,
    pub(super) mode: u32,
    pub(super) accessed: u32,
    pub(super) modified: u32,
}

/// One name in an answer.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Name {
    pub(super) name: Vec<u8>,
    pub(super) long: Vec<u8>,
    /// Absent where the draft has dummies: `REALPATH` and `READLINK` (§6.10, §6.11).
    pub(super) attributes: Option<Attributes>,
}

/// What the server answers.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Reply {
    Status(Code, String),
    Handle(u32),
    Data(Vec<u8>),
    Names(Vec<Name>),
    Attributes(Attributes),
    /// What is taken and given at once, and kept open (OpenSSH `PROTOCOL`, 4.8).
    Limits {
        packet: u64,
        read: u64,
        write: u64,
        handles: u64,
    },
}

impl Reply {
    /// The packet, with its length.
    pub(super) fn encode(&self, id: u32) -> Bytes {
        let mut out = BytesMut::new();
        match self {
            Self::Status(code, message) => {
                head(&mut out, 101, id);
                out.put_u32(*code as u32);
                put(&mut out, message.as_bytes());
                put(&mut out, b"en");
            }
            Self::Handle(handle) => {
                head(&mut out, 102, id);
                put(&mut out, &handle.to_be_bytes());
            }
            Self::Data(data) => {
                head(&mut out, 103, id);
                put(&mut out, data);
            }
            Self::Names(names) => {
                head(&mut out, 104, id);
                out.put_u32(count(names.len()));
                for Name {
                    name,
                    long,
                    attributes,
                } in names
                {
                    put(&mut out, name);
                    put(&mut out, long);
                    match attributes {
                        Some(attributes) => attributes.put(&mut out),
                        None => out.put_u32(0),
                    }
                }
            }
            Self::Attributes(attributes) => {
                head(&mut out, 105, id);
                attributes.put(&mut out);
            }
            Self::Limits {
                packet,
                read,
                write,
                handles,
            } => {
                head(&mut out, 201, id);
                for limit in [packet, read, write, handles] {
                    out.put_u64(*limit);
                }
            }
        }
        sealed(out)
    }
}

impl Attributes {
    fn put(&self, out: &mut BytesMut) {
        // Size, owner, permissions and times are all there.
        out.put_u32(0b1111);
        out.put_u64(self.size);
        for number in [self.uid, self.gid, self.mode, self.accessed, self.modified] {
            out.put_u32(number);
        }
    }
}

/// The answer to `INIT`: version 3, and extensions in their first edition (OpenSSH `PROTOCOL`, 4).
pub(super) fn version() -> Bytes {
    let mut out = BytesMut::new();
    out.put_u32(0);
    out.put_u8(2);
    out.put_u32(3);
    for extension in [request::POSIX_RENAME, request::FSYNC, request::LIMITS] {
        put(&mut out, extension);
        put(&mut out, b"1");
    }
    sealed(out)
}

fn head(out: &mut BytesMut, kind: u8, id: u32) {
    out.put_u32(0);
    out.put_u8(kind);
    out.put_u32(id);
}

fn put(out: &mut BytesMut, bytes: &[u8]) {
    out.put_u32(count(bytes.len()));
    out.put_slice(bytes);
}

/// Enters the length of a packet at its front.
fn sealed(mut out: BytesMut) -> Bytes {
    let length = count(out.len() - 4);
    if let Some(field) = out.get_mut(..4) {
        field.copy_from_slice(&length.to_be_bytes());
    }
    out.freeze()
}

fn count(length: usize) -> u32 {
    u32::try_from(length).unwrap_or(u32::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn answers_have_the_layout_of_the_draft() {
        let end = Reply::Status(Code::Eof, "x".into()).encode(7);
        let expected = [0, 0, 0, 20, 101, 0, 0, 0, 7, 0, 0, 0, 1, 0, 0, 0, 1, b'x'];
        assert_eq!(end[..18], expected);
        let handle = Reply::Handle(258).encode(1);
        assert_eq!(
            *handle,
            [0, 0, 0, 13, 102, 0, 0, 0, 1, 0, 0, 0, 4, 0, 0, 1, 2]
        );
    }
}
