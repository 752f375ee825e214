//! Lines from a stream, none longer than a bound.

use std::io;

use tokio::io::{AsyncBufReadExt, AsyncRead, BufReader};

/// What the stream has next.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Line {
    /// A line without its end, not blank.
    Text(Vec<u8>),
    /// A line that was too long; all of it has been skipped.
    TooLong,
    /// No more lines. A last one without an end has been returned before.
    End,
}

/// Reads lines. At most the bound and one buffer are held in memory.
#[derive(Debug)]
pub(super) struct Lines<R> {
    from: BufReader<R>,
    limit: usize,
    line: Vec<u8>,
    skipping: bool,
}

impl<R: AsyncRead + Unpin> Lines<R> {
    /// Lines of at most `limit` bytes.
    pub(super) fn new(from: R, limit: usize) -> Self {
        let from = BufReader::with_capacity(64 << 10, from);
        Self {
            from,
            limit,
            line: Vec::new(),
            skipping: false,
        }
    }

    /// The next line. Loses nothing when dropped before it is there.
    pub(super) async fn next(&mut self) -> io::Result<Line> {
        loop {
            let buffered = self.from.fill_buf().await?;
            let end = memchr::memchr(b'\n', buffered);
            let piece = &buffered[..end.unwrap_or(buffered.len())];
            let (length, is_last) = (piece.len(), buffered.is_empty());
            if self.line.len() + length > self.limit {
                self.skipping = true;
                self.line = Vec::new();
            } else if !self.skipping {
                self.line.extend_from_slice(piece);
            }
            self.from.consume(length + usize::from(end.is_some()));
            if end.is_none() && !is_last {
                continue;
            }
            if std::mem::take(&mut self.skipping) {
                return Ok(Line::TooLong);
            }
            let line = std::mem::take(&mut self.line);
            if !line.trim_ascii().is_empty() {
                return Ok(Line::Text(line));
            }
            if is_last {
                return Ok(Line::End);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    async fn all(input: &[u8], limit: usize) -> Vec<Line> {
        let mut lines = Lines::new(input, limit);
        let mut all = Vec::new();
        loop {
            match lines.next().await.unwrap() {
                Line::End => return all,
                line => all.push(line),
            }
        }
    }

    fn text(text: &str) -> Line {
        Line::Text(text.as_bytes().to_vec())
    }

    #[tokio::test]
    async fn lines_come_one_by_one() {
        assert_eq!(
            all(b"a\r\n\n  \nbc\nd", 9).await,
            [text("a\r"), text("bc"), text("d")]
        );
        assert_eq!(all(b"", 9).await, []);
    }

    #[tokio::test]
    async fn a_long_line_costs_itself_only() {
        assert_eq!(
            all(b"ok\n0123456789\nok\n", 9).await,
            [text("ok"), Line::TooLong, text("ok")]
        );
        assert_eq!(
            all(b"012345678\n0123456789", 9).await,
            [text("012345678"), Line::TooLong]
        );
        let mut huge = vec![b'x'; 1 << 20];
        huge.extend_from_slice(b"\nok");
        assert_eq!(all(&huge, 100).await, [Line::TooLong, text("ok")]);
    }
}
