//! Who gets a lease, who waits for one, and which host gives its place up for that.

use super::{Entry, Life, Registry, State, Waiter};
use crate::error::{Contended, FleetError};
use crate::host::{Args, HostRef};
use crate::lease::{Held, Lease};
use crate::limits::POOL_WAITERS;
use crate::metrics::Eviction;
use crate::supervisor::Spawn;
use crate::target::HostName;
use std::collections::HashSet;
use std::sync::Arc;
use std::time::Duration;
use tokio::time::Instant;

impl Registry {
    /// Refuses what cannot be granted, and queues the rest; [`serve`](Self::serve) does the work.
    pub(super) fn request(&self, state: &mut State, waiter: Waiter) {
        let host = &waiter.host;
        let refusal = match self.inventory.find(host) {
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
            (state.waiters.before(waiter.urgency) >= POOL_WAITERS).then_some(FleetError::Busy {
                what: Contended::Pool,
                waited: Duration::ZERO,
            })
        });
        match refusal {
            Some(error) => drop(waiter.reply.send(Err(error))),
            None => state.waiters.push(waiter),
        }
    }

    /// Grants every lease that can be granted, gives free places out in the order of the queue, and
    /// makes room for those who get none.
    pub(super) fn serve(&self, state: &mut State) {
        let mut short: HashSet<HostName> = HashSet::new();
        for waiter in state.waiters.in_turn(Instant::now()) {
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
                    state.waiters.had_turn(waiter.urgency);
                    self.spawn(state, &waiter.host);
                }
                // One place for each host that lacks one; those already on their way count.
                None => {
                    if short.insert(waiter.host.clone()) && state.places.leaving() < short.len() {
                        self.evict(state);
                    }
                }
            }
            state.waiters.push(waiter);
        }
    }

    fn grant(&self, state: &mut State, waiter: Waiter, actor: HostRef, generation: u64) {
        if !state.places.lease(&waiter.host) {
            return;
        }
        state.leases += 1;
        state.tallies.called(&waiter.host);
        state.heat.used(&waiter.host, Instant::now());
        let held = Held::new(
            waiter.host,
            generation,
            state.me.get_derived(),
            state.me.get_derived(),
        );
        let lease = Lease::new(actor, Arc::new(held), waiter.urgency, self.tools.clone());
        // If the caller has left, the lease comes back in the answer and is given back here.
        let _heard = waiter.reply.send(Ok(lease));
    }

    pub(super) fn spawn(&self, state: &mut State, host: &HostName) {
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
            paces: state.paces.entry(host.clone()).or_default().clone(),
            is_read: state.heat.is_read(host),
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

    pub(super) fn stop_idle(&self, state: &mut State) {
        let Some(cutoff) = Instant::now().checked_sub(self.tools.limits.idle_timeout) else {
            return;
        };
        let idle = state.places.idle(cutoff);
        let gone: Vec<_> = idle
            .filter(|host| !state.warming.keeps(host))
            .cloned()
            .collect();
        for host in gone {
            if state.places.dismiss(&host) && self.stop(state, &host) {
                self.tools.metrics.evicted(Eviction::Idle);
            }
        }
    }

    /// Stops the host that goes first.
    fn evict(&self, state: &mut State) {
        if let Some(host) = state.places.evict()
            && self.stop(state, &host)
        {
            self.tools.metrics.evicted(Eviction::Capacity);
        }
    }

    /// Stops a host that gave up its place; false if it was not alive.
    pub(super) fn stop(&self, state: &mut State, host: &HostName) -> bool {
        let Some(entry) = state.entries.get_mut(host) else {
            return false;
        };
        match std::mem::replace(&mut entry.life, Life::Leaving) {
            Life::Live(actor) => {
                tracing::debug!(%host, "host evicted");
                actor.stop("evicted");
                state.tallies.evicted(host);
                true
            }
            Life::Starting | Life::Leaving => false,
        }
    }
}
