//! The HTTP client of the benches: one kept connection, requests prepared once, and as little work for
//! each call as can be, because client and server share the processors of the machine.
//!
//! It reads what the servers here answer with (RFC 9112): a body of a stated length, or one in chunks,
//! which is how an event stream arrives. It follows no redirect and opens no second connection.

use std::io::{Error, ErrorKind, Result};
use std::net::SocketAddr;

use memchr::memmem;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;

/// A kept connection, which carries one request at a time.
#[derive(Debug)]
pub(crate) struct Connection {
    stream: TcpStream,
    inbox: Vec<u8>,
    body: Vec<u8>,
}

/// One answer, read to its end.
#[derive(Debug)]
pub(crate) struct Answer<'a> {
    pub(crate) status: u16,
    /// Status line and header fields, without the empty line.
    pub(crate) head: &'a str,
    pub(crate) body: &'a [u8],
}

/// The bytes of a POST to `/mcp`.
pub(crate) fn post(address: SocketAddr, headers: &[(&str, &str)], body: &str) -> Vec<u8> {
    let headers: String = headers
        .iter()
        .map(|(k, v)| format!("{k}: {v}\r\n"))
        .collect();
    let length = body.len();
    format!(
        "POST /mcp HTTP/1.1\r\nHost: {address}\r\nContent-Type: application/json\r\n\
         Accept: application/json, text/event-stream\r\n{headers}Content-Length: {length}\r\n\r\n{body}"
    )
    .into_bytes()
}

/// The bytes of a GET.
pub(crate) fn get(address: SocketAddr, path: &str) -> Vec<u8> {
    format!("GET {path} HTTP/1.1\r\nHost: {address}\r\n\r\n").into_bytes()
}

impl Connection {
    /// Connects.
    pub(crate) async fn open(address: SocketAddr) -> Result<Self> {
        let stream = TcpStream::connect(address).await?;
        stream.set_nodelay(true)?;
        Ok(Self {
            stream,
            inbox: Vec::with_capacity(16 * 1024),
            body: Vec::new(),
        })
    }

    /// Sends the bytes of a request and reads its answer.
    pub(crate) async fn exchange(&mut self, request: &[u8]) -> Result<Answer<'_>> {
        self.inbox.clear();
        self.body.clear();
        self.stream.write_all(request).await?;
        let head = self.until(0, b"\r\n\r\n").await?;
        let start = head + 4;
        let chunked;
        let length;
        {
            let text = std::str::from_utf8(&self.inbox[..head]).map_err(invalid)?;
            chunked = field(text, "transfer-encoding") == Some("chunked");
            length = field(text, "content-length").map_or(Ok(0), str::parse);
        }
        if chunked {
            self.chunks(start).await?;
        } else {
            let length: usize = length.map_err(invalid)?;
            self.fill(start + length).await?;
            self.body
                .extend_from_slice(&self.inbox[start..start + length]);
        }
        let head = std::str::from_utf8(&self.inbox[..head]).map_err(invalid)?;
        let status = head.get(9..12).and_then(|code| code.parse().ok());
        Ok(Answer {
            status: status.ok_or_else(|| invalid(head))?,
            head,
            body: &self.body,
        })
    }

    async fn chunks(&mut self, mut at: usize) -> Result<()> {
        loop {
            let end = self.until(at, b"\r\n").await?;
            let size = std::str::from_utf8(&self.inbox[at..end]).map_err(invalid)?;
            let size = usize::from_str_radix(size.trim(), 16).map_err(invalid)?;
            at = end + 2;
            self.fill(at + size + 2).await?;
            if size == 0 {
                return Ok(());
            }
            self.body.extend_from_slice(&self.inbox[at..at + size]);
            at += size + 2;
        }
    }

    /// Reads until `mark` stands at or behind `from`, and says where.
    async fn until(&mut self, from: usize, mark: &[u8]) -> Result<usize> {
        loop {
            let seen = self.inbox.get(from..).unwrap_or_default();
            if let Some(at) = memmem::find(seen, mark) {
                return Ok(from + at);
            }
            self.more().await?;
        }
    }

    async fn fill(&mut self, length: usize) -> Result<()> {
        while self.inbox.len() < length {
            self.more().await?;
        }
        Ok(())
    }

    async fn more(&mut self) -> Result<()> {
        if self.stream.read_buf(&mut self.inbox).await? == 0 {
            return Err(ErrorKind::UnexpectedEof.into());
        }
        Ok(())
    }
}

impl Answer<'_> {
    /// The value of a header field.
    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        field(self.head, name)
    }
}

fn field<'a>(head: &'a str, name: &str) -> Option<&'a str> {
    head.lines().skip(1).find_map(|line| {
        let (key, value) = line.split_once(':')?;
        key.eq_ignore_ascii_case(name).then_some(value.trim())
    })
}

fn invalid(why: impl ToString) -> Error {
    Error::new(ErrorKind::InvalidData, why.to_string())
}
