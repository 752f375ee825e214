//! The hash of what goes by, computed beside the copy.

use ::bytes::Bytes;
use sha2::{Digest, Sha256};
use tokio::sync::mpsc;

/// Pieces that wait for the hash: it keeps up, or the copy waits for it.
const AHEAD: usize = 4;

/// A hash that is computed beside the copy, on another core.
pub(super) struct Hash {
    pieces: mpsc::Sender<Bytes>,
    done: tokio::task::JoinHandle<[u8; 32]>,
}

impl Hash {
    pub(super) fn start() -> Self {
        let (pieces, mut from) = mpsc::channel::<Bytes>(AHEAD);
        let done = tokio::spawn(async move {
            let mut digest = Sha256::new();
            while let Some(piece) = from.recv().await {
                digest.update(&piece);
            }
            digest.finalize().into()
        });
        Self { pieces, done }
    }

    pub(super) async fn update(&mut self, piece: Bytes) {
        // Ends only with the runtime.
        let _ended = self.pieces.send(piece).await;
    }

    /// The hash; none if its task failed, which makes the source be hashed anew.
    pub(super) async fn finish(self) -> Option<[u8; 32]> {
        let Self { pieces, done } = self;
        drop(pieces);
        done.await.ok()
    }
}
