//! Why a file or directory could not be read.

use crate::target::{HostName, RemotePath};

/// A path that could not be read.
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
    /// Nothing there (`SSH_FX_NO_SUCH_FILE`).
    #[error("does not exist")]
    Missing,
    /// Not for this account (`SSH_FX_PERMISSION_DENIED`).
    #[error("may not be read by this account")]
    Denied,
    /// A FIFO, socket or device; opening one can block for ever or have an effect.
    #[error("is a {0}, not a regular file")]
    NotRegular(&'static str),
    /// Any other answer of the host's SFTP server.
    #[error("cannot be read: {0}")]
    Other(String),
    /// The SFTP server broke its protocol.
    #[error("cannot be read: the host's SFTP server broke the protocol: {0}")]
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
            FileProblem::Other(_) => "file_error",
            FileProblem::Protocol(_) => "remote_protocol_error",
        }
    }

    /// What the reader can do about it.
    #[must_use]
    pub fn hint(&self) -> Option<String> {
        match self.problem {
            FileProblem::Missing => Some("list the directory above it to see what is there".into()),
            FileProblem::NotRegular(_) => {
                Some("use `run` with a program that expects such a file".into())
            }
            _ => None,
        }
    }
}
