//! A place in the pool, from the grant to the moment it is given back.

use super::second::SecondWanted;
use crate::target::HostName;
use ractor::DerivedActorRef;
use std::sync::Arc;

/// News for the registry: a lease is over.
#[derive(Debug, Clone)]
pub(crate) struct Released {
    pub(crate) host: HostName,
    /// Which life of the host the lease was for.
    pub(crate) generation: u64,
}

/// Holds a host's place in the pool; the last clone to go gives it back.
pub(crate) type LeaseGuard = Arc<Held>;

/// The place itself.
pub(crate) struct Held {
    host: HostName,
    generation: u64,
    registry: DerivedActorRef<Released>,
    seconds: DerivedActorRef<SecondWanted>,
}

impl Held {
    /// The place of this life of the host.
    pub(crate) fn new(
        host: HostName,
        generation: u64,
        registry: DerivedActorRef<Released>,
        seconds: DerivedActorRef<SecondWanted>,
    ) -> Self {
        Self {
            host,
            generation,
            registry,
            seconds,
        }
    }

    /// Asks for a second connection. If the registry is gone, the question is dropped.
    pub(super) fn ask_for_second(&self, wanted: SecondWanted) {
        let _sent = self.seconds.cast(wanted);
    }

    /// The host.
    pub(crate) fn host(&self) -> &HostName {
        &self.host
    }
}

impl Drop for Held {
    fn drop(&mut self) {
        let released = Released {
            host: self.host.clone(),
            generation: self.generation,
        };
        // Fails only when the registry is gone, and with it the place.
        let _sent = self.registry.cast(released);
    }
}
