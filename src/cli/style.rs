//! Colour, where a person may see it.
//!
//! A stream is coloured when it is a terminal that can, or when `CLICOLOR_FORCE` says so, and never
//! when `NO_COLOR` is set (no-color.org, bixense.com/clicolors). Colour sets off what is there; it
//! never says anything that the text does not say.

use anstream::AutoStream;
use anstream::ColorChoice;
use anstream::stream::RawStream;
use anstyle::{AnsiColor, Style};
use std::fmt::{self, Display};

/// How text is set off on one stream.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Colours(bool);

impl Colours {
    /// As this stream takes them.
    pub(super) fn of(stream: &impl RawStream) -> Self {
        Self(AutoStream::choice(stream) != ColorChoice::Never)
    }

    /// A title above other text.
    pub(super) fn heading(self, text: impl Display) -> impl Display {
        self.painted(Style::new().bold(), text)
    }

    /// What did not go well.
    pub(super) fn failed(self, text: impl Display) -> impl Display {
        self.painted(AnsiColor::Red.on_default().bold(), text)
    }

    /// What only the new text has.
    pub(super) fn added(self, text: impl Display) -> impl Display {
        self.painted(AnsiColor::Green.on_default(), text)
    }

    /// What only the old text has.
    pub(super) fn removed(self, text: impl Display) -> impl Display {
        self.painted(AnsiColor::Red.on_default(), text)
    }

    fn painted<T: Display>(self, style: Style, text: T) -> Painted<T> {
        Painted {
            style: if self.0 { style } else { Style::new() },
            text,
        }
    }
}

/// Text between the sequences that set it off; a plain style has none.
struct Painted<T> {
    style: Style,
    text: T,
}

impl<T: Display> Display for Painted<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { style, text } = self;
        write!(f, "{style}{text}{style:#}")
    }
}

#[cfg(test)]
impl Colours {
    /// Colours on any stream, for the tests of what is painted.
    pub(super) fn always() -> Self {
        Self(true)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn without_colour_text_stays_as_it_is() {
        assert_eq!(Colours(false).failed("a").to_string(), "a");
        let red = Colours(true).failed("a").to_string();
        assert_eq!(red, "\u{1b}[1m\u{1b}[31ma\u{1b}[0m");
        assert_eq!(
            Colours(true).heading("a").to_string(),
            "\u{1b}[1ma\u{1b}[0m"
        );
    }
}
