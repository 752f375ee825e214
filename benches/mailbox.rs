//! The ways through the mailboxes: into the rate limit, the registry and the actor of a host, and
//! back. The hosts are those of the demo, inside this process, so no `sshd` is needed.
//!
//! ```text
//! cargo bench --bench mailbox             all of them, about one minute
//! cargo bench --bench mailbox -- lease    those with that in their name
//! ```
//!
//! The number in a name is how many callers call at the same time. The time is what one of them
//! waits; `thrpt` is the calls of all of them in a second.

// `cfg(test)` is always set here; it is what tells clippy that this is test code.
#[cfg(test)]
#[path = "support/turns.rs"]
mod turns;
#[cfg(test)]
#[path = "mailbox/ways.rs"]
mod ways;

use criterion::Criterion;
use std::time::Duration;

fn main() {
    let mut criterion = Criterion::default()
        .warm_up_time(Duration::from_millis(500))
        .measurement_time(Duration::from_secs(3))
        .configure_from_args();
    ways::benches(&mut criterion);
    criterion.final_summary();
}
