//! Where a listener listens, and whether others than this machine can reach it.

use std::fmt;
use std::net::IpAddr;

/// An address or name, and a port. Usable as `(bind.host(), bind.port())` with `TcpListener`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Bind {
    host: String,
    port: u16,
}

impl Bind {
    /// A host without brackets and a port; 0 takes a free one.
    #[must_use]
    pub fn new(host: String, port: u16) -> Self {
        Self { host, port }
    }

    /// The address or name, without brackets.
    #[must_use]
    pub fn host(&self) -> &str {
        &self.host
    }

    /// The port; 0 takes a free one.
    #[must_use]
    pub fn port(&self) -> u16 {
        self.port
    }

    /// Whether only this machine can reach it. A name other than `localhost` counts as reachable:
    /// what it resolves to is not known here and may change.
    #[must_use]
    pub fn is_loopback(&self) -> bool {
        match self.host.parse::<IpAddr>() {
            Ok(ip) => ip.to_canonical().is_loopback(),
            Err(_) => self.host.eq_ignore_ascii_case("localhost"),
        }
    }
}

impl fmt::Display for Bind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { host, port } = self;
        if host.contains(':') {
            write!(f, "[{host}]:{port}")
        } else {
            write!(f, "{host}:{port}")
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_addresses_of_this_machine_are_loopback() {
        for near in [
            "127.0.0.1",
            "127.8.8.8",
            "::1",
            "::ffff:127.0.0.1",
            "localhost",
            "LocalHost",
        ] {
            assert!(Bind::new(near.into(), 1).is_loopback(), "{near}");
        }
        for far in [
            "0.0.0.0",
            "::",
            "10.0.0.1",
            "::ffff:10.0.0.1",
            "localhost.evil.example",
            "box",
        ] {
            assert!(!Bind::new(far.into(), 1).is_loopback(), "{far}");
        }
    }

    #[test]
    fn an_ipv6_address_is_shown_in_brackets() {
        assert_eq!(Bind::new("::1".into(), 80).to_string(), "[::1]:80");
        assert_eq!(
            Bind::new("127.0.0.1".into(), 80).to_string(),
            "127.0.0.1:80"
        );
    }
}
