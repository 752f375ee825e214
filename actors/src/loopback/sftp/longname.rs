//! The line a listing shows for an entry, in the shape of `ls -l` (draft-ietf-secsh-filexfer-02,
//! §7, recommends it and calls it opaque).
//!
//! Owners are numbers and times are UTC: neither asks the system for anything.

use crate::file::Kind;
use std::fs::Metadata;
use std::os::unix::fs::MetadataExt;

const MONTHS: [&str; 12] = [
    "Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec",
];

/// The line for one entry. The name is copied as it is.
pub(super) fn longname(name: &[u8], metadata: &Metadata) -> Vec<u8> {
    let line = format!(
        "{} {:>4} {:<8} {:<8} {:>8} {} ",
        permissions(metadata.mode()),
        metadata.nlink(),
        metadata.uid(),
        metadata.gid(),
        metadata.len(),
        date(metadata.mtime()),
    );
    [line.as_bytes(), name].concat()
}

/// Type and permissions, as `ls` writes them (POSIX, `ls`, STDOUT).
fn permissions(mode: u32) -> String {
    let mut text = String::from(Kind::of_mode(mode).letter());
    for (shift, special, lower, upper) in [
        (6, 0o4000, 's', 'S'),
        (3, 0o2000, 's', 'S'),
        (0, 0o1000, 't', 'T'),
    ] {
        let bits = mode >> shift;
        text.push(if bits & 4 == 0 { '-' } else { 'r' });
        text.push(if bits & 2 == 0 { '-' } else { 'w' });
        text.push(match (bits & 1 != 0, mode & special != 0) {
            (true, true) => lower,
            (false, true) => upper,
            (true, false) => 'x',
            (false, false) => '-',
        });
    }
    text
}

/// Month, day and year of a time in seconds since 1970 (the inverse of the formula in POSIX
/// XBD §4.19, on years that begin in March so that the leap day is the last).
fn date(seconds: i64) -> String {
    let days = seconds.div_euclid(86_400) + 719_468;
    let (era, day) = (days.div_euclid(146_097), days.rem_euclid(146_097));
    let year = (day - day / 1_460 + day / 36_524 - day / 146_096) / 365;
    let day = day - (365 * year + year / 4 - year / 100);
    let month = (5 * day + 2) / 153;
    let day = day - (153 * month + 2) / 5 + 1;
    let (month, turn) = if month < 10 {
        (month + 2, 0)
    } else {
        (month - 10, 1)
    };
    let name = usize::try_from(month)
        .ok()
        .and_then(|month| MONTHS.get(month));
    let year = year + era * 400 + turn;
    format!("{} {day:>2}  {year}", name.unwrap_or(&"???"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn permissions_read_as_in_ls() {
        for (mode, text) in [
            (0o100_644, "-rw-r--r--"),
            (0o041_777, "drwxrwxrwt"),
            (0o104_711, "-rws--x--x"),
            (0o102_600, "-rw---S---"),
            (0o120_777, "lrwxrwxrwx"),
            (0o010_000, "p---------"),
        ] {
            assert_eq!(permissions(mode), text);
        }
    }

    #[test]
    fn dates_are_those_of_the_calendar() {
        for (seconds, text) in [
            (0, "Jan  1  1970"),
            (-1, "Dec 31  1969"),
            (951_782_400, "Feb 29  2000"),
            (951_868_800, "Mar  1  2000"),
            (4_107_542_400, "Mar  1  2100"),
            (1_798_761_599, "Dec 31  2026"),
        ] {
            assert_eq!(date(seconds), text);
        }
    }
}
