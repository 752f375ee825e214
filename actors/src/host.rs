//! The actor that owns one host: its connection, its two queues, and every decision about them.
//!
//! Messages in: jobs from leases, and news from its own tasks (dialled, lost, probed, freed), each
//! with the epoch of the connection it is about. Messages out: [`HostEvent`]s. It never waits in a
//! handler: dialling, probing and every job run in tasks of its own, which end when it ends.
//!
//! What is ordered: admission, in the order of the mailbox, per lane. What is not: completion.

pub(crate) mod backoff;
mod connection;
pub(crate) mod files;
mod flow;
pub(crate) mod job;
mod lane;
pub(crate) mod link;
mod pool;
mod prepare;
pub(crate) mod read;
pub(crate) mod run;
pub(crate) mod second;
mod shells;

use crate::error::{DialError, FleetError};
use crate::inventory::HostSettings;
use crate::latency::Paces;
use crate::limits::{FILE_OPERATIONS, Limits};
use crate::metrics::Metrics;
use crate::ssh::sftp::{Sftp, SftpError};
use crate::ssh::shell::{ArmError, Shell, Spare};
use crate::ssh::{Closed, Dialler, Session};
use crate::target::HostName;
use crate::urgency::Urgency;
use futures_util::future::BoxFuture;
use job::{Back, Job, LaneKind};
use lane::Lane;
use link::{Epoch, Link, Penalty};
use pool::Pool;
use prepare::Ahead;
use ractor::{Actor, ActorProcessingErr, ActorRef, DerivedActorRef};
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::oneshot;
use tokio::task::JoinSet;
use tokio::time::Instant;

/// How long the end of a connection is waited for when the host is stopped.
const FAREWELL: Duration = Duration::from_secs(1);

/// What a host tells the floor above.
#[derive(Debug, Clone)]
pub(crate) enum HostEvent {
    /// Its connection is in this state now.
    State { host: HostName, state: &'static str },
    /// It failed to connect, and remembers this.
    Penalised { host: HostName, penalty: Penalty },
    /// It connected; earlier failures are forgiven.
    Connected { host: HostName },
    /// Its connection ended without being asked to.
    Lost { host: HostName },
    /// A call reads a file of it, the first since it was spawned.
    Read { host: HostName },
}

/// What every host gets when it is spawned.
#[derive(Clone)]
pub(crate) struct Context {
    pub(crate) limits: Arc<Limits>,
    pub(crate) dialler: Dialler,
    pub(crate) metrics: Metrics,
    pub(crate) events: DerivedActorRef<HostEvent>,
}

/// Who waits for a connection, and for nothing else.
pub(crate) type Reached = oneshot::Sender<Result<(), FleetError>>;

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

    /// Asks for a connection, and for word of it. If the host has ended, the caller hears of it.
    pub(crate) fn reach(&self, reply: Reached) {
        let _sent = self.0.cast(Msg::Reach(reply));
    }

    /// Has work done that needs none of the host's channels, and ends with the host.
    pub(crate) fn beside(&self, work: BoxFuture<'static, ()>) {
        let _sent = self.0.cast(Msg::Beside(work));
    }

    /// Makes the host ready for calls that have not come yet.
    pub(crate) fn prepare(&self) {
        let _sent = self.0.cast(Msg::Prepare);
    }

    /// A caller left the queue: what its job holds can be given back.
    pub(crate) fn left(&self) {
        let _sent = self.0.cast(Msg::Left);
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
    Reach(Reached),
    /// Work that needs none of the channels.
    Beside(BoxFuture<'static, ()>),
    /// Be ready for calls that have not come yet.
    Prepare,
    /// Somebody left a queue.
    Left,
    Dialled(Epoch, Result<(Session, Closed), DialError>),
    Lost(Epoch),
    Probed(Epoch, bool),
    FilesOpened(Epoch, Result<Sftp, SftpError>),
    Freed {
        epoch: Epoch,
        lane: LaneKind,
        urgency: Urgency,
        back: Back,
    },
    /// The arming of a shell is over.
    Armed(Epoch, Result<Box<Shell>, ArmError>),
    /// A shell that waited has ended.
    ShellEnded(Epoch, pool::Id),
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
    /// What is known of how long it takes.
    paces: Paces,
    context: Context,
    link: Link<Arc<Session>>,
    up_since: Instant,
    files: Files,
    ahead: Ahead,
    /// Whether its callers read files, so that SFTP is worth opening ahead.
    is_read: bool,
    commands: Lane<Job>,
    reads: Lane<Job>,
    /// The shells of the current connection that wait for a call.
    shells: Pool<Spare>,
    /// One that has just served a call, until it is known whether the next one is there.
    loose: Option<Box<Shell>>,
    /// Who waits for the connection that is being made, and for nothing else.
    reaching: Vec<Reached>,
    jobs: JoinSet<()>,
    /// The tasks that wait for the end of a connection.
    watchers: JoinSet<()>,
}

/// What a host begins with.
pub(crate) struct Args {
    pub(crate) settings: Arc<HostSettings>,
    pub(crate) penalty: Option<Penalty>,
    /// What earlier actors of the host knew of how long it takes.
    pub(crate) paces: Paces,
    /// Whether its callers read files.
    pub(crate) is_read: bool,
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
            ahead: Ahead::default(),
            is_read: args.is_read,
            commands: Lane::new(limits.running, limits.queued),
            reads: Lane::new(FILE_OPERATIONS, limits.queued),
            shells: Pool::new(),
            loose: None,
            reaching: Vec::new(),
            jobs: JoinSet::new(),
            watchers: JoinSet::new(),
            settings: args.settings,
            paces: args.paces,
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
            Msg::Reach(reply) => state.reach(&me, reply),
            Msg::Beside(work) => drop(state.jobs.spawn(work)),
            Msg::Prepare => state.prepare(&me),
            // What comes after every message does it.
            Msg::Left => {}
            Msg::Dialled(epoch, result) => state.dialled(&me, epoch, result),
            Msg::Lost(epoch) => {
                let lost = state.link.lost(epoch);
                state.connection_ended(&me, lost);
            }
            Msg::Probed(epoch, alive) => {
                let dead = state.link.probed(epoch, alive, Instant::now());
                // Commands may still hold it, and it must not live on beside the next one.
                if let Some(session) = &dead {
                    session.cut();
                }
                state.connection_ended(&me, dead);
            }
            Msg::FilesOpened(epoch, result) => state.files_opened(&me, epoch, result),
            Msg::Armed(epoch, result) => state.armed(epoch, result),
            Msg::ShellEnded(epoch, id) => state.shell_ended(epoch, id),
            Msg::Freed {
                epoch,
                lane,
                urgency,
                back,
            } => state.freed(&me, epoch, (lane, urgency), back),
            #[cfg(feature = "failpoints")]
            #[expect(clippy::panic, reason = "this is what the message is for")]
            Msg::Panic => panic!("injected"),
        }
        state.purge();
        state.pump(&me);
        state.keep_loose(&me);
        state.tell_reached();
        state.look_ahead(&me);
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
            state.context.metrics.connection_down(false);
            session.disconnect().await;
            drop(session);
            let ended = async { while state.watchers.join_next().await.is_some() {} };
            let _in_time = tokio::time::timeout(FAREWELL, ended).await;
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
}

/// However a host ends, a crash included, what it counted is taken back: news that it has not
/// read by then (`Freed` above all, which a stop overtakes) is never read.
impl Drop for State {
    fn drop(&mut self) {
        let metrics = &self.context.metrics;
        let running = self.commands.running() + self.reads.running();
        let waiting = self.commands.waiting() + self.reads.waiting();
        metrics.running(-(running as f64));
        metrics.queued(-(waiting as f64));
        metrics.shells_waiting(-(self.shells.waiting() as f64));
        if let Some(session) = self.link.take() {
            // Whoever still holds it must not keep a connection alive beside the next one. Jobs end
            // first: of the crash their callers hear, not of a connection that was lost.
            self.jobs.abort_all();
            session.cut();
            metrics.connection_down(false);
        }
    }
}
