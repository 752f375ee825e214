//! The one writer of a stdio session: whole lines, one after the other.

use std::io;
use std::time::Duration;

use bytes::Bytes;
use tokio::io::{AsyncWrite, AsyncWriteExt};
use tokio::sync::mpsc;

/// One line in pieces, without its end.
pub(super) type Pieces = Vec<Bytes>;

/// Writes lines until there are no more senders. `patience` bounds every single write, so that a
/// slow reader is served and one that has stopped reading is not waited for.
///
/// # Errors
/// Those of the stream; `TimedOut` when it takes nothing any more.
pub(super) async fn write<W: AsyncWrite + Unpin>(
    mut lines: mpsc::Receiver<Pieces>,
    mut to: W,
    patience: Duration,
) -> io::Result<()> {
    while let Some(pieces) = lines.recv().await {
        for piece in pieces {
            all(&mut to, &piece, patience).await?;
        }
        all(&mut to, b"\n", patience).await?;
        // Lines that wait already are flushed together.
        if lines.is_empty() {
            tokio::time::timeout(patience, to.flush()).await??;
        }
    }
    tokio::time::timeout(patience, to.shutdown()).await?
}

async fn all<W: AsyncWrite + Unpin>(
    to: &mut W,
    mut bytes: &[u8],
    patience: Duration,
) -> io::Result<()> {
    while !bytes.is_empty() {
        let written = tokio::time::timeout(patience, to.write(bytes)).await??;
        if written == 0 {
            return Err(io::ErrorKind::WriteZero.into());
        }
        bytes = &bytes[written..];
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use tokio::io::AsyncReadExt;

    use super::*;

    const PATIENCE: Duration = Duration::from_secs(60);

    #[tokio::test]
    async fn pieces_become_lines() {
        let (to, lines) = mpsc::channel(4);
        to.send(vec![Bytes::from_static(b"a"), Bytes::from_static(b"b")])
            .await
            .unwrap();
        to.send(vec![Bytes::from_static(b"c")]).await.unwrap();
        drop(to);
        let mut written = Vec::new();
        write(lines, &mut written, PATIENCE).await.unwrap();
        assert_eq!(written, b"ab\nc\n");
    }

    #[tokio::test]
    async fn a_slow_reader_is_served_and_a_stopped_one_is_not() {
        tokio::time::pause();
        let (to, lines) = mpsc::channel(4);
        let (mut reader, pipe) = tokio::io::duplex(1);
        to.send(vec![Bytes::from_static(b"abcd")]).await.unwrap();
        let writer = tokio::spawn(write(lines, pipe, PATIENCE));
        for expected in *b"abcd\n" {
            tokio::time::sleep(PATIENCE / 2).await;
            assert_eq!(reader.read_u8().await.unwrap(), expected);
        }
        to.send(vec![Bytes::from_static(b"xx")]).await.unwrap();
        let error = writer.await.unwrap().unwrap_err();
        assert_eq!(error.kind(), io::ErrorKind::TimedOut);
    }
}
