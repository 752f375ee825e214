//! A real SSH host inside this process, for a machine that has none.
//!
//! It listens on the loopback interface with a host key of its own, lets exactly one key of one
//! user in, runs commands as the account of this process, and serves its files over
//! SFTP. Everything a client sees is SSH; nothing is simulated. Whoever holds the key can do what
//! this account can do, so the key is made for one use and the address is never a public one.
//!
//! It forwards nothing, gives no terminal and no login shell, and takes no environment.

mod config;
mod connection;
mod key;
mod process;
mod session;
mod sftp;

pub use config::{ConfigError, write_config};
pub use key::{ClientKey, KeyError};

use connection::Connection;
use key::fresh;
use russh::keys::{PrivateKey, PublicKey};
use russh::{MethodKind, MethodSet, SshId, server};
use std::borrow::Cow;
use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;
use tokio::net::TcpListener;
use tokio::sync::Semaphore;
use tokio_util::sync::{CancellationToken, DropGuard};
use tokio_util::task::TaskTracker;

/// Failed attempts to log in on one connection (`MaxAuthTries`, `sshd_config(5)`).
const AUTH_TRIES: usize = 3;

/// Connections at once; further ones are closed unanswered.
const CONNECTIONS: usize = 64;

/// What a client may send ahead on a channel, in bytes. As small as with small servers (dropbear
/// has 24 KiB), so that a client that cannot live with that is found out here.
const WINDOW: u32 = 32 << 10;

/// The pause after a failure to accept, so that a lack of file descriptors does not spin.
const ACCEPT_PAUSE: Duration = Duration::from_millis(100);

/// What a host is started with.
#[derive(Debug, Clone)]
pub struct Options {
    /// Where commands run and relative paths begin. Must be a directory.
    pub home: PathBuf,
    /// The one key that is let in.
    pub authorized: PublicKey,
    /// The one user name that is let in. Commands run as the account of this process whatever it
    /// is.
    pub user: String,
    /// The address to listen on, on a free port. Must be a loopback address.
    pub address: IpAddr,
}

impl Options {
    /// A host on `127.0.0.1`.
    #[must_use]
    pub fn new(home: impl Into<PathBuf>, authorized: PublicKey, user: impl Into<String>) -> Self {
        Self {
            home: home.into(),
            authorized,
            user: user.into(),
            address: Ipv4Addr::LOCALHOST.into(),
        }
    }
}

/// Why a host did not start.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum LoopbackError {
    /// The address could be reached from elsewhere.
    #[error(
        "`{0}` is not a loopback address; a loopback host listens on `127.0.0.1` or `::1` only"
    )]
    NotLoopback(IpAddr),
    /// There is no such directory.
    #[error("the home directory `{}` cannot be used; name an existing directory", .path.display())]
    Home {
        /// The directory.
        path: PathBuf,
        /// Why not.
        source: std::io::Error,
    },
    /// No port could be had.
    #[error("no port of `{address}` can be listened on")]
    Listen {
        /// The address.
        address: IpAddr,
        /// Why not.
        source: std::io::Error,
    },
    /// No host key could be made.
    #[error("the host key cannot be made")]
    Key(#[from] KeyError),
}

/// A running host. Dropping it closes the listener, ends every session and kills the process
/// groups of their commands; [`stop`](Self::stop) also waits for that.
#[derive(Debug)]
pub struct LoopbackHost {
    addr: SocketAddr,
    user: String,
    public: PublicKey,
    tasks: TaskTracker,
    _stop: DropGuard,
}

impl LoopbackHost {
    /// Makes a host key and begins to listen.
    ///
    /// # Errors
    /// [`LoopbackError`].
    pub async fn start(options: Options) -> Result<Self, LoopbackError> {
        let Options {
            home,
            authorized,
            user,
            address,
        } = options;
        if !address.is_loopback() {
            return Err(LoopbackError::NotLoopback(address));
        }
        let unusable = |source| LoopbackError::Home {
            path: home.clone(),
            source,
        };
        let resolved = tokio::fs::canonicalize(&home).await.map_err(unusable)?;
        if !tokio::fs::metadata(&resolved)
            .await
            .map_err(unusable)?
            .is_dir()
        {
            return Err(unusable(std::io::ErrorKind::NotADirectory.into()));
        }
        let host_key = fresh()?;
        let public = host_key.public_key().clone();
        let failed = |source| LoopbackError::Listen { address, source };
        let listener = TcpListener::bind((address, 0)).await.map_err(failed)?;
        let addr = listener.local_addr().map_err(failed)?;
        let (tasks, stop) = (TaskTracker::new(), CancellationToken::new());
        let site = Arc::new(Site {
            home: resolved,
            authorized,
            user: user.clone(),
            addr,
            tasks: tasks.clone(),
            stop: stop.clone(),
        });
        tasks.spawn(accept(listener, Arc::new(config(host_key)), site));
        Ok(Self {
            addr,
            user,
            public,
            tasks,
            _stop: stop.drop_guard(),
        })
    }

    /// Where it listens.
    #[must_use]
    pub fn addr(&self) -> SocketAddr {
        self.addr
    }

    /// The user name it lets in.
    #[must_use]
    pub fn user(&self) -> &str {
        &self.user
    }

    /// Its line for a known_hosts file (`sshd(8)`, SSH_KNOWN_HOSTS FILE FORMAT), without newline.
    #[must_use]
    pub fn known_hosts_line(&self) -> String {
        let (ip, port) = (self.addr.ip(), self.addr.port());
        // The encoding of a key that was just made does not fail.
        let key = self.public.to_openssh().unwrap_or_default();
        format!("[{ip}]:{port} {key}")
    }

    /// Stops it and waits until its connections have ended and its commands' shells were reaped.
    pub async fn stop(self) {
        let Self { tasks, _stop, .. } = self;
        drop(_stop);
        tasks.close();
        tasks.wait().await;
    }
}

/// What all connections of a host have in common.
#[derive(Debug)]
struct Site {
    home: PathBuf,
    authorized: PublicKey,
    user: String,
    addr: SocketAddr,
    tasks: TaskTracker,
    stop: CancellationToken,
}

fn config(host_key: PrivateKey) -> server::Config {
    server::Config {
        server_id: SshId::Standard(Cow::Borrowed("SSH-2.0-Scout_loopback")),
        methods: MethodSet::from(&[MethodKind::PublicKey][..]),
        max_auth_attempts: AUTH_TRIES,
        auth_rejection_time_initial: Some(Duration::ZERO),
        keys: vec![host_key],
        window_size: WINDOW,
        nodelay: true,
        // A client is silent for as long as its commands are.
        inactivity_timeout: None,
        ..server::Config::default()
    }
}

async fn accept(listener: TcpListener, config: Arc<server::Config>, site: Arc<Site>) {
    let places = Arc::new(Semaphore::new(CONNECTIONS));
    loop {
        let accepted = tokio::select! {
            () = site.stop.cancelled() => return,
            accepted = listener.accept() => accepted,
        };
        let Ok((stream, peer)) = accepted else {
            tokio::time::sleep(ACCEPT_PAUSE).await;
            continue;
        };
        let Ok(place) = Arc::clone(&places).try_acquire_owned() else {
            continue;
        };
        let (config, own) = (Arc::clone(&config), Arc::clone(&site));
        site.tasks.spawn(async move {
            Connection::serve(config, stream, peer, own).await;
            drop(place);
        });
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn only_a_loopback_address_and_a_directory_will_do() {
        let key = ClientKey::generate().unwrap();
        let options = Options::new("/", key.public().clone(), "u");
        for address in ["0.0.0.0", "::", "192.0.2.1"] {
            let address = address.parse().unwrap();
            let started = LoopbackHost::start(Options {
                address,
                ..options.clone()
            });
            let error = started.await.unwrap_err();
            assert!(matches!(error, LoopbackError::NotLoopback(a) if a == address));
        }
        for home in ["/dev/null", "/no/such/directory"] {
            let home = home.into();
            let started = LoopbackHost::start(Options {
                home,
                ..options.clone()
            });
            assert!(matches!(
                started.await.unwrap_err(),
                LoopbackError::Home { .. }
            ));
        }
        let host = LoopbackHost::start(options).await.unwrap();
        assert_eq!(host.addr().ip(), Ipv4Addr::LOCALHOST);
        let line = host.known_hosts_line();
        let start = format!("[127.0.0.1]:{} ssh-ed25519 AAAA", host.addr().port());
        assert!(line.starts_with(&start), "{line}");
        host.stop().await;
    }
}
