//! Which part of a file is wanted, in bytes or lines. Pure.

use serde::{Deserialize, Serialize};
use std::ops;

/// A part of a file.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Range {
    /// Bytes from `offset`, at most `limit`.
    Bytes {
        /// The first byte.
        offset: u64,
        /// How many; as many as one read may return when absent.
        limit: Option<u64>,
    },
    /// Lines `first` to `last`, counted from 1, both included.
    Lines {
        /// The first line.
        first: u64,
        /// The last line; the end of the file when absent.
        last: Option<u64>,
    },
    /// The last so many lines.
    LastLines(u64),
}

impl Default for Range {
    fn default() -> Self {
        Self::Bytes {
            offset: 0,
            limit: None,
        }
    }
}

impl Range {
    /// Reads `20` (the first twenty), `10-20`, `10-` or `-20` (the same as `20`).
    ///
    /// # Errors
    /// A sentence that says what is legal.
    pub fn parse_lines(text: &str) -> Result<Self, String> {
        let wrong = || {
            format!(
                "`lines` is `20`, `10-20` or `10-`, not `{}`",
                text.escape_debug()
            )
        };
        let number = |text: &str| text.trim().parse::<u64>().ok().filter(|n| *n > 0);
        let (first, last) = match text.trim().split_once('-') {
            None | Some(("", _)) => (
                1,
                Some(number(text.trim().trim_start_matches('-')).ok_or_else(wrong)?),
            ),
            Some((first, "")) => (number(first).ok_or_else(wrong)?, None),
            Some((first, last)) => (
                number(first).ok_or_else(wrong)?,
                Some(number(last).ok_or_else(wrong)?),
            ),
        };
        match last {
            Some(last) if last < first => Err(wrong()),
            last => Ok(Self::Lines { first, last }),
        }
    }

    /// Whether the bytes, which end with the file, hold all lines asked for.
    pub(super) fn is_satisfied(self, bytes: &[u8]) -> bool {
        match self {
            Self::LastLines(lines) => last_lines(bytes, lines) > 0,
            _ => true,
        }
    }

    /// The bytes asked for within those that were read from `offset` on, and whether some that were
    /// asked for are missing.
    pub(super) fn within(self, bytes: &[u8], offset: u64, more: bool) -> (ops::Range<usize>, bool) {
        match self {
            Self::Bytes { .. } => (0..bytes.len(), more),
            Self::LastLines(lines) => match last_lines(bytes, lines) {
                // More lines were asked for than one read returns: those that are whole.
                0 if offset > 0 => (second_line(bytes)..bytes.len(), true),
                start => (start..bytes.len(), false),
            },
            Self::Lines { first, last } => {
                let start = line_start(bytes, first);
                match last.and_then(|last| line_starts(bytes, last.saturating_add(1))) {
                    Some(end) => (start..end, false),
                    None => (start..bytes.len(), more),
                }
            }
        }
    }
}

/// Where line `number` begins, or the end when there are fewer.
fn line_start(bytes: &[u8], number: u64) -> usize {
    line_starts(bytes, number).unwrap_or(bytes.len())
}

fn line_starts(bytes: &[u8], number: u64) -> Option<usize> {
    if number <= 1 {
        return Some(0);
    }
    let newline = usize::try_from(number - 2).ok()?;
    memchr::memchr_iter(b'\n', bytes)
        .nth(newline)
        .map(|at| at + 1)
}

/// Where the first line that is known to be whole begins; if there is none, the part of the only one.
fn second_line(bytes: &[u8]) -> usize {
    line_starts(bytes, 2)
        .filter(|start| *start < bytes.len())
        .unwrap_or(0)
}

/// Where the last `lines` lines begin; a newline at the very end belongs to the last line.
fn last_lines(bytes: &[u8], lines: u64) -> usize {
    if lines == 0 {
        return bytes.len();
    }
    let body = bytes.strip_suffix(b"\n").unwrap_or(bytes);
    let newline = usize::try_from(lines - 1).unwrap_or(usize::MAX);
    memchr::memrchr_iter(b'\n', body)
        .nth(newline)
        .map_or(0, |at| at + 1)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn cut(range: Range, text: &str) -> &str {
        &text[range.within(text.as_bytes(), 0, false).0]
    }

    #[test]
    fn lines_are_counted_from_one_and_both_ends_belong() {
        let parse = |text| Range::parse_lines(text).unwrap();
        let text = "1\n2\n3\n4\n";
        assert_eq!(cut(parse("2-3"), text), "2\n3\n");
        assert_eq!(cut(parse("2"), text), "1\n2\n");
        assert_eq!(cut(parse("3-"), text), "3\n4\n");
        assert_eq!(cut(parse("9-12"), text), "");
        assert_eq!(cut(parse("3-18446744073709551615"), text), "3\n4\n");
        assert_eq!(cut(parse("4-4"), "1\n2\n3\n4"), "4");
        for wrong in ["", "0", "3-2", "a", "1-b", "-"] {
            assert!(Range::parse_lines(wrong).is_err(), "{wrong}");
        }
    }

    #[test]
    fn the_last_lines_include_an_unfinished_one() {
        assert_eq!(cut(Range::LastLines(2), "1\n2\n3\n"), "2\n3\n");
        assert_eq!(cut(Range::LastLines(2), "1\n2\n3"), "2\n3");
        assert_eq!(cut(Range::LastLines(9), "1\n2\n"), "1\n2\n");
        assert_eq!(cut(Range::LastLines(1), ""), "");
    }

    #[test]
    fn lines_beyond_what_was_read_are_said_to_be_missing() {
        let lines = Range::parse_lines("1-9").unwrap();
        assert!(lines.within(b"1\n2\n", 0, true).1);
        assert!(
            !Range::parse_lines("1-2")
                .unwrap()
                .within(b"1\n2\n3", 0, true)
                .1
        );
    }
    #[test]
    fn last_lines_before_what_was_read_are_said_to_be_missing() {
        let within =
            |text: &str, offset| Range::LastLines(9).within(text.as_bytes(), offset, false);
        assert_eq!(within("1\n2\n", 0), (0..4, false));
        assert_eq!(within("half\n2\n3\n", 7), (5..9, true));
        assert_eq!(within("half of a long line\n", 7), (0..20, true));
    }
}
