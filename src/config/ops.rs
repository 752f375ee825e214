//! `[ops]`: the listener of metrics and probes, apart from the one clients use.

use serde::Deserialize;

use super::bind::Bind;
use super::key::Key;
use super::kind::Kind;

pub(super) const KEYS: &[Key] = &[
    Key::new("ops.host", "SCOUT_OPS_HOST", Kind::Host, "127.0.0.1").about(
        "Address of `/metrics`, `/livez` and `/readyz`. Metrics show how many hosts there are and how much is done, and name hosts where `metrics.per_host` says so: on an address that is not loopback `/metrics` asks for an API key, as `Authorization: Bearer KEY`. The probes do not.",
    ),
    Key::new("ops.port", "SCOUT_OPS_PORT", Kind::Port, "9464")
        .about("Port of the operations listener; 9464 is what Prometheus exporters of OpenTelemetry use."),
];

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct RawOps {
    host: String,
    port: u16,
}

/// The listener for operators.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Ops {
    /// Where it listens.
    pub bind: Bind,
}

impl From<RawOps> for Ops {
    fn from(raw: RawOps) -> Self {
        Self {
            bind: Bind::new(raw.host, raw.port),
        }
    }
}
