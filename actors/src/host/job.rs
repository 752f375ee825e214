//! A piece of work for a host, from the queue to its end.
//!
//! The actor knows nothing of what a job does: it gives it a [`Slot`] or a refusal. A job tells
//! its caller the result itself and gives the slot back however it ends, a panic included.

use super::Msg;
use super::link::Epoch;
use super::pool::Ran;
use crate::error::FleetError;
use crate::queue::Waits;
use crate::ssh::Session;
use crate::ssh::exec::Place;
use crate::ssh::sftp::Sftp;
use crate::ssh::shell::Shell;
use crate::urgency::Urgency;
use futures_util::future::BoxFuture;
use ractor::ActorRef;
use std::sync::Arc;
use std::sync::atomic::{AtomicU8, Ordering};
use std::time::Duration;
use tokio::time::Instant;

/// The pause before a second attempt; before a third, twice as long.
pub(super) const PAUSE: Duration = Duration::from_millis(100);

/// Which of a host's two queues a job stands in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum LaneKind {
    /// A channel of its own.
    Commands,
    /// The shared SFTP channel.
    Files,
}

/// What a job does.
pub(crate) trait Work: Send + 'static {
    /// Does it, answers the caller, and lets go of the slot.
    fn start(self: Box<Self>, slot: Slot) -> BoxFuture<'static, ()>;

    /// Answers the caller that it will not be done.
    fn refuse(self: Box<Self>, error: FleetError);
}

/// Work, and what the queue must know about it.
pub(crate) struct Job {
    pub(crate) work: Box<dyn Work>,
    pub(crate) lane: LaneKind,
    /// What it is for a shell that waits for a call, if one can do it.
    pub(crate) in_shell: Option<Ran>,
    pub(crate) urgency: Urgency,
    pub(crate) claim: Claim,
    /// When it reached the host, or, once it had to wait for a connection, when that was up.
    pub(crate) since: Instant,
    /// Whether its call was counted as a hit or a miss before.
    pub(crate) counted: bool,
    /// How often it was started without effect.
    pub(crate) attempts: u8,
}

impl Job {
    pub(crate) fn is_abandoned(&self) -> bool {
        self.claim.is_abandoned()
    }
}

impl Waits for Job {
    fn urgency(&self) -> Urgency {
        self.urgency
    }

    fn since(&self) -> Instant {
        self.since
    }
}

const QUEUED: u8 = 0;
const STARTED: u8 = 1;
const ABANDONED: u8 = 2;

/// Settles between a caller whose deadline passes and a host that is about to start: either the
/// job never runs, or the caller waits for its outcome.
#[derive(Debug, Clone, Default)]
pub(crate) struct Claim(Arc<AtomicU8>);

impl Claim {
    /// The host starts the job; false if the caller has left.
    pub(crate) fn start(&self) -> bool {
        self.0
            .compare_exchange(QUEUED, STARTED, Ordering::AcqRel, Ordering::Acquire)
            .is_ok()
    }

    /// The job was started and did nothing; it waits again.
    pub(crate) fn requeue(&self) {
        let _was = self
            .0
            .compare_exchange(STARTED, QUEUED, Ordering::AcqRel, Ordering::Acquire);
    }

    /// The caller leaves; false if the job is running.
    pub(crate) fn abandon(&self) -> bool {
        self.0
            .compare_exchange(QUEUED, ABANDONED, Ordering::AcqRel, Ordering::Acquire)
            .is_ok()
    }

    /// The caller is gone for good: should the job come back undone, it does not wait again.
    /// False if it may be running.
    pub(crate) fn leave(&self) -> bool {
        self.0.swap(ABANDONED, Ordering::AcqRel) != STARTED
    }

    fn is_abandoned(&self) -> bool {
        self.0.load(Ordering::Acquire) == ABANDONED
    }
}

/// Why a job comes back undone.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Undone {
    /// The host has no channel left for it.
    NoChannel,
    /// The connection was dead before anything was sent.
    Lost,
    /// The SFTP channel ended before anything was asked on it.
    FilesLost,
}

/// The right to use a host's connection for one job.
pub(crate) struct Slot {
    pub(crate) session: Arc<Session>,
    /// Present in the files lane.
    pub(crate) files: Option<Arc<Sftp>>,
    /// Where a command runs.
    pub(crate) place: Place,
    host: ActorRef<Msg>,
    epoch: Epoch,
    lane: LaneKind,
    urgency: Urgency,
    since: Instant,
    attempts: u8,
    back: Back,
}

/// What comes back with a slot.
#[derive(Default)]
pub(crate) struct Back {
    /// A job that did nothing.
    pub(super) undone: Option<(Job, Undone)>,
    /// A shell that waits for its next call.
    pub(super) shell: Option<Box<Shell>>,
    /// What ran in a shell.
    pub(super) ran: Option<Ran>,
}

impl Slot {
    pub(super) fn new(
        host: ActorRef<Msg>,
        epoch: Epoch,
        job: &Job,
        session: Arc<Session>,
        (files, place): (Option<Arc<Sftp>>, Place),
    ) -> Self {
        Self {
            session,
            files,
            place,
            host,
            epoch,
            lane: job.lane,
            urgency: job.urgency,
            since: job.since,
            attempts: job.attempts,
            back: Back::default(),
        }
    }

    /// What to wait before work begins that could do nothing the last time: a channel that was in
    /// its way may be closing.
    pub(crate) fn pause(&self) -> Duration {
        PAUSE * u32::from(self.attempts)
    }

    /// Gives the slot back, and with it a job that did nothing. What
    /// went before counts: its attempts, and how long it has waited.
    pub(crate) fn undone(mut self, mut job: Job, why: Undone) {
        job.attempts = self.attempts.saturating_add(1);
        job.lane = self.lane;
        job.since = self.since;
        job.claim.requeue();
        self.back.undone = Some((job, why));
    }

    /// Says that a command ran in a shell, and whether its program leaves nothing behind.
    pub(crate) fn ran(&mut self, ran: Ran) {
        self.back.ran = Some(ran);
    }

    /// Gives a shell back that can serve the next call.
    pub(crate) fn give_back(&mut self, shell: Shell) {
        self.back.shell = Some(Box::new(shell));
    }
}

impl Drop for Slot {
    fn drop(&mut self) {
        let freed = Msg::Freed {
            epoch: self.epoch,
            lane: self.lane,
            urgency: self.urgency,
            back: std::mem::take(&mut self.back),
        };
        // Fails only when the host is gone; then the undone job drops, and its caller hears of it.
        let _sent = self.host.cast(freed);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_job_whose_caller_left_while_it_ran_does_not_wait_again() {
        let claim = Claim::default();
        assert!(claim.start());
        assert!(
            !claim.abandon(),
            "it runs, and its outcome is worth the wait"
        );
        assert!(!claim.leave());
        claim.requeue();
        assert!(claim.is_abandoned() && !claim.start());
    }

    #[test]
    fn a_job_that_came_back_may_be_left_or_started_again() {
        let claim = Claim::default();
        assert!(claim.start());
        claim.requeue();
        assert!(claim.start());
        claim.requeue();
        assert!(claim.abandon() && claim.leave() && claim.is_abandoned());
    }
}
