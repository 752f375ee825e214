//! Bodies: reading a bounded one, and the three kinds that are sent.

use std::collections::VecDeque;
use std::convert::Infallible;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Duration;

use bytes::Bytes;
use http_body::{Body, Frame, SizeHint};
use http_body_util::{BodyExt, LengthLimitError, Limited};
use hyper::body::Incoming;

use super::pulse::{Busy, Unsent};
use super::stream::Stream;

/// Why a request body could not be read.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub(super) enum Unread {
    /// 413.
    #[error("the body is larger than this server accepts")]
    TooLarge,
    /// 408.
    #[error("the body did not arrive in time")]
    TooSlow,
    /// The client went away, or broke the framing: 400, if anybody still listens.
    #[error("the body could not be read")]
    Broken,
}

/// Reads a body of at most `limit` bytes within `patience`, whatever its framing.
pub(super) async fn read(
    body: Incoming,
    limit: usize,
    patience: Duration,
) -> Result<Bytes, Unread> {
    if body.size_hint().lower() > u64::try_from(limit).unwrap_or(u64::MAX) {
        return Err(Unread::TooLarge);
    }
    let reading = Limited::new(body, limit).collect();
    match tokio::time::timeout(patience, reading).await {
        Err(_) => Err(Unread::TooSlow),
        Ok(Ok(body)) => Ok(body.to_bytes()),
        Ok(Err(error)) if error.is::<LengthLimitError>() => Err(Unread::TooLarge),
        Ok(Err(_)) => Err(Unread::Broken),
    }
}

/// A body being sent. The request it answers is over when the last of its pieces has been written, or
/// dropped because the client went away.
#[derive(Debug)]
pub(super) enum Outgoing {
    /// All there.
    Ready {
        pieces: VecDeque<Bytes>,
        busy: Arc<Busy>,
    },
    /// Server-sent events.
    Stream {
        stream: Box<Stream>,
        busy: Arc<Busy>,
    },
}

impl Outgoing {
    pub(super) fn ready(pieces: impl IntoIterator<Item = Bytes>, busy: Busy) -> Self {
        let pieces = pieces
            .into_iter()
            .filter(|piece| !piece.is_empty())
            .collect();
        Self::Ready {
            pieces,
            busy: Arc::new(busy),
        }
    }

    pub(super) fn stream(stream: Stream, busy: Busy) -> Self {
        Self::Stream {
            stream: Box::new(stream),
            busy: Arc::new(busy),
        }
    }
}

impl Body for Outgoing {
    type Data = Bytes;
    type Error = Infallible;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Infallible>>> {
        let (piece, busy) = match &mut *self {
            Self::Ready { pieces, busy } => (Poll::Ready(pieces.pop_front()), busy),
            Self::Stream { stream, busy } => (stream.poll_next(cx), busy),
        };
        piece.map(|piece| piece.map(|piece| Ok(Frame::data(watched(piece, busy.send())))))
    }

    fn is_end_stream(&self) -> bool {
        matches!(self, Self::Ready { pieces, .. } if pieces.is_empty())
    }

    fn size_hint(&self) -> SizeHint {
        match self {
            Self::Ready { pieces, .. } => {
                let length: usize = pieces.iter().map(Bytes::len).sum();
                SizeHint::with_exact(u64::try_from(length).unwrap_or(u64::MAX))
            }
            Self::Stream { .. } => SizeHint::default(),
        }
    }
}

/// Ties a piece to the count of what has not been written: hyper drops the piece when it has, and
/// HTTP/2 drops the body long before.
fn watched(piece: Bytes, unsent: Unsent) -> Bytes {
    struct Watched {
        piece: Bytes,
        _unsent: Unsent,
    }
    impl AsRef<[u8]> for Watched {
        fn as_ref(&self) -> &[u8] {
            &self.piece
        }
    }
    Bytes::from_owner(Watched {
        piece,
        _unsent: unsent,
    })
}
