//! The packets of SFTP version 3 (draft-ietf-secsh-filexfer-02), as far as reading needs them.
//!
//! Names and handles are bytes, never text: a name that is not UTF-8 can be listed and opened.
//! Every length a host sends is checked before it is used.

use crate::file::{Attributes, Entry};
use bytes::{Buf, BufMut, Bytes, BytesMut};

pub(super) const INIT: u8 = 1;
pub(super) const VERSION: u8 = 2;
pub(super) const OPEN: u8 = 3;
pub(super) const CLOSE: u8 = 4;
pub(super) const READ: u8 = 5;
pub(super) const OPENDIR: u8 = 11;
pub(super) const READDIR: u8 = 12;
pub(super) const STAT: u8 = 17;
const STATUS: u8 = 101;
const HANDLE: u8 = 102;
const DATA: u8 = 103;
const NAME: u8 = 104;
const ATTRS: u8 = 105;

/// `SSH_FXF_READ`.
const FXF_READ: u32 = 1;

/// The longest name taken, in bytes. Linux allows 255 (`NAME_MAX`, limits.h), others a few more.
const MAX_NAME: usize = 1024;

/// Bytes kept of the line that describes an entry; OpenSSH's has its name and some 60 more.
const MAX_LONG: usize = 2 * MAX_NAME;

/// Status codes (§7).
pub(super) const FX_EOF: u32 = 1;
pub(super) const FX_NO_SUCH_FILE: u32 = 2;
pub(super) const FX_PERMISSION_DENIED: u32 = 3;

/// A host that breaks the protocol, and how.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Malformed(pub(super) &'static str);

/// A handle of the host's.
pub(super) type Handle = Bytes;

/// What a host answers.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Reply {
    Status { code: u32, message: String },
    Handle(Handle),
    Data(Bytes),
    Names(Vec<Entry>),
    Attributes(Attributes),
}

/// A request, without its id.
#[derive(Debug, Clone, Copy)]
pub(super) enum Request<'a> {
    Open(&'a [u8]),
    Close(&'a Handle),
    Read {
        handle: &'a Handle,
        offset: u64,
        length: u32,
    },
    OpenDir(&'a [u8]),
    ReadDir(&'a Handle),
    Stat(&'a [u8]),
}

impl Request<'_> {
    /// Appends the packet to `out`.
    pub(super) fn encode(&self, id: u32, out: &mut BytesMut) {
        let start = out.len();
        out.put_u32(0);
        let mut put = |kind: u8, text: &[u8]| {
            out.put_u8(kind);
            out.put_u32(id);
            out.put_u32(u32::try_from(text.len()).unwrap_or(u32::MAX));
            out.put_slice(text);
        };
        match *self {
            Self::Open(path) => {
                put(OPEN, path);
                out.put_u32(FXF_READ);
                out.put_u32(0);
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
            Self::OpenDir(path) => put(OPENDIR, path),
            Self::ReadDir(handle) => put(READDIR, handle),
            Self::Stat(path) => put(STAT, path),
        }
        let length = u32::try_from(out.len() - start - 4).unwrap_or(u32::MAX);
        if let Some(field) = out.get_mut(start..start + 4) {
            field.copy_from_slice(&length.to_be_bytes());
        }
    }
}

/// The packet that opens the conversation.
pub(super) fn init() -> Bytes {
    Bytes::from_static(&[0, 0, 0, 5, INIT, 0, 0, 0, 3])
}

/// Reads the host's answer to [`init`]: the names of its extensions.
pub(super) fn version(mut packet: Bytes) -> Result<Vec<Bytes>, Malformed> {
    let short = Malformed("its version packet is short");
    if packet.try_get_u8() != Ok(VERSION) {
        return Err(Malformed("it did not answer with its version"));
    }
    let version = packet.try_get_u32().map_err(|_| short)?;
    if version < 3 {
        return Err(Malformed("its version is older than 3"));
    }
    let mut extensions = Vec::new();
    while packet.has_remaining() {
        extensions.push(text(&mut packet)?);
        text(&mut packet)?;
    }
    Ok(extensions)
}

/// Reads an answer and the id of its request.
pub(super) fn reply(mut packet: Bytes) -> Result<(u32, Reply), Malformed> {
    let kind = packet.try_get_u8().map_err(|_| SHORT)?;
    let id = number(&mut packet)?;
    let reply = match kind {
        STATUS => {
            let code = number(&mut packet)?;
            // Servers of old leave the message out (OpenSSH accepts that too).
            let message = text(&mut packet).unwrap_or_default();
            Reply::Status {
                code,
                message: String::from_utf8_lossy(&message).into_owned(),
            }
        }
        HANDLE => match text(&mut packet)? {
            handle if handle.len() <= 256 => Reply::Handle(handle),
            _ => return Err(Malformed("a handle is longer than 256 bytes")),
        },
        DATA => Reply::Data(text(&mut packet)?),
        NAME => Reply::Names(names(&mut packet)?),
        ATTRS => Reply::Attributes(attributes(&mut packet)?),
        _ => return Err(Malformed("an answer is of no known type")),
    };
    Ok((id, reply))
}

const SHORT: Malformed = Malformed("a packet is shorter than it says");

fn number(packet: &mut Bytes) -> Result<u32, Malformed> {
    packet.try_get_u32().map_err(|_| SHORT)
}

fn text(packet: &mut Bytes) -> Result<Bytes, Malformed> {
    let length = number(packet)? as usize;
    if length > packet.len() {
        return Err(SHORT);
    }
    Ok(packet.split_to(length))
}

fn names(packet: &mut Bytes) -> Result<Vec<Entry>, Malformed> {
    let count = number(packet)?;
    let mut entries = Vec::new();
    for _ in 0..count {
        // Each takes 12 bytes at least, so a count that lies runs out of packet here.
        let name = text(packet)?;
        let mut long = text(packet)?;
        long.truncate(MAX_LONG);
        let attributes = attributes(packet)?;
        if name.is_empty() || name.contains(&0) || name.contains(&b'/') {
            return Err(Malformed("a name in a directory has a slash or NUL"));
        }
        if name.len() > MAX_NAME {
            return Err(Malformed("a name in a directory is longer than 1024 bytes"));
        }
        if !matches!(&*name, b"." | b"..") {
            entries.push(Entry {
                name: name.to_vec(),
                attributes,
                long: long.to_vec(),
            });
        }
    }
    Ok(entries)
}

fn attributes(packet: &mut Bytes) -> Result<Attributes, Malformed> {
    let flags = number(packet)?;
    let mut attributes = Attributes::default();
    if flags & 1 != 0 {
        attributes.size = Some(packet.try_get_u64().map_err(|_| SHORT)?);
    }
    if flags & 2 != 0 {
        attributes.owner = Some((number(packet)?, number(packet)?));
    }
    if flags & 4 != 0 {
        attributes.mode = Some(number(packet)?);
    }
    if flags & 8 != 0 {
        let _accessed = number(packet)?;
        attributes.modified = Some(number(packet)?);
    }
    if flags & 0x8000_0000 != 0 {
        for _ in 0..number(packet)? {
            text(packet)?;
            text(packet)?;
        }
    }
    Ok(attributes)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn requests_have_the_layout_of_the_draft() {
        let mut out = BytesMut::new();
        Request::Open(b"/a").encode(7, &mut out);
        assert_eq!(
            &*out,
            [
                0, 0, 0, 19, 3, 0, 0, 0, 7, 0, 0, 0, 2, b'/', b'a', 0, 0, 0, 1, 0, 0, 0, 0
            ]
        );
        out.clear();
        Request::Read {
            handle: &Bytes::from_static(b"h"),
            offset: 1,
            length: 2,
        }
        .encode(1, &mut out);
        assert_eq!(out.len(), 4 + 22);
    }

    fn entry(name: &[u8], long: &[u8]) -> Result<(u32, Reply), Malformed> {
        let mut p = BytesMut::new();
        p.put_u8(NAME);
        p.put_u32(1);
        p.put_u32(1);
        for text in [name, long] {
            p.put_u32(text.len() as u32);
            p.put_slice(text);
        }
        p.put_u32(0);
        reply(p.freeze())
    }

    #[test]
    fn an_entry_is_as_long_as_an_entry_can_be() {
        let name = [b'n'; MAX_NAME + 1];
        assert!(entry(&name, b"").is_err());
        let Ok((1, Reply::Names(entries))) = entry(&name[1..], &[b'l'; 200_000]) else {
            panic!("a long name is a name")
        };
        assert_eq!(
            (entries[0].name.len(), entries[0].long.len()),
            (MAX_NAME, MAX_LONG)
        );
    }

    #[test]
    fn a_name_that_could_climb_is_an_offence() {
        let packet = |name: &[u8]| entry(name, b"");
        assert!(packet(b"../x").is_err());
        assert!(packet(b"a\0").is_err());
        assert!(matches!(packet(b".."), Ok((1, Reply::Names(n))) if n.is_empty()));
        assert!(matches!(packet(b"\xff\n"), Ok((1, Reply::Names(n))) if n[0].name == b"\xff\n"));
    }

    proptest! {
        #[test]
        fn no_packet_breaks_the_reader(bytes in proptest::collection::vec(any::<u8>(), 0..200), kind in 100_u8..107) {
            let _ = reply(Bytes::from([&[kind], bytes.as_slice()].concat()));
            let _ = version(Bytes::from(bytes));
        }
    }
}
