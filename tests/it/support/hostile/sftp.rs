//! An SFTP server that lies (draft-ietf-secsh-filexfer-02, protocol version 3). It keeps no files and
//! answers every request at once, each in the way its lie demands.

use std::collections::HashMap;

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
const READLINK: u8 = 19;
const STATUS: u8 = 101;
const HANDLE: u8 = 102;
const DATA: u8 = 103;
const NAME: u8 = 104;
const ATTRS: u8 = 105;

const FILE: u32 = 0o100_644;
const DIRECTORY: u32 = 0o40_755;
const LINK: u32 = 0o120_777;

const EOF: u32 = 1;

/// One conversation.
#[derive(Debug)]
pub(super) struct SftpLiar {
    lie: Sftp,
    pending: BytesMut,
    entries: u64,
    /// Open directories, each with the entries it has given.
    open: HashMap<Vec<u8>, usize>,
    opened: u64,
}

impl SftpLiar {
    pub(super) fn new(lie: Sftp) -> Self {
        Self {
            lie,
            pending: BytesMut::new(),
            entries: 0,
            open: HashMap::new(),
            opened: 0,
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
            (Sftp::Growing | Sftp::Vast | Sftp::Bloated | Sftp::LongLinks, _) => {
                self.tall(kind, id.to_be_bytes(), &packet)
            }
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

    /// The answer of a host that keeps to the protocol, with content beyond all measure.
    fn tall(&mut self, kind: u8, id: [u8; 4], asked: &[u8]) -> Vec<u8> {
        let size = if self.lie == Sftp::Growing {
            10
        } else {
            u64::MAX
        };
        let number = |at: usize| {
            let bytes = at.checked_sub(4).and_then(|at| asked.get(at..at + 4));
            bytes.map_or(0, |mut bytes| bytes.get_u32())
        };
        match kind {
            OPENDIR => {
                self.opened += 1;
                let handle = self.opened.to_be_bytes();
                self.open.insert(handle.to_vec(), 0);
                framed(&[&[HANDLE], &id, &string(&handle)])
            }
            READDIR => self.names(id, asked.get(4..).unwrap_or_default()),
            READ => {
                let data = vec![b'x'; (number(asked.len()) as usize).min(32 << 10)];
                framed(&[&[DATA], &id, &string(&data)])
            }
            READLINK => {
                let path = string(&vec![b'l'; 200_000]);
                framed(&[&[NAME], &id, &one(), &path, &string(b""), &no_attrs()])
            }
            FSTAT => framed(&[&[ATTRS], &id, &sized(FILE, size)]),
            STAT | LSTAT if asked.contains(&b'.') => framed(&[&[ATTRS], &id, &sized(FILE, size)]),
            _ => self.honest(kind, u32::from_be_bytes(id), asked),
        }
    }

    /// The next names of an open directory, a hundred at a time.
    fn names(&mut self, id: [u8; 4], handle: &[u8]) -> Vec<u8> {
        let (all, width, mode, size) = match self.lie {
            Sftp::Vast => (2, 1, FILE, u64::MAX),
            Sftp::Bloated => (3900, 1000, DIRECTORY, 0),
            _ => (10_000, 5, LINK, 0),
        };
        let given = self.open.entry(handle.to_vec()).or_default();
        let next = (*given..all).take(100);
        if next.len() == 0 {
            let (code, nothing) = (EOF.to_be_bytes(), string(b""));
            return framed(&[&[STATUS], &id, &code, &nothing, &nothing]);
        }
        *given += next.len();
        let mut names = Vec::new();
        names.put_u32(next.len() as u32);
        for at in next {
            let suffix = if mode == FILE { ".bin" } else { "" };
            names.extend(string(format!("{at:0width$}{suffix}").as_bytes()));
            names.extend(string(b""));
            names.extend(sized(mode, size));
        }
        framed(&[&[NAME], &id, &names])
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
    sized(mode, 1 << 40)
}

fn sized(mode: u32, size: u64) -> Vec<u8> {
    const SIZE: u32 = 1;
    const PERMISSIONS: u32 = 4;
    let mut out = Vec::new();
    out.put_u32(SIZE | PERMISSIONS);
    out.put_u64(size);
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
