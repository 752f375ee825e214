//! API keys: made, stored as digests, compared in constant time.

use std::fmt;
use std::sync::Arc;

use super::{HostScope, Role};

/// One key as it is stored: who, what, where, and the SHA-256 of the secret.
///
/// A random secret of 256 bits needs no slow hash: nobody finds it by trying.
#[derive(Clone, PartialEq, Eq)]
pub struct KeyEntry {
    /// How logs name its owner.
    pub name: Arc<str>,
    /// SHA-256 of the secret.
    pub digest: [u8; 32],
    /// What the owner may do.
    pub role: Role,
    /// Where.
    pub hosts: HostScope,
}

impl fmt::Debug for KeyEntry {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { name, role, hosts, digest: _ } = self;
        f.debug_struct("KeyEntry").field("name", name).field("role", role).field("hosts", hosts).finish_non_exhaustive()
    }
}
