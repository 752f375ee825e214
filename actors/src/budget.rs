//! A process-wide budget for command output and file content held in memory.
//!
//! Every call reserves a little before it starts, and grows as output arrives. A reservation waits
//! for room until the call's deadline; growth never waits, because a channel that is not read
//! would stop every other channel of its connection: output that finds no room is cut, and the cut
//! is reported like any other. Nor does growth take the last of the memory: calls with little to say
//! can always start. Bulk work never has that last part at all, so it cannot make an interactive call
//! wait for it.

use crate::limits::Deadline;
use crate::urgency::Urgency;
use metrics::Gauge;
use std::fmt;
use std::sync::Arc;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

/// Copies of a byte of output that exist at once while an answer is built and sent: the captured
/// byte, and its two appearances in the serialised answer, each escaped as a quote or newline is
/// (RFC 8259 §7). The budget counts them all.
pub(crate) const COPIES: u64 = 5;

/// What a control character counts beyond itself, in bytes: written out for people and as `\u001b`
/// for programs it takes thirteen bytes of the answer.
const CONTROL: u64 = 2;

/// The part of the budget that growth leaves to calls that have yet to start, and bulk work to
/// interactive calls.
const KEPT_FREE: u32 = 8;

/// The unit of accounting, in bytes.
const UNIT: u64 = 1024;

/// Output in bytes as the budget counts it: what takes more room in an answer counts for more.
pub(crate) fn weight(output: &[u8]) -> u64 {
    // Counted in bytes, so that many are compared at once.
    let controls: u64 = output
        .chunks(usize::from(u8::MAX))
        .map(|chunk| chunk.iter().map(|&byte| u8::from(is_control(byte))))
        .map(|controls| u64::from(controls.sum::<u8>()))
        .sum();
    output.len() as u64 + CONTROL * controls
}

/// How many bytes at the beginning of `output` weigh `room` at most.
pub(crate) fn fitting(output: &[u8], room: u64) -> usize {
    if weight(output) <= room {
        return output.len();
    }
    count_within(output.iter(), room)
}

/// The same for the bytes at the end.
pub(crate) fn fitting_tail(output: &[u8], room: u64) -> usize {
    count_within(output.iter().rev(), room)
}

fn count_within<'a>(bytes: impl Iterator<Item = &'a u8>, room: u64) -> usize {
    let weights = bytes.map(|&byte| 1 + if is_control(byte) { CONTROL } else { 0 });
    let mut weighed = 0;
    weights
        .take_while(|weight| {
            weighed += weight;
            weighed <= room
        })
        .count()
}

fn is_control(byte: u8) -> bool {
    byte.is_ascii_control() && !matches!(byte, b'\n' | b'\t')
}

/// The budget. Cheap to clone; all clones share it.
#[derive(Clone)]
pub struct Budget {
    room: Arc<Semaphore>,
    /// What bulk work may have of it. Taken before the room itself, and given back with it.
    share: Arc<Semaphore>,
    units: u32,
    gauge: Gauge,
}

impl Budget {
    /// How many bytes of output it has room for at once, of `bytes` that count every copy.
    #[must_use]
    pub fn output_of(bytes: u64) -> u64 {
        bytes / COPIES
    }

    /// A budget of `bytes`, counting every copy of a byte.
    #[must_use]
    pub fn new(bytes: u64) -> Self {
        let units = u32::try_from(bytes / UNIT).unwrap_or(u32::MAX / 8).max(1);
        Self {
            room: Arc::new(Semaphore::new(units as usize)),
            share: Arc::new(Semaphore::new(share_of(units) as usize)),
            units,
            gauge: Gauge::noop(),
        }
    }

    /// The same, shown by a gauge that says 0 now.
    pub(crate) fn shown_by(self, gauge: Gauge) -> Self {
        Self { gauge, ..self }
    }

    /// Reserves room for `bytes` of output, waiting until `deadline`. A reservation larger than
    /// the whole budget is cut to it, so that it can ever be had.
    ///
    /// Nothing when the deadline passed first.
    pub async fn reserve(&self, bytes: u64, deadline: Deadline) -> Option<Hold> {
        self.reserve_for(Urgency::Interactive, bytes, deadline)
            .await
    }

    /// The same for work of this urgency: of a bulk reservation, the whole budget is what bulk work
    /// may have of it.
    pub async fn reserve_for(
        &self,
        urgency: Urgency,
        bytes: u64,
        deadline: Deadline,
    ) -> Option<Hold> {
        let (most, share) = match urgency {
            Urgency::Interactive => (self.units, None),
            Urgency::Bulk => (share_of(self.units), Some(Arc::clone(&self.share))),
        };
        let units = units(bytes).min(most);
        let permits = async {
            let share = match share {
                Some(share) => Some(share.acquire_many_owned(units).await.ok()?),
                None => None,
            };
            let permit = Arc::clone(&self.room)
                .acquire_many_owned(units)
                .await
                .ok()?;
            Some((permit, share))
        };
        let (permit, share) = tokio::time::timeout_at(deadline.instant(), permits)
            .await
            .ok()??;
        self.gauge.increment(bytes_of(permit.num_permits()));
        Some(Hold {
            permit,
            share,
            budget: self.clone(),
        })
    }

    /// Bytes accounted for at this moment.
    #[must_use]
    pub fn held(&self) -> u64 {
        u64::from(self.units).saturating_sub(self.room.available_permits() as u64) * UNIT
    }
}

impl fmt::Debug for Budget {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Budget({} of {} KiB)", self.held() / UNIT, self.units)
    }
}

/// A part of the budget, given back when dropped.
pub struct Hold {
    permit: OwnedSemaphorePermit,
    /// Of bulk work: as much of its share.
    share: Option<OwnedSemaphorePermit>,
    budget: Budget,
}

impl Hold {
    /// Takes room for `bytes` more, at once or not at all.
    pub fn grow(&mut self, bytes: u64) -> bool {
        let Budget {
            room,
            share,
            units: all,
            gauge,
        } = &self.budget;
        let more = units(bytes);
        let kept_free = (all / KEPT_FREE) as usize;
        if room.available_permits() < kept_free + more as usize {
            return false;
        }
        let more_share = match &self.share {
            Some(_) => Arc::clone(share).try_acquire_many_owned(more).map(Some),
            None => Ok(None),
        };
        let more = Arc::clone(room).try_acquire_many_owned(more);
        let (Ok(more), Ok(more_share)) = (more, more_share) else {
            return false;
        };
        gauge.increment(bytes_of(more.num_permits()));
        self.permit.merge(more);
        if let (Some(share), Some(more)) = (&mut self.share, more_share) {
            share.merge(more);
        }
        true
    }

    /// Bytes of output that there is room for.
    #[must_use]
    pub fn room(&self) -> u64 {
        self.permit.num_permits() as u64 * UNIT / COPIES
    }

    /// Gives back what exceeds this output.
    pub fn shrink_to_output<'a>(&mut self, output: impl IntoIterator<Item = &'a [u8]>) {
        self.shrink_to(output.into_iter().map(weight).sum());
    }

    /// Gives back what exceeds `bytes` of output.
    pub fn shrink_to(&mut self, bytes: u64) {
        let surplus = self
            .permit
            .num_permits()
            .saturating_sub(units(bytes) as usize);
        if let Some(share) = &mut self.share {
            drop(share.split(surplus));
        }
        if let Some(surplus) = self.permit.split(surplus) {
            self.budget.gauge.decrement(bytes_of(surplus.num_permits()));
        }
    }
}

impl Drop for Hold {
    fn drop(&mut self) {
        // Counted down by what it is, not set to what is left: two that end at once would race.
        self.budget
            .gauge
            .decrement(bytes_of(self.permit.num_permits()));
    }
}

impl fmt::Debug for Hold {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Hold({} KiB)", self.permit.num_permits())
    }
}

/// What bulk work may have of so many units.
fn share_of(units: u32) -> u32 {
    (units - units / KEPT_FREE).max(1)
}

/// The gauge's value of so many units; whole numbers far below 2^53 stay exact.
fn bytes_of(units: usize) -> f64 {
    (units as u64 * UNIT) as f64
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
        let budget = Budget::new(80 * UNIT);
        let soon = || Deadline::within(Duration::from_secs(1));
        let mut first = budget.reserve(6 * UNIT, soon()).await.unwrap();
        assert_eq!((budget.held(), first.room()), (30 * UNIT, 6 * UNIT));
        assert!(first.grow(8 * UNIT));
        assert!(
            !first.grow(UNIT / 5 + 1),
            "an eighth is kept free, and growth does not wait"
        );
        let small = budget.reserve(2 * UNIT, soon()).await;
        assert!(small.is_some(), "for those who come");
        assert!(
            budget.reserve(1, soon()).await.is_none(),
            "a reservation waits, then gives up"
        );
        drop(small);
        first.shrink_to(UNIT);
        assert_eq!(budget.held(), 5 * UNIT);
        let whole = budget.reserve(1 << 40, soon());
        drop(first);
        assert!(
            whole.await.is_some(),
            "more than there is becomes all there is"
        );
        assert_eq!(budget.held(), 0);
    }

    #[tokio::test(start_paused = true)]
    async fn bulk_work_leaves_a_part_to_interactive_calls() {
        let budget = Budget::new(80 * UNIT);
        let soon = || Deadline::within(Duration::from_secs(1));
        let bulk = |bytes| budget.reserve_for(Urgency::Bulk, bytes, soon());
        let mut first = bulk(10 * UNIT).await.unwrap();
        assert!(first.grow(4 * UNIT) && !first.grow(UNIT / 5 + 1));
        assert!(bulk(1).await.is_none());
        let waiting = bulk(4 * UNIT);
        let both = tokio::join!(waiting, budget.reserve(2 * UNIT, soon()));
        assert!(
            both.0.is_none() && both.1.is_some(),
            "none stands before it"
        );
        drop(both);
        first.shrink_to(2 * UNIT);
        assert!(bulk(12 * UNIT).await.is_some());
        drop(first);
        assert!(bulk(1 << 40).await.is_some(), "it is cut to what there is");
        assert_eq!(budget.held(), 0);
    }

    #[test]
    fn what_takes_more_room_in_an_answer_weighs_more() {
        assert_eq!((weight(b"a\n\t\xff"), weight(b"\0\x1b\r")), (4, 9));
        assert_eq!((fitting(b"ab\0c", 6), fitting(b"ab\0c", 5)), (4, 3));
        assert_eq!((fitting(b"ab\0c", 4), fitting_tail(b"ab\0c", 4)), (2, 2));
    }
}
