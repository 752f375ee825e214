//! Hosts that misbehave on purpose: some never get as far as SSH (`Raw`), some speak it well and then
//! break one promise (`HostileHost`). Both bind loopback and end with their value.

mod answers;
mod raw;
mod session;
mod sftp;

use std::net::{Ipv4Addr, SocketAddr};
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use tempfile::TempDir;
use tokio::net::TcpListener;
use tokio::task::{JoinHandle, JoinSet};

use super::fleet::Entry;
use super::keys::KeyPair;
pub(crate) use answers::{Auth, Closing, Ending, Exec, Opens, Script, Sftp};
pub(crate) use raw::{Raw, RawHost};
use session::Session;

/// An SSH host that follows a script, with a host key of its own.
#[derive(Debug)]
pub(crate) struct HostileHost {
    address: SocketAddr,
    key: KeyPair,
    seen: Arc<Seen>,
    accepting: JoinHandle<()>,
    _dir: TempDir,
}

/// What a hostile host saw of its client.
#[derive(Debug, Default)]
pub(crate) struct Seen {
    connections: AtomicUsize,
    live: AtomicUsize,
    auths: AtomicUsize,
    execs: AtomicUsize,
    channels: AtomicUsize,
    sftp_requests: AtomicUsize,
    accepted: AtomicUsize,
    refused: AtomicUsize,
}

impl Seen {
    /// TCP connections so far.
    pub(crate) fn connections(&self) -> usize {
        self.connections.load(Ordering::SeqCst)
    }

    /// TCP connections that live now.
    pub(crate) fn live(&self) -> usize {
        self.live.load(Ordering::SeqCst)
    }

    /// Authentication requests so far, `none` among them.
    pub(crate) fn auths(&self) -> usize {
        self.auths.load(Ordering::SeqCst)
    }

    /// Exec requests so far.
    pub(crate) fn execs(&self) -> usize {
        self.execs.load(Ordering::SeqCst)
    }

    /// Session channels that are open now.
    pub(crate) fn channels(&self) -> usize {
        self.channels.load(Ordering::SeqCst)
    }

    /// SFTP packets received so far.
    pub(crate) fn sftp_requests(&self) -> usize {
        self.sftp_requests.load(Ordering::SeqCst)
    }

    /// Channels of ours that the client let us open: every one is a defect of the client.
    pub(crate) fn accepted_opens(&self) -> usize {
        self.accepted.load(Ordering::SeqCst)
    }

    /// Channels of ours that the client refused.
    pub(crate) fn refused_opens(&self) -> usize {
        self.refused.load(Ordering::SeqCst)
    }
}

impl HostileHost {
    /// Starts a host on a free port of 127.0.0.1.
    pub(crate) async fn start(script: Script) -> Self {
        let dir = tempfile::Builder::new()
            .prefix("scout-it-")
            .tempdir()
            .unwrap();
        let key = KeyPair::ed25519(dir.path(), "host_key");
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.unwrap();
        let address = listener.local_addr().unwrap();
        let seen = Arc::new(Seen::default());
        let config = Arc::new(config(&key.path));
        let accepting = tokio::spawn(accept(listener, config, script, Arc::clone(&seen)));
        Self {
            address,
            key,
            seen,
            accepting,
            _dir: dir,
        }
    }

    /// Where it listens.
    pub(crate) fn address(&self) -> SocketAddr {
        self.address
    }

    /// Its alias for a fleet, with the right host key.
    pub(crate) fn entry(&self, name: &str) -> Entry {
        Entry::new(name, self.address, &self.key.public)
    }

    /// What it saw so far.
    pub(crate) fn seen(&self) -> &Seen {
        &self.seen
    }
}

impl Drop for HostileHost {
    fn drop(&mut self) {
        self.accepting.abort();
    }
}

fn config(key: &Path) -> russh::server::Config {
    russh::server::Config {
        keys: vec![russh::keys::load_secret_key(key, None).unwrap()],
        auth_rejection_time: Duration::ZERO,
        inactivity_timeout: None,
        nodelay: true,
        ..Default::default()
    }
}

async fn accept(
    listener: TcpListener,
    config: Arc<russh::server::Config>,
    script: Script,
    seen: Arc<Seen>,
) {
    let mut connections = JoinSet::new();
    while let Ok((stream, _)) = listener.accept().await {
        seen.connections.fetch_add(1, Ordering::SeqCst);
        let session = Session::new(script, Arc::clone(&seen));
        let config = Arc::clone(&config);
        let seen = Arc::clone(&seen);
        connections.spawn(async move {
            let _live = Counted::new(seen, |seen| &seen.live);
            let _ = stream.set_nodelay(true);
            if let Ok(running) = russh::server::run_stream(config, stream, session).await {
                let _ = running.await;
            }
        });
    }
}

/// One more while it lives.
struct Counted(Arc<Seen>, fn(&Seen) -> &AtomicUsize);

impl Counted {
    fn new(seen: Arc<Seen>, of: fn(&Seen) -> &AtomicUsize) -> Self {
        of(&seen).fetch_add(1, Ordering::SeqCst);
        Self(seen, of)
    }
}

impl Drop for Counted {
    fn drop(&mut self) {
        (self.1)(&self.0).fetch_sub(1, Ordering::SeqCst);
    }
}
