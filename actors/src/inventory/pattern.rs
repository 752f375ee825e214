//! Wildcard patterns of OpenSSH: `*`, `?`, and comma lists with `!` (`ssh_config(5)`, PATTERNS).
//!
//! Bytes are compared as they are; who needs case folding folds first. Never reads a file and never
//! backtracks without bound: the cost is at most the product of both lengths.

/// What a comma list of patterns says about a name.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum ListMatch {
    /// A plain pattern fits and no negated one does.
    Positive,
    /// A negated pattern fits, whatever else does.
    Negated,
    /// No pattern fits.
    None,
}

/// Whether `text` as a whole fits `pattern`: `*` is any run of bytes, `?` any one byte.
pub(crate) fn matches(text: &str, pattern: &str) -> bool {
    let (text, pattern) = (text.as_bytes(), pattern.as_bytes());
    let (mut t, mut p) = (0, 0);
    // Where to resume when the rest does not fit: behind the last `*`, one byte further in the
    // text. Only the last star can matter, which is what keeps this free of recursion.
    let mut resume: Option<(usize, usize)> = None;
    while t < text.len() {
        match pattern.get(p) {
            Some(b'*') => {
                p += 1;
                resume = Some((p, t));
            }
            Some(&c) if c == b'?' || c == text[t] => {
                p += 1;
                t += 1;
            }
            _ => {
                let Some((after_star, from)) = resume else {
                    return false;
                };
                p = after_star;
                t = from + 1;
                resume = Some((after_star, t));
            }
        }
    }
    pattern[p..].iter().all(|&c| c == b'*')
}

/// Matches `text` against `one,*two,!three`.
pub(crate) fn list(text: &str, patterns: &str) -> ListMatch {
    let mut found = ListMatch::None;
    for pattern in patterns.split(',') {
        match pattern.strip_prefix('!') {
            Some(negated) if matches(text, negated) => return ListMatch::Negated,
            None if matches(text, pattern) => found = ListMatch::Positive,
            _ => {}
        }
    }
    found
}

/// Whether a pattern can fit more than its own text.
pub(crate) fn is_wild(pattern: &str) -> bool {
    pattern.contains(['*', '?'])
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn stars_and_question_marks_match_whole_names() {
        for (text, pattern, expected) in [
            ("", "", true),
            ("", "*", true),
            ("", "?", false),
            ("a", "", false),
            ("web1", "web?", true),
            ("web", "web?", false),
            ("web12", "web?", false),
            ("a.example.com", "*.example.com", true),
            ("example.com", "*.example.com", false),
            ("a.b.a.b", "*a.b", true),
            ("aab", "*a?", true),
            ("abcbcd", "a*bcd", true),
            ("abc", "a*b", false),
            ("WEB", "web", false),
            ("[h]:2222", "[h]:*", true),
        ] {
            assert_eq!(matches(text, pattern), expected, "{text:?} ~ {pattern:?}");
        }
    }

    #[test]
    fn a_negated_pattern_wins_over_every_plain_one() {
        assert_eq!(list("a", "a,b"), ListMatch::Positive);
        assert_eq!(list("a", "*,!a"), ListMatch::Negated);
        assert_eq!(list("a", "!a,*"), ListMatch::Negated);
        assert_eq!(list("c", "!a"), ListMatch::None);
        assert_eq!(list("c", "a,b"), ListMatch::None);
    }

    #[test]
    fn many_stars_stay_cheap() {
        let pattern = "*a".repeat(200) + "b";
        assert!(!matches(&"a".repeat(4000), &pattern));
    }

    proptest! {
        #[test]
        fn agrees_with_the_definition(text in "[ab]{0,7}", pattern in "[ab*?]{0,6}") {
            fn defined(t: &[u8], p: &[u8]) -> bool {
                match p.split_first() {
                    None => t.is_empty(),
                    Some((b'*', rest)) => (0..=t.len()).any(|n| defined(&t[n..], rest)),
                    Some((&c, rest)) => {
                        !t.is_empty() && (c == b'?' || c == t[0]) && defined(&t[1..], rest)
                    }
                }
            }
            prop_assert_eq!(matches(&text, &pattern), defined(text.as_bytes(), pattern.as_bytes()));
        }
    }
}
