//! What is at a path, and the changes that are one request each.
//!
//! OpenSSH says `SSH_FX_FAILURE` of most things that go wrong, and nothing else (`status_to_message`,
//! sftp-server.c). Where something in the way is the likely cause, it is looked for afterwards, so
//! that the error can name it.

use super::packet::{self, Change, Malformed, Reply, Request};
use super::{Sftp, SftpError, as_attributes, as_done, as_handle, refused};
use crate::error::FileProblem;
use crate::file::{Attributes, Entry, Kind, Listing, Times};
use crate::target::MAX_PATH;

/// The extension that replaces a file in one step.
const POSIX_RENAME: &str = "posix-rename@openssh.com";

impl Sftp {
    /// What is at `path`, behind links.
    pub(crate) async fn stat(&self, path: &[u8]) -> Result<Attributes, SftpError> {
        as_attributes(self.ask(Request::Stat(path)).await?)
    }

    /// What is at `path`, a link being a link.
    pub(crate) async fn lstat(&self, path: &[u8]) -> Result<Attributes, SftpError> {
        as_attributes(self.ask(Request::Lstat(path)).await?)
    }

    /// The entries of the directory at `path`.
    pub(crate) async fn listing(&self, path: &[u8]) -> Result<Listing, SftpError> {
        let [stat, opened] = self
            .pipe
            .send([Request::Stat(path), Request::OpenDir(path)])?;
        let (attributes, opened) = (stat.await, opened.await);
        match (
            attributes.and_then(as_attributes),
            opened.and_then(as_handle),
        ) {
            (_, Ok(handle)) => self.list(self.held(handle)).await,
            (Ok(attributes), Err(_)) if attributes.kind() != Kind::Directory => {
                let kind = attributes.kind().label();
                Err(SftpError::Problem(FileProblem::NotDirectory(kind)))
            }
            (_, Err(error)) => Err(error),
        }
    }

    /// Where the link at `path` leads, as it is written there.
    pub(crate) async fn read_link(&self, path: &[u8]) -> Result<Vec<u8>, SftpError> {
        let link = one_name(self.ask(Request::ReadLink(path)).await?)?;
        // What is longer is no path (PATH_MAX, limits.h).
        match link.len() <= MAX_PATH {
            true => Ok(link),
            false => Err(SftpError::Problem(FileProblem::Protocol(
                "a link is longer than a path may be",
            ))),
        }
    }

    /// The absolute path that `path` stands for, without links.
    pub(crate) async fn canonical(&self, path: &[u8]) -> Result<Vec<u8>, SftpError> {
        one_name(self.ask(Request::RealPath(path)).await?)
    }

    /// Sets permission bits, or times, or both.
    pub(crate) async fn set_attributes(
        &self,
        path: &[u8],
        mode: Option<u32>,
        times: Option<Times>,
    ) -> Result<(), SftpError> {
        let change = Change { mode, times };
        as_done(self.ask(Request::SetStat(path, change)).await?)
    }

    /// Whether the host can do what [`replace`](Self::replace) does.
    pub(crate) fn can_replace(&self) -> bool {
        self.pipe.offers(POSIX_RENAME)
    }

    /// Gives the file at `from` the name `to`, in the place of whatever file has it.
    pub(crate) async fn replace(&self, from: &[u8], to: &[u8]) -> Result<(), SftpError> {
        if !self.can_replace() {
            let problem = FileProblem::Unsupported("replacing a file in one step");
            return Err(SftpError::Problem(problem));
        }
        as_done(self.ask(Request::PosixRename(from, to)).await?)
    }

    /// Gives what is at `from` the name `to`, which must be free.
    pub(crate) async fn rename_new(&self, from: &[u8], to: &[u8]) -> Result<(), SftpError> {
        let renamed = as_done(self.ask(Request::Rename(from, to)).await?);
        self.unless_taken(to, renamed).await
    }

    /// Removes a file or a link.
    pub(crate) async fn remove(&self, path: &[u8]) -> Result<(), SftpError> {
        as_done(self.ask(Request::Remove(path)).await?)
    }

    /// Makes a directory.
    pub(crate) async fn make_directory(&self, path: &[u8], mode: u32) -> Result<(), SftpError> {
        let change = Change {
            mode: Some(mode),
            ..Change::default()
        };
        let made = as_done(self.ask(Request::MakeDir(path, change)).await?);
        self.unless_taken(path, made).await
    }

    /// Removes an empty directory.
    pub(crate) async fn remove_directory(&self, path: &[u8]) -> Result<(), SftpError> {
        as_done(self.ask(Request::RemoveDir(path)).await?)
    }

    /// What became of something that needs `path` to be free: a failure without a cause has one if
    /// something is there.
    pub(super) async fn unless_taken<T>(
        &self,
        path: &[u8],
        done: Result<T, SftpError>,
    ) -> Result<T, SftpError> {
        if let Err(SftpError::Problem(FileProblem::Other(_))) = done
            && self.lstat(path).await.is_ok()
        {
            return Err(SftpError::Problem(FileProblem::Exists));
        }
        done
    }

    pub(super) async fn ask(&self, request: Request<'_>) -> Result<Reply, SftpError> {
        let [answer] = self.pipe.send([request])?;
        answer.await
    }
}

fn one_name(reply: Reply) -> Result<Vec<u8>, SftpError> {
    match reply {
        Reply::Names(names) => match <[_; 1]>::try_from(packet::entries(names)?) {
            Ok([Entry { name, .. }]) if !name.is_empty() && !name.contains(&0) => Ok(name),
            Ok(_) => Err(Malformed("a path it gave is empty or has NUL").into()),
            Err(_) => Err(Malformed("it gave another number of paths than one").into()),
        },
        other => Err(refused(other)),
    }
}
