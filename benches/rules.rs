//! The rules: pure decisions and parsers, each alone, without a host, an actor or a network.
//!
//! ```text
//! cargo bench --bench rules                  all of them, about two minutes
//! cargo bench --bench rules -- ssh_config    those with that in their name
//! ```
//!
//! `known_hosts/hashed` needs `ssh-keygen`. What each figure means: docs/benchmarks.md.

// `cfg(test)` is always set here; it is what tells clippy that this is test code.
#[cfg(test)]
#[path = "rules/files.rs"]
mod files;
#[cfg(test)]
#[path = "rules/pool.rs"]
mod pool;
#[cfg(test)]
#[path = "rules/words.rs"]
mod words;

use criterion::Criterion;
use std::time::Duration;

fn main() {
    let mut criterion = Criterion::default()
        .warm_up_time(Duration::from_millis(500))
        .measurement_time(Duration::from_secs(2))
        .configure_from_args();
    pool::benches(&mut criterion);
    words::benches(&mut criterion);
    files::benches(&mut criterion);
    criterion.final_summary();
}
