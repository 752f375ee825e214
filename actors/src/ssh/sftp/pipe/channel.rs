//! The task of an SFTP channel: it writes what is queued and reads to the end.
//!
//! Writing can wait for russh's session loop, and that loop can wait for whoever reads the channel.
//! So the task reads at every moment, also while something is being written. What is asked while
//! it writes goes out together afterwards, in one packet of SSH where it fits.

use super::exchange::{Exchange, Next};
use super::frames::Frames;
use super::message::Message;
use crate::ssh::Writer;
use crate::ssh::sftp::SftpError;
use crate::ssh::sftp::packet::{self, Malformed};
use bytes::{Bytes, BytesMut};
use futures_util::FutureExt;
use futures_util::future::{Fuse, FusedFuture};
use russh::client::Msg;
use russh::{ChannelMsg, ChannelReadHalf, ChannelWriteHalf};
use std::pin::pin;
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::mpsc;
use tokio::time::Instant;
use tokio_util::sync::{CancellationToken, DropGuard};

/// How long the host has to end its side once it has been told that nothing more comes.
const LINGER: Duration = Duration::from_secs(1);

/// What fills a packet of SSH (OpenSSH takes 32 KiB, `CHAN_SES_PACKET_DEFAULT`, channels.h).
const FULL: usize = 32 * 1024;

/// The host's side of a channel that is open.
pub(super) struct Line {
    pub(super) rx: ChannelReadHalf,
    pub(super) tx: Writer,
    /// What arrived behind the answer to the greeting.
    pub(super) frames: Frames,
}

/// Why a channel is used no more.
enum End {
    /// The host closed it, or the connection is gone.
    Closed,
    /// Nobody uses it any more, or its server stands still.
    Left,
    /// The host broke the protocol.
    Broken(Malformed),
}

/// Serves a channel to its end, and sees that it ends on the host too.
///
/// Hanging up is an end of file, upon which the server ends and the host closes the channel: of
/// one that is closed here first, russh never tells the end. Who still waits for an answer is
/// told at once that there will be none.
pub(super) async fn serve(
    mut line: Line,
    mut queue: mpsc::UnboundedReceiver<Message>,
    mut exchange: Exchange,
    hang_up: CancellationToken,
    ended: DropGuard,
) {
    let end = talk(&mut line, &mut queue, &mut exchange, &hang_up).await;
    queue.close();
    let error = match end {
        End::Broken(offence) => offence.into(),
        End::Closed | End::Left => SftpError::Lost,
    };
    exchange.fail(&error);
    while let Ok(message) = queue.try_recv() {
        message.fail(error.clone());
    }
    let Line { mut rx, mut tx, .. } = line;
    let mut over =
        pin!(async { while !matches!(rx.wait().await, Some(ChannelMsg::Close) | None) {} }.fuse());
    if !matches!(end, End::Closed) {
        let goodbye = async {
            let said = async {
                if let Some(half) = tx.half() {
                    let _gone = half.eof().await;
                }
            };
            tokio::join!(said, &mut over);
        };
        let _in_time = tokio::time::timeout(LINGER, goodbye).await;
    }
    // It is read until it is closed, see above.
    let mut close = pin!(tx.close());
    loop {
        tokio::select! {
            () = &mut close => break,
            () = &mut over, if !over.is_terminated() => {}
        }
    }
    drop(ended);
}

async fn talk(
    line: &mut Line,
    queue: &mut mpsc::UnboundedReceiver<Message>,
    exchange: &mut Exchange,
    hang_up: &CancellationToken,
) -> End {
    let Line { rx, tx, frames } = line;
    let Some(half) = tx.half() else {
        return End::Left;
    };
    let mut writing = pin!(Fuse::terminated());
    let mut hung_up = pin!(hang_up.cancelled());
    let (mut out, mut behind) = (BytesMut::new(), Bytes::new());
    loop {
        match take(frames, exchange, &mut out) {
            Ok(Next::GoesOn) => {}
            Ok(Next::IsStuck) => return End::Left,
            Err(offence) => return End::Broken(offence),
        }
        if writing.is_terminated() && !out.is_empty() {
            let packets = std::mem::take(&mut out).freeze();
            let data = std::mem::take(&mut behind);
            writing.set(write(Arc::clone(&half), packets, data).fuse());
        }
        tokio::select! {
            biased;
            written = &mut writing, if !writing.is_terminated() => if written.is_none() {
                return End::Closed;
            },
            message = rx.wait() => match message {
                Some(ChannelMsg::Data { data }) => frames.push(data),
                Some(ChannelMsg::Close) | None => return End::Closed,
                Some(_) => {}
            },
            message = queue.recv(), if writing.is_terminated() => {
                let now = Instant::now();
                let mut next = message;
                loop {
                    let Some(message) = next else { return End::Left };
                    behind = exchange.ask(message, &mut out, now);
                    if !behind.is_empty() || out.len() >= FULL {
                        break;
                    }
                    match queue.try_recv() {
                        Ok(message) => next = Some(message),
                        Err(_) => break,
                    }
                }
            }
            () = &mut hung_up => return End::Left,
        }
    }
}

/// Gives every packet that has arrived to whom it belongs.
fn take(
    frames: &mut Frames,
    exchange: &mut Exchange,
    out: &mut BytesMut,
) -> Result<Next, Malformed> {
    let mut now = None;
    while let Some(packet) = frames.next()? {
        let now = *now.get_or_insert_with(Instant::now);
        let (id, reply) = packet::reply(packet)?;
        if exchange.answer(id, reply, out, now)? == Next::IsStuck {
            return Ok(Next::IsStuck);
        }
    }
    Ok(Next::GoesOn)
}

/// Writes packets and what follows them; nothing if the channel is gone. The host's window may be
/// shut for as long as it likes.
async fn write(half: Arc<ChannelWriteHalf<Msg>>, packets: Bytes, data: Bytes) -> Option<()> {
    half.data_bytes(packets).await.ok()?;
    half.data_bytes(data).await.ok()
}

/// Waits for the first packet.
pub(super) async fn first(
    rx: &mut ChannelReadHalf,
    frames: &mut Frames,
) -> Result<Bytes, SftpError> {
    loop {
        if let Some(packet) = frames.next()? {
            return Ok(packet);
        }
        match rx.wait().await {
            Some(ChannelMsg::Data { data }) => frames.push(data),
            Some(ChannelMsg::Failure | ChannelMsg::Close) => return Err(SftpError::NoSubsystem),
            // A host that has none says so; this is the connection's end.
            None => return Err(SftpError::Lost),
            Some(_) => {}
        }
    }
}
