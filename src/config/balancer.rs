//! `[balancer]`: the way from one of several Scouts to the others.

use std::fmt;
use std::path::PathBuf;

use http::Uri;
use serde::Deserialize;

use super::key::Key;
use super::kind::Kind;

/// What stands for no balancer and no file.
pub(super) const NONE: &str = "none";

pub(super) const KEYS: &[Key] = &[
    Key::new("balancer.url", "SCOUT_BALANCER_URL", Kind::Url, NONE).about(
        "The MCP endpoint of the balancer before several Scouts, as they reach it: `http://NAME:PORT/mcp`. A broadcast then goes to each host through the replica that owns it, so that a host has one connection whoever asks. `none`: a broadcast connects from here. The name must be among `http.allowed_hosts` of the replicas.",
    ),
    Key::new("balancer.key_file", "SCOUT_BALANCER_KEY_FILE", Kind::Path, NONE).about(
        "A file with the key by which replicas know each other, the same on all of them and nobody else's: what is asked with it counts against no rate, and is done with the rights of the caller that is named. `scout key new replicas` makes one. Not everybody may be able to read it.",
    ),
];

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct RawBalancer {
    pub url: String,
    pub key_file: String,
}

/// The balancer, and how replicas know each other behind it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Balancer {
    /// Where it is.
    pub url: Endpoint,
    /// Where the key of the replicas is.
    pub key_file: PathBuf,
}

/// An MCP endpoint without TLS.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Endpoint {
    /// A name or an address, without brackets.
    pub host: String,
    /// The port.
    pub port: u16,
    /// The path.
    pub path: String,
}

impl Endpoint {
    /// Reads `http://NAME:PORT/mcp`; the port is 80 and the path `/mcp` where there is none.
    ///
    /// # Errors
    /// What is wrong with it.
    pub(super) fn parse(text: &str) -> Result<Self, String> {
        let uri: Uri = text.parse().map_err(|_| String::new())?;
        match uri.scheme_str() {
            Some("http") => {}
            Some("https") => {
                return Err(
                    "replicas speak with the balancer without TLS, in a network of their own"
                        .into(),
                );
            }
            _ => return Err(String::new()),
        }
        let authority = uri.authority().ok_or_else(String::new)?;
        if authority.as_str().contains('@') {
            return Err("a URL is no place for a key".into());
        }
        if uri.query().is_some() {
            return Err("it has a query".into());
        }
        let host = authority.host();
        let bare = host
            .strip_prefix('[')
            .and_then(|host| host.strip_suffix(']'));
        Ok(Self {
            host: bare.unwrap_or(host).to_owned(),
            port: authority.port_u16().unwrap_or(80),
            path: match uri.path() {
                "" | "/" => "/mcp".into(),
                path => path.into(),
            },
        })
    }

    /// The host and port as a request names them.
    #[must_use]
    pub fn authority(&self) -> String {
        let Self { host, port, .. } = self;
        match host.contains(':') {
            true => format!("[{host}]:{port}"),
            false => format!("{host}:{port}"),
        }
    }
}

impl fmt::Display for Endpoint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "http://{}{}", self.authority(), self.path)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_endpoint_is_a_plain_url() {
        for (text, shown) in [
            ("http://scout:8080/mcp", "http://scout:8080/mcp"),
            ("http://scout", "http://scout:80/mcp"),
            ("http://[::1]:8080/", "http://[::1]:8080/mcp"),
        ] {
            assert_eq!(Endpoint::parse(text).unwrap().to_string(), shown);
        }
        for wrong in [
            "scout:8080",
            "https://scout/mcp",
            "http://user:key@scout/mcp",
            "http://scout/mcp?key=x",
            "ftp://scout",
            "",
        ] {
            assert!(Endpoint::parse(wrong).is_err(), "{wrong}");
        }
    }
}
