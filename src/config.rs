//! What Scout was told: defaults, then a file, then the environment, then flags, each over the
//! one before; read once into a [`Config`] in which every value is legal.
//!
//! Two types, on purpose. What a layer says is raw: a text, a number, a list, with the place it
//! was written ([`Origin`]). What the program works with is checked: sizes in bytes, durations,
//! paths without `~`, hashed keys. Nothing outside this module ever sees the first kind, and no
//! other part of the program reads the environment.
//!
//! The table of keys in each section file is the only list of keys there is: the loader, the
//! errors, `scout check` and the test of `config/scout.toml` all read it.

mod auth;
mod balancer;
mod bind;
mod check;
mod environment;
mod error;
mod explain;
mod file;
mod http;
mod key;
mod kind;
mod layers;
mod limits;
mod load;
mod log;
mod metrics;
mod ops;
mod overrides;
mod path;
mod ssh;
mod tags;
mod text;
mod transfer;
pub(crate) mod units;

pub use auth::Auth;
pub use balancer::{Balancer, Endpoint};
pub use bind::Bind;
pub use environment::Environment;
pub use error::{ConfigError, ConfigErrors, Warning};
pub use explain::Row;
pub use http::Http;
pub use key::Key;
pub use layers::Origin;
pub use limits::{Limits, RateLimit};
pub use load::Loaded;
pub use log::{Log, LogFormat};
pub use metrics::{Metrics, PerHost};
pub use ops::Ops;
pub use overrides::Overrides;
pub use ssh::{KEEPALIVE_MISSES, KnownHosts, Ssh};
pub use tags::Tag;
pub use transfer::Transfer;

use serde::Deserialize;

use kind::Kind;

/// The exit code of a program whose configuration is refused: `EX_USAGE` of `sysexits.h`.
pub const EXIT_CODE: u8 = 64;

/// Everything Scout was told, checked.
#[derive(Debug, Clone, PartialEq)]
pub struct Config {
    /// How clients reach it.
    pub transport: Transport,
    /// Whether MCP-UI resources were asked for. Without effect: results carry none.
    pub enable_ui: bool,
    /// Threads that work on calls; 0 leaves it to the machine.
    pub threads: usize,
    /// The listener for clients.
    pub http: Http,
    /// The listener for operators: metrics and probes.
    pub ops: Ops,
    /// Which hosts the metrics name.
    pub metrics: Metrics,
    /// The way to other Scouts, if there are any.
    pub balancer: Option<Balancer>,
    /// Bounds on what one call, one host and the whole process may use.
    pub limits: Limits,
    /// The connections to hosts.
    pub ssh: Ssh,
    /// What copies may touch of this machine.
    pub transfer: Transfer,
    /// Tags of hosts, in the order of their names.
    pub tags: Vec<Tag>,
    /// Keys, roles and the hosts that exist for clients.
    pub auth: Auth,
    /// What is logged, and how.
    pub log: Log,
}

const KEYS: &[Key] = &[
    Key::new("transport", "SCOUT_TRANSPORT", Kind::Choice(&["http", "stdio"]), "http")
        .about("How clients reach Scout: `http` at `/mcp`, or `stdio` as a child of the client."),
    Key::new("enable_ui", "SCOUT_ENABLE_UI", Kind::Switch, "false").about(
        "Add MCP-UI resources to results. It has no effect in this version, which has none; the key is read so that a configuration that sets it still loads.",
    ),
    Key::new("threads", "SCOUT_THREADS", Kind::Count { min: 0, max: 256 }, "0").about(
        "Threads that work on calls. 0 takes one where there are at most two cores, because calls are then answered sooner and at less cost, and else one per core. Files of this machine are read on threads that are not counted.",
    ),
];

/// How clients reach Scout.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Transport {
    /// Streamable HTTP at `/mcp`.
    Http,
    /// Standard input and output of this process.
    Stdio,
}

#[cfg(test)]
mod tests;
