//! Clearing away what copies of the past left unfinished and nobody came back for.
//!
//! It comes after a copy that succeeded, which has gone on from what it could use, and it never makes
//! one fail: whatever is not done here is tried again by the next copy.

use super::below::Below;
use super::partial;
use super::seen::Seen;
use super::side::Side;
use fleet::Deadline;
use std::time::Duration;

/// How long clearing away may take.
pub(super) const CLEARING: Duration = Duration::from_secs(2);

/// The most unfinished files that are looked at again for one copy.
pub(super) const MOST: usize = 1000;

/// Removes unfinished files of ours from the directory `at` that nobody wrote to for an hour.
pub(super) async fn sweep(side: &Side<'_>, at: &Below, deadline: Deadline) {
    let swept = async {
        if let Ok(entries) = side.list(at).await {
            clear(side, at, &ours(&entries)).await;
        }
    };
    within(deadline, swept).await;
}

/// The same in several directories, of what bore such names when they were listed.
pub(super) async fn sweep_all(
    side: &Side<'_>,
    directories: &[(Below, Vec<Vec<u8>>)],
    deadline: Deadline,
) {
    let swept = async {
        for (at, names) in directories {
            clear(side, at, names).await;
        }
    };
    within(deadline, swept).await;
}

/// The names of unfinished files of ours.
pub(super) fn ours(entries: &[(Vec<u8>, Seen)]) -> Vec<Vec<u8>> {
    let names = entries.iter().map(|(name, _)| name);
    let ours = names.filter(|name| partial::is_ours(name));
    ours.take(MOST).cloned().collect()
}

async fn within(deadline: Deadline, swept: impl Future<Output = ()>) {
    let _best = tokio::time::timeout_at(deadline.at_most(CLEARING).instant(), swept).await;
}

async fn clear(side: &Side<'_>, at: &Below, names: &[Vec<u8>]) {
    if names.is_empty() {
        return;
    }
    // By the clock of that machine, as no other is comparable. It has changed a moment ago, when the
    // copy got its name there; should it be older, less is removed.
    let Ok(Some(Seen { modified: now, .. })) = side.follow(at).await else {
        return;
    };
    for name in names {
        let Some(part) = at.child(name) else {
            continue;
        };
        // Looked at again: since it was listed somebody may have gone on from it.
        if let Ok(Some(seen)) = side.look(&part).await
            && partial::is_stale(name, &seen, now)
            && side.remove(&part).await.is_ok()
        {
            tracing::info!(path = %side.show(&part), "an unfinished copy was given up on");
        }
    }
}
