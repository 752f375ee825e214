//! The signs of life of one connection, and when they mean that it must be cut.
//!
//! Counters only; whoever owns the connection asks for the verdict and acts on it. hyper's own
//! header timeout also runs while a connection is idle between requests, which would close every
//! kept-alive connection after ten seconds, and it has no write timeout at all.

use std::fmt;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, AtomicUsize, Ordering::Relaxed};
use std::time::Duration;

use tokio::time::Instant;

/// Stands for "no such moment".
const NEVER: u64 = u64::MAX;

/// What happened on a connection, and when. Moments are milliseconds since it was accepted.
#[derive(Debug)]
pub(super) struct Pulse {
    accepted: Instant,
    /// When the first byte of a request came whose headers have not ended.
    head_since: AtomicU64,
    /// Requests being worked on or being answered.
    busy: AtomicUsize,
    /// When the last of them ended.
    idle_since: AtomicU64,
    /// Pieces of answers that have not been written.
    unsent: AtomicUsize,
    /// When something was written, or the first unsent piece came.
    moved: AtomicU64,
    /// HTTP/2: bytes between requests mean nothing.
    multiplexed: AtomicBool,
}

/// Why a connection must be cut.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Cut {
    /// Its headers do not come.
    SlowHeader,
    /// Its answers are not read.
    SlowReader,
}

impl Pulse {
    /// A connection that was just accepted; its first request is due.
    pub(super) fn new() -> Arc<Self> {
        Arc::new(Self {
            accepted: Instant::now(),
            head_since: AtomicU64::new(0),
            busy: AtomicUsize::new(0),
            idle_since: AtomicU64::new(0),
            unsent: AtomicUsize::new(0),
            moved: AtomicU64::new(0),
            multiplexed: AtomicBool::new(false),
        })
    }

    fn now(&self) -> u64 {
        u64::try_from(self.accepted.elapsed().as_millis()).unwrap_or(NEVER - 1)
    }

    /// Bytes came in.
    pub(super) fn read(&self) {
        let idle = self.busy.load(Relaxed) == 0 && !self.multiplexed.load(Relaxed);
        if idle {
            let _ = self
                .head_since
                .compare_exchange(NEVER, self.now(), Relaxed, Relaxed);
        }
    }

    /// Bytes went out.
    pub(super) fn wrote(&self) {
        self.moved.store(self.now(), Relaxed);
    }

    /// The headers of a request are complete. The request lasts as long as the guard.
    pub(super) fn begin(self: &Arc<Self>, multiplexed: bool) -> Busy {
        self.busy.fetch_add(1, Relaxed);
        self.head_since.store(NEVER, Relaxed);
        self.multiplexed.store(multiplexed, Relaxed);
        Busy {
            pulse: Arc::clone(self),
            _with: None,
        }
    }

    /// Since when nothing is asked of the connection; `None` while something is.
    pub(super) fn idle_since(&self) -> Option<Instant> {
        let idle = self.busy.load(Relaxed) == 0;
        idle.then(|| self.accepted + Duration::from_millis(self.idle_since.load(Relaxed)))
    }

    /// Whether the connection must be cut now.
    pub(super) fn verdict(&self, header: Duration, write: Duration) -> Option<Cut> {
        let elapsed = |since: u64| Duration::from_millis(self.now().saturating_sub(since));
        let head_since = self.head_since.load(Relaxed);
        if head_since != NEVER && elapsed(head_since) >= header {
            return Some(Cut::SlowHeader);
        }
        let waiting = self.unsent.load(Relaxed) > 0;
        (waiting && elapsed(self.moved.load(Relaxed)) >= write).then_some(Cut::SlowReader)
    }
}

/// A request on a connection, until the last piece of its response has been written.
pub(super) struct Busy {
    pulse: Arc<Pulse>,
    _with: Option<Box<dyn Send + Sync>>,
}

impl Busy {
    /// A piece of the answer is handed over for writing; it is unsent as long as the guard lives.
    pub(super) fn send(self: &Arc<Self>) -> Unsent {
        if self.pulse.unsent.fetch_add(1, Relaxed) == 0 {
            self.pulse.wrote();
        }
        Unsent(Arc::clone(self))
    }

    /// Lets `thing` live as long as the request.
    pub(super) fn with(mut self, thing: impl Send + Sync + 'static) -> Self {
        self._with = Some(Box::new(thing));
        self
    }
}

impl fmt::Debug for Busy {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Busy").finish_non_exhaustive()
    }
}

impl Drop for Busy {
    fn drop(&mut self) {
        self.pulse.idle_since.store(self.pulse.now(), Relaxed);
        self.pulse.busy.fetch_sub(1, Relaxed);
    }
}

/// A piece of an answer that has not been written.
#[derive(Debug)]
pub(super) struct Unsent(Arc<Busy>);

impl Drop for Unsent {
    fn drop(&mut self) {
        self.0.pulse.unsent.fetch_sub(1, Relaxed);
    }
}

#[cfg(test)]
mod tests {
    use tokio::time::{advance, pause};

    use super::*;

    const HEADER: Duration = Duration::from_secs(10);
    const WRITE: Duration = Duration::from_secs(60);

    #[tokio::test]
    async fn a_request_must_come_soon_after_accept_or_its_first_byte() {
        pause();
        let pulse = Pulse::new();
        advance(HEADER).await;
        assert_eq!(pulse.verdict(HEADER, WRITE), Some(Cut::SlowHeader));
        drop(pulse.begin(false));
        advance(HEADER * 100).await;
        assert_eq!(pulse.verdict(HEADER, WRITE), None, "idle between requests");
        pulse.read();
        advance(HEADER / 2).await;
        pulse.read();
        assert_eq!(pulse.verdict(HEADER, WRITE), None);
        advance(HEADER / 2).await;
        assert_eq!(
            pulse.verdict(HEADER, WRITE),
            Some(Cut::SlowHeader),
            "dripping does not help"
        );
    }

    #[tokio::test]
    async fn bytes_between_requests_mean_nothing_on_http_2() {
        pause();
        let pulse = Pulse::new();
        drop(pulse.begin(true));
        pulse.read();
        advance(HEADER * 2).await;
        assert_eq!(pulse.verdict(HEADER, WRITE), None);
    }

    #[tokio::test]
    async fn an_answer_must_move() {
        pause();
        let pulse = Pulse::new();
        let busy = Arc::new(pulse.begin(false));
        advance(WRITE * 5).await;
        assert_eq!(
            pulse.verdict(HEADER, WRITE),
            None,
            "working is not stalling"
        );
        let unsent = busy.send();
        advance(WRITE / 2).await;
        pulse.wrote();
        advance(WRITE / 2).await;
        assert_eq!(pulse.verdict(HEADER, WRITE), None);
        advance(WRITE / 2).await;
        assert_eq!(pulse.verdict(HEADER, WRITE), Some(Cut::SlowReader));
        drop(busy);
        assert_eq!(
            pulse.idle_since(),
            None,
            "what is unsent keeps the request open"
        );
        drop(unsent);
        assert_eq!(pulse.verdict(HEADER, WRITE), None);
        assert_eq!(pulse.idle_since(), Some(Instant::now()));
    }

    #[tokio::test]
    async fn idle_begins_with_the_end_of_the_last_request() {
        pause();
        let pulse = Pulse::new();
        let busy = pulse.begin(false);
        assert_eq!(pulse.idle_since(), None);
        advance(HEADER).await;
        drop(busy);
        assert_eq!(pulse.idle_since(), Some(Instant::now()));
    }
}
