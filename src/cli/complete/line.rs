//! A line of bash, up to the cursor: its words, and how a suggestion for the last one is written.
//!
//! Bash hands a completion its own idea of words, broken at `:`, `@` and `=` too, and replaces only
//! what stands behind the last break. So the line is read here by the rules of quoting (POSIX.1-2017,
//! Shell Command Language 2.2), leniently: a quote that is open at the cursor is the usual case.
//! Nothing is ever expanded.

use std::ffi::OsString;

/// What makes a word that stands outside of quotes something else.
const SPECIAL: &str = " \t\"'\\$`&|;<>()*?[]{}!#";

/// A line, taken apart.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Line {
    words: Vec<String>,
    /// The quote that is open at the cursor.
    quote: Option<char>,
    /// How many bytes of the last word stand before the last break and stay.
    kept: usize,
}

impl Line {
    /// Reads a line that ends at the cursor; `breaks` are the characters of `COMP_WORDBREAKS`.
    pub(super) fn read(line: &str, breaks: &str) -> Self {
        let mut words = vec![String::new()];
        let mut begun = false;
        let (mut quote, mut before, mut kept) = (None, 0, 0);
        let mut chars = line.chars();
        while let Some(c) = chars.next() {
            let last = words.last().map_or(0, String::len);
            let mut push = |c: char| words.iter_mut().last().map(|word| word.push(c));
            match (quote, c) {
                (None, ' ' | '\t' | '\n') => {
                    if begun {
                        words.push(String::new());
                    }
                    (begun, kept) = (false, 0);
                    continue;
                }
                (None, '\'' | '"') => (quote, before, kept) = (Some(c), kept, last),
                // Bash breaks nowhere in a quote that is closed.
                (Some(open), _) if open == c => (quote, kept) = (None, before),
                (None | Some('"'), '\\') => drop(chars.next().map(push)),
                (None, _) => {
                    push(c);
                    if breaks.contains(c) {
                        kept = last + c.len_utf8();
                    }
                }
                (Some(_), _) => drop(push(c)),
            }
            begun = true;
        }
        Self { words, quote, kept }
    }

    /// The words; the last one is empty behind a space.
    pub(super) fn words(&self) -> Vec<OsString> {
        self.words.iter().map(OsString::from).collect()
    }

    /// What bash is to put behind the last break for a suggestion of the whole last word: quoted as
    /// the place asks for, and with a space behind what is finished, where bash does not close a
    /// quote by itself. `None` if it does not fit.
    pub(super) fn written(&self, suggestion: &str) -> Option<String> {
        let word = self.words.last()?;
        let behind = suggestion
            .strip_prefix(word.get(..self.kept)?)
            .filter(|_| suggestion.starts_with(word.as_str()))?;
        let special = match self.quote {
            // Nothing can be said of a quote between such quotes.
            Some('\'') if behind.contains('\'') => return None,
            // There the history is asked for, and a backslash stays (bash(1), HISTORY EXPANSION).
            Some('"') if behind.contains('!') => return None,
            Some('\'') => "",
            Some(_) => "\"$`\\",
            None => SPECIAL,
        };
        let mut text = String::new();
        for c in behind.chars() {
            text.extend(special.contains(c).then_some('\\'));
            text.push(c);
        }
        if self.quote.is_none() && !suggestion.ends_with(['/', ':', ',', '=']) {
            text.push(' ');
        }
        Some(text)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const BREAKS: &str = " \t\n\"'@><=;|&(:";

    #[test]
    fn words_are_those_of_a_shell() {
        for (line, words) in [
            ("scout ", &["scout", ""][..]),
            ("scout  read  we", &["scout", "read", "we"]),
            ("scout read 'web-*,!w", &["scout", "read", "web-*,!w"]),
            ("scout 'a b'\"c d\"e\\ f", &["scout", "a bc de f"]),
            ("scout \"a\\\"b", &["scout", "a\"b"]),
            ("scout ''", &["scout", ""]),
            ("scout '' x", &["scout", "", "x"]),
            ("scout web:/etc", &["scout", "web:/etc"]),
            ("", &[""]),
            ("a\\", &["a"]),
        ] {
            assert_eq!(Line::read(line, BREAKS).words, words, "{line}");
        }
    }

    #[test]
    fn a_suggestion_is_written_behind_the_last_break() {
        for (line, suggestion, written) in [
            ("scout re", "read", Some("read ")),
            ("scout read web-0", "web-01:", Some("web-01:")),
            ("scout read web-01:/et", "web-01:/etc/", Some("/etc/")),
            ("scout read web-01:", "web-01:/", Some("/")),
            ("scout read web:/a", "web:/a b", Some("/a\\ b ")),
            ("scout read 'web:/a", "web:/a b", Some("web:/a b")),
            ("scout read \"web:/a", "web:/a$b/", Some("web:/a\\$b/")),
            ("scout read web:'/a", "web:/a b", Some("/a b")),
            ("scout read 'web:/a", "web:/a'b", None),
            ("scout read \"web:/a", "web:/a!b", None),
            ("scout read web:/a", "web:/a!b", Some("/a\\!b ")),
            ("scout hosts web-01,@d", "web-01,@db", Some("db ")),
            ("scout hosts @", "@db", Some("db ")),
            ("scout read \"web:\"/e", "web:/etc/", Some("web:/etc/")),
            ("scout read web:\"/e\"t", "web:/etc/", Some("/etc/")),
            ("scout hosts x", "other", None),
        ] {
            let found = Line::read(line, BREAKS).written(suggestion);
            assert_eq!(found.as_deref(), written, "{line} {suggestion}");
        }
    }
}
