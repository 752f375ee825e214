//! What is taken for equal although its bytes differ. Pure.

use serde::Serialize;

/// What stands in place of a host's own name.
pub(in crate::ops) const OWN_NAME: &str = "{host}";

/// What is made the same before answers are compared; nothing, unless somebody asks for it. Answers
/// are shown as they were compared. Bytes that are no text are always compared as they are.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize)]
pub struct Normalize {
    /// Space at the end of a line, and empty lines at the end, are left out.
    pub space: bool,
    /// The host's own name and address become `{host}`, where they stand as a word.
    pub host: bool,
    /// Every run of digits becomes `#`: times, sizes, process ids.
    pub numbers: bool,
}

impl Normalize {
    /// The names of what there is.
    pub const NAMES: [&'static str; 3] = ["space", "host", "numbers"];

    /// Reads names, in any order: `space`, `host`, `numbers`; `none` asks for nothing.
    ///
    /// # Errors
    /// A sentence that says what is legal.
    pub fn parse<'a>(names: impl IntoIterator<Item = &'a str>) -> Result<Self, String> {
        let mut asked = Self::default();
        for name in names {
            match name.trim() {
                "space" => asked.space = true,
                "host" => asked.host = true,
                "numbers" => asked.numbers = true,
                "none" | "" => {}
                other => {
                    return Err(format!(
                        "`normalize` is of `space`, `host` and `numbers`, not `{}`",
                        other.escape_debug()
                    ));
                }
            }
        }
        Ok(asked)
    }

    /// Whether nothing is asked for.
    #[must_use]
    pub fn is_none(self) -> bool {
        self == Self::default()
    }

    /// The text as it is compared, of a host with these names.
    pub(in crate::ops) fn apply(self, text: &str, names: &[String]) -> String {
        let mut text = text.to_owned();
        // First the names: they have digits.
        if self.host {
            text = without_names(&text, names);
        }
        if self.numbers {
            text = without_numbers(&text);
        }
        if self.space {
            text = without_space(&text);
        }
        text
    }
}

/// The text without the names of the host that it is about.
pub(in crate::ops) fn without_names(text: &str, names: &[String]) -> String {
    let mut text = text.to_owned();
    // The longest first: a name may be the beginning of another.
    let mut names: Vec<&str> = names.iter().map(String::as_str).collect();
    names.sort_by_key(|name| std::cmp::Reverse(name.len()));
    for name in names.into_iter().filter(|name| !name.is_empty()) {
        text = without_word(&text, name);
    }
    text
}

fn without_word(text: &str, word: &str) -> String {
    let joins = |c: char| c.is_alphanumeric() || matches!(c, '-' | '_');
    let mut kept = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(at) = rest.find(word) {
        let (before, found) = rest.split_at(at);
        let (found, behind) = found.split_at(word.len());
        kept.push_str(before);
        let part =
            kept.chars().next_back().is_some_and(joins) || behind.chars().next().is_some_and(joins);
        kept.push_str(if part { found } else { OWN_NAME });
        rest = behind;
    }
    kept.push_str(rest);
    kept
}

fn without_numbers(text: &str) -> String {
    let mut kept = String::with_capacity(text.len());
    for c in text.chars() {
        match c.is_ascii_digit() {
            false => kept.push(c),
            true if kept.ends_with('#') => {}
            true => kept.push('#'),
        }
    }
    kept
}

fn without_space(text: &str) -> String {
    let lines: Vec<&str> = text.trim_end().lines().map(str::trim_end).collect();
    let mut kept = lines.join("\n");
    if !kept.is_empty() {
        kept.push('\n');
    }
    kept
}

#[cfg(test)]
mod tests {
    use super::*;

    fn apply(names: &str, text: &str) -> String {
        let hosts = ["web-1".to_owned(), "10.0.0.1".to_owned()];
        let asked = Normalize::parse(names.split(',')).unwrap();
        asked.apply(text, &hosts)
    }

    #[test]
    fn unasked_nothing_is_touched() {
        for text in ["a \n\n", "web-1 12:00\n"] {
            assert_eq!(apply("none", text), text);
            assert_eq!(apply("", text), text);
        }
        assert!(Normalize::parse(["time"]).is_err());
    }

    #[test]
    fn space_at_ends_is_left_out() {
        assert_eq!(apply("space", "a \t\r\n  b\n\n \n"), "a\n  b\n");
        assert_eq!(apply("space", "a"), apply("space", "a\n"));
        assert_eq!(apply("space", " \n"), "");
    }

    #[test]
    fn a_host_s_own_name_is_replaced_where_it_is_a_word() {
        assert_eq!(
            apply(
                "host",
                "web-1: web-12 xweb-1 web-1.example 10.0.0.1:22 10.0.0.12"
            ),
            "{host}: web-12 xweb-1 {host}.example {host}:22 10.0.0.12"
        );
        assert_eq!(
            without_names("a aa a", &["a".into(), "aa".into()]),
            "{host} {host} {host}"
        );
    }

    #[test]
    fn runs_of_digits_are_one_sign() {
        assert_eq!(apply("numbers", "up 12:05, 3.25 GB"), "up #:#, #.# GB");
        assert_eq!(apply("host,numbers", "web-1 7"), "{host} #");
    }
}
