//! Which hosts have a place, which of them are in use, and which goes next. Pure.
//!
//! The invariants, by construction: places taken never exceed the capacity, and a host that is
//! leased is never named for eviction. All operations are O(1), but for the list of the idle.

use hashlink::LinkedHashMap;
use std::collections::HashMap;
use std::hash::Hash;

/// The part of the pool that may be taken aside: one place of so many.
const ASIDE: usize = 8;

/// The places of a pool. `K` names a host; `T` is a point in time.
#[derive(Debug)]
pub struct Places<K, T> {
    capacity: usize,
    leases: HashMap<K, usize>,
    /// Places nobody uses, least recently used first, with the time of their last use.
    unleased: LinkedHashMap<K, T>,
    /// Hosts that are being stopped; their places are still taken.
    leaving: usize,
    /// Places taken for something else than a host's being there.
    aside: usize,
}

impl<K: Clone + Eq + Hash, T: Copy + Ord> Places<K, T> {
    /// A pool of at least one place.
    pub fn new(capacity: usize) -> Self {
        Self {
            capacity: capacity.max(1),
            leases: HashMap::new(),
            unleased: LinkedHashMap::new(),
            leaving: 0,
            aside: 0,
        }
    }

    /// Places in use, including those of hosts that are leaving, and those set aside.
    pub fn taken(&self) -> usize {
        self.leases.len() + self.unleased.len() + self.leaving + self.aside
    }

    /// Hosts that are being stopped.
    pub fn leaving(&self) -> usize {
        self.leaving
    }

    /// Whether the host has a place and is not leaving.
    pub fn contains(&self, host: &K) -> bool {
        self.leases.contains_key(host) || self.unleased.contains_key(host)
    }

    /// Takes a lease on a host that has a place; false if it has none.
    pub fn lease(&mut self, host: &K) -> bool {
        if let Some(count) = self.leases.get_mut(host) {
            *count += 1;
            return true;
        }
        match self.unleased.remove(host) {
            Some(_) => {
                self.leases.insert(host.clone(), 1);
                true
            }
            None => false,
        }
    }

    /// Gives a lease back.
    pub fn release(&mut self, host: &K, now: T) {
        if let Some(count) = self.leases.get_mut(host) {
            *count -= 1;
            if *count == 0 {
                self.leases.remove(host);
                self.unleased.insert(host.clone(), now);
            }
        }
    }

    /// Takes a free place for a host that has none, unleased; false if there is none.
    pub fn place(&mut self, host: K, now: T) -> bool {
        if self.contains(&host) || self.taken() >= self.capacity {
            return false;
        }
        self.unleased.insert(host, now);
        true
    }

    /// Marks the least recently used host that nobody leases as leaving.
    pub fn evict(&mut self) -> Option<K> {
        let (host, _) = self.unleased.pop_front()?;
        self.leaving += 1;
        Some(host)
    }

    /// Marks this host as leaving; false if somebody leases it, or it has no place.
    pub fn dismiss(&mut self, host: &K) -> bool {
        let unleased = self.unleased.remove(host).is_some();
        self.leaving += usize::from(unleased);
        unleased
    }

    /// The hosts that nobody has used since `cutoff`.
    pub fn idle(&self, cutoff: T) -> impl Iterator<Item = &K> {
        let idle = self
            .unleased
            .iter()
            .filter(move |(_, used)| **used <= cutoff);
        idle.map(|(host, _)| host)
    }

    /// The host goes first of those nobody leases, whenever it was used.
    pub fn yield_place(&mut self, host: &K) {
        self.unleased.to_front(host);
    }

    /// Takes a free place aside; false if there is none, or if so many are that another host would
    /// miss it.
    pub fn take_aside(&mut self) -> bool {
        let may = self.taken() < self.capacity && self.aside < self.capacity / ASIDE;
        self.aside += usize::from(may);
        may
    }

    /// Gives back a place that was taken aside.
    pub fn give_aside(&mut self) {
        self.aside = self.aside.saturating_sub(1);
    }

    /// A host that was leaving is gone; its place is free.
    pub fn left(&mut self) {
        self.leaving = self.leaving.saturating_sub(1);
    }

    /// A host ended by itself; its place is free and its leases are void.
    pub fn forget(&mut self, host: &K) {
        if self.leases.remove(host).is_none() {
            self.unleased.remove(host);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn the_least_recently_released_goes_first() {
        let mut places = Places::new(3);
        for host in ["a", "b", "c"] {
            assert!(places.place(host, 0));
        }
        assert!(!places.place("d", 0), "the pool is full");
        assert!(places.lease(&"a"));
        assert!(places.lease(&"b"));
        places.release(&"a", 1);
        assert_eq!(places.evict(), Some("c"));
        assert_eq!(places.evict(), Some("a"));
        assert_eq!(places.evict(), None, "b is leased");
        assert_eq!(places.taken(), 3, "who is leaving still has a place");
        places.left();
        assert!(places.place("d", 2));
    }

    #[test]
    fn idleness_counts_from_the_last_release() {
        let mut places = Places::new(9);
        places.place("a", 0);
        places.lease(&"a");
        assert_eq!(places.idle(99).count(), 0);
        assert!(!places.dismiss(&"a"), "it is leased");
        places.release(&"a", 50);
        assert_eq!(places.idle(49).count(), 0);
        assert_eq!(places.idle(50).collect::<Vec<_>>(), [&"a"]);
        assert!(places.dismiss(&"a") && !places.dismiss(&"a"));
        assert_eq!((places.taken(), places.leaving()), (1, 1));
    }

    #[test]
    fn who_yields_goes_before_those_that_were_used_earlier() {
        let mut places = Places::new(9);
        for (now, host) in ["a", "b", "c"].into_iter().enumerate() {
            places.place(host, now);
        }
        places.yield_place(&"b");
        places.yield_place(&"nobody");
        assert_eq!(places.evict(), Some("b"));
        assert_eq!(places.evict(), Some("a"));
    }

    proptest! {
        /// Any history keeps the invariants, compared with a model of leases.
        #[test]
        fn capacity_holds_and_no_leased_host_is_evicted(
            capacity in 1_usize..18,
            steps in proptest::collection::vec((0_u8..10, 0_u8..12), 1..400),
        ) {
            let mut places = Places::new(capacity);
            let mut leases: HashMap<u8, usize> = HashMap::new();
            let (mut leaving, mut aside) = (0_usize, 0_usize);
            for (now, (action, host)) in steps.into_iter().enumerate() {
                match action {
                    0 => { places.place(host, now); }
                    1 => if places.lease(&host) { *leases.entry(host).or_default() += 1; },
                    2 => if leases.get(&host).is_some_and(|n| *n > 0) {
                        places.release(&host, now);
                        *leases.get_mut(&host).unwrap() -= 1;
                    },
                    3 => if let Some(out) = places.evict() {
                        prop_assert_eq!(leases.get(&out).copied().unwrap_or(0), 0);
                        leaving += 1;
                    },
                    4 => if leaving > 0 { places.left(); leaving -= 1; },
                    7 => aside += usize::from(places.take_aside()),
                    8 => if aside > 0 { places.give_aside(); aside -= 1; },
                    5 => if places.dismiss(&host) {
                        prop_assert_eq!(leases.get(&host).copied().unwrap_or(0), 0);
                        leaving += 1;
                    },
                    6 => places.yield_place(&host),
                    _ => { places.forget(&host); leases.remove(&host); }
                }
                prop_assert!(places.taken() <= capacity);
                prop_assert!(aside <= capacity / 8);
            }
        }
    }
}
