//! The content of one file on its way: read from one side, written to the other, a bounded piece of
//! it in memory.
//!
//! On a host's side the fleet reads ahead and lets writes overlap; on this machine's side a thread
//! does the same, so that disk and network never wait for each other's turn.

use super::failure;
use crate::ops::Failure;
use ::bytes::{Bytes, BytesMut};
use std::fs::File;
use std::io::{self, Read, Seek, SeekFrom, Write};
use tokio::sync::mpsc;
use tokio::task::JoinHandle;

/// What a disk is read in.
const CHUNK: usize = 128 << 10;

/// Pieces that wait between a thread and the copy.
const AHEAD: usize = 6;

/// Reads a file of this machine ahead of who asks for it.
pub(super) struct LocalReader {
    pieces: mpsc::Receiver<io::Result<Bytes>>,
    shown: String,
}

impl LocalReader {
    /// Begins to read at `offset`.
    pub(super) fn start(mut file: File, offset: u64, shown: String) -> Self {
        let (out, pieces) = mpsc::channel(AHEAD);
        tokio::task::spawn_blocking(move || {
            if let Err(error) = file.seek(SeekFrom::Start(offset)) {
                let _gone = out.blocking_send(Err(error));
                return;
            }
            loop {
                let piece = match piece(&mut file) {
                    Ok(piece) if piece.is_empty() => return,
                    piece => piece,
                };
                let failed = piece.is_err();
                if out.blocking_send(piece).is_err() || failed {
                    return;
                }
            }
        });
        Self { pieces, shown }
    }

    /// The next piece; none at the end.
    pub(super) async fn next(&mut self) -> Result<Option<Bytes>, Failure> {
        let piece = self.pieces.recv().await.transpose();
        piece.map_err(|error| failure::at(&self.shown, error))
    }
}

fn piece(file: &mut File) -> io::Result<Bytes> {
    let mut piece = BytesMut::zeroed(CHUNK);
    loop {
        match file.read(&mut piece) {
            Ok(read) => {
                piece.truncate(read);
                return Ok(piece.freeze());
            }
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => return Err(error),
        }
    }
}

/// Writes a file of this machine behind who has something for it.
pub(super) struct LocalWriter {
    pieces: mpsc::Sender<Bytes>,
    /// Ends with the file once the channel is closed, or before with what went wrong.
    done: JoinHandle<io::Result<File>>,
    shown: String,
}

impl LocalWriter {
    /// Begins to write at `offset`.
    pub(super) fn start(mut file: File, offset: u64, shown: String) -> Self {
        let (pieces, mut from) = mpsc::channel::<Bytes>(AHEAD);
        let done = tokio::task::spawn_blocking(move || {
            file.seek(SeekFrom::Start(offset))?;
            while let Some(piece) = from.blocking_recv() {
                file.write_all(&piece)?;
            }
            Ok(file)
        });
        Self {
            pieces,
            done,
            shown,
        }
    }

    /// Hands a piece over, once there is room for it.
    pub(super) async fn write(&mut self, piece: Bytes) -> Result<(), Failure> {
        if self.pieces.send(piece).await.is_ok() {
            return Ok(());
        }
        let error = match (&mut self.done).await {
            Ok(Err(error)) => error,
            _ => io::Error::other("a thread of Scout failed"),
        };
        Err(failure::at(&self.shown, error))
    }

    /// Waits until everything is on the disk.
    pub(super) async fn finish(self) -> Result<(), Failure> {
        let Self {
            pieces,
            done,
            shown,
        } = self;
        drop(pieces);
        let synced = async {
            let crashed = |_| io::Error::other("a thread of Scout failed");
            let file = done.await.map_err(crashed)??;
            tokio::task::spawn_blocking(move || file.sync_all())
                .await
                .map_err(crashed)?
        };
        synced.await.map_err(|error| failure::at(&shown, error))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn what_is_read_from_an_offset_is_written_from_an_offset() {
        let dir = tempfile::tempdir().unwrap();
        let (source, target) = (dir.path().join("a"), dir.path().join("b"));
        let content: Vec<u8> = (0..3_000_000_u32).map(|n| (n % 251) as u8).collect();
        std::fs::write(&source, &content).unwrap();
        std::fs::write(&target, &content[..1_000_000]).unwrap();
        let file = File::open(&source).unwrap();
        let mut reader = LocalReader::start(file, 1_000_000, "a".into());
        let file = File::options().write(true).open(&target).unwrap();
        let mut writer = LocalWriter::start(file, 1_000_000, "b".into());
        while let Some(piece) = reader.next().await.unwrap() {
            writer.write(piece).await.unwrap();
        }
        writer.finish().await.unwrap();
        assert!(std::fs::read(&target).unwrap() == content);
    }

    #[tokio::test]
    async fn a_disk_that_takes_nothing_says_so() {
        let full = File::options().write(true).open("/dev/full").unwrap();
        let mut writer = LocalWriter::start(full, 0, "f".into());
        let mut failed = None;
        for _ in 0..100 {
            if let Err(failure) = writer.write(Bytes::from_static(b"x")).await {
                failed = Some(failure);
                break;
            }
        }
        let failed = match failed {
            Some(failed) => failed,
            None => writer.finish().await.unwrap_err(),
        };
        assert_eq!(failed.code, "no_space");
    }
}
