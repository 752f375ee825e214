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
        // What unwinds ended by a defect, not because its client left.
        let ending = match std::thread::panicking() {
            true => Ending("internal"),
            false => self.ending,
        };
        (self.count)(ending, self.began.elapsed());
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::cell::Cell;
    use std::panic::{AssertUnwindSafe, catch_unwind};

    #[test]
    fn who_left_a_defect_and_an_answer_are_told_apart() {
        let told = Cell::new("");
        let count = |Ending(ending), _| told.set(ending);
        drop(Ended::new(count));
        assert_eq!(told.get(), "cancelled");
        let mut answered = Ended::new(count);
        answered.ending = Ending("ok");
        drop(answered);
        assert_eq!(told.get(), "ok");
        let broken = || {
            let _ended = Ended::new(count);
            panic!("a defect");
        };
        assert!(catch_unwind(AssertUnwindSafe(broken)).is_err());
        assert_eq!(told.get(), "internal");
    }
}
