//! What makes a server one of several: the key by which they know each other, and the way to them.

use super::ServerError;
use crate::access::KeyRing;
use crate::access::keys::MIN_RAW_KEY;
use crate::balancer::Balancer;
use crate::config::Config;
use crate::metrics::BalancerMetrics;
use std::io;
use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;

/// What others than the owner and the group may do with a file that holds a key: nothing. The group may
/// read it, because that is how Kubernetes hands out secrets to an account that is not root.
const OTHERS: u32 = 0o007;

/// The key of the replicas, and the balancer they stand behind.
pub(super) struct Replicas {
    pub(super) key: String,
    pub(super) balancer: Balancer,
}

impl Replicas {
    /// What the configuration says of them, if there are any.
    ///
    /// # Errors
    /// [`ServerError::BalancerKey`].
    pub(super) async fn read(config: &Config) -> Result<Option<Self>, ServerError> {
        // Counted from 0, whether there is a balancer or not.
        let metrics = BalancerMetrics::register();
        let asked = config.clone();
        let key = tokio::task::spawn_blocking(move || replica_key(&asked)).await;
        let key = key.map_err(|_| ServerError::Failed("the reading of `balancer.key_file`"))??;
        let (Some(told), Some(key)) = (&config.balancer, key) else {
            return Ok(None);
        };
        let balancer = Balancer::new(
            told.url.clone(),
            &key,
            config.limits.output_budget / 2,
            metrics,
        );
        let balancer = balancer.map_err(|_| ServerError::BalancerKey {
            path: told.key_file.clone(),
            why: "it has characters that no header can hold".into(),
        })?;
        tracing::info!(url = %told.url, "broadcasts go through the balancer");
        Ok(Some(Self { key, balancer }))
    }
}

/// The key by which replicas know each other, if there are any. Blocks.
///
/// # Errors
/// [`ServerError::BalancerKey`].
pub fn replica_key(config: &Config) -> Result<Option<String>, ServerError> {
    let Some(told) = &config.balancer else {
        return Ok(None);
    };
    let refuse = |why| ServerError::BalancerKey {
        path: told.key_file.clone(),
        why,
    };
    let key = key(&told.key_file).map_err(refuse)?;
    // Whoever has it may name any caller.
    let clients = KeyRing::new(config.auth.keys.clone());
    match clients.authenticate(&key) {
        None => Ok(Some(key)),
        Some(client) => Err(refuse(format!(
            "it holds the key of the client `{}`, and must be nobody else's; `scout key new replicas` makes one",
            client.name
        ))),
    }
}

/// The key in this file, or what is wrong with it.
fn key(path: &Path) -> Result<String, String> {
    let unreadable = |error: io::Error| format!("it cannot be read: {error}");
    let mode = std::fs::metadata(path).map_err(unreadable)?;
    let mode = mode.permissions().mode() & 0o7777;
    if mode & OTHERS != 0 {
        return Err(format!(
            "its mode is {mode:04o}, so everybody can read the key; run `chmod o= {}`",
            path.display()
        ));
    }
    let text = std::fs::read_to_string(path).map_err(unreadable)?;
    let key = text.trim();
    if key.len() < MIN_RAW_KEY || key.contains(char::is_whitespace) {
        return Err(format!(
            "it does not hold one key of at least {MIN_RAW_KEY} characters; `scout key new replicas` makes one"
        ));
    }
    Ok(key.to_owned())
}
