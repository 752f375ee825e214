//! The listener and its connections: accepts, bounds, drains.

use std::io;
use std::net::SocketAddr;
use std::pin::pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering::Relaxed};
use std::time::Duration;

use hyper::service::service_fn;
use hyper_util::rt::{TokioExecutor, TokioIo, TokioTimer};
use hyper_util::server::conn::auto;
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;

use super::settings::{Settings, Surroundings, TurnedAway};
use super::shell::Shell;
use super::socket::Socket;
use super::table::{Seat, Table};
use crate::mcp::Engine;

/// Largest set of request headers, in bytes; above it hyper answers 431. It also bounds their
/// number, at 100.
const HEADER_BYTES: u32 = 32 << 10;

/// Requests at once on one HTTP/2 connection.
const STREAMS: u32 = 128;

/// How often a connection is looked at. Timeouts are late by up to as much.
const TICK: Duration = Duration::from_millis(500);

/// What to wait for after accept failed for want of descriptors or memory.
const EXHAUSTED: Duration = Duration::from_millis(100);

/// What is said to a connection there is no place for.
const NO_PLACE: &[u8] =
    b"HTTP/1.1 503 Service Unavailable\r\nretry-after: 1\r\nscout-not-begun: true\r\nconnection: close\r\ncontent-length: 0\r\n\r\n";

/// A bound server.
#[derive(Debug)]
pub struct Server {
    listener: TcpListener,
    address: SocketAddr,
    shared: Arc<Shared>,
    table: Arc<Table>,
}

/// How a server ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Drained {
    /// Requests that were in flight when the shutdown began, or began during it, and ended in time.
    pub finished: usize,
    /// Requests that were cut off when the grace was over.
    pub cut: usize,
}

struct Shared {
    shell: Shell,
    surroundings: Surroundings,
    settings: Settings,
    flying: AtomicUsize,
    landed: AtomicUsize,
}

impl std::fmt::Debug for Shared {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Shared")
            .field("settings", &self.settings)
            .finish_non_exhaustive()
    }
}

impl Server {
    /// Binds the address; port 0 picks a free one.
    ///
    /// # Errors
    /// Those of bind(2): in use, not available, not permitted.
    pub async fn bind(
        address: SocketAddr,
        engine: Engine,
        surroundings: Surroundings,
        settings: Settings,
    ) -> io::Result<Self> {
        let listener = TcpListener::bind(address).await?;
        let address = listener.local_addr()?;
        let table = Table::new(settings.connections, settings.connections_per_peer);
        let on_loopback = address.ip().to_canonical().is_loopback();
        let shell = Shell::new(engine, surroundings.clone(), settings.clone(), on_loopback);
        let (flying, landed) = (AtomicUsize::new(0), AtomicUsize::new(0));
        let shared = Arc::new(Shared {
            shell,
            surroundings,
            settings,
            flying,
            landed,
        });
        Ok(Self {
            listener,
            address,
            shared,
            table,
        })
    }

    /// Where the server listens.
    pub fn local_addr(&self) -> SocketAddr {
        self.address
    }

    /// Serves until `shutdown`. Then accepts nothing more, closes what is idle, lets requests in
    /// flight finish for at most `grace`, and cuts the rest.
    pub async fn run(self, shutdown: CancellationToken, grace: Duration) -> Drained {
        let Self {
            listener,
            shared,
            table,
            ..
        } = self;
        let mut connections = JoinSet::new();
        loop {
            let accepted = tokio::select! {
                () = shutdown.cancelled() => break,
                Some(_) = connections.join_next() => continue,
                accepted = listener.accept() => accepted,
            };
            match accepted {
                Ok((stream, peer)) => match table.seat(peer.ip()) {
                    Some(seat) => {
                        let shared = Arc::clone(&shared);
                        let shutdown = shutdown.clone();
                        connections.spawn(connection(stream, peer, seat, shared, shutdown));
                    }
                    None => {
                        let observer = &shared.surroundings.observer;
                        observer.on_turned_away(TurnedAway::Connections);
                        turn_away(&stream);
                    }
                },
                Err(error) if is_the_peers(&error) => {}
                Err(error) => {
                    tracing::warn!(%error, "cannot accept connections: waiting");
                    tokio::time::sleep(EXHAUSTED).await;
                }
            }
        }
        drop(listener);
        let before = shared.landed.load(Relaxed);
        let all = async { while connections.join_next().await.is_some() {} };
        let _ = tokio::time::timeout(grace, all).await;
        let cut = shared.flying.load(Relaxed);
        let finished = shared.landed.load(Relaxed) - before;
        connections.shutdown().await;
        Drained { finished, cut }
    }
}

/// Failures of accept(2) that concern one connection only.
fn is_the_peers(error: &io::Error) -> bool {
    use io::ErrorKind::{ConnectionAborted, ConnectionRefused, ConnectionReset, Interrupted};
    matches!(
        error.kind(),
        ConnectionAborted | ConnectionRefused | ConnectionReset | Interrupted
    )
}

/// Says so and hangs up, without waiting for anything.
fn turn_away(stream: &TcpStream) {
    let _ = stream.try_write(NO_PLACE);
}

/// Counts a request in flight.
struct Flight(Arc<Shared>);

impl Flight {
    fn new(shared: &Arc<Shared>) -> Self {
        shared.flying.fetch_add(1, Relaxed);
        Self(Arc::clone(shared))
    }
}

impl Drop for Flight {
    fn drop(&mut self) {
        self.0.landed.fetch_add(1, Relaxed);
        self.0.flying.fetch_sub(1, Relaxed);
    }
}

async fn connection(
    stream: TcpStream,
    peer: SocketAddr,
    seat: Seat,
    shared: Arc<Shared>,
    shutdown: CancellationToken,
) {
    shared.surroundings.observer.on_connection(1);
    serve(stream, peer, &seat, &shared, &shutdown).await;
    shared.surroundings.observer.on_connection(-1);
}

async fn serve(
    stream: TcpStream,
    peer: SocketAddr,
    seat: &Seat,
    shared: &Arc<Shared>,
    shutdown: &CancellationToken,
) {
    let _ = stream.set_nodelay(true);
    let pulse = Arc::clone(&seat.pulse);
    let service = service_fn(|request| {
        let shared = Arc::clone(shared);
        let busy = pulse.begin(request.version() == http::Version::HTTP_2);
        async move {
            let busy = busy.with(Flight::new(&shared));
            Ok::<_, std::convert::Infallible>(shared.shell.answer(request, peer, busy).await)
        }
    });
    let socket = TokioIo::new(Socket::new(stream, Arc::clone(&pulse)));
    let builder = builder();
    let mut connection = pin!(builder.serve_connection(socket, service));
    let mut closing = false;
    let mut tick = tokio::time::interval(TICK);
    loop {
        tokio::select! {
            ended = connection.as_mut() => {
                if let Err(error) = ended {
                    tracing::debug!(%peer, %error, "connection ended");
                }
                return;
            }
            () = seat.evicted.cancelled() => return,
            () = shutdown.cancelled(), if !closing => {
                closing = true;
                connection.as_mut().graceful_shutdown();
            }
            _ = tick.tick() => {
                let settings = &shared.settings;
                if let Some(cut) = pulse.verdict(settings.header_timeout, settings.write_timeout) {
                    tracing::debug!(%peer, ?cut, "connection cut");
                    return;
                }
            }
        }
    }
}

fn builder() -> auto::Builder<TokioExecutor> {
    let mut builder = auto::Builder::new(TokioExecutor::new());
    builder
        .http1()
        .timer(TokioTimer::new())
        .header_read_timeout(None)
        .max_buf_size(HEADER_BYTES as usize);
    builder
        .http2()
        .timer(TokioTimer::new())
        .max_concurrent_streams(STREAMS)
        .max_header_list_size(HEADER_BYTES);
    builder
}
