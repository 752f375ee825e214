//! Bytes from a host on their way to a reader.
//!
//! A program gets them exact: as text where they are UTF-8, else as base64. A person gets them as
//! text in which nothing acts on the terminal: control characters and those that reorder a line
//! are written out.

use base64::display::Base64Display;
use base64::engine::general_purpose::STANDARD;
use serde::ser::{Serialize, Serializer};
use std::fmt;
use std::sync::Arc;

/// Bytes that are text if they can be.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Bytes {
    /// Valid UTF-8.
    Text(String),
    /// Anything else.
    Binary(Vec<u8>),
}

impl Bytes {
    /// Decides what the bytes are. A character cut in half by a limit does not make a text binary;
    /// its first half is left out.
    #[must_use]
    pub fn new(bytes: Vec<u8>, was_cut: bool) -> Self {
        match String::from_utf8(bytes) {
            Ok(text) => Self::Text(text),
            Err(error) => {
                let whole = error.utf8_error().valid_up_to();
                let cut = was_cut && error.utf8_error().error_len().is_none() && whole > 0;
                let mut bytes = error.into_bytes();
                if !cut {
                    return Self::Binary(bytes);
                }
                bytes.truncate(whole);
                match String::from_utf8(bytes) {
                    Ok(text) => Self::Text(text),
                    Err(error) => Self::Binary(error.into_bytes()),
                }
            }
        }
    }

    /// `utf-8` or `base64`: how [`Serialize`] writes them.
    #[must_use]
    pub fn encoding(&self) -> &'static str {
        match self {
            Self::Text(_) => "utf-8",
            Self::Binary(_) => "base64",
        }
    }

    /// How many bytes.
    #[must_use]
    pub fn len(&self) -> usize {
        match self {
            Self::Text(text) => text.len(),
            Self::Binary(bytes) => bytes.len(),
        }
    }

    /// Whether there are none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// The bytes themselves.
    #[must_use]
    pub fn as_bytes(&self) -> &[u8] {
        match self {
            Self::Text(text) => text.as_bytes(),
            Self::Binary(bytes) => bytes,
        }
    }
}

impl Bytes {
    /// Keeps at most the first `most` bytes; of a text, whole characters.
    pub(super) fn truncate(&mut self, most: usize) {
        match self {
            Self::Binary(bytes) => bytes.truncate(most),
            Self::Text(text) => {
                let mut end = most.min(text.len());
                while !text.is_char_boundary(end) {
                    end -= 1;
                }
                text.truncate(end);
                text.shrink_to_fit();
            }
        }
    }

    /// Replaces the bytes, if they are text.
    pub(super) fn map_text(&mut self, replace: impl Fn(&str) -> String) {
        if let Self::Text(text) = self {
            *text = replace(text);
        }
    }
}

/// A name with a newline must not look like two.
pub(crate) fn one_line(text: &str) -> String {
    text.replace('\n', "\\n").replace('\t', "\\t")
}

/// Accounts for no more than this output from now on, unless others hold the same memory.
pub(super) fn shrink<'a>(hold: &mut Arc<fleet::Hold>, output: impl IntoIterator<Item = &'a Bytes>) {
    if let Some(hold) = Arc::get_mut(hold) {
        hold.shrink_to_output(output.into_iter().map(Bytes::as_bytes));
    }
}

/// The same for a listing, which has so many bytes.
pub(super) fn shrink_to(hold: &mut Arc<fleet::Hold>, bytes: usize) {
    if let Some(hold) = Arc::get_mut(hold) {
        hold.shrink_to(bytes as u64);
    }
}

impl Serialize for Bytes {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self {
            Self::Text(text) => serializer.serialize_str(text),
            Self::Binary(bytes) => serializer.collect_str(&Base64Display::new(bytes, &STANDARD)),
        }
    }
}

impl fmt::Display for Bytes {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Text(text) => Printable(text).fmt(f),
            Self::Binary(bytes) => {
                write!(
                    f,
                    "({} bytes that are not text; base64 in the structured content)",
                    bytes.len()
                )
            }
        }
    }
}

/// Text in which nothing but line breaks and tabs has an effect.
pub struct Printable<'a>(pub &'a str);

impl fmt::Display for Printable<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut rest = self.0;
        if rest.bytes().all(is_plain) {
            return f.write_str(rest);
        }
        while let Some((at, c)) = rest.char_indices().find(|&(at, c)| is_active(rest, at, c)) {
            let (plain, active) = rest.split_at(at);
            write!(f, "{plain}{}", c.escape_unicode())?;
            rest = active.get(c.len_utf8()..).unwrap_or_default();
        }
        f.write_str(rest)
    }
}

/// Whether a byte is a character for itself that has no effect: what most text consists of, and all
/// that need not be looked at character by character.
fn is_plain(byte: u8) -> bool {
    matches!(byte, b' '..=b'~' | b'\n' | b'\t')
}

/// Whether a character would do something to a terminal or to the order of a line: C0 and C1
/// controls but tab, newline and the return before a newline (ECMA-48), the bidirectional controls
/// (Unicode UAX #9 §2), and characters without width that hide in words.
fn is_active(text: &str, at: usize, c: char) -> bool {
    match c {
        '\n' | '\t' => false,
        '\r' => text.as_bytes().get(at + 1) != Some(&b'\n'),
        '\u{200b}'..='\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}' => true,
        c => c.is_control(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_acts_on_a_terminal_is_written_out() {
        let shown = |text| Printable(text).to_string();
        assert_eq!(shown("a\tb\r\nc"), "a\tb\r\nc");
        assert_eq!(shown("\u{1b}[31mred\u{7}"), "\\u{1b}[31mred\\u{7}");
        assert_eq!(shown("over\rwrite"), "over\\u{d}write");
        assert_eq!(shown("a\u{202e}b"), "a\\u{202e}b");
        assert_eq!(shown("äöü 漢字"), "äöü 漢字");
    }

    #[test]
    fn a_limit_may_cut_a_character_but_not_turn_text_into_binary() {
        let half = "aé".as_bytes()[..2].to_vec();
        assert_eq!(Bytes::new(half.clone(), true), Bytes::Text("a".into()));
        assert_eq!(Bytes::new(half.clone(), false), Bytes::Binary(half));
        assert_eq!(
            Bytes::new(vec![b'a', 0xff, b'b'], true).encoding(),
            "base64"
        );
    }

    #[test]
    fn binary_is_exact_in_base64() {
        let bytes = Bytes::new(vec![0, 255, 1], false);
        assert_eq!(serde_json::to_string(&bytes).unwrap(), "\"AP8B\"");
    }
}
