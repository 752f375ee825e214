//! The side of a copy that is on a host, over one SFTP channel that all its files share.

use super::below::{Below, one_line};
use super::place::split;
use super::seen::Seen;
use super::{failure, partial};
use crate::access::Principal;
use crate::ops::checksum;
use crate::ops::{Failure, Ops};
use fleet::file::Kind;
use fleet::{Deadline, FileSession, FleetError, Lease, RemotePath, Target};
use sha2::{Digest, Sha256};
use std::time::{Duration, SystemTime, UNIX_EPOCH};
use tokio::sync::OnceCell;

/// Up to this size a file is read back over the channel it went through, which costs less than
/// starting a program for it.
const READ_BACK: u64 = 64 << 10;

/// How long a program of the host's may wait for its turn: a copy holds one of the host's places
/// already, and where there is no second one it would wait for ever.
const PATIENCE: Duration = Duration::from_secs(2);

/// What the slowest host hashes in a second.
const HASHED_PER_SECOND: u64 = 20 << 20;

/// A place on a host, and everything below it.
pub(super) struct Remote<'a> {
    pub(super) ops: &'a Ops,
    pub(super) principal: &'a Principal,
    pub(super) lease: &'a Lease,
    pub(super) files: &'a FileSession,
    pub(super) base: RemotePath,
    pub(super) deadline: Deadline,
    /// The user number of the account, by its home directory.
    pub(super) home: OnceCell<Option<u32>>,
    /// The same, by a file it made.
    pub(super) account: OnceCell<Option<u32>>,
    /// Whether the host has room for a program beside the copy.
    pub(super) room: OnceCell<bool>,
}

impl Remote<'_> {
    pub(super) fn show(&self, at: &Below) -> String {
        let host = self.lease.host().clone();
        match self.path(at) {
            Ok(path) => one_line(Target { host, path }.to_string().as_bytes()),
            Err(_) => format!("{host}:…/{}", at.show()),
        }
    }

    pub(super) fn path(&self, at: &Below) -> Result<RemotePath, Failure> {
        match at.as_bytes() {
            b"" => Ok(self.base.clone()),
            below => Ok(self.base.join(below)?),
        }
    }

    /// The place without links above its name; as it was written where the host does not say.
    pub(super) async fn place(&self, at: &Below) -> Vec<u8> {
        let Ok(path) = self.path(at) else {
            return self.show(at).into_bytes();
        };
        let parts = split(path.as_bytes());
        let (above, name) = parts.unwrap_or((path.as_bytes(), b""));
        let found = match RemotePath::parse(above) {
            Ok(above) => self.files.canonical(&above).await.ok(),
            Err(_) => None,
        };
        let above = found.as_ref().map_or(above, RemotePath::as_bytes);
        let host = self.lease.host().as_str().as_bytes();
        [host, b":", above, b"/", name].concat()
    }

    /// What the host said, as this caller may hear it.
    pub(super) fn failure(&self, error: FleetError) -> Failure {
        let failure = self.ops.failure(self.principal, error);
        match failure.code {
            "already_exists" => Failure {
                code: "exists",
                ..failure
            },
            _ => failure,
        }
    }

    /// What is at `at`, a link itself and not what it leads to; nothing if nothing is.
    pub(super) async fn look(&self, at: &Below) -> Result<Option<Seen>, Failure> {
        self.seen(self.files.lstat(&self.path(at)?).await)
    }

    /// What the place itself is, its links followed.
    pub(super) async fn follow(&self, at: &Below) -> Result<Option<Seen>, Failure> {
        self.seen(self.files.stat(&self.path(at)?).await)
    }

    fn seen(
        &self,
        answer: Result<fleet::file::Attributes, FleetError>,
    ) -> Result<Option<Seen>, Failure> {
        match answer {
            Ok(attributes) => Ok(Some(attributes.into())),
            Err(error) if error.code() == "not_found" => Ok(None),
            Err(error) => Err(self.failure(error)),
        }
    }

    /// The entries of a directory.
    pub(super) async fn list(&self, at: &Below) -> Result<Vec<(Vec<u8>, Seen)>, Failure> {
        let listing = self.files.list(&self.path(at)?).await;
        let listing = listing.map_err(|error| self.failure(error))?;
        if listing.truncated {
            return Err(failure::failed(
                "too_many_files",
                format!(
                    "the directory `{}` has more entries than can be listed",
                    self.show(at)
                ),
            ));
        }
        let mut entries = Vec::with_capacity(listing.entries.len());
        for entry in listing.entries {
            let mut seen = Seen::from(entry.attributes);
            // A server need not say in a listing what things are.
            if seen.kind == Kind::Unknown
                && let Some(at) = at.child(&entry.name)
                && let Some(looked) = self.look(&at).await?
            {
                seen = looked;
            }
            entries.push((entry.name, seen));
        }
        Ok(entries)
    }

    /// Whether the file `at` is the account's own: only such a one is written on.
    pub(super) async fn owns(&self, at: &Below, seen: &Seen) -> Result<bool, Failure> {
        let Some(owner) = seen.owner else {
            return Ok(false);
        };
        let home = || async {
            let home = self.seen(self.files.stat(&RemotePath::home()).await)?;
            Ok::<_, Failure>(home.and_then(|home| home.owner))
        };
        if *self.home.get_or_try_init(home).await? == Some(owner) {
            return Ok(true);
        }
        // A home may be another's: in a chroot it is root's (`ChrootDirectory`, sshd_config(5)).
        let account = self.account.get_or_try_init(|| self.probe(at));
        Ok(*account.await? == Some(owner))
    }

    /// Who the host says has made a file of ours that is made beside `at`, and removed again. Should
    /// that fail, it has the name of what is cleared away later.
    async fn probe(&self, at: &Below) -> Result<Option<u32>, Failure> {
        let since = SystemTime::now().duration_since(UNIX_EPOCH);
        let unique = format!("{} {since:?}", std::process::id());
        let Some(probe) = at.parent().child(&partial::probe(&unique)) else {
            return Ok(None);
        };
        let path = self.path(&probe)?;
        let made = match self.files.create(&path, 0o600).await {
            Ok(writer) => writer.finish().await,
            Err(error) => return Err(self.failure(error)),
        };
        let seen = self.look(&probe).await;
        let removed = self.files.remove(&path).await;
        made.and(removed).map_err(|error| self.failure(error))?;
        Ok(seen?.and_then(|seen| seen.owner))
    }

    /// The SHA-256 of a file that has this size: by a program of the host's where it has one and
    /// the file is worth starting it, else by reading it.
    pub(super) async fn sha256(&self, at: &Below, size: u64) -> Result<[u8; 32], Failure> {
        let path = self.path(at)?;
        if size > READ_BACK && self.has_room().await {
            let hashing = Duration::from_secs(size / HASHED_PER_SECOND);
            let patience = self.deadline.at_most(PATIENCE + hashing);
            let found = checksum::sha256(self.lease, &[path], patience).await;
            match found.map(|sums| sums.first().copied().flatten()) {
                Ok(Some(sum)) => return Ok(sum),
                Err(error) if self.deadline.left().is_zero() => return Err(self.failure(error)),
                // It took too long, or gave no answer. The file can still be read.
                Ok(None) | Err(_) => {}
            }
        }
        self.read_back(at, size).await
    }

    /// Tries it out once, with a channel that is given back at once.
    async fn has_room(&self) -> bool {
        let tried = || async {
            let second = self.lease.files(self.deadline.at_most(PATIENCE)).await;
            second.is_ok()
        };
        *self.room.get_or_init(tried).await
    }

    /// Reads it as far as its size and a piece beyond, which gives it another hash: a host may send
    /// for ever.
    async fn read_back(&self, at: &Below, size: u64) -> Result<[u8; 32], Failure> {
        let path = self.path(at)?;
        let opened = self.files.open(&path).await;
        let mut reader = opened.map_err(|error| self.failure(error))?;
        let (mut digest, mut read) = (Sha256::new(), 0);
        while read <= size
            && let Some(piece) = reader.next().await.map_err(|error| self.failure(error))?
        {
            digest.update(&piece);
            read += piece.len() as u64;
        }
        reader.close().await;
        Ok(digest.finalize().into())
    }
}
