//! `[limits]`: what one call, one host and the whole process may use.

use std::num::NonZeroU32;
use std::time::Duration;

use serde::Deserialize;

use super::key::Key;
use super::kind::{Bare, Kind};
use super::units::{GIB, HOUR, KIB, MIB, SECOND};

const DEADLINE: Kind = Kind::Span {
    bare: Bare::Seconds,
    min: SECOND / 10,
    max: HOUR,
};

pub(super) const KEYS: &[Key] = &[
    Key::new(
        "limits.max_file_size",
        "SCOUT_MAX_FILE_SIZE",
        Kind::Size { min: 1, max: GIB },
        "1048576",
    )
    .or("MCP_CAT_MAX_FILE_SIZE")
    .about("Bytes of a file that one read returns; the rest is cut and said to be cut. An agent's context holds little more than this."),
    Key::new(
        "limits.max_output_size",
        "SCOUT_MAX_OUTPUT_SIZE",
        Kind::Size { min: KIB, max: GIB },
        "10000000",
    )
    .about("Bytes of output kept of one command; what comes after is read and dropped, so that the command does not block."),
    Key::new(
        "limits.output_budget",
        "SCOUT_OUTPUT_BUDGET",
        Kind::Size { min: MIB, max: 64 * GIB },
        "128MiB",
    )
    .about("Bytes of output held in memory by all calls together. It bounds the process whatever the hosts send."),
    Key::new("limits.command_timeout", "SCOUT_COMMAND_TIMEOUT", DEADLINE, "30s")
        .or("MCP_CAT_COMMAND_TIMEOUT")
        .about("How long a command may run before it is stopped on the host, unless the call asks for less."),
    Key::new("limits.request_timeout", "SCOUT_REQUEST_TIMEOUT", DEADLINE, "60s")
        .about("How long one request may take in all: waiting, connecting, working. Every deadline inside it is shorter."),
    Key::new(
        "limits.max_concurrent_requests",
        "SCOUT_MAX_CONCURRENT_REQUESTS",
        Kind::Count { min: 1, max: 65_536 },
        "256",
    )
    .about("Requests in flight; one more is answered at once with `busy`."),
    Key::new(
        "limits.host_running",
        "SCOUT_HOST_RUNNING",
        Kind::Count { min: 1, max: 64 },
        "8",
    )
    .about("Calls that run on one host at a time. sshd allows ten sessions on a connection (`MaxSessions`) and two are kept for Scout's own use."),
    Key::new(
        "limits.host_queue",
        "SCOUT_HOST_QUEUE",
        Kind::Count { min: 0, max: 4096 },
        "64",
    )
    .about("Calls that wait for one host. One more is refused, so that a slow host cannot hold the others up; 0 refuses instead of waiting."),
    Key::new(
        "limits.shell_idle",
        "SCOUT_SHELL_IDLE",
        Kind::Span { bare: Bare::Seconds, min: 0, max: HOUR },
        "30s",
    )
    .about("How long a shell waits on a host for its next command, which then costs one round trip instead of two; two wait behind each command. Each holds one of the sessions sshd allows, and gives it up when a call needs it. 0 starts a shell for each command only when it comes."),
    Key::new(
        "limits.rate_limit_per_minute",
        "SCOUT_RATE_LIMIT_PER_MINUTE",
        Kind::Count { min: 0, max: 1_000_000 },
        "60",
    )
    .about("Requests per minute and client, on average; 0 turns the limit off."),
    Key::new(
        "limits.rate_limit_burst",
        "SCOUT_RATE_LIMIT_BURST",
        Kind::Count { min: 1, max: 1_000_000 },
        "10",
    )
    .about("Requests a client may make at once before the average counts."),
    Key::new(
        "limits.shutdown_delay",
        "SCOUT_SHUTDOWN_DELAY",
        Kind::Span { bare: Bare::Seconds, min: 0, max: HOUR },
        "0s",
    )
    .about("How long new calls are still taken after SIGTERM while `/readyz` already answers 503. Behind a balancer this is the time it needs to notice, so that no call meets a closed door; the grace begins after it."),
    Key::new(
        "limits.shutdown_grace",
        "SCOUT_SHUTDOWN_GRACE",
        Kind::Span { bare: Bare::Seconds, min: 0, max: HOUR },
        "25s",
    )
    .about("How long calls in flight may finish after SIGTERM. Kubernetes kills after 30 s by default; this stays below it."),
];

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct RawLimits {
    max_file_size: u64,
    max_output_size: u64,
    output_budget: u64,
    pub command_timeout: u64,
    request_timeout: u64,
    max_concurrent_requests: usize,
    host_running: usize,
    host_queue: usize,
    shell_idle: u64,
    rate_limit_per_minute: u32,
    rate_limit_burst: u32,
    shutdown_delay: u64,
    shutdown_grace: u64,
}

/// Bounds on what one call, one host and the whole process may use.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Limits {
    /// Bytes of a file that one read returns.
    pub max_file_size: u64,
    /// Bytes of output kept of one command.
    pub max_output_size: u64,
    /// Bytes of output held by all calls together; never less than one call may need.
    pub output_budget: u64,
    /// How long a command may run; never longer than a request.
    pub command_timeout: Duration,
    /// How long a request may take in all.
    pub request_timeout: Duration,
    /// Requests in flight.
    pub max_concurrent_requests: usize,
    /// Calls that run on one host at a time.
    pub host_running: usize,
    /// Calls that wait for one host.
    pub host_queue: usize,
    /// How long a shell waits on a host for its next command.
    pub shell_idle: Duration,
    /// Requests per client; `None` is off.
    pub rate_limit: Option<RateLimit>,
    /// How long new calls are still taken once it is not ready any more.
    pub shutdown_delay: Duration,
    /// How long calls in flight may finish after a signal.
    pub shutdown_grace: Duration,
}

/// A token bucket per client.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct RateLimit {
    /// Tokens that come back in a minute.
    pub per_minute: NonZeroU32,
    /// Tokens the bucket holds.
    pub burst: NonZeroU32,
}

impl From<RawLimits> for Limits {
    fn from(raw: RawLimits) -> Self {
        let per_minute = NonZeroU32::new(raw.rate_limit_per_minute);
        let rate_limit = per_minute.zip(NonZeroU32::new(raw.rate_limit_burst));
        let request_timeout = Duration::from_millis(raw.request_timeout);
        Self {
            max_file_size: raw.max_file_size,
            max_output_size: raw.max_output_size,
            output_budget: raw.output_budget,
            command_timeout: Duration::from_millis(raw.command_timeout).min(request_timeout),
            request_timeout,
            max_concurrent_requests: raw.max_concurrent_requests,
            host_running: raw.host_running,
            host_queue: raw.host_queue,
            shell_idle: Duration::from_millis(raw.shell_idle),
            rate_limit: rate_limit.map(|(per_minute, burst)| RateLimit { per_minute, burst }),
            shutdown_delay: Duration::from_millis(raw.shutdown_delay),
            shutdown_grace: Duration::from_millis(raw.shutdown_grace),
        }
    }
}
