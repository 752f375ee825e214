//! Files and directories over SFTP, for operations of many steps.

use super::walk::Lister;
use fleet::file::Kind;
use fleet::{FileSession, FleetError, RemotePath};
use futures_util::FutureExt;

/// Lists directories for a walk. A host whose listings do not tell what a name is, is asked.
pub(super) fn lister(session: &FileSession) -> Lister<'_> {
    Box::new(move |path| {
        async move {
            let mut listing = session.list(&path).await?;
            let unknown = listing.entries.iter_mut();
            for entry in unknown.filter(|entry| entry.attributes.kind() == Kind::Unknown) {
                let Ok(at) = path.join(&entry.name) else {
                    continue;
                };
                match session.lstat(&at).await {
                    Ok(attributes) => entry.attributes = attributes,
                    // It has gone since, or is nothing for this account: it stays unknown.
                    Err(FleetError::File(_)) => {}
                    Err(error) => return Err(error),
                }
            }
            Ok(listing)
        }
        .boxed()
    })
}

/// Reads a regular file from its beginning to its end, piece by piece.
///
/// # Errors
/// What is wrong with the file, or what kept the host from answering; then the end is missing.
pub(super) async fn each_piece(
    session: &FileSession,
    path: &RemotePath,
    mut piece: impl FnMut(&[u8]),
) -> Result<(), FleetError> {
    let mut reader = session.open(path).await?;
    while let Some(bytes) = reader.next().await? {
        piece(&bytes);
    }
    reader.close().await;
    Ok(())
}
