//! `[tags]`: names for groups of hosts, beside the `Tag` of the ssh configuration.
//!
//! The names of its keys are anybody's; each is a tag, and its value a host expression without tags,
//! so that no tag depends on another.

use fleet::inventory::Expression;
use serde::Deserialize;

use super::key::Key;
use super::kind::Kind;

pub(super) const KEYS: &[Key] = &[Key::new("tags", "", Kind::TagTable, "").about(
    "Tags of hosts, besides `Tag` in the ssh configuration: `@db` in a host expression is every host that one of these lines names. A list is read as if commas stood between its parts; what it names need not exist, and `scout check` says what does not.",
)];

/// What stands behind the name of a tag.
pub(super) const TAG: Key = Key::new("tags.NAME", "", Kind::Hosts, "");

/// The tag that is written at `path`.
pub(super) fn name(path: &str) -> Option<&str> {
    path.strip_prefix("tags.")
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct RawTag {
    pub name: String,
    pub hosts: Vec<String>,
}

/// One tag.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Tag {
    /// Its name.
    pub name: String,
    /// The hosts that have it, part by part as they were written.
    pub hosts: Vec<Expression>,
}

impl Tag {
    /// All parts as one expression.
    #[must_use]
    pub fn expression(&self) -> Expression {
        Expression::joined(&self.hosts)
    }
}
