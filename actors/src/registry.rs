//! The actor that knows which hosts are alive, and enforces the capacity of the pool.
//!
//! Messages in: requests for leases, leases given back, births and ends of hosts, a clock tick.
//! A request is granted, refused, or waits in a bounded queue until a place is free; the grant
//! carries the lease, so one that reaches nobody gives the place back by being dropped. It never
//! waits for anybody: hosts are spawned and stopped by message.
//!
//! Live and leaving hosts together never exceed the capacity, and a leased host is never stopped.

mod lru;

use crate::error::{Contended, FleetError};
use crate::host::link::Penalty;
use crate::host::{Args, Context, HostEvent, HostRef};
use crate::inventory::Inventory;
use crate::lease::{Held, Lease, Released, Tools};
use crate::limits::POOL_WAITERS;
use crate::metrics::Eviction;
use crate::supervisor::{Birth, Spawn};
use crate::target::HostName;
use lru::Places;
use ractor::{Actor, ActorProcessingErr, ActorRef};
use std::collections::{HashMap, HashSet, VecDeque};
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::oneshot;
use tokio::time::Instant;

/// Answers a request for a lease.
pub(crate) type Grant = oneshot::Sender<Result<Lease, FleetError>>;

pub(crate) enum Msg {
    Lease {
        host: HostName,
        reply: Grant,
    },
    Released(Released),
    Birth(Birth),
    Event(HostEvent),
    /// Who is alive and in what state.
    States(oneshot::Sender<HashMap<HostName, &'static str>>),
    /// How many leases are out; after `close`, no new ones are granted.
    Drain {
        close: bool,
        reply: oneshot::Sender<usize>,
    },
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

news!(Released: Released, Birth: Birth, Event: HostEvent);

/// The actor.
pub(crate) struct Registry {
    pub(crate) inventory: Arc<Inventory>,
    pub(crate) supervisor: ActorRef<Spawn>,
    pub(crate) tools: Tools,
    /// What hosts are given; its `events` are replaced by the way to this actor.
    pub(crate) context: Box<dyn Fn(ActorRef<Msg>) -> Context + Send + Sync>,
}

struct Waiter {
    host: HostName,
    reply: Grant,
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
    waiters: VecDeque<Waiter>,
    penalties: HashMap<HostName, Penalty>,
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
            waiters: VecDeque::new(),
            penalties: HashMap::new(),
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
            Msg::Lease { host, reply } => self.request(state, host, reply),
            Msg::Released(released) => state.released(&released),
            Msg::Birth(birth) => state.birth(birth),
            Msg::Event(event) => state.note(event),
            Msg::States(reply) => {
                let states = state
                    .entries
                    .iter()
                    .map(|(host, entry)| (host.clone(), entry.state));
                let _heard = reply.send(states.collect());
                return Ok(());
            }
            Msg::Drain { close, reply } => {
                state.closed |= close;
                let _heard = reply.send(state.leases);
            }
            Msg::Tick => self.stop_idle(state),
        }
        self.serve(state);
        self.tools.metrics.pool_waiting(state.waiters.len());
        Ok(())
    }
}

impl Registry {
    /// Refuses what cannot be granted, and queues the rest; [`serve`](Self::serve) does the work.
    fn request(&self, state: &mut State, host: HostName, reply: Grant) {
        let refusal = match self.inventory.find(&host) {
            _ if state.closed => Some(FleetError::ShuttingDown),
            None => Some(FleetError::UnknownHost {
                host: host.to_string(),
            }),
            Some(entry) => entry.settings().err().map(|problem| FleetError::Unusable {
                host: host.clone(),
                why: problem.to_string(),
            }),
        };
        let refusal = refusal.or_else(|| {
            (state.waiters.len() >= POOL_WAITERS).then_some(FleetError::Busy {
                what: Contended::Pool,
                waited: Duration::ZERO,
            })
        });
        match refusal {
            Some(error) => drop(reply.send(Err(error))),
            None => state.waiters.push_back(Waiter { host, reply }),
        }
    }

    /// Grants every lease that can be granted, in the order of the requests, and makes room for
    /// those that cannot.
    fn serve(&self, state: &mut State) {
        let mut short: HashSet<HostName> = HashSet::new();
        for waiter in std::mem::take(&mut state.waiters) {
            if waiter.reply.is_closed() {
                continue;
            }
            if state.closed {
                let _heard = waiter.reply.send(Err(FleetError::ShuttingDown));
                continue;
            }
            match state
                .entries
                .get(&waiter.host)
                .map(|entry| (&entry.life, entry.generation))
            {
                Some((Life::Live(actor), generation)) => {
                    let actor = actor.clone();
                    self.grant(state, waiter, actor, generation);
                    continue;
                }
                Some((Life::Starting | Life::Leaving, _)) => {}
                None if state.places.place(waiter.host.clone(), Instant::now()) => {
                    self.spawn(state, &waiter.host);
                }
                // One place for each host that lacks one; those already on their way count.
                None => {
                    if short.insert(waiter.host.clone()) && state.places.leaving() < short.len() {
                        self.evict(state, Eviction::Capacity, None);
                    }
                }
            }
            state.waiters.push_back(waiter);
        }
    }

    fn grant(&self, state: &mut State, waiter: Waiter, actor: HostRef, generation: u64) {
        if !state.places.lease(&waiter.host) {
            return;
        }
        state.leases += 1;
        let held = Held::new(waiter.host, generation, state.me.get_derived());
        let lease = Lease::new(actor, Arc::new(held), self.tools.clone());
        // If the caller has left, the lease comes back in the answer and is given back here.
        let _heard = waiter.reply.send(Ok(lease));
    }

    fn spawn(&self, state: &mut State, host: &HostName) {
        let Some(Ok(settings)) = self.inventory.find(host).map(|entry| entry.settings()) else {
            return;
        };
        // Held until it is born, so that it is not evicted before.
        state.places.lease(host);
        state.generations += 1;
        let generation = state.generations;
        let entry = Entry {
            life: Life::Starting,
            generation,
            state: "idle",
        };
        state.entries.insert(host.clone(), entry);
        let args = Args {
            settings: Arc::clone(settings),
            penalty: state.penalties.get(host).cloned(),
            context: state.context.clone(),
        };
        let news = state.me.get_derived();
        // Fails only when the supervisor is gone, and then everything ends.
        let _sent = self.supervisor.cast(Spawn {
            generation,
            args,
            news,
        });
    }

    fn stop_idle(&self, state: &mut State) {
        let Some(cutoff) = Instant::now().checked_sub(self.tools.limits.idle_timeout) else {
            return;
        };
        while self.evict(state, Eviction::Idle, Some(cutoff)) {}
    }

    /// Stops the host longest unused, if that is before `cutoff`.
    fn evict(&self, state: &mut State, why: Eviction, cutoff: Option<Instant>) -> bool {
        let host = match cutoff {
            Some(cutoff) => state.places.evict_idle(cutoff),
            None => state.places.evict(),
        };
        let Some(host) = host else { return false };
        let Some(entry) = state.entries.get_mut(&host) else {
            return false;
        };
        if let Life::Live(actor) = std::mem::replace(&mut entry.life, Life::Leaving) {
            tracing::debug!(%host, ?why, "host evicted");
            actor.stop("evicted");
            self.tools.metrics.evicted(why);
        }
        true
    }
}

impl State {
    fn released(&mut self, released: &Released) {
        self.leases = self.leases.saturating_sub(1);
        // A lease on an earlier life of the host has no place to give back.
        let current = self.entries.get(&released.host);
        if current.is_some_and(|entry| entry.generation == released.generation) {
            self.places.release(&released.host, Instant::now());
        }
    }

    fn birth(&mut self, birth: Birth) {
        match birth {
            Birth::Born {
                host,
                generation,
                actor,
            } => {
                let Some(entry) = self.current(&host, generation) else {
                    return;
                };
                entry.life = Life::Live(actor);
                self.places.release(&host, Instant::now());
            }
            Birth::Quarantined {
                host,
                generation,
                remaining,
            } => {
                if self.current(&host, generation).is_none() {
                    return;
                }
                self.entries.remove(&host);
                self.places.forget(&host);
                self.refuse(
                    &host,
                    &FleetError::Quarantined {
                        host: host.clone(),
                        remaining,
                    },
                );
            }
            Birth::Gone { host, generation } => {
                let Some(entry) = self.current(&host, generation) else {
                    return;
                };
                let life = std::mem::replace(&mut entry.life, Life::Leaving);
                self.entries.remove(&host);
                match life {
                    Life::Leaving => self.places.left(),
                    Life::Live(_) => self.places.forget(&host),
                    Life::Starting => {
                        self.places.forget(&host);
                        self.refuse(&host, &FleetError::Internal { host: host.clone() });
                    }
                }
            }
        }
    }

    fn note(&mut self, event: HostEvent) {
        match event {
            HostEvent::State { host, state } => {
                if let Some(entry) = self.entries.get_mut(&host) {
                    entry.state = state;
                }
            }
            HostEvent::Penalised { host, penalty } => drop(self.penalties.insert(host, penalty)),
            HostEvent::Connected { host } => drop(self.penalties.remove(&host)),
        }
    }

    fn current(&mut self, host: &HostName, generation: u64) -> Option<&mut Entry> {
        self.entries
            .get_mut(host)
            .filter(|entry| entry.generation == generation)
    }

    fn refuse(&mut self, host: &HostName, error: &FleetError) {
        for waiter in std::mem::take(&mut self.waiters) {
            match waiter.host == *host {
                true => drop(waiter.reply.send(Err(error.clone()))),
                false => self.waiters.push_back(waiter),
            }
        }
    }
}
