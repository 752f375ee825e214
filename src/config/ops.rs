//! `[ops]`: the listener of metrics and probes, apart from the one clients use.

use serde::Deserialize;

use super::bind::Bind;
use super::key::Key;
use super::kind::Kind;

pub(super) const KEYS: &[Key] = &[
    Key::new("ops.host", "SCOUT_OPS_HOST", Kind::Host, "127.0.0.1").about(
        "Address of `/metrics`, `/livez` and `/readyz`. Metrics name no host, but show how many there are and how much is done, so an address that is not loopback needs API keys here too.",
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
