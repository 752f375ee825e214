//! Finding files: by what a listing tells of them, and by a text that they hold.
//!
//! First the tree is walked over one SFTP channel, which then is given back; then, if a text is looked
//! for, the host's `grep` counts it in what was found. Where a host has no shell, the files are read
//! instead. Nothing but regular files is opened, and links are not followed.
//!
//! Whatever was left out is in the report: a search that was cut, or met what it could not read,
//! never looks like one that found all there is.

mod filter;
mod glob;
mod moment;
mod needle;
mod report;
mod search;

pub use filter::{FindKind, Wanted};
pub use report::{FindReport, MatchReport};

use super::{Failure, Ops, Progress};
use crate::access::{Action, Principal};
use filter::Filter;
use fleet::{Budget, Deadline, HostName, RemotePath, Urgency};
use needle::Needle;
use search::Search;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

/// How deep a search goes at most, as `find -maxdepth` counts: 1 is the directory itself.
pub const MAX_FIND_DEPTH: usize = 10;

/// The results when no limit is given: those of the server Scout replaces.
pub const DEFAULT_FIND_LIMIT: usize = 100;

/// The most results.
pub const MAX_FIND_LIMIT: usize = 10_000;

/// The largest file that is searched for a text.
const MAX_SEARCHED: u64 = 64 << 20;

/// Memory for results, as output: while there is no answer with its copies, also for the tree on the
/// way to them.
const MEMORY: u64 = 2 << 20;

/// Memory for files that are to be searched for a text, and for the tree on the way to them. There is
/// one copy of it.
const SEARCHED: u64 = 24 << 20;

/// What to find.
#[derive(Debug, Clone)]
pub struct FindRequest {
    host: HostName,
    path: RemotePath,
    filter: Filter,
    needle: Option<Needle>,
    depth: usize,
    /// Whether who asked knows how deep it goes.
    depth_is_asked: bool,
    limit: usize,
}

impl FindRequest {
    /// A search at a path: below a directory, or of the file itself.
    ///
    /// # Errors
    /// What is wrong with what is wanted.
    pub fn new(host: HostName, path: RemotePath, wanted: &Wanted) -> Result<Self, Failure> {
        let usual = wanted.usual_depth.unwrap_or(MAX_FIND_DEPTH);
        let depth = wanted.depth.unwrap_or(usual);
        if !(1..=MAX_FIND_DEPTH).contains(&depth) {
            let message = format!("depth must be 1-{MAX_FIND_DEPTH}, got {depth}");
            return Err(Failure::invalid(message));
        }
        let limit = wanted.limit.unwrap_or(DEFAULT_FIND_LIMIT);
        if !(1..=MAX_FIND_LIMIT).contains(&limit) {
            let message = format!("limit must be 1-{MAX_FIND_LIMIT}, got {limit}");
            return Err(Failure::invalid(message));
        }
        let now = SystemTime::now().duration_since(UNIX_EPOCH);
        let now = now.map_or(0, |now| i64::try_from(now.as_secs()).unwrap_or(i64::MAX));
        let needle = wanted.contains.as_deref().map(Needle::parse);
        Ok(Self {
            host,
            path,
            filter: Filter::parse(wanted, now).map_err(Failure::invalid)?,
            needle: needle.transpose().map_err(Failure::invalid)?,
            depth,
            depth_is_asked: wanted.depth.is_some(),
            limit,
        })
    }

    /// Names are found soon; a text may be looked for in every file there is.
    fn urgency(&self) -> Urgency {
        match self.needle {
            None => Urgency::Interactive,
            Some(_) => Urgency::Bulk,
        }
    }

    /// What a search may hold, as output.
    fn memory(&self) -> u64 {
        match self.needle {
            None => MEMORY,
            Some(_) => MEMORY.max(Budget::output_of(SEARCHED)),
        }
    }
}

impl Ops {
    /// Finds files.
    ///
    /// # Errors
    /// What is wrong with the path itself, or what kept the host from answering.
    pub async fn find(
        &self,
        principal: &Principal,
        request: FindRequest,
        progress: &Progress,
        deadline: Deadline,
    ) -> Result<FindReport, Failure> {
        self.decide(principal, Action::Read, &request.host)?;
        let lease = self
            .lease_for(principal, &request.host, request.urgency(), deadline)
            .await?;
        let found = async {
            let memory = request.memory().min(self.most_held());
            let mut hold = lease.hold(memory, deadline).await?;
            let search = Search::new(&lease, &request, progress, early(deadline));
            let found = search.run(&mut hold).await?;
            Ok(FindReport::new(&request, found, hold))
        };
        found.await.map_err(|error| self.failure(principal, error))
    }
}

/// The end of the work, so long before that of the call that its answer can still be given.
pub(super) fn early(deadline: Deadline) -> Deadline {
    let left = deadline.left();
    let reserve = (left / 10).clamp(Duration::from_millis(100), Duration::from_secs(3));
    deadline.at_most(left.saturating_sub(reserve))
}
