//! Expands a file name pattern against the disk, as `glob(7)` does for `Include`.
//!
//! `*`, `?`, `[set]` and backslash escapes, one directory level each; a name that begins with a dot
//! is only found by a pattern that does. Results are in byte order. Never follows a pattern into
//! more than it names: there is no `**`.

use std::fs;
use std::os::unix::ffi::{OsStrExt, OsStringExt};
use std::path::{Path, PathBuf};

/// All existing paths that fit an absolute pattern.
pub(super) fn expand(pattern: &str) -> Vec<PathBuf> {
    let mut found = vec![PathBuf::from("/")];
    for part in pattern.split('/').filter(|part| !part.is_empty()) {
        found = if part.contains(['*', '?', '[']) {
            found.iter().flat_map(|dir| names(dir, part)).collect()
        } else {
            let name = unescape(part);
            found.into_iter().map(|dir| dir.join(&name)).collect()
        };
    }
    found.retain(|path| path.symlink_metadata().is_ok());
    found
}

/// The entries of a directory that fit one part of a pattern, sorted. A directory that cannot be
/// read has none.
fn names(dir: &Path, part: &str) -> Vec<PathBuf> {
    let Ok(entries) = fs::read_dir(dir) else {
        return Vec::new();
    };
    let mut names: Vec<Vec<u8>> = entries
        .filter_map(|entry| Some(entry.ok()?.file_name().into_vec()))
        .filter(|name| part.starts_with('.') || !name.starts_with(b"."))
        .filter(|name| fits(name, part.as_bytes()))
        .collect();
    names.sort_unstable();
    let path = |name: Vec<u8>| dir.join(std::ffi::OsStr::from_bytes(&name));
    names.into_iter().map(path).collect()
}

fn unescape(part: &str) -> String {
    let mut out = String::with_capacity(part.len());
    let mut chars = part.chars();
    while let Some(c) = chars.next() {
        out.push(match c {
            '\\' => chars.next().unwrap_or('\\'),
            _ => c,
        });
    }
    out
}

/// Whether a whole name fits. As in the plain patterns, only the last star needs a second try.
fn fits(name: &[u8], pattern: &[u8]) -> bool {
    let (mut n, mut p) = (0, 0);
    let mut resume: Option<(usize, usize)> = None;
    while n < name.len() {
        if pattern.get(p) == Some(&b'*') {
            p += 1;
            resume = Some((p, n));
        } else if let Some(width) = one(name[n], &pattern[p..]) {
            n += 1;
            p += width;
        } else {
            let Some((after_star, from)) = resume else {
                return false;
            };
            p = after_star;
            n = from + 1;
            resume = Some((after_star, n));
        }
    }
    pattern[p..].iter().all(|&c| c == b'*')
}

/// Matches one byte against the head of a pattern; the width of that head when it fits.
fn one(byte: u8, pattern: &[u8]) -> Option<usize> {
    match pattern {
        [b'?', ..] => Some(1),
        [b'\\', literal, ..] => (*literal == byte).then_some(2),
        [b'[', set @ ..] => match bracket(byte, set) {
            Some((fits, width)) => fits.then_some(width + 1),
            // Never closed: a bracket like any other character.
            None => (byte == b'[').then_some(1),
        },
        [literal, ..] => (*literal == byte).then_some(1),
        [] => None,
    }
}

/// Matches a byte against `a-c]`, `!abc]` or `]abc]`; also the width up to the closing bracket.
fn bracket(byte: u8, set: &[u8]) -> Option<(bool, usize)> {
    let negated = matches!(set.first(), Some(b'!' | b'^'));
    let start = usize::from(negated);
    let mut at = start;
    let mut found = false;
    loop {
        match *set.get(at)? {
            b']' if at > start => return Some((found != negated, at + 1)),
            low => {
                let high = match set.get(at + 1..at + 3) {
                    Some(&[b'-', high]) if high != b']' => Some(high),
                    _ => None,
                };
                found |= (low..=high.unwrap_or(low)).contains(&byte);
                at += if high.is_some() { 3 } else { 1 };
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_fit_their_patterns() {
        for (name, pattern, expected) in [
            ("a.conf", "*.conf", true),
            ("a.conf~", "*.conf", false),
            ("10-x", "[0-9][0-9]-*", true),
            ("ab", "[!b]b", true),
            ("bb", "[!b]b", false),
            ("]", "[]]", true),
            ("a-", "a[-]", true),
            ("[x", "[x", true),
            ("*", r"\*", true),
            ("x", r"\*", false),
            ("", "*", true),
        ] {
            assert_eq!(
                fits(name.as_bytes(), pattern.as_bytes()),
                expected,
                "{pattern}"
            );
        }
    }

    #[test]
    fn paths_come_sorted_and_hidden_names_only_when_asked_for() {
        let dir = tempfile::tempdir().unwrap();
        for name in ["b/x", "a/x", "a/y", ".h/x", "c"] {
            let path = dir.path().join(name);
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(path, "").unwrap();
        }
        let root = dir.path().to_str().unwrap();
        let list = |pattern: &str| -> Vec<String> {
            expand(&format!("{root}/{pattern}"))
                .iter()
                .map(|path| path.to_str().unwrap()[root.len() + 1..].to_owned())
                .collect()
        };
        assert_eq!(list("*/x"), ["a/x", "b/x"]);
        assert_eq!(list("a/*"), ["a/x", "a/y"]);
        assert_eq!(list(".*/x"), [".h/x"]);
        assert_eq!(list("c"), ["c"]);
        assert!(list("d").is_empty());
        assert!(list("c/*").is_empty());
    }
}
