//! A report on its way from the replica that ran the command to the one that was asked to.

use super::report::{Cut, RunReport};
use crate::access::keys::parse_hex;
use crate::ops::checksum::hex;
use crate::ops::sent::SentBytes;
use fleet::outcome::Stopped;
use fleet::{Hold, HostName, Outcome};
use serde::{Deserialize, Serialize};
use std::borrow::Cow;
use std::sync::Arc;
use std::time::Duration;

/// All of a [`RunReport`] but where.
#[derive(Debug, Serialize, Deserialize)]
pub(in crate::ops) struct SentRun<'a> {
    outcome: SentOutcome<'a>,
    stdout: SentStream<'a>,
    stderr: SentStream<'a>,
    took_ms: u64,
}

#[derive(Debug, Serialize, Deserialize)]
struct SentStream<'a> {
    bytes: SentBytes<'a>,
    /// Bytes kept and bytes there were, if not all were kept.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    cut: Option<(u64, u64)>,
    /// In hex.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    rest: Option<String>,
}

#[derive(Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
enum SentOutcome<'a> {
    Exited(u8),
    Signaled(Cow<'a, str>),
    TimedOut { verified: bool },
    Cancelled { verified: bool },
    ConnectionLost { may_still_run: bool },
}

impl<'a> SentRun<'a> {
    pub(in crate::ops) fn of(report: &'a RunReport) -> Self {
        let [out_rest, err_rest] = report.cut.rest.map(|rest| rest.as_ref().map(hex));
        let stream = |bytes, cut, rest| SentStream {
            bytes: SentBytes::of(bytes),
            cut,
            rest,
        };
        Self {
            outcome: SentOutcome::of(&report.outcome),
            stdout: stream(&report.stdout, report.cut.stdout, out_rest),
            stderr: stream(&report.stderr, report.cut.stderr, err_rest),
            took_ms: u64::try_from(report.duration.as_millis()).unwrap_or(u64::MAX),
        }
    }

    /// The report; nothing where something of it cannot be.
    pub(in crate::ops) fn report(self, host: &HostName, hold: Arc<Hold>) -> Option<RunReport> {
        let Self {
            outcome,
            stdout,
            stderr,
            took_ms,
        } = self;
        let rest = [stdout.rest(), stderr.rest()];
        Some(RunReport {
            host: host.clone(),
            outcome: outcome.outcome(),
            cut: Cut {
                stdout: stdout.cut,
                stderr: stderr.cut,
                rest,
            },
            stdout: stdout.bytes.bytes()?,
            stderr: stderr.bytes.bytes()?,
            duration: Duration::from_millis(took_ms),
            hold,
        })
    }
}

impl SentStream<'_> {
    fn rest(&self) -> Option<[u8; 32]> {
        self.rest.as_deref().and_then(parse_hex)
    }
}

impl<'a> SentOutcome<'a> {
    fn of(outcome: &'a Outcome) -> Self {
        match outcome {
            Outcome::Exited { code } => Self::Exited(*code),
            Outcome::Signaled { name } => Self::Signaled(Cow::Borrowed(name)),
            Outcome::TimedOut { stopped } => Self::TimedOut {
                verified: *stopped == Stopped::Verified,
            },
            Outcome::Cancelled { stopped } => Self::Cancelled {
                verified: *stopped == Stopped::Verified,
            },
            Outcome::ConnectionLost { may_still_run } => Self::ConnectionLost {
                may_still_run: *may_still_run,
            },
        }
    }

    fn outcome(self) -> Outcome {
        let stopped = |verified| match verified {
            true => Stopped::Verified,
            false => Stopped::Unverified,
        };
        match self {
            Self::Exited(code) => Outcome::Exited { code },
            Self::Signaled(name) => Outcome::Signaled {
                name: name.into_owned(),
            },
            Self::TimedOut { verified } => Outcome::TimedOut {
                stopped: stopped(verified),
            },
            Self::Cancelled { verified } => Outcome::Cancelled {
                stopped: stopped(verified),
            },
            Self::ConnectionLost { may_still_run } => Outcome::ConnectionLost { may_still_run },
        }
    }
}
