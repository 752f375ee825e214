//! `[auth]`: keys, roles, and the hosts that exist for clients.
//!
//! A raw key is hashed where it is read ([`super::key`]); nothing here has ever held one.

use serde::Deserialize;

use super::key::{Key, Kind};
use crate::access::keys::KeyEntry;
use crate::access::{HostScope, Role};

pub(super) const KEYS: &[Key] = &[
    Key::new("auth.enabled", "SCOUT_AUTH_ENABLED", Kind::Switch, "true")
        .about("Ask for a key as soon as one is configured. Turning it off is possible on loopback only."),
    Key::new("auth.role", "SCOUT_ROLE", Kind::Choice(&["observer", "operator"]), "observer").about(
        "Role of a caller without a key (stdio, or loopback without keys) and of keys that name no role. An observer reads; an operator has the shell.",
    ),
    Key::new("auth.api_keys", "SCOUT_API_KEYS", Kind::Secrets, "").about(
        "Raw keys, for clients that were set up with one. A file that holds any must be readable by its owner only; `[[auth.keys]]` holds digests instead.",
    ),
    Key::new("auth.keys", "", Kind::KeyTables, "").about(
        "Keys by digest: `name`, `sha256`, `role` and `hosts` (globs). `scout key new NAME` makes one and prints these lines.",
    ),
    Key::new("auth.allowlist", "SCOUT_ALLOWLIST", Kind::Globs, "")
        .about("Hosts that exist for clients, as globs; empty means all of the inventory."),
    Key::new("auth.blocklist", "SCOUT_BLOCKLIST", Kind::Globs, "")
        .about("Hosts that do not exist for clients, whatever the allowlist says."),
];

/// Keys, roles and visible hosts.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Auth {
    /// Whether a key is asked for when there are any.
    pub enabled: bool,
    /// The role of whoever calls without a key.
    pub role: Role,
    /// The keys, by digest.
    pub keys: Vec<KeyEntry>,
    /// The hosts that exist for clients, unless blocked.
    pub allow: HostScope,
    /// The hosts that do not, whatever `allow` says.
    pub block: HostScope,
}
