//! How the lines of a text end.

use std::fmt;

/// What ends the lines of a text.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Endings {
    /// It has no line that ends.
    None,
    /// A newline.
    Lf,
    /// A return and a newline.
    Crlf,
    /// Some one, some the other.
    Mixed,
}

impl Endings {
    /// Those of a text.
    pub(super) fn of(text: &[u8]) -> Self {
        let newlines = memchr::memchr_iter(b'\n', text);
        let (mut lf, mut crlf) = (false, false);
        for at in newlines {
            let behind_return = at.checked_sub(1).and_then(|at| text.get(at)) == Some(&b'\r');
            match behind_return {
                true => crlf = true,
                false => lf = true,
            }
        }
        match (lf, crlf) {
            (false, false) => Self::None,
            (true, false) => Self::Lf,
            (false, true) => Self::Crlf,
            (true, true) => Self::Mixed,
        }
    }

    /// Whether two texts end their lines differently, or one is not even at one with itself: then
    /// returns are worth seeing.
    pub(super) fn differ(self, other: Self) -> bool {
        let ends = |one| one != Self::None;
        (ends(self) && ends(other) && self != other) || self == Self::Mixed || other == Self::Mixed
    }
}

impl fmt::Display for Endings {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::None => "none",
            Self::Lf => "LF",
            Self::Crlf => "CRLF",
            Self::Mixed => "mixed",
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn endings_are_told_apart() {
        for (text, endings) in [
            ("", Endings::None),
            ("a\rb", Endings::None),
            ("a\nb\n", Endings::Lf),
            ("a\r\nb\r\n", Endings::Crlf),
            ("\n\r\n", Endings::Mixed),
        ] {
            assert_eq!(Endings::of(text.as_bytes()), endings, "{text:?}");
        }
        assert!(Endings::Lf.differ(Endings::Crlf) && Endings::Mixed.differ(Endings::Mixed));
        assert!(!Endings::None.differ(Endings::Crlf) && !Endings::Crlf.differ(Endings::Crlf));
    }
}
