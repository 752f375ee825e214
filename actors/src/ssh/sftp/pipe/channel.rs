//! The two tasks of an SFTP channel: one writes what is queued, one reads to the end.

use super::{Answer, Message, NOBODY, closing};
use crate::ssh::Writer;
use crate::ssh::sftp::SftpError;
use crate::ssh::sftp::packet::{self, Malformed, Reply};
use bytes::{Buf, Bytes, BytesMut};
use russh::{ChannelMsg, ChannelReadHalf};
use std::collections::HashMap;
use std::time::Duration;
use tokio::sync::mpsc;
use tokio_util::sync::{CancellationToken, DropGuard};

/// The longest packet taken: what OpenSSH sends at most (sftp-common.h, `SFTP_MAX_MSG_LENGTH`).
const MAX_PACKET: usize = 256 * 1024;

/// How long the host has to end its side once it has been told that nothing more comes.
const LINGER: Duration = Duration::from_secs(1);

/// Writes what is queued until it is told to hang up or the channel has ended. The host's window
/// may be shut for as long as it likes.
///
/// Hanging up is an end of file, upon which the server ends and the host closes the channel: of
/// one that is closed here first, russh never tells the end.
pub(super) async fn write(
    mut tx: Writer,
    mut queue: mpsc::UnboundedReceiver<Message>,
    hang_up: CancellationToken,
    ended: CancellationToken,
    closed: DropGuard,
) {
    let send = async {
        let half = tx.half()?;
        while let Some(Message { packets, data }) = queue.recv().await {
            half.data_bytes(packets).await.ok()?;
            half.data_bytes(data).await.ok()?;
        }
        Some(())
    };
    tokio::select! {
        _ended = send => {}
        () = hang_up.cancelled() => {}
        () = ended.cancelled() => {}
    }
    let goodbye = async {
        if let Some(half) = tx.half() {
            let _gone = half.eof().await;
            ended.cancelled().await;
        }
    };
    let _in_time = tokio::time::timeout(LINGER, goodbye).await;
    tx.close().await;
    drop(closed);
}

/// Waits for the first packet; also gives back what arrived behind it.
pub(super) async fn first(rx: &mut ChannelReadHalf) -> Result<(Bytes, BytesMut), SftpError> {
    let mut buffer = BytesMut::new();
    loop {
        if let Some(packet) = cut(&mut buffer)? {
            return Ok((packet, buffer));
        }
        match rx.wait().await {
            Some(ChannelMsg::Data { data }) => buffer.extend_from_slice(&data),
            Some(ChannelMsg::Failure | ChannelMsg::Close) => return Err(SftpError::NoSubsystem),
            // A host that has none says so; this is the connection's end.
            None => return Err(SftpError::Lost),
            Some(_) => {}
        }
    }
}

/// Takes one whole packet off the front.
fn cut(buffer: &mut BytesMut) -> Result<Option<Bytes>, Malformed> {
    let Some(field) = buffer.get(..4) else {
        return Ok(None);
    };
    let mut field = field;
    let length = field.get_u32() as usize;
    if length > MAX_PACKET {
        return Err(Malformed("a packet is longer than 256 KiB"));
    }
    if buffer.len() < 4 + length {
        buffer.reserve(4 + length - buffer.len());
        return Ok(None);
    }
    buffer.advance(4);
    Ok(Some(buffer.split_to(length).freeze()))
}

/// Reads the channel to its end, or until it was closed from here. When it returns, every answer still expected is lost.
pub(super) async fn read(
    mut rx: ChannelReadHalf,
    mut buffer: BytesMut,
    mut expected: mpsc::UnboundedReceiver<(u32, Answer)>,
    closings: mpsc::UnboundedSender<Message>,
    closed: CancellationToken,
) {
    let mut waiting: HashMap<u32, Answer> = HashMap::new();
    let mut orphaned = false;
    loop {
        tokio::select! {
            // An id is announced before its request is written, so with announcements first no
            // answer can come before its id.
            biased;
            announced = expected.recv(), if !orphaned => match announced {
                Some((id, answer)) => { waiting.insert(id, answer); }
                // The pipe was dropped; see the channel to its end for the sake of its siblings.
                None => orphaned = true,
            },
            message = rx.wait() => match message {
                Some(ChannelMsg::Data { data }) if !orphaned => {
                    buffer.extend_from_slice(&data);
                    if let Err(offence) = deliver(&mut buffer, &mut waiting, &closings) {
                        expected.close();
                        while let Ok((id, answer)) = expected.try_recv() {
                            waiting.insert(id, answer);
                        }
                        for (_, answer) in waiting.drain() {
                            let _caller_left = answer.send(Err(offence.into()));
                        }
                        orphaned = true;
                    }
                }
                Some(ChannelMsg::Close) | None => return,
                Some(_) => {}
            },
            () = closed.cancelled() => return,
        }
    }
}

fn deliver(
    buffer: &mut BytesMut,
    waiting: &mut HashMap<u32, Answer>,
    closings: &mpsc::UnboundedSender<Message>,
) -> Result<(), Malformed> {
    while let Some(packet) = cut(buffer)? {
        let (id, reply) = packet::reply(packet)?;
        if id == NOBODY {
            continue;
        }
        let answer = waiting
            .remove(&id)
            .ok_or(Malformed("an answer has an id nobody asked with"))?;
        // What was opened for a caller who has left is closed again.
        if let Err(Ok(Reply::Handle(handle))) = answer.send(Ok(reply)) {
            let _lost = closings.send(closing(&handle));
        }
    }
    Ok(())
}
