//! An SFTP server that lies (draft-ietf-secsh-filexfer-02, protocol version 3). It keeps no files and
//! answers every request at once, each in the way its lie demands.

use bytes::{Buf as _, BufMut as _, BytesMut};

use super::answers::Sftp;

const INIT: u8 = 1;
const VERSION: u8 = 2;
const OPEN: u8 = 3;
const READ: u8 = 5;
const LSTAT: u8 = 7;
const FSTAT: u8 = 8;
const OPENDIR: u8 = 11;
const READDIR: u8 = 12;
const REALPATH: u8 = 16;
const STAT: u8 = 17;
const STATUS: u8 = 101;
const HANDLE: u8 = 102;
const DATA: u8 = 103;
const NAME: u8 = 104;
const ATTRS: u8 = 105;

const FILE: u32 = 0o100_644;
const DIRECTORY: u32 = 0o40_755;

/// One conversation.
#[derive(Debug)]
pub(super) struct SftpLiar {
    lie: Sftp,
    pending: BytesMut,
    entries: u64,
}

impl SftpLiar {
    pub(super) fn new(lie: Sftp) -> Self {
        Self {
            lie,
            pending: BytesMut::new(),
            entries: 0,
        }
    }

    /// Takes what came; says how many packets that completed and what goes back.
    pub(super) fn feed(&mut self, data: &[u8]) -> (usize, Vec<u8>) {
        self.pending.extend_from_slice(data);
        let mut requests = 0;
        let mut answers = Vec::new();
        while let Some(packet) = self.packet() {
            requests += 1;
            answers.extend(self.answer(packet));
        }
        (requests, answers)
    }

    fn packet(&mut self) -> Option<BytesMut> {
        let length = self.pending.get(..4)?.get_u32() as usize;
        (self.pending.len() >= 4 + length).then(|| {
            self.pending.advance(4);
            self.pending.split_to(length)
        })
    }

    fn answer(&mut self, mut packet: BytesMut) -> Vec<u8> {
        if packet.len() < 5 || self.lie == Sftp::Silent {
            return Vec::new();
        }
        let kind = packet.get_u8();
        let id = packet.get_u32();
        match (self.lie, kind) {
            (Sftp::Garbage, _) => b"Welcome to this machine!\r\n".to_vec(),
            // In INIT, the number is the version.
            (_, INIT) => framed(&[&[VERSION], &3u32.to_be_bytes()]),
            (Sftp::Oversized, _) => [&(1u32 << 30).to_be_bytes()[..], &[STATUS]].concat(),
            (Sftp::WrongIds, _) => self.honest(kind, id.wrapping_add(1000), &packet),
            _ => self.honest(kind, id, &packet),
        }
    }

    /// The answer as the protocol has it. A path with a dot in it is a file, any other a directory.
    fn honest(&mut self, kind: u8, id: u32, path: &[u8]) -> Vec<u8> {
        let id = id.to_be_bytes();
        match kind {
            OPEN | OPENDIR => framed(&[&[HANDLE], &id, &string(b"h")]),
            READ => framed(&[&[DATA], &id, &string(b"x")]),
            READDIR => self.name(id),
            REALPATH => framed(&[
                &[NAME],
                &id,
                &one(),
                &string(b"/"),
                &string(b"/"),
                &no_attrs(),
            ]),
            FSTAT => framed(&[&[ATTRS], &id, &attrs(FILE)]),
            STAT | LSTAT if path.contains(&b'.') => framed(&[&[ATTRS], &id, &attrs(FILE)]),
            STAT | LSTAT => framed(&[&[ATTRS], &id, &attrs(DIRECTORY)]),
            _ => framed(&[
                &[STATUS],
                &id,
                &0u32.to_be_bytes(),
                &string(b"ok"),
                &string(b""),
            ]),
        }
    }

    fn name(&mut self, id: [u8; 4]) -> Vec<u8> {
        const BAD: [&str; 3] = ["../x", "a\nb", "/etc/passwd"];
        self.entries += 1;
        let name = match self.lie {
            Sftp::BadNames => BAD[(self.entries % 3) as usize].to_owned(),
            _ => format!("entry-{}", self.entries),
        };
        let name = string(name.as_bytes());
        framed(&[&[NAME], &id, &one(), &name, &name, &no_attrs()])
    }
}

fn one() -> [u8; 4] {
    1u32.to_be_bytes()
}

fn no_attrs() -> [u8; 4] {
    0u32.to_be_bytes()
}

/// A size that no reader reaches, and a mode (stat(2)).
fn attrs(mode: u32) -> Vec<u8> {
    const SIZE: u32 = 1;
    const PERMISSIONS: u32 = 4;
    let mut out = Vec::new();
    out.put_u32(SIZE | PERMISSIONS);
    out.put_u64(1 << 40);
    out.put_u32(mode);
    out
}

fn string(bytes: &[u8]) -> Vec<u8> {
    let mut out = Vec::new();
    out.put_u32(bytes.len() as u32);
    out.put_slice(bytes);
    out
}

fn framed(parts: &[&[u8]]) -> Vec<u8> {
    string(&parts.concat())
}

#[test]
fn a_split_packet_is_answered_once_and_whole() {
    let mut liar = SftpLiar::new(Sftp::WrongIds);
    let init = framed(&[&[INIT], &3u32.to_be_bytes()]);
    assert_eq!(liar.feed(&init[..5]), (0, Vec::new()));
    assert_eq!(
        liar.feed(&init[5..]),
        (1, framed(&[&[VERSION], &3u32.to_be_bytes()]))
    );
    let open = framed(&[&[OPENDIR], &7u32.to_be_bytes(), &string(b"/")]);
    let (_, answer) = liar.feed(&open);
    assert_eq!(
        answer,
        framed(&[&[HANDLE], &1007u32.to_be_bytes(), &string(b"h")])
    );
}
