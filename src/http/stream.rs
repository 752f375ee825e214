//! A response as server-sent events: notifications while the method runs, then the answer.
//!
//! Owns the running method: dropping the stream drops it, which is how a client cancels.

use std::collections::VecDeque;
use std::fmt;
use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::Duration;

use bytes::Bytes;
use futures_util::future::BoxFuture;
use tokio::sync::mpsc;
use tokio::time::{Instant, Sleep};

use super::metered::Metered;
use crate::mcp::Reply;

/// A method at work, and the notifications it sends meanwhile.
pub(super) struct Work {
    pub(super) reply: BoxFuture<'static, Reply>,
    pub(super) notifications: mpsc::Receiver<Bytes>,
    pub(super) metered: Metered,
}

impl fmt::Debug for Work {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Work").finish_non_exhaustive()
    }
}

/// The events.
#[derive(Debug)]
pub(super) struct Stream {
    ready: VecDeque<Bytes>,
    work: Option<Work>,
    silence: Pin<Box<Sleep>>,
    keep_alive: Duration,
}

impl Stream {
    /// Streams `work`, which has said `first` already.
    pub(super) fn new(work: Work, first: Option<Bytes>, keep_alive: Duration) -> Self {
        let silence = Box::pin(tokio::time::sleep(keep_alive));
        let mut stream = Self {
            ready: VecDeque::new(),
            work: Some(work),
            silence,
            keep_alive,
        };
        stream.event(first);
        stream
    }

    /// Queues one event, whose data is `pieces` without line breaks.
    fn event(&mut self, pieces: impl IntoIterator<Item = Bytes>) {
        let before = self.ready.len();
        self.ready
            .push_back(Bytes::from_static(b"event: message\ndata: "));
        self.ready.extend(pieces);
        if self.ready.len() == before + 1 {
            self.ready.truncate(before);
        } else {
            self.ready.push_back(Bytes::from_static(b"\n\n"));
        }
    }

    /// The next piece, `None` after the answer.
    pub(super) fn poll_next(&mut self, cx: &mut Context<'_>) -> Poll<Option<Bytes>> {
        if self.ready.is_empty() {
            self.refill(cx);
        }
        let piece = self.ready.pop_front();
        if piece.is_some() {
            self.silence
                .as_mut()
                .reset(Instant::now() + self.keep_alive);
        } else if self.work.is_some() {
            return Poll::Pending;
        }
        Poll::Ready(piece)
    }

    fn refill(&mut self, cx: &mut Context<'_>) {
        let Some(work) = &mut self.work else { return };
        if let Poll::Ready(Some(notification)) = work.notifications.poll_recv(cx) {
            return self.event([notification]);
        }
        if let Poll::Ready(reply) = work.reply.as_mut().poll(cx) {
            // What was reported during this very poll comes before the answer.
            let mut last = Vec::new();
            while let Ok(notification) = work.notifications.try_recv() {
                last.push(notification);
            }
            work.metered.answered(200);
            self.work = None;
            last.into_iter()
                .for_each(|notification| self.event([notification]));
            return self.event(reply.body);
        }
        // The poll above may have sent one: its waker was registered before.
        if self.silence.as_mut().poll(cx).is_ready() {
            self.ready.push_back(Bytes::from_static(b": keepalive\n\n"));
        }
    }
}

#[cfg(test)]
mod tests {
    use std::future::poll_fn;
    use std::sync::Arc;

    use http::StatusCode;

    use super::*;

    fn reply() -> Reply {
        let body = vec![Bytes::from_static(b"{"), Bytes::from_static(b"}")];
        Reply {
            status: StatusCode::OK,
            error: None,
            negotiated: None,
            body,
        }
    }

    fn stream(
        work: impl Future<Output = Reply> + Send + 'static,
        from: mpsc::Receiver<Bytes>,
    ) -> Stream {
        let metered = Metered::start(Arc::new(()));
        let work = Work {
            reply: Box::pin(work),
            notifications: from,
            metered,
        };
        Stream::new(
            work,
            Some(Bytes::from_static(b"first")),
            Duration::from_secs(15),
        )
    }

    async fn text(stream: &mut Stream) -> String {
        let mut text = Vec::new();
        while let Some(piece) = poll_fn(|cx| stream.poll_next(cx)).await {
            text.extend_from_slice(&piece);
        }
        String::from_utf8(text).unwrap()
    }

    #[tokio::test]
    async fn notifications_come_before_the_answer_that_ends_the_stream() {
        let (to, from) = mpsc::channel(4);
        let work = async move {
            to.try_send(Bytes::from_static(b"second")).unwrap();
            reply()
        };
        let event = |data| format!("event: message\ndata: {data}\n\n");
        let expected = event("first") + &event("second") + &event("{}");
        assert_eq!(text(&mut stream(work, from)).await, expected);
    }

    #[tokio::test]
    async fn silence_is_broken_by_comments() {
        tokio::time::pause();
        let (_to, from) = mpsc::channel(1);
        let work = async {
            tokio::time::sleep(Duration::from_secs(31)).await;
            reply()
        };
        let text = text(&mut stream(work, from)).await;
        assert_eq!(text.matches(": keepalive\n\n").count(), 2, "{text}");
        assert!(text.ends_with("data: {}\n\n"), "{text}");
    }

    #[tokio::test]
    async fn dropping_the_stream_drops_the_work() {
        let (_to, from) = mpsc::channel(1);
        let alive = Arc::new(());
        let held = Arc::clone(&alive);
        let mut stream = stream(
            async move {
                std::future::pending::<()>().await;
                drop(held);
                reply()
            },
            from,
        );
        let first = poll_fn(|cx| stream.poll_next(cx)).await;
        assert!(first.is_some());
        drop(stream);
        assert_eq!(Arc::strong_count(&alive), 1);
    }
}
