//! How much of the answers is kept. Pure.
//!
//! Every host may give an equal part of what may be kept in all. What earlier ones did not need,
//! above all those whose answer was there already, later ones may use.

/// What may still be kept.
#[derive(Debug)]
pub(super) struct Allowance {
    left: u64,
    each: u64,
    to_come: u64,
}

impl Allowance {
    /// Of `total` bytes for so many hosts.
    pub(super) fn new(total: u64, hosts: usize) -> Self {
        let hosts = hosts as u64;
        Self {
            left: total,
            each: total / hosts.max(1),
            to_come: hosts,
        }
    }

    /// The part of each.
    pub(super) fn each(&self) -> u64 {
        self.each
    }

    /// An answer is here: how much of it may be kept.
    pub(super) fn next(&mut self) -> usize {
        self.to_come = self.to_come.saturating_sub(1);
        let kept_free = self.each * self.to_come;
        usize::try_from(self.left.saturating_sub(kept_free)).unwrap_or(usize::MAX)
    }

    /// So much of it was kept.
    pub(super) fn keep(&mut self, bytes: usize) {
        self.left = self.left.saturating_sub(bytes as u64);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_one_does_not_need_another_may_use_and_nobody_is_left_without() {
        let mut allowance = Allowance::new(100, 4);
        assert_eq!((allowance.each(), allowance.next()), (25, 25));
        allowance.keep(5);
        assert_eq!(allowance.next(), 45);
        allowance.keep(45);
        assert_eq!(allowance.next(), 25);
        allowance.keep(25);
        assert_eq!(allowance.next(), 25);
    }
}
