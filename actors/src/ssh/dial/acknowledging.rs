//! A TCP stream that acknowledges at once while a connection is being made.
//!
//! sshd before OpenSSH 10 leaves Nagle's algorithm on until the first command, and so waits for our
//! acknowledgement between two packets of its own; the kernel delays that by up to 40 ms where nothing
//! is to be sent (RFC 1122 §4.2.3.2). The option does not last (`TCP_QUICKACK`, `tcp(7)`), so it is
//! set again after every read. Later there is nothing to gain: then every packet has its answer.

use std::io;
use std::pin::Pin;
use std::task::{Context, Poll};
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::TcpStream;

/// Reads until the first channel has answered: some twenty from OpenSSH.
const READS: u8 = 32;

/// The stream.
pub(super) struct Acknowledging {
    tcp: TcpStream,
    left: u8,
}

impl Acknowledging {
    pub(super) fn new(tcp: TcpStream) -> Self {
        Self { tcp, left: READS }
    }

    fn acknowledge(&mut self) {
        self.left -= 1;
        #[cfg(target_os = "linux")]
        {
            // Where it cannot be set, the connection is made all the same.
            let _slower = socket2::SockRef::from(&self.tcp).set_tcp_quickack(true);
        }
    }
}

impl AsyncRead for Acknowledging {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let read = Pin::new(&mut self.tcp).poll_read(cx, buf);
        if self.left > 0 && read.is_ready() {
            self.acknowledge();
        }
        read
    }
}

impl AsyncWrite for Acknowledging {
    fn poll_write(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &[u8],
    ) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.tcp).poll_write(cx, buf)
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.tcp).poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.tcp).poll_shutdown(cx)
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bufs: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.tcp).poll_write_vectored(cx, bufs)
    }

    fn is_write_vectored(&self) -> bool {
        self.tcp.is_write_vectored()
    }
}
