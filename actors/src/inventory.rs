//! The hosts there are: read from `~/.ssh/config`, with the keys they are known by.
//!
//! Loading is synchronous and touches files only; run it where blocking is allowed. No network, no
//! program, no state: an [`Inventory`] is a value, and a reload is a new value. A host that cannot
//! be used stays listed with its reason, so that nobody looks for a typo in its name.

pub mod error;
pub mod expression;
pub mod known_hosts;
pub mod local;
pub(crate) mod pattern;
pub mod settings;
pub mod sources;
mod ssh_config;

pub use error::{InventoryError, Problem};
pub use expression::{Expression, ExpressionError, fold};
pub use known_hosts::{KnownHosts, Verdict};
pub use local::Local;
pub use settings::{Agent, HostKeyChecking, HostSettings, Jump};
pub use sources::{Sources, UserConfig};

use std::collections::BTreeMap;
use std::sync::Arc;

use self::ssh_config::{Resolved, SshConfig};
use crate::target::{HostName, TargetError};

/// All hosts, by name.
#[derive(Debug, Clone, Default)]
pub struct Inventory {
    entries: BTreeMap<HostName, Entry>,
    skipped: Vec<Skipped>,
}

impl Inventory {
    /// Reads the files and resolves every host in them.
    ///
    /// A host is every name without wildcard on a `Host` line whose block can apply to it.
    ///
    /// # Errors
    /// [`InventoryError`] when a file cannot be read, is open to others, or holds a line that must
    /// not be guessed. A default file that does not exist is an empty inventory.
    pub fn load(sources: &Sources) -> Result<Self, InventoryError> {
        let config = SshConfig::load(sources)?;
        let mut inventory = Self::default();
        for alias in config.aliases() {
            match HostName::parse(alias) {
                Ok(name) => {
                    let entry = Entry::new(name.clone(), config.resolve(&name));
                    inventory.entries.insert(name, entry);
                }
                Err(reason) => inventory.skipped.push(Skipped {
                    alias: alias.to_owned(),
                    reason,
                }),
            }
        }
        Ok(inventory)
    }

    /// Keeps the hosts that fit a pattern of `allow`, or all if that is empty, and none that fits
    /// one of `block`. In a pattern `*` is any run of characters and `?` any one.
    ///
    /// A host left out is gone: it cannot be told from one that never was. It may still be the jump
    /// host of another.
    #[must_use]
    pub fn restrict(mut self, allow: &[String], block: &[String]) -> Self {
        let fits = |name: &HostName, patterns: &[String]| {
            let mut patterns = patterns.iter();
            patterns.any(|pattern| pattern::matches(name.as_str(), pattern))
        };
        self.entries
            .retain(|name, _| (allow.is_empty() || fits(name, allow)) && !fits(name, block));
        self
    }

    /// Gives the hosts that each expression covers its tag, beside those they have. What an
    /// expression spells out need not exist: a tag says what a host is, not which hosts there are.
    #[must_use]
    pub fn tagged<'a>(mut self, tags: impl IntoIterator<Item = (&'a str, Expression)>) -> Self {
        for (tag, hosts) in tags {
            let entries = self.entries.values_mut();
            for entry in entries.filter(|entry| hosts.covers(&entry.name)) {
                if !entry.tags.iter().any(|known| known == tag) {
                    entry.tags.push(tag.to_owned());
                }
            }
        }
        self
    }

    /// The hosts in the order of their names.
    pub fn iter(&self) -> impl Iterator<Item = &Entry> {
        self.entries.values()
    }

    /// One host.
    #[must_use]
    pub fn find(&self, name: &HostName) -> Option<&Entry> {
        self.entries.get(name)
    }

    /// How many hosts there are, usable or not.
    #[must_use]
    pub fn len(&self) -> usize {
        self.entries.len()
    }

    /// Whether there is no host.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.entries.is_empty()
    }

    /// The aliases in the files that cannot be names of hosts here.
    #[must_use]
    pub fn skipped(&self) -> &[Skipped] {
        &self.skipped
    }
}

/// One host of the inventory.
#[derive(Debug, Clone)]
pub struct Entry {
    name: HostName,
    usability: Usability,
    tags: Vec<String>,
    remarks: Vec<&'static str>,
}

impl Entry {
    fn new(name: HostName, resolved: Resolved) -> Self {
        Self {
            name,
            usability: match resolved.outcome {
                Ok(settings) => Usability::Usable(Arc::new(settings)),
                Err(problem) => Usability::Unusable(Arc::new(problem)),
            },
            tags: resolved.tags,
            remarks: resolved.remarks,
        }
    }

    /// Its alias.
    #[must_use]
    pub fn name(&self) -> &HostName {
        &self.name
    }

    /// How to connect to it, or why not.
    #[must_use]
    pub fn usability(&self) -> &Usability {
        &self.usability
    }

    /// How to connect to it.
    ///
    /// # Errors
    /// The [`Problem`] that makes it unusable.
    pub fn settings(&self) -> Result<&Arc<HostSettings>, &Arc<Problem>> {
        match &self.usability {
            Usability::Usable(settings) => Ok(settings),
            Usability::Unusable(problem) => Err(problem),
        }
    }

    /// Its tags, also when it is unusable: a selection by tag must not hide it.
    #[must_use]
    pub fn tags(&self) -> &[String] {
        &self.tags
    }

    /// What the files ask for that is passed over without harm: whole sentences for an operator.
    #[must_use]
    pub fn remarks(&self) -> &[&'static str] {
        &self.remarks
    }
}

/// Whether a host can be connected to.
#[derive(Debug, Clone)]
pub enum Usability {
    /// It can, like this.
    Usable(Arc<HostSettings>),
    /// It cannot, because of this. There are no settings to connect with by mistake.
    Unusable(Arc<Problem>),
}

/// A name on a `Host` line that is no [`HostName`].
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Skipped {
    /// The name as it stands there.
    pub alias: String,
    /// What is wrong with it.
    pub reason: TargetError,
}

#[cfg(test)]
mod tests;
