//! `[log]`: what goes to stderr, and how.

use std::time::Duration;

use serde::Deserialize;

use super::key::Key;
use super::kind::{Bare, Kind};
use super::units::HOUR;

pub(super) const KEYS: &[Key] = &[
    Key::new("log.level", "SCOUT_LOG_LEVEL", Kind::Level, "info").about(
        "`error`, `warn`, `info`, `debug`, `trace`, or directives per module such as `info,scout::http=debug`.",
    ),
    Key::new("log.format", "SCOUT_LOG_FORMAT", Kind::Choice(&["text", "json"]), "text")
        .about("`text` for people, `json` for a collector: one object per line."),
    Key::new("log.payloads", "SCOUT_LOG_PAYLOADS", Kind::Switch, "false").about(
        "Let through what the SSH and protocol libraries log of the bytes they carry, secrets too, where `log.level` asks for it, as `russh=trace` does. Scout itself logs none of what clients send and hosts answer.",
    ),
    Key::new(
        "log.slow_threshold_ms",
        "SCOUT_SLOW_THRESHOLD_MS",
        Kind::Span { bare: Bare::Millis, min: 0, max: HOUR },
        "1000",
    )
    .about("A tool call that takes as long is logged as slow, a warning, with how it ended and how long it took. Milliseconds without a unit."),
];

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct RawLog {
    level: String,
    format: LogFormat,
    payloads: bool,
    slow_threshold_ms: u64,
}

/// What is logged, and how.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Log {
    /// A level or filter directives, in the syntax of `tracing_subscriber::EnvFilter`.
    pub level: String,
    /// The shape of a line.
    pub format: LogFormat,
    /// Whether records of libraries that may hold what clients send and hosts answer are logged.
    pub payloads: bool,
    /// A tool call that takes as long is slow.
    pub slow_threshold: Duration,
}

/// The shape of a line in the log.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum LogFormat {
    /// For people.
    Text,
    /// One JSON object per line.
    Json,
}

impl From<RawLog> for Log {
    fn from(raw: RawLog) -> Self {
        Self {
            level: raw.level,
            format: raw.format,
            payloads: raw.payloads,
            slow_threshold: Duration::from_millis(raw.slow_threshold_ms),
        }
    }
}
