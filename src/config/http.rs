//! `[http]`: the listener that clients use.

use serde::Deserialize;

use super::bind::Bind;
use super::key::Key;
use super::kind::Kind;
use super::units::{KIB, MIB};

pub(super) const KEYS: &[Key] = &[
    Key::new("http.host", "SCOUT_HTTP_HOST", Kind::Host, "127.0.0.1").about(
        "Address of the MCP listener. Any address that is not loopback needs API keys: whoever reaches the port reaches the fleet.",
    ),
    Key::new("http.port", "SCOUT_HTTP_PORT", Kind::Port, "8000")
        .about("Port of the MCP listener; 0 takes a free one and says which."),
    Key::new("http.allowed_hosts", "SCOUT_ALLOWED_HOSTS", Kind::Names, "").about(
        "Names besides loopback and the bind address that a `Host` or `Origin` header may carry, such as the public name of a proxy. The check is what stops a web page from reaching this port through DNS rebinding.",
    ),
    Key::new(
        "http.max_connections",
        "SCOUT_MAX_CONNECTIONS",
        Kind::Count { min: 1, max: 65_536 },
        "1024",
    )
    .about("Open client connections; one more is refused before a byte is read. Each costs a file descriptor."),
    Key::new(
        "http.max_connections_per_peer",
        "SCOUT_MAX_CONNECTIONS_PER_PEER",
        Kind::Count { min: 0, max: 65_536 },
        "64",
    )
    .about("Open connections from one address that is not loopback; 0 for no such limit. A balancer is one address for all clients: give it as many as `http.max_connections`."),
    Key::new(
        "http.max_body_size",
        "SCOUT_MAX_BODY_SIZE",
        Kind::Size { min: KIB, max: 64 * MIB },
        "4MiB",
    )
    .about("Largest request body. A request holds names, commands and small texts; files travel over SSH."),
];

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct RawHttp {
    host: String,
    port: u16,
    allowed_hosts: Vec<String>,
    max_connections: usize,
    max_connections_per_peer: usize,
    max_body_size: usize,
}

/// The listener for clients.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Http {
    /// Where it listens.
    pub bind: Bind,
    /// Names that `Host` and `Origin` may carry besides loopback and the bind address, in lower
    /// case, without port.
    pub allowed_hosts: Vec<String>,
    /// Open connections at a time.
    pub max_connections: usize,
    /// Of these, from one address that is not loopback; 0 for no such limit.
    pub max_connections_per_peer: usize,
    /// Bytes of one request body.
    pub max_body_size: usize,
}

impl From<RawHttp> for Http {
    fn from(raw: RawHttp) -> Self {
        Self {
            bind: Bind::new(raw.host, raw.port),
            allowed_hosts: raw.allowed_hosts,
            max_connections: raw.max_connections,
            max_connections_per_peer: raw.max_connections_per_peer,
            max_body_size: raw.max_body_size,
        }
    }
}
