//! Who may do what: a presented key becomes a [`Principal`], a principal with a [`Role`] and an
//! action becomes a [`Decision`].
//!
//! Everything here is a pure function of its arguments: no clock, no network, no file, no
//! protocol. A caller that cannot get a decision has none, and refuses.

pub mod argv;
pub mod decide;
pub mod keys;
pub mod replica;
pub mod role;
pub mod scope;

pub use decide::{Action, Decision, Denial, Visible, decide};
pub use keys::{KeyEntry, KeyRing};
pub use replica::{Replica, Replicas};
pub use role::Role;
pub use scope::HostScope;

use std::sync::Arc;

/// Someone whose rights are known: the owner of a key, or whoever stands at stdin.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Principal {
    /// How logs, metrics and the audit name them. Never the secret.
    pub name: Arc<str>,
    /// What they may do.
    pub role: Role,
    /// Where they may do it.
    pub hosts: HostScope,
}

impl Principal {
    /// The one who calls without a key: over stdio, or on a loopback bind without keys.
    #[must_use]
    pub fn anonymous(role: Role) -> Self {
        Self {
            name: "anonymous".into(),
            role,
            hosts: HostScope::all(),
        }
    }
}
