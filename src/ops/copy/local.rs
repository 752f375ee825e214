//! The side of a copy that is on this machine.
//!
//! Every call names a place below the descriptor the side began with and is looked up anew from
//! there, see [`super::beneath`]. Disks block, so all of it runs on threads kept for that.

use super::below::{Below, one_line};
use super::places::Spot;
use super::seen::Seen;
use super::{beneath, failure};
use crate::ops::Failure;
use fleet::file::{Kind, Times};
use rustix::fs::{AtFlags, Dir, Mode, OFlags, RenameFlags, Timespec, Timestamps};
use rustix::io::Errno;
use sha2::{Digest, Sha256};
use std::fs::File;
use std::io::{self, Read};
use std::os::fd::{AsFd, OwnedFd};
use std::sync::Arc;
use tokio::sync::oneshot;

/// Looking at an entry for its content must not wait for the other end of a FIFO, nor make a
/// terminal ours.
const READ: OFlags = OFlags::RDONLY.union(OFlags::NONBLOCK).union(OFlags::NOCTTY);

/// What a hash is read in.
const CHUNK: usize = 256 << 10;

/// A place of this machine, and everything below it.
#[derive(Debug, Clone)]
pub(super) struct Local {
    top: Arc<OwnedFd>,
    base: Arc<[u8]>,
    /// The base as it was written.
    shown: Arc<str>,
}

impl Local {
    pub(super) fn new(spot: &Spot) -> Self {
        Self {
            top: Arc::clone(&spot.top),
            base: spot.path.as_slice().into(),
            shown: spot.shown.trim_end_matches('/').into(),
        }
    }

    /// The directory the place is in, where it is in any that may be touched.
    pub(super) fn above(spot: &Spot) -> Option<(Self, Below)> {
        let cut = memchr::memrchr(b'/', &spot.path);
        let (above, name) = match cut {
            Some(cut) => (spot.path.get(..cut)?, spot.path.get(cut + 1..)?),
            None => (b"".as_slice(), spot.path.as_slice()),
        };
        let shown = spot.shown.trim_end_matches('/');
        let shown = match shown.rfind('/') {
            Some(cut) => shown.get(..cut)?,
            None => ".",
        };
        let side = Self {
            top: Arc::clone(&spot.top),
            base: above.into(),
            shown: shown.into(),
        };
        Some((side, Below::here().child(name)?))
    }

    pub(super) fn show(&self, at: &Below) -> String {
        match at.as_bytes() {
            b"" if self.shown.is_empty() => "/".into(),
            b"" => self.shown.to_string(),
            below => format!("{}/{}", self.shown, one_line(below)),
        }
    }

    fn path(&self, at: &Below) -> Vec<u8> {
        match (self.base.is_empty(), at.as_bytes()) {
            (_, b"") => self.base.to_vec(),
            (true, below) => below.to_vec(),
            (false, below) => [&self.base, b"/".as_slice(), below].concat(),
        }
    }

    /// The place by what it lies in and not by how that is written.
    pub(super) fn place(&self, at: &Below) -> Vec<u8> {
        let top = rustix::fs::fstat(&self.top).map_or((0, 0), |top| (top.st_dev, top.st_ino));
        [format!("{top:?}/").into_bytes(), self.path(at)].concat()
    }

    /// Does `work` where blocking is allowed, on the path of `at`.
    async fn blocking<T: Send + 'static>(
        &self,
        at: &Below,
        work: impl FnOnce(&OwnedFd, &[u8]) -> io::Result<T> + Send + 'static,
    ) -> Result<T, Failure> {
        let (top, path) = (Arc::clone(&self.top), self.path(at));
        let done = tokio::task::spawn_blocking(move || work(&top, &path)).await;
        let done = done.unwrap_or_else(|_| Err(io::Error::other("a thread of Scout failed")));
        done.map_err(|error| failure::at(&self.show(at), error))
    }

    /// What is at `at`, a link itself and not what it leads to; nothing if nothing is.
    pub(super) async fn look(&self, at: &Below) -> Result<Option<Seen>, Failure> {
        self.blocking(at, |top, path| match stat(top, path) {
            Ok(seen) => Ok(Some(seen)),
            Err(Errno::NOENT) => Ok(None),
            Err(error) => Err(error.into()),
        })
        .await
    }

    /// The entries of a directory in the order of their names, at most `most` and one more.
    pub(super) async fn list(
        &self,
        at: &Below,
        most: usize,
    ) -> Result<Vec<(Vec<u8>, Seen)>, Failure> {
        self.blocking(at, move |top, path| {
            let flags = OFlags::RDONLY | OFlags::DIRECTORY;
            let directory = beneath::open(top.as_fd(), path, flags, Mode::empty())?;
            let mut entries = Vec::new();
            for entry in Dir::read_from(&directory)? {
                let entry = entry?;
                let name = entry.file_name().to_bytes();
                if matches!(name, b"." | b"..") {
                    continue;
                }
                let seen = rustix::fs::statat(&directory, name, AtFlags::SYMLINK_NOFOLLOW);
                match seen {
                    Ok(seen) => entries.push((name.to_vec(), seen.into())),
                    // Gone since.
                    Err(Errno::NOENT) => {}
                    Err(error) => return Err(error.into()),
                }
                if entries.len() > most {
                    break;
                }
            }
            entries.sort_unstable_by(|(a, _), (b, _)| a.cmp(b));
            Ok(entries)
        })
        .await
    }

    /// A regular file for reading.
    pub(super) async fn open(&self, at: &Below) -> Result<(File, Seen), Failure> {
        self.blocking(at, open_file).await
    }

    /// A new file for writing, for this account only.
    pub(super) async fn create(&self, at: &Below) -> Result<File, Failure> {
        self.blocking(at, |top, path| {
            let (directory, name) = beneath::parent(top.as_fd(), path)?;
            let flags = OFlags::WRONLY | OFlags::CREATE | OFlags::EXCL;
            let mode = Mode::from_raw_mode(0o600);
            Ok(beneath::open(directory.as_fd(), name, flags, mode)?.into())
        })
        .await
    }

    /// A file that an earlier attempt left, for writing on. It must be this account's own and have
    /// no other name, or writing to it could be writing to something else.
    pub(super) async fn append(&self, at: &Below) -> Result<File, Failure> {
        self.blocking(at, |top, path| {
            let flags = OFlags::WRONLY | OFlags::NONBLOCK;
            let file = beneath::open(top.as_fd(), path, flags, Mode::empty())?;
            let stat = rustix::fs::fstat(&file)?;
            let own = stat.st_uid == rustix::process::geteuid().as_raw() && stat.st_nlink == 1;
            match Seen::from(stat).kind {
                Kind::File if own => Ok(file.into()),
                _ => Err(io::Error::other("it is not a file of this account alone")),
            }
        })
        .await
    }

    /// Gives what is whole its mode and times.
    pub(super) async fn seal(&self, at: &Below, mode: u32, times: Times) -> Result<(), Failure> {
        self.blocking(at, move |top, path| {
            let file = beneath::open(top.as_fd(), path, READ, Mode::empty())?;
            let time = |seconds: u32| Timespec {
                tv_sec: seconds.into(),
                tv_nsec: 0,
            };
            rustix::fs::futimens(
                &file,
                &Timestamps {
                    last_access: time(times.accessed),
                    last_modification: time(times.modified),
                },
            )?;
            rustix::fs::fchmod(&file, Mode::from_raw_mode(mode))?;
            // A directory cannot be synced everywhere; a file was, and this is for its mode.
            let _synced = rustix::fs::fsync(&file);
            Ok(())
        })
        .await
    }

    /// Puts the file at `from` in the place of `to`, which is in the same directory, at once.
    pub(super) async fn rename(
        &self,
        from: &Below,
        to: &Below,
        overwrite: bool,
    ) -> Result<(), Failure> {
        let old = from.name().to_vec();
        self.blocking(to, move |top, path| {
            let (directory, new) = beneath::parent(top.as_fd(), path)?;
            let old = old.as_slice();
            if overwrite {
                rustix::fs::renameat(&directory, old, &directory, new)?;
            } else {
                rename_new(&directory, old, new)?;
            }
            // So that the new name outlives a loss of power.
            let above = beneath::open(
                directory.as_fd(),
                b"",
                OFlags::RDONLY | OFlags::DIRECTORY,
                Mode::empty(),
            );
            if let Ok(above) = above {
                let _unsupported = rustix::fs::fsync(&above);
            }
            Ok(())
        })
        .await
    }

    pub(super) async fn remove(&self, at: &Below) -> Result<(), Failure> {
        self.blocking(at, |top, path| {
            let (directory, name) = beneath::parent(top.as_fd(), path)?;
            Ok(rustix::fs::unlinkat(&directory, name, AtFlags::empty())?)
        })
        .await
    }

    pub(super) async fn make_directory(&self, at: &Below, mode: u32) -> Result<(), Failure> {
        self.blocking(at, move |top, path| {
            let (directory, name) = beneath::parent(top.as_fd(), path)?;
            Ok(rustix::fs::mkdirat(
                &directory,
                name,
                Mode::from_raw_mode(mode),
            )?)
        })
        .await
    }

    /// The SHA-256 of a regular file, read back from the disk's side of the system. It ends when
    /// nobody waits for it any more.
    pub(super) async fn sha256(&self, at: &Below) -> Result<[u8; 32], Failure> {
        let (waited_for, _waiting) = oneshot::channel::<()>();
        self.blocking(at, move |top, path| {
            let (mut file, _) = open_file(top, path)?;
            let (mut digest, mut chunk) = (Sha256::new(), vec![0; CHUNK]);
            loop {
                if waited_for.is_closed() {
                    return Err(io::Error::other("nobody waits for it"));
                }
                match file.read(&mut chunk)? {
                    0 => return Ok(digest.finalize().into()),
                    read => digest.update(chunk.get(..read).unwrap_or_default()),
                }
            }
        })
        .await
    }
}

fn stat(top: &OwnedFd, path: &[u8]) -> Result<Seen, Errno> {
    if path.is_empty() {
        return Ok(rustix::fs::fstat(top)?.into());
    }
    let (directory, name) = beneath::parent(top.as_fd(), path)?;
    let stat = rustix::fs::statat(&directory, name, AtFlags::SYMLINK_NOFOLLOW)?;
    Ok(stat.into())
}

fn open_file(top: &OwnedFd, path: &[u8]) -> io::Result<(File, Seen)> {
    // Before it is opened: opening a device can have an effect.
    let kind = stat(top, path)?.kind;
    let refused = |kind: Kind| {
        let what = format!("it is a {}, not a regular file", kind.label());
        Err(io::Error::other(what))
    };
    if !matches!(kind, Kind::File | Kind::Symlink) {
        return refused(kind);
    }
    let file = beneath::open(top.as_fd(), path, READ, Mode::empty())?;
    let seen = Seen::from(rustix::fs::fstat(&file)?);
    match seen.kind {
        Kind::File => Ok((file.into(), seen)),
        other => refused(other),
    }
}

/// Renames unless the new name is taken.
fn rename_new(directory: &OwnedFd, old: &[u8], new: &[u8]) -> Result<(), Errno> {
    match renameat_noreplace(directory, old, new) {
        // Not every file system knows how; a second name that must be new does the same.
        Err(Errno::INVAL | Errno::NOSYS) => {
            rustix::fs::linkat(directory, old, directory, new, AtFlags::empty())?;
            rustix::fs::unlinkat(directory, old, AtFlags::empty())
        }
        renamed => renamed,
    }
}

#[cfg(any(target_os = "linux", target_vendor = "apple"))]
fn renameat_noreplace(directory: &OwnedFd, old: &[u8], new: &[u8]) -> Result<(), Errno> {
    rustix::fs::renameat_with(directory, old, directory, new, RenameFlags::NOREPLACE)
}

#[cfg(not(any(target_os = "linux", target_vendor = "apple")))]
fn renameat_noreplace(_: &OwnedFd, _: &[u8], _: &[u8]) -> Result<(), Errno> {
    Err(Errno::NOSYS)
}

#[cfg(test)]
mod tests;
