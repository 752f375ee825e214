//! The file system, as the SFTP server shows it: open files and directories by number, and every
//! error as the status OpenSSH gives for it.
//!
//! Everything here blocks and belongs on a thread where that is allowed. Nothing opens a file
//! that is not regular, so that nothing blocks for ever.

mod change;

use super::longname::longname;
use super::packet::{Ask, Attributes, Code, Name, Reply};
use change::done;
use nix::libc;
use std::collections::BTreeMap;
use std::ffi::OsStr;
use std::fs::{File, Metadata, ReadDir};
use std::io;
use std::os::unix::ffi::{OsStrExt, OsStringExt};
use std::os::unix::fs::{FileExt, MetadataExt};
use std::path::{Path, PathBuf};

/// Open files and directories at once.
const HANDLES: usize = 64;

/// The most bytes one read gives and one write takes: what fits into a packet, as OpenSSH has it.
const MAX_READ: usize = 255 << 10;

/// Names in one answer, as many as OpenSSH gives (sftp-server.c, `process_readdir`).
const NAMES: usize = 100;

enum Open {
    File(File),
    Directory { path: PathBuf, entries: ReadDir },
}

/// What one client has open.
pub(super) struct Files {
    home: PathBuf,
    open: BTreeMap<u32, Open>,
    next: u32,
}

/// Why there is no answer but a status.
struct Refusal(Code, String);

impl Refusal {
    fn new(code: Code, why: &str) -> Self {
        Self(code, why.to_owned())
    }
}

impl From<io::Error> for Refusal {
    /// The status for a system error (`errno_to_portable`, sftp-server.c).
    fn from(error: io::Error) -> Self {
        let code = match error.raw_os_error() {
            Some(libc::ENOENT | libc::ENOTDIR | libc::EBADF | libc::ELOOP) => Code::NoSuchFile,
            Some(libc::EPERM | libc::EACCES | libc::EFAULT) => Code::PermissionDenied,
            Some(libc::ENAMETOOLONG | libc::EINVAL) => Code::BadMessage,
            Some(libc::ENOSYS) => Code::Unsupported,
            _ => Code::Failure,
        };
        Self(code, error.to_string())
    }
}

impl Files {
    /// Nothing open; relative paths begin at `home`.
    pub(super) fn new(home: PathBuf) -> Self {
        Self {
            home,
            open: BTreeMap::new(),
            next: 0,
        }
    }

    /// Does what was asked for, or says why not.
    pub(super) fn answer(&mut self, ask: Ask) -> Reply {
        let answered = match &ask {
            Ask::Open {
                path,
                flags,
                change,
            } => self.file(path, *flags, *change),
            Ask::OpenDir(path) => self.directory(path),
            Ask::Close(handle) => self.close(handle),
            Ask::Read {
                handle,
                offset,
                length,
            } => self.read(handle, *offset, *length),
            Ask::ReadDir(handle) => self.names(handle),
            Ask::Stat(path) => self
                .place(path)
                .metadata()
                .map(described)
                .map_err(Into::into),
            Ask::Lstat(path) => {
                let found = self.place(path).symlink_metadata();
                found.map(described).map_err(Into::into)
            }
            Ask::Fstat(handle) => self.fstat(handle),
            Ask::RealPath(path) => self.real(path),
            Ask::ReadLink(path) => {
                let target = std::fs::read_link(self.place(path));
                target.map(named).map_err(Into::into)
            }
            Ask::Write {
                handle,
                offset,
                data,
            } => self.write(handle, *offset, data),
            Ask::Fsync(handle) => self.fsync(handle),
            Ask::SetStat(path, change) => self.set(path, *change),
            Ask::FsetStat(handle, change) => self.set_opened(handle, *change),
            Ask::Remove(path) => self.remove(path),
            Ask::MakeDir(path, change) => self.make_directory(path, *change),
            Ask::RemoveDir(path) => self.remove_directory(path),
            Ask::Rename(from, to) => self.rename(from, to),
            Ask::PosixRename(from, to) => self.replace(from, to),
            Ask::Limits => Ok(Reply::Limits {
                packet: super::MAX_PACKET as u64,
                read: MAX_READ as u64,
                write: MAX_READ as u64,
                handles: HANDLES as u64,
            }),
            Ask::Unknown => Err(Refusal::new(Code::Unsupported, "unknown operation")),
        };
        answered.unwrap_or_else(|Refusal(code, why)| Reply::Status(code, why))
    }

    fn place(&self, path: &[u8]) -> PathBuf {
        self.home.join(OsStr::from_bytes(path))
    }

    fn directory(&mut self, path: &[u8]) -> Result<Reply, Refusal> {
        let path = self.place(path);
        let entries = std::fs::read_dir(&path)?;
        self.keep(Open::Directory { path, entries })
    }

    fn keep(&mut self, open: Open) -> Result<Reply, Refusal> {
        if self.open.len() >= HANDLES {
            return Err(Refusal::new(Code::Failure, "too many open files"));
        }
        let handle = self.next;
        self.next = self.next.wrapping_add(1);
        self.open.insert(handle, open);
        Ok(Reply::Handle(handle))
    }

    fn close(&mut self, handle: &[u8]) -> Result<Reply, Refusal> {
        let was = number(handle).and_then(|handle| self.open.remove(&handle));
        was.map(|_| done()).ok_or_else(no_such_handle)
    }

    fn opened(&mut self, handle: &[u8]) -> Result<&mut Open, Refusal> {
        let open = number(handle).and_then(|handle| self.open.get_mut(&handle));
        open.ok_or_else(no_such_handle)
    }

    fn read(&mut self, handle: &[u8], offset: u64, length: u32) -> Result<Reply, Refusal> {
        let Open::File(file) = self.opened(handle)? else {
            return Err(no_such_handle());
        };
        let mut data = vec![0; (length as usize).min(MAX_READ)];
        let read = file.read_at(&mut data, offset)?;
        data.truncate(read);
        match read {
            0 if length > 0 => Err(Refusal::new(Code::Eof, "end of file")),
            _ => Ok(Reply::Data(data)),
        }
    }

    fn names(&mut self, handle: &[u8]) -> Result<Reply, Refusal> {
        let Open::Directory { path, entries } = self.opened(handle)? else {
            return Err(no_such_handle());
        };
        let mut names = Vec::new();
        for entry in entries.take(NAMES) {
            let name = entry?.file_name();
            // What vanished since is left out.
            let Ok(metadata) = path.join(&name).symlink_metadata() else {
                continue;
            };
            let name = name.into_vec();
            names.push(Name {
                long: longname(&name, &metadata),
                attributes: Some(attributes(&metadata)),
                name,
            });
        }
        match names.is_empty() {
            true => Err(Refusal::new(Code::Eof, "end of directory")),
            false => Ok(Reply::Names(names)),
        }
    }

    /// The path without links; its last part need not exist (`sftp_realpath`, OpenSSH).
    fn real(&self, path: &[u8]) -> Result<Reply, Refusal> {
        let place = self.place(path);
        let real = place.canonicalize().or_else(|error| {
            match (error.kind(), place.parent(), place.file_name()) {
                (io::ErrorKind::NotFound, Some(parent), Some(name)) => {
                    Ok(parent.canonicalize()?.join(name))
                }
                _ => Err(error),
            }
        })?;
        Ok(named(real))
    }
}

fn number(handle: &[u8]) -> Option<u32> {
    handle.try_into().ok().map(u32::from_be_bytes)
}

fn no_such_handle() -> Refusal {
    Refusal::new(Code::Failure, "no such handle")
}

fn named(path: impl AsRef<Path>) -> Reply {
    let name = path.as_ref().as_os_str().as_bytes().to_vec();
    Reply::Names(vec![Name {
        long: name.clone(),
        name,
        attributes: None,
    }])
}

fn described(metadata: Metadata) -> Reply {
    Reply::Attributes(attributes(&metadata))
}

/// Times outside of what 32 bits hold are cut to it.
fn attributes(metadata: &Metadata) -> Attributes {
    let seconds = |time: i64| u32::try_from(time.max(0)).unwrap_or(u32::MAX);
    Attributes {
        size: metadata.len(),
        uid: metadata.uid(),
        gid: metadata.gid(),
        mode: metadata.mode(),
        accessed: seconds(metadata.atime()),
        modified: seconds(metadata.mtime()),
    }
}

#[cfg(test)]
mod tests;
