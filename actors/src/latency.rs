//! How long a host usually takes to answer, and how long to wait for it therefore.
//!
//! The estimator is that of RFC 6298: a smoothed time, how much it varies, and a deadline that
//! doubles after every answer that did not come. Unlike a retransmission, a deadline that passes
//! costs a call, so it never comes closer to the usual time than `least`: what the network itself
//! needs to repeat a lost packet must fit in between.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

/// Between what a deadline moves.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Bounds {
    /// The least time allowed beyond the usual.
    pub(crate) least: Duration,
    /// The longest deadline, and that of a host of which nothing is known.
    pub(crate) most: Duration,
}

/// What is known of one kind of answer of one host. Pure.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(crate) struct Latency {
    smoothed_us: u32,
    variation_us: u32,
    /// Answers in a row that did not come in time.
    missed: u8,
    seen: bool,
}

/// Bits of a time in microseconds: up to nine minutes.
const TIME_BITS: u32 = 29;
const TIME_MASK: u32 = (1 << TIME_BITS) - 1;
const MISSED_MASK: u8 = 0b1_1111;

impl Latency {
    /// An answer took so long.
    pub(crate) fn answered(self, took: Duration) -> Self {
        let took = u32::try_from(took.as_micros())
            .unwrap_or(u32::MAX)
            .min(TIME_MASK);
        let (smoothed_us, variation_us) = match self.seen {
            // RFC 6298, 2.2.
            false => (took, took / 2),
            // RFC 6298, 2.3: alpha 1/8, beta 1/4.
            true => (
                self.smoothed_us - self.smoothed_us / 8 + took / 8,
                self.variation_us - self.variation_us / 4 + self.smoothed_us.abs_diff(took) / 4,
            ),
        };
        Self {
            smoothed_us: smoothed_us.min(TIME_MASK),
            variation_us: variation_us.min(TIME_MASK),
            missed: 0,
            seen: true,
        }
    }

    /// An answer did not come by the deadline.
    pub(crate) fn missed(self) -> Self {
        let missed = self.missed.saturating_add(1).min(MISSED_MASK);
        Self { missed, ..self }
    }

    /// The usual time, if any was seen.
    pub(crate) fn usual(self) -> Option<Duration> {
        self.seen
            .then(|| Duration::from_micros(self.smoothed_us.into()))
    }

    /// How long to wait for the next answer.
    pub(crate) fn deadline(self, bounds: Bounds) -> Duration {
        let Some(usual) = self.usual() else {
            return bounds.most;
        };
        let variation = Duration::from_micros(self.variation_us.into());
        let once = usual + bounds.least.max(4 * variation);
        once.saturating_mul(1 << self.missed.min(30))
            .min(bounds.most)
    }

    fn packed(self) -> u64 {
        u64::from(self.smoothed_us)
            | u64::from(self.variation_us) << TIME_BITS
            | u64::from(self.missed) << (2 * TIME_BITS)
            | u64::from(self.seen) << 63
    }

    fn unpacked(bits: u64) -> Self {
        let low = |bits: u64| u32::try_from(bits & u64::from(TIME_MASK)).unwrap_or(TIME_MASK);
        let missed = (bits >> (2 * TIME_BITS)) & u64::from(MISSED_MASK);
        Self {
            smoothed_us: low(bits),
            variation_us: low(bits >> TIME_BITS),
            missed: u8::try_from(missed).unwrap_or(MISSED_MASK),
            seen: bits >> 63 == 1,
        }
    }
}

/// A [`Latency`] that everyone who waits for the host adds to. All clones share it.
#[derive(Debug, Clone, Default)]
pub(crate) struct Pace(Arc<AtomicU64>);

impl Pace {
    /// What is known at this moment.
    pub(crate) fn get(&self) -> Latency {
        Latency::unpacked(self.0.load(Ordering::Relaxed))
    }

    pub(crate) fn answered(&self, took: Duration) {
        self.change(|latency| latency.answered(took));
    }

    pub(crate) fn missed(&self) {
        self.change(Latency::missed);
    }

    fn change(&self, change: impl Fn(Latency) -> Latency) {
        let next = |bits| Some(change(Latency::unpacked(bits)).packed());
        let _was = self
            .0
            .fetch_update(Ordering::Relaxed, Ordering::Relaxed, next);
    }
}

/// What is known of a host's answers. It outlives the host's actor.
#[derive(Debug, Clone, Default)]
pub(crate) struct Paces {
    /// From the first packet of a connection to the end of the key exchange, jump host included.
    pub(crate) connect: Pace,
    /// One exchange on a connection that is up.
    pub(crate) exchange: Pace,
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const BOUNDS: Bounds = Bounds {
        least: Duration::from_secs(2),
        most: Duration::from_secs(10),
    };

    fn ms(n: u64) -> Duration {
        Duration::from_millis(n)
    }

    fn after(samples: impl IntoIterator<Item = u64>) -> Latency {
        let samples = samples.into_iter();
        samples.fold(Latency::default(), |latency, n| latency.answered(ms(n)))
    }

    #[test]
    fn a_host_that_was_never_seen_gets_all_the_time_there_is() {
        let latency = Latency::default();
        assert_eq!(
            (latency.usual(), latency.deadline(BOUNDS)),
            (None, BOUNDS.most)
        );
        assert_eq!(latency.missed().deadline(BOUNDS), BOUNDS.most);
    }

    #[test]
    fn a_near_host_is_given_up_in_a_fraction_of_that() {
        let latency = after([30; 10]);
        assert_eq!(latency.deadline(BOUNDS), ms(2030));
    }

    #[test]
    fn a_far_host_has_its_usual_time_and_room_beyond_it() {
        let steady = after([4000; 50]);
        assert_eq!(steady.deadline(BOUNDS), ms(6000));
        let unsteady = after((0..50).map(|n| if n % 2 == 0 { 1000 } else { 5000 }));
        assert!(unsteady.deadline(BOUNDS) > ms(9000), "{unsteady:?}");
    }

    #[test]
    fn the_next_wait_is_twice_as_long_until_an_answer_comes() {
        let mut latency = after([100; 10]);
        for expected in [2100, 4200, 8400, 10_000, 10_000] {
            assert_eq!(latency.deadline(BOUNDS), ms(expected));
            latency = latency.missed();
        }
        let slow = latency.answered(ms(5000));
        assert!(
            slow.deadline(BOUNDS) > ms(5000),
            "it may be slow again: {slow:?}"
        );
    }

    #[test]
    fn a_floor_above_the_ceiling_is_the_ceiling() {
        let bounds = Bounds {
            least: ms(2000),
            most: ms(500),
        };
        assert_eq!(after([1]).deadline(bounds), ms(500));
    }

    #[test]
    fn who_shares_a_pace_adds_to_it() {
        let pace = Pace::default();
        pace.clone().answered(ms(70));
        pace.missed();
        assert_eq!(pace.get(), after([70]).missed());
    }

    proptest! {
        #[test]
        fn the_bounds_hold_and_nothing_is_lost_in_packing(
            samples in proptest::collection::vec((any::<bool>(), 0_u64..1_000_000), 0..60),
            least in 0_u64..20_000, most in 1_u64..20_000,
        ) {
            let bounds = Bounds { least: ms(least), most: ms(most) };
            let mut latency = Latency::default();
            for (answered, n) in samples {
                latency = if answered { latency.answered(ms(n)) } else { latency.missed() };
                prop_assert_eq!(Latency::unpacked(latency.packed()), latency);
                let deadline = latency.deadline(bounds);
                prop_assert!(deadline <= bounds.most);
                let usual = latency.usual().unwrap_or_default();
                prop_assert!(deadline >= bounds.most.min(usual + bounds.least));
            }
        }
    }
}
