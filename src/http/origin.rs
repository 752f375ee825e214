//! `Host` and `Origin`: what keeps web pages away from a server on loopback (DNS rebinding).
//!
//! Pure. Compares names only; a port is never part of the decision, since a rebound page may use
//! any.

use http::HeaderMap;
use http::header::{HOST, ORIGIN};
use http::uri::Authority;

/// Names every server answers to.
const LOOPBACK: [&str; 3] = ["localhost", "127.0.0.1", "[::1]"];

/// The names a server answers to.
#[derive(Debug, Clone)]
pub(super) struct Names {
    names: Vec<String>,
    any_host: bool,
}

/// Why a request is turned away: 403.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub(super) enum Foreign {
    /// The `Host` header, or `:authority`, or both where they differ.
    #[error("this server does not answer to that host name")]
    Host,
    /// The `Origin` header.
    #[error("requests of that origin are not accepted")]
    Origin,
}

impl Names {
    /// `extra` names beside those of loopback. Without any, a server that is not on loopback
    /// accepts every `Host`: it cannot know its own names.
    pub(super) fn new(extra: &[String], on_loopback: bool) -> Self {
        let names = LOOPBACK.into_iter().map(str::to_owned);
        let names = names
            .chain(extra.iter().map(|name| name.to_ascii_lowercase()))
            .collect();
        Self {
            names,
            any_host: !on_loopback && extra.is_empty(),
        }
    }

    /// Checks a request. HTTP/2 has no `Host`, its `authority` is in the URI.
    pub(super) fn check(
        &self,
        headers: &HeaderMap,
        authority: Option<&Authority>,
    ) -> Result<(), Foreign> {
        if !self.any_host && !self.answers_to(headers, authority) {
            return Err(Foreign::Host);
        }
        let mut origins = headers.get_all(ORIGIN).iter();
        let all = origins.all(|origin| origin.to_str().is_ok_and(|origin| self.has_origin(origin)));
        if all { Ok(()) } else { Err(Foreign::Origin) }
    }

    fn answers_to(&self, headers: &HeaderMap, authority: Option<&Authority>) -> bool {
        let mut named = false;
        for host in headers.get_all(HOST) {
            if named || !host.to_str().is_ok_and(|host| self.has(host)) {
                return false;
            }
            named = true;
        }
        match authority {
            Some(authority) => self.has(authority.as_str()),
            None => named,
        }
    }

    fn has_origin(&self, origin: &str) -> bool {
        origin
            .strip_prefix("http://")
            .or_else(|| origin.strip_prefix("https://"))
            .is_some_and(|host| self.has(host))
    }

    fn has(&self, host: &str) -> bool {
        without_port(host).is_some_and(|host| {
            self.names
                .iter()
                .any(|name| name.eq_ignore_ascii_case(host))
        })
    }
}

/// `name`, `name:80`, `[::1]`, `[::1]:80`. `None` for anything else.
fn without_port(host: &str) -> Option<&str> {
    let end = if host.starts_with('[') {
        host.find(']')? + 1
    } else {
        host.find(':').unwrap_or(host.len())
    };
    let (name, rest) = host.split_at(end);
    let port = rest.strip_prefix(':');
    let fine = rest.is_empty() || port.is_some_and(|port| port.bytes().all(|b| b.is_ascii_digit()));
    fine.then_some(name)
}

#[cfg(test)]
mod tests {
    use http::HeaderValue;

    use super::*;

    fn verdict(names: &Names, pairs: &[(&'static str, &'static str)]) -> Result<(), Foreign> {
        let mut headers = HeaderMap::new();
        for (name, value) in pairs {
            headers.append(*name, HeaderValue::from_static(value));
        }
        names.check(&headers, None)
    }

    #[test]
    fn only_known_hosts_are_answered_on_loopback() {
        let names = Names::new(&["Scout.Example".into()], true);
        for host in [
            "localhost",
            "LOCALHOST:8000",
            "127.0.0.1:1",
            "[::1]",
            "[::1]:8000",
            "scout.example",
        ] {
            assert_eq!(verdict(&names, &[("host", host)]), Ok(()), "{host}");
        }
        for host in [
            "evil.example",
            "localhost.evil.example",
            "127.0.0.1.evil",
            "",
            "::1",
            "[::1",
            "localhost:80:80",
            "localhost:x",
            "user@localhost",
        ] {
            assert_eq!(
                verdict(&names, &[("host", host)]),
                Err(Foreign::Host),
                "{host}"
            );
        }
        assert_eq!(verdict(&names, &[]), Err(Foreign::Host));
        let twice = [("host", "localhost"), ("host", "localhost")];
        assert_eq!(verdict(&names, &twice), Err(Foreign::Host));
    }

    #[test]
    fn the_authority_counts_as_host() {
        let names = Names::new(&[], true);
        let check = |authority: &'static str| {
            names.check(&HeaderMap::new(), Some(&Authority::from_static(authority)))
        };
        assert_eq!(check("127.0.0.1:9"), Ok(()));
        assert_eq!(check("evil.example"), Err(Foreign::Host));
    }

    #[test]
    fn an_origin_must_be_one_of_our_names() {
        let names = Names::new(&[], true);
        let with = |origin| verdict(&names, &[("host", "localhost"), ("origin", origin)]);
        assert_eq!(with("http://localhost:3000"), Ok(()));
        assert_eq!(with("https://[::1]"), Ok(()));
        for origin in [
            "null",
            "http://evil.example",
            "localhost",
            "file://",
            "http://localhost.evil",
        ] {
            assert_eq!(with(origin), Err(Foreign::Origin), "{origin}");
        }
        let twice = [
            ("host", "localhost"),
            ("origin", "http://localhost"),
            ("origin", "null"),
        ];
        assert_eq!(verdict(&names, &twice), Err(Foreign::Origin));
    }

    #[test]
    fn a_public_server_that_was_told_no_names_checks_origins_only() {
        let names = Names::new(&[], false);
        assert_eq!(verdict(&names, &[("host", "a.example")]), Ok(()));
        let page = [("host", "a.example"), ("origin", "http://a.example")];
        assert_eq!(verdict(&names, &page), Err(Foreign::Origin));
        let told = Names::new(&["b.example".into()], false);
        assert_eq!(verdict(&told, &[("host", "a.example")]), Err(Foreign::Host));
    }
}
