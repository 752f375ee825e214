//! A process-wide budget for command output and file content held in memory.
//!
//! Every call reserves a little before it starts, and grows as output arrives. A reservation waits
//! for room until the call's deadline; growth never waits, because a channel that is not read
//! would stop every other channel of its connection: output that finds no room is cut, and the cut
//! is reported like any other.

use crate::limits::Deadline;
use std::sync::Arc;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

/// Copies of a byte of output that exist at once while an answer is built and sent: the captured
/// byte, and its two appearances in the serialised answer, escaped. The budget counts them all.
pub(crate) const COPIES: u64 = 4;

/// The unit of accounting, in bytes.
const UNIT: u64 = 1024;

/// The budget. Cheap to clone; all clones share it.
#[derive(Debug, Clone)]
pub struct Budget {
    room: Arc<Semaphore>,
    units: u32,
}

impl Budget {
    /// A budget of `bytes`, counting every copy of a byte.
    #[must_use]
    pub fn new(bytes: u64) -> Self {
        let units = u32::try_from(bytes / UNIT).unwrap_or(u32::MAX / 8).max(1);
        Self {
            room: Arc::new(Semaphore::new(units as usize)),
            units,
        }
    }

    /// Reserves room for `bytes` of output, waiting until `deadline`. A reservation larger than
    /// the whole budget is cut to it, so that it can ever be had.
    ///
    /// Nothing when the deadline passed first.
    pub async fn reserve(&self, bytes: u64, deadline: Deadline) -> Option<Hold> {
        let units = units(bytes).min(self.units);
        let permit = Arc::clone(&self.room).acquire_many_owned(units);
        let permit = tokio::time::timeout_at(deadline.instant(), permit)
            .await
            .ok()?
            .ok()?;
        Some(Hold {
            permit,
            room: Arc::clone(&self.room),
        })
    }

    /// Bytes accounted for at this moment.
    #[must_use]
    pub fn held(&self) -> u64 {
        u64::from(self.units).saturating_sub(self.room.available_permits() as u64) * UNIT
    }
}

/// A part of the budget, given back when dropped.
#[derive(Debug)]
pub struct Hold {
    permit: OwnedSemaphorePermit,
    room: Arc<Semaphore>,
}

impl Hold {
    /// Takes room for `bytes` more, at once or not at all.
    pub fn grow(&mut self, bytes: u64) -> bool {
        match Arc::clone(&self.room).try_acquire_many_owned(units(bytes)) {
            Ok(more) => {
                self.permit.merge(more);
                true
            }
            Err(_) => false,
        }
    }

    /// Gives back what exceeds `bytes` of output.
    pub fn shrink_to(&mut self, bytes: u64) {
        let surplus = self
            .permit
            .num_permits()
            .saturating_sub(units(bytes) as usize);
        drop(self.permit.split(surplus));
    }
}

/// Units that account for `bytes` of output and its copies.
fn units(bytes: u64) -> u32 {
    u32::try_from((bytes * COPIES).div_ceil(UNIT)).unwrap_or(u32::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::time::Duration;

    #[tokio::test(start_paused = true)]
    async fn room_is_waited_for_grown_and_given_back() {
        let budget = Budget::new(64 * UNIT);
        let soon = || Deadline::within(Duration::from_secs(1));
        let mut first = budget.reserve(8 * UNIT, soon()).await.unwrap();
        assert_eq!(budget.held(), 32 * UNIT);
        assert!(first.grow(8 * UNIT));
        assert!(
            !first.grow(1),
            "the budget is used up, and growth does not wait"
        );
        assert!(
            budget.reserve(1, soon()).await.is_none(),
            "a reservation waits, then gives up"
        );
        first.shrink_to(UNIT);
        assert_eq!(budget.held(), 4 * UNIT);
        let whole = budget.reserve(1 << 40, soon());
        drop(first);
        assert!(
            whole.await.is_some(),
            "more than there is becomes all there is"
        );
        assert_eq!(budget.held(), 0);
    }
}
