//! What Scout's own metrics say of the time between two looks.

use crate::kit::real::exposition::Samples;

/// Two looks, of which everything is the difference.
#[derive(Debug)]
pub(super) struct ServerSide {
    before: Samples,
    after: Samples,
}

impl ServerSide {
    pub(super) fn between(before: &Samples, after: &Samples) -> Self {
        Self {
            before: before.clone(),
            after: after.clone(),
        }
    }

    /// By how much a counter grew.
    pub(super) fn grown(&self, name: &str, labels: &[(&str, &str)]) -> f64 {
        let [before, after] = [&self.before, &self.after].map(|page| page.value(name, labels));
        after.unwrap_or_default() - before.unwrap_or_default()
    }

    /// The share of the calls that found a connection.
    pub(super) fn hit_rate(&self) -> f64 {
        let count = |result| self.grown("scout_pool_requests_total", &[("result", result)]);
        count("hit") / (count("hit") + count("miss"))
    }

    /// How long this share of the calls waited for their host at most, in seconds.
    pub(super) fn lock_wait(&self, share: f64) -> f64 {
        self.quantile("scout_lock_wait_seconds_bucket", &[], share)
    }

    /// The same for calls of one urgency.
    pub(super) fn queue_wait(&self, urgency: &str, share: f64) -> f64 {
        let name = "scout_queue_wait_seconds_bucket";
        self.quantile(name, &[("urgency", urgency)], share)
    }

    /// Between the bounds of a bucket by linear interpolation, as `histogram_quantile` of Prometheus
    /// does it.
    fn quantile(&self, name: &str, labels: &[(&str, &str)], share: f64) -> f64 {
        let samples = self.after.matching(name, labels);
        let bounds = samples.filter_map(|sample| sample.labels.get("le"));
        let mut buckets: Vec<_> = bounds
            .map(|le| {
                let labels = [labels, &[("le", le.as_str())]].concat();
                let bound = le.parse().unwrap_or(f64::INFINITY);
                (bound, self.grown(name, &labels))
            })
            .collect();
        buckets.sort_by(|(a, _), (b, _)| a.total_cmp(b));
        let rank = share * buckets.last().map_or(0.0, |(_, count)| *count);
        let (mut low, mut below) = (0.0, 0.0);
        for (bound, count) in buckets {
            if count >= rank && bound.is_finite() {
                return low + (bound - low) * (rank - below) / (count - below).max(1.0);
            }
            if bound.is_finite() {
                (low, below) = (bound, count);
            }
        }
        low
    }
}
