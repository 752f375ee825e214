//! Who may connect when: a bound for the whole fleet, and one for each address.
//!
//! sshd counts connections that have not logged in yet and drops more of them at random
//! (`MaxStartups`, `sshd_config(5)`, default 10:30:100). Each sshd counts its own, so the bound that
//! matters is the one of an address: a jump host, or one machine under many names.

use crate::limits::{HANDSHAKES, HANDSHAKES_EACH};
use std::hash::{BuildHasher, RandomState};
use std::net::SocketAddr;
use tokio::sync::{Semaphore, SemaphorePermit};

/// Addresses that share a bound by chance are none the worse for it: a host is dialled once at a
/// time, and only one that stands before many others needs its turns.
const ADDRESSES: usize = 256;

/// The turns. Memory is bounded, however many addresses there are.
pub(super) struct Turns {
    all: Semaphore,
    each: Vec<Semaphore>,
    place: RandomState,
}

/// A turn; the next one has it when this is dropped.
pub(super) type Turn<'a> = Option<SemaphorePermit<'a>>;

impl Turns {
    pub(super) fn new() -> Self {
        let each = || Semaphore::new(HANDSHAKES_EACH);
        Self {
            all: Semaphore::new(HANDSHAKES),
            each: std::iter::repeat_with(each).take(ADDRESSES).collect(),
            place: RandomState::new(),
        }
    }

    /// Waits until there is a turn at this address.
    pub(super) async fn at(&self, address: SocketAddr) -> Turn<'_> {
        let place = usize::try_from(self.place.hash_one(address) % ADDRESSES as u64);
        let turns = self.each.get(place.unwrap_or_default())?;
        turns.acquire().await.ok()
    }

    /// Waits until the fleet has a turn.
    pub(super) async fn of_all(&self) -> Turn<'_> {
        self.all.acquire().await.ok()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use futures_util::FutureExt;

    #[test]
    fn an_address_has_its_own_turns_and_gets_them_back() {
        let turns = Turns::new();
        let at = |port| SocketAddr::from(([192, 0, 2, 1], port));
        let mut held: Vec<_> = (0..HANDSHAKES_EACH)
            .map(|_| turns.at(at(22)).now_or_never().unwrap())
            .collect();
        assert!(turns.at(at(22)).now_or_never().is_none(), "it has no more");
        let others = (23..60).filter(|port| turns.at(at(*port)).now_or_never().is_some());
        assert!(others.count() > 20);
        held.pop();
        assert!(turns.at(at(22)).now_or_never().is_some());
    }
}
