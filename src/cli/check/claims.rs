//! What a configuration promises about the server that runs with it. Pure.

use crate::config::{Config, RateLimit};

/// The promises that can be tried from outside.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Claims {
    /// A `Host` header with a foreign name is refused. Without names of its own a server that is
    /// not on loopback cannot tell.
    pub(super) host: bool,
    /// API keys are asked for.
    pub(super) keys: bool,
    /// The largest request body, in bytes.
    pub(super) body: usize,
    /// Requests per caller.
    pub(super) rate: Option<RateLimit>,
}

impl Claims {
    pub(super) fn of(config: &Config) -> Self {
        Self {
            host: config.http.bind.is_loopback() || !config.http.allowed_hosts.is_empty(),
            keys: config.auth.enabled && !config.auth.keys.is_empty(),
            body: config.http.max_body_size,
            rate: config.limits.rate_limit,
        }
    }
}
