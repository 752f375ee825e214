//! What a connected host costs in memory, descriptors and tasks, and whether anything is left behind
//! when it goes. Real `sshd` processes, two and more for every connection.
//!
//! ```text
//! cargo bench --bench memory                        all of it, about six minutes
//! cargo bench --bench memory -- heap 100            one part, one number of hosts
//! cargo bench --bench memory -- resident 500 1000
//! cargo bench --bench memory -- reuse churn
//! ```
//!
//! - `heap`: a fleet inside this process, with a counting allocator: bytes asked for, per host, as
//!   connections, file channels and shells come up. Without what the allocator itself adds.
//! - `resident`: the real `scout serve`, as the kernel sees it.
//! - `reuse`: one host, used a thousand times. `churn`: a thousand connections, made and evicted.
//!
//! A thousand hosts need `ulimit -n 4096` and about six thousand processes. This is a report and no
//! Criterion bench: what it counts does not vary, and some of it takes minutes.

// `cfg(test)` is always set here; it is what tells clippy that this is test code.
#[cfg(test)]
#[allow(unused_imports, reason = "a bench needs a part of what tests stand on")]
#[path = "../tests/it"]
mod it {
    pub(crate) mod support;
}
#[cfg(test)]
#[path = "memory/heap.rs"]
mod heap;
#[cfg(test)]
#[path = "memory/leak.rs"]
mod leak;
#[cfg(test)]
#[path = "memory/own.rs"]
mod own;
#[cfg(test)]
#[path = "memory/resident.rs"]
mod resident;
#[cfg(test)]
#[allow(dead_code, reason = "several benches share it")]
#[path = "support/site.rs"]
mod site;
#[cfg(test)]
#[path = "memory/usage.rs"]
mod usage;
#[cfg(test)]
#[path = "support/wire.rs"]
mod wire;

use it::support;
use stats_alloc::{INSTRUMENTED_SYSTEM, StatsAlloc};
use std::alloc::System;

#[global_allocator]
static HEAP: &StatsAlloc<System> = &INSTRUMENTED_SYSTEM;

/// Every part, in the order in which they are run.
const PARTS: [&str; 4] = ["heap", "resident", "reuse", "churn"];

/// Hosts that are connected at the same time.
const HOSTS: [usize; 3] = [100, 500, 1_000];

fn main() -> std::io::Result<()> {
    // `cargo test --benches` gives no `--bench`, and wants to know that it starts.
    let (flags, words): (Vec<String>, Vec<String>) = std::env::args()
        .skip(1)
        .partition(|word| word.starts_with('-'));
    let given = |flag: &str| flags.iter().any(|word| word == flag);
    if given("--list") || !given("--bench") {
        return Ok(());
    }
    let named = |part: &str| words.iter().any(|word| word == part);
    let all = !PARTS.iter().any(|part| named(part));
    let mut sizes: Vec<usize> = words.iter().filter_map(|word| word.parse().ok()).collect();
    if sizes.is_empty() {
        sizes = HOSTS.into();
    }
    if !site::Site::possible() {
        return Ok(());
    }
    let runtime = tokio::runtime::Runtime::new()?;
    for part in PARTS.into_iter().filter(|part| all || named(part)) {
        match part {
            "heap" => runtime.block_on(heap::report(&sizes)),
            "resident" => runtime.block_on(resident::report(&sizes)),
            "reuse" => runtime.block_on(leak::reuse()),
            _ => runtime.block_on(leak::churn()),
        }
    }
    Ok(())
}
