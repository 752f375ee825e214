//! `[auth]`: keys, roles, and the hosts that exist for clients.
//!
//! A raw key is hashed where it is read ([`super::kind`]); nothing here has ever held one.

use serde::Deserialize;

use super::key::Key;
use super::kind::Kind;
use crate::access::keys::KeyEntry;
use crate::access::{Role, Visible};

pub(super) const KEYS: &[Key] = &[
    Key::new("auth.enabled", "SCOUT_AUTH_ENABLED", Kind::Switch, "true")
        .about("Ask for a key as soon as one is configured. Turning it off is possible on loopback only."),
    Key::new("auth.role", "SCOUT_ROLE", Kind::Choice(&["observer", "operator"]), "observer").about(
        "Role of a caller without a key (stdio, or loopback without keys) and of keys that name no role. An observer reads; an operator has the shell.",
    ),
    Key::new("auth.api_keys", "SCOUT_API_KEYS", Kind::Secrets, "").about(
        "Raw keys, for clients that were set up with one. A file that holds any must be readable by its owner only; `[[auth.keys]]` holds digests instead.",
    ),
    Key::new("auth.allowlist", "SCOUT_ALLOWLIST", Kind::Globs, "")
        .about("Hosts that exist for clients, as globs; empty means all of the inventory."),
    Key::new("auth.blocklist", "SCOUT_BLOCKLIST", Kind::Globs, "")
        .about("Hosts that do not exist for clients, whatever the allowlist says."),
    Key::new("auth.keys", "", Kind::KeyTables, "").about(
        "Keys by digest: `name`, `sha256`, `role` and `hosts` (globs). `scout key new NAME` makes one and prints these lines.",
    ),
];

/// The fields of one `[[auth.keys]]`.
pub(super) const FIELDS: &[Key] = &[
    Key::new("name", "", Kind::Name, ""),
    Key::new("sha256", "", Kind::Digest, ""),
    Key::new("role", "", Kind::Choice(&["observer", "operator"]), ""),
    Key::new("hosts", "", Kind::Globs, ""),
];

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct RawAuth {
    pub enabled: bool,
    pub role: Role,
    /// Digests in hex.
    pub api_keys: Vec<String>,
    pub keys: Vec<RawKey>,
    pub allowlist: Vec<String>,
    pub blocklist: Vec<String>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct RawKey {
    pub name: String,
    pub sha256: String,
    pub role: Option<Role>,
    pub hosts: Option<Vec<String>>,
}

/// Keys, roles and visible hosts.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Auth {
    /// Whether a key is asked for when there are any.
    pub enabled: bool,
    /// The role of whoever calls without a key.
    pub role: Role,
    /// The keys, by digest.
    pub keys: Vec<KeyEntry>,
    /// The hosts that exist for clients at all.
    pub visible: Visible,
}
