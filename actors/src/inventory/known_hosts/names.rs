//! The first field of a `known_hosts` line: whom its key belongs to.
//!
//! `sshd(8)`, SSH_KNOWN_HOSTS FILE FORMAT; the details are those of `match_maybe_hashed` and
//! `extract_salt` in OpenSSH's `hostfile.c`. Pure.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use hmac::{Hmac, Mac};
use sha1::Sha1;

use crate::inventory::pattern::{self, ListMatch};

/// Bytes of a SHA-1 digest, and of the salt in front of it.
const DIGEST: usize = 20;

/// Whom a line is about.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Names {
    /// A comma list of patterns, in lower case.
    Patterns(Box<str>),
    /// `|1|salt|digest`: the HMAC-SHA1 of one name, keyed with the salt.
    Hashed {
        salt: [u8; DIGEST],
        digest: [u8; DIGEST],
    },
}

impl Names {
    /// Reads the field; `None` when it claims to be hashed and is not.
    pub(super) fn parse(field: &str) -> Option<Self> {
        let Some(hashed) = field.strip_prefix('|') else {
            return Some(Self::Patterns(field.to_ascii_lowercase().into()));
        };
        let (salt, digest) = hashed.strip_prefix("1|")?.split_once('|')?;
        let bytes = |text: &str| STANDARD.decode(text).ok()?.try_into().ok();
        Some(Self::Hashed {
            salt: bytes(salt)?,
            digest: bytes(digest)?,
        })
    }

    /// Whether the line is about `name`, which must be in lower case.
    pub(super) fn fit(&self, name: &str) -> bool {
        match self {
            Self::Patterns(list) => pattern::list(name, list) == ListMatch::Positive,
            Self::Hashed { salt, digest } => hash(salt, name).is_some_and(|hash| hash == *digest),
        }
    }
}

fn hash(salt: &[u8; DIGEST], name: &str) -> Option<[u8; DIGEST]> {
    let mut mac = Hmac::<Sha1>::new_from_slice(salt).ok()?;
    mac.update(name.as_bytes());
    Some(mac.finalize().into_bytes().into())
}

/// The name a host is recorded under: in lower case, with the port unless that is 22
/// (`put_host_port` in OpenSSH's `misc.c`).
pub(super) fn recorded_as(host: &str, port: u16) -> String {
    let host = host.to_ascii_lowercase();
    match port {
        0 | 22 => host,
        _ => format!("[{host}]:{port}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn patterns_fit_in_any_case_and_negation_wins() {
        for (field, name, expected) in [
            ("web", "web", true),
            ("WEB.Example.com", "web.example.com", true),
            ("a,web,b", "web", true),
            ("*.example.com", "web.example.com", true),
            ("*.example.com,!bad.example.com", "bad.example.com", false),
            ("w?b", "web", true),
            ("[web]:2222", "[web]:2222", true),
            ("[web]:22", "web", false),
            ("web", "[web]:2222", false),
            ("*", "[web]:2222", true),
            ("!web", "db", false),
        ] {
            assert_eq!(
                Names::parse(field).unwrap().fit(name),
                expected,
                "{field} {name}"
            );
        }
    }

    #[test]
    fn a_hashed_name_fits_only_itself() {
        // Made by `ssh-keygen -H` of OpenSSH 9.2 from `web.example.com`.
        let field = "|1|zexmlXdKC0B8mijOdlMkzQZpAV8=|q2UnY9Ek2vOTwKUijct4QE2G1lk=";
        let names = Names::parse(field).unwrap();
        assert!(names.fit("web.example.com"));
        assert!(!names.fit("web.example.co"));
        for broken in ["|2|a|b", "|1|", "|1|AAAA|AAAA", "|1|!|!", "|"] {
            assert_eq!(Names::parse(broken), None, "{broken}");
        }
    }

    #[test]
    fn only_a_port_other_than_22_is_recorded() {
        assert_eq!(recorded_as("Web", 22), "web");
        assert_eq!(recorded_as("web", 2222), "[web]:2222");
        assert_eq!(recorded_as("::1", 2222), "[::1]:2222");
    }
}
