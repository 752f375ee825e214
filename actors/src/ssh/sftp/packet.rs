//! The packets of SFTP version 3 (draft-ietf-secsh-filexfer-02), as far as they are needed.
//!
//! Names and handles are bytes, never text: a name that is not UTF-8 can be listed and opened.
//! Every length a host sends is checked before it is used.

mod request;

pub(super) use request::{Access, Change, Request, init};

use crate::file::{Attributes, Entry};
use bytes::{Buf, Bytes};

const VERSION: u8 = 2;
const STATUS: u8 = 101;
const HANDLE: u8 = 102;
const DATA: u8 = 103;
const NAME: u8 = 104;
const ATTRS: u8 = 105;
const EXTENDED_REPLY: u8 = 201;

/// The longest name in a directory taken, in bytes. Linux allows 255 (`NAME_MAX`, limits.h), others a few more.
const MAX_NAME: usize = 1024;

/// Bytes kept of the line that describes an entry; OpenSSH's has its name and some 60 more.
const MAX_LONG: usize = 2 * MAX_NAME;

/// Status codes (§7).
pub(super) const FX_OK: u32 = 0;
pub(super) const FX_EOF: u32 = 1;
pub(super) const FX_NO_SUCH_FILE: u32 = 2;
pub(super) const FX_PERMISSION_DENIED: u32 = 3;
pub(super) const FX_OP_UNSUPPORTED: u32 = 8;

/// A host that breaks the protocol, and how.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Malformed(pub(super) &'static str);

/// A handle of the host's.
pub(super) type Handle = Bytes;

/// What a host answers.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Reply {
    Status {
        code: u32,
        message: String,
    },
    Handle(Handle),
    Data(Bytes),
    /// Names as they came, for [`entries`] or [`in_directory`]: who asked takes them apart, so that
    /// what is under way takes no more memory than it took on the wire.
    Names(Bytes),
    Attributes(Attributes),
    /// The answer to an extended request that has more of one than a status.
    Extended(Bytes),
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
        NAME => Reply::Names(packet),
        ATTRS => Reply::Attributes(attributes(&mut packet)?),
        EXTENDED_REPLY => Reply::Extended(packet),
        _ => return Err(Malformed("an answer is of no known type")),
    };
    Ok((id, reply))
}

/// Bytes left for ordinary accounts on a file system, as the answer to [`Request::StatVfs`] has
/// it: the second number is the size of a block, and the fifth how many of them are free.
pub(super) fn space_left(mut packet: Bytes) -> Result<u64, Malformed> {
    let mut number = || packet.try_get_u64().map_err(|_| SHORT);
    let [_, size, _, _, free] = [number()?, number()?, number()?, number()?, number()?];
    Ok(size.saturating_mul(free))
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

/// Takes [`Reply::Names`] apart.
pub(super) fn entries(mut names: Bytes) -> Result<Vec<Entry>, Malformed> {
    let packet = &mut names;
    let count = number(packet)?;
    let mut entries = Vec::new();
    for _ in 0..count {
        // Each takes 12 bytes at least, so a count that lies runs out of packet here.
        let name = text(packet)?;
        let mut long = text(packet)?;
        long.truncate(MAX_LONG);
        entries.push(Entry {
            attributes: attributes(packet)?,
            name: name.to_vec(),
            long: long.to_vec(),
        });
    }
    Ok(entries)
}

/// Takes [`Reply::Names`] apart as those of a directory's entries, without `.` and `..`.
pub(super) fn in_directory(names: Bytes) -> Result<Vec<Entry>, Malformed> {
    let mut names = entries(names)?;
    for Entry { name, .. } in &names {
        if name.is_empty() || name.contains(&0) || name.contains(&b'/') {
            return Err(Malformed("a name in a directory has a slash or NUL"));
        }
        if name.len() > MAX_NAME {
            return Err(Malformed("a name in a directory is longer than 1024 bytes"));
        }
    }
    names.retain(|entry| !matches!(&*entry.name, b"." | b".."));
    Ok(names)
}

/// What the server takes at once, in bytes, as its answer to [`Request::Limits`] has it: of a read,
/// and of a write. Zero where it sets no bound.
pub(super) fn limits(mut packet: Bytes) -> Result<(u64, u64), Malformed> {
    let mut number = || packet.try_get_u64().map_err(|_| SHORT);
    let _packet = number()?;
    Ok((number()?, number()?))
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
        attributes.accessed = Some(number(packet)?);
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
    use bytes::{BufMut, BytesMut};
    use proptest::prelude::*;

    fn entry(name: &[u8], long: &[u8]) -> Result<Vec<Entry>, Malformed> {
        let mut p = BytesMut::new();
        p.put_u8(NAME);
        p.put_u32(1);
        p.put_u32(1);
        for text in [name, long] {
            p.put_u32(text.len() as u32);
            p.put_slice(text);
        }
        p.put_u32(0);
        match reply(p.freeze())? {
            (1, Reply::Names(names)) => in_directory(names),
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn an_entry_is_as_long_as_an_entry_can_be() {
        let name = [b'n'; MAX_NAME + 1];
        assert!(entry(&name, b"").is_err());
        let entries = entry(&name[1..], &[b'l'; 200_000]).unwrap();
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
        assert_eq!(packet(b".."), Ok(Vec::new()));
        assert_eq!(packet(b"\xff\n").unwrap()[0].name, b"\xff\n");
    }

    proptest! {
        #[test]
        fn no_packet_breaks_the_reader(bytes in proptest::collection::vec(any::<u8>(), 0..200), kind in 100_u8..107) {
            let kind = if kind == 106 { EXTENDED_REPLY } else { kind };
            if let Ok((_, Reply::Names(names))) = reply(Bytes::from([&[kind], bytes.as_slice()].concat())) {
                let _ = in_directory(names);
            }
            let bytes = Bytes::from(bytes);
            let _ = (limits(bytes.clone()), space_left(bytes.clone()), version(bytes));
        }
    }
}
