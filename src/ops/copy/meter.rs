//! How far a copy is: counted by every file of it, told at most five times a second.

use crate::ops::{Progress, Step, Unit};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

/// The time between two steps.
const PAUSE: Duration = Duration::from_millis(200);

/// The bytes of one copy.
pub(super) struct Meter {
    progress: Progress,
    /// Bytes that need not travel any more: sent, found there, or given up on.
    done: AtomicU64,
    total: AtomicU64,
    sent: AtomicU64,
    last: Mutex<Option<Instant>>,
}

impl Meter {
    pub(super) fn new(progress: Progress) -> Self {
        Self {
            progress,
            done: AtomicU64::new(0),
            total: AtomicU64::new(0),
            sent: AtomicU64::new(0),
            last: Mutex::new(None),
        }
    }

    /// So many bytes are to be copied.
    pub(super) fn expect(&self, bytes: u64) {
        self.total.fetch_add(bytes, Ordering::Relaxed);
    }

    /// So many bytes of `name` were handed on.
    pub(super) fn sent(&self, bytes: u64, name: impl FnOnce() -> String) {
        self.sent.fetch_add(bytes, Ordering::Relaxed);
        self.done(bytes, name);
    }

    /// So many bytes need not be sent.
    pub(super) fn done(&self, bytes: u64, name: impl FnOnce() -> String) {
        let done = self.done.fetch_add(bytes, Ordering::Relaxed) + bytes;
        if self.progress.is_wanted() && self.is_time(done) {
            self.tell(done, &name());
        }
    }

    /// Takes back what was counted of a file that begins anew.
    pub(super) fn again(&self, bytes: u64) {
        self.done.fetch_sub(bytes, Ordering::Relaxed);
    }

    /// Bytes handed on so far.
    pub(super) fn total_sent(&self) -> u64 {
        self.sent.load(Ordering::Relaxed)
    }

    /// Bytes that are done and bytes there are.
    pub(super) fn state(&self) -> (u64, u64) {
        let load = |count: &AtomicU64| count.load(Ordering::Relaxed);
        (load(&self.done), load(&self.total))
    }

    fn is_time(&self, done: u64) -> bool {
        let all = done == self.total.load(Ordering::Relaxed);
        let mut last = self.last.lock().unwrap_or_else(PoisonError::into_inner);
        let now = Instant::now();
        let due = last.is_none_or(|last| now.duration_since(last) >= PAUSE);
        if due || all {
            *last = Some(now);
        }
        due || all
    }

    fn tell(&self, done: u64, message: &str) {
        self.progress.tell(Step {
            done,
            total: Some(self.total.load(Ordering::Relaxed)),
            unit: Unit::Bytes,
            message,
        });
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::Arc;

    #[test]
    fn many_pieces_make_few_steps_and_the_last_is_among_them() {
        let steps = Arc::new(Mutex::new(Vec::new()));
        let heard = Arc::clone(&steps);
        let meter = Meter::new(Progress::to(move |step| {
            heard.lock().unwrap().push((step.done, step.total));
        }));
        meter.expect(1000);
        for _ in 0..1000 {
            meter.sent(1, || "f".into());
        }
        let steps = steps.lock().unwrap();
        assert!(steps.len() < 10, "{steps:?}");
        assert_eq!(steps.last(), Some(&(1000, Some(1000))));
        assert_eq!((meter.total_sent(), meter.state()), (1000, (1000, 1000)));
    }
}
