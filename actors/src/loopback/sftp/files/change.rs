//! What changes the file system: the same calls as OpenSSH makes for each request, in their order.

use super::{Files, Open, Refusal, described, no_such_handle};
use crate::loopback::sftp::packet::{Change, Code, Flags, Reply};
use nix::libc;
use nix::sys::stat::{UtimensatFlags, utimensat};
use nix::sys::time::TimeSpec;
use std::fs::{DirBuilder, File, OpenOptions, Permissions};
use std::io;
use std::os::unix::fs::{DirBuilderExt, FileExt, OpenOptionsExt, PermissionsExt, chown, fchown};
use std::path::Path;
use std::time::{Duration, SystemTime};

/// The bits of a mode a client may set.
const MODE: u32 = 0o7777;

/// The modes of what is made without one (`process_open`, `process_mkdir`, sftp-server.c).
const FILE_MODE: u32 = 0o666;
const DIRECTORY_MODE: u32 = 0o777;

impl Files {
    /// Opens a file. It is looked at before, because opening a device can have an effect, and after,
    /// because what is there can change; a FIFO that slips in between does not block.
    pub(super) fn file(
        &mut self,
        path: &[u8],
        flags: Flags,
        change: Change,
    ) -> Result<Reply, Refusal> {
        let place = self.place(path);
        let refuse = || Refusal::new(Code::Failure, "not a regular file");
        match place.metadata() {
            Ok(there) if !there.is_file() => return Err(refuse()),
            Err(error) if !(flags.create() && error.kind() == io::ErrorKind::NotFound) => {
                return Err(error.into());
            }
            _ => {}
        }
        let mut more = libc::O_NONBLOCK | libc::O_NOCTTY;
        let flag = |wanted: bool, flag: libc::c_int| if wanted { flag } else { 0 };
        // By hand: the standard library refuses combinations that open(2) takes.
        more |= flag(flags.create(), libc::O_CREAT);
        more |= flag(flags.exclusive(), libc::O_EXCL);
        more |= flag(flags.truncate(), libc::O_TRUNC);
        more |= flag(flags.append(), libc::O_APPEND);
        let file = OpenOptions::new()
            .read(flags.read())
            .write(flags.write())
            .mode(change.mode.unwrap_or(FILE_MODE) & MODE)
            .custom_flags(more)
            .open(place)?;
        if !file.metadata()?.is_file() {
            return Err(refuse());
        }
        self.keep(Open::File(file))
    }

    pub(super) fn write(
        &mut self,
        handle: &[u8],
        offset: u64,
        data: &[u8],
    ) -> Result<Reply, Refusal> {
        // A file opened to append is written at its end, wherever the client thinks that is
        // (pwrite(2), BUGS).
        self.regular(handle)?.write_all_at(data, offset)?;
        Ok(done())
    }

    pub(super) fn fsync(&mut self, handle: &[u8]) -> Result<Reply, Refusal> {
        self.regular(handle)?.sync_all()?;
        Ok(done())
    }

    fn regular(&mut self, handle: &[u8]) -> Result<&File, Refusal> {
        match self.opened(handle)? {
            Open::File(file) => Ok(file),
            Open::Directory { .. } => Err(no_such_handle()),
        }
    }

    /// Sets what can be set; the last that cannot be is the answer.
    pub(super) fn set(&self, path: &[u8], change: Change) -> Result<Reply, Refusal> {
        set_on(&self.place(path), change)
    }

    /// The same for something open.
    pub(super) fn set_opened(&mut self, handle: &[u8], change: Change) -> Result<Reply, Refusal> {
        let file = match self.opened(handle)? {
            Open::File(file) => file,
            Open::Directory { path, .. } => return set_on(&path.clone(), change),
        };
        let mode = |mode: u32| Permissions::from_mode(mode & MODE);
        last_of([
            change.size.map(|size| file.set_len(size)),
            change.mode.map(|bits| file.set_permissions(mode(bits))),
            change.times.map(|(accessed, modified)| {
                let at =
                    |seconds: u32| SystemTime::UNIX_EPOCH + Duration::from_secs(seconds.into());
                let times = std::fs::FileTimes::new();
                file.set_times(times.set_accessed(at(accessed)).set_modified(at(modified)))
            }),
            change
                .owner
                .map(|(user, group)| fchown(&*file, Some(user), Some(group))),
        ])
    }

    pub(super) fn remove(&self, path: &[u8]) -> Result<Reply, Refusal> {
        std::fs::remove_file(self.place(path))?;
        Ok(done())
    }

    pub(super) fn make_directory(&self, path: &[u8], change: Change) -> Result<Reply, Refusal> {
        let mode = change.mode.unwrap_or(DIRECTORY_MODE) & MODE;
        DirBuilder::new().mode(mode).create(self.place(path))?;
        Ok(done())
    }

    pub(super) fn remove_directory(&self, path: &[u8]) -> Result<Reply, Refusal> {
        std::fs::remove_dir(self.place(path))?;
        Ok(done())
    }

    /// Never replaces anything: a regular file gets a second name, which fails where that is taken,
    /// and loses the first (`process_rename`, sftp-server.c).
    pub(super) fn rename(&self, from: &[u8], to: &[u8]) -> Result<Reply, Refusal> {
        let (from, to) = (self.place(from), self.place(to));
        if from.symlink_metadata()?.is_file() {
            match std::fs::hard_link(&from, &to) {
                Ok(()) => {
                    return match std::fs::remove_file(&from) {
                        Ok(()) => Ok(done()),
                        Err(error) => {
                            let _spare = std::fs::remove_file(&to);
                            Err(error.into())
                        }
                    };
                }
                Err(error) if has_no_links(&error) => {}
                Err(error) => return Err(error.into()),
            }
        }
        if to.symlink_metadata().is_ok() {
            return Err(Refusal::new(Code::Failure, "something has that name"));
        }
        std::fs::rename(from, to)?;
        Ok(done())
    }

    pub(super) fn replace(&self, from: &[u8], to: &[u8]) -> Result<Reply, Refusal> {
        std::fs::rename(self.place(from), self.place(to))?;
        Ok(done())
    }

    pub(super) fn fstat(&mut self, handle: &[u8]) -> Result<Reply, Refusal> {
        Ok(described(match self.opened(handle)? {
            Open::File(file) => file.metadata()?,
            Open::Directory { path, .. } => path.metadata()?,
        }))
    }
}

/// None of these opens anything.
fn set_on(path: &Path, change: Change) -> Result<Reply, Refusal> {
    let mode = |mode: u32| Permissions::from_mode(mode & MODE);
    last_of([
        change.size.map(|size| {
            let size = i64::try_from(size).map_err(|_| io::Error::from_raw_os_error(libc::EINVAL));
            Ok(nix::unistd::truncate(path, size?)?)
        }),
        change
            .mode
            .map(|bits| std::fs::set_permissions(path, mode(bits))),
        change.times.map(|(accessed, modified)| {
            let at = |seconds: u32| TimeSpec::new(seconds.into(), 0);
            let follow = UtimensatFlags::FollowSymlink;
            let here = nix::fcntl::AT_FDCWD;
            Ok(utimensat(here, path, &at(accessed), &at(modified), follow)?)
        }),
        change
            .owner
            .map(|(user, group)| chown(path, Some(user), Some(group))),
    ])
}

fn last_of(set: [Option<io::Result<()>>; 4]) -> Result<Reply, Refusal> {
    match set.into_iter().flatten().filter_map(Result::err).last() {
        Some(error) => Err(error.into()),
        None => Ok(done()),
    }
}

fn has_no_links(error: &io::Error) -> bool {
    matches!(
        error.raw_os_error(),
        Some(libc::EOPNOTSUPP | libc::ENOSYS | libc::EPERM)
    )
}

pub(super) fn done() -> Reply {
    Reply::Status(Code::Ok, String::new())
}
