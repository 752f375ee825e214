//! What Scout's own metrics say of the time between two looks.

use crate::kit::real::exposition::Samples;

/// The counts between two looks.
#[derive(Debug)]
pub(super) struct ServerSide {
    pub(super) hits: f64,
    pub(super) misses: f64,
    pub(super) lost: f64,
    /// Upper bounds of the buckets of the lock wait, in seconds, with how many waited no longer.
    waits: Vec<(f64, f64)>,
}

impl ServerSide {
    pub(super) fn between(before: &Samples, after: &Samples) -> Self {
        let grown = |name: &str, labels: &[(&str, &str)]| {
            let [before, after] = [before, after].map(|page| page.value(name, labels));
            after.unwrap_or_default() - before.unwrap_or_default()
        };
        let name = "scout_lock_wait_seconds_bucket";
        let bounds = after
            .matching(name, &[])
            .filter_map(|sample| sample.labels.get("le"));
        let mut waits: Vec<_> = bounds
            .map(|le| {
                (
                    le.parse().unwrap_or(f64::INFINITY),
                    grown(name, &[("le", le)]),
                )
            })
            .collect();
        waits.sort_by(|(a, _), (b, _)| a.total_cmp(b));
        Self {
            hits: grown("scout_pool_requests_total", &[("result", "hit")]),
            misses: grown("scout_pool_requests_total", &[("result", "miss")]),
            lost: grown("scout_ssh_connections_lost_total", &[]),
            waits,
        }
    }

    pub(super) fn hit_rate(&self) -> f64 {
        self.hits / (self.hits + self.misses)
    }

    /// How long this share of the calls waited at most, in seconds; between the bounds of a bucket by
    /// linear interpolation, as `histogram_quantile` of Prometheus does it.
    pub(super) fn lock_wait(&self, share: f64) -> f64 {
        let rank = share * self.waits.last().map_or(0.0, |(_, count)| *count);
        let (mut low, mut below) = (0.0, 0.0);
        for (bound, count) in &self.waits {
            if *count >= rank {
                let within = (rank - below) / (count - below).max(1.0);
                return if bound.is_finite() {
                    low + (bound - low) * within
                } else {
                    low
                };
            }
            (low, below) = (*bound, *count);
        }
        low
    }
}
