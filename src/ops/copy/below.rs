//! Where something is below the place a copy begins at: names, and nothing else.
//!
//! Names come from hosts, which may say anything. One that is no name (`..`, with a slash, with a
//! NUL) never becomes part of a path, so that no tree reaches out of the directory it is copied to.

use fleet::target::MAX_PATH;

/// Names with slashes between them; none at all is the place itself.
#[derive(Debug, Clone, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(super) struct Below(Vec<u8>);

impl Below {
    /// The place itself.
    pub(super) fn here() -> Self {
        Self::default()
    }

    /// What has this name in the directory here; nothing where that is no name, or too deep down
    /// for any path.
    pub(super) fn child(&self, name: &[u8]) -> Option<Self> {
        let slash: &[u8] = if self.0.is_empty() { b"" } else { b"/" };
        let path = [&self.0, slash, name].concat();
        (is_name(name) && path.len() < MAX_PATH).then_some(Self(path))
    }

    /// The same below `top`.
    pub(super) fn under(&self, top: &Self) -> Self {
        match (top.0.is_empty(), self.0.is_empty()) {
            (true, _) => self.clone(),
            (_, true) => top.clone(),
            (false, false) => Self([&top.0, b"/".as_slice(), &self.0].concat()),
        }
    }

    /// The directory it is in; its own of the place itself.
    pub(super) fn parent(&self) -> Self {
        let cut = memchr::memrchr(b'/', &self.0).unwrap_or(0);
        Self(self.0.get(..cut).unwrap_or_default().to_vec())
    }

    /// The last name; empty of the place itself.
    pub(super) fn name(&self) -> &[u8] {
        let last = self.0.rsplit(|byte| *byte == b'/').next();
        last.unwrap_or_default()
    }

    /// The path, without a slash at either end.
    pub(super) fn as_bytes(&self) -> &[u8] {
        &self.0
    }

    /// How many names.
    pub(super) fn depth(&self) -> usize {
        match self.0.is_empty() {
            true => 0,
            false => 1 + memchr::memchr_iter(b'/', &self.0).count(),
        }
    }

    /// The names as a line of text.
    pub(super) fn show(&self) -> String {
        one_line(&self.0)
    }
}

/// Whether these bytes can be the name of an entry (POSIX.1 §3.170), and mean that entry.
pub(super) fn is_name(name: &[u8]) -> bool {
    !matches!(name, b"" | b"." | b"..") && !name.iter().any(|byte| matches!(byte, b'/' | 0))
}

/// A path as one line of text in which nothing acts on a terminal.
pub(super) fn one_line(path: &[u8]) -> String {
    let text = crate::ops::text::one_line(&String::from_utf8_lossy(path));
    crate::ops::Printable(&text).to_string()
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn at(path: &str) -> Below {
        let names = path.split('/').filter(|name| !name.is_empty());
        names.fold(Below::here(), |at, name| at.child(name.as_bytes()).unwrap())
    }

    #[test]
    fn a_place_has_a_name_a_parent_and_a_depth() {
        let deep = at("a/b/c");
        assert_eq!((deep.name(), deep.depth()), (b"c".as_slice(), 3));
        assert_eq!(deep.parent(), at("a/b"));
        assert_eq!(at("a").parent(), Below::here());
        assert_eq!(
            (Below::here().name(), Below::here().depth()),
            (b"".as_slice(), 0)
        );
        assert_eq!(at("x").under(&at("a/b")), at("a/b/x"));
        assert_eq!(Below::here().under(&at("a")), at("a"));
        assert_eq!(at("a").under(&Below::here()), at("a"));
    }

    #[test]
    fn what_is_no_name_leads_nowhere() {
        for wrong in ["", ".", "..", "a/b", "/", "a\0", "../x"] {
            assert!(at("a").child(wrong.as_bytes()).is_none(), "{wrong:?}");
        }
        assert!(at("a").child(&[b'n'; 5000]).is_none());
        for odd in ["...", "-rf", " ", "a\nb", "~"] {
            assert!(at("a").child(odd.as_bytes()).is_some(), "{odd:?}");
        }
    }

    #[test]
    fn a_shown_path_stays_on_its_line() {
        assert_eq!(one_line(b"a\nb\x1b[2J"), "a\\nb\\u{1b}[2J");
        assert_eq!(one_line(b"a\tb\rc\r\n"), "a\\tb\\u{d}c\\u{d}\\n");
    }

    proptest! {
        #[test]
        fn no_names_climb_out(names in prop::collection::vec(prop::collection::vec(any::<u8>(), 0..4), 0..6)) {
            let mut path = Below::here();
            for name in &names {
                path = path.child(name).unwrap_or(path);
            }
            let mut parts = path.as_bytes().split(|byte| *byte == b'/');
            prop_assert!(path.as_bytes().is_empty() || parts.all(is_name));
        }
    }
}
