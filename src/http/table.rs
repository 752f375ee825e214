//! The connections that are open, and which of them makes room for a new one.

use std::collections::HashMap;
use std::net::IpAddr;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use tokio_util::sync::CancellationToken;

use super::pulse::Pulse;

/// All open connections. Short critical sections, never across an await.
#[derive(Debug)]
pub(super) struct Table {
    total: usize,
    per_peer: usize,
    open: Mutex<Open>,
}

#[derive(Debug, Default)]
struct Open {
    next: u64,
    places: HashMap<u64, Place>,
}

#[derive(Debug)]
struct Place {
    peer: IpAddr,
    pulse: Arc<Pulse>,
    evicted: CancellationToken,
}

/// A connection's place; given back when dropped.
#[derive(Debug)]
pub(super) struct Seat {
    table: Arc<Table>,
    key: u64,
    /// The connection's signs of life.
    pub(super) pulse: Arc<Pulse>,
    /// Cancelled when somebody else needs the place.
    pub(super) evicted: CancellationToken,
}

impl Table {
    /// Room for `total` connections, `per_peer` of one address (0 for any number; loopback always
    /// has any number).
    pub(super) fn new(total: usize, per_peer: usize) -> Arc<Self> {
        Arc::new(Self {
            total,
            per_peer,
            open: Mutex::default(),
        })
    }

    fn open(&self) -> MutexGuard<'_, Open> {
        self.open.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// A place for a connection from `peer`. When all are taken the one that is idle for longest is
    /// closed; `None` when none is idle, or when `peer` has its share.
    pub(super) fn seat(self: &Arc<Self>, peer: IpAddr) -> Option<Seat> {
        let mut open = self.open();
        let peer = peer.to_canonical();
        if self.per_peer > 0 && !peer.is_loopback() {
            let taken = open
                .places
                .values()
                .filter(|place| place.peer == peer)
                .count();
            if taken >= self.per_peer {
                return None;
            }
        }
        if open.places.len() >= self.total {
            let idle = open
                .places
                .iter()
                .filter_map(|(key, place)| Some((place.pulse.idle_since()?, *key)));
            let (_, oldest) = idle.min()?;
            open.places.remove(&oldest)?.evicted.cancel();
        }
        let key = open.next;
        open.next += 1;
        let (pulse, evicted) = (Pulse::new(), CancellationToken::new());
        let place = Place {
            peer,
            pulse: Arc::clone(&pulse),
            evicted: evicted.clone(),
        };
        open.places.insert(key, place);
        drop(open);
        Some(Seat {
            table: Arc::clone(self),
            key,
            pulse,
            evicted,
        })
    }
}

impl Drop for Seat {
    fn drop(&mut self) {
        self.table.open().places.remove(&self.key);
    }
}

#[cfg(test)]
mod tests {
    use std::net::{Ipv4Addr, Ipv6Addr};
    use std::time::Duration;

    use tokio::time::{advance, pause};

    use super::*;

    const HOME: IpAddr = IpAddr::V4(Ipv4Addr::LOCALHOST);
    const AWAY: IpAddr = IpAddr::V4(Ipv4Addr::new(192, 0, 2, 1));

    #[tokio::test]
    async fn the_longest_idle_makes_room() {
        pause();
        let table = Table::new(3, 0);
        let [a, b, c] = [HOME, HOME, HOME].map(|peer| table.seat(peer).unwrap());
        let working = a.pulse.begin(false);
        advance(Duration::from_secs(1)).await;
        drop(b.pulse.begin(false));
        let d = table.seat(HOME).unwrap();
        assert!(c.evicted.is_cancelled(), "idle since it was accepted");
        assert!(!a.evicted.is_cancelled() && !b.evicted.is_cancelled());
        let more = [b.pulse.begin(false), d.pulse.begin(false)];
        assert!(table.seat(HOME).is_none(), "all are working");
        drop((working, more));
        assert!(table.seat(HOME).is_some());
    }

    #[tokio::test]
    async fn a_place_is_given_back() {
        let table = Table::new(1, 0);
        drop(table.seat(HOME).unwrap());
        let kept = table.seat(HOME).unwrap();
        assert!(!kept.evicted.is_cancelled());
    }

    #[tokio::test]
    async fn one_address_has_its_share_and_loopback_any() {
        let table = Table::new(10, 1);
        let mapped = IpAddr::V6(Ipv4Addr::new(192, 0, 2, 1).to_ipv6_mapped());
        let _one = table.seat(AWAY).unwrap();
        assert!(table.seat(AWAY).is_none() && table.seat(mapped).is_none());
        let _home =
            [HOME, HOME, IpAddr::V6(Ipv6Addr::LOCALHOST)].map(|peer| table.seat(peer).unwrap());
    }
}
