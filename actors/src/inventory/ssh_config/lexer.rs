//! Splits a line of `ssh_config` into its keyword and arguments, as `ssh` does.
//!
//! Knows quoting and nothing else: which keywords exist and what they mean is decided elsewhere.
//! The rules are those of `process_config_line_depth` in OpenSSH's `readconf.c` and of `strdelim`
//! and `argv_split` in its `misc.c`; `ssh_config(5)` describes only a part of them.

/// The characters that separate a keyword from what follows.
const SPACE: [char; 4] = [' ', '\t', '\r', '\n'];

/// A quote that is opened and never closed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct OpenQuote;

/// A line with something on it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Line<'a> {
    /// The keyword in lower case.
    pub(super) keyword: String,
    /// Everything behind it: the raw text some keywords take.
    pub(super) rest: &'a str,
}

/// Finds the keyword of a line; `None` for blank lines and comments.
///
/// `=` with or without spaces may stand between keyword and arguments, once. A line whose keyword
/// opens a quote without closing it is no line at all to `ssh`, and so here.
pub(super) fn line(text: &str) -> Option<Line<'_>> {
    // A form feed counts as white space at the end of a line only.
    let text = text.trim_end_matches(|c| SPACE.contains(&c) || c == '\u{c}');
    let (mut keyword, mut rest) = token(text)?;
    if keyword.is_empty() {
        (keyword, rest) = token(rest)?;
    }
    if keyword.is_empty() || keyword.starts_with('#') {
        return None;
    }
    keyword.make_ascii_lowercase();
    Some(Line {
        keyword,
        rest: rest.trim_start_matches(SPACE),
    })
}

/// Splits the rest of a line into arguments, up to a comment.
///
/// `'` and `"` quote anywhere in a word; a backslash escapes quotes, itself and, outside quotes, a
/// space. `#` begins a comment only where a word could begin.
pub(super) fn arguments(rest: &str) -> Result<Vec<String>, OpenQuote> {
    let mut arguments = Vec::new();
    let mut chars = rest.chars().peekable();
    loop {
        while chars.next_if(|&c| c == ' ' || c == '\t').is_some() {}
        match chars.peek() {
            None | Some('#') => return Ok(arguments),
            Some(_) => {}
        }
        let mut word = String::new();
        let mut quote = None;
        while let Some(c) = chars.next() {
            match (c, quote) {
                ('\\', _) => {
                    let escaped = chars.next_if(|&next| {
                        matches!(next, '\'' | '"' | '\\') || (next == ' ' && quote.is_none())
                    });
                    word.push(escaped.unwrap_or('\\'));
                }
                (' ' | '\t', None) => break,
                ('"' | '\'', None) => quote = Some(c),
                (_, Some(open)) if open == c => quote = None,
                _ => word.push(c),
            }
        }
        if quote.is_some() {
            return Err(OpenQuote);
        }
        arguments.push(word);
    }
}

/// One word delimited by white space, a quoted stretch, or a single `=`, and what follows it.
fn token(text: &str) -> Option<(String, &str)> {
    let Some(at) = text.find(|c| SPACE.contains(&c) || c == '"' || c == '=') else {
        return Some((text.to_owned(), ""));
    };
    let (head, tail) = (&text[..at], &text[at + 1..]);
    if text[at..].starts_with('"') {
        let end = tail.find('"')?;
        let rest = tail[end + 1..].trim_start_matches(SPACE);
        return Some((format!("{head}{}", &tail[..end]), rest));
    }
    let mut rest = tail.trim_start_matches(SPACE);
    if !text[at..].starts_with('=')
        && let Some(behind) = rest.strip_prefix('=')
    {
        rest = behind.trim_start_matches(SPACE);
    }
    Some((head.to_owned(), rest))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keyword_and_rest_are_split_at_spaces_or_one_equals_sign() {
        for (text, keyword, rest) in [
            ("Host web", "host", "web"),
            ("\t Port\t2222 \r\n", "port", "2222"),
            ("Port=22", "port", "22"),
            ("Port = 22", "port", "22"),
            ("Port =22", "port", "22"),
            ("Port == 22", "port", "= 22"),
            ("Port = = 22", "port", "= 22"),
            ("\"Host\" web", "host", "web"),
            ("Us\"er\" x", "user", "x"),
            ("User", "user", ""),
            ("User \u{c}", "user", ""),
            ("User a # b", "user", "a # b"),
        ] {
            let found = line(text).unwrap();
            assert_eq!(
                (found.keyword.as_str(), found.rest),
                (keyword, rest),
                "{text:?}"
            );
        }
        for nothing in ["", "\n", "  ", "# Host web", "  #x", "\"Host web", "\r\n"] {
            assert_eq!(line(nothing), None, "{nothing:?}");
        }
    }

    #[test]
    fn quotes_escapes_and_comments_follow_the_client() {
        for (rest, expected) in [
            ("", &[][..]),
            ("a b\tc", &["a", "b", "c"]),
            ("\"a b\" c", &["a b", "c"]),
            ("'a \"b' c", &["a \"b", "c"]),
            ("a\"b c\"d", &["ab cd"]),
            ("\"\"", &[""]),
            (r"a\ b", &["a b"]),
            (r#""a\ b""#, &[r"a\ b"]),
            (r#"a\"b"#, &["a\"b"]),
            (r"a\nb\", &[r"a\nb\"]),
            ("a # b", &["a"]),
            ("a#b", &["a#b"]),
            ("#b", &[]),
            ("\"#\" b", &["#", "b"]),
        ] {
            assert_eq!(arguments(rest).unwrap(), expected, "{rest:?}");
        }
        assert_eq!(arguments("\"a"), Err(OpenQuote));
        assert_eq!(arguments("don't"), Err(OpenQuote));
    }
}
