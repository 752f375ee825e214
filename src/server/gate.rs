//! Who may send requests, and how many: the keys and the rate limit, as the HTTP shell asks for
//! them.

use crate::access::{KeyRing, Principal, Role};
use crate::http::{Caller, Denied, Gate, Refusal};
use fleet::{Fleet, Refused};
use futures_util::future::BoxFuture;
use std::net::SocketAddr;

/// The gate of a server.
pub(super) struct Keys {
    /// Nothing when keys are not asked for.
    ring: Option<KeyRing>,
    /// What callers without a key may do, where none is asked for.
    role: Role,
    fleet: Fleet,
}

impl Keys {
    /// Asks for one of these keys; for none, if there are none.
    pub(super) fn new(ring: KeyRing, enabled: bool, role: Role, fleet: Fleet) -> Self {
        Self {
            ring: (enabled && !ring.is_empty()).then_some(ring),
            role,
            fleet,
        }
    }
}

impl Gate for Keys {
    fn authenticate(&self, presented: Option<&str>, peer: SocketAddr) -> Result<Caller, Denied> {
        let Some(ring) = &self.ring else {
            let mut caller = Caller::anonymous(peer);
            caller.extensions.insert(Principal::anonymous(self.role));
            return Ok(caller);
        };
        let key = presented.ok_or(Denied::Missing)?;
        let principal = ring.authenticate(key).ok_or(Denied::Invalid)?;
        let mut caller = Caller::named(principal.name.clone(), peer);
        caller.extensions.insert(principal);
        Ok(caller)
    }

    fn admit<'a>(&'a self, caller: &'a Caller) -> BoxFuture<'a, Result<(), Refusal>> {
        Box::pin(async move {
            // A key is its own bucket wherever it is used from; without keys an address is. The
            // two cannot be confused: no name of a key has a slash.
            let bucket = match &caller.principal {
                Some(name) => format!("key/{name}"),
                None => format!("peer/{}", caller.peer.ip().to_canonical()),
            };
            self.fleet
                .admit(&bucket)
                .await
                .map_err(|refused| match refused {
                    Refused::RateLimited(retry_after) => Refusal::TooMany { retry_after },
                    Refused::Unavailable => Refusal::Unavailable,
                })
        })
    }
}
