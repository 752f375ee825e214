//! A text that lines of files hold: looked for by the host's `grep`, or here in what was read.
//!
//! The text is data: no pattern, and no option (`-F`, `-e`; POSIX XCU, `grep`). Both ways count lines of
//! bytes, the last one also without a newline, in whatever the file holds.

use crate::ops::sweep::Sweep;
use memchr::memmem::Finder;
use std::ffi::OsString;
use std::os::unix::ffi::OsStringExt;

/// The longest text, in bytes.
const LONGEST: usize = 4096;

/// A text within a line.
#[derive(Debug, Clone)]
pub(super) struct Needle(Vec<u8>);

impl Needle {
    /// Checks a text.
    ///
    /// # Errors
    /// A sentence that says what no line can hold.
    pub(super) fn parse(text: &[u8]) -> Result<Self, String> {
        if text.is_empty() {
            return Err(
                "`contains` is empty; leave it out to find files whatever they hold".into(),
            );
        }
        if text.len() > LONGEST {
            return Err(format!("`contains` has more than {LONGEST} bytes"));
        }
        if text.contains(&b'\n') || text.contains(&0) {
            return Err(
                "`contains` is a text within one line, without newlines and NUL bytes".into(),
            );
        }
        Ok(Self(text.to_vec()))
    }

    /// The text.
    pub(super) fn as_bytes(&self) -> &[u8] {
        &self.0
    }

    /// Counts the lines of what is read piece by piece.
    pub(super) fn counter(&self) -> Counter<'_> {
        Counter {
            needle: Finder::new(&self.0),
            tail: Vec::new(),
            found: false,
            lines: 0,
        }
    }
}

impl Sweep for Needle {
    type Answer = u64;

    /// `-a`, because a file that looks binary has lines, too. With `/dev/null` there are always
    /// several files, so that each has its name in the answer.
    const FUNCTIONS: &'static str = r#"
t=$1; shift
[ "$(printf 'x\n' | grep -acF -e x 2>/dev/null)" = 1 ] || exit 64
all() { grep -acF -e "$t" "$@" /dev/null; [ $? -le 2 ]; }
one() { grep -acF -e "$t"; }
"#;

    fn words(&self) -> Vec<OsString> {
        vec![OsString::from_vec(self.0.clone())]
    }

    /// `NAME:COUNT`, or `COUNT`.
    fn read<'l>(&self, line: &'l [u8]) -> Option<(u64, &'l [u8])> {
        let (name, count) = match memchr::memrchr(b':', line) {
            Some(at) => (line.get(..at)?, line.get(at + 1..)?),
            None => (&b""[..], line),
        };
        if count.is_empty() || !count.iter().all(u8::is_ascii_digit) {
            return None;
        }
        Some((std::str::from_utf8(count).ok()?.parse().ok()?, name))
    }
}

/// Counts lines that hold a text. It keeps no line, however long: only what could be the beginning of
/// the text.
pub(super) struct Counter<'n> {
    needle: Finder<'n>,
    /// The end of the line so far, where the text has not been found in it.
    tail: Vec<u8>,
    found: bool,
    lines: u64,
}

impl Counter<'_> {
    /// Takes the next piece.
    pub(super) fn push(&mut self, piece: &[u8]) {
        for part in piece.split_inclusive(|&byte| byte == b'\n') {
            let (line, ends) = match part.strip_suffix(b"\n") {
                Some(line) => (line, true),
                None => (part, false),
            };
            self.look(line);
            if ends {
                self.tail.clear();
                self.found = false;
            }
        }
    }

    /// How many lines held it.
    pub(super) fn lines(&self) -> u64 {
        self.lines
    }

    fn look(&mut self, part: &[u8]) {
        if self.found {
            return;
        }
        let overlap = self.needle.needle().len() - 1;
        let begin = part.get(..overlap).unwrap_or(part);
        self.tail.extend_from_slice(begin);
        if self.needle.find(&self.tail).is_some() || self.needle.find(part).is_some() {
            self.found = true;
            self.lines += 1;
            self.tail.clear();
            return;
        }
        match part.len().checked_sub(overlap) {
            Some(at) => self.tail = part.get(at..).unwrap_or_default().to_vec(),
            None => {
                let surplus = self.tail.len().saturating_sub(overlap);
                self.tail.drain(..surplus);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ops::sweep::tests::{below, here};
    use proptest::prelude::*;

    fn naive(text: &[u8], needle: &[u8]) -> u64 {
        let lines = text.split(|&b| b == b'\n');
        lines
            .filter(|line| line.windows(needle.len()).any(|w| w == needle))
            .count() as u64
    }

    proptest! {
        #[test]
        fn pieces_count_like_the_whole(
            pieces in prop::collection::vec("[ab\n]{0,6}", 0..12),
            needle in "[ab]{1,4}",
        ) {
            let parsed = Needle::parse(needle.as_bytes()).unwrap();
            let mut counter = parsed.counter();
            pieces.iter().for_each(|piece| counter.push(piece.as_bytes()));
            prop_assert_eq!(counter.lines(), naive(pieces.concat().as_bytes(), needle.as_bytes()));
        }
    }

    #[test]
    fn grep_and_we_count_the_same() {
        let dir = tempfile::tempdir().unwrap();
        let contents: [&[u8]; 6] = [
            b"-e a\nb -e\nc",
            b"",
            b"\0\xff-e\n\xfe-e",
            b"-e",
            b"e\n-\n",
            b"x -e -e\r\n",
        ];
        let names = ["a", "b:1", "-c", "d\ne:7", "1", "f\\"];
        for (name, content) in names.iter().zip(contents) {
            std::fs::write(dir.path().join(name), content).unwrap();
        }
        let paths = names.map(|name| below(dir.path(), name.as_bytes()));
        let needle = Needle::parse(b"-e").unwrap();
        let found = here(&needle, &paths, "/usr/bin:/bin").unwrap();
        let expected: Vec<_> = contents
            .iter()
            .map(|text| Some(naive(text, b"-e")))
            .collect();
        assert_eq!(found, expected);
    }

    #[test]
    fn only_what_a_line_can_hold_is_looked_for() {
        for wrong in [&b""[..], b"a\nb", b"\0", &[b'x'; 5000]] {
            assert!(Needle::parse(wrong).is_err());
        }
        for text in [&b"--help"[..], b"$(id)", b".*", b"\\", b"\xff", b"'"] {
            assert!(Needle::parse(text).is_ok());
        }
    }
}
