//! A bounded queue in front of a bounded number of running jobs. Pure.
//!
//! Interactive jobs overtake bulk ones as [`Queue`] has it. Where a host runs more than one at once,
//! bulk jobs leave one place free, so that an interactive one never waits for the end of those.

use crate::queue::{Queue, Waits};
use crate::urgency::Urgency;
use tokio::time::Instant;

/// One kind of work on one host.
#[derive(Debug)]
pub(crate) struct Lane<J> {
    /// What the limit is before a host has refused anything.
    most: usize,
    limit: usize,
    running: usize,
    /// How many of those that run are bulk jobs.
    running_bulk: usize,
    queue: Queue<J>,
    room: usize,
}

impl<J: Waits> Lane<J> {
    /// At most `limit` at once (at least one), `room` waiting.
    pub(crate) fn new(limit: usize, room: usize) -> Self {
        Self {
            most: limit.max(1),
            limit: limit.max(1),
            running: 0,
            running_bulk: 0,
            queue: Queue::default(),
            room,
        }
    }

    /// Puts a job in the queue; gives it back when the queue is full.
    ///
    /// A job that could start at once is never refused: the queue counts those that must wait.
    pub(crate) fn push(&mut self, job: J) -> Result<(), J> {
        let room = self.room + self.limit.saturating_sub(self.running);
        if self.queue.before(job.urgency()) >= room {
            return Err(job);
        }
        self.queue.push(job);
        Ok(())
    }

    /// Puts a job back to the front that was started and did nothing.
    pub(crate) fn put_back(&mut self, job: J) {
        self.queue.put_back(job);
    }

    /// Takes the next job that may run now; it counts as running from here on.
    pub(crate) fn start(&mut self, now: Instant) -> Option<J> {
        if self.running >= self.limit {
            return None;
        }
        let bulk = self.running_bulk < self.limit.saturating_sub(1).max(1);
        let job = self.queue.take(now, bulk)?;
        self.running += 1;
        if job.urgency() == Urgency::Bulk {
            self.running_bulk += 1;
        }
        Some(job)
    }

    /// A running job of this urgency ended.
    pub(crate) fn ended(&mut self, urgency: Urgency) {
        self.running = self.running.saturating_sub(1);
        if urgency == Urgency::Bulk {
            self.running_bulk = self.running_bulk.saturating_sub(1);
        }
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
    pub(crate) fn take_where(&mut self, leave: impl FnMut(&mut J) -> bool) -> Vec<J> {
        self.queue.take_where(leave)
    }

    /// Drops the jobs nobody waits for any more, and with them what they hold; how many there were.
    pub(crate) fn purge(&mut self, is_abandoned: impl Fn(&J) -> bool) -> usize {
        // Nearly always there is none, and then nothing is moved.
        let any = self.queue.iter().any(&is_abandoned);
        match any {
            true => self.take_where(|job| is_abandoned(job)).len(),
            false => 0,
        }
    }

    /// Everything that waits, leaving the queue empty.
    pub(crate) fn drain(&mut self) -> impl Iterator<Item = J> + '_ {
        self.queue.drain()
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
    use crate::queue::AGE;
    use std::sync::LazyLock;

    static NOW: LazyLock<Instant> = LazyLock::new(Instant::now);

    /// Those below 100 are interactive.
    impl Waits for i32 {
        fn urgency(&self) -> Urgency {
            match *self {
                ..100 => Urgency::Interactive,
                _ => Urgency::Bulk,
            }
        }

        fn since(&self) -> Instant {
            *NOW
        }
    }

    impl Lane<i32> {
        fn next(&mut self) -> Option<i32> {
            self.start(*NOW)
        }

        fn one_ended(&mut self) {
            self.ended(Urgency::Interactive);
        }
    }

    #[test]
    fn the_ninth_waits_and_the_forty_first_is_refused() {
        let mut lane = Lane::new(8, 32);
        let outcomes: Vec<bool> = (0..41).map(|n| lane.push(n).is_ok()).collect();
        assert_eq!(outcomes.iter().filter(|ok| **ok).count(), 40);
        assert_eq!(
            std::iter::from_fn(|| lane.next()).collect::<Vec<_>>(),
            (0..8).collect::<Vec<_>>()
        );
        lane.one_ended();
        assert_eq!(lane.next(), Some(8));
    }

    #[test]
    fn who_left_makes_room() {
        let mut lane = Lane::new(1, 1);
        lane.push(1).unwrap();
        assert_eq!(lane.next(), Some(1));
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
        while lane.next().is_some() {}
        for _ in 0..6 {
            lane.one_ended();
        }
        lane.learn(0);
        lane.one_ended();
        lane.put_back(7);
        lane.push(9).unwrap();
        assert_eq!(
            (lane.next(), lane.next()),
            (Some(7), None),
            "two is the limit now"
        );
        lane.one_ended();
        lane.one_ended();
        lane.learn(0);
        assert_eq!(lane.next(), Some(9));
        lane.push(10).unwrap();
        assert_eq!(lane.next(), None, "one is the limit now");
        lane.unlearn();
        assert_eq!(lane.next(), Some(10));
    }

    #[test]
    fn a_place_is_left_when_a_job_ends_but_never_the_last() {
        let mut lane = Lane::new(8, 32);
        for n in 0..4 {
            lane.push(n).unwrap();
        }
        assert_eq!((lane.next(), lane.next()), (Some(0), Some(1)));
        lane.leave_one();
        lane.one_ended();
        assert_eq!(lane.next(), None, "one runs, and one is the limit now");
        lane.one_ended();
        assert_eq!(lane.next(), Some(2));
        lane.leave_one();
        lane.one_ended();
        assert_eq!(lane.next(), Some(3));
    }

    #[test]
    fn bulk_jobs_leave_a_place_free_where_there_is_more_than_one() {
        let mut lane = Lane::new(3, 32);
        for n in 100..104 {
            lane.push(n).unwrap();
        }
        assert_eq!((lane.next(), lane.next()), (Some(100), Some(101)));
        assert_eq!(lane.next(), None, "the third place is not for them");
        lane.push(1).unwrap();
        assert_eq!(lane.next(), Some(1));
        lane.one_ended();
        assert_eq!(lane.next(), None);
        lane.ended(Urgency::Bulk);
        assert_eq!((lane.next(), lane.next()), (Some(102), None));
        lane.ended(Urgency::Bulk);
        lane.learn(0);
        assert_eq!(lane.next(), None, "one runs, and one is the limit now");
        lane.ended(Urgency::Bulk);
        assert_eq!(lane.next(), Some(103), "the only place is for everybody");
    }

    #[test]
    fn old_bulk_jobs_wait_for_a_place_of_their_own() {
        let mut lane = Lane::new(2, 32);
        for n in [100, 101, 1, 2, 3, 4, 5, 6] {
            lane.push(n).unwrap();
        }
        let old = *NOW + AGE;
        let both = (lane.start(old), lane.start(old));
        assert_eq!(both, (Some(1), Some(2)));
        lane.one_ended();
        assert_eq!(lane.start(old), Some(3));
        lane.one_ended();
        assert_eq!(lane.start(old), Some(100));
        for n in 4..=6 {
            lane.one_ended();
            assert_eq!(lane.start(old), Some(n), "the other place is not for 101");
        }
    }

    #[test]
    fn a_queue_full_of_bulk_jobs_has_room_for_interactive_ones() {
        let mut lane = Lane::new(1, 2);
        for n in [100, 101, 102] {
            lane.push(n).unwrap();
        }
        assert_eq!(lane.next(), Some(100));
        assert_eq!(lane.push(103), Err(103));
        assert_eq!((lane.push(1), lane.push(2)), (Ok(()), Ok(())));
        assert_eq!(lane.push(3), Err(3), "they count each other");
        lane.ended(Urgency::Bulk);
        assert_eq!(lane.next(), Some(1), "nobody was pushed out");
        assert_eq!(lane.waiting(), 3);
    }
}
