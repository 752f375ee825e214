//! How a broadcast went on one host.

use serde::{Deserialize, Serialize};

/// Exactly one for every place. Only `Ok` is a success.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum State {
    /// The command exited with 0, or what is at the path was read.
    Ok,
    /// It was done and did not go well: another exit code, a signal, nothing at the path.
    Failed,
    /// The command's own time was up, and it was stopped.
    TimedOut,
    /// It was under way when the broadcast ended, by its deadline or an interrupt, and was stopped.
    Running,
    /// The deadline came before its turn, or before the host was there to work on. Nothing was done.
    NotStarted,
    /// No connection could be made.
    Unreachable,
    /// The host is unknown, or it takes no more work now. Nothing was done.
    Refused,
    /// The connection ended first. A command may have run in part or whole, and is not repeated.
    ConnectionLost,
}

impl State {
    /// All of them.
    pub const ALL: [Self; 8] = [
        Self::Ok,
        Self::Failed,
        Self::TimedOut,
        Self::Running,
        Self::NotStarted,
        Self::Unreachable,
        Self::Refused,
        Self::ConnectionLost,
    ];

    /// The stable name.
    #[must_use]
    pub fn label(self) -> &'static str {
        match self {
            Self::Ok => "ok",
            Self::Failed => "failed",
            Self::TimedOut => "timed_out",
            Self::Running => "running",
            Self::NotStarted => "not_started",
            Self::Unreachable => "unreachable",
            Self::Refused => "refused",
            Self::ConnectionLost => "connection_lost",
        }
    }

    /// In words.
    pub(super) fn words(self) -> &'static str {
        match self {
            Self::Ok => "ok",
            Self::Failed => "failed",
            Self::TimedOut => "timed out",
            Self::Running => "running at the end",
            Self::NotStarted => "not started",
            Self::Unreachable => "unreachable",
            Self::Refused => "refused",
            Self::ConnectionLost => "connection lost",
        }
    }
}
