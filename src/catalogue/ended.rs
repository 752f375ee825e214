//! How something ended, told once, also when it was dropped because its client left.

use crate::tools::Ending;
use std::time::{Duration, Instant};

/// Tells `count` how and after how long, when it is dropped.
pub(super) struct Ended<F: Fn(Ending, Duration)> {
    /// Until something else is known, its client left.
    pub(super) ending: Ending,
    began: Instant,
    count: F,
}

impl<F: Fn(Ending, Duration)> Ended<F> {
    pub(super) fn new(count: F) -> Self {
        Self {
            ending: Ending("cancelled"),
            began: Instant::now(),
            count,
        }
    }
}

impl<F: Fn(Ending, Duration)> Drop for Ended<F> {
    fn drop(&mut self) {
        (self.count)(self.ending, self.began.elapsed());
    }
}
