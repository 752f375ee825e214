//! What the registry makes of news: leases given back, and hosts that were born, changed or ended.

use super::{Entry, Life, Registry, State};
use crate::error::FleetError;
use crate::host::HostEvent;
use crate::lease::Released;
use crate::supervisor::Birth;
use crate::target::HostName;
use tokio::time::Instant;

impl Registry {
    pub(super) fn note(&self, state: &mut State, event: HostEvent) {
        match event {
            HostEvent::State { host, state: word } => {
                let Some(entry) = state.entries.get_mut(&host) else {
                    return;
                };
                entry.state = word;
                match word {
                    "connecting" => {}
                    "connected" => {
                        if let Some(reason) = state.warming.settle(&host) {
                            self.tools.metrics.warmed(reason);
                        }
                    }
                    _ => {
                        state.warming.settle(&host);
                        state.places.yield_place(&host);
                    }
                }
            }
            HostEvent::Penalised { host, penalty } => {
                state.tallies.failed(&host);
                drop(state.penalties.insert(host, penalty));
            }
            HostEvent::Connected { host } => {
                state.tallies.connected(&host);
                drop(state.penalties.remove(&host));
            }
            HostEvent::Lost { host } => state.tallies.lost(&host),
            HostEvent::Read { host } => state.heat.read(&host),
        }
    }
}

impl State {
    pub(super) fn released(&mut self, released: &Released) {
        self.leases = self.leases.saturating_sub(1);
        // A lease on an earlier life of the host has no place to give back.
        let current = self.entries.get(&released.host);
        if current.is_some_and(|entry| entry.generation == released.generation) {
            self.places.release(&released.host, Instant::now());
            // It has no connection to lose: of all hosts, that one can go.
            if current.is_some_and(|entry| entry.state != "connected") {
                self.places.yield_place(&released.host);
            }
        }
    }

    pub(super) fn birth(&mut self, birth: Birth) {
        match birth {
            Birth::Born {
                host,
                generation,
                actor,
            } => {
                let Some(entry) = self.current(&host, generation) else {
                    return;
                };
                entry.life = Life::Live(actor.clone());
                if self.warming.is_under_way(&host) {
                    actor.prepare();
                    self.places.release(&host, Instant::now());
                    self.places.yield_place(&host);
                } else {
                    self.places.release(&host, Instant::now());
                }
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
                self.warming.settle(&host);
                self.warming.quarantine(&host, Instant::now() + remaining);
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
                self.warming.settle(&host);
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

    fn current(&mut self, host: &HostName, generation: u64) -> Option<&mut Entry> {
        self.entries
            .get_mut(host)
            .filter(|entry| entry.generation == generation)
    }

    fn refuse(&mut self, host: &HostName, error: &FleetError) {
        for waiter in self.waiters.take_where(|waiter| waiter.host == *host) {
            let _heard = waiter.reply.send(Err(error.clone()));
        }
    }
}
