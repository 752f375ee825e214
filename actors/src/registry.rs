//! The actor that knows which hosts are alive, and enforces the capacity of the pool.
//!
//! Messages in: requests for leases, leases given back, births and ends of hosts, a clock tick.
//! A request is granted, refused, or waits in a bounded queue until a place is free; the grant
//! carries the lease, so one that reaches nobody gives the place back by being dropped. It never
//! waits for anybody: hosts are spawned and stopped by message.
//!
//! Live and leaving hosts and second connections together never exceed the capacity, and a leased
//! host is never stopped. Hosts that are used often are kept, and made warm again, where no caller
//! needs the place.

mod heat;
mod life;
pub(crate) mod lru;
mod second;
mod serve;
mod tally;
mod warm;

use crate::error::FleetError;
use crate::host::link::Penalty;
use crate::host::{Context, HostEvent, HostRef};
use crate::inventory::Inventory;
use crate::latency::Paces;
use crate::lease::{Lease, Released, SecondOver, SecondWanted, Tools};
use crate::queue::{Queue, Waits};
use crate::supervisor::{Birth, Spawn};
use crate::survey::HostPulse;
use crate::target::HostName;
use crate::urgency::Urgency;
use heat::Heat;
use lru::Places;
use ractor::{Actor, ActorProcessingErr, ActorRef};
use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;
use tally::Tallies;
use tokio::sync::oneshot;
use tokio::time::Instant;
pub(crate) use warm::Reason;
use warm::Warming;

/// Answers a request for a lease.
pub(crate) type Grant = oneshot::Sender<Result<Lease, FleetError>>;

pub(crate) enum Msg {
    Lease(Waiter),
    Released(Released),
    Birth(Birth),
    Event(HostEvent),
    Second(SecondWanted),
    SecondOver(SecondOver),
    /// Who is alive and in what state.
    States(oneshot::Sender<HashMap<HostName, &'static str>>),
    /// Where every host stands, and what has happened to it.
    Survey(oneshot::Sender<Vec<HostPulse>>),
    /// How many leases are out; after `close`, no new ones are granted.
    Drain {
        close: bool,
        reply: oneshot::Sender<usize>,
    },
    /// Connect these before anybody asks for them.
    Warm(Vec<HostName>),
    Tick,
}

/// News from below, as the senders know it and as the mailbox has it.
macro_rules! news {
    ($($variant:ident: $inner:ty),+) => {$(
        impl From<$inner> for Msg {
            fn from(news: $inner) -> Self {
                Self::$variant(news)
            }
        }

        impl TryFrom<Msg> for $inner {
            type Error = ();

            fn try_from(message: Msg) -> Result<Self, ()> {
                match message {
                    Msg::$variant(news) => Ok(news),
                    _ => Err(()),
                }
            }
        }
    )+};
}

news!(Released: Released, Birth: Birth, Event: HostEvent, Second: SecondWanted, SecondOver: SecondOver);

/// The actor.
pub(crate) struct Registry {
    pub(crate) inventory: Arc<Inventory>,
    pub(crate) supervisor: ActorRef<Spawn>,
    pub(crate) tools: Tools,
    /// What hosts are given; its `events` are replaced by the way to this actor.
    pub(crate) context: Box<dyn Fn(ActorRef<Msg>) -> Context + Send + Sync>,
}

/// Who asks for a lease.
pub(crate) struct Waiter {
    pub(crate) host: HostName,
    pub(crate) urgency: Urgency,
    pub(crate) since: Instant,
    pub(crate) reply: Grant,
}

impl Waits for Waiter {
    fn urgency(&self) -> Urgency {
        self.urgency
    }

    fn since(&self) -> Instant {
        self.since
    }
}

enum Life {
    Starting,
    Live(HostRef),
    Leaving,
}

struct Entry {
    life: Life,
    generation: u64,
    state: &'static str,
}

pub(crate) struct State {
    places: Places<HostName, Instant>,
    entries: HashMap<HostName, Entry>,
    waiters: Queue<Waiter>,
    penalties: HashMap<HostName, Penalty>,
    tallies: Tallies,
    /// How long each host takes. Only hosts of the inventory are ever spawned, which bounds it.
    paces: HashMap<HostName, Paces>,
    /// Hosts that refused a second connection, and when.
    seconds_refused: HashMap<HostName, Instant>,
    heat: Heat<HostName>,
    warming: Warming,
    generations: u64,
    leases: usize,
    closed: bool,
    context: Context,
    me: ActorRef<Msg>,
}

impl Actor for Registry {
    type Msg = Msg;
    type State = State;
    type Arguments = ();

    async fn pre_start(&self, me: ActorRef<Msg>, (): ()) -> Result<State, ActorProcessingErr> {
        let limits = &self.tools.limits;
        let tick =
            (limits.idle_timeout / 4).clamp(Duration::from_millis(50), Duration::from_secs(5));
        let _timer = me.send_interval(tick, || Msg::Tick);
        Ok(State {
            places: Places::new(limits.capacity),
            entries: HashMap::new(),
            waiters: Queue::default(),
            penalties: HashMap::new(),
            tallies: Tallies::default(),
            paces: HashMap::new(),
            seconds_refused: HashMap::new(),
            heat: Heat::new(limits.capacity, limits.warm_timeout),
            warming: Warming::default(),
            generations: 0,
            leases: 0,
            closed: false,
            context: (self.context)(me.clone()),
            me,
        })
    }

    async fn handle(
        &self,
        _: ActorRef<Msg>,
        message: Msg,
        state: &mut State,
    ) -> Result<(), ActorProcessingErr> {
        match message {
            Msg::Lease(waiter) => self.request(state, waiter),
            Msg::Released(released) => state.released(&released),
            Msg::Birth(birth) => state.birth(birth),
            Msg::Event(event) => self.note(state, event),
            Msg::Second(wanted) => self.second(state, wanted),
            Msg::SecondOver(over) => state.second_over(over),
            Msg::States(reply) => {
                let states = state
                    .entries
                    .iter()
                    .map(|(host, entry)| (host.clone(), entry.state));
                let _heard = reply.send(states.collect());
                return Ok(());
            }
            Msg::Survey(reply) => {
                let _heard = reply.send(self.survey(state));
                return Ok(());
            }
            Msg::Drain { close, reply } => {
                state.closed |= close;
                let _heard = reply.send(state.leases);
            }
            Msg::Warm(hosts) => self.ask_for(state, &hosts),
            Msg::Tick => {
                self.look_for_warmth(state);
                self.stop_idle(state);
            }
        }
        self.serve(state);
        self.warm(state);
        self.tools.metrics.pool_waiting(state.waiters.len());
        Ok(())
    }
}
