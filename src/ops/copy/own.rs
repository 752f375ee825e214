//! Which copies are worth a connection of their own.
//!
//! A copy looks at its places over the connection that calls to the host share. If much is to be
//! copied it moves to one that carries nothing else, with everything it does from then on: what is
//! asked over two connections has no order.

use super::seen::Seen;
use super::survey::Survey;
use fleet::{Deadline, FileSession, Lease};
use futures_util::future::join_all;

/// From so many bytes on: making a connection takes as long as some of them do, and whoever waits
/// behind less does not wait long.
const MUCH: u64 = 16 << 20;

/// The bytes that are to be copied.
pub(super) fn bytes(seen: Seen, survey: Option<&Survey>) -> u64 {
    survey.map_or(seen.size, |survey| {
        let sizes = survey.files.iter().map(|(_, seen)| seen.size);
        sizes.fold(0, u64::saturating_add)
    })
}

/// Sessions in the place of these, over connections of their own, if so much is worth them: each where
/// there is one to be had.
pub(super) async fn sessions(
    shared: &[(Lease, FileSession)],
    bytes: u64,
    deadline: Deadline,
) -> Vec<Option<FileSession>> {
    match bytes {
        ..MUCH => Vec::new(),
        _ => join_all(shared.iter().map(|(lease, _)| lease.own_files(deadline))).await,
    }
}
