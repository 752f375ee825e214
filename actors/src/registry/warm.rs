//! Warming: which connections are made before anybody asks for them.
//!
//! Warm are the hosts of [`Heat`]: those used often, and those somebody asked for. They are kept
//! beyond the idle timeout, and connected again when they were lost or had to go. Callers come
//! first: warming takes only places that are free, gives them up before any other, evicts nothing,
//! holds no lease, stands in no queue, and connects few hosts at a time. It leaves hosts alone that
//! fail, for longer each time, and ends with the first word of a shutdown.
//!
//! [`Heat`]: super::heat::Heat

use super::{Entry, Life, Registry, State};
use crate::host::link::Penalty;
use crate::target::HostName;
use std::collections::{HashMap, HashSet, VecDeque};
use std::time::Duration;
use tokio::time::Instant;

/// Hosts that are being connected for nobody at the same time.
const AT_ONCE: usize = 16;

/// How long a host that could not be reached is not warmed; twice as long after every failure.
const REST: Duration = Duration::from_secs(5);

/// The longest rest.
const LONGEST_REST: Duration = Duration::from_secs(300);

/// Why a host is warmed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Reason {
    /// It was asked for at the start.
    Start,
    /// It is used often.
    Hot,
}

/// What is being warmed, and what is next.
#[derive(Debug, Default)]
pub(super) struct Warming {
    /// Those that stay beyond the idle timeout.
    kept: HashSet<HostName>,
    /// Those that were told to connect and have not said how that went.
    under_way: HashMap<HostName, Reason>,
    next: VecDeque<HostName>,
    /// Hosts that crashed too often, and until when they are left alone.
    quarantined: HashMap<HostName, Instant>,
}

impl Warming {
    pub(super) fn keeps(&self, host: &HostName) -> bool {
        self.kept.contains(host)
    }

    /// Whether a host was told to connect for nobody; it is over with this.
    pub(super) fn settle(&mut self, host: &HostName) -> Option<Reason> {
        self.under_way.remove(host)
    }

    pub(super) fn is_under_way(&self, host: &HostName) -> bool {
        self.under_way.contains_key(host)
    }

    pub(super) fn is_quarantined(&self, host: &HostName, now: Instant) -> bool {
        self.quarantined.get(host).is_some_and(|until| *until > now)
    }

    pub(super) fn quarantine(&mut self, host: &HostName, until: Instant) {
        self.quarantined.insert(host.clone(), until);
    }
}

impl Registry {
    /// Somebody wants these hosts to be warm.
    pub(super) fn ask_for(&self, state: &mut State, hosts: &[HostName]) {
        let now = Instant::now();
        for host in hosts.iter().take(self.tools.limits.capacity) {
            state.heat.ask(host, now);
            // Also where nothing is kept beyond the idle timeout: asked for is asked for.
            state.warming.next.push_back(host.clone());
        }
    }

    /// Looks again at what is to be warm.
    pub(super) fn look_for_warmth(&self, state: &mut State) {
        let now = Instant::now();
        let hottest = state.heat.hottest(now);
        let warming = &mut state.warming;
        warming.quarantined.retain(|_, until| *until > now);
        warming.kept = hottest.iter().cloned().collect();
        if !hottest.is_empty() {
            warming.next = hottest.into();
        }
    }

    /// Connects the next hosts that are to be warm and are not.
    pub(super) fn warm(&self, state: &mut State) {
        if state.closed {
            return self.end_warming(state);
        }
        // Whoever waits for a place gets the next one that is free.
        while state.waiters.len() == 0 && state.warming.under_way.len() < AT_ONCE {
            let Some(host) = state.warming.next.pop_front() else {
                return;
            };
            if state.warming.is_under_way(&host) || self.rests(state, &host) {
                continue;
            }
            let reason = match state.heat.is_asked(&host) {
                true => Reason::Start,
                false => Reason::Hot,
            };
            match state.entries.get(&host) {
                Some(Entry {
                    life: Life::Live(actor),
                    state: "idle" | "backoff",
                    ..
                }) => actor.prepare(),
                Some(_) => continue,
                None => {
                    let usable = self
                        .inventory
                        .find(&host)
                        .is_some_and(|e| e.settings().is_ok());
                    if !usable || !state.places.place(host.clone(), Instant::now()) {
                        continue;
                    }
                    self.spawn(state, &host);
                }
            }
            state.warming.under_way.insert(host, reason);
        }
    }

    fn rests(&self, state: &State, host: &HostName) -> bool {
        let now = Instant::now();
        state.warming.is_quarantined(host, now)
            || state.penalties.get(host).is_some_and(|p| now < rested(p))
    }

    /// Nothing is connected any more for nobody.
    fn end_warming(&self, state: &mut State) {
        for (host, _) in std::mem::take(&mut state.warming).under_way {
            if state.places.dismiss(&host) {
                self.stop(state, &host);
            }
        }
    }
}

/// When a host that failed may be warmed again.
fn rested(penalty: &Penalty) -> Instant {
    let doubled = 1 << penalty.failures.saturating_sub(1).min(10);
    penalty.until + REST.saturating_mul(doubled).min(LONGEST_REST)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::error::DialError;

    #[test]
    fn a_host_that_fails_rests_for_longer_each_time() {
        let until = Instant::now();
        let rest = |failures| {
            let penalty = Penalty {
                failures,
                until,
                error: DialError::internal(),
            };
            rested(&penalty) - until
        };
        assert_eq!((rest(1), rest(3)), (REST, 4 * REST));
        assert_eq!((rest(7), rest(u32::MAX)), (LONGEST_REST, LONGEST_REST));
    }
}
