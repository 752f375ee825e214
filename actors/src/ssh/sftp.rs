//! Files and directories over SFTP (version 3).
//!
//! One channel is kept open for each connection and shared by all reads; whoever moves files gets
//! one of its own. A read decides what a path is in one exchange: a look at it and, in the same
//! breath, an attempt to open it as a directory. A regular file is opened only after that, because
//! opening anything else can block the host's server for ever (a FIFO) or have an effect (a
//! device).
//!
//! A read changes nothing on a host; only what [`names`] and [`upload`] do does.

mod download;
mod names;
mod packet;
mod pipe;
mod upload;
mod walk;

pub(crate) use download::Download;
pub(crate) use upload::Upload;

use super::{OpenError, Session};
use crate::error::{FileProblem, one_line};
use crate::file::{
    Attributes, Entry, Kind, Listing, MAX_ENTRIES, MAX_ENTRY_BYTES, Part, Tree, Want, fitting,
};
use packet::{
    Access, Change, FX_EOF, FX_NO_SUCH_FILE, FX_OK, FX_OP_UNSUPPORTED, FX_PERMISSION_DENIED,
    Handle, Malformed, Reply, Request,
};
use pipe::Pipe;
use std::time::Duration;
use tokio_util::sync::CancellationToken;

/// Bytes asked for at once: the most OpenSSH gives (sftp-server.c, 256 KiB less 1 KiB), and what
/// every server must give (draft §6.4).
const CHUNK: u32 = 255 * 1024;
const SMALL_CHUNK: u32 = 32 * 1024;

/// The extension that tells what a server takes (OpenSSH `PROTOCOL`, 4.8).
const LIMITS: &str = "limits@openssh.com";

/// How long the answer about that may take.
const PATIENCE: Duration = Duration::from_secs(5);

/// Requests of one operation under way at once.
const AHEAD: usize = 8;

/// An open SFTP channel.
pub(crate) struct Sftp {
    pipe: Pipe,
    /// Bytes the host gives, and takes, at once.
    most_read: u32,
    most_written: u32,
}

/// Why SFTP did not answer the question.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum SftpError {
    /// No channel could be opened.
    Open(OpenError),
    /// The host has no such subsystem, or it ended at once.
    NoSubsystem,
    /// The channel ended.
    Lost,
    /// The subsystem was started and says nothing.
    Silent,
    /// The path cannot be read.
    Problem(FileProblem),
}

impl From<Malformed> for SftpError {
    fn from(Malformed(how): Malformed) -> Self {
        Self::Problem(FileProblem::Protocol(how))
    }
}

/// What was at a path. The bytes of a file come with the offset they begin at and whether more
/// follow.
pub(crate) enum Looked {
    File {
        bytes: Vec<u8>,
        offset: u64,
        more: bool,
        attributes: Attributes,
    },
    Directory(Listing),
    Tree(Tree),
}

impl Sftp {
    /// Starts SFTP on a connection.
    pub(crate) async fn open(session: &Session) -> Result<Self, SftpError> {
        let pipe = Pipe::open(session).await?;
        // Who has the extension is an OpenSSH, and it gives that much.
        let most_read = match pipe.offers(LIMITS) {
            true => CHUNK,
            false => SMALL_CHUNK,
        };
        Ok(Self {
            pipe,
            most_read,
            most_written: SMALL_CHUNK,
        })
    }

    /// Starts SFTP on a connection and asks the host what it takes, to move much at once.
    pub(crate) async fn open_for_transfers(session: &Session) -> Result<Self, SftpError> {
        let mut sftp = Self::open(session).await?;
        if sftp.pipe.offers(LIMITS) {
            let [limits] = sftp.pipe.send([Request::Limits])?;
            let limits = tokio::time::timeout(PATIENCE, limits)
                .await
                .unwrap_or(Err(SftpError::Silent))?;
            let Reply::Extended(limits) = limits else {
                return Err(refused(limits));
            };
            let (read, written) = packet::limits(limits)?;
            sftp.most_read = at_most(read);
            sftp.most_written = at_most(written);
        }
        Ok(sftp)
    }

    /// Cancelled once the channel has been seen to its end, or given up.
    pub(crate) fn ended(&self) -> CancellationToken {
        self.pipe.ended()
    }

    /// Cancelling it closes the channel, whoever still uses it.
    pub(crate) fn hang_up(&self) -> CancellationToken {
        self.pipe.hang_up()
    }

    /// Whether the channel still serves.
    pub(crate) fn is_open(&self) -> bool {
        self.pipe.is_open()
    }

    /// Takes no further request: the server at the other end seems stuck. The channel closes with
    /// the last user of it.
    pub(crate) fn retire(&self) {
        self.pipe.retire();
    }

    /// Reads what is at `path`, a file or a directory.
    pub(crate) async fn read(&self, path: &[u8], want: &Want) -> Result<Looked, SftpError> {
        let [stat, opendir] = self
            .pipe
            .send([Request::Stat(path), Request::OpenDir(path)])?;
        let attributes = stat.await.and_then(as_attributes);
        let opened = opendir.await.and_then(as_handle);
        match (attributes, opened) {
            (Ok(attributes), Ok(handle)) if attributes.kind() == Kind::Directory => {
                match want.tree {
                    None => self.list(handle).await.map(Looked::Directory),
                    Some(depth) => walk::tree(self, path, handle, depth)
                        .await
                        .map(Looked::Tree),
                }
            }
            (attributes, Ok(handle)) => {
                self.pipe.close(&handle);
                attributes.and(Err(Malformed("it opened a file as a directory").into()))
            }
            (Err(error), Err(_)) => Err(error),
            (Ok(attributes), Err(no_directory)) => match attributes.kind() {
                Kind::File => self.content(path, want.part, attributes).await,
                Kind::Directory => Err(no_directory),
                kind => Err(SftpError::Problem(FileProblem::NotRegular(kind.label()))),
            },
        }
    }

    async fn content(
        &self,
        path: &[u8],
        part: Part,
        attributes: Attributes,
    ) -> Result<Looked, SftpError> {
        let size = attributes.size.unwrap_or(0);
        let (offset, limit) = match part {
            Part::From { offset, limit } => (offset, limit),
            Part::Tail { limit } => (size.saturating_sub(limit), limit),
        };
        let [opened] = self.pipe.send([Request::Open {
            path,
            access: Access::Read,
            change: Change::default(),
        }])?;
        let handle = as_handle(opened.await?)?;
        let read = self.bytes(&handle, offset, limit, size).await;
        self.pipe.close(&handle);
        let (bytes, more) = read?;
        Ok(Looked::File {
            bytes,
            offset,
            more,
            attributes,
        })
    }

    /// Reads up to `limit` bytes and whether one more follows. `size` only guides how much is
    /// asked for at once: the end of the file is where the host says it is.
    async fn bytes(
        &self,
        handle: &Handle,
        offset: u64,
        limit: u64,
        size: u64,
    ) -> Result<(Vec<u8>, bool), SftpError> {
        let chunk = self.most_read;
        // One byte past the limit tells whether the file goes on.
        let want = limit.saturating_add(1);
        let expected = size.saturating_sub(offset).min(limit);
        let mut bytes = Vec::with_capacity(usize::try_from(expected).unwrap_or(0).min(1 << 20));
        loop {
            let have = bytes.len() as u64;
            if have >= want {
                bytes.truncate(usize::try_from(limit).unwrap_or(usize::MAX));
                return Ok((bytes, true));
            }
            // As many as the size promises, and the one that meets the end.
            let promised = expected.saturating_sub(have).div_ceil(u64::from(chunk)) + 1;
            let ahead = usize::try_from(promised).unwrap_or(AHEAD).min(AHEAD);
            let mut pending = Vec::with_capacity(ahead);
            let mut at = have;
            while pending.len() < ahead && at < want {
                let length = u32::try_from(want - at).unwrap_or(chunk).min(chunk);
                let read = Request::Read {
                    handle,
                    offset: offset + at,
                    length,
                };
                let [answer] = self.pipe.send([read])?;
                pending.push((answer, length));
                at += u64::from(length);
            }
            let (mut short, mut ended) = (false, false);
            for (answer, length) in pending {
                let answer = answer.await?;
                // Behind a gap the rest of this round is of no use; it is asked for again.
                if short || ended {
                    continue;
                }
                match answer {
                    Reply::Data(data) if data.is_empty() || data.len() > length as usize => {
                        return Err(Malformed("it sent another amount than was asked for").into());
                    }
                    Reply::Data(data) => {
                        short = data.len() < length as usize;
                        bytes.extend_from_slice(&data);
                    }
                    Reply::Status { code: FX_EOF, .. } => ended = true,
                    other => return Err(refused(other)),
                }
            }
            if ended {
                return Ok((bytes, false));
            }
        }
    }

    /// Reads a directory to its end and closes it.
    async fn list(&self, handle: Handle) -> Result<Listing, SftpError> {
        let listing = self.entries(&handle).await;
        self.pipe.close(&handle);
        listing
    }

    async fn entries(&self, handle: &Handle) -> Result<Listing, SftpError> {
        let mut entries: Vec<Entry> = Vec::new();
        let mut bytes = 0;
        let mut truncated = false;
        let mut ended = false;
        while !ended && !truncated {
            let round = self.pipe.send([Request::ReadDir(handle); AHEAD])?;
            for answer in round {
                match answer.await? {
                    Reply::Names(_) if truncated => {}
                    Reply::Names(names) => {
                        let names = packet::in_directory(names)?;
                        bytes += names.iter().map(Entry::bytes).sum::<usize>();
                        entries.extend(names);
                        truncated = entries.len() > MAX_ENTRIES || bytes > MAX_ENTRY_BYTES;
                    }
                    Reply::Status { code: FX_EOF, .. } => ended = true,
                    other => return Err(refused(other)),
                }
            }
        }
        entries.truncate(fitting(&entries, MAX_ENTRIES, MAX_ENTRY_BYTES));
        entries.sort_unstable_by(|a, b| a.name.cmp(&b.name));
        Ok(Listing { entries, truncated })
    }

    /// Opens a directory that was seen in a listing, and lists it.
    async fn list_path(&self, path: &[u8]) -> Result<Listing, SftpError> {
        let [opened] = self.pipe.send([Request::OpenDir(path)])?;
        let handle = as_handle(opened.await?)?;
        self.list(handle).await
    }
}

fn as_attributes(reply: Reply) -> Result<Attributes, SftpError> {
    match reply {
        Reply::Attributes(attributes) => Ok(attributes),
        other => Err(refused(other)),
    }
}

fn as_handle(reply: Reply) -> Result<Handle, SftpError> {
    match reply {
        Reply::Handle(handle) => Ok(handle),
        other => Err(refused(other)),
    }
}

fn as_done(reply: Reply) -> Result<(), SftpError> {
    match reply {
        Reply::Status { code: FX_OK, .. } => Ok(()),
        other => Err(refused(other)),
    }
}

/// The problem a status stands for; any other answer here breaks the protocol.
fn refused(reply: Reply) -> SftpError {
    let Reply::Status { code, message } = reply else {
        return Malformed("it answered with something else than was asked for").into();
    };
    SftpError::Problem(match code {
        FX_OK | FX_EOF => FileProblem::Protocol("it answered with a status that makes no sense"),
        FX_NO_SUCH_FILE => FileProblem::Missing,
        FX_PERMISSION_DENIED => FileProblem::Denied,
        FX_OP_UNSUPPORTED => FileProblem::Unsupported("the operation"),
        _ if message.to_lowercase().contains("no space") => FileProblem::NoSpace,
        _ => FileProblem::Other(one_line(&message)),
    })
}

/// What is moved at once, where the host takes `limit` bytes: zero is no bound of its own.
fn at_most(limit: u64) -> u32 {
    match u32::try_from(limit) {
        Ok(0) => SMALL_CHUNK,
        Ok(limit) => limit.min(CHUNK),
        Err(_) => CHUNK,
    }
}
