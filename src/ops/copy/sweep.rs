//! Clearing away what copies of the past left unfinished and nobody came back for.

use super::below::Below;
use super::partial;
use super::side::Side;
use std::time::{SystemTime, UNIX_EPOCH};

/// Removes unfinished files of ours from the directory `at` that nobody wrote to for an hour. It
/// does what it can: whatever fails here is tried again by the next copy.
pub(super) async fn sweep(side: &Side<'_>, at: &Below) {
    let Ok(entries) = side.list(at).await else {
        return;
    };
    let now = SystemTime::now().duration_since(UNIX_EPOCH);
    let now = now.map_or(0, |now| u32::try_from(now.as_secs()).unwrap_or(u32::MAX));
    for (name, seen) in entries {
        if !partial::is_stale(&name, &seen, now) {
            continue;
        }
        if let Some(stale) = at.child(&name)
            && side.remove(&stale).await.is_ok()
        {
            tracing::info!(path = %side.show(&stale), "an unfinished copy was given up on");
        }
    }
}
