//! Callers that call at the same time, and how long all of their turns took together.

use std::future::Future;
use std::time::{Duration, Instant};
use tokio::runtime::Runtime;
use tokio::task::JoinSet;

/// Lets every caller make `turns` calls, one behind the other, all callers at once; the time until
/// the last of them is done. So a turn takes as long as a caller waits for one answer among that
/// many others.
///
/// The callers run on the workers of the runtime: a task that is woken from outside of them pays for
/// a switch of threads that no caller inside a server pays.
pub(crate) fn take_turns<C, F>(
    runtime: &Runtime,
    callers: impl IntoIterator<Item = C>,
    turns: u64,
    caller: impl Fn(C, u64) -> F,
) -> Duration
where
    F: Future<Output = ()> + Send + 'static,
{
    let all: Vec<F> = callers
        .into_iter()
        .map(|each| caller(each, turns))
        .collect();
    let begin = async move {
        let start = Instant::now();
        let mut running: JoinSet<()> = all.into_iter().collect();
        while let Some(ended) = running.join_next().await {
            ended.unwrap();
        }
        start.elapsed()
    };
    runtime.block_on(async { tokio::spawn(begin).await.unwrap() })
}
