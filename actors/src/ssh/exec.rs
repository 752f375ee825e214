//! One command on one channel: sent, drained to its end, and stopped when its call is over.
//!
//! The channel is that of a shell which waits for a call, or a fresh one. Both streams are always read
//! to the end and discarded past their limit: a channel nobody reads blocks every other channel of its
//! connection. An end without the script's report is never a success.

mod capture;
mod report;
mod running;
mod send;
mod watch;

pub(crate) use capture::{BASE, Capture};

use super::shell::{Shell, Spare};
use super::{Channel, OpenError, Session};
use crate::budget::Hold;
use crate::command::Command;
use crate::metrics::Metrics;
use crate::outcome::{Captured, Outcome, Stopped};
use running::Running;
use std::sync::Arc;
use std::time::Duration;
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;
use watch::Watch;

/// How long a channel may stay open after the script's report: its processes are being killed.
pub(super) const LINGER: Duration = Duration::from_secs(2);

/// What a command may use.
pub(crate) struct Allowance {
    /// From the start of the command.
    pub(crate) timeout: Duration,
    /// Bytes kept of each stream.
    pub(crate) max_output: u64,
    /// Whether what is left out is hashed.
    pub(crate) compared: bool,
    /// Memory already reserved; grows with the output.
    pub(crate) hold: Hold,
    /// Whether the shell may serve another call afterwards.
    pub(crate) reuse: bool,
    pub(crate) metrics: Metrics,
}

/// How the work on the channel ended.
pub(crate) struct Ended {
    pub(crate) outcome: Outcome,
    pub(crate) stdout: Captured,
    pub(crate) stderr: Captured,
    pub(crate) hold: Hold,
}

/// Why there is no outcome: the command was never started.
#[derive(Debug)]
pub(crate) enum ExecError {
    /// Nothing was sent that a host could run; the memory reserved comes back.
    Open(OpenError, Hold),
    /// The host ran something else than our script, and said this.
    NoShell(String),
    /// The host cannot feed a command's standard input.
    NoInput,
    /// The directory to run in cannot be entered.
    NoDirectory,
}

/// A finished command.
pub(crate) struct Finished {
    pub(crate) result: Result<Ended, ExecError>,
    pub(crate) leftover: Leftover,
}

/// What is left of a call whose command is over.
pub(crate) enum Leftover {
    /// Nothing was opened.
    Nothing,
    /// A channel that may still have to be seen to its end.
    Channel(Channel),
    /// A shell that waits for the next call.
    Shell(Shell),
}

impl Leftover {
    /// Sees the channel to its end, so that its place on the host is free again. The answer does
    /// not wait for this.
    pub(crate) async fn settle(self) {
        match self {
            Self::Nothing => {}
            Self::Channel(mut channel) => {
                let closed = async { while channel.rx.wait().await.is_some() {} };
                let _in_time = tokio::time::timeout(LINGER, closed).await;
                channel.tx.close().await;
            }
            Self::Shell(shell) => shell.end().await,
        }
    }
}

/// Where a command runs.
pub(crate) enum Place {
    /// A channel of its own.
    Fresh,
    /// A shell that waits elsewhere; a channel of its own if that has ended meanwhile.
    Spare(Spare),
    /// A shell that has just served another call.
    Shell(Box<Shell>),
}

/// Runs a command to its end, whatever that is.
pub(crate) async fn run(
    session: &Arc<Session>,
    place: Place,
    (command, mut allowance): (&Command, Allowance),
    cancel: &CancellationToken,
) -> Finished {
    let limit = Instant::now() + allowance.timeout;
    let shell = match place {
        Place::Fresh => None,
        Place::Spare(spare) => spare.take().await,
        Place::Shell(shell) => Some(*shell),
    };
    if let Some(shell) = shell {
        let running = Running::in_shell(shell, command, allowance);
        match drive(running, session, limit, cancel).await {
            Ok(finished) => return finished,
            // It had ended before it took the script.
            Err(unused) => allowance = unused,
        }
    }
    let channel = tokio::select! {
        opened = session.open() => match opened {
            Ok(channel) => channel,
            Err(error) => return unsent(error, allowance.hold),
        },
        // A channel that opens after all is closed as it is dropped.
        () = cancel.cancelled() => return never_ran(allowance.hold),
    };
    let running = Running::alone(channel, command, allowance);
    match drive(running, session, limit, cancel).await {
        Ok(finished) => finished,
        Err(unused) => unsent(OpenError::Lost, unused.hold),
    }
}

/// Sees a command to its end. Gives the allowance back if the host never had anything it could run.
async fn drive(
    mut running: Running,
    session: &Arc<Session>,
    limit: Instant,
    cancel: &CancellationToken,
) -> Result<Finished, Allowance> {
    let watch = running.drive(session, Watch::new(limit), cancel).await;
    match running.never_started(&watch) {
        true => Err(running.into_allowance()),
        false => Ok(running.conclude(&watch)),
    }
}

/// The caller left before anything was sent: there is nothing that could still run.
fn never_ran(hold: Hold) -> Finished {
    let ended = Ended {
        outcome: Outcome::Cancelled {
            stopped: Stopped::Verified,
        },
        stdout: Captured::default(),
        stderr: Captured::default(),
        hold,
    };
    Finished {
        result: Ok(ended),
        leftover: Leftover::Nothing,
    }
}

fn unsent(why: OpenError, hold: Hold) -> Finished {
    Finished {
        result: Err(ExecError::Open(why, hold)),
        leftover: Leftover::Nothing,
    }
}
