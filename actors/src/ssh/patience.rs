//! How long an answer is waited for on a connection that is up.
//!
//! What is bounded is silence: a host that sends anything at all is there, and an answer that stands
//! behind a flood of output, or behind work, has the whole time. One that says nothing is given up
//! after what it usually takes, and some more.

use crate::latency::{Bounds, Pace};
use crate::metrics::{Awaited, Metrics};
use std::future::Future;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use tokio::time::Instant;

/// Counts what a host sends, in pieces.
#[derive(Debug, Clone, Default)]
pub(super) struct Heard(Arc<AtomicU64>);

impl Heard {
    pub(super) fn one_more(&self) {
        self.0.fetch_add(1, Ordering::Relaxed);
    }

    fn so_far(&self) -> u64 {
        self.0.load(Ordering::Relaxed)
    }
}

/// How patient to be with one connection.
pub(super) struct Patience {
    pub(super) pace: Pace,
    pub(super) bounds: Bounds,
    pub(super) heard: Heard,
    pub(super) metrics: Metrics,
}

impl Patience {
    /// Waits for an answer; nothing if it did not come in time.
    pub(super) async fn answer<T>(&self, answer: impl Future<Output = T>) -> Option<T> {
        let began = Instant::now();
        let after = self.pace.get().deadline(self.bounds);
        self.metrics.waits_at_most(Awaited::Answer, after);
        let mut answer = std::pin::pin!(answer);
        let end = began + self.bounds.most.max(after);
        loop {
            let before = self.heard.so_far();
            let silence = (Instant::now() + after).min(end);
            if let Ok(answer) = tokio::time::timeout_at(silence, &mut answer).await {
                let took = began.elapsed();
                self.pace.answered(took);
                self.metrics.exchanged(took);
                return Some(answer);
            }
            if self.heard.so_far() == before || Instant::now() >= end {
                self.pace.missed();
                return None;
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::limits::Limits;
    use std::time::Duration;

    fn patience() -> Patience {
        let pace = Pace::default();
        pace.answered(Duration::from_millis(10));
        Patience {
            pace,
            bounds: Bounds {
                least: Duration::from_secs(2),
                most: Duration::from_secs(10),
            },
            heard: Heard::default(),
            metrics: Metrics::register(&Limits::default()),
        }
    }

    #[tokio::test(start_paused = true)]
    async fn silence_is_given_up_soon_and_for_longer_the_next_time() {
        let patience = patience();
        for seconds in [2, 4, 8, 10] {
            let began = Instant::now();
            assert_eq!(patience.answer(std::future::pending::<()>()).await, None);
            assert_eq!(began.elapsed().as_secs(), seconds);
        }
    }

    #[tokio::test(start_paused = true)]
    async fn a_host_that_sends_something_has_the_whole_time() {
        let patience = patience();
        let heard = patience.heard.clone();
        let flood = async {
            loop {
                tokio::time::sleep(Duration::from_secs(1)).await;
                heard.one_more();
            }
        };
        let answer = async {
            tokio::time::sleep(Duration::from_secs(9)).await;
            "here"
        };
        tokio::select! {
            () = flood => {}
            answered = patience.answer(answer) => assert_eq!(answered, Some("here")),
        }
        let next = patience.pace.get().deadline(patience.bounds);
        assert!(
            next > Duration::from_secs(3),
            "it is known to be slow now: {next:?}"
        );
    }
}
