//! The two kinds of places a copy is between, behind one set of verbs.

use super::below::Below;
use super::failure;
use super::local::Local;
use super::remote::Remote;
use super::seen::Seen;
use super::stream::{LocalReader, LocalWriter};
use crate::ops::Failure;
use ::bytes::Bytes;
use fleet::file::Times;
use fleet::{FileReader, FileWriter};

/// The most entries of one directory.
const MAX_ENTRIES: usize = fleet::file::MAX_ENTRIES;

/// A place, and everything below it.
pub(super) enum Side<'a> {
    Local(Local),
    Remote(Remote<'a>),
}

/// A file being read.
pub(super) enum Reader<'a> {
    Local(LocalReader),
    Remote(&'a Remote<'a>, FileReader<'a>),
}

/// A file being written.
pub(super) enum Writer<'a> {
    Local(LocalWriter),
    Remote(&'a Remote<'a>, FileWriter<'a>),
}

impl Side<'_> {
    /// A place as it is shown: `host:/path`, or a path of this machine.
    pub(super) fn show(&self, at: &Below) -> String {
        match self {
            Self::Local(local) => local.show(at),
            Self::Remote(remote) => remote.show(at),
        }
    }

    /// The same place by the same words, whichever way it was written.
    pub(super) async fn place(&self, at: &Below) -> Vec<u8> {
        match self {
            Self::Local(local) => local.place(at),
            Self::Remote(remote) => remote.place(at).await,
        }
    }

    /// What is at `at`, a link itself and not what it leads to; nothing if nothing is.
    pub(super) async fn look(&self, at: &Below) -> Result<Option<Seen>, Failure> {
        match self {
            Self::Local(local) => local.look(at).await,
            Self::Remote(remote) => remote.look(at).await,
        }
    }

    /// The same, but a link that the caller named himself is followed, where his links are.
    pub(super) async fn follow(&self, at: &Below) -> Result<Option<Seen>, Failure> {
        match self {
            Self::Local(local) => local.look(at).await,
            Self::Remote(remote) => remote.follow(at).await,
        }
    }

    /// The entries of a directory.
    pub(super) async fn list(&self, at: &Below) -> Result<Vec<(Vec<u8>, Seen)>, Failure> {
        let entries = match self {
            Self::Local(local) => local.list(at, MAX_ENTRIES).await?,
            Self::Remote(remote) => remote.list(at).await?,
        };
        match entries.len() > MAX_ENTRIES {
            false => Ok(entries),
            true => Err(failure::failed(
                "too_many_files",
                format!(
                    "the directory `{}` has more than {MAX_ENTRIES} entries",
                    self.show(at)
                ),
            )),
        }
    }

    /// Opens a regular file; where it is read from is decided by what it is.
    pub(super) async fn open(&self, at: &Below) -> Result<Opened<'_>, Failure> {
        match self {
            Self::Local(local) => {
                let (file, seen) = local.open(at).await?;
                Ok(Opened::Local(file, seen, local.show(at)))
            }
            Self::Remote(remote) => {
                let opened = remote.files.open(&remote.path(at)?).await;
                let reader = opened.map_err(|error| remote.failure(error))?;
                Ok(Opened::Remote(remote, reader))
            }
        }
    }

    /// A new file, for its owner only.
    pub(super) async fn create(&self, at: &Below) -> Result<Writer<'_>, Failure> {
        match self {
            Self::Local(local) => {
                let file = local.create(at).await?;
                Ok(Writer::Local(LocalWriter::start(file, 0, local.show(at))))
            }
            Self::Remote(remote) => {
                let created = remote.files.create(&remote.path(at)?, 0o600).await;
                let writer = created.map_err(|error| remote.failure(error))?;
                Ok(Writer::Remote(remote, writer))
            }
        }
    }

    /// A file of an earlier attempt, written on from `offset`. Call it for what [`owns`] says yes
    /// to.
    ///
    /// [`owns`]: Self::owns
    pub(super) async fn append(&self, at: &Below, offset: u64) -> Result<Writer<'_>, Failure> {
        match self {
            Self::Local(local) => {
                let file = local.append(at).await?;
                // One that ends elsewhere is being written by somebody else.
                if file.metadata().is_ok_and(|seen| seen.len() != offset) {
                    let shown = local.show(at);
                    let message = format!("`{shown}` does not end at byte {offset}");
                    return Err(failure::failed("file_changed", message));
                }
                let writer = LocalWriter::start(file, offset, local.show(at));
                Ok(Writer::Local(writer))
            }
            Self::Remote(remote) => {
                let opened = remote.files.append(&remote.path(at)?, offset).await;
                let writer = opened.map_err(|error| remote.failure(error))?;
                Ok(Writer::Remote(remote, writer))
            }
        }
    }

    /// Whether a file belongs to the account, so that nobody else could have put it there for us to
    /// write to.
    pub(super) async fn owns(&self, at: &Below, seen: &Seen) -> Result<bool, Failure> {
        match self {
            // Its descriptor is asked, when it is opened.
            Self::Local(_) => Ok(true),
            Self::Remote(remote) => remote.owns(at, seen).await,
        }
    }

    /// The SHA-256 of a file of this size, as it lies there now.
    pub(super) async fn sha256(&self, at: &Below, size: u64) -> Result<[u8; 32], Failure> {
        match self {
            Self::Local(local) => local.sha256(at).await,
            Self::Remote(remote) => remote.sha256(at, size).await,
        }
    }

    /// Gives what is whole its mode and times.
    pub(super) async fn seal(&self, at: &Below, mode: u32, times: Times) -> Result<(), Failure> {
        match self {
            Self::Local(local) => local.seal(at, mode, times).await,
            Self::Remote(remote) => {
                let path = remote.path(at)?;
                let set = remote.files.set_attributes(&path, Some(mode), Some(times));
                set.await.map_err(|error| remote.failure(error))
            }
        }
    }

    /// Whether a file here can be replaced in one step.
    pub(super) fn can_replace(&self) -> bool {
        match self {
            Self::Local(_) => true,
            Self::Remote(remote) => remote.files.can_replace(),
        }
    }

    /// Puts the file `from` in the place of `to`, in the same directory: over what is there when
    /// it is to be overwritten, else only where nothing is.
    pub(super) async fn rename(
        &self,
        from: &Below,
        to: &Below,
        overwrite: bool,
    ) -> Result<(), Failure> {
        match self {
            Self::Local(local) => local.rename(from, to, overwrite).await,
            Self::Remote(remote) => {
                let (old, new) = (remote.path(from)?, remote.path(to)?);
                let renamed = match overwrite {
                    true => remote.files.replace(&old, &new).await,
                    false => remote.files.rename_new(&old, &new).await,
                };
                renamed.map_err(|error| remote.failure(error))
            }
        }
    }

    pub(super) async fn remove(&self, at: &Below) -> Result<(), Failure> {
        match self {
            Self::Local(local) => local.remove(at).await,
            Self::Remote(remote) => {
                let removed = remote.files.remove(&remote.path(at)?).await;
                removed.map_err(|error| remote.failure(error))
            }
        }
    }

    pub(super) async fn make_directory(&self, at: &Below, mode: u32) -> Result<(), Failure> {
        match self {
            Self::Local(local) => local.make_directory(at, mode).await,
            Self::Remote(remote) => {
                let made = remote.files.make_directory(&remote.path(at)?, mode).await;
                made.map_err(|error| remote.failure(error))
            }
        }
    }
}

/// A file that was opened and is not read yet.
pub(super) enum Opened<'a> {
    Local(std::fs::File, Seen, String),
    Remote(&'a Remote<'a>, FileReader<'a>),
}

impl<'a> Opened<'a> {
    /// What it was when it was opened.
    pub(super) fn seen(&self) -> Seen {
        match self {
            Self::Local(_, seen, _) => *seen,
            Self::Remote(_, reader) => (*reader.attributes()).into(),
        }
    }

    /// Begins to read it at `offset`.
    pub(super) fn from(self, offset: u64) -> Reader<'a> {
        match self {
            Self::Local(file, _, shown) => Reader::Local(LocalReader::start(file, offset, shown)),
            Self::Remote(remote, mut reader) => {
                reader.seek(offset);
                Reader::Remote(remote, reader)
            }
        }
    }
}

impl Reader<'_> {
    /// The next piece; none at the end.
    pub(super) async fn next(&mut self) -> Result<Option<Bytes>, Failure> {
        match self {
            Self::Local(reader) => reader.next().await,
            Self::Remote(remote, reader) => {
                let piece = reader.next().await;
                piece.map_err(|error| remote.failure(error))
            }
        }
    }
}

impl Writer<'_> {
    /// Hands a piece over, once there is room for it.
    pub(super) async fn write(&mut self, piece: Bytes) -> Result<(), Failure> {
        match self {
            Self::Local(writer) => writer.write(piece).await,
            Self::Remote(remote, writer) => {
                let written = writer.write(piece).await;
                written.map_err(|error| remote.failure(error))
            }
        }
    }

    /// Waits until everything is on the disk.
    pub(super) async fn finish(self) -> Result<(), Failure> {
        match self {
            Self::Local(writer) => writer.finish().await,
            Self::Remote(remote, writer) => {
                let finished = writer.finish().await;
                finished.map_err(|error| remote.failure(error))
            }
        }
    }
}
