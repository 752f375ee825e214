//! The parts of a resource URI. Pure; what the parts name is found out elsewhere.

use crate::access::Principal;
use crate::ops::{Failure, Ops};
use fleet::{HostName, RemotePath};

/// The scheme, and what stands behind `://`.
#[must_use]
pub fn split(uri: &str) -> Option<(&str, &str)> {
    uri.split_once("://")
}

/// The bytes that `%` and two hexadecimal digits stand for (RFC 3986 §2.1), UTF-8 or not.
///
/// Everything else is what it looks like, `?`, `#` and spaces too: no scheme of ours has a query or
/// a fragment, and clients that fill in a template without encoding mean the path.
pub(super) fn decode(text: &str) -> Result<Vec<u8>, Failure> {
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text;
    while let Some((plain, behind)) = rest.split_once('%') {
        bytes.extend_from_slice(plain.as_bytes());
        let byte = behind.get(..2).and_then(hexadecimal).ok_or_else(|| {
            Failure::invalid(
                "a `%` in a URI is followed by two hexadecimal digits; write `%25` for the character itself",
            )
        })?;
        bytes.push(byte);
        rest = behind.get(2..).unwrap_or_default();
    }
    bytes.extend_from_slice(rest.as_bytes());
    Ok(bytes)
}

fn hexadecimal(digits: &str) -> Option<u8> {
    let digit = |at| char::from(*digits.as_bytes().get(at)?).to_digit(16);
    u8::try_from(digit(0)? * 16 + digit(1)?).ok()
}

/// The path that stands behind the first slash of a URI: absolute, with or without a slash of its
/// own, or below the home directory where it begins with `~`. A directory `~` in the root is
/// written with its own slash: `scout://web1//~/x`.
///
/// # Errors
/// A `%` without its digits, or what is wrong with the path.
pub fn path(text: &str) -> Result<RemotePath, Failure> {
    let path = decode(text)?;
    let whole = match &*path {
        [b'/', ..] | [b'~'] | [b'~', b'/', ..] => path,
        _ => [b"/", &*path].concat(),
    };
    Ok(RemotePath::parse(whole)?)
}

/// The visible host that a URI names. Programs that handle URIs write schemes and hosts in lower
/// case (RFC 3986 §6.2.2.1), so where no host has exactly this name, one that differs only in case
/// will do, if there is only one.
pub(super) fn host(ops: &Ops, principal: &Principal, text: &str) -> Result<HostName, Failure> {
    let visible = ops.visible_hosts(principal);
    let name = decode(text)?;
    let name = String::from_utf8_lossy(&name);
    let name = name
        .strip_prefix('[')
        .and_then(|name| name.strip_suffix(']'))
        .unwrap_or(&name);
    let found = named(&visible, name).cloned();
    found.ok_or_else(|| Failure::unknown_host(name, &visible))
}

fn named<'a>(visible: &'a [HostName], name: &str) -> Option<&'a HostName> {
    let exact = visible.iter().find(|host| host.as_str() == name);
    exact.or_else(|| {
        let mut alike = visible
            .iter()
            .filter(|host| host.as_str().eq_ignore_ascii_case(name));
        alike.next().filter(|_| alike.next().is_none())
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn decoding_gives_back_every_byte() {
        let cases = [
            ("a%20b c", "a b c"),
            ("100%25", "100%"),
            ("%2525", "%25"),
            ("%C3%A4%f0%9f%a6%80", "ä🦀"),
            ("ä%2Fb", "ä/b"),
            ("a?b#c+d", "a?b#c+d"),
        ];
        for (coded, text) in cases {
            assert_eq!(decode(coded).unwrap(), text.as_bytes(), "{coded}");
        }
        assert_eq!(decode("a%FF%C3(").unwrap(), b"a\xff\xc3(");
        for wrong in ["%", "a%2", "%zz", "%+1", "%é"] {
            assert_eq!(decode(wrong).unwrap_err().outcome, "invalid", "{wrong}");
        }
    }

    #[test]
    fn a_path_is_absolute_or_below_home() {
        let cases = [
            ("etc/hosts", "/etc/hosts"),
            ("/etc/hosts", "/etc/hosts"),
            ("%2Fetc%2Fhosts", "/etc/hosts"),
            ("", "/"),
            ("~", "~"),
            ("~/a b", "~/a b"),
            ("%7E/x", "~/x"),
            ("/~/x", "/~/x"),
            ("~bob/x", "/~bob/x"),
        ];
        for (text, expected) in cases {
            assert_eq!(
                path(text).unwrap().as_bytes(),
                expected.as_bytes(),
                "{text}"
            );
        }
        assert_eq!(path("a%00b").unwrap_err().outcome, "invalid");
    }

    #[test]
    fn case_decides_only_where_it_must() {
        let hosts = ["Web1", "db", "DB", "web_2"].map(|name| HostName::parse(name).unwrap());
        let found = |name| named(&hosts, name).map(HostName::as_str);
        assert_eq!(found("Web1"), Some("Web1"));
        assert_eq!(found("web1"), Some("Web1"));
        assert_eq!(found("db"), Some("db"));
        assert_eq!(found("Db"), None);
        assert_eq!(found("web_2"), Some("web_2"));
        assert_eq!(found("mail"), None);
    }
}
