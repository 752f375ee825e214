//! The SFTP channel: requests go out as they come, answers find their way back by id.
//!
//! Many requests are under way at once. One task owns the channel and all that is under way on it;
//! callers hand it what they ask, whole and in order, so that who asks may leave at any moment and
//! no packet is ever sent in part.

mod channel;
mod exchange;
mod frames;
mod message;
mod visit;

pub(super) use message::Visited;

use super::packet::{self, Handle, Reply, Request};
use super::plan::Aim;
use super::{LIMITS, SftpError};
use crate::ssh::Session;
use bytes::Bytes;
use channel::Line;
use exchange::Exchange;
use frames::Frames;
use message::Message;
use std::future::Future;
use std::pin::Pin;
use std::sync::atomic::{AtomicBool, Ordering};
use std::task::{Context, Poll, ready};
use std::time::Duration;
use tokio::sync::{mpsc, oneshot};
use tokio::time::Instant;
use tokio_util::sync::{CancellationToken, DropGuard};

/// How long the start of the subsystem may take.
const START: Duration = Duration::from_secs(5);

/// Data up to this size is copied behind its request, to go out in one packet of SSH.
const SMALL: usize = 8 << 10;

/// A directory that is always there.
const ROOT: &[u8] = b"/";

/// An open SFTP channel. Dropping it closes the channel.
pub(super) struct Pipe {
    /// To the task of the channel. Unbounded, and bounded by what its users let be under way: the
    /// host actor the number of operations, and a transfer its window.
    queue: mpsc::UnboundedSender<Message>,
    retired: AtomicBool,
    extensions: Vec<Bytes>,
    ended: CancellationToken,
    hang_up: CancellationToken,
    _hang_up: DropGuard,
}

impl Pipe {
    /// Starts the subsystem. With `foretells`, handles are foretold where the host is OpenSSH.
    pub(super) async fn open(session: &Session, foretells: bool) -> Result<Self, SftpError> {
        let channel = session.open().await.map_err(SftpError::Open)?;
        let (mut rx, tx) = (channel.rx, channel.tx);
        let mut frames = Frames::default();
        let greet = async {
            let half = tx.half().ok_or(SftpError::Lost)?;
            let asked = half.request_subsystem(true, "sftp").await;
            let greeted = asked.and(half.data_bytes(packet::init()).await);
            greeted.map_err(|_| SftpError::Lost)
        };
        // Who has no such subsystem takes no greeting either, and says so meanwhile: sshd opens the
        // window of a session when something runs in it.
        let begin = async {
            tokio::select! {
                hello = channel::first(&mut rx, &mut frames) => hello,
                Err(lost) = greet => Err(lost),
            }
        };
        let hello = tokio::time::timeout(START, begin)
            .await
            .unwrap_or(Err(SftpError::Silent))?;
        let (pipe, queued) = Self::new(packet::version(hello)?);
        // What the host says of itself, and what its server offers: the one may be a mask.
        let hopes = foretells && session.is_openssh() && pipe.offers(LIMITS);
        let exchange = Exchange::new(hopes, Instant::now());
        let (hang_up, ended) = (pipe.hang_up(), pipe.ended.clone().drop_guard());
        let line = Line { rx, tx, frames };
        tokio::spawn(channel::serve(line, queued, exchange, hang_up, ended));
        if hopes {
            pipe.prove();
        }
        Ok(pipe)
    }

    fn new(extensions: Vec<Bytes>) -> (Self, mpsc::UnboundedReceiver<Message>) {
        let (queue, queued) = mpsc::unbounded_channel();
        let hang_up = CancellationToken::new();
        let pipe = Self {
            queue,
            retired: AtomicBool::new(false),
            extensions,
            ended: CancellationToken::new(),
            _hang_up: hang_up.clone().drop_guard(),
            hang_up,
        };
        (pipe, queued)
    }

    /// Has the host give a handle, so that the first read finds out whether they can be foretold.
    /// Nobody waits for it, and so it is closed when it comes.
    fn prove(&self) {
        let (answer, _nobody) = oneshot::channel();
        let opens = Message::one(Request::OpenDir(ROOT), 0, Some(answer));
        let _lost = self.queue.send(opens);
    }

    /// Whether the host offers an extension.
    pub(super) fn offers(&self, extension: &str) -> bool {
        let mut offered = self.extensions.iter();
        offered.any(|name| &**name == extension.as_bytes())
    }

    /// Whether the host still serves the channel.
    pub(super) fn is_open(&self) -> bool {
        !self.queue.is_closed() && !self.retired.load(Ordering::Relaxed)
    }

    /// From now on the channel counts as closed.
    pub(super) fn retire(&self) {
        self.retired.store(true, Ordering::Relaxed);
    }

    /// Cancelled once the channel has been seen to its end, or given up.
    pub(super) fn ended(&self) -> CancellationToken {
        self.ended.clone()
    }

    /// Cancelling it closes the channel, whoever still uses it.
    pub(super) fn hang_up(&self) -> CancellationToken {
        self.hang_up.clone()
    }

    /// Visits a path in one breath.
    pub(super) async fn visit(&self, path: &[u8], aim: Aim) -> Result<Visited, SftpError> {
        let (answer, visited) = oneshot::channel();
        let path = path.to_vec();
        self.enqueue(Message::Visit { path, aim, answer })?;
        visited.await.unwrap_or(Err(SftpError::Lost))
    }

    /// Sends requests, one right behind the other.
    pub(super) fn send<const N: usize>(
        &self,
        requests: [Request<'_>; N],
    ) -> Result<[Pending; N], SftpError> {
        self.check()?;
        Ok(requests.map(|request| {
            let (answer, pending) = oneshot::channel();
            // Where the task has ended the answer is lost here and now.
            let _lost = self.queue.send(Message::one(request, 0, Some(answer)));
            Pending(pending)
        }))
    }

    /// Sends data to be written at `offset`.
    pub(super) fn write(
        &self,
        handle: &Handle,
        offset: u64,
        piece: Bytes,
    ) -> Result<Pending, SftpError> {
        let request = Request::Write {
            handle,
            offset,
            length: u32::try_from(piece.len()).unwrap_or(u32::MAX),
        };
        let (answer, pending) = oneshot::channel();
        let is_small = piece.len() <= SMALL;
        let room = if is_small { piece.len() } else { 0 };
        let mut message = Message::one(request, room, Some(answer));
        if let Message::One { packet, data, .. } = &mut message {
            match is_small {
                true => packet.extend_from_slice(&piece),
                false => *data = piece,
            }
        }
        self.enqueue(message)?;
        Ok(Pending(pending))
    }

    /// Closes a file or directory, behind everything that was sent before.
    pub(super) fn close(&self, handle: &Handle) {
        let closing = Message::one(Request::Close(handle), 0, None);
        let _lost = self.queue.send(closing);
    }

    fn check(&self) -> Result<(), SftpError> {
        match self.is_open() {
            true => Ok(()),
            false => Err(SftpError::Lost),
        }
    }

    fn enqueue(&self, message: Message) -> Result<(), SftpError> {
        self.check()?;
        self.queue.send(message).map_err(|_| SftpError::Lost)
    }
}

/// An answer that is under way.
pub(super) struct Pending(oneshot::Receiver<Result<Reply, SftpError>>);

impl Pending {
    /// The answer, if it is there.
    pub(super) fn ready(&mut self) -> Option<Result<Reply, SftpError>> {
        match self.0.try_recv() {
            Ok(answer) => Some(answer),
            Err(oneshot::error::TryRecvError::Empty) => None,
            Err(oneshot::error::TryRecvError::Closed) => Some(Err(SftpError::Lost)),
        }
    }
}

impl Future for Pending {
    type Output = Result<Reply, SftpError>;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let answer = ready!(Pin::new(&mut self.0).poll(cx));
        Poll::Ready(answer.unwrap_or(Err(SftpError::Lost)))
    }
}

#[cfg(test)]
impl Pipe {
    /// A channel without a host: `server` gives the answer to each packet, which begins with its
    /// kind and its id.
    pub(super) fn answered_by(mut server: impl FnMut(Bytes) -> Reply + Send + 'static) -> Self {
        Self::scripted(false, move |packets| {
            let id = |packet: &Bytes| u32::from_be_bytes(packet[1..5].try_into().unwrap());
            let answered = packets
                .into_iter()
                .map(|packet| (id(&packet), server(packet)));
            answered.collect()
        })
    }

    /// A channel without a host: `server` gets all packets that go out in one piece, and gives
    /// what is answered to which of them, in the order in which that arrives.
    pub(super) fn scripted(
        hopes: bool,
        mut server: impl FnMut(Vec<Bytes>) -> Vec<(u32, Reply)> + Send + 'static,
    ) -> Self {
        use bytes::BytesMut;
        let (pipe, mut queued) = Self::new(Vec::new());
        let ended = pipe.ended.clone().drop_guard();
        tokio::spawn(async move {
            let mut exchange = Exchange::new(hopes, Instant::now());
            while let Some(message) = queued.recv().await {
                let mut out = BytesMut::new();
                let mut next = Some(message);
                while let Some(message) = next {
                    let data = exchange.ask(message, &mut out, Instant::now());
                    out.extend_from_slice(&data);
                    next = queued.try_recv().ok();
                }
                while !out.is_empty() {
                    let (mut frames, mut packets) = (Frames::default(), Vec::new());
                    frames.push(std::mem::take(&mut out).freeze());
                    while let Some(packet) = frames.next().unwrap() {
                        packets.push(packet);
                    }
                    for (id, reply) in server(packets) {
                        let now = Instant::now();
                        match exchange.answer(id, reply, &mut out, now) {
                            Ok(exchange::Next::GoesOn) => {}
                            Ok(exchange::Next::IsStuck) => return,
                            Err(offence) => return exchange.fail(&offence.into()),
                        }
                    }
                }
            }
            drop(ended);
        });
        if hopes {
            pipe.prove();
        }
        pipe
    }
}
