//! The fields of an event in the text format, with everything escaped that could leave its line.
//!
//! A value given with `%` is written as it is by the formatters of `tracing_subscriber` (only the
//! message is escaped there), and a value may come from a host or a client: a line break in it would
//! forge a line of the log, an escape sequence would act on the terminal that shows it.

use std::fmt::{self, Debug, Write};

use tracing::field::Field;
use tracing_subscriber::fmt::format::Writer;

/// Writes `name=value`, and the message without a name.
pub(super) fn write(writer: &mut Writer<'_>, field: &Field, value: &dyn Debug) -> fmt::Result {
    if field.name() != "message" {
        write!(writer, "{}=", field.name())?;
    }
    write!(Escaped(writer), "{value:?}")
}

/// Passes text on with control and format characters escaped.
struct Escaped<W>(W);

impl<W: Write> Write for Escaped<W> {
    fn write_str(&mut self, text: &str) -> fmt::Result {
        // Nearly everything.
        if text.bytes().all(|byte| matches!(byte, b' '..=b'~')) {
            return self.0.write_str(text);
        }
        text.chars().try_for_each(|c| {
            if is_unsafe(c) {
                write!(self.0, "{}", c.escape_default())
            } else {
                self.0.write_char(c)
            }
        })
    }
}

/// Control characters (C0, DEL, C1), line and paragraph separators, and the characters that turn
/// the direction of text (Unicode Bidirectional Algorithm, UAX #9 §2).
fn is_unsafe(c: char) -> bool {
    c.is_control()
        || matches!(c, '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2066}'..='\u{2069}' | '\u{feff}')
}
