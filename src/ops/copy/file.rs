//! One file, from one side to the other: whole or not at all.
//!
//! It arrives under a name of its own beside its destination, is written to the disk, is read back
//! and compared by SHA-256 with what was sent, gets its mode and time, and only then its name. So
//! the destination is at every moment what it was before or the whole new file, whoever dies when.
//! What an earlier attempt left is gone on from; its content is proven with the rest.

use super::below::{Below, one_line};
use super::failure::{
    cannot_replace, changed, exists, gone, may_go_on, mismatch, no_directory, running, size_unknown,
};
use super::hash::Hash;
use super::meter::Meter;
use super::partial;
use super::seen::{Seen, now};
use super::side::{Reader, Side, Writer};
use super::sweep::CLEARING;
use crate::ops::Failure;
use fleet::file::{Kind, Times};
use std::time::Duration;

/// The code of a source that is no longer what it was.
const CHANGED: &str = "source_changed";

/// The code of a copy that another one of the same is in the way of.
const RUNNING: &str = "copy_running";

/// How often it is tried to begin where something else is under way, and the time between. What a
/// host still had in its hands when a connection ended is written in less.
const TRIES: usize = 5;
const PAUSE: Duration = Duration::from_millis(100);

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
        if partial::is_ours(self.target.name()) {
            let shown = self.to.show(self.target);
            return Err(Failure::invalid(format!(
                "`{shown}` is a name that only unfinished copies have, which are removed in time"
            )));
        }
        if self.in_new_directory {
            return Ok(false);
        }
        match self.to.look(self.target).await? {
            None => Ok(false),
            Some(there) if self.overwrite && there.kind != Kind::Directory => {
                match self.to.can_replace() {
                    true => Ok(true),
                    // Asked now, not when everything has been sent.
                    false => Err(cannot_replace(&self.to.show(self.target))),
                }
            }
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
            let (writer, offset) = self.begin(&part, &seen, resume).await?;
            self.meter.done(offset, || self.name());
            let reader = opened.from(offset);
            self.fill(reader, writer, &part, &seen, offset).await
        };
        match arrived.await {
            Ok(copied) => Ok(copied),
            Err(ended) => {
                let keep = matches!(&ended, Ended::Failed(failure)
                    if may_go_on(failure) || failure.code == RUNNING);
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

    /// Opens what is written to, and says from where on.
    ///
    /// Another copy of the same may be under way there: of another process, or by another name of
    /// the place. It writes the same bytes, so both may write; but nothing of it may be cut off or
    /// removed, or it could give its name to a part.
    async fn begin(
        &self,
        part: &Below,
        seen: &Seen,
        resume: bool,
    ) -> Result<(Writer<'_>, u64), Ended> {
        for _ in 0..TRIES {
            let left = self.left_behind(part, seen, resume).await?;
            let begun = match left {
                None => self.create(part).await,
                Some(offset) => self.to.append(part, offset).await,
            };
            match (begun, left) {
                (Ok(writer), left) => return Ok((writer, left.unwrap_or(0))),
                (Err(failure), _) if may_go_on(&failure) => return Err(failure.into()),
                // It came, went, or grew since it was looked at.
                (Err(failure), None) if failure.code == "exists" => {}
                (Err(failure), Some(_))
                    if ["not_found", "file_changed"].contains(&failure.code) => {}
                (Err(failure), None) => return Err(failure.into()),
                // It is not what it looked like.
                (Err(_), Some(_)) => return Err(Ended::NotTheSame { counted: 0 }),
            }
            tokio::time::sleep(PAUSE).await;
        }
        Err(running(&self.to.show(self.target)).into())
    }

    /// How much of the file an earlier attempt left that can be gone on from, if there is any.
    /// Anything else of that name is removed; not so one that is still empty, which another copy may
    /// have made a moment ago.
    async fn left_behind(
        &self,
        part: &Below,
        seen: &Seen,
        resume: bool,
    ) -> Result<Option<u64>, Failure> {
        if self.in_new_directory && resume {
            return Ok(None);
        }
        let Some(left) = self.to.look(part).await? else {
            return Ok(None);
        };
        let usable = left.kind == Kind::File && left.size <= seen.size;
        if resume && usable && self.to.owns(part, &left).await? {
            return Ok(Some(left.size));
        }
        self.to.remove(part).await?;
        Ok(None)
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
        let sum = match self.stream(reader, writer, missing, offset == 0).await {
            Err(failure) if failure.code == CHANGED => return Err(self.why(seen, failure).await),
            sum => sum?,
        };
        let read_back = async {
            let sum = self.to.sha256(part, seen.size).await;
            sum.map_err(|failure| self.unless_gone(failure))
        };
        let (read_back, sum) = match sum {
            Some(sum) => (read_back.await?, sum),
            None => tokio::try_join!(read_back, self.from.sha256(self.source, seen.size))?,
        };
        let (later, arrived) = tokio::try_join!(self.later(), self.is_there(part, seen))?;
        let mut is_changed = later.is_none_or(|later| seen.differs(&later));
        if !is_changed && offset == 0 && seen.is_fresh(began) {
            is_changed = self.from.sha256(self.source, seen.size).await? != sum;
        }
        if is_changed {
            return Err(changed(&self.from.show(self.source)).into());
        }
        if read_back != sum && !self.is_whole_now(part, seen, &sum).await? {
            return Err(match offset {
                0 => mismatch(&self.to.show(self.target)).into(),
                _ => Ended::NotTheSame { counted: seen.size },
            });
        }
        // It must not look as if it had been left behind long ago, by either clock.
        let times = Times {
            accessed: arrived.modified.max(now()),
            modified: seen.modified,
        };
        let sealed = self.to.seal(part, seen.mode, times).await;
        sealed.map_err(|failure| self.unless_gone(failure))?;
        let _there = self.is_there(part, seen).await?;
        let renamed = self.to.rename(part, self.target, self.replaces()).await;
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

    /// What the source is now. Of a tree's entries no link is followed, also not one that has just
    /// become one.
    async fn later(&self) -> Result<Option<Seen>, Failure> {
        match self.source.depth() {
            0 => self.from.follow(self.source).await,
            _ => self.from.look(self.source).await,
        }
    }

    /// Why the source had not as many bytes as it said: where it says the same again, it was never
    /// true.
    async fn why(&self, seen: &Seen, failure: Failure) -> Ended {
        match self.later().await {
            Ok(Some(later)) if !seen.differs(&later) => {
                size_unknown(&self.from.show(self.source)).into()
            }
            Err(later) if may_go_on(&later) => later.into(),
            _ => failure.into(),
        }
    }

    /// Whether it takes the place of what has the name at its end. Where a host cannot do that in
    /// one step, nothing was there at its beginning.
    fn replaces(&self) -> bool {
        self.overwrite && self.to.can_replace()
    }

    /// Whether what had another hash was a younger copy of the same that has become whole.
    async fn is_whole_now(
        &self,
        part: &Below,
        seen: &Seen,
        sum: &[u8; 32],
    ) -> Result<bool, Failure> {
        let _there = self.is_there(part, seen).await?;
        let again = self.to.sha256(part, seen.size).await;
        Ok(again.map_err(|failure| self.unless_gone(failure))? == *sum)
    }

    /// Refuses to go on with something smaller under the name: what was written has all its bytes,
    /// so that it has gone, and this is a younger copy of the same.
    async fn is_there(&self, part: &Below, seen: &Seen) -> Result<Seen, Failure> {
        match self.to.look(part).await? {
            Some(there) if there.size == seen.size => Ok(there),
            _ => Err(gone(&self.to.show(self.target))),
        }
    }

    /// Somebody may have made the destination meanwhile, which not every server says.
    async fn not_renamed(&self, failure: Failure) -> Failure {
        match self.to.look(self.target).await {
            Ok(Some(there)) if !self.replaces() && !may_go_on(&failure) => {
                exists(&self.to.show(self.target), there.kind.label())
            }
            _ => self.unless_gone(failure),
        }
    }

    /// Says of what has gone how that can be.
    fn unless_gone(&self, failure: Failure) -> Failure {
        match failure.code {
            "not_found" => gone(&self.to.show(self.target)),
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
