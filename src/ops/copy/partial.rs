//! The name under which a file arrives before it is whole.
//!
//! It stands beside its destination and follows from what is copied there, so that the same copy
//! finds what an earlier attempt left and goes on from it, and a copy of anything else does not.

use super::seen::Seen;
use sha2::{Digest, Sha256};
use std::fmt::Write as _;

/// The longest name of an entry (`NAME_MAX` of `limits.h`).
const NAME_MAX: usize = 255;

/// Between the name and the digits, and behind them.
const MARK: &[u8] = b".scout-";
const END: &[u8] = b".part";

/// Hexadecimal digits of the identity.
const DIGITS: usize = 8;

/// After this long without a change an unfinished file is given up on.
const STALE: u32 = 3600;

/// The name for `name` while it is copied from `source`, a place as it is written, in the state it
/// was seen in: `.NAME.scout-XXXXXXXX.part`.
pub(super) fn name(name: &[u8], source: &str, seen: &Seen) -> Vec<u8> {
    let mut digest = Sha256::new();
    digest.update(name);
    digest.update([0]);
    digest.update(source);
    digest.update([0]);
    digest.update(seen.size.to_be_bytes());
    digest.update(seen.modified.to_be_bytes());
    digest.update(seen.fine.to_be_bytes());
    named(name, digest)
}

/// The name of a file that is made to see whose it is.
pub(super) fn probe(unique: &str) -> Vec<u8> {
    named(b"probe", Sha256::new_with_prefix(unique))
}

fn named(name: &[u8], digest: Sha256) -> Vec<u8> {
    let mut digits = String::new();
    for byte in digest.finalize().iter().take(DIGITS / 2) {
        let _ = write!(digits, "{byte:02x}");
    }
    let room = NAME_MAX - 1 - MARK.len() - DIGITS - END.len();
    let kept = name.get(..room).unwrap_or(name);
    [b".", kept, MARK, digits.as_bytes(), END].concat()
}

/// Whether a name is one of ours, whatever it is for.
pub(super) fn is_ours(name: &[u8]) -> bool {
    let Some(front) = name
        .strip_prefix(b".")
        .and_then(|name| name.strip_suffix(END))
    else {
        return false;
    };
    let Some(cut) = front.len().checked_sub(DIGITS) else {
        return false;
    };
    let (front, digits) = front.split_at(cut);
    let hex = |byte: &u8| matches!(byte, b'0'..=b'9' | b'a'..=b'f');
    digits.iter().all(hex) && front.len() > MARK.len() && front.ends_with(MARK)
}

/// Whether an unfinished file has been left for good: nobody wrote to it for an hour, `now` being the
/// time by the clock of its own machine. One that has just become whole bears the time of its source;
/// that of its last access says that it is in use.
pub(super) fn is_stale(name: &[u8], seen: &Seen, now: u32) -> bool {
    let old = now.saturating_sub(seen.modified.max(seen.accessed)) > STALE;
    is_ours(name) && seen.kind == fleet::file::Kind::File && old
}

#[cfg(test)]
mod tests {
    use super::*;
    use fleet::file::Kind;

    fn seen(size: u64, modified: u32) -> Seen {
        Seen {
            kind: Kind::File,
            size,
            mode: 0o600,
            modified,
            fine: 0,
            accessed: 0,
            owner: None,
        }
    }

    #[test]
    fn the_name_follows_from_what_is_copied() {
        let usual = name(b"a.iso", "web1:/a.iso", &seen(7, 1));
        let text = String::from_utf8(usual.clone()).unwrap();
        assert!(
            text.starts_with(".a.iso.scout-") && text.ends_with(".part"),
            "{text}"
        );
        assert_eq!(usual, name(b"a.iso", "web1:/a.iso", &seen(7, 1)));
        let others = [
            name(b"a.iso", "web2:/a.iso", &seen(7, 1)),
            name(b"a.iso", "web1:/a.iso", &seen(8, 1)),
            name(b"a.iso", "web1:/a.iso", &seen(7, 2)),
            name(b"b.iso", "web1:/a.iso", &seen(7, 1)),
        ];
        assert!(others.iter().all(|other| *other != usual));
    }

    #[test]
    fn a_probe_that_stays_is_cleared_away() {
        assert!(is_ours(&probe("1")) && probe("1") != probe("2"));
    }

    #[test]
    fn the_longest_name_still_has_one() {
        let long = name(&[b'n'; 255], "a", &seen(1, 1));
        assert_eq!(long.len(), 255);
        assert!(is_ours(&long));
        let other = name(&[&[b'n'; 254][..], b"m"].concat(), "a", &seen(1, 1));
        assert_ne!(long, other);
    }

    #[test]
    fn only_what_is_surely_ours_is_given_up_on() {
        let ours = b".x.scout-0123abcd.part";
        assert!(is_stale(ours, &seen(1, 1000), 5000));
        assert!(!is_stale(ours, &seen(1, 1000), 4600), "an hour is not over");
        assert!(!is_stale(ours, &seen(1, 9000), 1000), "clocks differ");
        let sealed = Seen {
            accessed: 4000,
            ..seen(1, 1000)
        };
        assert!(!is_stale(ours, &sealed, 5000), "it is about to be renamed");
        let link = Seen {
            kind: Kind::Symlink,
            ..seen(1, 1000)
        };
        assert!(!is_stale(ours, &link, 9999));
        for foreign in [
            ".scout-0123abcd.part",
            "x.scout-0123abcd.part",
            ".x.scout-0123abc.part",
            ".x.scout-0123ABCD.part",
            ".x.scout-0123abcd.part.bak",
            ".x.part",
            ".part",
            "",
        ] {
            assert!(!is_ours(foreign.as_bytes()), "{foreign}");
        }
    }
}
