//! One event, one line: line breaks inside an event are written as `\n` and `\r`.
//!
//! The text format writes a value given with `%` as it is, and a value may come from a host or a
//! client: a break in it would forge a line of the log.

use std::io::{self, Write};

use tracing_subscriber::fmt::MakeWriter;

/// Makes writers that take one whole event per write, as the layer of `tracing_subscriber` does.
#[derive(Debug)]
pub(super) struct OneLine<W>(pub(super) W);

/// A writer of one event.
#[derive(Debug)]
pub(super) struct Line<W>(W);

impl<'a, W: MakeWriter<'a>> MakeWriter<'a> for OneLine<W> {
    type Writer = Line<W::Writer>;

    fn make_writer(&'a self) -> Self::Writer {
        Line(self.0.make_writer())
    }
}

impl<W: Write> Write for Line<W> {
    fn write(&mut self, event: &[u8]) -> io::Result<usize> {
        let inside = event.strip_suffix(b"\n").unwrap_or(event);
        if !inside.iter().any(|byte| matches!(byte, b'\n' | b'\r')) {
            self.0.write_all(event)?;
            return Ok(event.len());
        }
        let mut line = Vec::with_capacity(event.len() + 16);
        for byte in inside {
            match byte {
                b'\n' => line.extend(br"\n"),
                b'\r' => line.extend(br"\r"),
                other => line.push(*other),
            }
        }
        line.push(b'\n');
        self.0.write_all(&line)?;
        Ok(event.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        self.0.flush()
    }
}
