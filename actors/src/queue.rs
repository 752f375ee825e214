//! Who is next where calls of two urgencies wait. Pure; it takes `now`.
//!
//! Interactive calls go first, and those of one urgency go in the order they came in. A bulk one that
//! has waited for [`AGE`] may go before interactive ones, but only after [`TURNS`] of them have gone
//! since the last that did. So each urgency has a bound, whatever the other does:
//!
//! - Before an interactive call goes one bulk job at most for every [`TURNS`] interactive ones, and
//!   one more. Age alone would not give that: behind a flood of work, all of it old, a call that has
//!   just come in would wait for the whole of it.
//! - An old bulk job with `n` others before it goes after `(n + 1) * (TURNS + 1)` turns at most.

use crate::urgency::Urgency;
use std::collections::VecDeque;
use std::time::Duration;
use tokio::time::Instant;

/// How long a bulk job waits behind interactive calls, however many they are.
pub(crate) const AGE: Duration = Duration::from_secs(1);

/// How many interactive calls go before an old bulk job does.
pub(crate) const TURNS: u32 = 3;

/// Whatever can stand in a queue.
pub(crate) trait Waits {
    /// How soon it wants its turn.
    fn urgency(&self) -> Urgency;

    /// Since when it waits.
    fn since(&self) -> Instant;
}

/// The queue.
#[derive(Debug)]
pub(crate) struct Queue<J> {
    interactive: VecDeque<J>,
    bulk: VecDeque<J>,
    /// Interactive ones that went since a bulk one last did.
    passed: u32,
}

impl<J> Default for Queue<J> {
    fn default() -> Self {
        Self {
            interactive: VecDeque::new(),
            bulk: VecDeque::new(),
            passed: 0,
        }
    }
}

impl<J: Waits> Queue<J> {
    /// Puts it behind all others of its urgency.
    pub(crate) fn push(&mut self, job: J) {
        self.of(job.urgency()).push_back(job);
    }

    /// Puts it before all others of its urgency: it had its turn already, and could not use it.
    pub(crate) fn put_back(&mut self, job: J) {
        self.of(job.urgency()).push_front(job);
    }

    /// Takes the one that is next; where `bulk` is false, the next interactive one.
    pub(crate) fn take(&mut self, now: Instant, bulk: bool) -> Option<J> {
        let job = match self.next(now, bulk)? {
            Urgency::Interactive => self.interactive.pop_front(),
            Urgency::Bulk => self.bulk.pop_front(),
        };
        self.had_turn(job.as_ref()?.urgency());
        job
    }

    /// Takes everything that waits, in the order in which it would have its turns. Which of it had
    /// one, [`had_turn`](Self::had_turn) is to be told; the others are pushed again in that order.
    pub(crate) fn in_turn(&mut self, now: Instant) -> Vec<J> {
        let passed = self.passed;
        let order = std::iter::from_fn(|| self.take(now, true)).collect();
        self.passed = passed;
        order
    }

    /// One of this urgency had its turn.
    pub(crate) fn had_turn(&mut self, urgency: Urgency) {
        self.passed = match urgency {
            Urgency::Interactive => self.passed.saturating_add(1),
            Urgency::Bulk => 0,
        };
    }

    fn next(&self, now: Instant, bulk: bool) -> Option<Urgency> {
        let is_old = |job: &J| now.saturating_duration_since(job.since()) >= AGE;
        match (self.interactive.front(), self.bulk.front()) {
            (_, Some(waiting)) if bulk && self.passed >= TURNS && is_old(waiting) => {
                Some(Urgency::Bulk)
            }
            (Some(_), _) => Some(Urgency::Interactive),
            (None, Some(_)) if bulk => Some(Urgency::Bulk),
            (None, _) => None,
        }
    }

    /// Takes those that `leave` out; the others keep their order.
    pub(crate) fn take_where(&mut self, mut leave: impl FnMut(&mut J) -> bool) -> Vec<J> {
        let mut gone = Vec::new();
        for queue in [&mut self.interactive, &mut self.bulk] {
            for mut job in std::mem::take(queue) {
                match leave(&mut job) {
                    true => gone.push(job),
                    false => queue.push_back(job),
                }
            }
        }
        gone
    }

    /// Everything that waits, the interactive ones first.
    pub(crate) fn iter(&self) -> impl Iterator<Item = &J> {
        self.interactive.iter().chain(&self.bulk)
    }

    /// Takes everything that waits, the interactive ones first.
    pub(crate) fn drain(&mut self) -> impl Iterator<Item = J> + '_ {
        self.interactive.drain(..).chain(self.bulk.drain(..))
    }

    /// How many wait.
    pub(crate) fn len(&self) -> usize {
        self.interactive.len() + self.bulk.len()
    }

    /// How many are in the way of one more of this urgency: bulk work counts everybody, and so never
    /// takes the room of interactive calls, which count only each other.
    pub(crate) fn before(&self, urgency: Urgency) -> usize {
        match urgency {
            Urgency::Interactive => self.interactive.len(),
            Urgency::Bulk => self.len(),
        }
    }

    fn of(&mut self, urgency: Urgency) -> &mut VecDeque<J> {
        match urgency {
            Urgency::Interactive => &mut self.interactive,
            Urgency::Bulk => &mut self.bulk,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::Urgency::{Bulk, Interactive};
    use super::*;
    use proptest::prelude::*;

    #[derive(Debug, Clone, Copy, PartialEq, Eq)]
    struct Call(Urgency, Instant, usize);

    impl Waits for Call {
        fn urgency(&self) -> Urgency {
            self.0
        }

        fn since(&self) -> Instant {
            self.1
        }
    }

    fn taken(queue: &mut Queue<Call>, now: Instant, turns: usize) -> Vec<Urgency> {
        let next = || queue.take(now, true).map(|call| call.urgency());
        std::iter::from_fn(next).take(turns).collect()
    }

    #[test]
    fn an_interactive_call_overtakes_all_bulk_work_however_old() {
        let now = Instant::now();
        let mut queue = Queue::default();
        for nth in 0..100 {
            queue.push(Call(Bulk, now, nth));
        }
        let later = now + AGE * 20;
        assert_eq!(taken(&mut queue, later, 5), [Bulk; 5]);
        queue.push(Call(Interactive, later, 0));
        assert_eq!(taken(&mut queue, later, 2), [Interactive, Bulk]);
        assert_eq!(queue.len(), 94);
    }

    #[test]
    fn old_bulk_work_has_one_turn_of_four_and_young_bulk_work_none() {
        let now = Instant::now();
        let mut queue = Queue::default();
        for nth in 0..20 {
            queue.push(Call(Interactive, now, nth));
            queue.push(Call(Bulk, now, nth));
        }
        assert_eq!(taken(&mut queue, now, 5), [Interactive; 5]);
        let turns = taken(&mut queue, now + AGE, 9);
        let (i, b) = (Interactive, Bulk);
        assert_eq!(turns, [b, i, i, i, b, i, i, i, b]);
    }

    #[test]
    fn bulk_work_without_a_place_lets_others_pass_and_then_has_its_turn() {
        let now = Instant::now();
        let mut queue = Queue::default();
        queue.push(Call(Bulk, now, 0));
        assert_eq!(queue.take(now + AGE, false), None);
        for nth in 0..9 {
            queue.push(Call(Interactive, now, nth));
        }
        for _ in 0..5 {
            let next = queue.take(now + AGE, false).unwrap();
            assert_eq!(next.urgency(), Interactive);
        }
        assert_eq!(taken(&mut queue, now + AGE, 2), [Bulk, Interactive]);
    }

    #[test]
    fn only_those_that_had_a_turn_count_as_served() {
        let now = Instant::now();
        let (i, b) = (Interactive, Bulk);
        let mut queue = Queue::default();
        for urgency in [b, i, i, i, i] {
            queue.push(Call(urgency, now, 0));
        }
        let order = |queue: &mut Queue<Call>| -> Vec<_> {
            let calls = queue.in_turn(now + AGE);
            let order = calls.iter().map(|call| call.0).collect();
            calls.into_iter().for_each(|call| queue.push(call));
            order
        };
        for _ in 0..5 {
            assert_eq!(order(&mut queue), [i, i, i, b, i], "nobody had one");
        }
        queue.had_turn(i);
        assert_eq!(order(&mut queue), [i, i, b, i, i]);
    }

    #[test]
    fn what_could_not_use_its_turn_keeps_its_place() {
        let now = Instant::now();
        let mut queue = Queue::default();
        for nth in 0..3 {
            queue.push(Call(Bulk, now, nth));
        }
        let first = queue.take(now, true).unwrap();
        queue.put_back(first);
        let order: Vec<_> = queue.drain().map(|call| call.2).collect();
        assert_eq!(order, [0, 1, 2]);
    }

    proptest! {
        /// Whatever comes and whenever turns are taken: nothing is lost, each urgency keeps its
        /// order, and neither waits for the other beyond its bound.
        #[test]
        fn both_urgencies_have_their_bound(
            steps in proptest::collection::vec((0_u8..6, 0_u64..700), 1..400),
        ) {
            let mut now = Instant::now();
            let mut queue = Queue::default();
            let (mut pushed, mut order) = ([0_usize; 2], [Vec::new(), Vec::new()]);
            // Of the call that is next of each urgency: how many of the other went before it.
            let (mut before_call, mut before_old) = (0, 0);
            for (step, pause) in steps {
                now += Duration::from_millis(pause);
                if let Some(&urgency) = [Interactive, Bulk, Bulk].get(usize::from(step)) {
                    queue.push(Call(urgency, now, pushed[urgency as usize]));
                    pushed[urgency as usize] += 1;
                    continue;
                }
                let waits = queue.interactive.front().is_some();
                let is_old = queue.bulk.front().is_some_and(|call| now - call.1 >= AGE);
                let Some(call) = queue.take(now, true) else { continue };
                order[call.0 as usize].push(call.2);
                match call.0 {
                    Interactive => {
                        before_call = 0;
                        before_old = if is_old { before_old + 1 } else { 0 };
                        prop_assert!(before_old <= TURNS);
                    }
                    Bulk => {
                        before_old = 0;
                        before_call = if waits { before_call + 1 } else { 0 };
                        prop_assert!(before_call <= 1);
                    }
                }
            }
            order[0].extend(queue.interactive.iter().map(|call| call.2));
            order[1].extend(queue.bulk.iter().map(|call| call.2));
            for (order, pushed) in order.iter().zip(pushed) {
                prop_assert!(order.iter().copied().eq(0..pushed));
            }
        }
    }
}
