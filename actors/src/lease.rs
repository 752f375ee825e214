//! The right to use a host until it is dropped.
//!
//! A host that anybody holds a lease on is never evicted, so there is no moment between finding a
//! host and using it in which it could go away. All work on a host is a method of its [`Lease`].

mod held;
mod second;
mod waiting;

pub(crate) use held::{Held, LeaseGuard, Released};
pub(crate) use second::{Second, SecondOver, SecondPlace, SecondWanted};

use crate::budget::{Budget, Hold};
use crate::command::{Bounds, Command};
use crate::error::{Contended, FleetError};
use crate::file::{Found, Part, Want};
use crate::file_session::FileSession;
use crate::host::HostRef;
use crate::host::files::FilesJob;
use crate::host::job::{Claim, Job};
use crate::host::read::ReadJob;
use crate::host::run::{RunJob, busy};
use crate::limits::{Deadline, Limits};
use crate::metrics::Metrics;
use crate::outcome::Execution;
use crate::ssh::exec::BASE;
use crate::target::{HostName, RemotePath};
use crate::urgency::Urgency;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;
use tokio::sync::oneshot;
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

/// What the work on a host needs besides the host.
#[derive(Clone)]
pub(crate) struct Tools {
    pub(crate) limits: Arc<Limits>,
    pub(crate) budget: Budget,
    pub(crate) metrics: Metrics,
    /// Cancelled when running work is no longer waited for.
    pub(crate) shutdown: CancellationToken,
}

/// The right to use one host. Dropping it gives it back once work in progress has ended.
#[must_use]
pub struct Lease {
    actor: HostRef,
    guard: LeaseGuard,
    urgency: Urgency,
    tools: Tools,
    /// Whether the call that begins with its next work was counted when the host was reached.
    counted: AtomicBool,
}

impl Lease {
    pub(crate) fn new(actor: HostRef, guard: LeaseGuard, urgency: Urgency, tools: Tools) -> Self {
        Self {
            actor,
            guard,
            urgency,
            tools,
            counted: AtomicBool::new(false),
        }
    }

    /// The host.
    #[must_use]
    pub fn host(&self) -> &HostName {
        self.guard.host()
    }

    /// How soon the work that is asked for through it wants its turn.
    #[must_use]
    pub fn urgency(&self) -> Urgency {
        self.urgency
    }

    /// Waits until there is a connection to the host, making one if need be; nothing is asked of the
    /// host. What is done next may still find it gone.
    ///
    /// # Errors
    /// What kept the host from being reached, and [`FleetError::Busy`] at the deadline.
    pub async fn reach(&self, deadline: Deadline) -> Result<(), FleetError> {
        let began = Instant::now();
        let (reply, answer) = oneshot::channel();
        self.actor.reach(reply);
        self.counted.store(true, Ordering::Relaxed);
        match tokio::time::timeout_at(deadline.instant(), answer).await {
            Ok(answer) => answer.unwrap_or_else(|_| {
                Err(FleetError::Internal {
                    host: self.host().clone(),
                })
            }),
            Err(_) => Err(busy(self.host(), began.elapsed())),
        }
    }

    /// Runs a command to its end.
    ///
    /// The time limit is the smallest of `bounds`, the fleet's command timeout, and what is left of
    /// `deadline`. Dropping the future cancels the command: the host ends its processes, and
    /// the channel is seen to its end in the background.
    ///
    /// # Errors
    /// What kept the command from being started. What was started ends in an
    /// [`Outcome`](crate::Outcome), whatever it is.
    pub async fn run(
        &self,
        command: Command,
        bounds: Bounds,
        deadline: Deadline,
    ) -> Result<Execution, FleetError> {
        let limits = &self.tools.limits;
        let max_output = bounds
            .max_bytes
            .unwrap_or(limits.max_output)
            .min(limits.max_output);
        let most = limits.command_timeout;
        let timeout = bounds.timeout.unwrap_or(most).min(most);
        let compared = bounds.compared;
        self.run_for(command, timeout, (max_output, compared), deadline)
            .await
    }

    /// Runs a program of Scout's own to its end, which its deadline decides alone: the limits of a
    /// command are for what callers ask for. `max_output` is what the caller of this knows there
    /// can be of each stream.
    ///
    /// # Errors
    /// As [`run`](Self::run).
    pub async fn run_own(
        &self,
        command: Command,
        max_output: u64,
        deadline: Deadline,
    ) -> Result<Execution, FleetError> {
        let timeout = deadline.left();
        self.run_for(command, timeout, (max_output, false), deadline)
            .await
    }

    async fn run_for(
        &self,
        command: Command,
        timeout: Duration,
        (max_output, compared): (u64, bool),
        deadline: Deadline,
    ) -> Result<Execution, FleetError> {
        let hold = self.reserve(2 * max_output.min(BASE), deadline).await?;
        let cancel = self.tools.shutdown.child_token();
        let _hang_up = cancel.clone().drop_guard();
        let (reply, answer) = oneshot::channel();
        let job = RunJob {
            host: self.host().clone(),
            command,
            timeout,
            max_output,
            compared,
            deadline,
            reuse: !self.tools.limits.shell_idle.is_zero(),
            queued: Instant::now(),
            hold: Some(hold),
            cancel,
            urgency: self.urgency,
            claim: Claim::default(),
            reply,
            metrics: self.tools.metrics.clone(),
            span: tracing::debug_span!("job", kind = "run", host = %self.host()),
            lease: Arc::clone(&self.guard),
        };
        self.await_job(job.queue(), answer, deadline).await
    }

    /// Reads what is at a path: part of a file, a listing, or a tree.
    ///
    /// # Errors
    /// What is wrong with the path, or what kept the host from answering.
    pub async fn read(
        &self,
        path: RemotePath,
        mut want: Want,
        deadline: Deadline,
    ) -> Result<Found, FleetError> {
        let max = self.tools.limits.max_file;
        let (Part::From { limit, .. } | Part::Tail { limit }) = &mut want.part;
        *limit = (*limit).min(max);
        let (reply, answer) = oneshot::channel();
        let job = ReadJob {
            host: self.host().clone(),
            path,
            want,
            deadline,
            budget: self.tools.budget.clone(),
            has_blocked: false,
            urgency: self.urgency,
            claim: Claim::default(),
            reply,
            metrics: self.tools.metrics.clone(),
            span: tracing::debug_span!("job", kind = "read", host = %self.host()),
            lease: Arc::clone(&self.guard),
        };
        self.await_job(job.queue(), answer, deadline).await
    }

    /// Opens an SFTP channel of its own, for work on files that takes many steps. It counts as one
    /// of the host's running jobs until it is dropped, and serves until `deadline`.
    ///
    /// # Errors
    /// What kept the channel from being opened. Nothing was done then.
    pub async fn files(&self, deadline: Deadline) -> Result<FileSession, FleetError> {
        let (reply, answer) = oneshot::channel();
        let job = FilesJob {
            host: self.host().clone(),
            deadline,
            shutdown: self.tools.shutdown.clone(),
            queued: Instant::now(),
            urgency: self.urgency,
            claim: Claim::default(),
            reply,
            span: tracing::debug_span!("job", kind = "files", host = %self.host()),
            lease: Arc::clone(&self.guard),
        };
        let channel = self.await_job(job.queue(), answer, deadline).await?;
        let (host, shutdown) = (self.host().clone(), self.tools.shutdown.clone());
        Ok(FileSession::new(host, channel, deadline, shutdown))
    }

    /// Accounts for memory that the caller is about to fill with what the host says, waiting for room
    /// until `deadline`.
    ///
    /// # Errors
    /// [`FleetError::Busy`] when there was none.
    pub async fn hold(&self, bytes: u64, deadline: Deadline) -> Result<Hold, FleetError> {
        self.reserve(bytes, deadline).await
    }

    /// Makes the host's actor panic on its next message, to prove what its supervision promises.
    #[cfg(feature = "failpoints")]
    pub fn inject_panic(&self) {
        self.actor.inject_panic();
    }

    async fn reserve(&self, bytes: u64, deadline: Deadline) -> Result<Hold, FleetError> {
        let began = Instant::now();
        let hold = self
            .tools
            .budget
            .reserve_for(self.urgency, bytes, deadline)
            .await;
        hold.ok_or_else(|| FleetError::Busy {
            what: Contended::Memory,
            waited: began.elapsed(),
        })
    }

    /// Hands a job over and waits for its answer.
    async fn await_job<T>(
        &self,
        mut job: Job,
        answer: oneshot::Receiver<Result<T, FleetError>>,
        deadline: Deadline,
    ) -> Result<T, FleetError> {
        job.counted = self.counted.swap(false, Ordering::Relaxed);
        waiting::hand_over(&self.actor, self.host(), job, answer, deadline).await
    }
}
