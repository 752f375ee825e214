//! `[metrics]`: which hosts have series of their own.

use serde::Deserialize;

use super::key::Key;
use super::kind::Kind;

pub(super) const KEYS: &[Key] = &[
    Key::new(
        "metrics.per_host",
        "SCOUT_METRICS_PER_HOST",
        Kind::Choice(&["off", "failing", "all"]),
        "off",
    )
    .about("Hosts that `/metrics` tells of by name, with seven series each: none, those that failed or lost a connection since the start, or all. Who may read the metrics then reads the names."),
    Key::new(
        "metrics.per_host_limit",
        "SCOUT_METRICS_PER_HOST_LIMIT",
        Kind::Count { min: 1, max: 100_000 },
        "2000",
    )
    .about("Hosts that have series of their own at most. A thousand make half a megabyte of a scrape, and Prometheus keeps about 3 kB for each series. How many are left out is a metric too."),
];

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct RawMetrics {
    per_host: PerHost,
    per_host_limit: usize,
}

/// What is exported.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Metrics {
    /// Which hosts have series of their own.
    pub per_host: PerHost,
    /// How many of them at most.
    pub per_host_limit: usize,
}

/// Which hosts have series of their own.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum PerHost {
    /// None.
    Off,
    /// Those that failed or lost a connection since the start.
    Failing,
    /// Every one.
    All,
}

impl From<RawMetrics> for Metrics {
    fn from(raw: RawMetrics) -> Self {
        Self {
            per_host: raw.per_host,
            per_host_limit: raw.per_host_limit,
        }
    }
}
