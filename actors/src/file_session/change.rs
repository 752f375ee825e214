//! What changes something on a host.
//!
//! See the [module](super) for what may have happened when one of these ends without an answer.

use super::{FileSession, FileWriter};
use crate::error::FleetError;
use crate::file::Times;
use crate::host::read::sftp_path;
use crate::target::RemotePath;

impl FileSession {
    /// Makes a file that was not there, and opens it to be written. The host's umask applies to
    /// `mode`; [`set_attributes`](Self::set_attributes) is exact.
    ///
    /// # Errors
    /// [`FileProblem::Exists`](crate::error::FileProblem::Exists) if anything is at the path, a
    /// dangling link included; otherwise as for [`stat`](Self::stat).
    pub async fn create(&self, path: &RemotePath, mode: u32) -> Result<FileWriter<'_>, FleetError> {
        let work = self.sftp().create(sftp_path(path), mode);
        let upload = self.step("making a file", path, work).await?;
        Ok(FileWriter::new(self, path.clone(), upload))
    }

    /// Opens a regular file to be written on from `offset`, where it ends.
    ///
    /// # Errors
    /// [`FileProblem::OtherSize`](crate::error::FileProblem::OtherSize) if it ends elsewhere;
    /// otherwise as for [`stat`](Self::stat).
    pub async fn append(
        &self,
        path: &RemotePath,
        offset: u64,
    ) -> Result<FileWriter<'_>, FleetError> {
        let work = self.sftp().append(sftp_path(path), offset);
        let upload = self.step("opening a file", path, work).await?;
        Ok(FileWriter::new(self, path.clone(), upload))
    }

    /// Sets permission bits and times. What is absent stays as it is. Links are followed.
    ///
    /// # Errors
    /// As for [`stat`](Self::stat).
    pub async fn set_attributes(
        &self,
        path: &RemotePath,
        mode: Option<u32>,
        times: Option<Times>,
    ) -> Result<(), FleetError> {
        let work = self.sftp().set_attributes(sftp_path(path), mode, times);
        self.step("setting attributes", path, work).await
    }

    /// Whether the host can do what [`replace`](Self::replace) does.
    #[must_use]
    pub fn can_replace(&self) -> bool {
        self.sftp().can_replace()
    }

    /// Gives the file at `from` the name `to`, in the place of whatever file has that name. At any
    /// moment there is the old file or the new one (rename(2)).
    ///
    /// # Errors
    /// [`FileProblem::Unsupported`](crate::error::FileProblem::Unsupported) where the host does not
    /// offer `posix-rename@openssh.com`; otherwise as for [`stat`](Self::stat), said of `to`.
    pub async fn replace(&self, from: &RemotePath, to: &RemotePath) -> Result<(), FleetError> {
        let work = self.sftp().replace(sftp_path(from), sftp_path(to));
        self.step("renaming a file", to, work).await
    }

    /// Gives what is at `from` the name `to`, which must be free. OpenSSH makes sure of that for
    /// regular files; of anything else, and where the file system has no hard links, it only looks
    /// first.
    ///
    /// # Errors
    /// [`FileProblem::Exists`](crate::error::FileProblem::Exists) if something is there; otherwise
    /// as for [`stat`](Self::stat), said of `to`.
    pub async fn rename_new(&self, from: &RemotePath, to: &RemotePath) -> Result<(), FleetError> {
        let work = self.sftp().rename_new(sftp_path(from), sftp_path(to));
        self.step("renaming a file", to, work).await
    }

    /// Removes a file or a link.
    ///
    /// # Errors
    /// As for [`stat`](Self::stat).
    pub async fn remove(&self, path: &RemotePath) -> Result<(), FleetError> {
        let work = self.sftp().remove(sftp_path(path));
        self.step("removing a file", path, work).await
    }

    /// Makes a directory. The host's umask applies to `mode`.
    ///
    /// # Errors
    /// [`FileProblem::Exists`](crate::error::FileProblem::Exists) if something is there; otherwise
    /// as for [`stat`](Self::stat).
    pub async fn make_directory(&self, path: &RemotePath, mode: u32) -> Result<(), FleetError> {
        let work = self.sftp().make_directory(sftp_path(path), mode);
        self.step("making a directory", path, work).await
    }

    /// Removes an empty directory.
    ///
    /// # Errors
    /// As for [`stat`](Self::stat).
    pub async fn remove_directory(&self, path: &RemotePath) -> Result<(), FleetError> {
        let work = self.sftp().remove_directory(sftp_path(path));
        self.step("removing a directory", path, work).await
    }
}
