//! What the registry makes of news: leases given back, and hosts that were born, changed or ended.

use super::{Entry, Life, State};
use crate::error::FleetError;
use crate::host::HostEvent;
use crate::lease::Released;
use crate::supervisor::Birth;
use crate::target::HostName;
use tokio::time::Instant;

impl State {
    pub(super) fn released(&mut self, released: &Released) {
        self.leases = self.leases.saturating_sub(1);
        // A lease on an earlier life of the host has no place to give back.
        let current = self.entries.get(&released.host);
        if current.is_some_and(|entry| entry.generation == released.generation) {
            self.places.release(&released.host, Instant::now());
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

    pub(super) fn note(&mut self, event: HostEvent) {
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
        for waiter in self.waiters.take_where(|waiter| waiter.host == *host) {
            let _heard = waiter.reply.send(Err(error.clone()));
        }
    }
}
