//! What is wrong with a path: why it could not be read, written or changed.

use crate::target::{HostName, RemotePath};

/// A path with which something could not be done.
#[derive(Debug, Clone, thiserror::Error)]
#[error("`{path}` on `{host}` {problem}")]
pub struct FileError {
    /// The host.
    pub host: HostName,
    /// The path as it was asked for.
    pub path: RemotePath,
    /// What is wrong with it.
    pub problem: FileProblem,
}

/// What can be wrong with a path.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum FileProblem {
    /// Nothing there, or no directory above it (`SSH_FX_NO_SUCH_FILE`).
    #[error("does not exist")]
    Missing,
    /// Not for this account (`SSH_FX_PERMISSION_DENIED`).
    #[error("is denied to this account")]
    Denied,
    /// A FIFO, socket or device; opening one can block for ever or have an effect.
    #[error("is a {0}, not a regular file")]
    NotRegular(&'static str),
    /// Something else than the directory that was expected.
    #[error("is a {0}, not a directory")]
    NotDirectory(&'static str),
    /// Something is there that was to be made.
    #[error("already exists")]
    Exists,
    /// A file that was to be written on does not end where that was to begin: somebody else writes
    /// to it.
    #[error("has {size} bytes, so it cannot be written on from byte {offset}")]
    OtherSize {
        /// Its size.
        size: u64,
        /// Where writing was to begin.
        offset: u64,
    },
    /// Its file system is full.
    #[error("finds no space left on its file system")]
    NoSpace,
    /// The host's SFTP server has no way to do it.
    #[error("is on a host whose SFTP server does not offer {0}")]
    Unsupported(&'static str),
    /// Any other answer of the host.
    #[error("is refused by the host: {0}")]
    Other(String),
    /// The host broke the protocol of its answer.
    #[error("cannot be used: the host broke the protocol: {0}")]
    Protocol(&'static str),
}

impl FileError {
    /// A stable name for programs.
    #[must_use]
    pub fn code(&self) -> &'static str {
        match self.problem {
            FileProblem::Missing => "not_found",
            FileProblem::Denied => "permission_denied",
            FileProblem::NotRegular(_) => "not_regular",
            FileProblem::NotDirectory(_) => "not_directory",
            FileProblem::Exists => "already_exists",
            FileProblem::OtherSize { .. } => "file_changed",
            FileProblem::NoSpace => "no_space",
            FileProblem::Unsupported(_) => "unsupported_by_host",
            FileProblem::Other(_) => "file_error",
            FileProblem::Protocol(_) => "remote_protocol_error",
        }
    }

    /// What the reader can do about it.
    #[must_use]
    pub fn hint(&self) -> Option<String> {
        let text = match self.problem {
            FileProblem::Missing => "list the directory above it to see what is there",
            FileProblem::NotRegular("directory") => "ask for the files in it, or for its listing",
            FileProblem::NotRegular(_) => "use `run` with a program that expects such a file",
            FileProblem::NotDirectory(_) => "read it as a file, or name the directory above it",
            FileProblem::Exists => "remove it first, or choose another name",
            FileProblem::OtherSize { .. } => "begin again from the start of the file",
            FileProblem::NoSpace => "make room on the file system; `df` shows how full it is",
            FileProblem::Unsupported(_) => {
                "use OpenSSH's SFTP server (`Subsystem sftp internal-sftp` in its sshd_config)"
            }
            FileProblem::Denied | FileProblem::Other(_) | FileProblem::Protocol(_) => return None,
        };
        Some(text.into())
    }
}
