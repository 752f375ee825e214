//! Who may send requests, and how many: the keys and the rate limit, as the HTTP shell asks for
//! them.

use crate::access::{KeyRing, Principal, Replica, Replicas, Role};
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
    /// Other Scouts behind the same balancer.
    replicas: Option<Replicas>,
    fleet: Fleet,
}

impl Keys {
    /// Asks for one of these keys; for none, if there are none.
    pub(super) fn new(ring: KeyRing, enabled: bool, role: Role, fleet: Fleet) -> Self {
        Self {
            ring: (enabled && !ring.is_empty()).then_some(ring),
            role,
            replicas: None,
            fleet,
        }
    }

    /// The same, open to replicas that present this key.
    pub(super) fn with_replicas(mut self, key: Option<&str>) -> Self {
        self.replicas = key.map(|key| Replicas::new(key, self.ring.clone(), self.role));
        self
    }
}

impl Gate for Keys {
    fn authenticate(&self, presented: Option<&str>, peer: SocketAddr) -> Result<Caller, Denied> {
        let replica = presented.and_then(|key| self.replicas.as_ref()?.authenticate(key));
        if let Some(replica) = replica {
            let mut caller = Caller::named("replica", peer);
            caller.on_behalf = true;
            caller.extensions.insert(Replica::principal());
            caller.extensions.insert(replica);
            return Ok(caller);
        }
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
            // Whoever asked the replica was counted there.
            if caller.extensions.get::<Replica>().is_some() {
                return Ok(());
            }
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
