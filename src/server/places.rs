//! What a server opens of this machine to its clients.

use super::{Backend, ServerError};
use crate::config::Config;
use crate::ops::LocalPlaces;

/// The directories that are open to copies, each of which is opened once, now. Blocks.
///
/// # Errors
/// [`ServerError::Root`].
pub fn places(config: &Config) -> Result<LocalPlaces, ServerError> {
    let opened = LocalPlaces::within(&config.transfer.roots);
    opened.map_err(|(path, source)| ServerError::Root { path, source })
}

impl Backend {
    /// A fleet for clients of the protocol: with the directories that are open to copies.
    ///
    /// # Errors
    /// [`ServerError`], [`ServerError::Root`] among them.
    pub(super) async fn serving(config: &Config) -> Result<Self, ServerError> {
        let told = config.clone();
        let opened = tokio::task::spawn_blocking(move || places(&told)).await;
        let opened = opened.map_err(|_| ServerError::Failed("the opening of `transfer.roots`"))?;
        let places = opened?;
        let started = Self::start(config).await?;
        Ok(Self {
            ops: started.ops.with_places(places),
            ..started
        })
    }
}
