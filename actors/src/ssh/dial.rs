//! Making a connection: one deadline over all phases, and an error that names the phase.
//!
//! The phases are name resolution, TCP, key exchange, host key and authentication; a jump host
//! goes through them first. Nothing here retries.

use super::host_key::{Broken, Progress, Sensor, Trust};
use super::sever::Severable;
use super::{Closed, Session, auth};
use crate::error::{DialError, DialFailure, HostKeyProblem, Phase, one_line};
use crate::inventory::HostSettings;
use crate::inventory::known_hosts::KnownHosts;
use crate::limits::{HANDSHAKES, Limits};
use crate::metrics::{Connect, Metrics};
use russh::keys::Algorithm;
use russh::{Preferred, client};
use std::borrow::Cow;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;
use tokio::io::{AsyncRead, AsyncWrite, BufReader};
use tokio::net::TcpStream;
use tokio::sync::{Semaphore, oneshot};
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

/// How long written bytes may stay unacknowledged before the kernel gives the connection up
/// (`TCP_USER_TIMEOUT`, `tcp(7)`): keepalives cannot notice a peer that stopped reading.
const USER_TIMEOUT: Duration = Duration::from_secs(20);

/// Messages of one channel that wait to be read. Every channel is drained without pause, so this
/// only bounds what a flood can hold in memory: 16 packets of 32 KiB.
const CHANNEL_BUFFER: usize = 16;

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
    keepalive: Duration,
    host_keys: HostKeyPolicy,
    handshakes: Arc<Semaphore>,
    metrics: Metrics,
    /// Bytes a host may send on one channel before it hears that they arrived.
    window: u32,
}

impl Dialler {
    pub(crate) fn new(limits: &Limits, host_keys: HostKeyPolicy, metrics: Metrics) -> Self {
        Self {
            connect_timeout: limits.connect_timeout,
            keepalive: limits.keepalive,
            host_keys,
            handshakes: Arc::new(Semaphore::new(HANDSHAKES)),
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
    /// that is shorter).
    pub(crate) async fn dial(&self, host: &HostSettings) -> Result<(Session, Closed), DialError> {
        let after = host
            .connect_timeout
            .unwrap_or(self.connect_timeout)
            .min(self.connect_timeout);
        let progress = Arc::new(Progress::default());
        let hop = Arc::new(Progress::default());
        let at_hop = || host.jump.is_some() && progress.phase() == Phase::Resolve;
        let late = || {
            let phase = if at_hop() {
                hop.phase()
            } else {
                progress.phase()
            };
            error(phase, DialFailure::TimedOut { after })
        };
        let until = Instant::now() + after;
        let nearest = host.jump.as_ref().map(|jump| &*jump.settings);
        let on_the_way = if nearest.is_some() { &hop } else { &progress };
        let stream = self.tcp(nearest.unwrap_or(host), on_the_way, until);
        let stream = tokio::time::timeout_at(until, stream).await;
        let result = match stream.unwrap_or_else(|_| Err(late())) {
            Err(failed) => Err(failed),
            Ok(stream) => {
                // A host that takes no connection needs no turn, and the wait for one is not the
                // host's time.
                let left = until.saturating_duration_since(Instant::now());
                let _turn = self.handshakes.acquire().await;
                let handshakes = self.route(host, stream, &progress, &hop);
                tokio::time::timeout(left, handshakes)
                    .await
                    .unwrap_or_else(|_| Err(late()))
            }
        };
        match result {
            Ok(connected) => {
                self.metrics.connected(Connect::Ok);
                Ok(connected)
            }
            Err(mut failed) => {
                if at_hop() {
                    failed.hop = host
                        .jump
                        .as_ref()
                        .map(|jump| jump.settings.name.to_string());
                }
                self.metrics.connected(Connect::Failed(failed.phase));
                Err(failed)
            }
        }
    }

    /// Logs in on an open connection: to the host, or to its jump host and through it to the host.
    async fn route(
        &self,
        host: &HostSettings,
        stream: TcpStream,
        progress: &Arc<Progress>,
        hop_progress: &Arc<Progress>,
    ) -> Result<(Session, Closed), DialError> {
        let Some(jump) = host.jump.as_ref().map(|jump| &*jump.settings) else {
            return self.handshake(host, stream, progress, None).await;
        };
        let (hop, _closed) = self.handshake(jump, stream, hop_progress, None).await?;
        progress.enter(Phase::Tcp);
        let port = u32::from(host.port);
        let carried =
            hop.handle
                .channel_open_direct_tcpip(host.hostname.clone(), port, "127.0.0.1", 0);
        let channel = carried
            .await
            .map_err(|e| error(Phase::Tcp, failure(Broken::Ssh(e))))?;
        self.handshake(host, channel.into_stream(), progress, Some(Box::new(hop)))
            .await
    }

    async fn tcp(
        &self,
        host: &HostSettings,
        progress: &Progress,
        until: Instant,
    ) -> Result<TcpStream, DialError> {
        let io = |phase| move |e: std::io::Error| error(phase, DialFailure::Io(e.to_string()));
        let began = Instant::now();
        progress.enter(Phase::Resolve);
        let found = tokio::net::lookup_host((host.hostname.as_str(), host.port))
            .await
            .map_err(io(Phase::Resolve))?;
        let addresses: Vec<_> = found.collect();
        self.metrics.phase_took(Phase::Resolve, began.elapsed());
        progress.enter(Phase::Tcp);
        let began = Instant::now();
        let stream = connect(&addresses, until).await.map_err(io(Phase::Tcp))?;
        // Nagle against the host's delayed acknowledgements costs 40 ms on every command.
        stream.set_nodelay(true).map_err(io(Phase::Tcp))?;
        #[cfg(target_os = "linux")]
        socket2::SockRef::from(&stream)
            .set_tcp_user_timeout(Some(USER_TIMEOUT))
            .map_err(io(Phase::Tcp))?;
        self.metrics.phase_took(Phase::Tcp, began.elapsed());
        Ok(stream)
    }

    async fn handshake<S>(
        &self,
        host: &HostSettings,
        stream: S,
        progress: &Arc<Progress>,
        hop: Option<Box<Session>>,
    ) -> Result<(Session, Closed), DialError>
    where
        S: AsyncRead + AsyncWrite + Unpin + Send + 'static,
    {
        progress.enter(Phase::Kex);
        let trust = self
            .trust(host)
            .await
            .map_err(|p| error(Phase::HostKey, p.into()))?;
        let config = Arc::new(self.config(&trust));
        let (alive, closed) = oneshot::channel();
        let cut = CancellationToken::new();
        let stream = BufReader::with_capacity(READ_BUFFER, stream);
        let stream = Severable::new(stream, &cut);
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
        self.metrics.phase_took(Phase::Auth, began.elapsed());
        Ok((
            Session {
                handle,
                is_openssh: progress.is_openssh(),
                cut,
                _sever: sever,
                _hop: hop,
            },
            Closed(closed),
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
        let loaded = tokio::task::spawn_blocking(move || KnownHosts::load(&files)).await;
        let files = loaded
            .map_err(|e| HostKeyProblem::Unreadable(e.to_string()))?
            .map_err(|e| HostKeyProblem::Unreadable(e.to_string()))?;
        let (name, port) = host.known_as();
        Ok(Trust::Known {
            files: Arc::new(files),
            name: name.to_owned(),
            port,
            accept_new,
        })
    }

    fn config(&self, trust: &Trust) -> client::Config {
        let mut preferred = Preferred {
            cipher: Cow::Borrowed(&[
                russh::cipher::AES_128_GCM,
                russh::cipher::AES_256_GCM,
                russh::cipher::CHACHA20_POLY1305,
                russh::cipher::AES_256_CTR,
                russh::cipher::AES_128_CTR,
            ]),
            ..Preferred::DEFAULT
        };
        if let Trust::Known {
            files, name, port, ..
        } = trust
        {
            let known = files.algorithms(name, *port);
            preferred.key = Cow::Owned(known_first(&known, &preferred.key));
        }
        client::Config {
            preferred,
            nodelay: true,
            keepalive_interval: Some(self.keepalive),
            keepalive_max: 3,
            channel_buffer_size: CHANNEL_BUFFER,
            window_size: self.window,
            ..client::Config::default()
        }
    }
}

/// Connects to the first address that answers. Each gets its share of the time that is left, so
/// that one that swallows packets (IPv6 without a route, often) does not use up the others'.
async fn connect(addresses: &[SocketAddr], until: Instant) -> std::io::Result<TcpStream> {
    let mut failed = std::io::ErrorKind::NotFound.into();
    for (address, rest) in addresses.iter().zip((1..=addresses.len()).rev()) {
        let left = until.saturating_duration_since(Instant::now());
        let share = left / u32::try_from(rest).unwrap_or(u32::MAX);
        match tokio::time::timeout(share, TcpStream::connect(address)).await {
            Ok(Ok(stream)) => return Ok(stream),
            Ok(Err(error)) => failed = error,
            // The deadline over all phases ends with the last one's share, and says so better.
            Err(_) if rest == 1 => std::future::pending().await,
            Err(_) => failed = std::io::ErrorKind::TimedOut.into(),
        }
    }
    Err(failed)
}

/// The host key algorithms in order, those on file first: a host with several keys then shows the
/// one that can be verified (`HostKeyAlgorithms`, `ssh_config(5)`, has the same rule).
fn known_first(known: &[Algorithm], all: &[Algorithm]) -> Vec<Algorithm> {
    let same = |a: &Algorithm, b: &Algorithm| match (a, b) {
        (Algorithm::Rsa { .. }, Algorithm::Rsa { .. }) => true,
        (a, b) => a == b,
    };
    let (mut first, rest): (Vec<_>, Vec<_>) = all
        .iter()
        .cloned()
        .partition(|a| known.iter().any(|k| same(k, a)));
    first.extend(rest);
    first
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_algorithms_on_file_come_first_and_none_is_lost() {
        let all = Preferred::DEFAULT.key;
        let ordered = known_first(&[Algorithm::Rsa { hash: None }], &all);
        assert!(matches!(ordered.first(), Some(Algorithm::Rsa { .. })));
        assert_eq!(ordered.len(), all.len());
        assert_eq!(
            ordered.last(),
            Some(&Algorithm::Ecdsa {
                curve: russh::keys::EcdsaCurve::NistP521
            })
        );
    }
}
