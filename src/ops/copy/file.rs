//! One file, from one side to the other: whole or not at all.
//!
//! It arrives under a name of its own beside its destination, is written to the disk, is read back
//! and compared by SHA-256 with what was sent, gets its mode and time, and only then its name. So
//! the destination is at every moment what it was before or the whole new file, whoever dies when.
//! What an earlier attempt left is gone on from; its content is proven with the rest.

use super::below::{Below, one_line};
use super::failure::{changed, exists, may_go_on, mismatch, no_directory};
use super::meter::Meter;
use super::partial;
use super::seen::{Seen, now};
use super::side::{Reader, Side, Writer};
use crate::ops::Failure;
use fleet::file::Kind;
use sha2::{Digest, Sha256};
use std::time::Duration;
use tokio::sync::mpsc;

/// Pieces that wait for the hash: it keeps up, or the copy waits for it.
const HASH_AHEAD: usize = 4;

/// How long what failed may take to be cleared away.
const CLEARING: Duration = Duration::from_secs(2);

/// One file of a copy.
pub(super) struct FileCopy<'a> {
    pub(super) from: &'a Side<'a>,
    pub(super) source: &'a Below,
    pub(super) to: &'a Side<'a>,
    pub(super) target: &'a Below,
    pub(super) overwrite: bool,
    /// Set where nothing can be in the target's directory: it was made a moment ago.
    pub(super) in_new_directory: bool,
    pub(super) meter: &'a Meter,
}

/// A file that was copied.
#[derive(Debug, Clone, Copy)]
pub(super) struct Copied {
    pub(super) size: u64,
    pub(super) sent: u64,
    pub(super) resumed_at: Option<u64>,
    pub(super) sha256: [u8; 32],
    /// Whether something was replaced.
    pub(super) replaced: bool,
}

/// An attempt that ended without a file.
enum Ended {
    Failed(Failure),
    /// What was gone on from was not the beginning of the source.
    NotTheSame {
        counted: u64,
    },
}

impl From<Failure> for Ended {
    fn from(failure: Failure) -> Self {
        Self::Failed(failure)
    }
}

impl FileCopy<'_> {
    /// Copies it.
    pub(super) async fn run(&self) -> Result<Copied, Failure> {
        let replaced = self.may_begin().await?;
        let first = self.attempt(true).await;
        let ended = match first {
            Err(Ended::NotTheSame { counted }) => {
                self.meter.again(counted);
                self.attempt(false).await
            }
            ended => ended,
        };
        match ended {
            Ok(copied) => Ok(Copied { replaced, ..copied }),
            Err(Ended::Failed(failure)) => Err(failure),
            Err(Ended::NotTheSame { .. }) => Err(mismatch(&self.to.show(self.target))),
        }
    }

    /// What progress calls it.
    fn name(&self) -> String {
        match self.source.depth() {
            0 => one_line(self.target.name()),
            _ => self.source.show(),
        }
    }

    /// Refuses what is there already; says whether something is that will be replaced.
    async fn may_begin(&self) -> Result<bool, Failure> {
        if self.in_new_directory {
            return Ok(false);
        }
        match self.to.look(self.target).await? {
            None => Ok(false),
            Some(there) if self.overwrite && there.kind != Kind::Directory => Ok(true),
            Some(there) => Err(exists(&self.to.show(self.target), there.kind.label())),
        }
    }

    async fn attempt(&self, resume: bool) -> Result<Copied, Ended> {
        let opened = self.from.open(self.source).await?;
        let seen = opened.seen();
        let part = partial::name(self.target.name(), &self.from.show(self.source), &seen);
        let part = self.target.parent().child(&part);
        let part = part.ok_or_else(|| {
            let shown = self.to.show(self.target);
            Failure::invalid(format!("the path `{shown}` is too long"))
        })?;
        let arrived = async {
            let offset = self.left_behind(&part, &seen, resume).await?;
            let writer = match offset {
                0 => self.create(&part).await?,
                offset => self.append(&part, offset).await?,
            };
            self.meter.done(offset, || self.name());
            let reader = opened.from(offset);
            self.fill(reader, writer, &part, &seen, offset).await
        };
        match arrived.await {
            Ok(copied) => Ok(copied),
            Err(ended) => {
                let keep = matches!(&ended, Ended::Failed(failure) if may_go_on(failure));
                if !keep {
                    let _best = tokio::time::timeout(CLEARING, self.to.remove(&part)).await;
                }
                Err(ended)
            }
        }
    }

    async fn create(&self, part: &Below) -> Result<Writer<'_>, Failure> {
        let created = self.to.create(part).await;
        created.map_err(|failure| match failure.code {
            "not_found" => no_directory(&self.to.show(&self.target.parent())),
            _ => failure,
        })
    }

    async fn append(&self, part: &Below, offset: u64) -> Result<Writer<'_>, Ended> {
        match self.to.append(part, offset).await {
            Ok(writer) => Ok(writer),
            Err(failure) if may_go_on(&failure) => Err(failure.into()),
            // It is not what it looked like a moment ago.
            Err(_) => Err(Ended::NotTheSame { counted: 0 }),
        }
    }

    /// How much of the file an earlier attempt left that can be gone on from. Anything else of that
    /// name is removed.
    async fn left_behind(&self, part: &Below, seen: &Seen, resume: bool) -> Result<u64, Failure> {
        if self.in_new_directory && resume {
            return Ok(0);
        }
        let Some(left) = self.to.look(part).await? else {
            return Ok(0);
        };
        let usable = left.kind == Kind::File && left.size > 0 && left.size <= seen.size;
        if resume && usable && self.to.owns(&left).await? {
            return Ok(left.size);
        }
        self.to.remove(part).await?;
        Ok(0)
    }

    /// Sends what is missing, proves the whole, and puts it in its place.
    async fn fill(
        &self,
        reader: Reader<'_>,
        writer: Writer<'_>,
        part: &Below,
        seen: &Seen,
        offset: u64,
    ) -> Result<Copied, Ended> {
        let began = now();
        let missing = seen.size - offset;
        let sum = self.stream(reader, writer, missing, offset == 0).await?;
        let read_back = self.to.sha256(part, seen.size);
        let (read_back, sum) = match sum {
            Some(sum) => (read_back.await?, sum),
            None => tokio::try_join!(read_back, self.from.sha256(self.source, seen.size))?,
        };
        // Of a tree's entries no link is followed, also not one that has just become one.
        let later = match self.source.depth() {
            0 => self.from.follow(self.source).await?,
            _ => self.from.look(self.source).await?,
        };
        let mut is_changed = later.is_none_or(|later| seen.differs(&later));
        if !is_changed && offset == 0 && seen.is_fresh(began) {
            is_changed = self.from.sha256(self.source, seen.size).await? != sum;
        }
        if is_changed {
            return Err(changed(&self.from.show(self.source)).into());
        }
        if read_back != sum {
            return Err(match offset {
                0 => mismatch(&self.to.show(self.target)).into(),
                _ => Ended::NotTheSame { counted: seen.size },
            });
        }
        self.to.seal(part, seen.mode, seen.modified).await?;
        let renamed = self.to.rename(part, self.target, self.overwrite).await;
        if let Err(failure) = renamed {
            return Err(self.not_renamed(failure).await.into());
        }
        Ok(Copied {
            size: seen.size,
            sent: missing,
            resumed_at: (offset > 0).then_some(offset),
            sha256: sum,
            replaced: false,
        })
    }

    /// Somebody may have made the destination meanwhile, which not every server says.
    async fn not_renamed(&self, failure: Failure) -> Failure {
        match self.to.look(self.target).await {
            Ok(Some(there)) if !self.overwrite && !may_go_on(&failure) => {
                exists(&self.to.show(self.target), there.kind.label())
            }
            _ => failure,
        }
    }

    /// The missing bytes from one to the other, and their hash where it is wanted.
    async fn stream(
        &self,
        mut reader: Reader<'_>,
        mut writer: Writer<'_>,
        missing: u64,
        hashed: bool,
    ) -> Result<Option<[u8; 32]>, Failure> {
        let mut hash = hashed.then(Hash::start);
        let mut sent = 0;
        while let Some(piece) = reader.next().await? {
            let length = piece.len() as u64;
            sent += length;
            // A file that grows, or a host that never stops, must not fill the other side.
            if sent > missing {
                return Err(changed(&self.from.show(self.source)));
            }
            if let Some(hash) = &mut hash {
                hash.update(piece.clone()).await;
            }
            writer.write(piece).await?;
            self.meter.sent(length, || self.name());
        }
        if sent < missing {
            return Err(changed(&self.from.show(self.source)));
        }
        writer.finish().await?;
        match hash {
            Some(hash) => Ok(hash.finish().await),
            None => Ok(None),
        }
    }
}

/// A hash that is computed beside the copy, on another core.
struct Hash {
    pieces: mpsc::Sender<::bytes::Bytes>,
    done: tokio::task::JoinHandle<[u8; 32]>,
}

impl Hash {
    fn start() -> Self {
        let (pieces, mut from) = mpsc::channel::<::bytes::Bytes>(HASH_AHEAD);
        let done = tokio::spawn(async move {
            let mut digest = Sha256::new();
            while let Some(piece) = from.recv().await {
                digest.update(&piece);
            }
            digest.finalize().into()
        });
        Self { pieces, done }
    }

    async fn update(&mut self, piece: ::bytes::Bytes) {
        // Ends only with the runtime.
        let _ended = self.pieces.send(piece).await;
    }

    /// The hash; none if its task failed, which makes the source be hashed anew.
    async fn finish(self) -> Option<[u8; 32]> {
        let Self { pieces, done } = self;
        drop(pieces);
        done.await.ok()
    }
}
