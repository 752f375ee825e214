//! One SSH connection: made, used, watched and ended. No actor lives here.
//!
//! [`Dialler`] makes a [`Session`]; a session opens channels; [`exec`] runs a command on one under
//! the guarantee of [`lifeline`]; [`sftp`] works on files on others. Nothing here retries, queues or
//! decides about hosts: those are decisions, and they have an owner one floor up.

mod auth;
mod dial;
pub(crate) mod exec;
pub(crate) mod frame;
mod host_key;
pub(crate) mod lifeline;
mod patience;
pub(crate) mod sever;
pub(crate) mod sftp;
pub(crate) mod shell;

pub(crate) use dial::Dialler;
pub use dial::HostKeyPolicy;

use host_key::Sensor;
use patience::Patience;
use russh::client::{Handle, Msg};
use russh::{ChannelReadHalf, ChannelWriteHalf, Disconnect};
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::oneshot;
use tokio_util::sync::{CancellationToken, DropGuard};

/// How long a polite goodbye may take before the socket is cut.
const GOODBYE: Duration = Duration::from_millis(500);

/// An authenticated connection. Dropping it cuts the socket.
pub(crate) struct Session {
    handle: Handle<Sensor>,
    is_openssh: bool,
    patience: Patience,
    cut: CancellationToken,
    /// Cuts the socket under russh, which would otherwise hold it while the peer stops reading
    /// (its session loop writes outside of any deadline).
    _sever: DropGuard,
    /// The jump host's connection, which carries this one.
    _hop: Option<Box<Session>>,
}

/// Resolves when the connection has ended, however it did.
pub(crate) struct Closed(oneshot::Receiver<()>);

impl Closed {
    pub(crate) async fn wait(self) {
        // The sender lives in russh's handler and is dropped with it; nothing is ever sent.
        let _ended = self.0.await;
    }
}

/// Why no channel could be opened. Nothing was started in either case.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum OpenError {
    /// The host has no channel left (`MaxSessions`, `sshd_config(5)`).
    TooMany,
    /// The connection is gone, or does not answer.
    Lost,
}

impl Session {
    /// Opens a session channel.
    pub(crate) async fn open(&self) -> Result<Channel, OpenError> {
        let opening = self.handle.channel_open_session();
        match self.patience.answer(opening).await {
            Some(Ok(channel)) => {
                let (rx, tx) = channel.split();
                Ok(Channel {
                    rx,
                    tx: Writer(Some(Arc::new(tx))),
                })
            }
            Some(Err(russh::Error::ChannelOpenFailure(_))) => Err(OpenError::TooMany),
            Some(Err(_)) | None => Err(OpenError::Lost),
        }
    }

    /// Whether the host says that it is OpenSSH.
    pub(crate) fn is_openssh(&self) -> bool {
        self.is_openssh
    }

    /// Whether the host answers, in the time that its answers take.
    pub(crate) async fn is_alive(&self) -> bool {
        matches!(
            self.patience.answer(self.handle.send_ping()).await,
            Some(Ok(()))
        )
    }

    /// Cuts the socket now, whoever else still uses the connection.
    pub(crate) fn cut(&self) {
        self.cut.cancel();
    }

    /// Says goodbye, so that the host ends its side at once.
    pub(crate) async fn disconnect(&self) {
        let goodbye = self.handle.disconnect(Disconnect::ByApplication, "", "");
        let _sent = tokio::time::timeout(GOODBYE, goodbye).await;
    }
}

/// An open channel. It is closed in every path: dropping russh's own channel tells the host
/// nothing, and the command on it would go on and keep its place in `MaxSessions`.
pub(crate) struct Channel {
    pub(crate) rx: ChannelReadHalf,
    pub(crate) tx: Writer,
}

/// The sending half of a [`Channel`]; closes it when dropped.
///
/// Sending can wait for russh's session loop, and that loop can wait for whoever reads this
/// channel. So who reads a channel never sends on it in the same breath: it hands
/// [`half`](Self::half) to a future of its own.
pub(crate) struct Writer(Option<Arc<ChannelWriteHalf<Msg>>>);

impl Writer {
    /// The half itself, until it is closed.
    pub(crate) fn half(&self) -> Option<Arc<ChannelWriteHalf<Msg>>> {
        self.0.clone()
    }

    /// Closes the channel now.
    pub(crate) async fn close(&mut self) {
        if let Some(half) = self.0.take() {
            let _gone = tokio::time::timeout(GOODBYE, half.close()).await;
        }
    }
}

impl Drop for Writer {
    fn drop(&mut self) {
        if let (Some(half), Ok(runtime)) = (self.0.take(), tokio::runtime::Handle::try_current()) {
            // Nobody waits for it, and it ends with the connection at the latest.
            runtime.spawn(async move {
                let _gone = half.close().await;
            });
        }
    }
}
