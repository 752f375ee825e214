//! What was seen at paths a moment ago, so that the next look at one asks for all of it at once.
//!
//! It is a hint and never a fact: every look asks the host again what is there, in the same
//! breath. It holds hashes, no paths, and no more than [`MOST`] of them; the keys of the hash are
//! drawn for each channel, so that nobody can choose paths that are taken for each other. Pure.

use std::hash::{BuildHasher, RandomState};
use std::time::Duration;
use tokio::time::Instant;

/// How many paths are remembered. With what was seen there, each takes 32 bytes.
const MOST: usize = 256;

/// How long something counts as just seen.
const FRESH: Duration = Duration::from_secs(60);

/// What was at a path.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Known {
    /// A regular file of this size.
    File(u64),
    /// A regular file whose size does not tell where it ends, like those under `/proc`.
    Unsized,
    /// A directory that took this many requests to be read to its end.
    Directory(u32),
}

/// The paths seen on one channel.
#[derive(Debug)]
pub(super) struct Seen {
    keys: RandomState,
    since: Instant,
    paths: Vec<u64>,
    /// What was at each, and when that was seen, in seconds since the beginning.
    what: Vec<(Known, u32)>,
}

impl Seen {
    pub(super) fn new(now: Instant) -> Self {
        Self {
            keys: RandomState::new(),
            since: now,
            paths: Vec::new(),
            what: Vec::new(),
        }
    }

    /// What was just seen at a path.
    pub(super) fn recall(&self, path: &[u8], now: Instant) -> Option<Known> {
        let &(known, at) = self.what.get(self.find(path)?)?;
        (u64::from(self.age(now) - at) < FRESH.as_secs()).then_some(known)
    }

    /// Remembers what is at a path, in the place of what was seen longest ago.
    pub(super) fn remember(&mut self, path: &[u8], known: Known, now: Instant) {
        let entry = (known, self.age(now));
        let hash = self.keys.hash_one(path);
        let at = self.paths.iter().position(|of| *of == hash);
        let at = at.or_else(|| (self.paths.len() >= MOST).then(|| self.oldest()));
        match at.and_then(|at| Some((self.paths.get_mut(at)?, self.what.get_mut(at)?))) {
            Some((path, what)) => (*path, *what) = (hash, entry),
            None => {
                self.paths.push(hash);
                self.what.push(entry);
            }
        }
    }

    /// What is at a path now is nothing to be remembered.
    pub(super) fn forget(&mut self, path: &[u8]) {
        if let Some(at) = self.find(path) {
            self.paths.swap_remove(at);
            self.what.swap_remove(at);
        }
    }

    fn find(&self, path: &[u8]) -> Option<usize> {
        let hash = self.keys.hash_one(path);
        self.paths.iter().position(|of| *of == hash)
    }

    fn oldest(&self) -> usize {
        let ages = self.what.iter().enumerate();
        ages.min_by_key(|(_, (_, at))| *at).map_or(0, |(at, _)| at)
    }

    fn age(&self, now: Instant) -> u32 {
        let age = now.saturating_duration_since(self.since).as_secs();
        u32::try_from(age).unwrap_or(u32::MAX)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_seen_is_known_for_a_while() {
        let begin = Instant::now();
        let after = |seconds| begin + Duration::from_secs(seconds);
        let mut seen = Seen::new(begin);
        assert_eq!(seen.recall(b"/a", begin), None);
        seen.remember(b"/a", Known::File(7), after(100));
        assert_eq!(seen.recall(b"/a", after(159)), Some(Known::File(7)));
        assert_eq!(seen.recall(b"/a", after(160)), None);
        seen.remember(b"/a", Known::Directory(2), after(170));
        assert_eq!(seen.recall(b"/a", after(171)), Some(Known::Directory(2)));
        assert_eq!(seen.paths.len(), 1);
        seen.forget(b"/a");
        assert_eq!(seen.recall(b"/a", after(171)), None);
        seen.forget(b"/b");
    }

    #[test]
    fn the_one_seen_longest_ago_makes_room() {
        let begin = Instant::now();
        let mut seen = Seen::new(begin);
        let path = |n: usize| n.to_be_bytes();
        for n in 0..MOST + 10 {
            let now = begin + Duration::from_millis(100 * n as u64);
            seen.remember(&path(n), Known::File(n as u64), now);
        }
        let now = begin + Duration::from_secs(26);
        assert_eq!(seen.recall(&path(0), now), None);
        let last = MOST + 9;
        assert_eq!(
            seen.recall(&path(last), now),
            Some(Known::File(last as u64))
        );
        assert_eq!((seen.paths.len(), seen.what.len()), (MOST, MOST));
        assert_eq!(size_of::<(Known, u32)>() + size_of::<u64>(), 32);
    }
}
