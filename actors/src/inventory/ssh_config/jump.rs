//! The value of `ProxyJump`: `[user@]host[:port]`, `ssh://` URIs, comma lists, `none`.
//!
//! Only reads the text; who the hop is and whether it may be used is decided by the resolver. The
//! rules are those of `parse_jump` in OpenSSH's `readconf.c` and of `parse_user_host_port` and
//! `parse_uri` in its `misc.c`.

use super::value;

/// A jump host as written.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Hop {
    pub(super) user: Option<String>,
    pub(super) host: String,
    pub(super) port: Option<u16>,
}

/// What a `ProxyJump` line says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum JumpSpec {
    /// Connect directly.
    None,
    /// Through `last`, which is the hop next to the host; `hops` are named in all.
    Through { last: Hop, hops: usize },
}

/// Reads the rest of a `ProxyJump` line; `None` when a hop cannot be read.
///
/// The text is taken raw, as the client does: quotes belong to the name. `none` before a comment
/// is read as `none`, where OpenSSH up to 10.5 looks for a host of that name.
pub(super) fn parse(rest: &str) -> Option<JumpSpec> {
    let rest = rest.trim_start_matches([' ', '\t', '\r', '\n', '=']);
    let list = rest.split('#').next().unwrap_or(rest).trim_end();
    if value::is_none(list) {
        return Some(JumpSpec::None);
    }
    let hops = list.split(',').map(hop).collect::<Option<Vec<_>>>()?;
    let count = hops.len();
    let last = hops.into_iter().next_back()?;
    Some(JumpSpec::Through { last, hops: count })
}

fn hop(text: &str) -> Option<Hop> {
    let uri = text.strip_prefix("ssh://");
    let spec = uri.unwrap_or(text);
    // In a URI the first `@` ends the user, elsewhere the last one does.
    let split = match uri {
        Some(_) => spec.split_once('@'),
        None => spec.rsplit_once('@'),
    };
    let (user, address) = match split {
        Some(("", _)) => return None,
        Some((user, address)) => (Some(user), address),
        None => (None, spec),
    };
    let user = match (user, uri) {
        (Some(user), Some(_)) => Some(uri_user(user)?),
        (user, _) => user.map(str::to_owned),
    };
    let (host, behind) = host_and_port(address)?;
    let port = match (behind, uri) {
        // A URI may end in `/`; a path behind that has no meaning here.
        (Some((':', port)), Some(_)) => port.strip_suffix('/').unwrap_or(port),
        (Some((_, path)), Some(_)) if !path.is_empty() => return None,
        (Some((_, port)), _) => port,
        (None, _) => "",
    };
    let port = match port {
        "" => None,
        number => Some(value::port(number)?),
    };
    (!host.is_empty()).then(|| Hop {
        user,
        host: host.to_owned(),
        port,
    })
}

/// The user of a URI may carry connection parameters after `;`, which have no meaning here. An
/// escape cannot occur in a login name that works, so it is refused instead of decoded.
fn uri_user(text: &str) -> Option<String> {
    let user = text.split(';').next().unwrap_or(text);
    (!user.is_empty() && !user.contains(['%', '+'])).then(|| user.to_owned())
}

/// Splits a host, bracketed or not, from the `:` or `/` behind it and what that separates.
fn host_and_port(text: &str) -> Option<(&str, Option<(char, &str)>)> {
    let (host, behind) = match text.strip_prefix('[') {
        Some(bracketed) => bracketed.split_once(']')?,
        None => text.split_at(text.find([':', '/']).unwrap_or(text.len())),
    };
    match behind.chars().next() {
        None => Some((host, None)),
        Some(separator @ (':' | '/')) => Some((host, Some((separator, &behind[1..])))),
        Some(_) => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn one(user: Option<&str>, host: &str, port: Option<u16>) -> Option<JumpSpec> {
        Some(JumpSpec::Through {
            last: Hop {
                user: user.map(str::to_owned),
                host: host.to_owned(),
                port,
            },
            hops: 1,
        })
    }

    #[test]
    fn a_hop_is_user_host_and_port() {
        for (text, expected) in [
            ("j", one(None, "j", None)),
            ("= j", one(None, "j", None)),
            ("u@j", one(Some("u"), "j", None)),
            (
                "u@example.com@j:2022",
                one(Some("u@example.com"), "j", Some(2022)),
            ),
            ("[::1]:22", one(None, "::1", Some(22))),
            ("[::1]", one(None, "::1", None)),
            ("j:", one(None, "j", None)),
            ("j # the bastion", one(None, "j", None)),
            ("ssh://u;x=y@j:22/", one(Some("u"), "j", Some(22))),
            ("ssh://j", one(None, "j", None)),
            ("ssh://j/", one(None, "j", None)),
            ("j/22", one(None, "j", Some(22))),
            ("ssh://j/22", None),
            ("j:22/", None),
            ("none", Some(JumpSpec::None)),
            ("NONE # direct", Some(JumpSpec::None)),
            ("@j", None),
            ("j:0", None),
            ("j:x", None),
            ("", None),
            (",j", None),
            ("[::1", None),
            ("ssh://a%20b@j", None),
        ] {
            assert_eq!(parse(text), expected, "{text:?}");
        }
    }

    #[test]
    fn hops_are_counted_and_the_last_one_is_next_to_the_host() {
        let Some(JumpSpec::Through { last, hops }) = parse("a,u@b:2022") else {
            panic!("two hops are a list");
        };
        assert_eq!((last.host.as_str(), hops), ("b", 2));
        assert_eq!(last.port, Some(2022));
    }
}
