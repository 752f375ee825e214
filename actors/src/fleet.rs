//! The only door: starts the actors, and speaks with them on behalf of everyone outside.

use crate::budget::{Budget, Hold};
use crate::census::{self, Census};
use crate::error::{Contended, FleetError};
use crate::host::Context;
use crate::inventory::{HostSettings, Inventory};
use crate::lease::{Lease, Tools};
use crate::limits::{Deadline, Limits};
use crate::metrics::Metrics;
use crate::rate_limit::{RateLimit, RateLimitRef, Refused};
use crate::registry::{self, Registry, Waiter};
use crate::ssh::{Dialler, HostKeyPolicy};
use crate::supervisor::Supervisor;
use crate::survey::HostPulse;
use crate::target::HostName;
use crate::urgency::Urgency;
use ractor::{Actor, ActorRef, SpawnErr};
use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::oneshot;
use tokio::task::JoinHandle;
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

/// How long an actor of the fleet may take to answer a question about itself.
const ANSWER: Duration = Duration::from_secs(1);

/// How long the probing of all hosts may take.
const CENSUS: Duration = Duration::from_secs(10);

/// How long cancelled work may take to stop its processes.
const CANCEL: Duration = Duration::from_secs(4);

/// What a fleet is started with.
#[derive(Debug, Clone)]
pub struct Settings {
    /// The hosts there are.
    pub inventory: Inventory,
    /// Every bound.
    pub limits: Limits,
    /// How hosts prove who they are.
    pub host_keys: HostKeyPolicy,
}

/// The actors did not start.
#[derive(Debug, thiserror::Error)]
#[error("the fleet cannot start: {0}")]
pub struct StartError(#[from] SpawnErr);

/// A running fleet. Cheap to clone.
#[derive(Clone)]
pub struct Fleet {
    inner: Arc<Inner>,
}

struct Inner {
    inventory: Arc<Inventory>,
    limits: Arc<Limits>,
    budget: Budget,
    registry: ActorRef<registry::Msg>,
    rate_limit: RateLimitRef,
    census: ActorRef<census::Msg>,
    supervisor: ActorRef<crate::supervisor::Spawn>,
    /// Cancelled when running work is no longer waited for.
    shutdown: CancellationToken,
    /// Cancelled when a part failed without which there is no fleet.
    fatal: CancellationToken,
}

/// What is known of one host without asking it.
#[derive(Debug, Clone)]
pub struct HostStatus {
    /// Its alias.
    pub name: HostName,
    /// How it is reached, or why it cannot be used.
    pub settings: Result<Arc<HostSettings>, String>,
    /// Its tags.
    pub tags: Vec<String>,
    /// The state of its connection: `idle`, `connecting`, `connected`, `backoff`.
    pub state: &'static str,
    /// Whether it takes connections; nothing if that was not asked for, or not found out in time.
    pub online: Option<bool>,
}

impl Fleet {
    /// Starts the actors. No host is contacted. Install the metrics recorder first.
    ///
    /// # Errors
    /// [`StartError`], which means a defect.
    pub async fn start(settings: Settings) -> Result<Self, StartError> {
        let limits = Arc::new(settings.limits);
        let bounds = Arc::clone(&limits);
        let inventory = Arc::new(settings.inventory);
        let metrics = Metrics::register(&limits);
        let (shutdown, fatal) = (CancellationToken::new(), CancellationToken::new());
        let budget = Budget::new(limits.output_budget).shown_by(metrics.budget());
        let tools = Tools {
            budget: budget.clone(),
            limits: Arc::clone(&limits),
            metrics: metrics.clone(),
            shutdown: shutdown.clone(),
        };
        let root = Supervisor {
            fatal: fatal.clone(),
            metrics: metrics.clone(),
        };
        let (supervisor, ended) = Actor::spawn(None, root, ()).await?;
        watch(ended, fatal.clone());
        let rate_limit = match RateLimit::rate(&limits) {
            None => None,
            Some(rate) => {
                let actor = RateLimit {
                    rate,
                    metrics: metrics.clone(),
                };
                Some(
                    Actor::spawn_linked(None, actor, (), supervisor.get_cell())
                        .await?
                        .0,
                )
            }
        };
        let census = Census {
            ttl: limits.status_ttl,
        };
        let (census, _) = Actor::spawn_linked(None, census, (), supervisor.get_cell()).await?;
        let dialler = Dialler::new(&limits, settings.host_keys, metrics.clone());
        let registry = Registry {
            inventory: Arc::clone(&inventory),
            supervisor: supervisor.clone(),
            tools,
            context: Box::new(move |me| Context {
                limits: Arc::clone(&limits),
                dialler: dialler.clone(),
                metrics: metrics.clone(),
                events: me.get_derived(),
            }),
        };
        let (registry, _) = Actor::spawn_linked(None, registry, (), supervisor.get_cell()).await?;
        let rate_limit = RateLimitRef::new(rate_limit);
        let inner = Inner {
            inventory,
            limits: bounds,
            budget,
            registry,
            rate_limit,
            census,
            supervisor,
            shutdown,
            fatal,
        };
        Ok(Self {
            inner: Arc::new(inner),
        })
    }

    /// Lets a request of `caller` in, at the rate it is entitled to.
    ///
    /// # Errors
    /// [`Refused`]; also when the rate limit does not answer.
    pub async fn admit(&self, caller: &str) -> Result<(), Refused> {
        self.inner.rate_limit.admit(caller.to_owned()).await
    }

    /// Gets the right to use a host, waiting for a place in the pool until `deadline`. The host
    /// is not contacted yet.
    ///
    /// # Errors
    /// An unknown or unusable host, a pool that stayed full, or the end of the fleet.
    pub async fn lease(&self, host: &HostName, deadline: Deadline) -> Result<Lease, FleetError> {
        self.lease_for(host, Urgency::Interactive, deadline).await
    }

    /// The same for work of this urgency: in the pool, at the host, and for memory it waits behind
    /// what is more urgent, but never for ever.
    ///
    /// # Errors
    /// As for [`lease`](Self::lease).
    pub async fn lease_for(
        &self,
        host: &HostName,
        urgency: Urgency,
        deadline: Deadline,
    ) -> Result<Lease, FleetError> {
        let began = Instant::now();
        let (reply, answer) = oneshot::channel();
        let request = registry::Msg::Lease(Waiter {
            host: host.clone(),
            urgency,
            since: began,
            reply,
        });
        self.inner
            .registry
            .cast(request)
            .map_err(|_| FleetError::ShuttingDown)?;
        match tokio::time::timeout_at(deadline.instant(), answer).await {
            Ok(answer) => answer.unwrap_or(Err(FleetError::ShuttingDown)),
            Err(_) => Err(FleetError::Busy {
                what: Contended::Pool,
                waited: began.elapsed(),
            }),
        }
    }

    /// Room for `bytes` of output that come from somewhere else than a host of this fleet, waiting until
    /// `deadline`.
    ///
    /// # Errors
    /// [`FleetError::Busy`] when there was none in time.
    pub async fn reserve(
        &self,
        urgency: Urgency,
        bytes: u64,
        deadline: Deadline,
    ) -> Result<Hold, FleetError> {
        let began = Instant::now();
        let held = self.inner.budget.reserve_for(urgency, bytes, deadline);
        held.await.ok_or_else(|| FleetError::Busy {
            what: Contended::Memory,
            waited: began.elapsed(),
        })
    }

    /// Connects these hosts in the background, as many as there are places for that no caller
    /// needs, and keeps them for a while. Says nothing of how that goes.
    pub fn warm(&self, hosts: Vec<HostName>) {
        // Fails only when the fleet is gone.
        let _sent = self.inner.registry.cast(registry::Msg::Warm(hosts));
    }

    /// The hosts there are.
    #[must_use]
    pub fn inventory(&self) -> &Inventory {
        &self.inner.inventory
    }

    /// The bounds it works within.
    #[must_use]
    pub fn limits(&self) -> &Limits {
        &self.inner.limits
    }

    /// What is known of these hosts, in this order. With `probe`, those without a connection are
    /// probed, all at once, where they are reached without a jump host; an answer is good for the
    /// status time to live.
    ///
    /// # Errors
    /// The end of the fleet.
    pub async fn status(
        &self,
        hosts: &[HostName],
        probe: bool,
    ) -> Result<Vec<HostStatus>, FleetError> {
        let states: HashMap<_, _> = self.ask(registry::Msg::States).await?;
        let state = |host: &HostName| states.get(host).copied().unwrap_or("idle");
        let entries = hosts
            .iter()
            .filter_map(|host| self.inner.inventory.find(host));
        let mut found: Vec<HostStatus> = entries
            .map(|entry| HostStatus {
                name: entry.name().clone(),
                settings: entry.settings().cloned().map_err(ToString::to_string),
                tags: entry.tags().to_vec(),
                state: state(entry.name()),
                online: None,
            })
            .collect();
        if probe {
            // What stands behind a jump host cannot be seen from here, and sshd holds it against an
            // address that knocks on a jump host for each of many (`PerSourcePenalties`).
            let direct = |host: &HostStatus| match &host.settings {
                Ok(settings) if settings.jump.is_none() => Some(Arc::clone(settings)),
                _ => None,
            };
            let idle = found.iter().filter(|host| host.state != "connected");
            let online = self.probe(idle.filter_map(direct).collect()).await;
            for host in &mut found {
                host.online = match host.state {
                    "connected" => Some(true),
                    _ => online.get(&host.name).copied(),
                };
            }
        }
        Ok(found)
    }

    /// Where every host of the inventory stands and what has happened to it, in the order of the
    /// inventory. No host is asked.
    ///
    /// # Errors
    /// The end of the fleet.
    pub async fn survey(&self) -> Result<Vec<HostPulse>, FleetError> {
        self.ask(registry::Msg::Survey).await
    }

    /// Resolves when something failed without which there is no fleet; the process should end.
    pub async fn failed(&self) {
        self.inner.fatal.cancelled().await;
    }

    /// Ends the fleet: no new leases, work in progress may finish until `deadline`, then it is
    /// cancelled and its processes are stopped; every connection is closed. Gives back how many
    /// calls were cut.
    pub async fn shutdown(&self, deadline: Deadline) -> usize {
        let cut = self.drained(deadline).await;
        if cut > 0 {
            self.inner.shutdown.cancel();
            self.drained(Deadline::within(CANCEL)).await;
        }
        // Its end is the end of all others.
        let _stopped = self
            .inner
            .supervisor
            .stop_and_wait(Some("shutdown".into()), None)
            .await;
        cut
    }

    /// Waits until no lease is out; how many still are at the deadline.
    async fn drained(&self, deadline: Deadline) -> usize {
        loop {
            let out = self
                .ask(|reply| registry::Msg::Drain { close: true, reply })
                .await;
            match out {
                Ok(0) | Err(_) => return 0,
                Ok(out) if deadline.left().is_zero() => return out,
                Ok(_) => tokio::time::sleep(Duration::from_millis(20)).await,
            }
        }
    }

    async fn probe(&self, hosts: Vec<Arc<HostSettings>>) -> HashMap<HostName, bool> {
        let (reply, answer) = oneshot::channel();
        if self
            .inner
            .census
            .cast(census::Msg::Ask { hosts, reply })
            .is_err()
        {
            return HashMap::new();
        }
        tokio::time::timeout(CENSUS, answer)
            .await
            .ok()
            .and_then(Result::ok)
            .unwrap_or_default()
    }

    async fn ask<T>(
        &self,
        message: impl FnOnce(oneshot::Sender<T>) -> registry::Msg,
    ) -> Result<T, FleetError> {
        let (reply, answer) = oneshot::channel();
        self.inner
            .registry
            .cast(message(reply))
            .map_err(|_| FleetError::ShuttingDown)?;
        let answer = tokio::time::timeout(ANSWER, answer).await;
        answer
            .ok()
            .and_then(Result::ok)
            .ok_or(FleetError::ShuttingDown)
    }
}

/// The supervisor has nobody above it but the process.
fn watch(ended: JoinHandle<()>, fatal: CancellationToken) {
    tokio::spawn(async move {
        let _ended = ended.await;
        fatal.cancel();
    });
}
