//! The SFTP server of a loopback host (version 3, draft-ietf-secsh-filexfer-02).
//!
//! Requests are answered one after the other, in their order. The channel is read on while an
//! answer waits for the client's window, up to a bound. What a client may read and change is what
//! this process may.

mod files;
mod longname;
mod packet;

use super::Site;
use bytes::{Buf, Bytes, BytesMut};
use files::Files;
use packet::Request;
use russh::server::Msg;
use russh::{ChannelMsg, ChannelReadHalf, ChannelWriteHalf};
use std::future::Future;
use std::pin::Pin;

/// The longest packet taken: what OpenSSH takes at most (sftp-common.h, `SFTP_MAX_MSG_LENGTH`).
const MAX_PACKET: usize = 256 << 10;

/// Requests not answered yet, in bytes, before the connection is read no further.
const BACKLOG: usize = 1 << 20;

/// An answer under way. It owns the files, so that one request at a time works on them.
type Answering<'a> = Pin<Box<dyn Future<Output = Option<Files>> + Send + 'a>>;

/// Serves a channel until the client ends it, breaks the protocol, or the host stops.
pub(super) async fn serve(rx: &mut ChannelReadHalf, tx: &ChannelWriteHalf<Msg>, site: &Site) {
    let mut requests = BytesMut::new();
    let mut idle = Some(Files::new(site.home.clone()));
    let mut answering: Option<Answering<'_>> = None;
    let mut ended = false;
    loop {
        if let Some(files) = idle.take() {
            match cut(&mut requests) {
                Ok(Some(packet)) => answering = Some(Box::pin(answer(packet, files, tx))),
                Ok(None) if !ended => idle = Some(files),
                Ok(None) | Err(TooLong) => return,
            }
        }
        tokio::select! {
            message = rx.wait(), if !ended && requests.len() < BACKLOG => match message {
                Some(ChannelMsg::Data { data }) => requests.extend_from_slice(&data),
                Some(ChannelMsg::Eof) => ended = true,
                Some(ChannelMsg::Close) | None => return,
                Some(_) => {}
            },
            files = done(&mut answering) => {
                answering = None;
                match files {
                    Some(files) => idle = Some(files),
                    None => return,
                }
            }
            () = site.stop.cancelled() => return,
        }
    }
}

async fn done(answering: &mut Option<Answering<'_>>) -> Option<Files> {
    match answering {
        Some(answering) => answering.await,
        None => std::future::pending().await,
    }
}

/// Answers one request; nothing when the conversation is over.
async fn answer(packet: Bytes, mut files: Files, tx: &ChannelWriteHalf<Msg>) -> Option<Files> {
    let request = Request::decode(packet)?;
    let work = tokio::task::spawn_blocking(move || {
        let reply = match request {
            Request::Init => packet::version(),
            Request::Ask { id, ask } => files.answer(ask).encode(id),
        };
        (files, reply)
    });
    let (files, reply) = work.await.ok()?;
    tx.data_bytes(reply).await.ok()?;
    Some(files)
}

struct TooLong;

/// Takes one whole packet off the front.
fn cut(requests: &mut BytesMut) -> Result<Option<Bytes>, TooLong> {
    let Some(mut field) = requests.get(..4) else {
        return Ok(None);
    };
    let length = field.get_u32() as usize;
    if length > MAX_PACKET {
        return Err(TooLong);
    }
    if requests.len() < 4 + length {
        return Ok(None);
    }
    requests.advance(4);
    Ok(Some(requests.split_to(length).freeze()))
}
