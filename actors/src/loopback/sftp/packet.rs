//! The packets of SFTP version 3 (draft-ietf-secsh-filexfer-02) as a reading server needs them.
//!
//! Paths, names and handles are bytes. Every length a client sends is checked before it is used.

use bytes::{Buf, BufMut, Bytes, BytesMut};

/// `SSH_FXF_READ`, the one flag a file may be opened with (§6.3).
const FXF_READ: u32 = 1;

/// What a client asks for.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Request {
    /// The beginning of the conversation.
    Init,
    /// Anything else.
    Ask { id: u32, ask: Ask },
}

/// A request that is answered under its id.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Ask {
    Open(Bytes),
    Close(Bytes),
    Read {
        handle: Bytes,
        offset: u64,
        length: u32,
    },
    Lstat(Bytes),
    Fstat(Bytes),
    OpenDir(Bytes),
    ReadDir(Bytes),
    RealPath(Bytes),
    Stat(Bytes),
    ReadLink(Bytes),
    /// It would change something.
    Write,
    /// No operation of this version.
    Unknown,
}

impl Request {
    /// Reads a packet; nothing if it is shorter than it must be.
    pub(super) fn decode(mut packet: Bytes) -> Option<Self> {
        let kind = packet.try_get_u8().ok()?;
        let id = packet.try_get_u32().ok()?;
        let p = &mut packet;
        let ask = match kind {
            1 => return Some(Self::Init),
            3 => {
                let path = text(p)?;
                match p.try_get_u32().ok()? {
                    FXF_READ => Ask::Open(path),
                    _ => Ask::Write,
                }
            }
            4 => Ask::Close(text(p)?),
            5 => Ask::Read {
                handle: text(p)?,
                offset: p.try_get_u64().ok()?,
                length: p.try_get_u32().ok()?,
            },
            7 => Ask::Lstat(text(p)?),
            8 => Ask::Fstat(text(p)?),
            11 => Ask::OpenDir(text(p)?),
            12 => Ask::ReadDir(text(p)?),
            16 => Ask::RealPath(text(p)?),
            17 => Ask::Stat(text(p)?),
            19 => Ask::ReadLink(text(p)?),
            // WRITE, SETSTAT, FSETSTAT, REMOVE, MKDIR, RMDIR, RENAME, SYMLINK.
            6 | 9 | 10 | 13 | 14 | 15 | 18 | 20 => Ask::Write,
            _ => Ask::Unknown,
        };
        Some(Self::Ask { id, ask })
    }
}

fn text(packet: &mut Bytes) -> Option<Bytes> {
    let length = packet.try_get_u32().ok()? as usize;
    (length <= packet.len()).then(|| packet.split_to(length))
}

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

/// The answer to `INIT`: version 3, no extensions.
pub(super) fn version() -> Bytes {
    Bytes::from_static(&[0, 0, 0, 5, 2, 0, 0, 0, 3])
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
    use proptest::prelude::*;

    #[test]
    fn a_file_opened_for_more_than_reading_is_a_write() {
        let open = |flags: u8| {
            let packet = [
                3, 0, 0, 0, 9, 0, 0, 0, 2, b'/', b'a', 0, 0, 0, flags, 0, 0, 0, 0,
            ];
            Request::decode(Bytes::copy_from_slice(&packet))
        };
        let ask = Ask::Open(Bytes::from_static(b"/a"));
        assert_eq!(open(1), Some(Request::Ask { id: 9, ask }));
        for flags in [0, 2, 3, 1 | 8, 1 | 16] {
            let ask = Ask::Write;
            assert_eq!(open(flags), Some(Request::Ask { id: 9, ask }));
        }
    }

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

    proptest! {
        #[test]
        fn no_packet_breaks_the_reader(bytes in proptest::collection::vec(any::<u8>(), 0..60), kind in 0_u8..22) {
            let _ = Request::decode(Bytes::from([&[kind], bytes.as_slice()].concat()));
        }
    }
}
