//! MCP over a pair of pipes: one JSON object per line.
//!
//! The same engine as over HTTP. What differs: there is one client, so an older version that was
//! agreed on is remembered, and `notifications/cancelled` finds the request it means. Requests run
//! concurrently; answers come in any order. Nothing but protocol is ever written.

mod lines;
mod session;
mod writer;

use std::io;
use std::time::Duration;

use http::Extensions;
use rmcp::model::ErrorCode;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::sync::mpsc;
use tokio_util::sync::CancellationToken;

use crate::mcp::Engine;
use lines::{Line, Lines};
use session::Session;

/// The numbers of a session, with the defaults it ships with.
#[derive(Debug, Clone)]
pub struct Settings {
    /// Requests being worked on at once; the next one is answered with -32603.
    pub requests: usize,
    /// Bytes of a line; a longer one is skipped and answered with -32700.
    pub line: usize,
    /// The deadline of every request.
    pub request_timeout: Duration,
    /// How long the client may read nothing before the session ends.
    pub write_timeout: Duration,
    /// What requests in flight get after the input has ended.
    pub drain: Duration,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            requests: 256,
            line: 4 << 20,
            request_timeout: Duration::from_secs(60),
            write_timeout: Duration::from_secs(60),
            drain: Duration::from_secs(5),
        }
    }
}

/// Lines on their way to the writer.
const QUEUE: usize = 64;

/// Serves until the input ends, the output fails, or `shutdown`; then gives requests in flight
/// [`Settings::drain`] to finish. `extensions` go with every request to the catalogue.
///
/// # Errors
/// Those of the input, and of the output but for a closed pipe; `TimedOut` when the client has
/// stopped reading.
pub async fn serve<R, W>(
    engine: Engine,
    extensions: Extensions,
    input: R,
    output: W,
    settings: Settings,
    shutdown: CancellationToken,
) -> io::Result<()>
where
    R: AsyncRead + Unpin,
    W: AsyncWrite + Unpin + Send + 'static,
{
    let (to, from) = mpsc::channel(QUEUE);
    let mut writer = tokio::spawn(writer::write(from, output, settings.write_timeout));
    let mut lines = Lines::new(input, settings.line);
    let drain = settings.drain;
    let mut session = Session::new(engine, extensions, settings, to);
    let read = loop {
        tokio::select! {
            biased;
            () = shutdown.cancelled() => break Ok(()),
            written = &mut writer => return ended(written),
            () = session.reap() => {}
            line = lines.next() => match line {
                Ok(Line::Text(text)) => session.take(&text).await,
                Ok(Line::TooLong) => {
                    session.refuse(ErrorCode::PARSE_ERROR, "the line is too long").await;
                }
                Ok(Line::End) => break Ok(()),
                Err(error) => break Err(error),
            },
        }
    };
    let finish = async {
        session.finish().await;
        ended((&mut writer).await)
    };
    let written = tokio::time::timeout(drain, finish)
        .await
        .unwrap_or_else(|_| {
            writer.abort();
            Ok(())
        });
    read.and(written)
}

/// A client that has gone is not an error.
fn ended(written: Result<io::Result<()>, tokio::task::JoinError>) -> io::Result<()> {
    match written {
        Ok(Err(error)) if error.kind() != io::ErrorKind::BrokenPipe => Err(error),
        Ok(_) => Ok(()),
        Err(lost) => Err(io::Error::other(lost)),
    }
}

#[cfg(test)]
#[path = "stdio/tests.rs"]
mod tests;
