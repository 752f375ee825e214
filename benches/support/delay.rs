//! A network with a round-trip time: a TCP proxy that hands every piece of a connection on a fixed time
//! after it came, in order and at any rate, or at most at a stated one. It works on bytes and knows
//! nothing of SSH.
//!
//! What it cannot delay is what the kernel answers by itself: the handshake of TCP and its
//! acknowledgements stay as fast as loopback. So one round trip (the handshake) is missing from the
//! making of a connection, and Nagle's algorithm and slow start cost nothing here.

use std::io::Result;
use std::net::{Ipv4Addr, SocketAddr};
use std::time::Duration;

use socket2::SockRef;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::tcp::{OwnedReadHalf, OwnedWriteHalf};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::mpsc;
use tokio::task::{JoinHandle, JoinSet};
use tokio::time::{Instant, sleep, sleep_until};

/// Pieces as large as what russh and `sshd` write at once.
const PIECE: usize = 64 * 1024;

/// What lies between the two ends.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Link {
    /// From one end to the other: half a round trip.
    pub(crate) one_way: Duration,
    /// Bytes per second in each direction; `None` is as many as come.
    pub(crate) rate: Option<f64>,
}

/// A running proxy. Dropping it cuts every connection.
#[derive(Debug)]
pub(crate) struct Delay {
    address: SocketAddr,
    accepting: JoinHandle<()>,
}

impl Delay {
    /// A proxy in front of `server`, on a free port of 127.0.0.1.
    pub(crate) async fn before(server: SocketAddr, link: Link) -> Result<Self> {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await?;
        Ok(Self {
            address: listener.local_addr()?,
            accepting: tokio::spawn(accept(listener, server, link)),
        })
    }

    /// Where clients connect to.
    pub(crate) fn address(&self) -> SocketAddr {
        self.address
    }
}

impl Drop for Delay {
    fn drop(&mut self) {
        self.accepting.abort();
    }
}

/// The round-trip time of such a link, as an echo over it sees it: timers are coarser than the link.
pub(crate) async fn round_trip(link: Link, samples: usize) -> Result<Vec<f64>> {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await?;
    let proxy = Delay::before(listener.local_addr()?, link).await?;
    let mut near = TcpStream::connect(proxy.address()).await?;
    near.set_nodelay(true)?;
    let (mut far, _) = listener.accept().await?;
    far.set_nodelay(true)?;
    let echo = tokio::spawn(async move {
        let (mut from, mut to) = far.split();
        tokio::io::copy(&mut from, &mut to).await
    });
    let mut times = Vec::new();
    for _ in 0..samples {
        let start = Instant::now();
        near.write_all(b"?").await?;
        near.read_u8().await?;
        times.push(start.elapsed().as_secs_f64());
    }
    echo.abort();
    Ok(times)
}

/// Owns the connections: aborted, it drops them all.
async fn accept(listener: TcpListener, server: SocketAddr, link: Link) {
    let mut connections = JoinSet::new();
    while let Ok((client, _)) = listener.accept().await {
        connections.spawn(carry(client, server, link));
        while connections.try_join_next().is_some() {}
    }
}

async fn carry(client: TcpStream, server: SocketAddr, link: Link) -> Result<()> {
    // The server learns of a connection when the last packet of the handshake has reached it.
    sleep(link.one_way).await;
    let server = TcpStream::connect(server).await?;
    for stream in [&client, &server] {
        stream.set_nodelay(true)?;
    }
    let (from_client, to_client) = client.into_split();
    let (from_server, to_server) = server.into_split();
    tokio::join!(
        one_way(from_client, to_server, link),
        one_way(from_server, to_client, link)
    );
    Ok(())
}

/// One direction. Whoever closes is seen by the other side as late as its last bytes.
async fn one_way(mut from: OwnedReadHalf, mut to: OwnedWriteHalf, link: Link) {
    let (sender, mut pieces) = mpsc::unbounded_channel();
    let read = async move {
        let mut free = Instant::now();
        loop {
            let mut piece = Vec::with_capacity(PIECE);
            let read = from.read_buf(&mut piece).await;
            // An end that waits for its acknowledgement before it writes on (Nagle) must not wait
            // for the kernel's timer, which is no part of the network.
            let _ = SockRef::from(from.as_ref()).set_tcp_quickack(true);
            let now = Instant::now();
            let took = link.rate.map_or(0.0, |rate| piece.len() as f64 / rate);
            free = free.max(now) + Duration::from_secs_f64(took);
            if !matches!(read, Ok(1..)) || sender.send((free + link.one_way, piece)).is_err() {
                break sleep_until(free + link.one_way).await;
            }
        }
    };
    let write = async move {
        while let Some((due, piece)) = pieces.recv().await {
            sleep_until(due).await;
            if to.write_all(&piece).await.is_err() {
                return;
            }
        }
        let _ = to.shutdown().await;
    };
    tokio::join!(read, write);
}
