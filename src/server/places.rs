//! What a server opens of this machine to its clients.

use super::{Backend, ServerError};
use crate::config::Config;
use crate::ops::LocalPlaces;

impl Backend {
    /// A fleet for clients of the protocol: with the directories that are open to copies, each of
    /// which is opened once, now.
    ///
    /// # Errors
    /// [`ServerError`], [`ServerError::Root`] among them.
    pub(super) async fn serving(config: &Config) -> Result<Self, ServerError> {
        let roots = config.transfer.roots.clone();
        let opened = tokio::task::spawn_blocking(move || LocalPlaces::within(&roots)).await;
        let opened = opened.map_err(|_| ServerError::Failed("the opening of `transfer.roots`"))?;
        let places = opened.map_err(|(path, source)| ServerError::Root { path, source })?;
        let Self { ops, fleet } = Self::start(config).await?;
        Ok(Self {
            ops: ops.with_places(places),
            fleet,
        })
    }
}
