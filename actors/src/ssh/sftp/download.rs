//! Reading a file from its beginning, or any other place, to its end.
//!
//! Reads are asked for ahead, as many as the size promises, so that the host always has work and
//! never more is under way than [`WINDOW`]. The size only guides: the end is where the host says.

use super::packet::{Access, Change, FX_EOF, Handle, Malformed, Reply, Request};
use super::pipe::Pending;
use super::{Sftp, SftpError, as_attributes, as_handle, refused};
use crate::error::FileProblem;
use crate::file::{Attributes, Kind};
use bytes::Bytes;
use std::collections::VecDeque;

/// Bytes of one file under way at once.
pub(super) const WINDOW: u64 = 4 << 20;

/// Requests of one file under way at once.
pub(super) const REQUESTS: usize = 64;

/// What a host that gives less than it is asked for is asked for at least.
const LEAST: u32 = 4 << 10;

/// An open file; closed when dropped.
pub(super) struct Opened<'a> {
    pub(super) sftp: &'a Sftp,
    pub(super) handle: Handle,
    is_closed: bool,
}

impl Opened<'_> {
    /// The host has been asked to close it.
    pub(super) fn closed(&mut self) {
        self.is_closed = true;
    }
}

impl Drop for Opened<'_> {
    fn drop(&mut self) {
        if !self.is_closed {
            self.sftp.pipe.close(&self.handle);
        }
    }
}

impl Sftp {
    /// Opens what is at `path`, if it is a regular file. It is looked at before, because opening a
    /// FIFO can block and opening a device can have an effect, and after, because what is there can
    /// change. The protocol has no way to open a FIFO that slips in between without blocking.
    pub(super) async fn open_regular(
        &self,
        path: &[u8],
        access: Access,
    ) -> Result<(Opened<'_>, Attributes), SftpError> {
        regular(&self.stat(path).await?)?;
        let change = Change::default();
        let open = Request::Open {
            path,
            access,
            change,
        };
        let opened = self.opened(open).await?;
        let attributes = as_attributes(self.ask(Request::Fstat(&opened.handle)).await?)?;
        regular(&attributes)?;
        Ok((opened, attributes))
    }

    pub(super) async fn opened(&self, open: Request<'_>) -> Result<Opened<'_>, SftpError> {
        Ok(self.held(as_handle(self.ask(open).await?)?))
    }

    /// A handle of this channel, from now on closed when dropped.
    pub(super) fn held(&self, handle: Handle) -> Opened<'_> {
        Opened {
            sftp: self,
            handle,
            is_closed: false,
        }
    }

    /// Opens a regular file to be read.
    pub(crate) async fn download(&self, path: &[u8]) -> Result<Download<'_>, SftpError> {
        let (file, attributes) = self.open_regular(path, Access::Read).await?;
        Ok(Download {
            chunk: self.most_read,
            file,
            attributes,
            asked: VecDeque::new(),
            at: 0,
            is_ended: false,
            failed: None,
        })
    }
}

fn regular(attributes: &Attributes) -> Result<(), SftpError> {
    match attributes.kind() {
        Kind::File => Ok(()),
        kind => Err(SftpError::Problem(FileProblem::NotRegular(kind.label()))),
    }
}

/// A file being read.
pub(crate) struct Download<'a> {
    file: Opened<'a>,
    attributes: Attributes,
    chunk: u32,
    asked: VecDeque<Read>,
    /// Where the next request begins.
    at: u64,
    is_ended: bool,
    /// Why it goes no further.
    failed: Option<SftpError>,
}

/// A request under way.
struct Read {
    answer: Pending,
    offset: u64,
    length: u32,
}

impl Download<'_> {
    /// What the file was when it was opened.
    pub(crate) fn attributes(&self) -> &Attributes {
        &self.attributes
    }

    /// Goes on at `offset`; what was asked for elsewhere is forgotten.
    pub(crate) fn seek(&mut self, offset: u64) {
        self.asked.clear();
        self.at = offset;
        self.is_ended = false;
    }

    /// The next bytes of the file, never none; nothing at its end. Who leaves while this waits
    /// misses nothing.
    pub(crate) async fn next(&mut self) -> Result<Option<Bytes>, SftpError> {
        if let Some(error) = &self.failed {
            return Err(error.clone());
        }
        let next = self.take().await;
        self.failed = next.as_ref().err().cloned();
        next
    }

    async fn take(&mut self) -> Result<Option<Bytes>, SftpError> {
        if self.is_ended {
            return Ok(None);
        }
        self.ask_ahead()?;
        let Some(first) = self.asked.front_mut() else {
            return Ok(None);
        };
        let answer = (&mut first.answer).await;
        let (offset, length) = (first.offset, first.length);
        self.asked.pop_front();
        match answer? {
            Reply::Data(data) if data.is_empty() || data.len() > length as usize => {
                Err(Malformed("it sent another amount than was asked for").into())
            }
            Reply::Data(data) => {
                let given = u32::try_from(data.len()).unwrap_or(length);
                if given < length {
                    self.fell_short(offset + u64::from(given), given);
                }
                // The next request goes out before these bytes are used.
                self.ask_ahead()?;
                Ok(Some(data))
            }
            Reply::Status { code: FX_EOF, .. } => {
                self.asked.clear();
                self.is_ended = true;
                Ok(None)
            }
            other => Err(refused(other)),
        }
    }

    /// Less came than was asked for: there is a gap before what is under way, so that is asked for
    /// again from the gap on, and in smaller pieces should the host never give that much.
    fn fell_short(&mut self, gap: u64, given: u32) {
        if !self.asked.is_empty() {
            self.chunk = self.chunk.min(given.max(LEAST));
        }
        self.asked.clear();
        self.at = gap;
    }

    fn ask_ahead(&mut self) -> Result<(), SftpError> {
        let size = self.attributes.size.unwrap_or(0);
        while self.asked.len() < REQUESTS && self.under_way() + u64::from(self.chunk) <= WINDOW {
            let promised = size.saturating_sub(self.at);
            // One request beyond what is promised meets the end; a file that grew, or never said
            // its size, is read on from there one by one.
            if promised == 0 && self.asked.back().is_some_and(|last| last.offset >= size) {
                break;
            }
            let length = match promised {
                0 => self.chunk,
                promised => u32::try_from(promised).unwrap_or(u32::MAX).min(self.chunk),
            };
            let Opened { sftp, handle, .. } = &self.file;
            let [answer] = sftp.pipe.send([Request::Read {
                handle,
                offset: self.at,
                length,
            }])?;
            self.asked.push_back(Read {
                answer,
                offset: self.at,
                length,
            });
            // Far beyond any file; the host says there is nothing.
            self.at = self.at.saturating_add(u64::from(length));
        }
        Ok(())
    }

    fn under_way(&self) -> u64 {
        self.asked.iter().map(|read| u64::from(read.length)).sum()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ssh::sftp::pipe::Pipe;
    use bytes::Buf;
    use proptest::prelude::*;
    use std::cell::Cell;

    /// A host with one file, of which it gives as little at once as `gives` says, and whose size it
    /// says to be `size`.
    fn host(content: Vec<u8>, gives: Vec<usize>, size: u64) -> Sftp {
        let turn = Cell::new(0);
        let server = move |mut packet: Bytes| {
            let (kind, _id) = (packet.get_u8(), packet.get_u32());
            if kind == 3 {
                return Reply::Handle(Bytes::from_static(b"h"));
            }
            if kind != 5 {
                return Reply::Attributes(Attributes {
                    size: Some(size),
                    mode: Some(0o100_644),
                    ..Attributes::default()
                });
            }
            packet.advance(5);
            let (offset, length) = (packet.get_u64() as usize, packet.get_u32() as usize);
            turn.set(turn.get() + 1);
            let gives = gives[turn.get() % gives.len()];
            let left = content.get(offset..).unwrap_or_default();
            match &left[..left.len().min(length).min(gives)] {
                [] => Reply::Status {
                    code: FX_EOF,
                    message: String::new(),
                },
                data => Reply::Data(Bytes::copy_from_slice(data)),
            }
        };
        Sftp {
            pipe: Pipe::answered_by(server),
            most_read: 100,
            most_written: 100,
        }
    }

    proptest! {
        #[test]
        fn every_byte_comes_once_however_little_is_given_and_whatever_size_is_said(
            content in proptest::collection::vec(any::<u8>(), 0..3_000),
            gives in proptest::collection::vec(1_usize..200, 1..6),
            size in 0_u64..4_000,
            from in 0_usize..3_500,
        ) {
            let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
            let read = runtime.block_on(async {
                let sftp = host(content.clone(), gives, size);
                let mut file = sftp.download(b"/f").await.unwrap();
                file.seek(from as u64);
                let mut read = Vec::new();
                while let Some(data) = file.next().await.unwrap() {
                    read.extend_from_slice(&data);
                }
                read
            });
            prop_assert_eq!(&read[..], content.get(from..).unwrap_or_default());
        }
    }
}
