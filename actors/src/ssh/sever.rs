//! A byte stream that can be cut from outside.
//!
//! russh owns the socket and writes to it without a deadline; when a host stops reading, dropping
//! every handle leaves task and socket behind. Cutting makes both directions fail at once, which
//! ends russh's task whatever it is waiting for.

use super::patience::Heard;
use std::future::Future;
use std::io;
use std::pin::Pin;
use std::task::{Context, Poll};
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio_util::sync::{CancellationToken, WaitForCancellationFutureOwned};

/// A stream that fails once its token is cancelled.
pub(crate) struct Severable<S> {
    io: S,
    // One future for each direction: russh polls them from two places, and a future wakes only
    // the task that polled it last.
    read_cut: Pin<Box<WaitForCancellationFutureOwned>>,
    write_cut: Pin<Box<WaitForCancellationFutureOwned>>,
    /// Told of every piece that arrives.
    heard: Heard,
}

impl<S> Severable<S> {
    pub(crate) fn new(io: S, cut: &CancellationToken) -> Self {
        Self {
            io,
            heard: Heard::default(),
            read_cut: Box::pin(cut.clone().cancelled_owned()),
            write_cut: Box::pin(cut.clone().cancelled_owned()),
        }
    }
}

impl<S> Severable<S> {
    /// The same, counting what arrives.
    pub(super) fn heard_by(self, heard: &Heard) -> Self {
        let heard = heard.clone();
        Self { heard, ..self }
    }
}

fn severed<T>() -> Poll<io::Result<T>> {
    Poll::Ready(Err(io::ErrorKind::ConnectionAborted.into()))
}

impl<S: AsyncRead + Unpin> AsyncRead for Severable<S> {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        if self.read_cut.as_mut().poll(cx).is_ready() {
            return severed();
        }
        let read = Pin::new(&mut self.io).poll_read(cx, buf);
        if read.is_ready() {
            self.heard.one_more();
        }
        read
    }
}

impl<S: AsyncWrite + Unpin> AsyncWrite for Severable<S> {
    fn poll_write(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &[u8],
    ) -> Poll<io::Result<usize>> {
        if self.write_cut.as_mut().poll(cx).is_ready() {
            return severed();
        }
        Pin::new(&mut self.io).poll_write(cx, buf)
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        if self.write_cut.as_mut().poll(cx).is_ready() {
            return severed();
        }
        Pin::new(&mut self.io).poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.io).poll_shutdown(cx)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use tokio::io::{AsyncReadExt, AsyncWriteExt};

    #[tokio::test]
    async fn cutting_ends_a_read_and_a_write_that_wait() {
        let (near, _far) = tokio::io::duplex(8);
        let cut = CancellationToken::new();
        let (mut rx, mut tx) = tokio::io::split(Severable::new(near, &cut));
        let reading = tokio::spawn(async move { rx.read_u8().await.unwrap_err().kind() });
        let writing = tokio::spawn(async move { tx.write_all(&[0; 64]).await.unwrap_err().kind() });
        tokio::task::yield_now().await;
        cut.cancel();
        assert_eq!(reading.await.unwrap(), io::ErrorKind::ConnectionAborted);
        assert_eq!(writing.await.unwrap(), io::ErrorKind::ConnectionAborted);
    }
}
