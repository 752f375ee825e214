//! How an execution ended. Exactly one of these, and only `Exited` with code 0 is a success.

use crate::budget::Hold;
use crate::target::HostName;
use std::fmt;
use std::sync::Arc;
use std::time::Duration;

/// The one end of an execution that was started.
///
/// What never started is a [`crate::FleetError`] instead.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Outcome {
    /// The command ended by itself with this code.
    Exited {
        /// 0 to 255.
        code: u8,
    },
    /// A signal ended the command; the name is without `SIG`.
    Signaled {
        /// `KILL`, `TERM`, …
        name: String,
    },
    /// Its time was up.
    TimedOut {
        /// Whether the processes are known to be gone.
        stopped: Stopped,
    },
    /// Its caller left, or Scout was shutting down.
    Cancelled {
        /// Whether the processes are known to be gone.
        stopped: Stopped,
    },
    /// The connection ended first. The command may have run in part or whole; it is never
    /// repeated on the caller's behalf.
    ConnectionLost {
        /// False only where the host itself is known to end the command with its connection.
        may_still_run: bool,
    },
}

impl Outcome {
    /// Whether the command did what a shell would call success.
    #[must_use]
    pub fn is_success(&self) -> bool {
        matches!(self, Self::Exited { code: 0 })
    }

    /// The stable name of the variant, as it stands in results and metric labels.
    #[must_use]
    pub fn label(&self) -> &'static str {
        match self {
            Self::Exited { .. } => "exited",
            Self::Signaled { .. } => "signaled",
            Self::TimedOut { .. } => "timed_out",
            Self::Cancelled { .. } => "cancelled",
            Self::ConnectionLost { .. } => "connection_lost",
        }
    }
}

/// What is known about the processes of a command that had to be stopped.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Stopped {
    /// The host reported that its process group and every process carrying the call's mark ended.
    Verified,
    /// They were told to stop; nothing proves that all of them did.
    Unverified,
}

impl fmt::Display for Stopped {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Verified => "verified",
            Self::Unverified => "unverified",
        })
    }
}

/// What was kept of one output stream.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Captured {
    /// The bytes kept, from the beginning.
    pub bytes: Vec<u8>,
    /// How many bytes the stream had; more than were kept when it was cut.
    pub total: u64,
    /// The SHA-256 of the bytes that were left out, if there are any and it was asked for.
    pub rest: Option<[u8; 32]>,
}

impl Captured {
    /// Whether bytes are missing at the end.
    #[must_use]
    pub fn is_truncated(&self) -> bool {
        self.total > self.bytes.len() as u64
    }
}

/// The record of one command on one host.
#[derive(Debug)]
pub struct Execution {
    /// Where it ran.
    pub host: HostName,
    /// How it ended.
    pub outcome: Outcome,
    /// Standard output.
    pub stdout: Captured,
    /// Standard error.
    pub stderr: Captured,
    /// From the start of the work on the host's connection to its end.
    pub duration: Duration,
    /// The memory this record accounts for; keep it as long as any copy of the output lives.
    pub hold: Arc<Hold>,
}
