//! The actor that owns one host: its connection, its two queues, and every decision about them.
//!
//! Messages in: jobs from leases, and news from its own tasks (dialled, lost, probed, freed), each
//! with the epoch of the connection it is about. Messages out: [`HostEvent`]s. It never waits in a
//! handler: dialling, probing and every job run in tasks of its own, which end when it ends.
//!
//! What is ordered: admission, in the order of the mailbox, per lane. What is not: completion.

mod backoff;
pub(crate) mod job;
mod lane;
pub(crate) mod link;
pub(crate) mod read;
pub(crate) mod run;

use crate::error::{DialError, FleetError};
use crate::inventory::HostSettings;
use crate::limits::{FILE_OPERATIONS, Limits};
use crate::metrics::Metrics;
use crate::ssh::sftp::{Sftp, SftpError};
use crate::ssh::{Closed, Dialler, OpenError, Session};
use crate::target::HostName;
use job::{Job, LaneKind, Slot, Undone};
use lane::Lane;
use link::{Admission, Epoch, Link, Penalty};
use ractor::{Actor, ActorProcessingErr, ActorRef, DerivedActorRef};
use std::sync::Arc;
use std::time::Duration;
use tokio::task::JoinSet;
use tokio::time::Instant;

/// How long a silent connection has to answer a probe.
const PROBE: Duration = Duration::from_secs(2);

/// How long the end of a connection is waited for when the host is stopped.
const FAREWELL: Duration = Duration::from_secs(1);

/// How often a job is started again after it could do nothing.
const ATTEMPTS: u8 = 3;

/// What a host tells the floor above.
#[derive(Debug, Clone)]
pub(crate) enum HostEvent {
    /// Its connection is in this state now.
    State { host: HostName, state: &'static str },
    /// It failed to connect, and remembers this.
    Penalised { host: HostName, penalty: Penalty },
    /// It connected; earlier failures are forgiven.
    Connected { host: HostName },
}

/// What every host gets when it is spawned.
#[derive(Clone)]
pub(crate) struct Context {
    pub(crate) limits: Arc<Limits>,
    pub(crate) dialler: Dialler,
    pub(crate) metrics: Metrics,
    pub(crate) events: DerivedActorRef<HostEvent>,
}

/// A way to a host actor.
#[derive(Debug, Clone)]
pub(crate) struct HostRef(ActorRef<Msg>);

impl HostRef {
    pub(crate) fn new(actor: ActorRef<Msg>) -> Self {
        Self(actor)
    }

    /// Hands a job over. If the host has ended, the job is dropped and its caller hears of it.
    pub(crate) fn submit(&self, job: Job) {
        let _sent = self.0.cast(Msg::Submit(job));
    }

    /// Stops the host; running jobs are aborted.
    pub(crate) fn stop(&self, reason: &str) {
        self.0.stop(Some(reason.to_owned()));
    }

    /// Makes the actor panic on its next message, to prove what its supervision promises.
    #[cfg(feature = "failpoints")]
    pub(crate) fn inject_panic(&self) {
        let _sent = self.0.cast(Msg::Panic);
    }
}

pub(crate) enum Msg {
    Submit(Job),
    Dialled(Epoch, Result<(Session, Closed), DialError>),
    Lost(Epoch),
    Probed(Epoch, bool),
    FilesOpened(Epoch, Result<Sftp, SftpError>),
    Freed {
        epoch: Epoch,
        lane: LaneKind,
        back: Option<(Job, Undone)>,
    },
    #[cfg(feature = "failpoints")]
    Panic,
}

/// The SFTP channel of the current connection.
enum Files {
    Absent,
    Opening,
    Open(Arc<Sftp>),
    /// Commands have every channel the host allows; tried again when one of them ends.
    Crowded,
    /// The host has none.
    Unavailable,
}

/// The actor.
pub(crate) struct Host;

pub(crate) struct State {
    settings: Arc<HostSettings>,
    context: Context,
    link: Link<Arc<Session>>,
    up_since: Instant,
    files: Files,
    commands: Lane<Job>,
    reads: Lane<Job>,
    jobs: JoinSet<()>,
    /// The tasks that wait for the end of a connection.
    watchers: JoinSet<()>,
}

/// What a host begins with.
pub(crate) struct Args {
    pub(crate) settings: Arc<HostSettings>,
    pub(crate) penalty: Option<Penalty>,
    pub(crate) context: Context,
}

impl Actor for Host {
    type Msg = Msg;
    type State = State;
    type Arguments = Args;

    async fn pre_start(&self, _: ActorRef<Msg>, args: Args) -> Result<State, ActorProcessingErr> {
        let limits = &args.context.limits;
        Ok(State {
            link: Link::new(args.penalty),
            up_since: Instant::now(),
            files: Files::Absent,
            commands: Lane::new(limits.running, limits.queued),
            reads: Lane::new(FILE_OPERATIONS, limits.queued),
            jobs: JoinSet::new(),
            watchers: JoinSet::new(),
            settings: args.settings,
            context: args.context,
        })
    }

    async fn handle(
        &self,
        me: ActorRef<Msg>,
        message: Msg,
        state: &mut State,
    ) -> Result<(), ActorProcessingErr> {
        match message {
            Msg::Submit(job) => state.submit(&me, job),
            Msg::Dialled(epoch, result) => state.dialled(&me, epoch, result),
            Msg::Lost(epoch) => {
                let lost = state.link.lost(epoch);
                state.connection_ended(&me, lost);
            }
            Msg::Probed(epoch, alive) => {
                let dead = state.link.probed(epoch, alive, Instant::now());
                state.connection_ended(&me, dead);
            }
            Msg::FilesOpened(epoch, result) => state.files_opened(epoch, result),
            Msg::Freed { epoch, lane, back } => state.freed(&me, epoch, lane, back),
            #[cfg(feature = "failpoints")]
            #[expect(clippy::panic, reason = "this is what the message is for")]
            Msg::Panic => panic!("injected"),
        }
        state.pump(&me);
        while state.jobs.try_join_next().is_some() {}
        while state.watchers.try_join_next().is_some() {}
        Ok(())
    }

    async fn post_stop(
        &self,
        _: ActorRef<Msg>,
        state: &mut State,
    ) -> Result<(), ActorProcessingErr> {
        state.refuse_waiting(&FleetError::ShuttingDown);
        // Aborted jobs let go of their channels and sessions; what runs on the host is ended by
        // its lifeline.
        state.jobs.shutdown().await;
        state.files = Files::Absent;
        if let Some(session) = state.link.take() {
            session.disconnect().await;
            drop(session);
            let ended = async { while state.watchers.join_next().await.is_some() {} };
            let _in_time = tokio::time::timeout(FAREWELL, ended).await;
            state.context.metrics.connection_down(false);
        }
        Ok(())
    }
}

impl State {
    fn name(&self) -> &HostName {
        &self.settings.name
    }

    fn lane(&mut self, kind: LaneKind) -> &mut Lane<Job> {
        match kind {
            LaneKind::Commands => &mut self.commands,
            LaneKind::Files => &mut self.reads,
        }
    }

    fn tell(&self, event: HostEvent) {
        // Fails only when the registry is gone, and then everything ends.
        let _sent = self.context.events.cast(event);
    }

    fn tell_state(&self) {
        self.tell(HostEvent::State {
            host: self.name().clone(),
            state: self.link.label(),
        });
    }

    fn submit(&mut self, me: &ActorRef<Msg>, job: Job) {
        match self.admit(me) {
            Ok(hit) => self.context.metrics.pool_request(hit),
            Err(error) => return job.work.refuse(error),
        }
        self.context.metrics.queued(1.0);
        if let Err(job) = self.lane(job.lane).push(job, Job::is_abandoned) {
            self.context.metrics.queued(-1.0);
            job.work
                .refuse(run::busy(&self.settings.name, Duration::ZERO));
        }
    }

    /// Sees to it that there is, or will be, a connection. True if none had to be made for this.
    fn admit(&mut self, me: &ActorRef<Msg>) -> Result<bool, FleetError> {
        let trust = self.context.limits.keepalive;
        match self.link.admit(Instant::now(), trust) {
            Admission::Ready | Admission::Wait => Ok(true),
            Admission::Probe(epoch) => {
                self.probe(me, epoch);
                Ok(true)
            }
            Admission::Dial(epoch) => {
                self.dial(me, epoch);
                Ok(false)
            }
            Admission::Refuse { error, retry_after } => Err(FleetError::Unreachable {
                host: self.name().clone(),
                error,
                retry_after: Some(retry_after),
            }),
        }
    }

    fn dial(&mut self, me: &ActorRef<Msg>, epoch: Epoch) {
        let (dialler, settings) = (self.context.dialler.clone(), Arc::clone(&self.settings));
        let me = me.clone();
        self.jobs.spawn(async move {
            let result = dialler.dial(&settings).await;
            let _sent = me.cast(Msg::Dialled(epoch, result));
        });
        self.tell_state();
    }

    fn probe(&mut self, me: &ActorRef<Msg>, epoch: Epoch) {
        // While probing, the link hides the session from everyone else.
        let Some(session) = self.link.probing().cloned() else {
            return;
        };
        let me = me.clone();
        self.jobs.spawn(async move {
            let alive = session.is_alive(PROBE).await;
            let _sent = me.cast(Msg::Probed(epoch, alive));
        });
    }

    fn dialled(
        &mut self,
        me: &ActorRef<Msg>,
        epoch: Epoch,
        result: Result<(Session, Closed), DialError>,
    ) {
        let now = Instant::now();
        match result {
            Ok((session, closed)) => {
                // A session of an attempt that no longer counts closes as it is dropped.
                if self.link.connected(epoch, Arc::new(session), now).is_err() {
                    return;
                }
                self.up_since = now;
                self.files = Files::Absent;
                self.context.metrics.connection_up();
                let me = me.clone();
                self.watchers.spawn(async move {
                    closed.wait().await;
                    let _sent = me.cast(Msg::Lost(epoch));
                });
                tracing::info!(host = %self.name(), "connected");
                self.tell(HostEvent::Connected {
                    host: self.name().clone(),
                });
            }
            Err(error) => {
                let Some(penalty) = self.link.failed(epoch, error, now, random()) else {
                    return;
                };
                tracing::warn!(host = %self.name(), phase = penalty.error.phase.label(), error = %penalty.error, "cannot connect");
                self.refuse_waiting(&FleetError::Unreachable {
                    host: self.name().clone(),
                    error: penalty.error.clone(),
                    retry_after: Some(penalty.until.saturating_duration_since(now)),
                });
                self.tell(HostEvent::Penalised {
                    host: self.name().clone(),
                    penalty,
                });
            }
        }
        self.tell_state();
    }

    /// A connection ended that was not asked to. Running jobs see their channels end and say so
    /// themselves; what still waits never started, and gets a new connection.
    fn connection_ended(&mut self, me: &ActorRef<Msg>, session: Option<Arc<Session>>) {
        if session.is_none() {
            return;
        }
        tracing::warn!(host = %self.name(), "connection lost");
        self.context.metrics.connection_down(true);
        self.files = Files::Absent;
        self.reconnect(me);
    }

    /// Dials again if anything waits.
    fn reconnect(&mut self, me: &ActorRef<Msg>) {
        if self.commands.waiting() + self.reads.waiting() > 0
            && let Err(error) = self.admit(me)
        {
            self.refuse_waiting(&error);
        }
        self.tell_state();
    }

    fn files_opened(&mut self, epoch: Epoch, result: Result<Sftp, SftpError>) {
        if epoch != self.link.epoch() || !matches!(self.files, Files::Opening) {
            return;
        }
        self.files = match result {
            Ok(sftp) => Files::Open(Arc::new(sftp)),
            // News of the connection's end is on its way, and with it what waits gets a new one.
            Err(SftpError::Lost | SftpError::Open(OpenError::Lost)) => Files::Absent,
            Err(SftpError::Open(OpenError::TooMany)) if self.commands.running() > 0 => {
                self.commands.leave_one();
                Files::Crowded
            }
            Err(SftpError::Open(OpenError::TooMany)) => {
                let host = self.name().clone();
                self.refuse_reads(|waited| run::busy(&host, waited));
                Files::Absent
            }
            // It may be slow today: who waits is told, and the next one tries again.
            Err(SftpError::Silent) => {
                let host = self.name().clone();
                self.refuse_reads(|_| FleetError::SftpSilent { host: host.clone() });
                Files::Absent
            }
            Err(SftpError::NoSubsystem | SftpError::Problem(_)) => Files::Unavailable,
        };
    }

    fn freed(
        &mut self,
        me: &ActorRef<Msg>,
        epoch: Epoch,
        lane: LaneKind,
        back: Option<(Job, Undone)>,
    ) {
        self.context.metrics.running(-1.0);
        self.lane(lane).ended();
        self.link.used(Instant::now());
        if lane == LaneKind::Commands && matches!(self.files, Files::Crowded) {
            self.files = Files::Absent;
        }
        let Some((mut job, why)) = back else { return };
        let stale = epoch != self.link.epoch();
        let mut lost = None;
        match why {
            Undone::NoChannel if !stale => {
                let running = self.commands.running();
                self.commands.learn();
                tracing::info!(host = %self.name(), limit = running.max(1), "the host takes no more channels");
                match running {
                    // Not even one: perhaps our own SFTP channel is the one it allows.
                    0 => self.files = Files::Absent,
                    // There will be one when those that run have ended.
                    _ => job.attempts = 0,
                }
            }
            Undone::Lost if !stale => lost = self.link.lost(epoch),
            Undone::FilesLost if !stale => self.files = Files::Absent,
            _ => {}
        }
        if job.attempts >= ATTEMPTS {
            let (host, waited) = (self.name().clone(), job.since.elapsed());
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
    fn pump(&mut self, me: &ActorRef<Msg>) {
        let Some(session) = self.link.session().cloned() else {
            return;
        };
        while let Some(job) = self.commands.start() {
            self.start(me, &session, None, job);
        }
        match &self.files {
            Files::Open(sftp) if sftp.is_open() => {
                let sftp = Arc::clone(sftp);
                while let Some(job) = self.reads.start() {
                    self.start(me, &session, Some(Arc::clone(&sftp)), job);
                }
            }
            Files::Open(_) | Files::Absent if self.reads.waiting() > 0 => {
                self.files = Files::Opening;
                let (me, epoch) = (me.clone(), self.link.epoch());
                self.jobs.spawn(async move {
                    let opened = Sftp::open(&session).await;
                    let _sent = me.cast(Msg::FilesOpened(epoch, opened));
                });
            }
            Files::Unavailable => {
                let host = self.name().clone();
                self.refuse_reads(|_| FleetError::NoSftp { host: host.clone() });
            }
            Files::Open(_) | Files::Absent | Files::Opening | Files::Crowded => {}
        }
    }

    fn start(
        &mut self,
        me: &ActorRef<Msg>,
        session: &Arc<Session>,
        files: Option<Arc<Sftp>>,
        job: Job,
    ) {
        let now = Instant::now();
        self.link.used(now);
        self.context.metrics.queued(-1.0);
        self.context.metrics.running(1.0);
        self.context
            .metrics
            .waited(now.saturating_duration_since(job.since.max(self.up_since)));
        let slot = Slot::new(
            me.clone(),
            self.link.epoch(),
            &job,
            Arc::clone(session),
            files,
        );
        self.jobs.spawn(job.work.start(slot));
    }

    /// Tells every waiting read why there will be none; `error` gets how long it waited.
    fn refuse_reads(&mut self, error: impl Fn(Duration) -> FleetError) {
        for job in self.reads.drain() {
            self.context.metrics.queued(-1.0);
            job.work.refuse(error(job.since.elapsed()));
        }
    }

    fn refuse_waiting(&mut self, error: &FleetError) {
        for job in self.commands.drain().chain(self.reads.drain()) {
            self.context.metrics.queued(-1.0);
            job.work.refuse(error.clone());
        }
    }
}

/// A number in `0.0..1.0` for the jitter of the backoff; its quality hardly matters.
fn random() -> f64 {
    let mut bytes = [0_u8; 4];
    match getrandom::fill(&mut bytes) {
        Ok(()) => f64::from(u32::from_le_bytes(bytes)) / (f64::from(u32::MAX) + 1.0),
        Err(_) => 0.5,
    }
}
