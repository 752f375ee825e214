//! A bounded queue in front of a bounded number of running jobs. Pure.

use std::collections::VecDeque;

/// One kind of work on one host.
#[derive(Debug)]
pub(crate) struct Lane<J> {
    /// What the limit is before a host has refused anything.
    most: usize,
    limit: usize,
    running: usize,
    queue: VecDeque<J>,
    room: usize,
}

impl<J> Lane<J> {
    /// At most `limit` at once (at least one), `room` waiting.
    pub(crate) fn new(limit: usize, room: usize) -> Self {
        Self {
            most: limit.max(1),
            limit: limit.max(1),
            running: 0,
            queue: VecDeque::new(),
            room,
        }
    }

    /// Puts a job in the queue; gives it back when the queue is full.
    ///
    /// A job that could start at once is never refused: the queue counts those that must wait.
    pub(crate) fn push(&mut self, job: J) -> Result<(), J> {
        let room = self.room + self.limit.saturating_sub(self.running);
        if self.queue.len() >= room {
            return Err(job);
        }
        self.queue.push_back(job);
        Ok(())
    }

    /// Puts a job back to the front that was started and did nothing.
    pub(crate) fn put_back(&mut self, job: J) {
        self.queue.push_front(job);
    }

    /// Takes the next job that may run now; it counts as running from here on.
    pub(crate) fn start(&mut self) -> Option<J> {
        if self.running >= self.limit {
            return None;
        }
        let job = self.queue.pop_front()?;
        self.running += 1;
        Some(job)
    }

    /// A running job ended.
    pub(crate) fn ended(&mut self) {
        self.running = self.running.saturating_sub(1);
    }

    /// How many more may run.
    pub(crate) fn free(&self) -> usize {
        self.limit.saturating_sub(self.running)
    }

    /// The host refused one more than are running and what is open `beside` them: that many is the
    /// limit from now on.
    pub(crate) fn learn(&mut self, beside: usize) {
        self.limit = (self.running + beside).max(1).min(self.limit);
    }

    /// A new connection: what was learnt of the last one no longer holds.
    pub(crate) fn unlearn(&mut self) {
        self.limit = self.most;
    }

    /// One place of those that are taken is needed for something else.
    pub(crate) fn leave_one(&mut self) {
        self.limit = self.running.saturating_sub(1).clamp(1, self.limit);
    }

    /// Takes those that `leave` out of the queue; the others keep their order.
    pub(crate) fn take_where(&mut self, mut leave: impl FnMut(&mut J) -> bool) -> Vec<J> {
        let mut gone = Vec::new();
        for mut job in std::mem::take(&mut self.queue) {
            match leave(&mut job) {
                true => gone.push(job),
                false => self.queue.push_back(job),
            }
        }
        gone
    }

    /// Drops the jobs nobody waits for any more, and with them what they hold; how many there were.
    pub(crate) fn purge(&mut self, is_abandoned: impl Fn(&J) -> bool) -> usize {
        // Nearly always there is none, and then nothing is moved.
        match self.queue.iter().any(&is_abandoned) {
            true => self.take_where(|job| is_abandoned(job)).len(),
            false => 0,
        }
    }

    /// Everything that waits, leaving the queue empty.
    pub(crate) fn drain(&mut self) -> impl Iterator<Item = J> + '_ {
        self.queue.drain(..)
    }

    /// Jobs running.
    pub(crate) fn running(&self) -> usize {
        self.running
    }

    /// Jobs waiting.
    pub(crate) fn waiting(&self) -> usize {
        self.queue.len()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_ninth_waits_and_the_forty_first_is_refused() {
        let mut lane = Lane::new(8, 32);
        let outcomes: Vec<bool> = (0..41).map(|n| lane.push(n).is_ok()).collect();
        assert_eq!(outcomes.iter().filter(|ok| **ok).count(), 40);
        assert_eq!(
            std::iter::from_fn(|| lane.start()).collect::<Vec<_>>(),
            (0..8).collect::<Vec<_>>()
        );
        lane.ended();
        assert_eq!(lane.start(), Some(8));
    }

    #[test]
    fn who_left_makes_room() {
        let mut lane = Lane::new(1, 1);
        lane.push(1).unwrap();
        assert_eq!(lane.start(), Some(1));
        lane.push(2).unwrap();
        assert_eq!(lane.push(3), Err(3));
        assert_eq!((lane.purge(|job| *job == 2), lane.waiting()), (1, 0));
        assert_eq!(lane.purge(|job| *job == 2), 0);
        assert_eq!(lane.push(3), Ok(()));
    }

    #[test]
    fn those_that_are_taken_out_leave_the_order_of_the_others() {
        let mut lane = Lane::new(1, 8);
        for n in 0..5 {
            lane.push(n).unwrap();
        }
        let odd = |job: &mut i32| {
            *job += 10;
            *job % 2 == 1
        };
        assert_eq!(lane.take_where(odd), [11, 13]);
        assert_eq!(lane.drain().collect::<Vec<_>>(), [10, 12, 14]);
    }

    #[test]
    fn a_refusal_lowers_the_limit_but_not_to_nothing() {
        let mut lane = Lane::new(8, 32);
        for n in 0..8 {
            lane.push(n).unwrap();
        }
        while lane.start().is_some() {}
        for _ in 0..6 {
            lane.ended();
        }
        lane.learn(0);
        lane.ended();
        lane.put_back(7);
        lane.push(9).unwrap();
        assert_eq!(
            (lane.start(), lane.start()),
            (Some(7), None),
            "two is the limit now"
        );
        lane.ended();
        lane.ended();
        lane.learn(0);
        assert_eq!(lane.start(), Some(9));
        lane.push(10).unwrap();
        assert_eq!(lane.start(), None, "one is the limit now");
        lane.unlearn();
        assert_eq!(lane.start(), Some(10));
    }

    #[test]
    fn a_place_is_left_when_a_job_ends_but_never_the_last() {
        let mut lane = Lane::new(8, 32);
        for n in 0..4 {
            lane.push(n).unwrap();
        }
        assert_eq!((lane.start(), lane.start()), (Some(0), Some(1)));
        lane.leave_one();
        lane.ended();
        assert_eq!(lane.start(), None, "one runs, and one is the limit now");
        lane.ended();
        assert_eq!(lane.start(), Some(2));
        lane.leave_one();
        lane.ended();
        assert_eq!(lane.start(), Some(3));
    }
}
