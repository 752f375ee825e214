//! The server as a library: bound, asked where, and run to its end.
//!
//! The order of an end: not ready, nothing new accepted, work in progress finishes within the
//! grace, the rest is cancelled, every connection to a host is closed.

mod gate;

use crate::access::{KeyRing, Principal};
use crate::admin::Admin;
use crate::catalogue::{Metrics, Scout};
use crate::config::{Bind, Config, KnownHosts};
use crate::http::{self, Drained, Surroundings};
use crate::mcp::Engine;
use crate::metrics::{HttpMetrics, ResourceMetrics, ToolMetrics, build_info};
use crate::ops::Ops;
use crate::stdio;
use ::http::Extensions;
use fleet::inventory::local::LocalError;
use fleet::inventory::{InventoryError, Local, Sources};
use fleet::{Deadline, Fleet, HostKeyPolicy, Inventory, Limits, StartError};
use gate::Keys;
use metrics_exporter_prometheus::PrometheusHandle;
use std::io;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;
use tokio_util::sync::CancellationToken;

/// How long the connections to hosts may take to close when nothing is in progress.
const CLOSING: Duration = Duration::from_secs(2);

/// Why a server does not start.
#[derive(Debug, thiserror::Error)]
pub enum ServerError {
    /// The hosts cannot be read.
    #[error("{0}")]
    Inventory(#[from] InventoryError),
    /// The account has no name or home.
    #[error("{0}")]
    Local(#[from] LocalError),
    /// The actors did not start.
    #[error("{0}")]
    Fleet(#[from] StartError),
    /// A listener cannot be bound.
    #[error("cannot listen on `{bind}`: {source}; is another server running there?")]
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
}

impl Backend {
    /// Reads the hosts and starts the fleet. No host is contacted.
    ///
    /// # Errors
    /// [`ServerError`].
    pub async fn start(config: &Config) -> Result<Self, ServerError> {
        let inventory = inventory(config).await?;
        for skipped in inventory.skipped() {
            tracing::warn!(alias = skipped.alias, reason = %skipped.reason, "a host is left out");
        }
        let fleet = Fleet::start(fleet::Settings {
            inventory,
            limits: limits(config),
            host_keys: host_keys(config),
        })
        .await?;
        let ops = Ops::new(fleet.clone(), config.auth.visible.clone());
        Ok(Self { ops, fleet })
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
    grace: Duration,
}

impl Server {
    /// Starts the fleet and binds both listeners.
    ///
    /// # Errors
    /// [`ServerError`].
    pub async fn bind(config: &Config, metrics: PrometheusHandle) -> Result<Self, ServerError> {
        let backend = Backend::start(config).await?;
        build_info();
        let engine = engine(config, &backend);
        let keys = KeyRing::new(config.auth.keys.clone());
        let gate = Keys::new(
            keys,
            config.auth.enabled,
            config.auth.role,
            backend.fleet.clone(),
        );
        let surroundings = Surroundings {
            gate: Arc::new(gate),
            observer: Arc::new(HttpMetrics::register()),
        };
        let settings = http::Settings {
            hosts: config.http.allowed_hosts.clone(),
            connections: config.http.max_connections,
            requests: config.limits.max_concurrent_requests,
            body: config.http.max_body_size,
            request_timeout: config.limits.request_timeout,
            ..http::Settings::default()
        };
        let address = resolve(&config.http.bind).await?;
        let http = http::Server::bind(address, engine, surroundings, settings)
            .await
            .map_err(|source| bind_error(&config.http.bind, source))?;
        let address = resolve(&config.ops.bind).await?;
        let admin = Admin::bind(address, metrics)
            .await
            .map_err(|source| bind_error(&config.ops.bind, source))?;
        Ok(Self {
            http,
            admin,
            backend,
            grace: config.limits.shutdown_grace,
        })
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
            backend,
            grace,
        } = self;
        let (draining, stop) = (shutdown.child_token(), CancellationToken::new());
        let fleet = backend.fleet.clone();
        let operations = tokio::spawn(admin.run(draining.clone(), stop.clone()));
        let clients = tokio::spawn(http.run(draining.clone(), grace));
        let failed = tokio::select! {
            () = shutdown.cancelled() => false,
            () = fleet.failed() => true,
        };
        draining.cancel();
        let drained = clients.await.unwrap_or(Drained {
            finished: 0,
            cut: 0,
        });
        let cut = backend.stop(CLOSING).await;
        stop.cancel();
        let _ended = operations.await;
        if drained.cut > 0 || cut > 0 {
            tracing::warn!(
                requests = drained.cut,
                calls = cut,
                "cut off at the end of the grace"
            );
        }
        tracing::info!(finished = drained.finished, "stopped");
        match failed {
            true => Err(ServerError::Failed("an actor of the fleet ended")),
            false => Ok(()),
        }
    }
}

/// Serves one client on standard input and output until it closes the input, or `shutdown`.
///
/// # Errors
/// The fleet does not start, or the client's pipe breaks.
pub async fn serve_stdio(
    config: &Config,
    shutdown: CancellationToken,
) -> Result<io::Result<()>, ServerError> {
    let backend = Backend::start(config).await?;
    build_info();
    let engine = engine(config, &backend);
    let mut extensions = Extensions::new();
    extensions.insert(Principal::anonymous(config.auth.role));
    let settings = stdio::Settings {
        requests: config.limits.max_concurrent_requests,
        line: config.http.max_body_size,
        request_timeout: config.limits.request_timeout,
        ..stdio::Settings::default()
    };
    let (input, output) = (tokio::io::stdin(), tokio::io::stdout());
    let served = stdio::serve(engine, extensions, input, output, settings, shutdown).await;
    backend.stop(CLOSING).await;
    Ok(served)
}

fn engine(config: &Config, backend: &Backend) -> Engine {
    let metrics = Metrics {
        tools: ToolMetrics::register(config.log.slow_threshold),
        resources: ResourceMetrics::register(),
    };
    let scout = Scout::new(backend.ops.clone(), metrics, config.ssh.host_status_ttl);
    Engine::new(Arc::new(scout))
}

/// The hosts there are, read where blocking is allowed.
async fn inventory(config: &Config) -> Result<Inventory, ServerError> {
    let path = config.ssh.config.clone();
    let loaded = tokio::task::spawn_blocking(move || -> Result<Inventory, ServerError> {
        let local = account()?;
        let standard = local.ssh_dir().join("config");
        let sources = match path == standard {
            true => Sources::standard(local),
            false => Sources::named(path, local),
        };
        Ok(Inventory::load(&sources)?)
    });
    loaded
        .await
        .unwrap_or(Err(ServerError::Failed("the reading of the hosts")))
}

/// The account of this process, at home where `HOME` says. `ssh` asks the passwd database alone, but
/// `~` must not mean one directory in Scout's configuration and another in that of ssh.
fn account() -> Result<Local, LocalError> {
    let mut local = Local::detect()?;
    let home = std::env::var_os("HOME").map(PathBuf::from);
    if let Some(home) = home.filter(|home| home.is_absolute()) {
        local.home = home;
    }
    Ok(local)
}

fn limits(config: &Config) -> Limits {
    let rate = config.limits.rate_limit;
    Limits {
        capacity: config.ssh.max_pool_size,
        idle_timeout: config.ssh.idle_timeout,
        connect_timeout: config.ssh.connection_timeout,
        command_timeout: config.limits.command_timeout,
        running: config.limits.host_running,
        queued: config.limits.host_queue,
        keepalive: config.ssh.keepalive,
        max_file: config.limits.max_file_size,
        max_output: config.limits.max_output_size,
        output_budget: config.limits.output_budget,
        rate_per_minute: rate.map_or(0, |rate| rate.per_minute.get()),
        rate_burst: rate.map_or(1, |rate| rate.burst.get()),
        status_ttl: config.ssh.host_status_ttl,
    }
}

/// A file named in Scout's own configuration replaces those of the ssh configuration; the usual
/// one does not, so that `UserKnownHostsFile` keeps its meaning.
fn host_keys(config: &Config) -> HostKeyPolicy {
    let accept_new = !config.ssh.strict_host_key_checking;
    let usual = account()
        .map(|local| local.ssh_dir().join("known_hosts"))
        .ok();
    match &config.ssh.known_hosts {
        KnownHosts::AcceptAnyKey => HostKeyPolicy::Off,
        KnownHosts::File(path) if Some(path) == usual.as_ref() => HostKeyPolicy::Check {
            files: None,
            accept_new,
        },
        KnownHosts::File(path) => HostKeyPolicy::Check {
            files: Some(vec![path.clone()]),
            accept_new,
        },
    }
}

async fn resolve(bind: &Bind) -> Result<SocketAddr, ServerError> {
    let mut found = tokio::net::lookup_host((bind.host(), bind.port()))
        .await
        .map_err(|source| bind_error(bind, source))?;
    found
        .next()
        .ok_or_else(|| bind_error(bind, io::ErrorKind::NotFound.into()))
}

fn bind_error(bind: &Bind, source: io::Error) -> ServerError {
    ServerError::Bind {
        bind: bind.to_string(),
        source,
    }
}
