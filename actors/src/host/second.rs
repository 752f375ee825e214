//! The work on a second connection: it is made, carries one SFTP channel, and ends with it.
//!
//! It runs beside the host's queues, for it takes none of the channels they are about, and it ends
//! with the host like every job. Its end is nobody else's news: the host's own connection is
//! untouched.

use super::files::Channel;
use crate::lease::{LeaseGuard, Second, SecondPlace};
use crate::limits::Deadline;
use crate::metrics::Metrics;
use crate::ssh::sftp::Sftp;
use crate::ssh::{Closed, Session};
use futures_util::FutureExt;
use futures_util::future::BoxFuture;
use std::time::Duration;
use tokio::sync::oneshot;
use tokio_util::sync::CancellationToken;
use tracing::Instrument;

/// How long the end of the channel, and then of the connection, is waited for.
const FAREWELL: Duration = Duration::from_secs(1);

/// Everything it takes to make the connection.
pub(crate) struct SecondJob {
    pub(crate) second: Second,
    /// When there must be a channel.
    pub(crate) dialling: Deadline,
    pub(crate) deadline: Deadline,
    /// Cancelled when the fleet goes down.
    pub(crate) shutdown: CancellationToken,
    pub(crate) metrics: Metrics,
    /// Dropped when nothing comes of it.
    pub(crate) reply: oneshot::Sender<Channel>,
    /// Keeps the host from being evicted until the connection has ended.
    pub(crate) lease: LeaseGuard,
}

/// The connection. However it ends, its socket is cut before its place is free.
struct Connection {
    session: Session,
    up: Up,
    place: SecondPlace,
}

/// Counts the connection while it is there.
struct Up {
    metrics: Metrics,
    lost: bool,
}

impl Up {
    fn new(metrics: Metrics) -> Self {
        metrics.connection_up();
        Self {
            metrics,
            lost: false,
        }
    }
}

impl Drop for Up {
    fn drop(&mut self) {
        self.metrics.connection_down(self.lost);
    }
}

impl SecondJob {
    pub(crate) fn run(self) -> BoxFuture<'static, ()> {
        let host = self.second.settings.name.clone();
        let span = tracing::debug_span!("job", kind = "transfer", %host);
        self.connect_and_serve().instrument(span).boxed()
    }

    async fn connect_and_serve(mut self) {
        let Second {
            dialler,
            settings,
            paces,
            place,
        } = self.second;
        let opening = async {
            let (session, closed) = dialler.dial(&settings, &paces).await.ok()?;
            let up = Up::new(self.metrics.clone());
            let sftp = Sftp::open_for_transfers(&session).await.ok()?;
            Some((session, closed, up, sftp))
        };
        let opened = tokio::select! {
            opened = tokio::time::timeout_at(self.dialling.instant(), opening) => opened,
            () = self.reply.closed() => return,
            () = self.shutdown.cancelled() => return,
        };
        let Ok(Some((session, closed, up, sftp))) = opened else {
            tracing::info!(host = %settings.name, "no second connection for a transfer");
            return place.refused();
        };
        let connection = Connection { session, up, place };
        let in_use = CancellationToken::new();
        let (ended, hang_up) = (sftp.ended(), sftp.hang_up());
        let hang_up = hang_up.drop_guard();
        let channel = Channel::new(sftp, &in_use);
        drop(self.reply.send(channel));
        let lost = tokio::select! {
            // Whoever used it has left; how the channel ends then is no loss.
            biased;
            () = in_use.cancelled() => false,
            () = ended.cancelled() => true,
            () = tokio::time::sleep_until(self.deadline.instant()) => false,
            () = self.shutdown.cancelled() => false,
        };
        drop(hang_up);
        let _in_time = tokio::time::timeout(FAREWELL, ended.cancelled()).await;
        connection.end(closed, lost).await;
        drop(self.lease);
    }
}

impl Connection {
    async fn end(mut self, closed: Closed, lost: bool) {
        self.up.lost = lost;
        self.session.disconnect().await;
        drop(self.session);
        let _in_time = tokio::time::timeout(FAREWELL, closed.wait()).await;
        drop(self.up);
        drop(self.place);
    }
}
