//! Which copies run: a few at a time, and never two to one place.

use super::failure::{hinted, running};
use crate::ops::Failure;
use fleet::Deadline;
use std::collections::HashSet;
use std::sync::{Arc, Mutex, PoisonError};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

/// Copies at once. Each may hold 8 MiB on its way, and takes a place on its hosts while it runs.
const AT_ONCE: usize = 4;

/// The copies of this process.
#[derive(Clone)]
pub(in crate::ops) struct Turns {
    places: Arc<Semaphore>,
    gate: Arc<Semaphore>,
    targets: Arc<Mutex<HashSet<Vec<u8>>>>,
}

impl Default for Turns {
    fn default() -> Self {
        Self {
            places: Arc::new(Semaphore::new(AT_ONCE)),
            gate: Arc::new(Semaphore::new(1)),
            targets: Arc::default(),
        }
    }
}

/// The right to copy. Dropping it gives it back.
pub(super) struct Turn(#[expect(dead_code, reason = "held, not used")] OwnedSemaphorePermit);

/// The right to copy to one place. Dropping it gives it back.
pub(super) struct Claimed {
    turns: Turns,
    target: Vec<u8>,
}

impl Turns {
    /// Waits for a turn until the deadline.
    pub(super) async fn wait(&self, deadline: Deadline) -> Result<Turn, Failure> {
        take(&self.places, deadline).await
    }

    /// Waits until no other copy is about to take its hosts. Keep it that long.
    pub(super) async fn gate(&self, deadline: Deadline) -> Result<Turn, Failure> {
        take(&self.gate, deadline).await
    }

    /// Takes a place to copy to, which is shown like this, unless another copy writes there.
    pub(super) fn claim(&self, target: Vec<u8>, shown: &str) -> Result<Claimed, Failure> {
        if !self.lock().insert(target.clone()) {
            return Err(running(shown));
        }
        Ok(Claimed {
            turns: self.clone(),
            target,
        })
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, HashSet<Vec<u8>>> {
        self.targets.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

async fn take(from: &Arc<Semaphore>, deadline: Deadline) -> Result<Turn, Failure> {
    let place = Arc::clone(from).acquire_owned();
    match tokio::time::timeout_at(deadline.instant(), place).await {
        Ok(Ok(permit)) => Ok(Turn(permit)),
        _ => Err(Failure {
            outcome: "refused",
            ..hinted(
                "copies_busy",
                "other copies are running, and none ended in time".into(),
                "call again when one of them has ended",
            )
        }),
    }
}

impl Drop for Claimed {
    fn drop(&mut self) {
        self.turns.lock().remove(&self.target);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::time::Duration;

    #[test]
    fn two_copies_to_one_place_do_not_meet() {
        let turns = Turns::default();
        let first = turns.claim("web1:/a".into(), "a").unwrap();
        assert_eq!(
            turns.claim("web1:/a".into(), "a").err().unwrap().code,
            "copy_running"
        );
        assert!(turns.claim("web1:/b".into(), "b").is_ok());
        drop(first);
        assert!(turns.claim("web1:/a".into(), "a").is_ok());
    }

    #[tokio::test(start_paused = true)]
    async fn a_turn_is_waited_for_until_the_deadline() {
        let turns = Turns::default();
        let deadline = || Deadline::within(Duration::from_secs(5));
        let mut held = Vec::new();
        for _ in 0..AT_ONCE {
            held.push(turns.wait(deadline()).await.unwrap());
        }
        let refused = turns.wait(deadline()).await.err().unwrap();
        assert_eq!((refused.outcome, refused.code), ("refused", "copies_busy"));
        held.pop();
        assert!(turns.wait(deadline()).await.is_ok());
    }
}
