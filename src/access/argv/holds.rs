//! What the value of an option may be.

/// The kind of a value.
#[derive(Debug, Clone, Copy)]
pub(super) enum Holds {
    /// A whole number with an optional sign and an optional unit (`5`, `-5`, `+5`, `10K`).
    Number,
    /// Any text: a pattern, a separator, a format.
    Text,
    /// A path, or `-` for stdin.
    Path,
    /// One of these words.
    Word(&'static [&'static str]),
}

impl Holds {
    /// Why `value` is none of this kind.
    pub(super) fn refuse(self, value: &str) -> Option<String> {
        match self {
            Self::Number if !is_number(value) => Some("it takes a number".into()),
            Self::Path => refuse_path(value).map(Into::into),
            Self::Word(words) if !words.contains(&value) => {
                Some(format!("it takes one of {}", words.join(" ")))
            }
            _ => None,
        }
    }
}

/// Digits with an optional sign before and a unit of at most three letters behind.
pub(super) fn is_number(text: &str) -> bool {
    let unsigned = text.strip_prefix(['-', '+']).unwrap_or(text);
    let unit = unsigned.trim_start_matches(|c: char| c.is_ascii_digit());
    let is_unit = |c: char| "bBcwkKmMgGtTpPeEzZyYi".contains(c);
    unit.len() < unsigned.len() && unit.len() <= 3 && unit.chars().all(is_unit)
}

/// Why `path` is none that an observer may name.
pub(super) fn refuse_path(path: &str) -> Option<&'static str> {
    if path.is_empty() {
        return Some("a path cannot be empty");
    }
    path.split('/')
        .any(|component| component == "..")
        .then_some("`..` hides which directory is meant: write the whole path, or set `cwd`")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_number_may_have_a_sign_and_a_unit_and_nothing_else() {
        for number in ["0", "5", "-5", "+5", "10K", "2MiB", "512b"] {
            assert!(is_number(number), "{number}");
        }
        for other in [
            "", "-", "+", "K", "-K", "5 ", "--5", "5f", "5f5", "5KiBs", "٣",
        ] {
            assert!(!is_number(other), "{other}");
        }
    }

    #[test]
    fn dots_are_refused_only_where_they_climb() {
        for fine in ["/etc", ".", "./a", "a..b", "...", "/var/..foo", "-", "a/."] {
            assert_eq!(refuse_path(fine), None, "{fine}");
        }
        for climbing in ["..", "../a", "/a/..", "/a/../b", "a//../b"] {
            assert!(refuse_path(climbing).is_some(), "{climbing}");
        }
    }
}
