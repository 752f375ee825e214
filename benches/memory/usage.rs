//! What a process uses at one moment: of this one what it has allocated, of any one what the kernel
//! tells of it.

use crate::HEAP;
use std::time::Duration;
use tokio::runtime::Handle;

/// How long nothing may change before a state counts as settled.
const STILL: Duration = Duration::from_millis(500);

/// What this process holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Usage {
    /// Bytes asked for and not given back.
    pub(crate) heap: i64,
    /// How many times.
    pub(crate) blocks: i64,
    pub(crate) tasks: i64,
    pub(crate) descriptors: i64,
}

impl Usage {
    pub(crate) fn now() -> Self {
        let stats = HEAP.stats();
        let held = |taken: usize, given: usize| taken as i64 - given as i64;
        Self {
            heap: held(stats.bytes_allocated, stats.bytes_deallocated),
            blocks: held(stats.allocations, stats.deallocations),
            tasks: Handle::current().metrics().num_alive_tasks() as i64,
            descriptors: descriptors("self"),
        }
    }

    /// Waits until what was begun in the background is done.
    pub(crate) async fn settled() -> Self {
        let (mut last, mut since) = (Self::now(), tokio::time::Instant::now());
        let begin = since;
        while since.elapsed() < STILL && begin.elapsed() < 20 * STILL {
            tokio::time::sleep(STILL / 10).await;
            let now = Self::now();
            if (now.tasks, now.descriptors) != (last.tasks, last.descriptors)
                || now.heap > last.heap
            {
                since = tokio::time::Instant::now();
            }
            last = now;
        }
        last
    }
}

/// Open descriptors of a process, or of `self`.
pub(crate) fn descriptors(process: &str) -> i64 {
    std::fs::read_dir(format!("/proc/{process}/fd"))
        .unwrap()
        .count() as i64
}

/// Resident memory of a process, or of `self`, in KiB: `Rss` of all its mappings (proc(5)).
pub(crate) fn resident(process: &str) -> i64 {
    let text = std::fs::read_to_string(format!("/proc/{process}/smaps_rollup")).unwrap();
    let line = text.lines().find_map(|line| line.strip_prefix("Rss:"));
    line.unwrap()
        .trim()
        .trim_end_matches(" kB")
        .parse()
        .unwrap()
}
