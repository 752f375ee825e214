//! The SFTP channel: requests go out as they come, answers find their way back by id.
//!
//! Many requests are under way at once. The task that reads the channel never writes to it:
//! writing can wait for russh's session loop, and that loop can wait for this reader.

use super::SftpError;
use super::packet::{self, Malformed, Reply, Request};
use crate::ssh::{Session, Writer};
use bytes::{Buf, Bytes, BytesMut};
use russh::{ChannelMsg, ChannelReadHalf};
use std::collections::HashMap;
use std::sync::atomic::{AtomicBool, AtomicU32, Ordering};
use std::time::Duration;
use tokio::sync::{mpsc, oneshot};

/// The longest packet taken: what OpenSSH sends at most (sftp-common.h, `SFTP_MAX_MSG_LENGTH`).
const MAX_PACKET: usize = 256 * 1024;

/// How long the start of the subsystem may take.
const START: Duration = Duration::from_secs(5);

type Answer = oneshot::Sender<Result<Reply, SftpError>>;

/// An open SFTP channel.
pub(super) struct Pipe {
    tx: Writer,
    /// Tells the reader which ids to expect. Unbounded, and bounded by the number of operations
    /// the host actor lets in.
    expect: mpsc::UnboundedSender<(u32, Answer)>,
    next: AtomicU32,
    retired: AtomicBool,
    /// Whether the host is an OpenSSH that says what it can take (`limits@openssh.com`).
    pub(super) has_limits: bool,
}

impl Pipe {
    /// Starts the subsystem.
    pub(super) async fn open(session: &Session) -> Result<Self, SftpError> {
        let channel = session.open().await.map_err(SftpError::Open)?;
        let (mut rx, tx) = (channel.rx, channel.tx);
        let begin = async {
            let half = tx.half().ok_or(SftpError::Lost)?;
            half.request_subsystem(true, "sftp")
                .await
                .map_err(|_| SftpError::Lost)?;
            half.data_bytes(packet::init())
                .await
                .map_err(|_| SftpError::Lost)?;
            first(&mut rx).await
        };
        let (hello, rest) = tokio::time::timeout(START, begin)
            .await
            .unwrap_or(Err(SftpError::Silent))?;
        let extensions = packet::version(hello)?;
        let has_limits = extensions
            .iter()
            .any(|name| &**name == b"limits@openssh.com");
        let (expect, expected) = mpsc::unbounded_channel();
        tokio::spawn(read(rx, rest, expected));
        Ok(Self {
            tx,
            expect,
            next: AtomicU32::new(1),
            retired: AtomicBool::new(false),
            has_limits,
        })
    }

    /// Whether the host still serves the channel.
    pub(super) fn is_open(&self) -> bool {
        !self.expect.is_closed() && !self.retired.load(Ordering::Relaxed)
    }

    /// From now on the channel counts as closed.
    pub(super) fn retire(&self) {
        self.retired.store(true, Ordering::Relaxed);
    }

    /// Sends requests in one piece and gives back where their answers will arrive.
    pub(super) async fn send<const N: usize>(
        &self,
        requests: [Request<'_>; N],
    ) -> Result<[Pending; N], SftpError> {
        let mut bytes = BytesMut::new();
        let mut lost = self.retired.load(Ordering::Relaxed);
        let pending = requests.map(|request| {
            let id = self.next.fetch_add(1, Ordering::Relaxed);
            request.encode(id, &mut bytes);
            let (answer, pending) = oneshot::channel();
            lost |= self.expect.send((id, answer)).is_err();
            Pending(pending)
        });
        if lost {
            return Err(SftpError::Lost);
        }
        let half = self.tx.half().ok_or(SftpError::Lost)?;
        half.data_bytes(bytes.freeze())
            .await
            .map_err(|_| SftpError::Lost)?;
        Ok(pending)
    }

    /// Sends a request nobody waits for.
    pub(super) async fn post(&self, request: Request<'_>) {
        // The answer is dropped on arrival.
        let _pending = self.send([request]).await;
    }
}

/// An answer that is under way.
pub(super) struct Pending(oneshot::Receiver<Result<Reply, SftpError>>);

impl Pending {
    pub(super) async fn answer(self) -> Result<Reply, SftpError> {
        self.0.await.unwrap_or(Err(SftpError::Lost))
    }
}

/// Waits for the first packet; also gives back what arrived behind it.
async fn first(rx: &mut ChannelReadHalf) -> Result<(Bytes, BytesMut), SftpError> {
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

/// Reads the channel to its end. When it returns, every answer still expected is lost.
async fn read(
    mut rx: ChannelReadHalf,
    mut buffer: BytesMut,
    mut expected: mpsc::UnboundedReceiver<(u32, Answer)>,
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
                    if let Err(offence) = deliver(&mut buffer, &mut waiting) {
                        for (_, answer) in waiting.drain() {
                            let _caller_left = answer.send(Err(offence.into()));
                        }
                        expected.close();
                        orphaned = true;
                    }
                }
                Some(ChannelMsg::Close) | None => return,
                Some(_) => {}
            },
        }
    }
}

fn deliver(buffer: &mut BytesMut, waiting: &mut HashMap<u32, Answer>) -> Result<(), Malformed> {
    while let Some(packet) = cut(buffer)? {
        let (id, reply) = packet::reply(packet)?;
        let answer = waiting
            .remove(&id)
            .ok_or(Malformed("an answer has an id nobody asked with"))?;
        let _caller_left = answer.send(Ok(reply));
    }
    Ok(())
}
