//! Requests as text, responses taken apart.

use std::net::SocketAddr;
use std::time::Duration;

use serde_json::Value;
use tokio::io::{AsyncBufReadExt, AsyncReadExt, AsyncWriteExt, BufReader};
use tokio::net::TcpStream;

use super::support::KEY;

/// Nothing in these tests takes longer.
const PATIENCE: Duration = Duration::from_secs(20);

/// A request to be changed and sent.
#[derive(Clone)]
pub(crate) struct Raw {
    pub(crate) line: String,
    pub(crate) headers: Vec<(String, String)>,
    pub(crate) body: Vec<u8>,
}

/// What came back.
#[derive(Debug)]
pub(crate) struct Response {
    pub(crate) status: u16,
    pub(crate) headers: Vec<(String, String)>,
    pub(crate) body: String,
}

impl Raw {
    /// A POST to the endpoint that is right in every respect.
    pub(crate) fn post(body: &Value) -> Self {
        let headers = [
            ("Host", "localhost"),
            ("Authorization", &format!("Bearer {KEY}")),
            ("Content-Type", "application/json"),
            ("Accept", "application/json, text/event-stream"),
        ];
        let headers = headers
            .map(|(name, value)| (name.to_owned(), value.to_owned()))
            .to_vec();
        Self {
            line: "POST /mcp".into(),
            headers,
            body: body.to_string().into_bytes(),
        }
    }

    /// The same with another request line.
    pub(crate) fn line(mut self, line: &str) -> Self {
        line.clone_into(&mut self.line);
        self
    }

    /// The same with a header replaced or added.
    pub(crate) fn with(self, name: &str, value: &str) -> Self {
        self.without(name).and(name, value)
    }

    /// The same with one more header.
    pub(crate) fn and(mut self, name: &str, value: &str) -> Self {
        self.headers.push((name.to_owned(), value.to_owned()));
        self
    }

    /// The same without a header.
    pub(crate) fn without(mut self, name: &str) -> Self {
        self.headers
            .retain(|(known, _)| !known.eq_ignore_ascii_case(name));
        self
    }

    pub(crate) fn body(mut self, body: impl Into<Vec<u8>>) -> Self {
        self.body = body.into();
        self
    }

    /// Everything up to the body.
    pub(crate) fn head(&self) -> String {
        let mut head = format!("{} HTTP/1.1\r\n", self.line);
        for (name, value) in &self.headers {
            head += &format!("{name}: {value}\r\n");
        }
        let chunked = self
            .headers
            .iter()
            .any(|(name, _)| name == "Transfer-Encoding");
        if !chunked {
            head += &format!("Content-Length: {}\r\n", self.body.len());
        }
        head + "\r\n"
    }

    /// Sends it on a connection of its own.
    pub(crate) async fn send(&self, to: SocketAddr) -> Response {
        Connection::open(to)
            .await
            .exchange(self)
            .await
            .expect("a response")
    }
}

/// A connection.
pub(crate) struct Connection(pub(crate) BufReader<TcpStream>);

impl Connection {
    pub(crate) async fn open(to: SocketAddr) -> Self {
        Self(BufReader::new(TcpStream::connect(to).await.unwrap()))
    }

    pub(crate) async fn write(&mut self, bytes: &[u8]) {
        // A server that has answered already may have closed its side.
        let _ = self.0.write_all(bytes).await;
    }

    pub(crate) async fn send(&mut self, request: &Raw) {
        self.write(request.head().as_bytes()).await;
        self.write(&request.body).await;
    }

    /// `None` when the connection ends before a response.
    pub(crate) async fn exchange(&mut self, request: &Raw) -> Option<Response> {
        self.send(request).await;
        self.response().await
    }

    pub(crate) async fn response(&mut self) -> Option<Response> {
        let mut response = self.response_head().await?;
        let body = match response.header("content-length") {
            Some(length) => {
                let mut body = vec![0; length.parse().unwrap()];
                self.timed_read(&mut body).await;
                body
            }
            None if response.header("transfer-encoding").is_some() => self.chunks().await,
            None => Vec::new(),
        };
        response.body = String::from_utf8(body).unwrap();
        Some(response)
    }

    /// Status and headers only.
    pub(crate) async fn response_head(&mut self) -> Option<Response> {
        let status = self.line().await?;
        let status = status.split(' ').nth(1).unwrap().parse().unwrap();
        let mut headers = Vec::new();
        while let Some(line) = self.line().await.filter(|line| !line.is_empty()) {
            let (name, value) = line.split_once(": ").unwrap();
            headers.push((name.to_ascii_lowercase(), value.to_owned()));
        }
        Some(Response {
            status,
            headers,
            body: String::new(),
        })
    }

    /// The next chunk of a chunked body; empty at its end.
    pub(crate) async fn chunk(&mut self) -> Vec<u8> {
        let Some(size) = self.line().await else {
            return Vec::new();
        };
        let mut chunk = vec![0; usize::from_str_radix(&size, 16).unwrap()];
        self.timed_read(&mut chunk).await;
        self.line().await;
        chunk
    }

    async fn chunks(&mut self) -> Vec<u8> {
        let mut all = Vec::new();
        loop {
            let chunk = self.chunk().await;
            if chunk.is_empty() {
                return all;
            }
            all.extend(chunk);
        }
    }

    /// A line, `None` at the end of the connection.
    async fn line(&mut self) -> Option<String> {
        let mut line = String::new();
        let reading = self.0.read_line(&mut line);
        match tokio::time::timeout(PATIENCE, reading)
            .await
            .expect("a line in time")
        {
            Ok(0) | Err(_) => None,
            Ok(_) => Some(line.trim_end().to_owned()),
        }
    }

    async fn timed_read(&mut self, into: &mut [u8]) {
        let reading = self.0.read_exact(into);
        tokio::time::timeout(PATIENCE, reading)
            .await
            .expect("a body in time")
            .unwrap();
    }

    /// Waits for the server to hang up.
    pub(crate) async fn closed(&mut self) {
        let mut rest = Vec::new();
        let reading = self.0.read_to_end(&mut rest);
        let _ = tokio::time::timeout(PATIENCE, reading)
            .await
            .expect("the end of the connection");
    }
}

impl Response {
    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        self.headers
            .iter()
            .find(|(known, _)| known == name)
            .map(|(_, value)| value.as_str())
    }

    pub(crate) fn json(&self) -> Value {
        serde_json::from_str(&self.body).expect(&self.body)
    }

    /// The code of a JSON-RPC error.
    pub(crate) fn code(&self) -> Option<i64> {
        self.json()["error"]["code"].as_i64()
    }
}
