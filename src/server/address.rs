//! From the address of the configuration to one a socket takes.

use super::ServerError;
use crate::config::Bind;
use std::io;
use std::net::SocketAddr;

/// The first address of a configured one.
pub(super) async fn resolve(bind: &Bind) -> Result<SocketAddr, ServerError> {
    let mut found = tokio::net::lookup_host((bind.host(), bind.port()))
        .await
        .map_err(|source| bind_error(bind, source))?;
    found
        .next()
        .ok_or_else(|| bind_error(bind, io::ErrorKind::NotFound.into()))
}

/// Why nothing can be listened on there.
pub(super) fn bind_error(bind: &Bind, source: io::Error) -> ServerError {
    ServerError::Bind {
        bind: bind.to_string(),
        source,
    }
}
