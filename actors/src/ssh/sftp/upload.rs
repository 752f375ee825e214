//! Writing a file, in order, with several writes under way.
//!
//! The first write that fails ends it: what comes later is refused with the same error, so that a
//! file with a gap is never taken for a whole one.

use super::download::{Opened, REQUESTS, WINDOW};
use super::packet::{self, Access, Change, Reply, Request};
use super::pipe::Pending;
use super::{Sftp, SftpError, as_done};
use crate::error::FileProblem;
use bytes::Bytes;
use std::collections::VecDeque;

/// The extension that waits for the disk.
const FSYNC: &str = "fsync@openssh.com";

/// The extension that tells how full a file system is.
const STATVFS: &str = "statvfs@openssh.com";

impl Sftp {
    /// Makes a file that was not there.
    pub(crate) async fn create(&self, path: &[u8], mode: u32) -> Result<Upload<'_>, SftpError> {
        let open = Request::Open {
            path,
            access: Access::Create,
            change: Change {
                mode: Some(mode),
                ..Change::default()
            },
        };
        let opened = self.opened(open).await;
        let file = self.unless_taken(path, opened).await?;
        Ok(Upload::new(file, path, 0))
    }

    /// Opens a regular file to be written on from `offset`. What it has behind that is cut off.
    pub(crate) async fn append(&self, path: &[u8], offset: u64) -> Result<Upload<'_>, SftpError> {
        let (file, attributes) = self.open_regular(path, Access::Write).await?;
        let size = attributes.size.unwrap_or(0);
        if size < offset {
            return Err(SftpError::Problem(FileProblem::Shorter { size, offset }));
        }
        if size > offset {
            let cut = Change {
                size: Some(offset),
                ..Change::default()
            };
            as_done(self.ask(Request::FsetStat(&file.handle, cut)).await?)?;
        }
        Ok(Upload::new(file, path, offset))
    }
}

/// A file being written.
pub(crate) struct Upload<'a> {
    file: Opened<'a>,
    path: Vec<u8>,
    /// Where the next write begins.
    at: u64,
    sent: VecDeque<Write>,
    under_way: u64,
    /// Why it goes no further.
    failed: Option<SftpError>,
}

/// A request under way.
struct Write {
    answer: Pending,
    length: u64,
}

impl<'a> Upload<'a> {
    fn new(file: Opened<'a>, path: &[u8], at: u64) -> Self {
        Self {
            file,
            path: path.to_vec(),
            at,
            sent: VecDeque::new(),
            under_way: 0,
            failed: None,
        }
    }

    /// Writes `data` behind what was written before. It is accepted when this returns, and written
    /// when [`finish`](Self::finish) does.
    pub(crate) async fn write(&mut self, mut data: Bytes) -> Result<(), SftpError> {
        if let Some(error) = &self.failed {
            return Err(error.clone());
        }
        // Should the caller leave in the middle, nobody knows how much was taken.
        let torn = FileProblem::Other("an earlier write was abandoned".into());
        self.failed = Some(SftpError::Problem(torn));
        let sent = match self.send(&mut data).await {
            Err(error) => Err(self.explained(error).await),
            sent => sent,
        };
        self.failed = sent.clone().err();
        sent
    }

    async fn send(&mut self, data: &mut Bytes) -> Result<(), SftpError> {
        self.take_ready()?;
        while !data.is_empty() {
            let most = self.file.sftp.most_written as usize;
            let piece = data.split_to(data.len().min(most));
            let length = piece.len() as u64;
            while self.sent.len() >= REQUESTS || self.under_way + length > WINDOW {
                self.take_first().await?;
            }
            let Opened { sftp, handle, .. } = &self.file;
            let answer = sftp.pipe.write(handle, self.at, piece)?;
            self.sent.push_back(Write { answer, length });
            self.under_way += length;
            self.at += length;
        }
        Ok(())
    }

    /// Sees every write acknowledged, has the host put the file on its disk where it offers that,
    /// and closes it. Without success the file may be there in part.
    pub(crate) async fn finish(mut self) -> Result<(), SftpError> {
        if let Some(error) = self.failed.take() {
            return Err(error);
        }
        // All in one breath: the host does it in order, and a file with a gap is closed as well.
        let Opened { sftp, handle, .. } = &self.file;
        let synced = match sftp.pipe.offers(FSYNC) {
            true => Some(sftp.pipe.send([Request::Fsync(handle)])?),
            false => None,
        };
        let [closing] = sftp.pipe.send([Request::Close(handle)])?;
        self.file.closed();
        while !self.sent.is_empty() {
            if let Err(error) = self.take_first().await {
                return Err(self.explained(error).await);
            }
        }
        if let Some([synced]) = synced {
            as_done(synced.await?)?;
        }
        // A file system may report here what it had put off (close(2), NOTES).
        as_done(closing.await?)
    }

    /// The error with its cause, where that is a full disk: OpenSSH says of one that something
    /// failed, and no more.
    async fn explained(&self, error: SftpError) -> SftpError {
        let sftp = self.file.sftp;
        let unexplained = matches!(error, SftpError::Problem(FileProblem::Other(_)));
        if !unexplained || !sftp.pipe.offers(STATVFS) {
            return error;
        }
        let left = match sftp.ask(Request::StatVfs(&self.path)).await {
            Ok(Reply::Extended(answer)) => packet::space_left(answer).ok(),
            _ => None,
        };
        match left {
            Some(left) if left < u64::from(sftp.most_written) => {
                SftpError::Problem(FileProblem::NoSpace)
            }
            _ => error,
        }
    }

    /// Waits for the oldest write.
    async fn take_first(&mut self) -> Result<(), SftpError> {
        let Some(first) = self.sent.front_mut() else {
            return Ok(());
        };
        let answer = (&mut first.answer).await;
        self.drop_first();
        as_done(answer?)
    }

    /// Takes what has been acknowledged, so that a full disk is noticed early.
    fn take_ready(&mut self) -> Result<(), SftpError> {
        while let Some(answer) = self.sent.front_mut().and_then(|write| write.answer.ready()) {
            self.drop_first();
            as_done(answer?)?;
        }
        Ok(())
    }

    fn drop_first(&mut self) {
        if let Some(first) = self.sent.pop_front() {
            self.under_way -= first.length;
        }
    }
}
