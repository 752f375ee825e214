//! The SFTP channel: requests go out as they come, answers find their way back by id.
//!
//! Many requests are under way at once. One task reads the channel and another writes to it:
//! writing can wait for russh's session loop, and that loop can wait for the reader. Requests are
//! only queued here, whole and in order, so that who asks may leave at any moment and no packet is
//! ever sent in part.

mod channel;

use super::SftpError;
use super::packet::{self, Handle, Reply, Request};
use crate::ssh::Session;
use bytes::{Bytes, BytesMut};
use std::future::Future;
use std::pin::Pin;
use std::sync::atomic::{AtomicBool, AtomicU32, Ordering};
use std::task::{Context, Poll, ready};
use std::time::Duration;
use tokio::sync::{mpsc, oneshot};
use tokio_util::sync::{CancellationToken, DropGuard};

/// How long the start of the subsystem may take.
const START: Duration = Duration::from_secs(5);

/// The id of requests nobody waits for.
const NOBODY: u32 = 0;

/// Data up to this size is copied behind its request, to go out in one packet of SSH.
const SMALL: usize = 8 << 10;

type Answer = oneshot::Sender<Result<Reply, SftpError>>;

/// One request or several, and the data of the last.
struct Message {
    packets: Bytes,
    data: Bytes,
}

/// An open SFTP channel. Dropping it closes the channel.
pub(super) struct Pipe {
    /// To the task that writes. Unbounded, and bounded by what its users let be under way: the
    /// host actor the number of operations, and a transfer its window.
    queue: mpsc::UnboundedSender<Message>,
    /// Tells the reader which ids to expect.
    expect: mpsc::UnboundedSender<(u32, Answer)>,
    next: AtomicU32,
    retired: AtomicBool,
    extensions: Vec<Bytes>,
    ended: CancellationToken,
    hang_up: CancellationToken,
    _hang_up: DropGuard,
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
            channel::first(&mut rx).await
        };
        let (hello, rest) = tokio::time::timeout(START, begin)
            .await
            .unwrap_or(Err(SftpError::Silent))?;
        let extensions = packet::version(hello)?;
        let (queue, queued) = mpsc::unbounded_channel();
        let (expect, expected) = mpsc::unbounded_channel();
        let (ended, hang_up) = (CancellationToken::new(), CancellationToken::new());
        let closings = queue.clone();
        let alive = ended.clone().drop_guard();
        let closed = CancellationToken::new();
        let closing = closed.clone().drop_guard();
        tokio::spawn(async move {
            channel::read(rx, rest, expected, closings, closed).await;
            drop(alive);
        });
        let (told, end) = (hang_up.clone(), ended.clone());
        tokio::spawn(channel::write(tx, queued, told, end, closing));
        Ok(Self {
            queue,
            expect,
            next: AtomicU32::new(NOBODY + 1),
            retired: AtomicBool::new(false),
            extensions,
            ended,
            _hang_up: hang_up.clone().drop_guard(),
            hang_up,
        })
    }

    /// Whether the host offers an extension.
    pub(super) fn offers(&self, extension: &str) -> bool {
        let mut offered = self.extensions.iter();
        offered.any(|name| &**name == extension.as_bytes())
    }

    /// Whether the host still serves the channel.
    pub(super) fn is_open(&self) -> bool {
        !self.expect.is_closed() && !self.retired.load(Ordering::Relaxed)
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

    /// Sends requests in one piece and gives back where their answers will arrive.
    pub(super) fn send<const N: usize>(
        &self,
        requests: [Request<'_>; N],
    ) -> Result<[Pending; N], SftpError> {
        let mut packets = BytesMut::new();
        let pending = requests.map(|request| self.announce(request, &mut packets));
        self.enqueue(packets.freeze(), Bytes::new())?;
        Ok(pending)
    }

    /// Sends data to be written at `offset`.
    pub(super) fn write(
        &self,
        handle: &Handle,
        offset: u64,
        mut data: Bytes,
    ) -> Result<Pending, SftpError> {
        let request = Request::Write {
            handle,
            offset,
            length: u32::try_from(data.len()).unwrap_or(u32::MAX),
        };
        let mut packets = BytesMut::new();
        let pending = self.announce(request, &mut packets);
        if data.len() <= SMALL {
            packets.extend_from_slice(&std::mem::take(&mut data));
        }
        self.enqueue(packets.freeze(), data)?;
        Ok(pending)
    }

    /// Closes a file or directory, behind everything that was sent before.
    pub(super) fn close(&self, handle: &Handle) {
        let _lost = self.queue.send(closing(handle));
    }

    fn announce(&self, request: Request<'_>, packets: &mut BytesMut) -> Pending {
        let id = loop {
            match self.next.fetch_add(1, Ordering::Relaxed) {
                NOBODY => {}
                id => break id,
            }
        };
        request.encode(id, packets);
        let (answer, pending) = oneshot::channel();
        // Where the reader has ended the answer is lost here and now.
        let _lost = self.expect.send((id, answer));
        Pending(pending)
    }

    fn enqueue(&self, packets: Bytes, data: Bytes) -> Result<(), SftpError> {
        if self.retired.load(Ordering::Relaxed) {
            return Err(SftpError::Lost);
        }
        let sent = self.queue.send(Message { packets, data });
        sent.map_err(|_| SftpError::Lost)
    }
}

fn closing(handle: &Handle) -> Message {
    let mut packets = BytesMut::new();
    Request::Close(handle).encode(NOBODY, &mut packets);
    Message {
        packets: packets.freeze(),
        data: Bytes::new(),
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
    pub(super) fn answered_by(server: impl Fn(Bytes) -> Reply + Send + 'static) -> Self {
        use bytes::Buf;
        let (queue, mut queued) = mpsc::unbounded_channel::<Message>();
        let (expect, mut expected) = mpsc::unbounded_channel();
        tokio::spawn(async move {
            while let Some(Message { packets, data }) = queued.recv().await {
                let mut left = Bytes::from([packets, data].concat());
                while left.has_remaining() {
                    let length = left.get_u32() as usize;
                    let packet = left.split_to(length);
                    if packet[1..5] == NOBODY.to_be_bytes() {
                        continue;
                    }
                    let (_, answer): (u32, Answer) = expected.recv().await.unwrap();
                    let _left = answer.send(Ok(server(packet)));
                }
            }
        });
        let hang_up = CancellationToken::new();
        Self {
            queue,
            expect,
            next: AtomicU32::new(NOBODY + 1),
            retired: AtomicBool::new(false),
            extensions: Vec::new(),
            ended: CancellationToken::new(),
            _hang_up: hang_up.clone().drop_guard(),
            hang_up,
        }
    }
}
