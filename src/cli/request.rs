//! One HTTP/1.1 request to a server that may answer anything: status and headers, nothing else.
//!
//! For asking how Scout is, and for requests that a well-behaved client would not send. It knows no
//! TLS, no proxy and no redirect, and sends exactly the headers it is given.

use std::fmt::Write as _;
use std::io;
use std::time::Duration;
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

/// The most bytes of headers that are read.
const MAX_HEAD: u64 = 16 << 10;

/// A request. `Host` is among the headers, or it is not sent.
#[derive(Debug, Clone)]
pub(super) struct Request<'a> {
    pub(super) method: &'static str,
    /// With its query.
    pub(super) path: &'a str,
    pub(super) headers: Vec<(&'a str, String)>,
    /// Sent as it is, in whatever framing the headers announce.
    pub(super) body: Vec<u8>,
}

/// The head of an answer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Response {
    pub(super) status: u16,
    /// Names in lower case.
    headers: Vec<(String, String)>,
}

impl<'a> Request<'a> {
    /// A GET of this path.
    pub(super) fn get(path: &'a str, host: impl Into<String>) -> Self {
        Self {
            method: "GET",
            path,
            headers: vec![("Host", host.into())],
            body: Vec::new(),
        }
    }

    /// Sends it on a connection of its own and reads the head of the answer.
    ///
    /// # Errors
    /// No connection, no answer within `patience`, or one that is not HTTP.
    pub(super) async fn send(
        &self,
        (host, port): (&str, u16),
        patience: Duration,
    ) -> io::Result<Response> {
        let exchange = async {
            let mut stream = TcpStream::connect((host, port)).await?;
            let (answer, mut upload) = stream.split();
            let head = self.head();
            // A server may answer before it has read the body, and then reads no more of it.
            let sending = async {
                let sent = async {
                    upload.write_all(head.as_bytes()).await?;
                    upload.write_all(&self.body).await
                };
                let _unread: io::Result<()> = sent.await;
                std::future::pending().await
            };
            tokio::select! {
                head = head_of(answer) => Response::parse(&head?),
                () = sending => Err(io::ErrorKind::BrokenPipe.into()),
            }
        };
        let late = || {
            io::Error::new(
                io::ErrorKind::TimedOut,
                format!("no answer within {patience:?}"),
            )
        };
        tokio::time::timeout(patience, exchange)
            .await
            .unwrap_or_else(|_| Err(late()))
    }

    fn head(&self) -> String {
        let mut head = format!("{} {} HTTP/1.1\r\n", self.method, self.path);
        for (name, value) in &self.headers {
            let _infallible = write!(head, "{name}: {value}\r\n");
        }
        head.push_str("Connection: close\r\n\r\n");
        head
    }
}

impl Response {
    /// The header of this name, which is in lower case.
    pub(super) fn header(&self, name: &str) -> Option<&str> {
        let found = self.headers.iter().find(|(known, _)| known == name);
        found.map(|(_, value)| value.as_str())
    }

    fn parse(head: &[u8]) -> io::Result<Self> {
        let text = String::from_utf8_lossy(head);
        let mut lines = text.lines();
        let first = lines.next().unwrap_or_default();
        let mut words = first.split_ascii_whitespace();
        let version = words.next().is_some_and(|word| word.starts_with("HTTP/1."));
        let status = words.next().and_then(|word| word.parse().ok());
        let Some(status) = status.filter(|_| version) else {
            let why = format!("answered `{}`, which is not HTTP", first.escape_debug());
            return Err(io::Error::new(io::ErrorKind::InvalidData, why));
        };
        let headers = lines.filter_map(|line| line.split_once(':'));
        let headers = headers.map(|(name, value)| (name.to_ascii_lowercase(), value.trim().into()));
        Ok(Self {
            status,
            headers: headers.collect(),
        })
    }
}

/// Everything up to the empty line.
async fn head_of(answer: impl AsyncRead + Unpin) -> io::Result<Vec<u8>> {
    let mut answer = answer.take(MAX_HEAD);
    let mut head = Vec::new();
    loop {
        if let Some(end) = memchr::memmem::find(&head, b"\r\n\r\n") {
            head.truncate(end);
            return Ok(head);
        }
        // What came before the connection broke may still be a whole head.
        if answer.read_buf(&mut head).await? == 0 {
            return match head.is_empty() {
                true => Err(io::Error::new(
                    io::ErrorKind::UnexpectedEof,
                    "the connection was closed without an answer",
                )),
                false => Ok(head),
            };
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_head_is_a_status_and_headers() {
        let head = b"HTTP/1.1 429 Too Many Requests\r\nRetry-After:  7\r\nX: a:b";
        let response = Response::parse(head).unwrap();
        assert_eq!(response.status, 429);
        assert_eq!(response.header("retry-after"), Some("7"));
        assert_eq!(response.header("x"), Some("a:b"));
        assert_eq!(response.header("y"), None);
        for wrong in ["", "SSH-2.0-OpenSSH_9.2", "HTTP/1.1", "HTTP/1.1 abc"] {
            assert!(Response::parse(wrong.as_bytes()).is_err(), "{wrong}");
        }
    }

    #[tokio::test]
    async fn an_answer_ends_at_the_empty_line() {
        let answer: &[u8] = b"HTTP/1.1 200 OK\r\nA: b\r\n\r\nbody";
        assert_eq!(head_of(answer).await.unwrap(), b"HTTP/1.1 200 OK\r\nA: b");
        assert!(head_of(&b""[..]).await.is_err());
    }

    #[test]
    fn a_request_is_sent_as_it_was_written() {
        let request = Request::get("/health", "evil.example");
        assert_eq!(
            request.head(),
            "GET /health HTTP/1.1\r\nHost: evil.example\r\nConnection: close\r\n\r\n"
        );
    }
}
