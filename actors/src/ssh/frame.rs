//! Telling a command's own output from what stands around it.
//!
//! Login shells print what they like before the script begins, and the script reports the exit
//! status behind the output. Both are set apart by a marker line with a fresh 128-bit number: the
//! stream is noise up to the first one, output up to the next, and over after that.

use memchr::{memmem, memrchr};

/// The byte a marker begins with (ASCII record separator): rare in text, so that output is held
/// back for comparison almost never.
const LEAD: u8 = 0x1e;

/// The longest line behind a marker.
const LINE: usize = 128;

/// How much of the noise before the first marker is kept, for the error when there is none.
const NOISE: usize = 2048;

/// The number that sets one call's frames apart.
#[derive(Debug, Clone)]
pub(crate) struct Marker {
    hex: String,
}

impl Marker {
    /// A marker no command can guess.
    pub(crate) fn fresh() -> Self {
        Self { hex: token() }
    }

    /// The number, as 32 hexadecimal digits.
    pub(crate) fn hex(&self) -> &str {
        &self.hex
    }

    fn bytes(&self) -> Vec<u8> {
        [&[LEAD], self.hex.as_bytes()].concat()
    }
}

/// 128 random bits in hexadecimal.
///
/// Where the operating system has no randomness, a counter and the clock stand in: the number
/// must be unlikely in output, not secret.
pub(crate) fn token() -> String {
    use std::sync::atomic::{AtomicU64, Ordering};
    static COUNT: AtomicU64 = AtomicU64::new(0);
    let mut bytes = [0_u8; 16];
    if getrandom::fill(&mut bytes).is_err() {
        let now = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH);
        let count = u128::from(COUNT.fetch_add(1, Ordering::Relaxed)) << 96;
        bytes = (now.map(|d| d.as_nanos()).unwrap_or_default() ^ count).to_be_bytes();
    }
    bytes.iter().map(|b| format!("{b:02x}")).collect()
}

/// One stream of a command, being read.
pub(crate) struct Frame {
    marker: Vec<u8>,
    state: State,
    /// Bytes that may be the beginning of a marker line.
    held: Vec<u8>,
    noise: Vec<u8>,
    begin: Option<String>,
    /// Whether anything came behind the end.
    spilt: bool,
}

#[derive(Debug, Clone, PartialEq, Eq)]
enum State {
    Before,
    Within,
    After { line: String },
}

impl Frame {
    pub(crate) fn new(marker: &Marker) -> Self {
        Self {
            marker: marker.bytes(),
            state: State::Before,
            held: Vec::new(),
            noise: Vec::new(),
            begin: None,
            spilt: false,
        }
    }

    /// A stream that was silent before the call: it is output from its first byte on.
    pub(crate) fn opened(marker: &Marker) -> Self {
        Self {
            state: State::Within,
            ..Self::new(marker)
        }
    }

    /// What stands behind the opening marker, once it was seen: the script has begun.
    pub(crate) fn begin(&self) -> Option<&str> {
        self.begin.as_deref()
    }

    /// What stands behind the closing marker, once it was seen.
    pub(crate) fn end(&self) -> Option<&str> {
        match &self.state {
            State::After { line } => Some(line),
            _ => None,
        }
    }

    /// Whether anything came behind the end.
    pub(crate) fn is_spilt(&self) -> bool {
        self.spilt
    }

    /// Whether the stream has nothing but what the call put there: nothing stands before or behind.
    pub(crate) fn is_clean(&self) -> bool {
        self.noise.is_empty() && self.held.is_empty() && !self.spilt
    }

    /// What the host printed before the script began.
    pub(crate) fn noise(&self) -> &[u8] {
        &self.noise
    }

    /// Takes what arrived, and passes the command's own bytes to `sink`.
    pub(crate) fn push(&mut self, data: &[u8], mut sink: impl FnMut(&[u8])) {
        let joined;
        let mut rest = if self.held.is_empty() {
            data
        } else {
            let mut held = std::mem::take(&mut self.held);
            held.extend_from_slice(data);
            joined = held;
            &joined
        };
        loop {
            if matches!(self.state, State::After { .. }) {
                self.spilt |= !rest.is_empty();
                return;
            }
            let Some(at) = memmem::find(rest, &self.marker) else {
                let (plain, maybe) = rest.split_at(rest.len() - self.partial(rest));
                self.pass(plain, &mut sink);
                self.held = maybe.to_vec();
                return;
            };
            let (plain, marked) = rest.split_at(at);
            let line = marked.split_at(self.marker.len()).1;
            // A line end beyond the bound is none: the same bytes mean the same in any pieces.
            match memchr::memchr(b'\n', line.get(..=LINE).unwrap_or(line)) {
                None if line.len() <= LINE => {
                    self.pass(plain, &mut sink);
                    self.held = marked.to_vec();
                    return;
                }
                newline => {
                    self.pass(plain, &mut sink);
                    let (line, behind) = line.split_at(newline.unwrap_or(LINE));
                    let line = String::from_utf8_lossy(line).trim().to_owned();
                    match self.state {
                        State::Before => {
                            self.begin = Some(line);
                            self.state = State::Within;
                        }
                        _ => self.state = State::After { line },
                    }
                    rest = behind.strip_prefix(b"\n").unwrap_or(behind);
                }
            }
        }
    }

    /// The stream ended: what was held back was output after all.
    pub(crate) fn finish(&mut self, mut sink: impl FnMut(&[u8])) {
        let held = std::mem::take(&mut self.held);
        if self.state == State::Within {
            sink(&held);
        }
    }

    fn pass(&mut self, plain: &[u8], sink: &mut impl FnMut(&[u8])) {
        match self.state {
            State::Within => sink(plain),
            _ => {
                let room = NOISE.saturating_sub(self.noise.len());
                self.noise
                    .extend_from_slice(plain.get(..room).unwrap_or(plain));
            }
        }
    }

    /// How many bytes at the end of `data` could begin a marker.
    fn partial(&self, data: &[u8]) -> usize {
        let tail = data
            .get(data.len().saturating_sub(self.marker.len() - 1)..)
            .unwrap_or(data);
        // The lead byte occurs once in a marker, so only its last occurrence can begin one.
        match memrchr(LEAD, tail).and_then(|at| tail.get(at..)) {
            Some(candidate) if self.marker.starts_with(candidate) => candidate.len(),
            _ => 0,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn feed(pieces: &[&[u8]], marker: &Marker) -> (Frame, Vec<u8>) {
        let mut frame = Frame::new(marker);
        let mut out = Vec::new();
        for piece in pieces {
            frame.push(piece, |bytes| out.extend_from_slice(bytes));
        }
        frame.finish(|bytes| out.extend_from_slice(bytes));
        (frame, out)
    }

    #[test]
    fn a_stream_without_a_marker_is_noise() {
        let (frame, out) = feed(&[b"This account is not available.\n"], &Marker::fresh());
        assert!(frame.begin().is_none() && out.is_empty());
        assert_eq!(frame.noise(), b"This account is not available.\n");
    }

    #[test]
    fn a_stream_that_is_cut_keeps_what_looked_like_a_marker() {
        let marker = Marker::fresh();
        let begin = format!("\u{1e}{} 1\nout\u{1e}{}", marker.hex(), &marker.hex()[..5]);
        let (frame, out) = feed(&[begin.as_bytes()], &marker);
        assert_eq!(frame.end(), None);
        assert_eq!(out, format!("out\u{1e}{}", &marker.hex()[..5]).into_bytes());
    }

    #[test]
    fn what_comes_before_or_behind_a_call_is_noticed() {
        let marker = Marker::fresh();
        let whole = |before: &str, behind: &str| {
            let hex = marker.hex();
            format!("{before}\u{1e}{hex} 7\nout\u{1e}{hex} rc=0 swept=\n{behind}")
        };
        for (before, behind, clean) in [("", "", true), ("x", "", false), ("", "x", false)] {
            let whole = whole(before, behind);
            let (first, second) = whole.as_bytes().split_at(whole.len() - behind.len());
            assert_eq!(feed(&[first, second], &marker).0.is_clean(), clean);
            assert_eq!(feed(&[whole.as_bytes()], &marker).0.is_clean(), clean);
        }
        let mut opened = Frame::opened(&marker);
        let (mut out, end) = (Vec::new(), format!("\u{1e}{} end\n", marker.hex()));
        opened.push(b"err", |bytes| out.extend_from_slice(bytes));
        opened.push(end.as_bytes(), |bytes| out.extend_from_slice(bytes));
        assert_eq!(
            (out.as_slice(), opened.end()),
            (b"err".as_slice(), Some("end"))
        );
        assert!(opened.is_clean());
    }

    #[test]
    fn a_line_that_is_too_long_is_cut_alike_however_it_arrives() {
        let marker = Marker::fresh();
        let long = "x".repeat(LINE + 9);
        let whole = format!("\u{1e}{} {long}\nout", marker.hex());
        for pieces in [1, 7, whole.len()] {
            let pieces: Vec<&[u8]> = whole.as_bytes().chunks(pieces).collect();
            let (frame, out) = feed(&pieces, &marker);
            // The blank before the number is one of the line's bytes.
            assert_eq!(frame.begin().map(str::len), Some(LINE - 1));
            assert_eq!(out, format!("{}\nout", "x".repeat(10)).into_bytes());
        }
    }

    proptest! {
        #[test]
        fn output_is_exact_however_it_arrives(
            noise in "[a-z\u{1e}\n]{0,20}",
            output in proptest::collection::vec(prop_oneof![Just(LEAD), Just(b'\n'), any::<u8>()], 0..200),
            cuts in proptest::collection::vec(1_usize..40, 1..20),
        ) {
            let marker = Marker::fresh();
            let head = format!("{noise}\u{1e}{} 77\n", marker.hex());
            let foot = format!("\u{1e}{} rc=3 swept=\nlate", marker.hex());
            let whole = [head.as_bytes(), &output, foot.as_bytes()].concat();
            let mut pieces = Vec::new();
            let (mut rest, mut cut) = (whole.as_slice(), cuts.iter().cycle());
            while !rest.is_empty() {
                let (piece, more) = rest.split_at((*cut.next().unwrap()).min(rest.len()));
                pieces.push(piece);
                rest = more;
            }
            let (frame, out) = feed(&pieces, &marker);
            prop_assert_eq!(out, output);
            prop_assert_eq!(frame.begin(), Some("77"));
            prop_assert_eq!(frame.end(), Some("rc=3 swept="));
        }
    }
}
