//! The least that an HTTP client can be: one connection, kept alive, requests that are ready to be
//! sent, and answers read to the length they say they have. It shares the machine with the server it
//! measures, so it does as little as possible.

use memchr::memmem::find;
use std::net::SocketAddr;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;

/// The end of the head (RFC 9112 §2.1).
const END: &[u8] = b"\r\n\r\n";

/// As hyper writes it.
const LENGTH: &[u8] = b"content-length: ";

/// A connection to a server of ours.
pub(crate) struct Wire {
    stream: TcpStream,
    read: Vec<u8>,
}

impl Wire {
    pub(crate) async fn connect(address: SocketAddr) -> Self {
        let stream = TcpStream::connect(address).await.unwrap();
        stream.set_nodelay(true).unwrap();
        Self {
            stream,
            read: Vec::with_capacity(64 << 10),
        }
    }

    /// Calls a tool and gives back the body of the answer. Panics unless the call was done: what
    /// fails quickly must not pass for fast.
    pub(crate) async fn call(&mut self, request: &[u8]) -> &[u8] {
        self.stream.write_all(request).await.unwrap();
        self.read.clear();
        let (head, length) = loop {
            assert!(self.more().await > 0, "the server closed: {}", self.text());
            if let Some(end) = find(&self.read, END) {
                let head = end + END.len();
                break (head, length(&self.read[..head]).expect("a length"));
            }
        };
        while self.read.len() < head + length {
            assert!(self.more().await > 0, "the server closed: {}", self.text());
        }
        let body = &self.read[head..];
        let done =
            self.read.starts_with(b"HTTP/1.1 200 ") && find(body, b"\"isError\":true").is_none();
        assert!(
            done && find(body, b"\"result\"").is_some(),
            "{}",
            self.text()
        );
        body
    }

    async fn more(&mut self) -> usize {
        self.stream.read_buf(&mut self.read).await.unwrap()
    }

    fn text(&self) -> String {
        String::from_utf8_lossy(&self.read).into_owned()
    }
}

fn length(head: &[u8]) -> Option<usize> {
    let rest = head.get(find(head, LENGTH)? + LENGTH.len()..)?;
    let digits = rest.get(..find(rest, b"\r\n")?)?;
    std::str::from_utf8(digits).ok()?.parse().ok()
}
