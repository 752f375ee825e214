//! Work on the files of one host that takes many steps: an SFTP channel of its own, until it is
//! dropped.
//!
//! Operations take `&self` and may run side by side; their requests share the channel and go out
//! without waiting for each other. Every one ends at the deadline of the session, when the fleet
//! goes down, and when the connection is lost.
//!
//! # What may have happened
//! The host does what it is asked in order, but an answer can be lost. So an operation that changes
//! something and ends in [`FleetError::ConnectionLost`], [`FleetError::DeadlinePassed`] or
//! [`FleetError::ShuttingDown`], or whose future was dropped, may have been done; nothing here ever
//! repeats one.
//!
//! # What it counts as
//! The channel is one of the host's running jobs, beside its commands. Who holds a session and
//! waits for further work on the same host waits for itself where the host has no other channel.

mod change;
mod transfer;

pub use transfer::{FileReader, FileWriter};

use crate::error::{FileError, FileProblem, FleetError};
use crate::file::{Attributes, Listing};
use crate::host::files::Channel;
use crate::host::read::sftp_path;
use crate::limits::Deadline;
use crate::ssh::sftp::{Sftp, SftpError};
use crate::target::{HostName, RemotePath};
use std::future::Future;
use tokio_util::sync::CancellationToken;

/// An SFTP channel for one caller. Dropping it closes the channel and gives its place back.
#[must_use]
pub struct FileSession {
    host: HostName,
    channel: Channel,
    deadline: Deadline,
    shutdown: CancellationToken,
}

impl FileSession {
    pub(crate) fn new(
        host: HostName,
        channel: Channel,
        deadline: Deadline,
        shutdown: CancellationToken,
    ) -> Self {
        Self {
            host,
            channel,
            deadline,
            shutdown,
        }
    }

    /// The host.
    #[must_use]
    pub fn host(&self) -> &HostName {
        &self.host
    }

    /// What is at a path, behind links.
    ///
    /// # Errors
    /// What is wrong with the path, or what kept the host from answering.
    pub async fn stat(&self, path: &RemotePath) -> Result<Attributes, FleetError> {
        let work = self.sftp().stat(sftp_path(path));
        self.step("looking at a file", path, work).await
    }

    /// What is at a path; a link is a link.
    ///
    /// # Errors
    /// As for [`stat`](Self::stat).
    pub async fn lstat(&self, path: &RemotePath) -> Result<Attributes, FleetError> {
        let work = self.sftp().lstat(sftp_path(path));
        self.step("looking at a file", path, work).await
    }

    /// The entries of a directory, in byte order of their names. At most
    /// [`MAX_ENTRIES`](crate::file::MAX_ENTRIES) and
    /// [`MAX_ENTRY_BYTES`](crate::file::MAX_ENTRY_BYTES); it says if there were more.
    ///
    /// # Errors
    /// As for [`stat`](Self::stat).
    pub async fn list(&self, path: &RemotePath) -> Result<Listing, FleetError> {
        let work = self.sftp().listing(sftp_path(path));
        self.step("listing a directory", path, work).await
    }

    /// Where a link leads, as it is written there.
    ///
    /// # Errors
    /// As for [`stat`](Self::stat).
    pub async fn read_link(&self, path: &RemotePath) -> Result<Vec<u8>, FleetError> {
        let work = self.sftp().read_link(sftp_path(path));
        self.step("reading a link", path, work).await
    }

    /// The absolute path that a path stands for: `~` is resolved, and links are followed.
    ///
    /// # Errors
    /// As for [`stat`](Self::stat).
    pub async fn canonical(&self, path: &RemotePath) -> Result<RemotePath, FleetError> {
        let work = self.sftp().canonical(sftp_path(path));
        let found = self.step("resolving a path", path, work).await?;
        // `~` is no name of the host's: only an absolute path is an answer.
        let found = Some(found).filter(|found| found.starts_with(b"/"));
        found
            .and_then(|found| RemotePath::parse(found).ok())
            .ok_or_else(|| self.problem(path, FileProblem::Protocol("it gave a path that is none")))
    }

    /// Opens a file to be read. Nothing but a regular file is ever opened.
    ///
    /// # Errors
    /// As for [`stat`](Self::stat).
    pub async fn open(&self, path: &RemotePath) -> Result<FileReader<'_>, FleetError> {
        let work = self.sftp().download(sftp_path(path));
        let download = self.step("opening a file", path, work).await?;
        Ok(FileReader::new(self, path.clone(), download))
    }

    fn sftp(&self) -> &Sftp {
        &self.channel.sftp
    }

    /// Does something within the bounds of the session.
    async fn step<T>(
        &self,
        doing: &'static str,
        path: &RemotePath,
        work: impl Future<Output = Result<T, SftpError>>,
    ) -> Result<T, FleetError> {
        let host = || self.host.clone();
        let done = tokio::select! {
            // What is there already counts, however late it is.
            biased;
            done = work => done,
            () = self.shutdown.cancelled() => return Err(FleetError::ShuttingDown),
            () = tokio::time::sleep_until(self.deadline.instant()) => {
                return Err(FleetError::DeadlinePassed { host: host(), doing });
            }
        };
        done.map_err(|error| match error {
            SftpError::Problem(problem) => self.problem(path, problem),
            // The channel is closed for both of these too.
            _ if self.shutdown.is_cancelled() => FleetError::ShuttingDown,
            _ if self.deadline.left().is_zero() => FleetError::DeadlinePassed {
                host: host(),
                doing,
            },
            SftpError::Silent => FleetError::SftpSilent { host: host() },
            SftpError::Lost | SftpError::Blocked | SftpError::Open(_) | SftpError::NoSubsystem => {
                FleetError::ConnectionLost { host: host() }
            }
        })
    }

    fn problem(&self, path: &RemotePath, problem: FileProblem) -> FleetError {
        FleetError::File(FileError {
            host: self.host.clone(),
            path: path.clone(),
            problem,
        })
    }
}
