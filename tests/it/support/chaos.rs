//! A TCP proxy that breaks a connection in the ways networks do. It works on bytes and knows nothing
//! of SSH. To a peer, a blackhole here differs from a dead network in one point: the kernel still
//! acknowledges until the buffers are full.

mod pump;

use std::net::{Ipv4Addr, SocketAddr};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use std::time::Duration;

use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;
use tokio::task::{JoinHandle, JoinSet};

/// What happens to the bytes of a connection.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Mode {
    /// They pass.
    Pass,
    /// Nothing passes in either direction, and nobody is told.
    Blackhole,
    /// Both sides get a RST.
    Reset,
    /// Both sides get a FIN.
    Cut,
    /// The client gets a FIN and nothing more; what it sends still passes.
    HalfClose,
    /// Each piece passes this much later. Pieces wait for one another.
    Delay(Duration),
    /// At most this many bytes per second in each direction.
    Rate(u32),
    /// One byte, then this pause, in each direction.
    Drip(Duration),
}

/// Where bytes go.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Toward {
    Client,
    Server,
}

/// From this byte on, counted per connection and direction, another mode holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Turn {
    pub(crate) toward: Toward,
    pub(crate) after: u64,
    pub(crate) mode: Mode,
}

/// What the connections are to go through; changes reach live connections at once.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Plan {
    mode: Mode,
    turn: Option<Turn>,
}

/// A running proxy. Dropping it cuts every connection.
#[derive(Debug)]
pub(crate) struct Chaos {
    address: SocketAddr,
    plan: watch::Sender<Plan>,
    counts: Arc<Counts>,
    accepting: JoinHandle<()>,
}

/// What went through so far.
#[derive(Debug, Default)]
struct Counts {
    connections: AtomicUsize,
    live: AtomicUsize,
    to_client: AtomicU64,
    to_server: AtomicU64,
}

impl Counts {
    fn bytes(&self, toward: Toward) -> &AtomicU64 {
        match toward {
            Toward::Client => &self.to_client,
            Toward::Server => &self.to_server,
        }
    }
}

impl Chaos {
    /// A proxy in front of `server` that lets everything pass, on a free port of 127.0.0.1.
    pub(crate) async fn before(server: SocketAddr) -> Self {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.unwrap();
        let address = listener.local_addr().unwrap();
        let (plan, seen) = watch::channel(Plan {
            mode: Mode::Pass,
            turn: None,
        });
        let counts = Arc::new(Counts::default());
        let accepting = tokio::spawn(accept(listener, server, seen, Arc::clone(&counts)));
        Self {
            address,
            plan,
            counts,
            accepting,
        }
    }

    /// Where clients connect to.
    pub(crate) fn address(&self) -> SocketAddr {
        self.address
    }

    /// From now on this happens to live and new connections alike.
    pub(crate) fn set(&self, mode: Mode) {
        self.plan.send_replace(Plan { mode, turn: None });
    }

    /// Everything passes, until on some connection `after` bytes went `toward` one side; then `mode`
    /// holds for that connection. Live connections count from the beginning of their life.
    pub(crate) fn turn(&self, toward: Toward, after: u64, mode: Mode) {
        let turn = Some(Turn {
            toward,
            after,
            mode,
        });
        self.plan.send_replace(Plan {
            mode: Mode::Pass,
            turn,
        });
    }

    /// Connections accepted so far.
    pub(crate) fn connections(&self) -> usize {
        self.counts.connections.load(Ordering::SeqCst)
    }

    /// Connections that live now.
    pub(crate) fn live(&self) -> usize {
        self.counts.live.load(Ordering::SeqCst)
    }

    /// Bytes that were handed on to this side, over all connections.
    pub(crate) fn bytes(&self, toward: Toward) -> u64 {
        self.counts.bytes(toward).load(Ordering::SeqCst)
    }
}

impl Drop for Chaos {
    fn drop(&mut self) {
        self.accepting.abort();
    }
}

/// Owns the connections: aborted, it drops them all.
async fn accept(
    listener: TcpListener,
    server: SocketAddr,
    plan: watch::Receiver<Plan>,
    counts: Arc<Counts>,
) {
    let mut connections = JoinSet::new();
    while let Ok((client, _)) = listener.accept().await {
        counts.connections.fetch_add(1, Ordering::SeqCst);
        connections.spawn(serve(client, server, plan.clone(), Arc::clone(&counts)));
        while connections.try_join_next().is_some() {}
    }
}

async fn serve(
    client: TcpStream,
    server: SocketAddr,
    plan: watch::Receiver<Plan>,
    counts: Arc<Counts>,
) {
    counts.live.fetch_add(1, Ordering::SeqCst);
    let _live = Live(Arc::clone(&counts));
    // A server that refuses looks from outside like a connection that is cut at once.
    let Ok(server) = TcpStream::connect(server).await else {
        return;
    };
    for stream in [&client, &server] {
        let _ = stream.set_nodelay(true);
    }
    pump::run(client, server, plan, &counts).await;
}

struct Live(Arc<Counts>);

impl Drop for Live {
    fn drop(&mut self) {
        self.0.live.fetch_sub(1, Ordering::SeqCst);
    }
}
