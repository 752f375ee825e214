//! Numbers, durations and words of `ssh_config`, as strict as `ssh` reads them.
//!
//! Pure; each function answers `None` for a value `ssh` would refuse, and the caller says where.

use std::time::Duration;

use crate::inventory::settings::HostKeyChecking;

/// A TCP port, 1 to 65535 (`a2port` in OpenSSH's `misc.c`).
///
/// Names of services are not looked up, except `ssh` itself: which port another name means would
/// depend on `/etc/services`.
pub(super) fn port(text: &str) -> Option<u16> {
    if text == "ssh" {
        return Some(22);
    }
    let digits = text.strip_prefix('+').unwrap_or(text);
    if !digits.bytes().all(|c| c.is_ascii_digit()) {
        return None;
    }
    digits.parse().ok().filter(|&port| port != 0)
}

/// A time in the format of `sshd_config(5)`, TIME FORMATS: `90`, `1m30s`, `1h`. The limit is that
/// of `convtime` in OpenSSH's `misc.c`, 2³¹−1 seconds.
pub(super) fn duration(text: &str) -> Option<Duration> {
    let mut total: u64 = 0;
    let mut rest = text;
    while !rest.is_empty() {
        let end = rest
            .find(|c: char| !c.is_ascii_digit())
            .unwrap_or(rest.len());
        let count: u64 = rest[..end].parse().ok()?;
        let mut behind = rest[end..].chars();
        let unit = match behind.next().map(|c| c.to_ascii_lowercase()) {
            None | Some('s') => 1,
            Some('m') => 60,
            Some('h') => 60 * 60,
            Some('d') => 24 * 60 * 60,
            Some('w') => 7 * 24 * 60 * 60,
            Some(_) => return None,
        };
        total = total.checked_add(count.checked_mul(unit)?)?;
        if total > i32::MAX as u64 {
            return None;
        }
        rest = behind.as_str();
    }
    (!text.is_empty()).then(|| Duration::from_secs(total))
}

/// `yes`, `no`, `true` or `false` in any case.
pub(super) fn flag(text: &str) -> Option<bool> {
    match text.to_ascii_lowercase().as_str() {
        "yes" | "true" => Some(true),
        "no" | "false" => Some(false),
        _ => None,
    }
}

/// A value of `StrictHostKeyChecking`.
pub(super) fn checking(text: &str) -> Option<HostKeyChecking> {
    match text.to_ascii_lowercase().as_str() {
        "yes" | "true" => Some(HostKeyChecking::Yes),
        "no" | "false" | "off" => Some(HostKeyChecking::Off),
        "accept-new" => Some(HostKeyChecking::AcceptNew),
        "ask" => Some(HostKeyChecking::Ask),
        _ => None,
    }
}

/// Whether a value is `none` in any case.
pub(super) fn is_none(text: &str) -> bool {
    text.eq_ignore_ascii_case("none")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ports_are_numbers_from_1_to_65535() {
        for (text, expected) in [
            ("22", Some(22)),
            ("65535", Some(65535)),
            ("022", Some(22)),
            ("+22", Some(22)),
            ("ssh", Some(22)),
            ("0", None),
            ("65536", None),
            ("-1", None),
            ("22x", None),
            ("0x16", None),
            ("", None),
            ("++2", None),
        ] {
            assert_eq!(port(text), expected, "{text:?}");
        }
    }

    #[test]
    fn times_add_their_parts_up() {
        for (text, expected) in [
            ("0", Some(0)),
            ("90", Some(90)),
            ("1m30s", Some(90)),
            ("1M30", Some(90)),
            ("2h", Some(7200)),
            ("1w1d", Some(691_200)),
            ("2147483647", Some(2_147_483_647)),
            ("2147483648", None),
            ("999999999999999999999", None),
            ("", None),
            ("s", None),
            ("5x", None),
            ("-5", None),
            ("1.5", None),
        ] {
            assert_eq!(
                duration(text),
                expected.map(Duration::from_secs),
                "{text:?}"
            );
        }
    }

    #[test]
    fn words_are_read_in_any_case_and_nothing_else_is() {
        assert_eq!(flag("Yes"), Some(true));
        assert_eq!(flag("FALSE"), Some(false));
        assert_eq!(flag("1"), None);
        assert_eq!(checking("accept-new"), Some(HostKeyChecking::AcceptNew));
        assert_eq!(checking("NO"), Some(HostKeyChecking::Off));
        assert_eq!(checking("maybe"), None);
    }
}
