//! The bytes kept of one stream, within its limit and the memory budget.

use crate::budget::Hold;
use crate::outcome::Captured;

/// Room every stream has from the start, in bytes; the caller reserves it before the work begins.
pub(crate) const BASE: u64 = 64 << 10;

/// A stream being kept.
pub(crate) struct Capture {
    bytes: Vec<u8>,
    total: u64,
    cap: u64,
    granted: u64,
    full: bool,
}

impl Capture {
    /// Keeps at most `cap` bytes.
    pub(crate) fn new(cap: u64) -> Self {
        Self {
            bytes: Vec::new(),
            total: 0,
            cap,
            granted: cap.min(BASE),
            full: false,
        }
    }

    /// Keeps what there is room for and counts the rest. Once something was left out nothing is
    /// kept any more, so that what is kept is always the beginning.
    pub(crate) fn push(&mut self, data: &[u8], hold: &mut Hold) {
        self.total += data.len() as u64;
        if self.full {
            return;
        }
        let want = (self.bytes.len() + data.len()) as u64;
        if want > self.granted {
            let next = want.max(self.granted * 2).min(self.cap);
            if next > self.granted && hold.grow(next - self.granted) {
                self.granted = next;
            }
        }
        let room = usize::try_from(self.granted).unwrap_or(usize::MAX) - self.bytes.len();
        self.full = data.len() > room;
        let kept = data.get(..room).unwrap_or(data);
        if self.bytes.capacity() < self.bytes.len() + kept.len() {
            let granted = usize::try_from(self.granted).unwrap_or(usize::MAX);
            let next = (self.bytes.len() + kept.len())
                .max(self.bytes.capacity() * 2)
                .min(granted);
            self.bytes.reserve_exact(next - self.bytes.len());
        }
        self.bytes.extend_from_slice(kept);
    }

    /// What was kept, leaving nothing.
    pub(crate) fn take(&mut self) -> Captured {
        Captured {
            bytes: std::mem::take(&mut self.bytes),
            total: self.total,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::budget::Budget;
    use crate::limits::Deadline;
    use std::time::Duration;

    async fn hold(budget: &Budget) -> Hold {
        budget
            .reserve(BASE, Deadline::within(Duration::from_secs(1)))
            .await
            .unwrap()
    }

    #[tokio::test]
    async fn the_beginning_is_kept_and_the_rest_counted() {
        let budget = Budget::new(64 << 20);
        let mut hold = hold(&budget).await;
        let mut capture = Capture::new(100_000);
        for _ in 0..3 {
            capture.push(&[b'a'; 60_000], &mut hold);
        }
        let kept = capture.take();
        assert_eq!(
            (kept.bytes.len(), kept.total, kept.is_truncated()),
            (100_000, 180_000, true)
        );
    }

    #[tokio::test]
    async fn without_memory_the_stream_is_cut_where_the_memory_ended() {
        let budget = Budget::new(4 * BASE + 1024);
        let mut hold = hold(&budget).await;
        let mut capture = Capture::new(10_000_000);
        capture.push(&[b'a'; 200_000], &mut hold);
        capture.push(b"later", &mut hold);
        let kept = capture.take();
        assert_eq!((kept.bytes.len() as u64, kept.total), (BASE, 200_005));
    }

    #[tokio::test]
    async fn exactly_at_the_limit_nothing_is_missing() {
        let budget = Budget::new(1 << 20);
        let mut hold = hold(&budget).await;
        let mut capture = Capture::new(5);
        capture.push(b"12345", &mut hold);
        assert!(!capture.take().is_truncated());
    }
}
