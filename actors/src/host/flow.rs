//! What a host decides about its work: what waits, what starts, and what comes back undone.

use super::job::{Back, Job, LaneKind, PAUSE, Slot, Undone};
use super::link::Epoch;
use super::prepare::Ahead;
use super::{Files, Msg, State, run};
use crate::error::FleetError;
use crate::ssh::exec::Place;
use crate::ssh::sftp::{Sftp, SftpError};
use crate::ssh::{OpenError, Session};
use crate::urgency::Urgency;
use futures_util::FutureExt;
use ractor::ActorRef;
use std::panic::AssertUnwindSafe;
use std::sync::Arc;
use std::time::Duration;
use tokio::time::Instant;

/// How often a job is started again after it could do nothing.
const ATTEMPTS: u8 = 3;

impl State {
    pub(super) fn submit(&mut self, me: &ActorRef<Msg>, job: Job) {
        match self.admit(me) {
            Ok(_) if job.counted => {}
            Ok(hit) => self.context.metrics.pool_request(hit),
            Err(error) => return job.work.refuse(error),
        }
        self.purge();
        self.context.metrics.queued(1.0);
        if let Err(job) = self.lane(job.lane).push(job) {
            self.context.metrics.queued(-1.0);
            job.work
                .refuse(run::busy(&self.settings.name, Duration::ZERO));
        }
    }

    pub(super) fn files_opened(
        &mut self,
        me: &ActorRef<Msg>,
        epoch: Epoch,
        result: Result<Sftp, SftpError>,
    ) {
        if epoch != self.link.epoch() || !matches!(self.files, Files::Opening) {
            return;
        }
        if result.is_err() && self.is_for_nobody() {
            // Whoever reads will find out, and a command is served without it.
            (self.files, self.ahead) = (Files::Absent, Ahead::Over);
            return;
        }
        if let Err(SftpError::Lost | SftpError::Open(OpenError::Lost)) = result {
            // Gone, or deaf: either way there is no use in it for anybody.
            let lost = self.link.lost(epoch);
            return self.connection_ended(me, lost);
        }
        self.files = match result {
            Ok(sftp) => Files::Open(Arc::new(sftp)),
            Err(SftpError::Lost | SftpError::Blocked | SftpError::Open(OpenError::Lost)) => {
                Files::Absent
            }
            Err(SftpError::Open(OpenError::TooMany))
                if self.commands.running() + self.shells.held() > 0 =>
            {
                if self.shells.held() == 0 {
                    self.commands.leave_one();
                }
                self.make_way();
                Files::Crowded
            }
            Err(SftpError::Open(OpenError::TooMany)) => {
                let host = self.name().clone();
                self.refuse_reads(|waited| run::busy(&host, waited));
                Files::Absent
            }
            // It may be slow today, or a login script prints into it: who waits is told, and the
            // next one tries again.
            Err(SftpError::Silent | SftpError::Problem(_)) => {
                let host = self.name().clone();
                self.refuse_reads(|_| FleetError::SftpSilent { host: host.clone() });
                Files::Absent
            }
            Err(SftpError::NoSubsystem) => Files::Unavailable,
        };
    }

    pub(super) fn freed(
        &mut self,
        me: &ActorRef<Msg>,
        epoch: Epoch,
        (lane, urgency): (LaneKind, Urgency),
        back: Back,
    ) {
        self.context.metrics.running(-1.0);
        self.lane(lane).ended(urgency);
        self.link.used(Instant::now());
        let stale = epoch != self.link.epoch();
        let Back { undone, shell, ran } = back;
        if !stale {
            self.loose = shell;
            if let Some(ran) = ran {
                self.arm_behind(me, ran);
            }
        }
        if lane == LaneKind::Commands && matches!(self.files, Files::Crowded) {
            self.files = Files::Absent;
        }
        let Some((mut job, why)) = undone else {
            return self.served();
        };
        let mut lost = None;
        match why {
            Undone::NoChannel if !stale && self.give_up_ahead() => job.attempts = 1,
            Undone::NoChannel if !stale => {
                let beside = self.shells.held();
                let running = self.commands.running() + beside;
                self.commands.learn(beside);
                tracing::info!(host = %self.name(), limit = running.max(1), "the host takes no more channels");
                match running {
                    // Not even one: perhaps our own SFTP channel is the one it allows. It closes
                    // with the last read on it, and later reads let this command go first.
                    0 => self.files = Files::Crowded,
                    // There will be one when those that run have ended.
                    _ => job.attempts = 0,
                }
            }
            Undone::Lost if !stale => lost = self.link.lost(epoch),
            _ => {}
        }
        if job.attempts >= ATTEMPTS {
            let (host, waited) = (self.name().clone(), job.since.elapsed());
            if matches!(self.files, Files::Crowded) {
                self.files = Files::Absent;
            }
            job.work.refuse(match why {
                Undone::NoChannel => run::busy(&host, waited),
                Undone::Lost | Undone::FilesLost => FleetError::ConnectionLost { host },
            });
        } else {
            self.context.metrics.queued(1.0);
            self.lane(lane).put_back(job);
        }
        if lost.is_some() {
            self.connection_ended(me, lost);
        } else if self.link.label() == "idle" {
            // The job came back after the connection had already gone.
            self.reconnect(me);
        }
    }

    /// Starts every job that can start.
    pub(super) fn pump(&mut self, me: &ActorRef<Msg>) {
        let Some(session) = self.link.session().cloned() else {
            return;
        };
        if matches!(self.files, Files::Unavailable) {
            self.read_by_commands();
        }
        while let Some(job) = self.commands.start(Instant::now()) {
            match self.place(job.in_shell) {
                Some(place) => self.start(me, &session, (None, place), job),
                None => {
                    // A shell that waited makes way, or one that is being armed will serve.
                    self.commands.ended(job.urgency);
                    self.commands.put_back(job);
                    break;
                }
            }
        }
        match &self.files {
            Files::Open(sftp) if sftp.is_open() => {
                let sftp = Arc::clone(sftp);
                if self.reads.waiting() > 0 {
                    self.files_used();
                }
                while let Some(job) = self.reads.start(Instant::now()) {
                    let files = Some(Arc::clone(&sftp));
                    self.start(me, &session, (files, Place::Fresh), job);
                }
            }
            Files::Open(_) | Files::Absent if self.reads.waiting() > 0 => {
                self.files = Files::Opening;
                let (me, epoch) = (me.clone(), self.link.epoch());
                self.jobs.spawn(async move {
                    let opened = AssertUnwindSafe(open_files(&session)).catch_unwind();
                    let opened = opened.await.unwrap_or(Err(SftpError::Lost));
                    let _sent = me.cast(Msg::FilesOpened(epoch, opened));
                });
            }
            Files::Open(_)
            | Files::Absent
            | Files::Opening
            | Files::Crowded
            | Files::Unavailable => {}
        }
    }

    /// Where there is no SFTP, a read is a command of ours, and waits as one.
    fn read_by_commands(&mut self) {
        for mut job in self.reads.drain().collect::<Vec<_>>() {
            job.lane = LaneKind::Commands;
            if let Err(job) = self.commands.push(job) {
                self.context.metrics.queued(-1.0);
                job.work.refuse(run::busy(self.name(), job.since.elapsed()));
            }
        }
    }

    pub(super) fn start(
        &mut self,
        me: &ActorRef<Msg>,
        session: &Arc<Session>,
        with: (Option<Arc<Sftp>>, Place),
        job: Job,
    ) {
        let now = Instant::now();
        self.link.used(now);
        self.context.metrics.queued(-1.0);
        self.context.metrics.running(1.0);
        self.context.metrics.waited(
            job.urgency,
            now.saturating_duration_since(job.since.max(self.up_since)),
        );
        let slot = Slot::new(
            me.clone(),
            self.link.epoch(),
            &job,
            Arc::clone(session),
            with,
        );
        self.jobs.spawn(job.work.start(slot));
    }

    /// Lets go of every waiting job whose caller has left.
    pub(super) fn purge(&mut self) {
        let left = self.commands.purge(Job::is_abandoned) + self.reads.purge(Job::is_abandoned);
        if left > 0 {
            self.context.metrics.queued(-(left as f64));
        }
        self.reaching.retain(|reply| !reply.is_closed());
    }

    /// A connection ended before SFTP was there: an attempt for every read that waited for it, so
    /// that a host which takes logins and nothing else is not logged in to for ever.
    pub(super) fn reads_unserved(&mut self) {
        let exhausted = self.reads.take_where(|job| {
            job.attempts = job.attempts.saturating_add(1);
            job.attempts >= ATTEMPTS
        });
        for job in exhausted {
            self.context.metrics.queued(-1.0);
            let host = self.name().clone();
            job.work.refuse(FleetError::ConnectionLost { host });
        }
    }

    /// Tells every waiting read why there will be none; `error` gets how long it waited.
    pub(super) fn refuse_reads(&mut self, error: impl Fn(Duration) -> FleetError) {
        for job in self.reads.drain() {
            self.context.metrics.queued(-1.0);
            job.work.refuse(error(job.since.elapsed()));
        }
    }

    pub(super) fn refuse_waiting(&mut self, error: &FleetError) {
        for job in self.commands.drain().chain(self.reads.drain()) {
            self.context.metrics.queued(-1.0);
            job.work.refuse(error.clone());
        }
        for reply in self.reaching.drain(..) {
            let _heard = reply.send(Err(error.clone()));
        }
    }
}

/// Starts SFTP. A refused channel is asked for again after a pause: a host goes on counting a
/// session for a moment after it said that the session is over.
async fn open_files(session: &Session) -> Result<Sftp, SftpError> {
    for attempt in 1..ATTEMPTS {
        match Sftp::open(session).await {
            Err(SftpError::Open(OpenError::TooMany)) => {
                tokio::time::sleep(PAUSE * u32::from(attempt)).await;
            }
            answer => return answer,
        }
    }
    Sftp::open(session).await
}
