//! The names a server answers to, besides those of loopback: what it was told, and its own address.
//! Pure.

use std::net::IpAddr;

/// The names of a server that was told to listen on `host`, which turned out to be `address`.
///
/// An address that others can reach with no name told stays without any: such a server cannot know
/// what it is called, and accepts every `Host` behind its keys.
pub(super) fn of(allowed: &[String], host: &str, address: IpAddr) -> Vec<String> {
    let mut names = allowed.to_vec();
    let address = address.to_canonical();
    let open = allowed.is_empty() && !address.is_loopback();
    if open || address.is_unspecified() {
        return names;
    }
    let own = match host.parse::<IpAddr>() {
        Ok(literal) => in_authority(literal),
        Err(_) => host.to_ascii_lowercase(),
    };
    names.extend([own, in_authority(address)]);
    names
}

/// An address as a URL has it (RFC 3986 section 3.2.2).
fn in_authority(address: IpAddr) -> String {
    match address {
        IpAddr::V4(v4) => v4.to_string(),
        IpAddr::V6(v6) => format!("[{v6}]"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn names(allowed: &[&str], host: &str, address: &str) -> Vec<String> {
        let allowed: Vec<String> = allowed.iter().map(ToString::to_string).collect();
        let mut names = of(&allowed, host, address.parse().unwrap());
        names.dedup();
        names
    }

    #[test]
    fn a_server_answers_to_where_it_listens() {
        assert_eq!(names(&[], "127.0.0.5", "127.0.0.5"), ["127.0.0.5"]);
        assert_eq!(names(&[], "Box", "127.0.1.1"), ["box", "127.0.1.1"]);
        assert_eq!(names(&["a"], "10.0.0.1", "10.0.0.1"), ["a", "10.0.0.1"]);
        assert_eq!(names(&["a"], "fd00:0::1", "fd00::1"), ["a", "[fd00::1]"]);
    }

    #[test]
    fn a_server_that_cannot_know_its_names_has_none() {
        for (host, address) in [("0.0.0.0", "0.0.0.0"), ("::", "::"), ("box", "10.0.0.1")] {
            assert!(names(&[], host, address).is_empty(), "{host}");
        }
        assert_eq!(names(&["a"], "0.0.0.0", "0.0.0.0"), ["a"]);
    }
}
