//! Clearing away what copies of the past left unfinished and nobody came back for.

use super::below::Below;
use super::partial;
use super::seen::{Seen, now};
use super::side::Side;

/// Removes unfinished files of ours from the directory `at` that nobody wrote to for an hour. It
/// does what it can: whatever fails here is tried again by the next copy.
pub(super) async fn sweep(side: &Side<'_>, at: &Below) {
    if let Ok(entries) = side.list(at).await {
        sweep_entries(side, at, &entries).await;
    }
}

/// The same, of a directory that is listed already.
pub(super) async fn sweep_entries(side: &Side<'_>, at: &Below, entries: &[(Vec<u8>, Seen)]) {
    let now = now();
    for (name, seen) in entries {
        if !partial::is_stale(name, seen, now) {
            continue;
        }
        if let Some(stale) = at.child(name)
            && side.remove(&stale).await.is_ok()
        {
            tracing::info!(path = %side.show(&stale), "an unfinished copy was given up on");
        }
    }
}
