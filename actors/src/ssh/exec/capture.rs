//! The bytes kept of one stream, within its limit and the memory budget.

use crate::budget::{Hold, fitting, weight};
use crate::outcome::Captured;
use sha2::{Digest, Sha256};

/// Room every stream has from the start, in bytes; the caller reserves it before the work begins.
pub(crate) const BASE: u64 = 64 << 10;

/// A stream being kept.
pub(crate) struct Capture {
    bytes: Vec<u8>,
    total: u64,
    /// What the bytes kept weigh in the budget.
    weight: u64,
    cap: u64,
    /// Weight there is room for.
    granted: u64,
    full: bool,
    /// What is left out, where it is compared.
    rest: Option<Sha256>,
}

impl Capture {
    /// Keeps at most `cap` bytes; with `compared`, what is left out is hashed.
    pub(crate) fn new(cap: u64, compared: bool) -> Self {
        Self {
            rest: compared.then(Sha256::new),
            bytes: Vec::new(),
            total: 0,
            weight: 0,
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
            return self.leave_out(data);
        }
        let room = usize::try_from(self.cap - self.bytes.len() as u64).unwrap_or(usize::MAX);
        let wanted = data.get(..room).unwrap_or(data);
        let want = self.weight + weight(wanted);
        if want > self.granted {
            // Twice as much, so that it is not asked for every packet; if need be just enough.
            let ample = want.max((self.granted * 2).min(self.cap));
            let next = [ample, want]
                .into_iter()
                .find(|next| hold.grow(next - self.granted));
            self.granted = next.unwrap_or(self.granted);
        }
        let kept = wanted
            .split_at(fitting(wanted, self.granted - self.weight))
            .0;
        self.full = kept.len() < data.len();
        self.leave_out(data.get(kept.len()..).unwrap_or_default());
        self.weight += weight(kept);
        if self.bytes.capacity() < self.bytes.len() + kept.len() {
            let granted = usize::try_from(self.granted).unwrap_or(usize::MAX);
            let next = (self.bytes.len() + kept.len())
                .max(self.bytes.capacity() * 2)
                .min(granted);
            self.bytes.reserve_exact(next - self.bytes.len());
        }
        self.bytes.extend_from_slice(kept);
    }

    fn leave_out(&mut self, data: &[u8]) {
        if let Some(rest) = &mut self.rest {
            rest.update(data);
        }
    }

    /// What the bytes kept weigh in the budget.
    pub(crate) fn weight(&self) -> u64 {
        self.weight
    }

    /// What was kept, leaving nothing.
    pub(crate) fn take(&mut self) -> Captured {
        Captured {
            bytes: std::mem::take(&mut self.bytes),
            total: self.total,
            rest: self
                .rest
                .take()
                .filter(|_| self.full)
                .map(|rest| rest.finalize().into()),
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
        let mut capture = Capture::new(100_000, false);
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
        let budget = Budget::new(5 * BASE + 1024);
        let mut hold = hold(&budget).await;
        let mut capture = Capture::new(10_000_000, false);
        capture.push(&[b'a'; 200_000], &mut hold);
        capture.push(b"later", &mut hold);
        let kept = capture.take();
        assert_eq!((kept.bytes.len() as u64, kept.total), (BASE, 200_005));
    }

    #[tokio::test]
    async fn what_is_written_out_in_the_answer_uses_more_of_the_memory() {
        let budget = Budget::new(5 * BASE + 1024);
        let mut hold = hold(&budget).await;
        let mut capture = Capture::new(10_000_000, false);
        capture.push(&[0; 50_000], &mut hold);
        assert_eq!(capture.weight(), BASE / 3 * 3);
        assert_eq!(capture.take().bytes.len() as u64, BASE / 3);
    }

    #[tokio::test]
    async fn exactly_at_the_limit_nothing_is_missing() {
        let budget = Budget::new(1 << 20);
        let mut hold = hold(&budget).await;
        let mut capture = Capture::new(5, false);
        capture.push(b"12345", &mut hold);
        assert!(!capture.take().is_truncated());
    }

    #[tokio::test]
    async fn streams_that_differ_behind_the_cut_are_told_apart() {
        let budget = Budget::new(1 << 20);
        let mut hold = hold(&budget).await;
        let mut rest = |pieces: &[&[u8]], compared| {
            let mut capture = Capture::new(4, compared);
            pieces
                .iter()
                .for_each(|piece| capture.push(piece, &mut hold));
            capture.take().rest
        };
        let whole = rest(&[b"12345678"], true);
        assert!(whole.is_some());
        assert_eq!(rest(&[b"1", b"234567", b"8"], true), whole);
        assert_ne!(rest(&[b"12345679"], true), whole);
        assert_eq!(rest(&[b"1234"], true), None, "nothing was left out");
        assert_eq!(rest(&[b"12345678"], false), None);
    }
}
