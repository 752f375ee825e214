//! What the guarantees stand on: a fleet of real SSH hosts, hosts that misbehave, the built binary and
//! clients for it. A piece of support that could silently lie has its own tests in `harness`.
#![allow(
    dead_code,
    reason = "a verb of the harness may wait for the guarantee that needs it"
)]

pub(crate) mod account;
pub(crate) mod balancer;
pub(crate) mod blackhole;
pub(crate) mod broadcast;
pub(crate) mod chaos;
pub(crate) mod client;
pub(crate) mod engine;
pub(crate) mod envoy;
pub(crate) mod exposition;
pub(crate) mod fleet;
pub(crate) mod forest;
pub(crate) mod hostile;
pub(crate) mod keys;
pub(crate) mod load;
pub(crate) mod procs;
pub(crate) mod program;
pub(crate) mod programs;
pub(crate) mod sdk;
pub(crate) mod server;
pub(crate) mod sockets;
pub(crate) mod sshd;
pub(crate) mod terminal;
pub(crate) mod watcher;
pub(crate) mod yard;

use std::time::{Duration, Instant};

/// How often a condition is looked at again.
const STEP: Duration = Duration::from_millis(10);

/// Waits until `holds` is true and says how long that took; panics with `what` after `within`.
/// For states of other processes, which cannot hand over a channel to wait on.
pub(crate) async fn eventually(
    what: &str,
    within: Duration,
    mut holds: impl FnMut() -> bool,
) -> Duration {
    let start = Instant::now();
    while !holds() {
        assert!(start.elapsed() < within, "not within {within:?}: {what}");
        tokio::time::sleep(STEP).await;
    }
    start.elapsed()
}
