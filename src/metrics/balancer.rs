//! Calls for the hosts of other replicas, by how they went.

use metrics::{Counter, counter, describe_counter};

const CALLS: &str = "scout_balancer_calls_total";

/// Every way in which one can end.
const OUTCOMES: [&str; 7] = [
    "answered", "not_sent", "busy", "refused", "lost", "no_room", "late",
];

/// The counters. Cheap to clone.
#[derive(Clone)]
pub struct BalancerMetrics([Counter; OUTCOMES.len()]);

impl BalancerMetrics {
    /// Describes and creates them.
    #[must_use]
    pub fn register() -> Self {
        describe_counter!(
            CALLS,
            "Hosts of broadcasts that were asked for through the balancer: answered, not sent because no replica could be reached, left because the replica was busy, refused by it, lost with it, without room for the answer, or not answered by the end of the broadcast"
        );
        let counters = OUTCOMES.map(|outcome| counter!(CALLS, "outcome" => outcome));
        for counter in &counters {
            counter.increment(0);
        }
        Self(counters)
    }

    /// One ended.
    pub fn ended(&self, outcome: &str) {
        let at = OUTCOMES.iter().position(|known| *known == outcome);
        if let Some(counter) = at.and_then(|at| self.0.get(at)) {
            counter.increment(1);
        }
    }
}
