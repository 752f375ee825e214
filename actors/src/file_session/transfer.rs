//! A file on its way: from a host, or to one.

use super::FileSession;
use crate::error::FleetError;
use crate::file::Attributes;
use crate::ssh::sftp::{Download, Upload};
use crate::target::RemotePath;
use bytes::Bytes;

/// A file being read. Dropping it closes the file.
#[must_use]
pub struct FileReader<'a> {
    session: &'a FileSession,
    path: RemotePath,
    download: Download<'a>,
}

impl<'a> FileReader<'a> {
    pub(super) fn new(session: &'a FileSession, path: RemotePath, download: Download<'a>) -> Self {
        Self {
            session,
            path,
            download,
        }
    }

    /// What the file was when it was opened. It may grow and shrink while it is read.
    #[must_use]
    pub fn attributes(&self) -> &Attributes {
        self.download.attributes()
    }

    /// Goes on at `offset`; behind the end of the file there is nothing to read.
    pub fn seek(&mut self, offset: u64) {
        self.download.seek(offset);
    }

    /// The next bytes, in order and never empty; nothing at the end of the file, which is where the
    /// host says it is. At most 4 MiB are asked for ahead. A future that is dropped loses nothing.
    ///
    /// # Errors
    /// What went wrong; from then on always the same.
    pub async fn next(&mut self) -> Result<Option<Bytes>, FleetError> {
        let work = self.download.next();
        self.session.step("reading a file", &self.path, work).await
    }

    /// Closes the file, as dropping it does.
    pub async fn close(self) {}
}

/// A file being written. Dropping it closes the file and leaves it as it is, in part.
#[must_use]
pub struct FileWriter<'a> {
    session: &'a FileSession,
    path: RemotePath,
    upload: Upload<'a>,
}

impl<'a> FileWriter<'a> {
    pub(super) fn new(session: &'a FileSession, path: RemotePath, upload: Upload<'a>) -> Self {
        Self {
            session,
            path,
            upload,
        }
    }

    /// Writes `data` behind what was written before. At most 4 MiB are under way: when this
    /// returns the data is accepted, and only [`finish`](Self::finish) says that it is written. A
    /// future that is dropped ends the writing, for nobody knows how much of it was sent.
    ///
    /// # Errors
    /// What went wrong, with this data or any before it; from then on always the same.
    pub async fn write(&mut self, data: Bytes) -> Result<(), FleetError> {
        let work = self.upload.write(data);
        self.session.step("writing a file", &self.path, work).await
    }

    /// Waits until everything is written and, where the host offers `fsync@openssh.com`, on its
    /// disk, and closes the file.
    ///
    /// # Errors
    /// What went wrong. The file may then be there whole, in part, or empty.
    pub async fn finish(self) -> Result<(), FleetError> {
        let work = self.upload.finish();
        self.session.step("writing a file", &self.path, work).await
    }
}
