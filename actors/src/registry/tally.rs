//! What the registry counts for each host, and what it says when it is asked about all of them.

use super::{Registry, State};
use crate::survey::{HostPulse, HostState, Tally};
use crate::target::HostName;
use std::collections::HashMap;
use tokio::time::Instant;

/// What has happened to each host that was ever used. Only hosts of the inventory are, which bounds it.
#[derive(Debug, Default)]
pub(super) struct Tallies {
    hosts: HashMap<HostName, Tally>,
    troubled: u64,
}

impl Tallies {
    pub(super) fn called(&mut self, host: &HostName) {
        self.of(host).calls += 1;
    }

    pub(super) fn connected(&mut self, host: &HostName) {
        self.of(host).connected += 1;
    }

    pub(super) fn failed(&mut self, host: &HostName) {
        self.trouble(host).failed += 1;
    }

    pub(super) fn lost(&mut self, host: &HostName) {
        self.trouble(host).lost += 1;
    }

    pub(super) fn evicted(&mut self, host: &HostName) {
        self.of(host).evicted += 1;
    }

    fn of(&mut self, host: &HostName) -> &mut Tally {
        self.hosts.entry(host.clone()).or_default()
    }

    fn trouble(&mut self, host: &HostName) -> &mut Tally {
        let Self { hosts, troubled } = self;
        let tally = hosts.entry(host.clone()).or_default();
        tally.first_trouble.get_or_insert_with(|| {
            *troubled += 1;
            *troubled - 1
        });
        tally
    }
}

impl Registry {
    /// Every host of the inventory, in its order.
    pub(super) fn survey(&self, state: &State) -> Vec<HostPulse> {
        let now = Instant::now();
        let pulse = |host: &HostName| {
            let live = state.entries.get(host).map(|entry| entry.state);
            let penalty = state.penalties.get(host);
            HostPulse {
                name: host.clone(),
                state: match (live, penalty) {
                    (Some("connected"), _) => HostState::Connected,
                    (Some("connecting"), _) => HostState::Connecting,
                    _ if state.warming.is_quarantined(host, now) => HostState::Quarantined,
                    (_, Some(_)) => HostState::Backoff,
                    (_, None) => HostState::Idle,
                },
                backoff: penalty.map_or_else(Default::default, |penalty| {
                    penalty.until.saturating_duration_since(now)
                }),
                tally: state.tallies.hosts.get(host).copied().unwrap_or_default(),
            }
        };
        self.inventory
            .iter()
            .map(|entry| pulse(entry.name()))
            .collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn trouble_is_numbered_in_the_order_it_came_and_once_for_each_host() {
        let [a, b, c] = ["a", "b", "c"].map(|name| HostName::parse(name).unwrap());
        let mut tallies = Tallies::default();
        tallies.called(&c);
        tallies.failed(&b);
        tallies.lost(&a);
        tallies.failed(&b);
        let seen = [&a, &b, &c].map(|host| tallies.of(host).first_trouble);
        assert_eq!(seen, [Some(1), Some(0), None]);
        assert_eq!((tallies.of(&b).failed, tallies.of(&c).calls), (2, 1));
    }
}
