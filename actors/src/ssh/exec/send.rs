//! Everything that is sent on a command's channel, in tasks beside the one that reads it.
//!
//! Sending waits for the host's window and for russh's session loop; the loop may be waiting for
//! the reader of this very channel. So the reader never sends.

use super::LINGER;
use crate::ssh::{Session, Writer};
use bytes::Bytes;
use russh::Sig;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use tokio::sync::oneshot;
use tokio_util::task::AbortOnDropHandle;

/// Sends the request if there is one, the script and the command's input. Dropping it ends what is under way.
pub(super) struct Feeder {
    begun: Option<oneshot::Sender<()>>,
    sent: Arc<AtomicBool>,
    _task: Option<AbortOnDropHandle<()>>,
}

impl Feeder {
    /// Starts sending. The input waits for [`begin`](Self::begin): before the shell has read the
    /// whole script, it could take our bytes for script.
    pub(super) fn start(
        tx: &Writer,
        request: Option<&'static str>,
        script: Vec<u8>,
        input: Bytes,
    ) -> Self {
        let (begun, begin) = oneshot::channel();
        let sent = Arc::new(AtomicBool::new(false));
        let task = tx.half().map(|tx| {
            let sent = Arc::clone(&sent);
            AbortOnDropHandle::new(tokio::spawn(async move {
                if let Some(request) = request
                    && tx.exec(true, request).await.is_err()
                {
                    return;
                }
                if tx.data_bytes(script).await.is_err() {
                    return;
                }
                sent.store(true, Ordering::Release);
                if input.is_empty() || begin.await.is_err() {
                    return;
                }
                // Whatever ends the channel meanwhile is seen by its reader.
                let _sent = tx.data_bytes(input).await;
            }))
        });
        Self {
            begun: Some(begun),
            sent,
            _task: task,
        }
    }

    /// The shell has begun.
    pub(super) fn begin(&mut self) {
        if let Some(begun) = self.begun.take() {
            let _waiting = begun.send(());
        }
    }

    /// Whether the whole script has left for the host. Of a part of it a shell runs nothing: it
    /// is all one command.
    pub(super) fn has_sent(&self) -> bool {
        self.sent.load(Ordering::Acquire)
    }
}

/// Ends the lifeline: the host stops the command.
pub(super) fn end_input(tx: &Writer) {
    if let Some(tx) = tx.half() {
        tokio::spawn(async move {
            let _sent = tx.eof().await;
        });
    }
}

/// The watchers on the host did not do it: asks sshd (which refuses for root before OpenSSH 10),
/// and kills the group and what carries the mark through a channel of our own.
pub(super) fn kill(session: &Arc<Session>, tx: &Writer, group: Option<u32>, mark: &str) {
    let group = group.map(|pid| format!("kill -KILL -{pid}; "));
    let sweep = format!(
        "exec /bin/sh -c '{}for p in $(grep -lsF SCOUT_CALL={mark} /proc/[0-9]*/environ); do p=${{p#/proc/}}; kill -KILL \"${{p%/environ}}\"; done'",
        group.unwrap_or_default()
    );
    let (session, tx) = (Arc::clone(session), tx.half());
    tokio::spawn(async move {
        if let Some(tx) = tx {
            let _sent = tx.signal(Sig::KILL).await;
        }
        let Ok(mut second) = session.open().await else {
            return;
        };
        if let Some(tx) = second.tx.half() {
            let _sent = tx.exec(false, sweep).await;
        }
        let ended = async { while second.rx.wait().await.is_some() {} };
        let _in_time = tokio::time::timeout(LINGER, ended).await;
    });
}
