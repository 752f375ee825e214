//! The server as a library: bound, asked where, and run to its end.
//!
//! The order of an end: not ready, after the delay for balancers nothing new accepted, work in progress finishes within the
//! grace, the rest is cancelled, every connection to a host is closed.

mod address;
mod bounds;
mod gate;
mod hosts;
mod names;
mod places;
mod replicas;

pub use hosts::{inventory, strangers};
pub use places::places;
pub use replicas::replica_key;

use crate::access::{KeyRing, Principal};
use crate::admin::Admin;
use crate::catalogue::{Metrics, Scout};
use crate::config::Config;
use crate::http::{self, Drained, Surroundings};
use crate::mcp::Engine;
use crate::metrics::{
    Exposition, HostMetrics, HttpMetrics, Refusals, ResourceMetrics, ToolMetrics, build_info,
};
use crate::ops::Ops;
use crate::stdio;
use ::http::Extensions;
use address::{bind_error, resolve};
use bounds::limits;
use fleet::inventory::InventoryError;
use fleet::inventory::local::LocalError;
use fleet::{Deadline, Fleet, HostName, Inventory, StartError};
use gate::Keys;
use metrics_exporter_prometheus::PrometheusHandle;
use replicas::Replicas;
use std::io;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;

/// How long the connections to hosts may take to close when nothing is in progress.
const CLOSING: Duration = Duration::from_secs(2);

/// How long calls that were cancelled at the end of the grace may take to stop their processes and
/// to answer: what the fleet gives them. With the usual grace the whole stays below the 30 seconds
/// of Kubernetes.
const FAREWELL: Duration = Duration::from_secs(4);

/// Why a server does not start.
#[derive(Debug, thiserror::Error)]
pub enum ServerError {
    /// The hosts cannot be read.
    #[error(transparent)]
    Inventory(#[from] InventoryError),
    /// The account has no name or home.
    #[error(transparent)]
    Local(#[from] LocalError),
    /// The actors did not start.
    #[error(transparent)]
    Fleet(#[from] StartError),
    /// A directory for copies cannot be opened.
    #[error("`transfer.roots` has `{}`, which cannot be opened", path.display())]
    Root {
        /// The directory.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
    /// The key of the replicas cannot be had.
    #[error("`balancer.key_file` is `{}`: {why}", path.display())]
    BalancerKey {
        /// The file.
        path: PathBuf,
        /// What is wrong with it, and what to do.
        why: String,
    },
    /// A listener cannot be bound.
    #[error("cannot listen on `{bind}` (is another server running there?)")]
    Bind {
        /// The address.
        bind: String,
        /// What the system said.
        source: io::Error,
    },
    /// A task ended that must not.
    #[error("a part of the server failed: {0}")]
    Failed(&'static str),
}

/// A fleet with its operations, as every command of the program uses it.
pub struct Backend {
    /// The operations.
    pub ops: Ops,
    fleet: Fleet,
    /// What is to be connected once somebody is served.
    warm: Vec<HostName>,
}

impl Backend {
    /// Reads the hosts and starts the fleet. No host is contacted.
    ///
    /// # Errors
    /// [`ServerError`].
    pub async fn start(config: &Config) -> Result<Self, ServerError> {
        let inventory = read_hosts(config).await?;
        for skipped in inventory.skipped() {
            tracing::warn!(alias = skipped.alias, reason = %skipped.reason, "a host is left out");
        }
        for problem in strangers(config, &inventory) {
            tracing::info!(problem, "the configuration names what is no host");
        }
        let (warm, _) = hosts::warm(config, &inventory);
        let fleet = Fleet::start(fleet::Settings {
            inventory,
            limits: limits(config),
            host_keys: hosts::host_keys(config),
        })
        .await?;
        let ops = Ops::new(fleet.clone(), config.auth.visible.clone());
        Ok(Self { ops, fleet, warm })
    }

    /// Begins to connect the hosts of `ssh.warm`, in the background.
    fn warm_up(&mut self) {
        let hosts = std::mem::take(&mut self.warm);
        if !hosts.is_empty() {
            tracing::info!(hosts = hosts.len(), "warming up");
            self.fleet.warm(hosts);
        }
    }

    /// Closes every connection once work in progress has ended, or `grace` is over.
    pub async fn stop(self, grace: Duration) -> usize {
        self.fleet.shutdown(Deadline::within(grace)).await
    }
}

/// A bound server.
pub struct Server {
    http: http::Server,
    admin: Admin,
    backend: Backend,
    delay: Duration,
    grace: Duration,
}

impl Server {
    /// Starts the fleet and binds both listeners.
    ///
    /// # Errors
    /// [`ServerError`].
    pub async fn bind(config: &Config, metrics: PrometheusHandle) -> Result<Self, ServerError> {
        let (key, balancer) = match Replicas::read(config).await? {
            Some(Replicas { key, balancer }) => (Some(key), Some(balancer)),
            None => (None, None),
        };
        let mut backend = Backend::serving(config).await?;
        backend.ops = backend.ops.with_balancer(balancer);
        match listeners(config, &backend, key.as_deref(), metrics).await {
            Ok((http, admin)) => Ok(Self {
                http,
                admin,
                backend,
                delay: config.limits.shutdown_delay,
                grace: config.limits.shutdown_grace,
            }),
            Err(error) => {
                backend.stop(CLOSING).await;
                Err(error)
            }
        }
    }

    /// Where clients connect.
    #[must_use]
    pub fn local_addr(&self) -> SocketAddr {
        self.http.local_addr()
    }

    /// Where operators look.
    ///
    /// # Errors
    /// The socket is gone.
    pub fn ops_addr(&self) -> io::Result<SocketAddr> {
        self.admin.local_addr()
    }

    /// The operations, to be used beside the clients.
    #[must_use]
    pub fn ops(&self) -> Ops {
        self.backend.ops.clone()
    }

    /// Serves until `shutdown`, and ends in order.
    ///
    /// # Errors
    /// [`ServerError::Failed`] when a part of it failed that it cannot do without.
    pub async fn run(self, shutdown: CancellationToken) -> Result<(), ServerError> {
        let Self {
            http,
            admin,
            mut backend,
            delay,
            grace,
        } = self;
        let leaving = shutdown.child_token();
        let (draining, stop) = (CancellationToken::new(), CancellationToken::new());
        let fleet = backend.fleet.clone();
        backend.warm_up();
        // Neither listener ends by itself: cancelled before the shutdown, this tells of a panic.
        let ended = CancellationToken::new();
        let operations = watched(&ended, admin.run(leaving.clone(), stop.clone()));
        let mut clients = watched(&ended, http.run(draining.clone(), grace + FAREWELL));
        let mut failed = tokio::select! {
            biased;
            () = shutdown.cancelled() => None,
            () = fleet.failed() => Some("an actor of the fleet ended"),
            () = ended.cancelled() => Some("a listener ended"),
        };
        leaving.cancel();
        if failed.is_none() && !delay.is_zero() {
            tracing::info!(?delay, "not ready any more; calls are still taken");
            tokio::time::sleep(delay).await;
        }
        draining.cancel();
        let (drained, cut) = match tokio::time::timeout(grace, &mut clients).await {
            Ok(drained) => (drained, backend.stop(CLOSING).await),
            // What still runs is cancelled on its host, and its answer still goes out.
            Err(_) => {
                let (cut, drained) = tokio::join!(backend.stop(Duration::ZERO), clients);
                (drained, cut)
            }
        };
        let drained = drained.unwrap_or_else(|_| {
            failed = Some("the listener for clients");
            Drained {
                finished: 0,
                cut: 0,
            }
        });
        stop.cancel();
        if operations.await.is_err() {
            failed = Some("the operations listener");
        }
        if drained.cut > 0 || cut > 0 {
            tracing::warn!(
                requests = drained.cut,
                calls = cut,
                "cut off at the end of the grace"
            );
        }
        tracing::info!(finished = drained.finished, "stopped");
        failed.map_or(Ok(()), |part| Err(ServerError::Failed(part)))
    }
}

/// Serves one client on standard input and output until it closes the input, or `shutdown`.
///
/// # Errors
/// [`ServerError`], also when the fleet fails on the way; inside, those of the client's pipes.
pub async fn serve_stdio(
    config: &Config,
    shutdown: CancellationToken,
) -> Result<io::Result<()>, ServerError> {
    let mut backend = Backend::serving(config).await?;
    build_info();
    let engine = engine(config, &backend, Refusals::register());
    backend.warm_up();
    let mut extensions = Extensions::new();
    extensions.insert(Principal::anonymous(config.auth.role));
    let settings = stdio::Settings {
        requests: config.limits.max_concurrent_requests,
        line: config.http.max_body_size,
        request_timeout: config.limits.request_timeout,
        drain: config.limits.shutdown_grace,
        ..stdio::Settings::default()
    };
    let (input, output) = (tokio::io::stdin(), tokio::io::stdout());
    let ending = shutdown.child_token();
    let serving = stdio::serve(engine, extensions, input, output, settings, ending.clone());
    let mut serving = std::pin::pin!(serving);
    let fleet = backend.fleet.clone();
    let (served, failed) = tokio::select! {
        biased;
        served = &mut serving => (served, false),
        () = fleet.failed() => {
            ending.cancel();
            (serving.await, true)
        }
    };
    backend.stop(CLOSING).await;
    match failed {
        true => Err(ServerError::Failed("an actor of the fleet ended")),
        false => Ok(served),
    }
}

/// Runs a part of the server; however it ends, `ended` is cancelled then.
fn watched<T: Send + 'static>(
    ended: &CancellationToken,
    part: impl Future<Output = T> + Send + 'static,
) -> JoinHandle<T> {
    let guard = ended.clone().drop_guard();
    tokio::spawn(async move {
        let _ended = guard;
        part.await
    })
}

async fn listeners(
    config: &Config,
    backend: &Backend,
    replicas: Option<&str>,
    metrics: PrometheusHandle,
) -> Result<(http::Server, Admin), ServerError> {
    build_info();
    let refusals = Refusals::register();
    let gate = Keys::new(
        KeyRing::new(config.auth.keys.clone()),
        config.auth.enabled,
        config.auth.role,
        backend.fleet.clone(),
    )
    .with_replicas(replicas);
    let surroundings = Surroundings {
        gate: Arc::new(gate),
        observer: Arc::new(HttpMetrics::register(
            refusals.clone(),
            config.limits.max_concurrent_requests,
            config.http.max_connections,
        )),
    };
    let address = resolve(&config.http.bind).await?;
    let settings = http::Settings {
        hosts: names::of(
            &config.http.allowed_hosts,
            config.http.bind.host(),
            address.ip(),
        ),
        connections: config.http.max_connections,
        connections_per_peer: config.http.max_connections_per_peer,
        requests: config.limits.max_concurrent_requests,
        body: config.http.max_body_size,
        request_timeout: config.limits.request_timeout,
        ..http::Settings::default()
    };
    let http = http::Server::bind(
        address,
        engine(config, backend, refusals),
        surroundings,
        settings,
    )
    .await
    .map_err(|source| bind_error(&config.http.bind, source))?;
    let address = resolve(&config.ops.bind).await?;
    let hosts = HostMetrics::register(config.metrics.per_host, config.metrics.per_host_limit);
    let exposition = Exposition::new(metrics, backend.fleet.clone(), hosts);
    let admin = Admin::bind(address, exposition, KeyRing::new(config.auth.keys.clone()))
        .await
        .map_err(|source| bind_error(&config.ops.bind, source))?;
    Ok((http, admin))
}

fn engine(config: &Config, backend: &Backend, refusals: Refusals) -> Engine {
    let metrics = Metrics {
        tools: ToolMetrics::register(config.log.slow_threshold),
        resources: ResourceMetrics::register(),
        refusals,
    };
    let scout = Scout::new(backend.ops.clone(), metrics, config.ssh.host_status_ttl);
    Engine::new(Arc::new(scout))
}

/// The hosts there are, read where blocking is allowed.
async fn read_hosts(config: &Config) -> Result<Inventory, ServerError> {
    let config = config.clone();
    tokio::task::spawn_blocking(move || inventory(&config))
        .await
        .unwrap_or(Err(ServerError::Failed("the reading of the hosts")))
}
