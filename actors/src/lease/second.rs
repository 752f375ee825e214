//! A second connection to a host, for files on their way: the right to make one, until it has ended.
//!
//! Bytes on their way are in the way of everything else on the same connection: they share one window
//! and one order. The registry gives the right out where the pool has room, to who holds a lease; it
//! counts as a place of the pool, and goes back by being dropped.

use crate::file_session::FileSession;
use crate::host::second::SecondJob;
use crate::inventory::HostSettings;
use crate::latency::Paces;
use crate::lease::Lease;
use crate::limits::Deadline;
use crate::ssh::Dialler;
use crate::target::HostName;
use ractor::DerivedActorRef;
use std::sync::Arc;
use tokio::sync::oneshot;

/// A question for the registry: may there be one more connection to this host?
#[derive(Debug)]
pub(crate) struct SecondWanted {
    pub(crate) host: HostName,
    /// Answered at once. Nothing, if there is no room.
    pub(crate) reply: oneshot::Sender<Option<Second>>,
}

/// News for the registry: a second connection has ended.
#[derive(Debug, Clone)]
pub(crate) struct SecondOver {
    pub(crate) host: HostName,
    /// The host let it not come about.
    pub(crate) refused: bool,
}

/// The right to make a second connection, and the means.
pub(crate) struct Second {
    pub(crate) dialler: Dialler,
    pub(crate) settings: Arc<HostSettings>,
    /// What is known of how long the host takes.
    pub(crate) paces: Paces,
    pub(crate) place: SecondPlace,
}

impl std::fmt::Debug for Second {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Second({})", self.settings.name)
    }
}

/// Its place in the pool.
pub(crate) struct SecondPlace {
    host: HostName,
    refused: bool,
    registry: DerivedActorRef<SecondOver>,
}

impl SecondPlace {
    pub(crate) fn new(host: HostName, registry: DerivedActorRef<SecondOver>) -> Self {
        Self {
            host,
            refused: false,
            registry,
        }
    }

    /// Gives it back with word that the host does not let it be used.
    pub(crate) fn refused(mut self) {
        self.refused = true;
    }
}

impl Drop for SecondPlace {
    fn drop(&mut self) {
        let over = SecondOver {
            host: self.host.clone(),
            refused: self.refused,
        };
        // Fails only when the registry is gone, and with it the place.
        let _sent = self.registry.cast(over);
    }
}

impl Lease {
    /// As [`files`](Self::files), over a connection of its own that ends with the session: for
    /// content that takes its time, so that calls to the same host need not wait behind it. Nothing,
    /// where there is none to be had: the pool has no free place to spare, the host is not connected,
    /// or it does not take a second login. Nothing was done then.
    pub async fn own_files(&self, deadline: Deadline) -> Option<FileSession> {
        let (reply, answer) = oneshot::channel();
        let wanted = SecondWanted {
            host: self.host().clone(),
            reply,
        };
        self.guard.ask_for_second(wanted);
        let second = tokio::time::timeout_at(deadline.instant(), answer).await;
        let second = second.ok()?.ok()??;
        let (reply, answer) = oneshot::channel();
        let job = SecondJob {
            second,
            // Half of the time, so that the rest is enough to do it the other way.
            dialling: deadline.at_most(deadline.left() / 2),
            deadline,
            shutdown: self.tools.shutdown.clone(),
            metrics: self.tools.metrics.clone(),
            reply,
            lease: Arc::clone(&self.guard),
        };
        self.actor.beside(job.run());
        // Its sender goes when the host does; the job has a deadline.
        let channel = answer.await.ok()?;
        let (host, shutdown) = (self.host().clone(), self.tools.shutdown.clone());
        Some(FileSession::new(host, channel, deadline, shutdown))
    }
}
