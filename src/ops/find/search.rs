//! One search: the walk, then the text.

use super::needle::Needle;
use super::{FindRequest, MAX_SEARCHED};
use crate::ops::sweep::{Batch, Swept};
use crate::ops::walk::{Entry, Step, Walk};
use crate::ops::{Progress, Step as Told, Unit, sftp};
use fleet::file::{Attributes, Kind};
use fleet::{Budget, Deadline, FileSession, FleetError, Hold, Lease, RemotePath};

/// The most names looked at.
const MAX_VISITED: u64 = 200_000;

/// The most files searched for a text, and bytes of their paths.
const MAX_CANDIDATES: (usize, usize) = (50_000, 8 << 20);

/// Bytes of paths that results may have.
const MAX_BYTES: usize = 1 << 20;

/// Files searched for a text at a time.
const CHUNK: usize = 1000;

/// How often progress is told, in names.
const TELL: u64 = 1000;

/// How many paths of those that could not be read are named.
const NAMED: usize = 5;

/// Paths of one kind of trouble: all counted, the first few named.
#[derive(Debug, Default)]
pub(super) struct Trouble {
    pub(super) count: u64,
    pub(super) first: Vec<RemotePath>,
}

impl Trouble {
    fn add(&mut self, path: RemotePath) {
        self.count += 1;
        if self.first.len() < NAMED {
            self.first.push(path);
        }
    }
}

/// Why a search ended before its end.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Stopped {
    /// So many names were looked at.
    Visited,
    /// So many files were to be searched for a text.
    Candidates,
    /// Its time was up.
    Deadline,
}

/// A file that was found.
#[derive(Debug)]
pub(super) struct Match {
    pub(super) path: RemotePath,
    pub(super) attributes: Attributes,
    /// Lines that hold the text, if one was looked for.
    pub(super) lines: Option<u64>,
}

/// What a search found, and what it did not look at.
#[derive(Debug, Default)]
pub(super) struct Found {
    pub(super) matches: Vec<Match>,
    /// There was more than the limit.
    pub(super) truncated: bool,
    pub(super) visited: u64,
    pub(super) stopped: Option<Stopped>,
    pub(super) unreadable: Trouble,
    /// Directories with more entries than were looked at.
    pub(super) cut: Trouble,
    /// Directories that were too deep to be entered.
    pub(super) closed: u64,
    /// Files too large to be searched for a text.
    pub(super) large: u64,
    bytes: usize,
}

/// A search under way.
pub(super) struct Search<'a> {
    lease: &'a Lease,
    request: &'a FindRequest,
    progress: &'a Progress,
    deadline: Deadline,
    found: Found,
}

impl<'a> Search<'a> {
    pub(super) fn new(
        lease: &'a Lease,
        request: &'a FindRequest,
        progress: &'a Progress,
        deadline: Deadline,
    ) -> Self {
        Self {
            lease,
            request,
            progress,
            deadline,
            found: Found::default(),
        }
    }

    /// Searches to the end, to the limit, or until time is up. Of what `hold` accounts for, it gives
    /// back what is left over when the files to be searched are known.
    ///
    /// # Errors
    /// What is wrong with the root, or what else kept the host from answering.
    pub(super) async fn run(mut self, hold: &mut Hold) -> Result<Found, FleetError> {
        let Some(needle) = &self.request.needle else {
            let session = self.lease.files(self.deadline).await?;
            self.walk(&session).await?;
            return Ok(self.found);
        };
        // What is walked must also be read.
        let half = self.deadline.at_most(self.deadline.left() / 2);
        let session = self.lease.files(half).await?;
        self.walk(&session).await?;
        // One channel at a time: on a host that gives only one, the next would wait for the first.
        drop(session);
        let candidates = std::mem::take(&mut self.found.matches);
        self.found.bytes = 0;
        hold.shrink_to(held(&candidates, self.request.limit));
        self.grep(needle, candidates).await?;
        Ok(self.found)
    }

    async fn walk(&mut self, session: &FileSession) -> Result<(), FleetError> {
        let FindRequest { path, depth, .. } = self.request;
        let attributes = session.stat(path).await?;
        if attributes.kind() != Kind::Directory {
            let entry = Entry {
                path: path.clone(),
                attributes,
                closed: false,
            };
            self.found.visited = 1;
            self.take(entry);
            return Ok(());
        }
        let mut walk = Walk::new(sftp::lister(session), path.clone(), *depth);
        loop {
            let step = match walk.next().await {
                Ok(Some(step)) => step,
                Ok(None) => return Ok(()),
                Err(FleetError::DeadlinePassed { .. }) => {
                    self.found.stopped = Some(Stopped::Deadline);
                    return Ok(());
                }
                Err(error) => return Err(error),
            };
            let goes_on = match step {
                Step::Entry(_) if self.found.visited == MAX_VISITED => {
                    self.found.stopped = Some(Stopped::Visited);
                    false
                }
                Step::Entry(entry) => {
                    self.found.visited += 1;
                    self.tell(&entry.path);
                    self.take(entry)
                }
                // The root itself is what was asked for.
                Step::Unreadable(at, error) if at == *path => return Err(error),
                Step::Unreadable(at, _) => {
                    self.found.unreadable.add(at);
                    true
                }
                Step::Cut(at) => {
                    self.found.cut.add(at);
                    true
                }
            };
            if !goes_on {
                return Ok(());
            }
        }
    }

    /// Takes what was come upon, if it is looked for. False when enough was found.
    fn take(&mut self, entry: Entry) -> bool {
        let FindRequest {
            filter,
            needle,
            limit,
            ..
        } = self.request;
        self.found.closed += u64::from(entry.closed);
        let Entry {
            path, attributes, ..
        } = entry;
        if !filter.accepts(path.name().unwrap_or_default(), &attributes) {
            return true;
        }
        let (most, bytes) = match needle {
            None => (*limit, MAX_BYTES),
            Some(_) => {
                // What has no bytes has no lines. Files of the kernel say so too, and reading some of
                // them waits for ever.
                let size = attributes.size.unwrap_or(0);
                if attributes.kind() != Kind::File || size == 0 {
                    return true;
                }
                if size > MAX_SEARCHED {
                    self.found.large += 1;
                    return true;
                }
                MAX_CANDIDATES
            }
        };
        let found = &mut self.found;
        if found.matches.len() == most || found.bytes + path.as_bytes().len() > bytes {
            match needle {
                None => found.truncated = true,
                Some(_) => found.stopped = Some(Stopped::Candidates),
            }
            return false;
        }
        found.bytes += path.as_bytes().len();
        found.matches.push(Match {
            path,
            attributes,
            lines: None,
        });
        true
    }

    /// Keeps those of the candidates that hold the text.
    async fn grep(&mut self, needle: &Needle, candidates: Vec<Match>) -> Result<(), FleetError> {
        let mut able = true;
        let mut candidates = candidates.into_iter();
        loop {
            let chunk: Vec<Match> = candidates.by_ref().take(CHUNK).collect();
            let paths: Vec<RemotePath> = chunk.iter().map(|one| one.path.clone()).collect();
            if paths.is_empty() {
                return Ok(());
            }
            let (counts, whole) = self.count(needle, &paths, &mut able).await?;
            for (candidate, count) in chunk.into_iter().zip(counts) {
                match count {
                    Count::Lines(0) => {}
                    Count::Lines(lines) => {
                        let bytes = candidate.path.as_bytes().len();
                        let full = self.found.bytes + bytes > MAX_BYTES;
                        if full || self.found.matches.len() == self.request.limit {
                            self.found.truncated = true;
                            return Ok(());
                        }
                        self.found.bytes += bytes;
                        self.found.matches.push(Match {
                            lines: Some(lines),
                            ..candidate
                        });
                    }
                    Count::Unreadable => self.found.unreadable.add(candidate.path),
                    Count::Unknown => {}
                }
            }
            if !whole {
                self.found.stopped = Some(Stopped::Deadline);
                return Ok(());
            }
            let searched = paths.last();
            searched.into_iter().for_each(|path| self.tell_now(path));
        }
    }

    /// How many lines of each file hold the text, and whether time sufficed.
    async fn count(
        &self,
        needle: &Needle,
        paths: &[RemotePath],
        able: &mut bool,
    ) -> Result<(Vec<Count>, bool), FleetError> {
        let mut counts = vec![Count::Unknown; paths.len()];
        for batch in Batch::of(paths) {
            let swept = match *able {
                true => batch.run(needle, self.lease, paths, self.deadline).await,
                false => Ok(Swept::Unable),
            };
            let (answers, whole) = match swept {
                Ok(Swept::Whole(answers)) => (answers, true),
                Ok(Swept::Cut(answers)) => (answers, false),
                Ok(Swept::Unable) => {
                    *able = false;
                    self.read(needle, paths, &batch.files).await?
                }
                Err(FleetError::DeadlinePassed { .. }) => return Ok((counts, false)),
                Err(error) => return Err(error),
            };
            if whole {
                for at in batch.files {
                    set(&mut counts, at, Count::Unreadable);
                }
            }
            for (at, lines) in answers {
                set(&mut counts, at, Count::Lines(lines));
            }
            if !whole {
                return Ok((counts, false));
            }
        }
        Ok((counts, true))
    }

    /// The same without the host's help, for these of the files.
    async fn read(
        &self,
        needle: &Needle,
        paths: &[RemotePath],
        files: &[usize],
    ) -> Result<(Vec<(usize, u64)>, bool), FleetError> {
        let mut answers = Vec::new();
        let session = match self.lease.files(self.deadline).await {
            Ok(session) => session,
            Err(FleetError::DeadlinePassed { .. }) => return Ok((answers, false)),
            Err(error) => return Err(error),
        };
        for &at in files {
            let Some(path) = paths.get(at) else { continue };
            let mut counter = needle.counter();
            match sftp::each_piece(&session, path, |piece| counter.push(piece)).await {
                Ok(()) => answers.push((at, counter.lines())),
                Err(FleetError::File(_)) => {}
                Err(FleetError::DeadlinePassed { .. }) => return Ok((answers, false)),
                Err(error) => return Err(error),
            }
        }
        Ok((answers, true))
    }

    fn tell(&self, path: &RemotePath) {
        if self.found.visited.is_multiple_of(TELL) {
            self.tell_now(path);
        }
    }

    fn tell_now(&self, path: &RemotePath) {
        if self.progress.is_wanted() {
            self.progress.tell(Told {
                done: self.found.visited,
                total: None,
                unit: Unit::Files,
                message: &path.to_string(),
            });
        }
    }
}

/// Memory for so many candidates and the results that come of them, as output.
fn held(candidates: &[Match], limit: usize) -> u64 {
    let paths = candidates.iter().map(|one| one.path.as_bytes().len());
    let all = paths.sum::<usize>() + size_of_val(candidates);
    let results = MAX_BYTES + limit * size_of::<Match>();
    Budget::output_of(all as u64) + all.min(results) as u64
}

/// What is known of the text in a file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Count {
    /// So many lines hold it.
    Lines(u64),
    /// It could not be read.
    Unreadable,
    /// Time was up before.
    Unknown,
}

fn set(counts: &mut [Count], at: usize, count: Count) {
    if let Some(place) = counts.get_mut(at) {
        *place = count;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_search_holds_what_its_candidates_take_and_no_more() {
        let candidate = |nth: usize| Match {
            path: RemotePath::parse(format!("/{}/{nth:05}", "d".repeat(150))).unwrap(),
            attributes: Attributes::default(),
            lines: None,
        };
        let most: Vec<_> = (0..MAX_CANDIDATES.0).map(candidate).collect();
        let paths: usize = most.iter().map(|one| one.path.as_bytes().len()).sum();
        assert!(paths < MAX_CANDIDATES.1 && paths > MAX_CANDIDATES.1 * 9 / 10);
        let real = (paths + size_of_val(&*most)) as u64;
        assert!(real < crate::ops::find::SEARCHED, "{real}");
        assert!(held(&most, 1) >= Budget::output_of(real));
        assert!(held(&most[..100], 10_000) < 100_000);
        assert_eq!(held(&[], 10_000), 0);
    }
}
