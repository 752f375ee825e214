//! Reads of resources, by scheme and how they ended.

use crate::resources::Scheme;
use crate::tools::Ending;
use metrics::{Counter, counter, describe_counter};
use std::collections::HashMap;
use std::time::Duration;

const READS: &str = "scout_resource_reads_total";

/// The resources.
pub struct ResourceMetrics {
    reads: HashMap<(Scheme, &'static str), Counter>,
}

impl ResourceMetrics {
    /// Describes and creates them.
    #[must_use]
    pub fn register() -> Self {
        describe_counter!(READS, "Reads of resources, by scheme and how they ended");
        // A read runs no command, so it has none of the ends of one.
        let endings = [
            "ok",
            "cancelled",
            "connection_lost",
            "unreachable",
            "refused",
            "invalid",
            "failed",
            "internal",
        ];
        let pairs = Scheme::ALL
            .into_iter()
            .flat_map(|scheme| endings.map(|ending| (scheme, ending)));
        let reads = pairs.map(|(scheme, ending)| {
            let counter = counter!(READS, "scheme" => scheme.label(), "outcome" => ending);
            counter.increment(0);
            ((scheme, ending), counter)
        });
        Self {
            reads: reads.collect(),
        }
    }

    /// A read ended.
    pub fn read(&self, scheme: Scheme, Ending(ending): Ending, took: Duration) {
        if let Some(counter) = self.reads.get(&(scheme, ending)) {
            counter.increment(1);
        }
        let took_ms = u64::try_from(took.as_millis()).unwrap_or(u64::MAX);
        tracing::info!(outcome = ending, took_ms, "resource read");
    }
}
