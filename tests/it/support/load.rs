//! Many calls at once, and how long each took. Nothing here judges an answer.

use std::future::Future;
use std::time::{Duration, Instant};

use futures_util::StreamExt as _;
use futures_util::stream;

/// Makes `calls` calls, `callers` at a time: whoever has an answer makes the next call. The results
/// come in the order of completion, each with the time it took.
pub(crate) async fn spread<T, F: Future<Output = T>>(
    callers: usize,
    calls: usize,
    call: impl Fn(usize) -> F,
) -> Vec<(T, Duration)> {
    let timed = |index| {
        let call = call(index);
        async move {
            let start = Instant::now();
            (call.await, start.elapsed())
        }
    };
    stream::iter(0..calls)
        .map(timed)
        .buffer_unordered(callers)
        .collect()
        .await
}

/// The time that this share of the calls did not exceed, by nearest rank.
pub(crate) fn percentile(times: impl IntoIterator<Item = Duration>, share: f64) -> Duration {
    let mut times: Vec<_> = times.into_iter().collect();
    times.sort_unstable();
    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "a rank is small"
    )]
    let rank = (share * times.len() as f64).ceil() as usize;
    times[rank.clamp(1, times.len()) - 1]
}

#[test]
fn the_nearest_rank_is_a_time_that_was_measured() {
    let times = || (1..=200).map(Duration::from_millis);
    assert_eq!(percentile(times(), 0.5), Duration::from_millis(100));
    assert_eq!(percentile(times(), 0.99), Duration::from_millis(198));
    assert_eq!(percentile(times(), 1.0), Duration::from_millis(200));
}

#[tokio::test]
async fn never_more_than_the_callers_call_at_once() {
    use std::cell::Cell;
    let (now, most) = (Cell::new(0), Cell::new(0));
    let done = spread(3, 10, async |index| {
        now.set(now.get() + 1);
        most.set(most.get().max(now.get()));
        tokio::time::sleep(Duration::from_millis(5)).await;
        now.set(now.get() - 1);
        index
    })
    .await;
    assert_eq!((done.len(), most.get()), (10, 3));
}
