//! The bounds the fleet works within, and the deadline of one call.
//!
//! Values only: where they come from is the configuration's business, and each is enforced in the
//! one place its documentation names.

use std::time::Duration;
use tokio::time::Instant;

/// How long a remote process has between `TERM` and `KILL` once its call is over.
pub const STOP_GRACE: Duration = Duration::from_secs(1);

/// How many SSH handshakes run at once in the whole fleet.
pub const HANDSHAKES: usize = 128;

/// How many of them with one address, so that a burst of cold hosts behind it does not run into
/// sshd's `MaxStartups` (`sshd_config(5)`, default 10:30:100).
pub const HANDSHAKES_EACH: usize = 8;

/// How many file operations one host works on at once; they share one SFTP channel.
pub const FILE_OPERATIONS: usize = 32;

/// How many callers may wait for a place in a full pool before further ones are refused; interactive
/// ones count only each other.
pub const POOL_WAITERS: usize = 1024;

/// How many callers the rate limit remembers; beyond it the one longest silent is forgotten.
pub const RATE_BUCKETS: usize = 10_000;

/// Every bound of the fleet. All durations are wall time on the monotonic clock.
#[derive(Debug, Clone)]
pub struct Limits {
    /// Host actors alive at once, each with at most one connection, and the second connections of large
    /// copies. Enforced by the registry.
    pub capacity: usize,
    /// How long an unleased host keeps its connection. Enforced by the registry.
    pub idle_timeout: Duration,
    /// How long after its last use a host that is used often keeps its connection, at the most.
    /// Enforced by the registry.
    pub warm_timeout: Duration,
    /// TCP, key exchange, host key and authentication together. Enforced by the dialler.
    pub connect_timeout: Duration,
    /// What a host that is known has beyond its usual time, to show its key or to answer on its
    /// connection. Enforced by the dialler and the session.
    pub connect_timeout_min: Duration,
    /// A command, from its start on the host. Enforced by the job and, should Scout vanish, by
    /// the host itself.
    pub command_timeout: Duration,
    /// Commands at once on one host; below sshd's `MaxSessions` of 10, and learnt downward when a
    /// host refuses. Enforced by the host actor.
    pub running: usize,
    /// How long a shell waits on a host for its next call; none does when zero. Enforced by the host
    /// actor.
    pub shell_idle: Duration,
    /// Calls waiting on one host; the next is refused. Interactive ones count only each other, so
    /// that bulk work never takes their room. Enforced by the host actor.
    pub queued: usize,
    /// A connection silent for this long is asked for a sign of life; three missing answers in a
    /// row end it. Enforced by the SSH session.
    pub keepalive: Duration,
    /// Bytes of a file returned by one call. Enforced by the file reader.
    pub max_file: u64,
    /// Bytes kept of each output stream of a command. Enforced by the capture.
    pub max_output: u64,
    /// Bytes of output held in memory by all calls together. Enforced by the budget.
    pub output_budget: u64,
    /// Requests a minute for each caller; 0 turns the limit off. Enforced by the rate limit actor.
    pub rate_per_minute: u32,
    /// Requests a caller may make at once after a pause. Enforced by the rate limit actor.
    pub rate_burst: u32,
    /// How long the answer "this host is online" is good for. Enforced by the census.
    pub status_ttl: Duration,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            capacity: 100,
            idle_timeout: Duration::from_secs(60),
            warm_timeout: Duration::from_secs(1800),
            connect_timeout: Duration::from_secs(10),
            connect_timeout_min: Duration::from_secs(2),
            command_timeout: Duration::from_secs(30),
            running: 8,
            shell_idle: Duration::from_secs(30),
            queued: 64,
            keepalive: Duration::from_secs(15),
            max_file: 1 << 20,
            max_output: 10_000_000,
            output_budget: 128 << 20,
            rate_per_minute: 60,
            rate_burst: 10,
            status_ttl: Duration::from_secs(30),
        }
    }
}

/// When a call is over, whatever it is doing. Fixed once at the door; it can only shrink.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Deadline(Instant);

impl Deadline {
    /// The deadline `span` from now.
    #[must_use]
    pub fn within(span: Duration) -> Self {
        Self(Instant::now() + span)
    }

    /// The deadline at `at`.
    #[must_use]
    pub fn at(at: Instant) -> Self {
        Self(at)
    }

    /// The earlier of this one and `span` from now.
    #[must_use]
    pub fn at_most(self, span: Duration) -> Self {
        let then = Instant::now().checked_add(span);
        Self(then.map_or(self.0, |then| self.0.min(then)))
    }

    /// The instant.
    #[must_use]
    pub fn instant(self) -> Instant {
        self.0
    }

    /// What is left, zero when it has passed.
    #[must_use]
    pub fn left(self) -> Duration {
        self.0.saturating_duration_since(Instant::now())
    }
}
