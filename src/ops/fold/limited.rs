//! Writing no more than so many bytes of something, without building all of it first. Pure.

use std::fmt::{self, Display, Write};

/// How many bytes `shown` has as text.
pub(in crate::ops) fn length(shown: impl Display) -> usize {
    struct Count(usize);
    impl Write for Count {
        fn write_str(&mut self, text: &str) -> fmt::Result {
            self.0 += text.len();
            Ok(())
        }
    }
    let mut count = Count(0);
    let _infallible = write!(count, "{shown}");
    count.0
}

/// The first bytes of a text; what is behind them is only counted.
#[derive(Debug)]
pub(in crate::ops) struct Limited {
    text: String,
    most: usize,
    total: usize,
}

impl Limited {
    /// At most `most` bytes of `shown`.
    pub(in crate::ops) fn of(shown: impl Display, most: usize) -> Self {
        let mut limited = Self {
            text: String::new(),
            most,
            total: 0,
        };
        let _infallible = write!(limited, "{shown}");
        limited
    }

    /// What was kept, whole characters only.
    pub(in crate::ops) fn text(&self) -> &str {
        &self.text
    }

    /// The bytes there are, where not all were kept.
    pub(in crate::ops) fn cut(&self) -> Option<usize> {
        (self.total > self.text.len()).then_some(self.total)
    }
}

impl Write for Limited {
    fn write_str(&mut self, piece: &str) -> fmt::Result {
        // Once something was left out, nothing behind it may follow.
        let room = match self.cut() {
            None => self.most - self.text.len().min(self.most),
            Some(_) => 0,
        };
        self.total += piece.len();
        let mut end = room.min(piece.len());
        while !piece.is_char_boundary(end) {
            end -= 1;
        }
        self.text.push_str(piece.get(..end).unwrap_or_default());
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_text_is_cut_between_characters_and_counted_whole() {
        let cut = Limited::of(format_args!("{}{}{}", "aé", "b", "c"), 2);
        assert_eq!((cut.text(), cut.cut()), ("a", Some(5)));
        let whole = Limited::of("aé", 3);
        assert_eq!((whole.text(), whole.cut()), ("aé", None));
        assert_eq!(length(format_args!("{}-{}", "é", 1)), 4);
    }
}
