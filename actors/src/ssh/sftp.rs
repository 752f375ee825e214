//! Files and directories over SFTP (version 3).
//!
//! One channel is kept open for each connection and shared by all reads; whoever moves files gets
//! one of its own. A read ([`look`]) decides what a path is in one exchange: a look at it and, in
//! the same breath, an attempt to open it as a directory. A regular file is opened only where one
//! was just seen, because opening anything else can block the host's server for ever (a FIFO) or
//! have an effect (a device). With OpenSSH what is opened is read and closed in the same breath, by
//! the handle it will have ([`handles`]).
//!
//! A read changes nothing on a host; only what [`names`] and [`upload`] do does.

mod download;
mod gather;
mod handles;
mod look;
mod names;
mod packet;
mod pipe;
mod plan;
mod seen;
mod upload;
mod walk;

pub(crate) use download::Download;
pub(crate) use upload::Upload;

use super::{OpenError, Session};
use crate::error::{FileProblem, one_line};
use crate::file::{Attributes, Listing, Tree};
use packet::{
    FX_EOF, FX_NO_SUCH_FILE, FX_OK, FX_OP_UNSUPPORTED, FX_PERMISSION_DENIED, Handle, Malformed,
    Reply, Request,
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
    /// The host's server stands still: it was asked to open a path at which there no longer was
    /// the file that had just been seen there. The channel is given up.
    Blocked,
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
    /// Starts SFTP on a connection, for reads.
    pub(crate) async fn open(session: &Session) -> Result<Self, SftpError> {
        Self::start(session, true).await
    }

    async fn start(session: &Session, foretells: bool) -> Result<Self, SftpError> {
        let pipe = Pipe::open(session, foretells).await?;
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
        let mut sftp = Self::start(session, false).await?;
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
