//! A host to test against: a table of files, and a server that can be told to misbehave.

use crate::file::Attributes;
use crate::ssh::sftp::Sftp;
use crate::ssh::sftp::packet::{FX_EOF, FX_NO_SUCH_FILE, FX_OK, Reply};
use crate::ssh::sftp::pipe::Pipe;
use bytes::{Buf, BufMut, Bytes, BytesMut};
use std::collections::BTreeMap;
use std::sync::mpsc;

/// What is at a path.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Thing {
    /// A file, and whether its size is told.
    File(Vec<u8>, bool),
    /// A directory with this many entries.
    Directory(usize),
    Fifo,
}

/// How the server chooses handles.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Handles {
    /// As OpenSSH does.
    LastFreedFirst,
    NeverTwice,
    FirstFreedFirst,
    /// Of another length.
    Odd,
}

/// What the test does to the host.
#[derive(Debug, Clone)]
pub(super) enum Change {
    Put(u8, Option<Thing>),
    Handles(Handles),
    /// No more than this many bytes at once.
    Gives(usize),
    /// Answers of one burst come in another order.
    Turns(usize),
}

/// A host, as the test has it.
pub(super) struct Host {
    pub(super) sftp: Sftp,
    changes: mpsc::Sender<Change>,
    bursts: mpsc::Receiver<Vec<u8>>,
    open: mpsc::Receiver<usize>,
}

impl Host {
    pub(super) fn start(hopes: bool) -> Self {
        let (changes, changed) = mpsc::channel();
        let (burst, bursts) = mpsc::channel();
        let (count, open) = mpsc::channel();
        let mut server = Server::default();
        let pipe = Pipe::scripted(hopes, move |packets| {
            changed.try_iter().for_each(|change| server.change(change));
            let _test_over = burst.send(packets.iter().map(|packet| packet[0]).collect());
            let mut answers: Vec<_> = packets
                .into_iter()
                .filter_map(|packet| server.answer(packet))
                .collect();
            let turn = server.turns.checked_rem(answers.len()).unwrap_or(0);
            answers.rotate_left(turn);
            let _test_over = count.send(server.open.len());
            answers
        });
        let sftp = Sftp {
            pipe,
            most_read: 100,
            most_written: 100,
        };
        Self {
            sftp,
            changes,
            bursts,
            open,
        }
    }

    pub(super) fn change(&self, change: Change) {
        self.changes.send(change).unwrap();
    }

    /// The kinds of the requests of every burst since the last time.
    pub(super) fn bursts(&self) -> Vec<Vec<u8>> {
        self.bursts.try_iter().collect()
    }

    /// How many handles were open after the last burst.
    pub(super) fn open(&self) -> usize {
        self.open.try_iter().last().unwrap_or(0)
    }
}

/// The path of a thing.
pub(super) fn path(name: u8) -> [u8; 2] {
    [b'/', name]
}

/// The names in a directory, as many as it has entries.
pub(super) fn names(entries: usize) -> impl Iterator<Item = Vec<u8>> {
    (0..entries).map(|n| format!("{n:05}").into_bytes())
}

struct Server {
    things: BTreeMap<u8, Thing>,
    open: BTreeMap<Vec<u8>, (Thing, usize)>,
    free: Vec<u32>,
    given: u32,
    handles: Handles,
    gives: usize,
    turns: usize,
    is_stuck: bool,
}

impl Default for Server {
    fn default() -> Self {
        Self {
            things: BTreeMap::new(),
            open: BTreeMap::new(),
            free: Vec::new(),
            given: 0,
            handles: Handles::LastFreedFirst,
            gives: usize::MAX,
            turns: 0,
            is_stuck: false,
        }
    }
}

fn status(code: u32) -> Reply {
    let message = "Failure".into();
    Reply::Status { code, message }
}

fn text(packet: &mut Bytes) -> Bytes {
    let length = packet.get_u32() as usize;
    packet.split_to(length)
}

impl Server {
    fn change(&mut self, change: Change) {
        match change {
            Change::Put(name, None) => drop(self.things.remove(&name)),
            Change::Put(name, Some(thing)) => drop(self.things.insert(name, thing)),
            Change::Handles(handles) => self.handles = handles,
            Change::Gives(gives) => self.gives = gives,
            Change::Turns(turns) => self.turns = turns,
        }
    }

    fn answer(&mut self, mut packet: Bytes) -> Option<(u32, Reply)> {
        if self.is_stuck {
            return None;
        }
        let (kind, id) = (packet.get_u8(), packet.get_u32());
        let subject = text(&mut packet);
        let thing = subject
            .get(1)
            .and_then(|name| self.things.get(name))
            .cloned();
        let reply = match kind {
            17 => match thing {
                Some(thing) => Reply::Attributes(attributes(&thing)),
                None => status(FX_NO_SUCH_FILE),
            },
            3 => match thing {
                Some(Thing::Fifo) => {
                    self.is_stuck = true;
                    return None;
                }
                Some(thing) => self.opened(thing),
                None => status(FX_NO_SUCH_FILE),
            },
            11 if &subject[..] == b"/" => self.opened(Thing::Directory(0)),
            11 => match thing {
                Some(thing @ Thing::Directory(_)) => self.opened(thing),
                Some(_) => status(4),
                None => status(FX_NO_SUCH_FILE),
            },
            5 => self.read(
                &subject,
                packet.get_u64() as usize,
                packet.get_u32() as usize,
            ),
            12 => self.entries(&subject),
            4 => match self.open.remove(&subject[..]) {
                Some(_) => {
                    let number = subject[..4].try_into().map(u32::from_be_bytes);
                    self.free.push(number.unwrap());
                    status(FX_OK)
                }
                None => status(4),
            },
            other => panic!("{other}"),
        };
        Some((id, reply))
    }

    fn opened(&mut self, thing: Thing) -> Reply {
        let mut free = self.free.clone();
        free.retain(|number| !self.open.contains_key(&number.to_be_bytes()[..]));
        let again = match self.handles {
            Handles::NeverTwice => None,
            Handles::FirstFreedFirst => free.first().copied(),
            Handles::LastFreedFirst | Handles::Odd => free.last().copied(),
        };
        let number = again.unwrap_or_else(|| {
            self.given += 1;
            self.given - 1
        });
        self.free.retain(|free| *free != number);
        let mut handle = number.to_be_bytes().to_vec();
        if self.handles == Handles::Odd {
            handle.push(7);
        }
        self.open.insert(handle.clone(), (thing, 0));
        Reply::Handle(handle.into())
    }

    fn read(&self, handle: &[u8], offset: usize, length: usize) -> Reply {
        let Some((Thing::File(bytes, _), _)) = self.open.get(handle) else {
            return status(4);
        };
        let left = bytes.get(offset..).unwrap_or_default();
        match &left[..left.len().min(length).min(self.gives)] {
            [] => status(FX_EOF),
            data => Reply::Data(Bytes::copy_from_slice(data)),
        }
    }

    fn entries(&mut self, handle: &[u8]) -> Reply {
        let Some((Thing::Directory(entries), at)) = self.open.get_mut(handle) else {
            return status(4);
        };
        let some: Vec<_> = names(*entries).skip(*at).take(10).collect();
        *at += some.len();
        if some.is_empty() {
            return status(FX_EOF);
        }
        let mut packet = BytesMut::new();
        packet.put_u32(some.len() as u32);
        for name in some {
            packet.put_u32(name.len() as u32);
            packet.put_slice(&name);
            packet.put_u32(0);
            packet.put_u32(0);
        }
        Reply::Names(packet.freeze())
    }
}

fn attributes(thing: &Thing) -> Attributes {
    let (mode, size) = match thing {
        Thing::File(bytes, true) => (0o100_644, bytes.len()),
        Thing::File(_, false) => (0o100_444, 0),
        Thing::Directory(_) => (0o040_755, 4096),
        Thing::Fifo => (0o010_644, 0),
    };
    Attributes {
        mode: Some(mode),
        size: Some(size as u64),
        ..Attributes::default()
    }
}
