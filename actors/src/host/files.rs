//! The job that opens an SFTP channel for one caller and sees it to its end.
//!
//! It goes on for as long as the caller uses the channel, so the channel counts as one of the
//! host's running jobs, and ends with the host like every other.

use super::job::{Claim, Job, LaneKind, Slot, Undone, Work};
use super::run::busy;
use crate::error::FleetError;
use crate::lease::LeaseGuard;
use crate::limits::Deadline;
use crate::ssh::OpenError;
use crate::ssh::sftp::{Sftp, SftpError};
use crate::target::HostName;
use crate::urgency::Urgency;
use futures_util::FutureExt;
use futures_util::future::BoxFuture;
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::oneshot;
use tokio::time::Instant;
use tokio_util::sync::{CancellationToken, DropGuard};
use tracing::Instrument;

/// How long the host has to close its side before its channel counts as free.
const LINGER: Duration = Duration::from_secs(2);

/// Everything it takes to open the channel.
pub(crate) struct FilesJob {
    pub(crate) host: HostName,
    pub(crate) deadline: Deadline,
    /// Cancelled when the fleet goes down.
    pub(crate) shutdown: CancellationToken,
    /// When the call came.
    pub(crate) queued: Instant,
    pub(crate) urgency: Urgency,
    pub(crate) claim: Claim,
    pub(crate) reply: oneshot::Sender<Result<Channel, FleetError>>,
    pub(crate) span: tracing::Span,
    /// Keeps the host from being evicted until the job has let go of its channel.
    pub(crate) lease: LeaseGuard,
}

/// The channel as the caller has it. Dropping it ends the job.
pub(crate) struct Channel {
    pub(crate) sftp: Sftp,
    _in_use: DropGuard,
}

impl Channel {
    /// Cancels `in_use` when it is dropped.
    pub(super) fn new(sftp: Sftp, in_use: &CancellationToken) -> Self {
        Self {
            sftp,
            _in_use: in_use.clone().drop_guard(),
        }
    }
}

impl FilesJob {
    /// Wraps it for the queue.
    pub(crate) fn queue(self) -> Job {
        Job {
            lane: LaneKind::Commands,
            in_shell: None,
            urgency: self.urgency,
            claim: self.claim.clone(),
            since: Instant::now(),
            counted: false,
            attempts: 0,
            work: Box::new(self),
        }
    }

    async fn run(self, slot: Slot) {
        tokio::time::sleep(slot.pause()).await;
        let too_late = self.shutdown.is_cancelled() || self.deadline.left().is_zero();
        if too_late || !self.claim.start() {
            let error = match self.shutdown.is_cancelled() {
                true => FleetError::ShuttingDown,
                false => busy(&self.host, self.queued.elapsed()),
            };
            let _heard = self.reply.send(Err(error));
            return;
        }
        let session = Arc::clone(&slot.session);
        let mut opening = Box::pin(async move { Sftp::open_for_transfers(&session).await });
        let opened = tokio::time::timeout_at(self.deadline.instant(), &mut opening).await;
        let host = self.host.clone();
        let answer = match opened {
            Ok(Ok(sftp)) => return self.serve(sftp, slot).await,
            // Nothing was asked of the host yet.
            Ok(Err(SftpError::Open(OpenError::TooMany))) => {
                return slot.undone(self.queue(), Undone::NoChannel);
            }
            Ok(Err(SftpError::Open(OpenError::Lost))) => {
                return slot.undone(self.queue(), Undone::Lost);
            }
            Ok(Err(SftpError::Lost | SftpError::Blocked)) => {
                return slot.undone(self.queue(), Undone::FilesLost);
            }
            Ok(Err(SftpError::NoSubsystem)) => Err(FleetError::NoSftp { host }),
            Ok(Err(SftpError::Silent | SftpError::Problem(_))) => {
                Err(FleetError::SftpSilent { host })
            }
            Err(_) => {
                let _heard = self.reply.send(Err(FleetError::DeadlinePassed {
                    host,
                    doing: "opening an SFTP channel",
                }));
                // A channel that opens after all is closed as it is dropped, and not before.
                if let Ok(sftp) = opening.await {
                    settle(sftp).await;
                }
                return;
            }
        };
        drop(slot);
        let _heard = self.reply.send(answer);
        drop(self.lease);
    }

    /// Hands the channel over and waits until it is used no more.
    async fn serve(self, sftp: Sftp, slot: Slot) {
        let in_use = CancellationToken::new();
        let (ended, hang_up) = (sftp.ended(), sftp.hang_up());
        // Should the host be stopped, its channels end too.
        let hang_up = hang_up.drop_guard();
        let channel = Channel::new(sftp, &in_use);
        // Who has left meanwhile gets nothing, and the channel comes back to be dropped here, at once.
        drop(self.reply.send(Ok(channel)));
        tokio::select! {
            () = in_use.cancelled() => {}
            () = ended.cancelled() => {}
            () = tokio::time::sleep_until(self.deadline.instant()) => {}
            () = self.shutdown.cancelled() => {}
        }
        drop(hang_up);
        let _in_time = tokio::time::timeout(LINGER, ended.cancelled()).await;
        drop(slot);
        drop(self.lease);
    }
}

/// Closes a channel nobody wants any more.
async fn settle(sftp: Sftp) {
    let ended = sftp.ended();
    drop(sftp);
    let _in_time = tokio::time::timeout(LINGER, ended.cancelled()).await;
}

impl Work for FilesJob {
    fn start(self: Box<Self>, slot: Slot) -> BoxFuture<'static, ()> {
        let span = self.span.clone();
        self.run(slot).instrument(span).boxed()
    }

    fn refuse(self: Box<Self>, error: FleetError) {
        let _heard = self.reply.send(Err(error));
    }
}
