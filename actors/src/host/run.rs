//! The job that runs a command.

use super::job::{Claim, Job, LaneKind, Slot, Undone, Work};
use super::pool::Ran;
use crate::budget::Hold;
use crate::command::Command;
use crate::error::{Contended, FleetError};
use crate::lease::LeaseGuard;
use crate::limits::Deadline;
use crate::metrics::Metrics;
use crate::outcome::{Execution, Outcome, Stopped};
use crate::ssh::OpenError;
use crate::ssh::exec::{self, Allowance, ExecError, Finished, Leftover, Place};
use crate::target::{HostName, RemotePath};
use crate::urgency::Urgency;
use futures_util::FutureExt;
use futures_util::future::BoxFuture;
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::oneshot;
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;
use tracing::Instrument;

/// Everything a command needs to run and to be answered.
pub(crate) struct RunJob {
    pub(crate) host: HostName,
    pub(crate) command: Command,
    pub(crate) timeout: Duration,
    pub(crate) max_output: u64,
    /// Whether output that is left out is hashed.
    pub(crate) compared: bool,
    pub(crate) deadline: Deadline,
    /// Whether shells are kept for other calls.
    pub(crate) reuse: bool,
    /// When the call came.
    pub(crate) queued: Instant,
    /// Present while it waits.
    pub(crate) hold: Option<Hold>,
    /// Cancelled when the caller leaves or the fleet goes down.
    pub(crate) cancel: CancellationToken,
    pub(crate) urgency: Urgency,
    pub(crate) claim: Claim,
    pub(crate) reply: oneshot::Sender<Result<Execution, FleetError>>,
    pub(crate) metrics: Metrics,
    pub(crate) span: tracing::Span,
    /// Keeps the host from being evicted until the job has let go of its channel.
    pub(crate) lease: LeaseGuard,
}

impl RunJob {
    /// Wraps it for the queue.
    pub(crate) fn queue(self) -> Job {
        Job {
            lane: LaneKind::Commands,
            in_shell: Some(self.kind()),
            urgency: self.urgency,
            claim: self.claim.clone(),
            since: Instant::now(),
            counted: false,
            attempts: 0,
            work: Box::new(self),
        }
    }

    fn kind(&self) -> Ran {
        match self.command.is_self_contained() {
            true => Ran::SelfContained,
            false => Ran::Whatever,
        }
    }

    async fn run(mut self, mut slot: Slot) {
        tokio::time::sleep(slot.pause()).await;
        // Who left, or was stopped, while the job waited once more: nothing was sent for it.
        let too_late = self.cancel.is_cancelled() || self.deadline.left().is_zero();
        if too_late || !self.claim.start() {
            let waited = self.queued.elapsed();
            let _heard = self.reply.send(Err(busy(&self.host, waited)));
            return;
        }
        let began = Instant::now();
        let timeout = self.timeout.min(self.deadline.left());
        let Some(hold) = self.hold.take() else { return };
        let allowance = Allowance {
            timeout,
            max_output: self.max_output,
            compared: self.compared,
            hold,
            reuse: self.reuse,
            metrics: self.metrics.clone(),
        };
        let place = std::mem::replace(&mut slot.place, Place::Fresh);
        let command = (&self.command, allowance);
        let Finished { result, leftover } =
            exec::run(&slot.session, place, command, &self.cancel).await;
        let answer = match result {
            Ok(ended) => {
                self.note(&ended.outcome);
                Ok(Execution {
                    host: self.host.clone(),
                    outcome: ended.outcome,
                    stdout: ended.stdout,
                    stderr: ended.stderr,
                    duration: began.elapsed(),
                    hold: Arc::new(ended.hold),
                })
            }
            Err(ExecError::Open(why, hold)) => {
                self.hold = Some(hold);
                let why = match why {
                    OpenError::TooMany => Undone::NoChannel,
                    OpenError::Lost => Undone::Lost,
                };
                return slot.undone(self.queue(), why);
            }
            Err(ExecError::NoDirectory) => Err(FleetError::NoDirectory {
                host: self.host.clone(),
                path: self.command.cwd().cloned().unwrap_or_else(RemotePath::home),
            }),
            Err(ExecError::NoInput) => Err(FleetError::NoInput {
                host: self.host.clone(),
            }),
            Err(ExecError::NoShell(said)) => Err(FleetError::NoShell {
                host: self.host.clone(),
                said,
            }),
        };
        if answer.is_ok() && self.reuse {
            slot.ran(self.kind());
        }
        // The caller may have left; the outcome is then known to the log and metrics alone, and its
        // memory is given back before the channel has come to its end.
        match leftover {
            // First the shell: who has the answer may call again at once, and must find it waiting.
            Leftover::Shell(shell) => {
                slot.give_back(shell);
                drop(slot);
                drop(self.reply.send(answer));
            }
            leftover => {
                drop(self.reply.send(answer));
                leftover.settle().await;
                drop(slot);
            }
        }
        drop(self.lease);
    }

    fn note(&self, outcome: &Outcome) {
        let unverified = matches!(
            outcome,
            Outcome::TimedOut {
                stopped: Stopped::Unverified
            } | Outcome::Cancelled {
                stopped: Stopped::Unverified
            }
        );
        if unverified {
            self.metrics.stop_unverified();
            tracing::warn!(host = %self.host, outcome = outcome.label(), "a command was stopped without proof that all its processes ended");
        } else {
            tracing::debug!(host = %self.host, outcome = outcome.label(), "command ended");
        }
    }
}

impl Work for RunJob {
    fn start(self: Box<Self>, slot: Slot) -> BoxFuture<'static, ()> {
        let span = self.span.clone();
        self.run(slot).instrument(span).boxed()
    }

    fn refuse(self: Box<Self>, error: FleetError) {
        let _heard = self.reply.send(Err(error));
    }
}

/// The error for a call that waited for a host in vain.
pub(crate) fn busy(host: &HostName, waited: Duration) -> FleetError {
    FleetError::Busy {
        what: Contended::Host(host.clone()),
        waited,
    }
}
