//! A directory with everything in it: several files at a time, each whole or not at all.
//!
//! Directories are made first, so that empty ones are there too. A file that is there already with
//! the same content is left as it is, which is also how a copy that was cut goes on. One file that
//! fails does not keep the others back, but a copy in which one failed has failed.

use super::below::Below;
use super::failure::{exists, failed, is_final};
use super::file::{Copied, FileCopy};
use super::meter::Meter;
use super::report::{Counts, Named, Problem, Skipped};
use super::seen::Seen;
use super::side::Side;
use super::survey::Survey;
use super::sweep::{MOST, ours, sweep_all};
use crate::ops::Failure;
use fleet::Deadline;
use fleet::file::{Kind, Times};
use futures_util::StreamExt;
use futures_util::stream::FuturesUnordered;
use std::collections::{HashMap, HashSet};
use std::sync::OnceLock;
use tokio::sync::Semaphore;

/// Small files copied at once.
const WIDTH: usize = 4;

/// A larger file is copied alone: it fills the window by itself, and memory is bounded.
const SMALL: u64 = 1 << 20;

/// A directory of a copy.
pub(super) struct TreeCopy<'a> {
    pub(super) from: &'a Side<'a>,
    pub(super) to: &'a Side<'a>,
    /// What the directory becomes.
    pub(super) top: &'a Below,
    pub(super) overwrite: bool,
    pub(super) meter: &'a Meter,
    pub(super) deadline: Deadline,
}

/// How it ended.
#[derive(Debug, Default)]
pub(super) struct TreeEnd {
    pub(super) counts: Counts,
    /// Bytes of the files that are in place because of this copy.
    pub(super) bytes: u64,
    pub(super) problems: Named<Problem>,
    pub(super) skipped: Named<Skipped>,
    /// What kept the rest from being tried.
    pub(super) stopped: Option<Failure>,
}

/// A directory on the receiving side.
enum Made {
    /// It was not there before.
    New,
    /// It was, with these entries of those that are to be copied. The others may be any number.
    There(HashMap<Vec<u8>, Seen>),
    /// There is none.
    Not,
}

/// What the files of one copy share.
struct Gate {
    places: Semaphore,
    /// What keeps the rest from being tried.
    stopped: OnceLock<Failure>,
}

/// What became of a file.
enum Fate {
    Copied(Copied),
    Unchanged,
    Failed(Failure),
    NotTried,
}

impl TreeCopy<'_> {
    /// Copies what the survey found.
    pub(super) async fn run(&self, survey: Survey) -> TreeEnd {
        let Survey {
            directories,
            files,
            skipped,
            problems,
            ..
        } = survey;
        let mut end = TreeEnd {
            skipped,
            problems,
            ..TreeEnd::default()
        };
        let wanted = directories.iter().chain(&files).map(|(at, _)| at);
        let wanted: HashSet<&Below> = wanted.collect();
        let (made, left) = self.directories(&directories, &wanted, &mut end).await;
        if end.stopped.is_none() {
            // A host may say any sizes.
            let sizes = files.iter().map(|(_, seen)| seen.size);
            self.meter.expect(sizes.fold(0, u64::saturating_add));
            self.files(&files, &made, &mut end).await;
        }
        if end.stopped.is_none() {
            self.seal(&directories, &made, &mut end).await;
        }
        if end.stopped.is_none() {
            sweep_all(self.to, &left, self.deadline).await;
        }
        end
    }

    /// Sees to it that the directories are there. Of those that were, also says what earlier copies
    /// left unfinished in them.
    async fn directories(
        &self,
        directories: &[(Below, Seen)],
        wanted: &HashSet<&Below>,
        end: &mut TreeEnd,
    ) -> (HashMap<Below, Made>, Vec<(Below, Vec<Vec<u8>>)>) {
        let (mut left, mut room) = (Vec::new(), MOST);
        let mut made: HashMap<Below, Made> = HashMap::with_capacity(directories.len());
        for (at, seen) in directories {
            let above = (at.depth() > 0).then(|| made.get(&at.parent())).flatten();
            let state = match self.directory(at, seen, above, wanted).await {
                Ok((state, mut names)) => {
                    names.truncate(room);
                    room -= names.len();
                    if !names.is_empty() {
                        left.push((at.under(self.top), names));
                    }
                    state
                }
                Err(failure) => {
                    let stop = is_final(&failure).then(|| failure.clone());
                    end.problems.push(Problem::new(at, failure));
                    end.stopped = stop;
                    Made::Not
                }
            };
            if matches!(state, Made::New) {
                end.counts.directories += 1;
            }
            made.insert(at.clone(), state);
            if end.stopped.is_some() {
                break;
            }
        }
        (made, left)
    }

    async fn directory(
        &self,
        at: &Below,
        seen: &Seen,
        above: Option<&Made>,
        wanted: &HashSet<&Below>,
    ) -> Result<(Made, Vec<Vec<u8>>), Failure> {
        let target = at.under(self.top);
        let entry = match above {
            Some(Made::New) => None,
            Some(Made::There(entries)) => entries.get(at.name()).copied(),
            Some(Made::Not) => return Ok((Made::Not, Vec::new())),
            None => self.to.look(&target).await?,
        };
        match entry.map(|entry| entry.kind) {
            None => {
                // Writable until everything is in it.
                let mode = seen.mode | 0o700;
                self.to.make_directory(&target, mode).await?;
                Ok((Made::New, Vec::new()))
            }
            Some(Kind::Directory) => {
                let entries = self.to.list(&target).await?;
                let left = ours(&entries);
                let concerns = |name: &[u8]| at.child(name).is_some_and(|at| wanted.contains(&at));
                let entries = entries.into_iter().filter(|(name, _)| concerns(name));
                Ok((Made::There(entries.collect()), left))
            }
            Some(other) => Err(failed(
                "not_directory",
                format!(
                    "`{}` is a {}, not a directory",
                    self.to.show(&target),
                    other.label()
                ),
            )),
        }
    }

    async fn files(&self, files: &[(Below, Seen)], made: &HashMap<Below, Made>, end: &mut TreeEnd) {
        let gate = Gate {
            places: Semaphore::new(WIDTH),
            stopped: OnceLock::new(),
        };
        let mut waiting = files.iter();
        let mut running = FuturesUnordered::new();
        loop {
            while running.len() < WIDTH
                && let Some((at, seen)) = waiting.next()
            {
                running.push(self.in_turn(at, seen, made.get(&at.parent()), &gate));
            }
            let Some((at, fate)) = running.next().await else {
                break;
            };
            match fate {
                Fate::Copied(copied) => {
                    end.counts.copied += 1;
                    end.bytes += copied.size;
                }
                Fate::Unchanged => end.counts.unchanged += 1,
                Fate::Failed(failure) => end.problems.push(Problem::new(at, failure)),
                Fate::NotTried => end.counts.not_tried += 1,
            }
        }
        drop(running);
        end.stopped = gate.stopped.into_inner();
    }

    async fn in_turn<'f>(
        &self,
        at: &'f Below,
        seen: &Seen,
        above: Option<&Made>,
        gate: &Gate,
    ) -> (&'f Below, Fate) {
        let large = if seen.size > SMALL { WIDTH as u32 } else { 1 };
        let _place = gate.places.acquire_many(large).await;
        if gate.stopped.get().is_some() {
            return (at, Fate::NotTried);
        }
        let fate = match self.file(at, seen, above).await {
            Ok(fate) => fate,
            Err(failure) => {
                if is_final(&failure) {
                    let _first = gate.stopped.set(failure.clone());
                }
                Fate::Failed(failure)
            }
        };
        (at, fate)
    }

    async fn file(&self, at: &Below, seen: &Seen, above: Option<&Made>) -> Result<Fate, Failure> {
        let target = at.under(self.top);
        let there = match above {
            Some(Made::There(entries)) => entries.get(at.name()),
            Some(Made::New) => None,
            Some(Made::Not) | None => {
                let directory = self.to.show(&target.parent());
                return Err(failed(
                    "not_directory",
                    format!("there is no directory `{directory}`"),
                ));
            }
        };
        if let Some(there) = there {
            let may_be_same = there.kind == Kind::File && there.size == seen.size;
            if may_be_same && self.is_same(at, &target, seen.size).await? {
                self.meter.done(seen.size, || at.show());
                return Ok(Fate::Unchanged);
            }
            if !self.overwrite || there.kind == Kind::Directory {
                return Err(exists(&self.to.show(&target), there.kind.label()));
            }
        }
        let copy = FileCopy {
            from: self.from,
            source: at,
            to: self.to,
            target: &target,
            overwrite: self.overwrite,
            in_new_directory: matches!(above, Some(Made::New)),
            meter: self.meter,
        };
        Ok(Fate::Copied(copy.run().await?))
    }

    /// Whether a file there has the content of the one here.
    async fn is_same(&self, at: &Below, target: &Below, size: u64) -> Result<bool, Failure> {
        let (here, there) =
            tokio::try_join!(self.from.sha256(at, size), self.to.sha256(target, size))?;
        Ok(here == there)
    }

    /// Gives the directories that were made their modes and times, the deepest first: writing into
    /// one changes its time.
    async fn seal(
        &self,
        directories: &[(Below, Seen)],
        made: &HashMap<Below, Made>,
        end: &mut TreeEnd,
    ) {
        for (at, seen) in directories.iter().rev() {
            if !matches!(made.get(at), Some(Made::New)) {
                continue;
            }
            let target = at.under(self.top);
            let times = Times {
                accessed: seen.modified,
                modified: seen.modified,
            };
            if let Err(failure) = self.to.seal(&target, seen.mode, times).await {
                let stop = is_final(&failure).then(|| failure.clone());
                end.problems.push(Problem::new(at, failure));
                if stop.is_some() {
                    end.stopped = stop;
                    return;
                }
            }
        }
    }
}
