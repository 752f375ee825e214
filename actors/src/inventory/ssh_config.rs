//! `~/.ssh/config` with the meaning `ssh` gives it (`ssh_config(5)`).
//!
//! Where the manual page is silent, OpenSSH's `readconf.c` decides, and tests compare with `ssh -G`.
//! On purpose different: `Match` is refused, since half of its criteria would have to be guessed;
//! no program named in a file is ever run; a value is never taken from a line that was not
//! understood. Nothing here connects or resolves names.

mod directive;
mod glob;
mod include;
mod jump;
mod keyword;
mod lexer;
mod merge;
mod parse;
pub(crate) mod read;
mod resolve;
mod tokens;
mod tree;
mod value;

pub(crate) use resolve::Resolved;

use std::collections::BTreeSet;
use std::io;

use self::include::Anchor;
use self::parse::{Doubt, Parser};
use self::resolve::Resolver;
use self::tree::{Condition, Tree, What};
use super::error::InventoryError;
use super::sources::{Sources, UserConfig};
use crate::target::HostName;

/// The files of one load, read and checked.
#[derive(Debug)]
pub(crate) struct SshConfig<'a> {
    trees: Vec<Tree>,
    doubts: Vec<Doubt>,
    sources: &'a Sources,
}

impl<'a> SshConfig<'a> {
    /// Reads the user's file, then the machine's, as `ssh` does.
    pub(crate) fn load(sources: &'a Sources) -> Result<Self, InventoryError> {
        let mut parser = Parser::new(&sources.local);
        let mut trees = Vec::new();
        let anchor = Anchor {
            base: sources.include_base.clone(),
            home: true,
        };
        match &sources.user {
            UserConfig::Default(path) => trees.extend(parser.file(path, true, &anchor)?),
            UserConfig::Named(path) => {
                let tree = parser.file(path, false, &anchor)?;
                trees.push(tree.ok_or_else(|| InventoryError::Read {
                    path: path.clone(),
                    source: io::ErrorKind::NotFound.into(),
                })?);
            }
            UserConfig::None => {}
        }
        if let Some(path) = &sources.system {
            let base = path.parent().map(ToOwned::to_owned).unwrap_or_default();
            trees.extend(parser.file(path, false, &Anchor { base, home: false })?);
        }
        let doubts = parser.finish()?;
        Ok(Self {
            trees,
            doubts,
            sources,
        })
    }

    /// Every name that a `Host` line spells out and whose block can apply to it.
    pub(crate) fn aliases(&self) -> BTreeSet<&str> {
        let mut found = BTreeSet::new();
        for tree in &self.trees {
            collect(tree, &mut Vec::new(), &mut found);
        }
        found
    }

    /// Resolves one host.
    pub(crate) fn resolve(&self, name: &HostName) -> Resolved {
        let resolver = Resolver {
            trees: &self.trees,
            doubts: &self.doubts,
            local: &self.sources.local,
        };
        resolver.host(name)
    }
}

/// Walks the blocks of a file; `outer` are the conditions under which the file is read at all.
fn collect<'a>(tree: &'a Tree, outer: &mut Vec<&'a Condition>, found: &mut BTreeSet<&'a str>) {
    for block in tree.blocks() {
        outer.push(&block.condition);
        if let Condition::Host(patterns) = &block.condition {
            let names = patterns.iter().filter(|pattern| pattern.is_literal());
            let names = names.map(|pattern| pattern.text.as_str());
            found.extend(names.filter(|name| outer.iter().all(|outer| outer.applies(name))));
        }
        for item in &block.items {
            if let What::Include(trees) = &item.what {
                trees.iter().for_each(|tree| collect(tree, outer, found));
            }
        }
        outer.pop();
    }
}
