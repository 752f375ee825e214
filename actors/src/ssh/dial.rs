//! Making a connection: one deadline over all phases, and an error that names the phase.
//!
//! The phases are name resolution, TCP, key exchange, host key and authentication; a jump host
//! goes through them first. Nothing here retries.

mod acknowledging;
mod known;
mod offer;
mod tcp;
mod turns;
mod way;

use super::host_key::{Broken, Progress, Sensor, Trust};
use super::patience::{Heard, Patience};
use super::sever::Severable;
use super::{Closed, Session, auth};
use crate::error::{DialError, DialFailure, HostKeyProblem, Phase, one_line};
use crate::inventory::HostSettings;
use crate::latency::{Bounds, Pace, Paces};
use crate::limits::Limits;
use crate::metrics::{Awaited, Connect, Metrics};
use acknowledging::Acknowledging;
use known::Known;
use russh::client;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;
use tokio::io::{AsyncRead, AsyncWrite, BufReader};
use tokio::sync::oneshot;
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;
use turns::{Turn, Turns};
use way::{Limit, Way};

/// The window of a channel where channels share a connection. All of it can stand before an answer
/// that somebody waits for.
const WINDOW: u32 = 2 << 20;

/// The window where nobody else does: over a long way, as much as it takes to keep the way full.
const TRANSFER_WINDOW: u32 = 16 << 20;

/// Bytes read from a host at once. russh reads the length of a packet and then its rest, which would
/// be two system calls and a third that finds nothing for each of the small packets that most are;
/// what is longer than this goes past the buffer.
const READ_BUFFER: usize = 2 << 10;

/// How host keys are verified.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum HostKeyPolicy {
    /// Against known_hosts files: these, or those each host's configuration names. A key that is
    /// not on file is refused, unless `accept_new`; one that contradicts the file always is.
    Check {
        /// Files that replace the configured ones.
        files: Option<Vec<std::path::PathBuf>>,
        /// Trust a host that has no key on file. The key is not recorded.
        accept_new: bool,
    },
    /// Not at all. Whoever answers on the network is believed.
    Off,
}

/// What all connections have in common.
#[derive(Clone)]
pub(crate) struct Dialler {
    connect_timeout: Duration,
    bounds: Bounds,
    keepalive: Duration,
    host_keys: HostKeyPolicy,
    known: Arc<Known>,
    turns: Arc<Turns>,
    metrics: Metrics,
    /// Bytes a host may send on one channel before it hears that they arrived.
    window: u32,
}

impl Dialler {
    pub(crate) fn new(limits: &Limits, host_keys: HostKeyPolicy, metrics: Metrics) -> Self {
        Self {
            connect_timeout: limits.connect_timeout,
            bounds: Bounds {
                least: limits.connect_timeout_min,
                most: limits.connect_timeout,
            },
            keepalive: limits.keepalive,
            host_keys,
            known: Arc::new(Known::new()),
            turns: Arc::new(Turns::new()),
            metrics,
            window: WINDOW,
        }
    }

    /// The same for connections that carry nothing but files on their way.
    pub(crate) fn for_transfers(&self) -> Self {
        Self {
            window: TRANSFER_WINDOW,
            ..self.clone()
        }
    }

    /// Connects and logs in, within the connect timeout (or the host's own `ConnectTimeout` where
    /// that is shorter). A host whose pace is known has less time to show its key; who then logs in
    /// may take what is left of the whole.
    pub(crate) async fn dial(
        &self,
        host: &HostSettings,
        paces: &Paces,
    ) -> Result<(Session, Closed), DialError> {
        let most = host
            .connect_timeout
            .unwrap_or(self.connect_timeout)
            .min(self.connect_timeout);
        let bounds = Bounds {
            most,
            ..self.bounds
        };
        let pace = paces.connect.get();
        let limit = Limit {
            after: pace.deadline(bounds),
            most,
            usual: pace.usual(),
        };
        self.metrics.waits_at_most(Awaited::Connection, limit.after);
        let way = Way::default();
        let result = self.attempt(host, paces, &way, limit).await;
        match result {
            Ok(connected) => {
                self.metrics.connected(Connect::Ok);
                Ok(connected)
            }
            Err(mut failed) => {
                if matches!(failed.cause, DialFailure::TimedOut { .. }) {
                    paces.connect.missed();
                }
                if way.is_at_hop(host) {
                    failed.hop = host
                        .jump
                        .as_ref()
                        .map(|jump| jump.settings.name.to_string());
                }
                if let DialFailure::HostKey(problem) = &failed.cause {
                    self.metrics.key_refused(problem);
                }
                self.metrics.connected(Connect::Failed(failed.phase));
                Err(failed)
            }
        }
    }

    async fn attempt(
        &self,
        host: &HostSettings,
        paces: &Paces,
        way: &Way,
        Limit { after, most, usual }: Limit,
    ) -> Result<(Session, Closed), DialError> {
        let late = |after| error(way.phase(host), DialFailure::TimedOut { after, usual });
        let nearest = host.jump.as_ref().map(|jump| &*jump.settings);
        let (near, progress) = match nearest {
            Some(jump) => (jump, &way.hop),
            None => (host, &way.host),
        };
        let began = Instant::now();
        let found = tokio::time::timeout(after, self.resolve(near, progress)).await;
        let addresses = found.unwrap_or_else(|_| Err(late(after)))?;
        let mut spent = began.elapsed();
        let mut turn = None;
        if let Some(first) = addresses.first() {
            // The wait for a turn is not the host's time, but it ends.
            let waited = tokio::time::timeout(most, self.turns.at(*first)).await;
            let no_turn = DialFailure::NoTurn { after: most };
            turn = waited.map_err(|_| error(Phase::Tcp, no_turn))?;
        }
        let began = Instant::now();
        let until = began + after.saturating_sub(spent);
        let stream = tokio::time::timeout_at(until, self.tcp(&addresses, progress, until)).await;
        let stream = stream.unwrap_or_else(|_| Err(late(after)))?;
        let took = began.elapsed();
        spent += took;
        if nearest.is_none() {
            // One exchange is all that it takes; behind a jump host it would be that one's.
            self.note_exchange(&paces.exchange, took);
        }
        // A host that takes no connection needs no turn of the fleet.
        let of_all = self.turns.of_all().await;
        let began = Instant::now();
        let route = self.route(host, stream, way, paces, turn);
        let mut route = std::pin::pin!(route);
        let shown = tokio::time::timeout(after.saturating_sub(spent), &mut route).await;
        let connected = match shown {
            Ok(connected) => connected,
            // It has shown its key, so it is there; a login may ask a directory, or a person.
            Err(_) if way.is_logging_in(host) => {
                let left = most.saturating_sub(spent + began.elapsed());
                let logged_in = tokio::time::timeout(left, route).await;
                logged_in.unwrap_or_else(|_| Err(late(most)))
            }
            Err(_) => Err(late(after)),
        };
        drop(of_all);
        let (session, closed, login) = connected?;
        paces
            .connect
            .answered(spent + began.elapsed().saturating_sub(login));
        Ok((session, closed))
    }

    fn note_exchange(&self, pace: &Pace, took: Duration) {
        pace.answered(took);
        self.metrics.exchanged(took);
    }

    /// Logs in on an open connection: to the host, or to its jump host and through it to the host.
    /// Also says how long the last login took. `turn` is the one at the address of the connection.
    async fn route(
        &self,
        host: &HostSettings,
        stream: Acknowledging,
        way: &Way,
        paces: &Paces,
        turn: Turn<'_>,
    ) -> Result<(Session, Closed, Duration), DialError> {
        let Some(jump) = host.jump.as_ref().map(|jump| &*jump.settings) else {
            return self.handshake(host, stream, &way.host, paces, None).await;
        };
        // What the jump host's own exchanges take says nothing of those through it.
        let (hop, ..) = self
            .handshake(jump, stream, &way.hop, &Paces::default(), None)
            .await?;
        // It counts those that have not logged in.
        drop(turn);
        way.host.enter(Phase::Tcp);
        let port = u32::from(host.port);
        let carried =
            hop.handle
                .channel_open_direct_tcpip(host.hostname.clone(), port, "127.0.0.1", 0);
        let channel = carried
            .await
            .map_err(|e| error(Phase::Tcp, failure(Broken::Ssh(e))))?;
        let hop = Some(Box::new(hop));
        self.handshake(host, channel.into_stream(), &way.host, paces, hop)
            .await
    }

    async fn resolve(
        &self,
        host: &HostSettings,
        progress: &Progress,
    ) -> Result<Vec<SocketAddr>, DialError> {
        let began = Instant::now();
        progress.enter(Phase::Resolve);
        let found = tokio::net::lookup_host((host.hostname.as_str(), host.port))
            .await
            .map_err(|e| error(Phase::Resolve, DialFailure::Io(e.to_string())))?;
        self.metrics.phase_took(Phase::Resolve, began.elapsed());
        Ok(found.collect())
    }

    async fn tcp(
        &self,
        addresses: &[SocketAddr],
        progress: &Progress,
        until: Instant,
    ) -> Result<Acknowledging, DialError> {
        progress.enter(Phase::Tcp);
        let began = Instant::now();
        let stream = tcp::connect(addresses, until).await;
        let stream = stream.map_err(|e| error(Phase::Tcp, DialFailure::Io(e.to_string())))?;
        self.metrics.phase_took(Phase::Tcp, began.elapsed());
        Ok(Acknowledging::new(stream))
    }

    async fn handshake<S>(
        &self,
        host: &HostSettings,
        stream: S,
        progress: &Arc<Progress>,
        paces: &Paces,
        hop: Option<Box<Session>>,
    ) -> Result<(Session, Closed, Duration), DialError>
    where
        S: AsyncRead + AsyncWrite + Unpin + Send + 'static,
    {
        progress.enter(Phase::Kex);
        let trust = self
            .trust(host)
            .await
            .map_err(|p| error(Phase::HostKey, p.into()))?;
        let config = Arc::new(offer::config(&trust, self.keepalive, self.window));
        let (alive, closed) = oneshot::channel();
        let cut = CancellationToken::new();
        let stream = BufReader::with_capacity(READ_BUFFER, stream);
        let heard = Heard::default();
        let stream = Severable::new(stream, &cut).heard_by(&heard);
        // From here on an early return, or the deadline dropping this future, cuts the socket.
        let sever = cut.clone().drop_guard();
        let sensor = Sensor {
            trust,
            progress: Arc::clone(progress),
            alive,
        };
        let began = Instant::now();
        let mut handle = client::connect_stream(config, stream, sensor)
            .await
            .map_err(|broken| error(progress.phase(), failure(broken)))?;
        let judging = progress.judging();
        self.metrics
            .phase_took(Phase::Kex, began.elapsed().saturating_sub(judging));
        self.metrics.phase_took(Phase::HostKey, judging);
        progress.enter(Phase::Auth);
        let began = Instant::now();
        auth::authenticate(&mut handle, host)
            .await
            .map_err(|cause| error(Phase::Auth, cause))?;
        let login = began.elapsed();
        self.metrics.phase_took(Phase::Auth, login);
        let bounds = Bounds {
            most: self.connect_timeout,
            ..self.bounds
        };
        let patience = Patience {
            pace: paces.exchange.clone(),
            bounds,
            heard,
            metrics: self.metrics.clone(),
        };
        Ok((
            Session {
                handle,
                patience,
                is_openssh: progress.is_openssh(),
                cut,
                _sever: sever,
                _hop: hop,
            },
            Closed(closed),
            login,
        ))
    }

    async fn trust(&self, host: &HostSettings) -> Result<Trust, HostKeyProblem> {
        let (files, accept_new) = match &self.host_keys {
            HostKeyPolicy::Off => return Ok(Trust::Anything),
            HostKeyPolicy::Check {
                files: Some(files),
                accept_new,
            } => (files.clone(), *accept_new),
            HostKeyPolicy::Check {
                files: None,
                accept_new,
            } => (host.known_hosts(), *accept_new),
        };
        let files = self.known.get(files).await;
        let files = files.map_err(HostKeyProblem::Unreadable)?;
        let (name, port) = host.known_as();
        Ok(Trust::Known {
            files,
            name: name.to_owned(),
            port,
            accept_new,
        })
    }
}

fn error(phase: Phase, cause: DialFailure) -> DialError {
    DialError {
        phase,
        cause,
        hop: None,
    }
}

/// russh's error as a cause.
pub(super) fn failure(broken: Broken) -> DialFailure {
    match broken {
        Broken::HostKey(problem) => DialFailure::HostKey(problem),
        Broken::Ssh(russh::Error::IO(io)) => DialFailure::Io(io.to_string()),
        Broken::Ssh(russh::Error::HUP | russh::Error::Disconnect | russh::Error::SendError) => {
            DialFailure::Io("the host closed the connection".into())
        }
        Broken::Ssh(russh::Error::ChannelOpenFailure(reason)) => DialFailure::Io(format!(
            "the jump host refused to connect further ({reason:?})"
        )),
        Broken::Ssh(other) => DialFailure::Protocol(one_line(&other.to_string())),
    }
}
