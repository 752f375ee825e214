//! Where the hosts stand: how many in which state, and, where it is asked for, each of them by name.
//!
//! All of it is taken from the fleet when somebody scrapes, and costs nothing in between. A host label
//! is a name of the inventory, never a text of a client; how many there may be is bounded, because
//! each host is seven series for as long as Prometheus keeps them.

use crate::config::PerHost;
use fleet::{HostPulse, HostState};
use metrics::{Counter, Gauge, counter, describe_counter, describe_gauge, gauge};

const HOSTS: &str = "scout_hosts";
const CONNECTED: &str = "scout_host_connected";
const CALLS: &str = "scout_host_calls_total";
const CONNECTS: &str = "scout_host_connects_total";
const LOST: &str = "scout_host_connections_lost_total";
const EVICTIONS: &str = "scout_host_evictions_total";
const BACKOFF: &str = "scout_host_backoff_seconds";
const DROPPED: &str = "scout_host_series_dropped_total";

/// The gauges of the states, and the rule for names.
pub struct HostMetrics {
    states: [Gauge; HostState::ALL.len()],
    dropped: Counter,
    per_host: PerHost,
    limit: usize,
}

impl HostMetrics {
    /// Describes and creates them. Of the hosts that `per_host` selects, `limit` at most are named.
    #[must_use]
    pub fn register(per_host: PerHost, limit: usize) -> Self {
        describe_gauge!(
            HOSTS,
            "Hosts of the inventory by state; backoff is a host whose last attempt to connect failed"
        );
        describe_counter!(
            DROPPED,
            "Hosts that have no series of their own because there are too many (metrics.per_host_limit)"
        );
        describe_gauge!(CONNECTED, "1 while the host has a connection, else 0");
        describe_counter!(CALLS, "Calls that were given the host");
        describe_counter!(CONNECTS, "Attempts to connect to the host");
        describe_counter!(
            LOST,
            "Connections to the host that ended without being asked to"
        );
        describe_counter!(
            EVICTIONS,
            "How often the host was let go, for being idle or to make room"
        );
        describe_gauge!(
            BACKOFF,
            "Seconds for which the host is still left alone after it failed; 0 for none"
        );
        let states = HostState::ALL.map(|state| gauge!(HOSTS, "state" => state.label()));
        for gauge in &states {
            gauge.set(0);
        }
        let dropped = counter!(DROPPED);
        dropped.absolute(0);
        Self {
            states,
            dropped,
            per_host,
            limit,
        }
    }

    /// Takes over where the hosts stand now.
    pub fn show(&self, pulses: &[HostPulse]) {
        for (state, gauge) in HostState::ALL.into_iter().zip(&self.states) {
            let there = pulses.iter().filter(|pulse| pulse.state == state).count();
            gauge.set(there as f64);
        }
        let named = self.named(pulses);
        let over = named.len().saturating_sub(self.limit);
        self.dropped
            .absolute(u64::try_from(over).unwrap_or(u64::MAX));
        for pulse in named.into_iter().take(self.limit) {
            name(pulse);
        }
    }

    /// The hosts with series of their own, in an order in which none ever loses its place: what was
    /// shown once is shown again.
    fn named<'a>(&self, pulses: &'a [HostPulse]) -> Vec<&'a HostPulse> {
        match self.per_host {
            PerHost::Off => Vec::new(),
            PerHost::All => pulses.iter().collect(),
            PerHost::Failing => {
                let troubled = |pulse: &&HostPulse| pulse.tally.first_trouble.is_some();
                let mut named: Vec<_> = pulses.iter().filter(troubled).collect();
                named.sort_by_key(|pulse| pulse.tally.first_trouble);
                named
            }
        }
    }
}

fn name(pulse: &HostPulse) {
    let host = || pulse.name.to_string();
    let connected = pulse.state == HostState::Connected;
    gauge!(CONNECTED, "host" => host()).set(f64::from(u8::from(connected)));
    gauge!(BACKOFF, "host" => host()).set(pulse.backoff.as_secs_f64());
    let tally = &pulse.tally;
    counter!(CALLS, "host" => host()).absolute(tally.calls);
    counter!(CONNECTS, "host" => host(), "outcome" => "ok").absolute(tally.connected);
    counter!(CONNECTS, "host" => host(), "outcome" => "failed").absolute(tally.failed);
    counter!(LOST, "host" => host()).absolute(tally.lost);
    counter!(EVICTIONS, "host" => host()).absolute(tally.evicted);
}
