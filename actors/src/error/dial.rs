//! Why a connection could not be made: the phase it was in, and the cause.

use crate::target::HostName;
use std::fmt;
use std::time::Duration;

/// The phases of making a connection, in order.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[repr(u8)]
pub enum Phase {
    /// The host's name to addresses.
    Resolve,
    /// The TCP connection.
    Tcp,
    /// Version exchange and key exchange (RFC 4253 §4.2, §7).
    Kex,
    /// The decision about the host's key.
    HostKey,
    /// User authentication (RFC 4252).
    Auth,
}

impl Phase {
    /// All of them, in order.
    pub const ALL: [Self; 5] = [
        Self::Resolve,
        Self::Tcp,
        Self::Kex,
        Self::HostKey,
        Self::Auth,
    ];

    /// The stable name, as in results and metric labels.
    #[must_use]
    pub fn label(self) -> &'static str {
        match self {
            Self::Resolve => "resolve",
            Self::Tcp => "tcp",
            Self::Kex => "kex",
            Self::HostKey => "host_key",
            Self::Auth => "auth",
        }
    }
}

impl fmt::Display for Phase {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Resolve => "name resolution",
            Self::Tcp => "connecting",
            Self::Kex => "key exchange",
            Self::HostKey => "host key verification",
            Self::Auth => "authentication",
        })
    }
}

/// A connection that was not made.
#[derive(Debug, Clone, thiserror::Error)]
#[error("{phase}{} failed: {cause}", via(.hop))]
pub struct DialError {
    /// Where it stopped.
    pub phase: Phase,
    /// Why.
    pub cause: DialFailure,
    /// The jump host at which it stopped, when it was not the host itself.
    pub hop: Option<String>,
}

/// The causes of a failed connection.
#[derive(Debug, Clone, thiserror::Error)]
#[non_exhaustive]
pub enum DialFailure {
    /// The deadline over all phases passed.
    #[error("no answer within {}{}", seconds(*.after), usually(*.usual))]
    TimedOut {
        /// The deadline's length.
        after: Duration,
        /// What the host usually takes to show its key, where that is known.
        usual: Option<Duration>,
    },
    /// Too many others were connecting to the same address all the time.
    #[error("no turn to connect within {}: others to the same address took them all", seconds(*.after))]
    NoTurn {
        /// How long it waited.
        after: Duration,
    },
    /// The operating system or the peer ended it.
    #[error("{0}")]
    Io(String),
    /// The peer broke the protocol, or there is no algorithm both sides accept.
    #[error("{0}")]
    Protocol(String),
    /// The host's key is not to be trusted.
    #[error("{0}")]
    HostKey(#[from] HostKeyProblem),
    /// No key was accepted.
    #[error("no key was accepted for user `{user}`: {}", offered(.tried, .methods))]
    Denied {
        /// The account.
        user: String,
        /// The keys offered, by fingerprint or file name.
        tried: Vec<String>,
        /// Methods the host would take.
        methods: Vec<String>,
    },
    /// A key file or the agent could not be used, and nothing else was left to offer.
    #[error("{0}")]
    NoKey(String),
}

/// Why a host key is refused. Each refusal comes before any authentication.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum HostKeyProblem {
    /// No entry for this host.
    #[error("the host key {fingerprint} ({algorithm}) is unknown")]
    Unknown {
        /// SHA256 fingerprint of the key the host showed.
        fingerprint: String,
        /// Its algorithm.
        algorithm: String,
    },
    /// Another key is on file: the host was reinstalled, or somebody stands in between.
    #[error("the host key changed: it is {fingerprint}, but {recorded} has another")]
    Changed {
        /// SHA256 fingerprint of the key the host showed.
        fingerprint: String,
        /// Where the other key stands: file and line.
        recorded: String,
    },
    /// The key is marked `@revoked`.
    #[error("the host key {fingerprint} is revoked by {recorded}")]
    Revoked {
        /// SHA256 fingerprint of the key.
        fingerprint: String,
        /// Where it is revoked: file and line.
        recorded: String,
    },
    /// The host showed a certificate, which is not supported as proof yet.
    #[error("the host offered a certificate where a plain key was asked for")]
    Certificate,
    /// The files could not be read, so nothing is known.
    #[error("known hosts cannot be read: {0}")]
    Unreadable(String),
}

impl DialError {
    /// The attempt itself was defective; the log has the panic.
    pub(crate) fn internal() -> Self {
        Self {
            phase: Phase::Resolve,
            cause: DialFailure::Protocol("the attempt ended by an internal error".into()),
            hop: None,
        }
    }

    /// A stable name for programs.
    #[must_use]
    pub fn code(&self) -> &'static str {
        match &self.cause {
            DialFailure::TimedOut { .. } | DialFailure::NoTurn { .. } => "connect_timeout",
            DialFailure::HostKey(HostKeyProblem::Unknown { .. }) => "host_key_unknown",
            DialFailure::HostKey(HostKeyProblem::Changed { .. }) => "host_key_changed",
            DialFailure::HostKey(HostKeyProblem::Revoked { .. }) => "host_key_revoked",
            DialFailure::HostKey(_) => "host_key_refused",
            DialFailure::Denied { .. } | DialFailure::NoKey(_) => "auth_failed",
            DialFailure::Io(_) | DialFailure::Protocol(_) => "unreachable",
        }
    }

    /// Whether trying again soon could only annoy the host: an authentication failure feeds
    /// sshd's `PerSourcePenalties` (OpenSSH 9.8), and a key does not change by itself.
    #[must_use]
    pub fn is_settled(&self) -> bool {
        self.phase >= Phase::HostKey
            && !matches!(
                self.cause,
                DialFailure::TimedOut { .. } | DialFailure::Io(_)
            )
    }

    /// What the reader can do about it.
    #[must_use]
    pub fn hint(&self, host: &HostName) -> String {
        match &self.cause {
            DialFailure::TimedOut { .. } => match self.phase {
                Phase::Resolve => format!("check the resolver, or the `HostName` of `{host}`"),
                Phase::Tcp => {
                    format!("check that `{host}` is up and its SSH port is open from here")
                }
                _ => format!(
                    "the port of `{host}` is open but does not finish SSH; check sshd there"
                ),
            },
            DialFailure::NoTurn { .. } => {
                format!(
                    "check the jump host of `{host}`, and ask for fewer hosts behind it at once"
                )
            }
            DialFailure::Io(_) | DialFailure::Protocol(_) => {
                format!("try `ssh -v {host}` from the machine that runs Scout")
            }
            DialFailure::HostKey(HostKeyProblem::Unknown { .. }) => format!(
                "compare the fingerprint with `ssh-keygen -lf /etc/ssh/ssh_host_*_key.pub` on the host, then connect once with `ssh {host}`, or add the output of `ssh-keyscan` to known_hosts"
            ),
            DialFailure::HostKey(HostKeyProblem::Changed { .. }) => format!(
                "if the host was reinstalled, remove the old line with `ssh-keygen -R {host}` and verify the new key; if not, somebody may be intercepting the connection"
            ),
            DialFailure::HostKey(HostKeyProblem::Revoked { .. }) => {
                "the key must never be trusted again; give the host a new one".into()
            }
            DialFailure::HostKey(_) => "make known_hosts readable and complete".into(),
            DialFailure::Denied { user, .. } => format!(
                "put a public key of this machine into `{user}`'s authorized_keys on the host, or set `User` and `IdentityFile` for `{host}`"
            ),
            DialFailure::NoKey(_) => {
                format!("start an ssh-agent with a key, or set `IdentityFile` for `{host}`")
            }
        }
    }
}

/// Seconds, to the hundredth.
fn seconds(span: Duration) -> String {
    let hundredths = (span.as_secs_f64() * 100.0).round() / 100.0;
    format!("{hundredths} s")
}

fn usually(usual: Option<Duration>) -> String {
    usual
        .map(|usual| {
            format!(
                " (usually {})",
                seconds(usual.max(Duration::from_millis(10)))
            )
        })
        .unwrap_or_default()
}

fn via(hop: &Option<String>) -> String {
    hop.as_ref()
        .map(|hop| format!(" at jump host `{hop}`"))
        .unwrap_or_default()
}

fn offered(tried: &[String], methods: &[String]) -> String {
    let offered = match tried {
        [] => "none was there to offer".into(),
        keys => format!("offered {}", keys.join(", ")),
    };
    match methods {
        [] => offered,
        methods => format!("{offered}; the host takes {}", methods.join(", ")),
    }
}
