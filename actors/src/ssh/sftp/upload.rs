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

    /// Opens a regular file to be written on from `offset`, which must be its end: cutting off what
    /// is behind could cut what another one has just written, and proven.
    pub(crate) async fn append(&self, path: &[u8], offset: u64) -> Result<Upload<'_>, SftpError> {
        let (file, attributes) = self.open_regular(path, Access::Write).await?;
        let size = attributes.size.unwrap_or(0);
        if size != offset {
            return Err(SftpError::Problem(FileProblem::OtherSize { size, offset }));
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ssh::sftp::pipe::Pipe;
    use bytes::Buf;
    use proptest::prelude::*;
    use std::cell::Cell;

    /// A host that refuses one write, and takes no more than `most_written` at once.
    fn host(refuses: usize, most_written: u32) -> Sftp {
        let writes = Cell::new(0);
        let server = move |mut packet: Bytes| {
            let (kind, _id) = (packet.get_u8(), packet.get_u32());
            if kind == 3 {
                return Reply::Handle(Bytes::from_static(b"h"));
            }
            let mut code = 0;
            if kind == 6 {
                packet.advance(5 + 8);
                assert_eq!(packet.get_u32() as usize, packet.len());
                assert!(packet.len() <= most_written as usize);
                code = if writes.get() == refuses { 4 } else { 0 };
                writes.set(writes.get() + 1);
            }
            let message = "Failure".into();
            Reply::Status { code, message }
        };
        Sftp {
            pipe: Pipe::answered_by(server),
            most_read: most_written,
            most_written,
        }
    }

    proptest! {
        #[test]
        fn one_write_that_failed_is_no_success(
            refuses in 0_usize..400,
            most in 1_u32..20_000,
            sizes in proptest::collection::vec(0_usize..50_000, 0..20),
        ) {
            let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
            let pieces: usize = sizes.iter().map(|size| size.div_ceil(most as usize)).sum();
            let done = runtime.block_on(async {
                let sftp = host(refuses, most);
                let mut file = sftp.create(b"/f", 0o600).await?;
                for size in sizes {
                    file.write(Bytes::from(vec![1; size])).await?;
                }
                file.finish().await
            });
            let failed = SftpError::Problem(FileProblem::Other("Failure".into()));
            prop_assert_eq!(done, if refuses < pieces { Err(failed) } else { Ok(()) });
        }
    }
}
