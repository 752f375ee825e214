//! The effective configuration as rows, for people and for programs.

use std::collections::BTreeMap;

use serde::Serialize;

use super::error::ConfigErrors;
use super::key::Key;
use super::layers::{Origin, Placed};
use super::load::Loaded;
use super::tags;

/// One key: what it holds, who said so, what it means. Never a secret.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Row {
    /// Where it stands in the file.
    pub key: &'static str,
    /// Its environment variable; empty if it has none.
    pub variable: &'static str,
    /// What it holds.
    pub value: String,
    /// What it would hold if nobody said anything.
    pub default: &'static str,
    /// The layer that said so: `default`, `file`, `environment` or `flag`.
    pub layer: &'static str,
    /// Where exactly: `default`, `path:line`, the variable or the flag.
    pub origin: String,
    /// What it may hold.
    pub legal: String,
    /// What it means and why the default is what it is.
    pub meaning: &'static str,
}

impl Loaded {
    /// A row for every key, in the order of the file.
    #[must_use]
    pub fn explain(&self) -> Vec<Row> {
        rows(&self.placed)
    }
}

impl ConfigErrors {
    /// A row for every key, from the values that are legal where they stand: one that is refused is
    /// among the errors, and its row shows what it would have replaced.
    #[must_use]
    pub fn explain(&self) -> Vec<Row> {
        rows(&self.placed)
    }
}

fn rows(placed: &BTreeMap<String, Placed>) -> Vec<Row> {
    Key::all().map(|key| Row::new(key, placed)).collect()
}

impl Row {
    fn new(key: &'static Key, all: &BTreeMap<String, Placed>) -> Self {
        let placed = all.get(key.path);
        let mut value = placed
            .map(|placed| key.kind.show(&placed.held))
            .unwrap_or_default();
        let mut origin = placed.map_or(&Origin::Default, |placed| &placed.origin);
        if key.path == "auth.keys" {
            let names = all.iter().filter(|(path, _)| is_key_name(path));
            let (names, origins): (Vec<_>, Vec<_>) = names
                .map(|(_, placed)| (key.kind.show(&placed.held), &placed.origin))
                .unzip();
            value = names.join(",");
            origin = origins.first().unwrap_or(&origin);
        }
        if key.path == "tags" {
            let tags = all.iter().filter_map(|(path, placed)| {
                Some((
                    tags::name(path)?,
                    key.kind.show(&placed.held),
                    &placed.origin,
                ))
            });
            let (lines, origins): (Vec<_>, Vec<_>) = tags
                .map(|(name, hosts, origin)| (format!("{name}={hosts}"), origin))
                .unzip();
            value = lines.join(" ");
            origin = origins.first().unwrap_or(&origin);
        }
        Self {
            key: key.path,
            variable: key.variable,
            value,
            default: key.default,
            layer: origin.layer(),
            origin: origin.to_string(),
            legal: key.legal(),
            meaning: key.about,
        }
    }
}

fn is_key_name(path: &str) -> bool {
    path.starts_with("auth.keys[") && path.ends_with("].name")
}
