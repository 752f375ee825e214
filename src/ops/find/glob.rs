//! A pattern for names of files, with the meaning it has for `find -name`: `fnmatch(3)` without
//! flags, so a `*` takes a leading dot too (POSIX XCU, `find`; XBD §9.3.5 for the brackets).
//!
//! A character is one of UTF-8, as in a UTF-8 locale; a byte that belongs to none counts as one of
//! its own, which only `*`, `?`, a negated set and itself match.

/// A pattern for the last part of a path.
#[derive(Debug, Clone)]
pub(super) struct NameGlob {
    text: Vec<u8>,
    tokens: Vec<Token>,
}

/// What a part of a pattern matches.
#[derive(Debug, Clone)]
enum Token {
    /// Any number of characters.
    Star,
    /// Any one.
    Any,
    /// This one.
    One(u32),
    /// One of these, or one that is none of them.
    Set { negated: bool, items: Vec<Item> },
}

/// What a set holds.
#[derive(Debug, Clone)]
enum Item {
    Range(u32, u32),
    Class(Class),
}

type Class = fn(char) -> bool;

/// The classes of POSIX (XBD §7.3.1).
const CLASSES: [(&[u8], Class); 12] = [
    (b"alnum", char::is_alphanumeric),
    (b"alpha", char::is_alphabetic),
    (b"blank", |c| matches!(c, ' ' | '\t')),
    (b"cntrl", char::is_control),
    (b"digit", |c| c.is_ascii_digit()),
    (b"graph", |c| !c.is_control() && !c.is_whitespace()),
    (b"lower", char::is_lowercase),
    (b"print", |c| !c.is_control()),
    (b"punct", |c| {
        !c.is_control() && !c.is_whitespace() && !c.is_alphanumeric()
    }),
    (b"space", char::is_whitespace),
    (b"upper", char::is_uppercase),
    (b"xdigit", |c| c.is_ascii_hexdigit()),
];

/// Where the numbers of bytes that are no part of a character begin: behind every character.
const LONELY: u32 = 0x11_0000;

impl NameGlob {
    /// Reads a pattern.
    ///
    /// # Errors
    /// A sentence that says what can never match.
    pub(super) fn parse(text: impl AsRef<[u8]>) -> Result<Self, String> {
        let text = text.as_ref();
        if text.is_empty() {
            return Err("`name` is empty; leave it out to find every name".into());
        }
        if text.len() > 1024 {
            return Err("`name` is longer than any name of a file".into());
        }
        if text.contains(&b'/') {
            return Err(
                "`name` is a pattern for the last part of a path and holds no `/`; give the directory as `path`"
                    .into(),
            );
        }
        let units = units(text);
        let mut tokens = Vec::new();
        let mut rest = &*units;
        while let [first, behind @ ..] = rest {
            rest = behind;
            tokens.push(match char::from_u32(*first) {
                Some('*') if matches!(tokens.last(), Some(Token::Star)) => continue,
                Some('*') => Token::Star,
                Some('?') => Token::Any,
                Some('\\') => match behind {
                    [] => return Err("`name` ends with a backslash that escapes nothing".into()),
                    [escaped, behind @ ..] => {
                        rest = behind;
                        Token::One(*escaped)
                    }
                },
                Some('[') => match set(behind) {
                    Some((set, behind)) => {
                        rest = behind;
                        set
                    }
                    // Without its end it is a character like any other.
                    None => Token::One(*first),
                },
                _ => Token::One(*first),
            });
        }
        Ok(Self {
            text: text.to_vec(),
            tokens,
        })
    }

    /// The pattern as it was written.
    pub(super) fn as_bytes(&self) -> &[u8] {
        &self.text
    }

    /// Whether a whole name fits. Only the last star can need another try: an earlier one that took
    /// more could give nothing that the last does not.
    pub(super) fn matches(&self, name: &[u8]) -> bool {
        let name = units(name);
        let (mut token, mut unit) = (0, 0);
        let mut again: Option<(usize, usize)> = None;
        loop {
            match (self.tokens.get(token), name.get(unit)) {
                (None, None) => return true,
                (Some(Token::Star), _) => {
                    token += 1;
                    again = Some((token, unit));
                    continue;
                }
                (Some(one), Some(&found)) if one.takes(found) => {
                    token += 1;
                    unit += 1;
                    continue;
                }
                _ => {}
            }
            match again {
                Some((star, from)) if from < name.len() => {
                    (token, unit) = (star, from + 1);
                    again = Some((star, from + 1));
                }
                _ => return false,
            }
        }
    }
}

impl Token {
    fn takes(&self, unit: u32) -> bool {
        match self {
            Self::Star => false,
            Self::Any => true,
            Self::One(one) => *one == unit,
            Self::Set { negated, items } => {
                let holds = items.iter().any(|item| match item {
                    Item::Range(low, high) => (*low..=*high).contains(&unit),
                    Item::Class(class) => char::from_u32(unit).is_some_and(class),
                });
                holds != *negated
            }
        }
    }
}

/// A set behind its opening bracket, and what stands behind it.
fn set(text: &[u32]) -> Option<(Token, &[u32])> {
    let is = |unit: u32, c: char| unit == u32::from(c);
    let (negated, mut rest) = match text {
        [first, rest @ ..] if is(*first, '!') || is(*first, '^') => (true, rest),
        _ => (false, text),
    };
    let mut items = Vec::new();
    loop {
        let (first, behind) = rest.split_first()?;
        // A bracket right at the beginning is one of the set.
        if is(*first, ']') && !items.is_empty() {
            return Some((Token::Set { negated, items }, behind));
        }
        if let [open, colon, name @ ..] = rest
            && is(*open, '[')
            && is(*colon, ':')
            && let Some((class, behind)) = class(name)
        {
            items.push(Item::Class(class));
            rest = behind;
            continue;
        }
        let (low, behind) = member(rest)?;
        match behind {
            [dash, end, ..] if is(*dash, '-') && !is(*end, ']') => {
                let (high, behind) = member(behind.split_first()?.1)?;
                items.push(Item::Range(low, high));
                rest = behind;
            }
            _ => {
                items.push(Item::Range(low, low));
                rest = behind;
            }
        }
    }
}

/// One character of a set, escaped or not.
fn member(text: &[u32]) -> Option<(u32, &[u32])> {
    match text {
        [escape, one, rest @ ..] if *escape == u32::from('\\') => Some((*one, rest)),
        [one, rest @ ..] => Some((*one, rest)),
        [] => None,
    }
}

/// A class behind `[:`.
fn class(text: &[u32]) -> Option<(Class, &[u32])> {
    CLASSES.iter().find_map(|(name, class)| {
        let end = name.iter().chain(b":]").map(|&byte| u32::from(byte));
        let rest = text.get(name.len() + 2..)?;
        let is_it = end.eq(text.iter().copied().take(name.len() + 2));
        is_it.then_some((*class, rest))
    })
}

/// The characters, and the bytes that are none.
fn units(text: &[u8]) -> Vec<u32> {
    let mut units = Vec::with_capacity(text.len());
    for chunk in text.utf8_chunks() {
        units.extend(chunk.valid().chars().map(u32::from));
        let lonely = chunk.invalid().iter();
        units.extend(lonely.map(|&byte| LONELY + u32::from(byte)));
    }
    units
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::ffi::OsStr;
    use std::os::unix::ffi::OsStrExt;
    use std::process::Command;

    fn fits(pattern: &str, name: &[u8]) -> bool {
        NameGlob::parse(pattern).unwrap().matches(name)
    }

    #[test]
    fn a_pattern_means_what_it_means_to_find() {
        for (pattern, name) in [
            ("*", ".hidden"),
            ("*.conf", ".conf"),
            ("a?c", "aéc"),
            ("[!a]*", "bc"),
            ("[]x]", "]"),
            ("[a-]", "-"),
            (r"\*", "*"),
            (r"[\]]", "]"),
            ("[[:digit:]]*", "7up"),
            ("[", "["),
            ("[a", "[a"),
            ("*a*b", "xaab-ab"),
        ] {
            assert!(fits(pattern, name.as_bytes()), "{pattern} {name}");
        }
        for (pattern, name) in [
            ("a", "A"),
            ("?", ""),
            ("[!a]", "a"),
            ("*.conf", "a.conf.bak"),
            ("[b-a]", "a"),
            ("[[:upper:]]", "a"),
        ] {
            assert!(!fits(pattern, name.as_bytes()), "{pattern} {name}");
        }
        assert!(fits("a?", b"a\xff") && fits("*", b"\xff\n") && fits("[!a]", b"\xe9"));
        assert!(NameGlob::parse(b"a\xff").unwrap().matches(b"a\xff"));
    }

    #[test]
    fn what_can_match_nothing_is_said() {
        for wrong in ["", "src/*.rs", "a\\"] {
            assert!(NameGlob::parse(wrong).is_err(), "{wrong}");
        }
    }

    #[test]
    fn hostile_patterns_take_no_time() {
        let pattern = "*a".repeat(100) + "b";
        assert!(!fits(&pattern, "a".repeat(255).as_bytes()));
    }

    /// Every pattern of a few hundred, against every name of a directory, as `find` has it.
    #[test]
    fn it_agrees_with_find() {
        let dir = tempfile::tempdir().unwrap();
        let names: [&[u8]; 17] = [
            b"a",
            b"b",
            b"ab",
            b"A",
            b".a",
            b"-",
            b"]",
            b"[",
            b"a]",
            b"^",
            b"!",
            b"*",
            b"a-b",
            "é".as_bytes(),
            "aé".as_bytes(),
            b"a\nb",
            b"\\",
        ];
        for name in names {
            std::fs::write(dir.path().join(OsStr::from_bytes(name)), "").unwrap();
        }
        let pieces = [
            "a",
            "*",
            "?",
            "[",
            "]",
            "!",
            "^",
            "-",
            "b",
            "\\",
            "é",
            "[:alpha:]",
        ];
        let mut state = 7_u64;
        let mut random = |below: usize| {
            state = state
                .wrapping_mul(6_364_136_223_846_793_005)
                .wrapping_add(1);
            usize::try_from(state >> 33).unwrap() % below
        };
        for _ in 0..300 {
            let length = 1 + random(6);
            let pattern: String = (0..length).map(|_| pieces[random(pieces.len())]).collect();
            let Ok(glob) = NameGlob::parse(&pattern) else {
                continue;
            };
            let mut found: Vec<&[u8]> = names.into_iter().filter(|n| glob.matches(n)).collect();
            found.sort_unstable();
            let output = Command::new("find")
                .arg(".")
                .args(["-mindepth", "1", "-name", &pattern, "-printf", "%f\\0"])
                .current_dir(dir.path())
                .env("LC_ALL", "C.UTF-8")
                .output()
                .unwrap();
            let mut expected: Vec<&[u8]> = output.stdout.split(|&b| b == 0).collect();
            expected.retain(|name| !name.is_empty());
            expected.sort_unstable();
            assert_eq!(found, expected, "{pattern}");
        }
    }
}
