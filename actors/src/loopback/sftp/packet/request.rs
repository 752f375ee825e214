//! What a client asks for.

use bytes::{Buf, Bytes};

pub(super) const POSIX_RENAME: &[u8] = b"posix-rename@openssh.com";
pub(super) const FSYNC: &[u8] = b"fsync@openssh.com";
pub(super) const LIMITS: &[u8] = b"limits@openssh.com";

/// A packet of a client's.
#[derive(Debug, PartialEq, Eq)]
pub(in crate::loopback::sftp) enum Request {
    /// The beginning of the conversation.
    Init,
    /// Anything else.
    Ask { id: u32, ask: Ask },
}

/// A request that is answered under its id.
#[derive(Debug, PartialEq, Eq)]
pub(in crate::loopback::sftp) enum Ask {
    Open {
        path: Bytes,
        flags: Flags,
        change: Change,
    },
    Close(Bytes),
    Read {
        handle: Bytes,
        offset: u64,
        length: u32,
    },
    Write {
        handle: Bytes,
        offset: u64,
        data: Bytes,
    },
    Lstat(Bytes),
    Fstat(Bytes),
    SetStat(Bytes, Change),
    FsetStat(Bytes, Change),
    OpenDir(Bytes),
    ReadDir(Bytes),
    Remove(Bytes),
    MakeDir(Bytes, Change),
    RemoveDir(Bytes),
    RealPath(Bytes),
    Stat(Bytes),
    Rename(Bytes, Bytes),
    ReadLink(Bytes),
    PosixRename(Bytes, Bytes),
    Fsync(Bytes),
    Limits,
    /// No operation of this server.
    Unknown,
}

/// What a file is opened for (§6.3).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::loopback::sftp) struct Flags(pub(in crate::loopback::sftp) u32);

impl Flags {
    /// Nothing asked for is reading, as it is to OpenSSH (`flags_from_portable`, sftp-server.c).
    pub(in crate::loopback::sftp) fn read(self) -> bool {
        self.0 & 1 != 0 || !self.write()
    }

    pub(in crate::loopback::sftp) fn write(self) -> bool {
        self.0 & 2 != 0
    }

    pub(in crate::loopback::sftp) fn append(self) -> bool {
        self.0 & 4 != 0
    }

    pub(in crate::loopback::sftp) fn create(self) -> bool {
        self.0 & 8 != 0
    }

    pub(in crate::loopback::sftp) fn truncate(self) -> bool {
        self.0 & 16 != 0
    }

    pub(in crate::loopback::sftp) fn exclusive(self) -> bool {
        self.0 & 32 != 0
    }
}

/// Attributes to be set (§5).
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(in crate::loopback::sftp) struct Change {
    pub(in crate::loopback::sftp) size: Option<u64>,
    pub(in crate::loopback::sftp) owner: Option<(u32, u32)>,
    pub(in crate::loopback::sftp) mode: Option<u32>,
    /// Last access and last modification.
    pub(in crate::loopback::sftp) times: Option<(u32, u32)>,
}

impl Request {
    /// Reads a packet; nothing if it is shorter than it must be.
    pub(in crate::loopback::sftp) fn decode(mut packet: Bytes) -> Option<Self> {
        let kind = packet.try_get_u8().ok()?;
        let id = packet.try_get_u32().ok()?;
        let p = &mut packet;
        let ask = match kind {
            1 => return Some(Self::Init),
            3 => Ask::Open {
                path: text(p)?,
                flags: Flags(p.try_get_u32().ok()?),
                change: change(p)?,
            },
            4 => Ask::Close(text(p)?),
            5 => Ask::Read {
                handle: text(p)?,
                offset: p.try_get_u64().ok()?,
                length: p.try_get_u32().ok()?,
            },
            6 => Ask::Write {
                handle: text(p)?,
                offset: p.try_get_u64().ok()?,
                data: text(p)?,
            },
            7 => Ask::Lstat(text(p)?),
            8 => Ask::Fstat(text(p)?),
            9 => Ask::SetStat(text(p)?, change(p)?),
            10 => Ask::FsetStat(text(p)?, change(p)?),
            11 => Ask::OpenDir(text(p)?),
            12 => Ask::ReadDir(text(p)?),
            13 => Ask::Remove(text(p)?),
            14 => Ask::MakeDir(text(p)?, change(p)?),
            15 => Ask::RemoveDir(text(p)?),
            16 => Ask::RealPath(text(p)?),
            17 => Ask::Stat(text(p)?),
            18 => Ask::Rename(text(p)?, text(p)?),
            19 => Ask::ReadLink(text(p)?),
            200 => match &*text(p)? {
                POSIX_RENAME => Ask::PosixRename(text(p)?, text(p)?),
                FSYNC => Ask::Fsync(text(p)?),
                LIMITS => Ask::Limits,
                _ => Ask::Unknown,
            },
            _ => Ask::Unknown,
        };
        Some(Self::Ask { id, ask })
    }
}

fn text(packet: &mut Bytes) -> Option<Bytes> {
    let length = packet.try_get_u32().ok()? as usize;
    (length <= packet.len()).then(|| packet.split_to(length))
}

fn change(packet: &mut Bytes) -> Option<Change> {
    let flags = packet.try_get_u32().ok()?;
    let mut change = Change::default();
    if flags & 1 != 0 {
        change.size = Some(packet.try_get_u64().ok()?);
    }
    let mut number = || packet.try_get_u32().ok();
    if flags & 2 != 0 {
        change.owner = Some((number()?, number()?));
    }
    if flags & 4 != 0 {
        change.mode = Some(number()?);
    }
    if flags & 8 != 0 {
        change.times = Some((number()?, number()?));
    }
    // Extended attributes are passed over, as OpenSSH does (`decode_attrib`, sftp-common.c).
    Some(change)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn a_file_is_opened_as_the_flags_say() {
        let packet = [
            3, 0, 0, 0, 9, 0, 0, 0, 2, b'/', b'a', 0, 0, 0, 42, 0, 0, 0, 4, 0, 0, 1, 128,
        ];
        let Some(Request::Ask {
            id: 9,
            ask:
                Ask::Open {
                    path,
                    flags,
                    change,
                },
        }) = Request::decode(Bytes::copy_from_slice(&packet))
        else {
            panic!("it is an open")
        };
        assert_eq!((&*path, change.mode), (&b"/a"[..], Some(0o600)));
        assert!(flags.write() && flags.create() && flags.exclusive());
        assert!(!flags.read() && !flags.append() && !flags.truncate());
        assert!(Flags(0).read(), "nothing asked for is reading");
    }

    #[test]
    fn extended_requests_are_known_by_their_names() {
        let ask = |name: &[u8], rest: &[u8]| {
            let length = u32::try_from(name.len()).unwrap().to_be_bytes();
            let packet = [&[200, 0, 0, 0, 1], &length[..], name, rest].concat();
            match Request::decode(packet.into()) {
                Some(Request::Ask { id: 1, ask }) => Some(ask),
                _ => None,
            }
        };
        assert_eq!(ask(LIMITS, b""), Some(Ask::Limits));
        let (a, b) = (Bytes::from_static(b"a"), Bytes::from_static(b"b"));
        assert_eq!(
            ask(POSIX_RENAME, b"\0\0\0\x01a\0\0\0\x01b"),
            Some(Ask::PosixRename(a, b))
        );
        assert_eq!(ask(POSIX_RENAME, b"\0\0\0\x01a"), None);
        assert_eq!(ask(b"hardlink@openssh.com", b""), Some(Ask::Unknown));
    }

    proptest! {
        #[test]
        fn no_packet_breaks_the_reader(bytes in proptest::collection::vec(any::<u8>(), 0..60), kind in 0_u8..22) {
            let kind = if kind == 21 { 200 } else { kind };
            let _ = Request::decode(Bytes::from([&[kind], bytes.as_slice()].concat()));
        }
    }
}
