//! How often each host is used, and which hosts that keeps warm. Pure; takes `now`.
//!
//! Every use counts one, and what was counted halves every [`HALF_LIFE`]: a host that is used again
//! and again stays above [`OFTEN`], and cools by itself once it is not. The count is cut at what
//! takes `keep` to fall to [`OFTEN`], so no host stays warm for longer than that after its last use.

use std::collections::HashMap;
use std::hash::Hash;
use std::time::Duration;
use tokio::time::Instant;

/// How long it takes for what was counted to count half.
const HALF_LIFE: Duration = Duration::from_secs(300);

/// From this count on a host is used often. Used every two minutes it stays above it.
const OFTEN: f64 = 4.0;

/// Names remembered for each place of the pool.
const NAMES: usize = 4;

/// What is remembered of how hosts are used. `K` names a host.
#[derive(Debug)]
pub(crate) struct Heat<K> {
    capacity: usize,
    keep: Duration,
    hosts: HashMap<K, Use>,
}

#[derive(Debug, Clone, Copy)]
struct Use {
    count: f64,
    /// When it was that much.
    at: Instant,
    /// Whether somebody asked for it to be warm.
    asked: bool,
    /// Whether its callers read files.
    files: bool,
}

impl Use {
    fn count(&self, now: Instant) -> f64 {
        let age = now.saturating_duration_since(self.at);
        self.count * 0.5_f64.powf(age.div_duration_f64(HALF_LIFE))
    }
}

impl<K: Clone + Eq + Hash + Ord> Heat<K> {
    /// Nothing used yet. Hosts stay warm for `keep` at the most; zero keeps none.
    pub(crate) fn new(capacity: usize, keep: Duration) -> Self {
        Self {
            capacity: capacity.max(1),
            keep,
            hosts: HashMap::new(),
        }
    }

    /// A caller uses a host.
    pub(crate) fn used(&mut self, host: &K, now: Instant) {
        let most = self.most();
        let seen = self.entry(host, now);
        (seen.count, seen.at) = ((seen.count(now) + 1.0).min(most), now);
    }

    /// A host is to be warm, as though it had been used a great deal until now.
    pub(crate) fn ask(&mut self, host: &K, now: Instant) {
        let most = self.most();
        *self.entry(host, now) = Use {
            count: most,
            at: now,
            asked: true,
            files: true,
        };
    }

    /// Somebody reads a file of a host.
    pub(crate) fn read(&mut self, host: &K) {
        if let Some(seen) = self.hosts.get_mut(host) {
            seen.files = true;
        }
    }

    /// Whether what is read of a host is worth a channel before the next read. Nobody knows yet of
    /// one that was asked for, and most calls read.
    pub(crate) fn is_read(&self, host: &K) -> bool {
        self.hosts.get(host).is_some_and(|seen| seen.files)
    }

    /// The hosts to be kept warm, the hottest first. Those that were asked for may have every place
    /// of the pool, the others half of them: the rest is for hosts nobody could foresee.
    pub(crate) fn hottest(&self, now: Instant) -> Vec<K> {
        if self.keep.is_zero() {
            return Vec::new();
        }
        let mut hot: Vec<(&K, f64, bool)> = self
            .hosts
            .iter()
            .map(|(host, seen)| (host, seen.count(now), seen.asked))
            .filter(|(_, count, _)| *count >= OFTEN)
            .collect();
        hot.sort_unstable_by(|(a, hot, _), (b, warm, _)| warm.total_cmp(hot).then(a.cmp(b)));
        let mut others = self.capacity / 2;
        let chosen = hot.into_iter().filter(|(_, _, asked)| {
            let fits = *asked || others > 0;
            others = others.saturating_sub(usize::from(!asked));
            fits
        });
        chosen
            .map(|(host, ..)| host.clone())
            .take(self.capacity)
            .collect()
    }

    /// Whether somebody asked for this host to be warm.
    pub(crate) fn is_asked(&self, host: &K) -> bool {
        self.hosts.get(host).is_some_and(|seen| seen.asked)
    }

    fn most(&self) -> f64 {
        OFTEN * 2_f64.powf(self.keep.div_duration_f64(HALF_LIFE))
    }

    fn entry(&mut self, host: &K, now: Instant) -> &mut Use {
        if !self.hosts.contains_key(host) {
            self.make_room(now);
        }
        self.hosts.entry(host.clone()).or_insert(Use {
            count: 0.0,
            at: now,
            asked: false,
            files: false,
        })
    }

    /// Forgets the colder half once there are too many, so that this is rarely done.
    fn make_room(&mut self, now: Instant) {
        if self.hosts.len() < self.capacity.saturating_mul(NAMES) {
            return;
        }
        let mut counts: Vec<f64> = self.hosts.values().map(|seen| seen.count(now)).collect();
        let mut surplus = counts.len().div_ceil(2);
        let (_, middle, _) = counts.select_nth_unstable_by(surplus - 1, f64::total_cmp);
        let middle = *middle;
        self.hosts.retain(|_, seen| {
            let cold = surplus > 0 && seen.count(now) <= middle;
            surplus -= usize::from(cold);
            !cold
        });
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const MINUTE: Duration = Duration::from_secs(60);

    fn heat(capacity: usize) -> Heat<&'static str> {
        Heat::new(capacity, 30 * MINUTE)
    }

    #[test]
    fn a_host_that_is_used_again_and_again_is_hot_and_cools_by_itself() {
        let (mut heat, start) = (heat(8), Instant::now());
        for n in 0..8 {
            heat.used(&"often", start + MINUTE * n);
        }
        heat.used(&"once", start);
        let last = start + MINUTE * 7;
        assert_eq!(heat.hottest(last), ["often"]);
        assert_eq!(heat.hottest(last + MINUTE), ["often"]);
        assert!(heat.hottest(last + 10 * MINUTE).is_empty());
    }

    #[test]
    fn every_two_minutes_is_often_and_every_five_is_not() {
        for (pause, often) in [(2, true), (5, false)] {
            let (mut heat, mut now) = (heat(8), Instant::now());
            for _ in 0..50 {
                now += MINUTE * pause;
                heat.used(&"a", now);
            }
            assert_eq!(
                !heat.hottest(now).is_empty(),
                often,
                "every {pause} minutes"
            );
        }
    }

    #[test]
    fn nothing_stays_warm_beyond_its_time_however_often_it_was_used() {
        let (mut heat, now) = (heat(8), Instant::now());
        for _ in 0..100_000 {
            heat.used(&"a", now);
        }
        heat.ask(&"b", now);
        let almost = now + 30 * MINUTE - Duration::from_secs(1);
        assert_eq!(heat.hottest(almost), ["a", "b"]);
        assert!(heat.hottest(almost + Duration::from_secs(2)).is_empty());
        heat.keep = Duration::ZERO;
        assert!(heat.hottest(now).is_empty(), "it is turned off");
    }

    #[test]
    fn half_of_the_places_are_for_hosts_that_nobody_asked_for() {
        let (mut heat, now) = (heat(4), Instant::now());
        for host in ["a", "b", "c"] {
            for _ in 0..9 {
                heat.used(&host, now);
            }
        }
        heat.used(&"c", now);
        assert_eq!(heat.hottest(now), ["c", "a"]);
        for host in ["x", "y", "z"] {
            heat.ask(&host, now);
        }
        let hottest = heat.hottest(now);
        assert_eq!(hottest, ["x", "y", "z", "c"]);
        assert!(heat.is_asked(&"x") && !heat.is_asked(&"c"));
        assert!(heat.is_read(&"x") && !heat.is_read(&"c"));
        heat.read(&"c");
        assert!(heat.is_read(&"c"));
    }

    #[test]
    fn what_is_forgotten_is_the_colder_half() {
        let (mut heat, now) = (Heat::new(2, MINUTE), Instant::now());
        for host in 0..8 {
            for _ in 0..=host {
                heat.used(&host, now);
            }
        }
        heat.used(&8, now);
        let mut left: Vec<_> = heat.hosts.keys().copied().collect();
        left.sort_unstable();
        assert_eq!(left, [4, 5, 6, 7, 8]);
    }

    proptest! {
        /// Whatever is used: memory is bounded, and so is what is kept warm.
        #[test]
        fn the_bounds_hold(
            capacity in 0_usize..6,
            steps in proptest::collection::vec((0_u16..200, 0_u64..400, any::<bool>()), 1..400),
        ) {
            let mut heat = Heat::new(capacity, 20 * MINUTE);
            let mut now = Instant::now();
            for (host, seconds, asked) in steps {
                now += Duration::from_secs(seconds);
                match asked {
                    true => heat.ask(&host, now),
                    false => heat.used(&host, now),
                }
                prop_assert!(heat.hosts.len() <= NAMES * capacity.max(1));
                prop_assert!(heat.hottest(now).len() <= capacity.max(1));
            }
        }
    }
}
