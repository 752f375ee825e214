//! `[ssh]`: the connections to hosts, and how a host proves who it is.

use std::path::{Path, PathBuf};
use std::time::Duration;

use fleet::inventory::Expression;
use serde::Deserialize;

use super::key::Key;
use super::kind::{Bare, Kind};
use super::units::{DAY, HOUR, MINUTE, SECOND};

/// How many keepalives may go unanswered before a connection counts as dead: the default of
/// `ServerAliveCountMax` in `ssh_config(5)`.
pub const KEEPALIVE_MISSES: usize = 3;

pub(super) const KEYS: &[Key] = &[
    Key::new("ssh.config", "SCOUT_SSH_CONFIG", Kind::Path, "~/.ssh/config")
        .about("The `ssh_config(5)` that lists the hosts. Where the usual one is missing there are no hosts; another one that is named here must exist."),
    Key::new("ssh.known_hosts", "SCOUT_KNOWN_HOSTS", Kind::Path, "~/.ssh/known_hosts").about(
        "Where the keys of the hosts are known from. `none` accepts any key: whoever sits between Scout and a host then reads and changes everything.",
    ),
    Key::new(
        "ssh.strict_host_key_checking",
        "SCOUT_STRICT_HOST_KEY_CHECKING",
        Kind::Switch,
        "true",
    )
    .about("Refuse a host whose key is not known. When false, an unknown key is accepted and said; a changed key is refused either way."),
    Key::new(
        "ssh.connection_timeout",
        "SCOUT_CONNECTION_TIMEOUT",
        Kind::Span { bare: Bare::Seconds, min: SECOND / 10, max: 10 * MINUTE },
        "10s",
    )
    .about("From the first packet to an authenticated connection, jump hosts included. A healthy host needs a fraction of a second."),
    Key::new(
        "ssh.connection_timeout_min",
        "SCOUT_CONNECTION_TIMEOUT_MIN",
        Kind::Span { bare: Bare::Seconds, min: 0, max: 10 * MINUTE },
        "2s",
    )
    .about("A host that was reached before is given up sooner: after its usual time to show its key, or to answer on a connection, and as much again as it varies, but at least this much; twice as long after each time it was late, and never longer than `connection_timeout`, which a host has the first time. A lost first packet is repeated after a second, which must fit in."),
    Key::new(
        "ssh.keepalive",
        "SCOUT_KEEPALIVE",
        Kind::Span { bare: Bare::Seconds, min: SECOND, max: HOUR },
        "15s",
    )
    .about("Time between keepalives on an idle connection; after three without answer it is dead. Below most NAT timeouts."),
    Key::new(
        "ssh.idle_timeout",
        "SCOUT_IDLE_TIMEOUT",
        Kind::Span { bare: Bare::Seconds, min: SECOND, max: DAY },
        "60s",
    )
    .or("MCP_CAT_IDLE_TIMEOUT")
    .about("A connection nobody uses is closed after this long. One in use is never closed for its age."),
    Key::new(
        "ssh.warm_timeout",
        "SCOUT_WARM_TIMEOUT",
        Kind::Span { bare: Bare::Seconds, min: 0, max: DAY },
        "30m",
    )
    .about("A host that is used often, every two minutes or in bursts, stays connected beyond `idle_timeout` and is connected again when it was lost: the longer the more it was used, and at most this long after its last use; 0 turns it off. Half of the pool at most is kept so, and whoever needs a place gets one of these first."),
    Key::new("ssh.warm", "SCOUT_WARM", Kind::Expressions, "")
    .about("Host expressions, such as `web-*` or `@db`: hosts to connect in the background once the server listens, as many as the pool has places. They stay for `warm_timeout`, longer if they are used. What is no host is said and passed over."),
    Key::new(
        "ssh.max_pool_size",
        "SCOUT_MAX_POOL_SIZE",
        Kind::Count { min: 1, max: 65_536 },
        "100",
    )
    .about("Hosts connected at a time. The least recently used idle one makes room; each costs about a megabyte and a file descriptor."),
    Key::new(
        "ssh.host_status_ttl",
        "SCOUT_HOST_STATUS_TTL",
        Kind::Span { bare: Bare::Seconds, min: 0, max: DAY },
        "30s",
    )
    .about("How long the last known state of a host is shown before it is probed again; 0 probes each time."),
];

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct RawSsh {
    pub config: String,
    pub known_hosts: String,
    pub strict_host_key_checking: bool,
    pub connection_timeout: u64,
    pub connection_timeout_min: u64,
    pub keepalive: u64,
    pub idle_timeout: u64,
    pub warm_timeout: u64,
    pub warm: Vec<String>,
    pub max_pool_size: usize,
    pub host_status_ttl: u64,
}

/// The connections to hosts.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Ssh {
    /// The `ssh_config(5)` of the inventory; it may be missing.
    pub config: PathBuf,
    /// What the hosts' keys are checked against.
    pub known_hosts: KnownHosts,
    /// Whether an unknown key is refused. A changed one always is.
    pub strict_host_key_checking: bool,
    /// From the first packet to an authenticated connection.
    pub connection_timeout: Duration,
    /// What a host that is known has beyond its usual time.
    pub connection_timeout_min: Duration,
    /// Between two keepalives; see [`KEEPALIVE_MISSES`].
    pub keepalive: Duration,
    /// How long an unused connection stays.
    pub idle_timeout: Duration,
    /// How long after its last use a host that is used often stays connected, at the most.
    pub warm_timeout: Duration,
    /// The hosts to connect at the start, if any.
    pub warm: Option<Expression>,
    /// Hosts connected at a time.
    pub max_pool_size: usize,
    /// How long a host's last known state is shown; zero probes each time.
    pub host_status_ttl: Duration,
}

/// What a host's key is checked against.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum KnownHosts {
    /// A file in the format of `sshd(8)`.
    File(PathBuf),
    /// Nothing: any key is accepted.
    AcceptAnyKey,
}

impl KnownHosts {
    /// The file, if keys are checked at all.
    #[must_use]
    pub fn path(&self) -> Option<&Path> {
        match self {
            Self::File(path) => Some(path),
            Self::AcceptAnyKey => None,
        }
    }
}
