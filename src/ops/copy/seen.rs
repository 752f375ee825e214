//! What an entry looked like at one moment, here or on a host.

use fleet::file::{Attributes, Kind};
use std::time::{SystemTime, UNIX_EPOCH};

/// How far the clocks of two machines are assumed to be apart, and a second beside.
const FRESH: u32 = 5;

/// An entry as it was seen.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Seen {
    pub(super) kind: Kind,
    pub(super) size: u64,
    /// Permission bits for owner, group and others. Set-id bits are left behind: they mean
    /// something else where the owner is another.
    pub(super) mode: u32,
    /// Last modification, in seconds since 1970 UTC.
    pub(super) modified: u32,
    /// Nanoseconds of it, where they are known.
    pub(super) fine: u32,
    /// Last access, in seconds since 1970 UTC.
    pub(super) accessed: u32,
    /// User number.
    pub(super) owner: Option<u32>,
}

impl Seen {
    /// Whether the content of a file may have changed between two looks at it.
    pub(super) fn differs(&self, later: &Self) -> bool {
        let state = |seen: &Self| (seen.kind, seen.size, seen.modified, seen.fine);
        state(self) != state(later)
    }

    /// Whether a change could have come after the one that was seen and bear the same time, because
    /// that was a moment ago and only its second is known.
    pub(super) fn is_fresh(&self, now: u32) -> bool {
        self.fine == 0 && now.abs_diff(self.modified) <= FRESH
    }
}

/// The time by the clock of this machine, as files have it.
pub(super) fn now() -> u32 {
    let now = SystemTime::now().duration_since(UNIX_EPOCH);
    now.map_or(0, |now| u32::try_from(now.as_secs()).unwrap_or(u32::MAX))
}

impl From<Attributes> for Seen {
    fn from(attributes: Attributes) -> Self {
        Self {
            kind: attributes.kind(),
            size: attributes.size.unwrap_or(0),
            mode: attributes.mode.unwrap_or(0o600) & 0o777,
            modified: attributes.modified.unwrap_or(0),
            fine: 0,
            accessed: attributes.accessed.unwrap_or(0),
            owner: attributes.owner.map(|(user, _)| user),
        }
    }
}

impl From<rustix::fs::Stat> for Seen {
    fn from(stat: rustix::fs::Stat) -> Self {
        Self {
            kind: Kind::of_mode(stat.st_mode),
            size: u64::try_from(stat.st_size).unwrap_or(0),
            mode: stat.st_mode & 0o777,
            modified: seconds(stat.st_mtime),
            fine: u32::try_from(stat.st_mtime_nsec).unwrap_or(0),
            accessed: seconds(stat.st_atime),
            owner: Some(stat.st_uid),
        }
    }
}

/// A time as SFTP has it, whose version 3 begins in 1970 and ends in 2106.
fn seconds(time: i64) -> u32 {
    u32::try_from(time.max(0)).unwrap_or(u32::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_time_in_seconds_may_hide_a_change_of_the_same_second() {
        let seen = |modified, fine| Seen {
            kind: Kind::File,
            size: 1,
            mode: 0o600,
            modified,
            fine,
            accessed: modified,
            owner: None,
        };
        assert!(seen(1000, 0).is_fresh(1000) && seen(1000, 0).is_fresh(1004));
        assert!(seen(1003, 0).is_fresh(1000), "clocks differ");
        assert!(!seen(1000, 0).is_fresh(1010) && !seen(1000, 77).is_fresh(1000));
        assert!(seen(1000, 0).differs(&seen(1001, 0)) && !seen(1000, 0).differs(&seen(1000, 0)));
    }
}
