//! Who may come in, asked once per request: the seam between the HTTP shell and whoever keeps the
//! keys and counts the calls. The shell knows no key and no principal by itself.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use futures_util::future::BoxFuture;
use http::Extensions;

/// Decides on requests. `/health` is never asked about.
pub trait Gate: Send + Sync + 'static {
    /// Who presents this key, or `None` when the request carries none. Must not block: it runs for
    /// every request before anything else is read from it. Compare keys in constant time.
    fn authenticate(&self, presented: Option<&str>, peer: SocketAddr) -> Result<Caller, Denied>;

    /// Whether the caller may go on now. Called after [`Gate::authenticate`], also for requests
    /// that will be refused for their shape.
    fn admit<'a>(&'a self, caller: &'a Caller) -> BoxFuture<'a, Result<(), Refusal>>;
}

/// The sender of a request, as the gate knows it.
#[derive(Debug, Clone)]
pub struct Caller {
    /// Its name in logs, and its bucket for the rate limit; without one the peer's address is.
    pub principal: Option<Arc<str>>,
    /// Where the request came from.
    pub peer: SocketAddr,
    /// What the catalogue shall find in `Context::extensions`.
    pub extensions: Extensions,
    /// Whether it works for a caller that has a place already, at another server: it takes none from
    /// those who come by themselves, but has as many of its own.
    pub on_behalf: bool,
}

impl Caller {
    /// A caller without a name.
    pub fn anonymous(peer: SocketAddr) -> Self {
        Self {
            principal: None,
            peer,
            extensions: Extensions::new(),
            on_behalf: false,
        }
    }

    /// A caller with a name.
    pub fn named(principal: impl Into<Arc<str>>, peer: SocketAddr) -> Self {
        Self {
            principal: Some(principal.into()),
            peer,
            extensions: Extensions::new(),
            on_behalf: false,
        }
    }
}

/// Why a key is not accepted. Both answer 401.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum Denied {
    /// There was none.
    #[error("an API key is required: send it as `Authorization: Bearer <key>`")]
    Missing,
    /// Nobody has that one.
    #[error("the API key is not valid")]
    Invalid,
}

/// Why a caller must wait.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum Refusal {
    /// Over its rate: 429 and `Retry-After`, rounded up to whole seconds.
    #[error("too many requests")]
    TooMany {
        /// When the next request will be admitted.
        retry_after: Duration,
    },
    /// The limiter does not answer; closed until it does: 503.
    #[error("the rate limiter is not available")]
    Unavailable,
}

/// Lets everybody in: for a loopback server without keys, and for tests.
#[derive(Debug, Clone, Copy, Default)]
pub struct Open;

impl Gate for Open {
    fn authenticate(&self, _: Option<&str>, peer: SocketAddr) -> Result<Caller, Denied> {
        Ok(Caller::anonymous(peer))
    }

    fn admit<'a>(&'a self, _: &'a Caller) -> BoxFuture<'a, Result<(), Refusal>> {
        Box::pin(async { Ok(()) })
    }
}
