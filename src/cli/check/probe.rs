//! The requests of a live check. Each is harmless: the method is `ping`, or the request is one that
//! must not get as far as a method.

use crate::cli::request::{Request, Response};
use std::io;
use std::time::Duration;

/// How long one answer may take.
const PATIENCE: Duration = Duration::from_secs(5);

/// `ping` of 2025-11-25; the newest version has none, and every server speaks both.
const PING: &str = r#"{"jsonrpc":"2.0","id":1,"method":"ping"}"#;

/// A name that no server answers to (RFC 2606).
pub(super) const FOREIGN: &str = "scout-check.invalid";

/// The server that is asked.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Target {
    /// Without brackets.
    pub(super) host: String,
    pub(super) port: u16,
    /// As it stands in a `Host` header.
    authority: String,
}

/// Why a text is not the URL of a server that can be asked.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub(super) enum UrlError {
    /// Not an absolute URL.
    #[error("`{url}` is not a URL; write it like `http://127.0.0.1:8000`")]
    Malformed {
        /// The text.
        url: String,
    },
    /// Another scheme than `http`.
    #[error("`{url}` is not an `http` URL; check the server itself, behind what ends TLS")]
    Scheme {
        /// The text.
        url: String,
    },
}

/// How a probe differs from an ordinary `ping`.
#[derive(Debug, Clone, Default)]
pub(super) struct Probe<'a> {
    /// Another `Host`.
    pub(super) host: Option<&'static str>,
    /// An `Origin`.
    pub(super) origin: Option<&'static str>,
    /// An API key.
    pub(super) key: Option<&'a str>,
    /// A query behind the path.
    pub(super) query: Option<&'a str>,
    /// Bytes of the body; the message is filled up with spaces.
    pub(super) size: usize,
    /// Whether the body comes in one chunk, without its length being announced.
    pub(super) chunked: bool,
}

impl Target {
    /// The server of a URL; its path does not matter.
    pub(super) fn parse(url: &str) -> Result<Self, UrlError> {
        let malformed = || UrlError::Malformed { url: url.into() };
        let uri: http::Uri = url.parse().map_err(|_| malformed())?;
        let authority = uri.authority().ok_or_else(malformed)?;
        if uri.scheme() != Some(&http::uri::Scheme::HTTP) {
            return Err(UrlError::Scheme { url: url.into() });
        }
        let port = authority.port_u16().unwrap_or(80);
        let host = authority.host();
        Ok(Self {
            host: host.trim_matches(['[', ']']).to_owned(),
            port,
            authority: format!("{host}:{port}"),
        })
    }

    /// `GET /health`.
    pub(super) async fn health(&self) -> Result<u16, String> {
        let request = Request::get("/health", &self.authority);
        status(self.send(&request).await)
    }

    /// The status that a probe is answered with.
    pub(super) async fn probe(&self, probe: Probe<'_>) -> Result<u16, String> {
        status(self.ask(probe).await)
    }

    /// The answer to a probe.
    pub(super) async fn ask(&self, probe: Probe<'_>) -> io::Result<Response> {
        let query = probe.query.map(|query| format!("?{query}"));
        let path = format!("/mcp{}", query.unwrap_or_default());
        let mut headers = vec![
            (
                "Host",
                probe
                    .host
                    .map_or_else(|| self.authority.clone(), Into::into),
            ),
            ("Content-Type", "application/json".into()),
            ("Accept", "application/json, text/event-stream".into()),
            ("MCP-Protocol-Version", "2025-11-25".into()),
        ];
        headers.extend(probe.origin.map(|origin| ("Origin", origin.to_owned())));
        headers.extend(
            probe
                .key
                .map(|key| ("Authorization", format!("Bearer {key}"))),
        );
        let mut body = PING.as_bytes().to_vec();
        body.resize(body.len().max(probe.size), b' ');
        if probe.chunked {
            headers.push(("Transfer-Encoding", "chunked".into()));
            let mut framed = format!("{:x}\r\n", body.len()).into_bytes();
            framed.append(&mut body);
            framed.extend_from_slice(b"\r\n0\r\n\r\n");
            body = framed;
        } else {
            headers.push(("Content-Length", body.len().to_string()));
        }
        let request = Request {
            method: "POST",
            path: &path,
            headers,
            body,
        };
        self.send(&request).await
    }

    async fn send(&self, request: &Request<'_>) -> io::Result<Response> {
        request.send((&self.host, self.port), PATIENCE).await
    }
}

fn status(answer: io::Result<Response>) -> Result<u16, String> {
    answer
        .map(|response| response.status)
        .map_err(|error| error.to_string())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_url_names_a_server() {
        let parse = |url| Target::parse(url).map(|t| (t.host, t.port, t.authority));
        let target = |host: &str, port, authority: &str| Ok((host.into(), port, authority.into()));
        assert_eq!(parse("http://a:8000/mcp"), target("a", 8000, "a:8000"));
        assert_eq!(parse("http://a"), target("a", 80, "a:80"));
        assert_eq!(parse("http://[::1]:1/"), target("::1", 1, "[::1]:1"));
        assert!(matches!(parse("https://a"), Err(UrlError::Scheme { .. })));
        for wrong in ["", "a b", "/mcp", "http://"] {
            assert!(
                matches!(parse(wrong), Err(UrlError::Malformed { .. })),
                "{wrong}"
            );
        }
    }
}
