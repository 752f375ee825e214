//! The file system, as the SFTP server shows it: open files and directories by number, and every
//! error as the status OpenSSH gives for it.
//!
//! Everything here blocks and belongs on a thread where that is allowed. Nothing opens a file
//! that is not regular, so that nothing blocks for ever.

use super::longname::longname;
use super::packet::{Ask, Attributes, Code, Name, Reply};
use nix::libc;
use std::collections::BTreeMap;
use std::ffi::OsStr;
use std::fs::{File, Metadata, OpenOptions, ReadDir};
use std::io;
use std::os::unix::ffi::{OsStrExt, OsStringExt};
use std::os::unix::fs::{FileExt, MetadataExt, OpenOptionsExt};
use std::path::{Path, PathBuf};

/// Open files and directories at once.
const HANDLES: usize = 64;

/// The most bytes one read gives; a client must live with less than it asked for (§6.4).
const MAX_READ: usize = 128 << 10;

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
            Ask::Open(path) => self.file(path),
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
            Ask::Write => Err(Refusal::new(
                Code::PermissionDenied,
                "this server only reads",
            )),
            Ask::Unknown => Err(Refusal::new(Code::Unsupported, "unknown operation")),
        };
        answered.unwrap_or_else(|Refusal(code, why)| Reply::Status(code, why))
    }

    fn place(&self, path: &[u8]) -> PathBuf {
        self.home.join(OsStr::from_bytes(path))
    }

    fn file(&mut self, path: &[u8]) -> Result<Reply, Refusal> {
        let place = self.place(path);
        let refuse = || Refusal::new(Code::Failure, "not a regular file");
        // Looked at before, because opening a device can have an effect, and after, because what
        // is there can change; a FIFO that slips in between does not block.
        if !place.metadata()?.is_file() {
            return Err(refuse());
        }
        let flags = libc::O_NONBLOCK | libc::O_NOCTTY;
        let file = OpenOptions::new()
            .read(true)
            .custom_flags(flags)
            .open(place)?;
        if !file.metadata()?.is_file() {
            return Err(refuse());
        }
        self.keep(Open::File(file))
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
        was.map(|_| Reply::Status(Code::Ok, String::new()))
            .ok_or_else(no_such_handle)
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

    fn fstat(&mut self, handle: &[u8]) -> Result<Reply, Refusal> {
        Ok(described(match self.opened(handle)? {
            Open::File(file) => file.metadata()?,
            Open::Directory { path, .. } => path.metadata()?,
        }))
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
mod tests {
    use super::*;
    use bytes::Bytes;
    use std::os::unix::fs::symlink;

    fn status(reply: Reply) -> Code {
        match reply {
            Reply::Status(code, _) => code,
            other => panic!("{other:?}"),
        }
    }

    fn handle(reply: Reply) -> Bytes {
        match reply {
            Reply::Handle(handle) => Bytes::copy_from_slice(&handle.to_be_bytes()),
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn handles_are_bounded_and_given_back() {
        let dir = tempfile::tempdir().unwrap();
        std::fs::write(dir.path().join("f"), b"12345").unwrap();
        let mut files = Files::new(dir.path().to_owned());
        let open = || Ask::Open(Bytes::from_static(b"f"));
        let first = handle(files.answer(open()));
        for _ in 1..HANDLES {
            handle(files.answer(open()));
        }
        assert_eq!(status(files.answer(open())), Code::Failure);
        let read = |handle: &Bytes, offset| Ask::Read {
            handle: handle.clone(),
            offset,
            length: 3,
        };
        assert_eq!(files.answer(read(&first, 3)), Reply::Data(b"45".to_vec()));
        assert_eq!(status(files.answer(read(&first, 5))), Code::Eof);
        assert_eq!(status(files.answer(Ask::Close(first.clone()))), Code::Ok);
        assert_eq!(
            status(files.answer(Ask::Close(first.clone()))),
            Code::Failure
        );
        assert_eq!(status(files.answer(read(&first, 0))), Code::Failure);
        let again = handle(files.answer(open()));
        assert_ne!(again, first);
    }

    #[test]
    fn paths_begin_at_home_and_links_are_told_apart() {
        let dir = tempfile::tempdir().unwrap();
        let home = dir.path().canonicalize().unwrap();
        symlink("nowhere", home.join("link")).unwrap();
        std::fs::create_dir(home.join("d")).unwrap();
        let mut files = Files::new(home.clone());
        let bytes = Bytes::from_static;
        let name = |path: &Path| named(path);
        assert_eq!(files.answer(Ask::RealPath(bytes(b"."))), name(&home));
        assert_eq!(
            files.answer(Ask::RealPath(bytes(b"d/../new"))),
            name(&home.join("new"))
        );
        assert_eq!(
            files.answer(Ask::ReadLink(bytes(b"link"))),
            name(Path::new("nowhere"))
        );
        assert!(matches!(
            files.answer(Ask::Lstat(bytes(b"link"))),
            Reply::Attributes(_)
        ));
        assert_eq!(
            status(files.answer(Ask::Stat(bytes(b"link")))),
            Code::NoSuchFile
        );
        assert_eq!(status(files.answer(Ask::Open(bytes(b"d")))), Code::Failure);
        assert_eq!(status(files.answer(Ask::Write)), Code::PermissionDenied);
        assert_eq!(status(files.answer(Ask::Unknown)), Code::Unsupported);
        let open = handle(files.answer(Ask::OpenDir(bytes(b"."))));
        assert!(
            matches!(files.answer(Ask::ReadDir(open.clone())), Reply::Names(n) if n.len() == 2)
        );
        assert_eq!(status(files.answer(Ask::ReadDir(open))), Code::Eof);
    }
}
