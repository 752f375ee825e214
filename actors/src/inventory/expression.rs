//! Host expressions: one line of text that selects hosts of the inventory.
//!
//! ```text
//! expression = term *( "," term )              white space around commas has no meaning
//! term       = [ "!" ] ( "all" / "@" pattern / pattern / address )
//! pattern    = 1*( letter / digit / "." / "_" / "-" / "*" / "?" / range )
//! range      = "[" item *( "," item ) "]"      item = number [ "-" number ]
//! address    = an IPv6 address, bare or in brackets
//! ```
//!
//! The hosts are those of all terms together, less those of the terms with a `!`, wherever these
//! stand; with exclusions alone it is all hosts less those. Ranges are written as in ClusterShell:
//! `[01-18]` has two digits, `[1-18]` as many as it needs, several of them in one name multiply.
//!
//! What is spelled out must exist: a name, every member of a range, a tag. A slip there would
//! select fewer hosts than meant, or with `!` more, and nobody would notice. A wildcard promises
//! nothing and may match nothing, unless then nothing at all is selected.
//!
//! `all` is a word of the grammar: a host of that name is not selected alone. Nothing here knows
//! who asks; callers pass the hosts that exist for them, and no others exist.

mod error;
mod fold;
mod numbers;
mod parse;
mod pattern;

pub use error::{ExpressionError, ExpressionProblem};
pub use fold::fold;

use self::pattern::Pattern;
use crate::target::HostName;
use std::collections::{BTreeMap, BTreeSet};

/// The longest expression, in bytes.
pub const MAX_EXPRESSION: usize = 4096;

/// The most `*` and `?` in one expression.
pub const MAX_WILDCARDS: usize = 256;

/// The most names that the ranges of one expression may spell out.
pub const MAX_NAMES: u64 = 10_000;

/// Which hosts of an inventory are meant.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Expression {
    text: String,
    terms: Vec<Term>,
}

/// What stands between two commas.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Term {
    /// Where it begins.
    at: usize,
    excludes: bool,
    what: What,
}

#[derive(Debug, Clone, PartialEq, Eq)]
enum What {
    All,
    Tags(Pattern),
    Names(Pattern),
}

/// The hosts that exist, by name and by tag.
struct Known<'a> {
    names: BTreeMap<&'a str, &'a HostName>,
    tags: BTreeMap<&'a str, Vec<&'a HostName>>,
}

impl Expression {
    /// Parses an expression. Whether the hosts in it exist, [`Expression::select`] finds out.
    ///
    /// # Errors
    /// The first thing in it that cannot be understood or goes beyond a limit.
    pub fn parse(text: &str) -> Result<Self, ExpressionError> {
        Ok(Self {
            text: text.to_owned(),
            terms: parse::terms(text)?,
        })
    }

    /// Several expressions as one, as if commas stood between them.
    #[must_use]
    pub fn joined(parts: &[Self]) -> Self {
        let mut whole = Self {
            text: String::new(),
            terms: Vec::new(),
        };
        for part in parts {
            if !whole.text.is_empty() {
                whole.text.push(',');
            }
            let begin = whole.text.len();
            whole.text.push_str(&part.text);
            whole
                .terms
                .extend(part.terms.iter().cloned().map(|term| Term {
                    at: term.at + begin,
                    ..term
                }));
        }
        whole
    }

    /// Whether a host of this name would be selected, if it exists and nothing depends on tags.
    #[must_use]
    pub fn covers(&self, host: &HostName) -> bool {
        let fits = |excludes: bool| {
            let mut terms = self.terms.iter().filter(|term| term.excludes == excludes);
            terms.any(|term| match &term.what {
                What::All => true,
                What::Names(pattern) => pattern.fits(host.as_str()),
                What::Tags(_) => false,
            })
        };
        let all = self.terms.iter().all(|term| term.excludes);
        (all || fits(false)) && !fits(true)
    }

    /// The hosts it selects among these, each with its tags, in the order of their names.
    ///
    /// # Errors
    /// A name, a member of a range or a tag that none of these hosts has, or that it selects none.
    pub fn select<'a>(
        &self,
        hosts: impl Iterator<Item = (&'a HostName, &'a [String])>,
    ) -> Result<Vec<HostName>, ExpressionError> {
        let (chosen, strangers) = self.select_those_there(hosts);
        match strangers.into_iter().next() {
            Some(error) => Err(error),
            None if chosen.is_empty() => {
                let problem = ExpressionProblem::NoneSelected;
                Err(ExpressionError::new(&self.text, 0, problem))
            }
            None => Ok(chosen),
        }
    }

    /// The hosts it selects among these, perhaps none, with what it spells out and none of them is
    /// left out; and what that is, one error for each term.
    #[must_use]
    pub fn select_those_there<'a>(
        &self,
        hosts: impl Iterator<Item = (&'a HostName, &'a [String])>,
    ) -> (Vec<HostName>, Vec<ExpressionError>) {
        let known = Known::new(hosts);
        let (mut chosen, mut excluded) = (BTreeSet::new(), BTreeSet::new());
        let mut strangers = Vec::new();
        for term in &self.terms {
            let (found, missing) = known.find(&term.what);
            match term.excludes {
                true => excluded.extend(found),
                false => chosen.extend(found),
            }
            strangers.extend(missing.map(|what| ExpressionError::new(&self.text, term.at, what)));
        }
        if self.terms.iter().all(|term| term.excludes) {
            chosen.extend(known.names.values());
        }
        let chosen = chosen.difference(&excluded).copied().cloned().collect();
        (chosen, strangers)
    }

    /// The host it names, if it is the plain name of one host and nothing else.
    #[must_use]
    pub fn as_single(&self) -> Option<HostName> {
        match self.terms.as_slice() {
            [
                Term {
                    excludes: false,
                    what: What::Names(pattern),
                    ..
                },
            ] => pattern
                .as_plain()
                .and_then(|name| HostName::parse(name).ok()),
            _ => None,
        }
    }

    /// The text as it was written.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.text
    }

    /// Whether it asks for tags.
    #[must_use]
    pub fn has_tags(&self) -> bool {
        let mut terms = self.terms.iter();
        terms.any(|term| matches!(term.what, What::Tags(_)))
    }
}

impl<'a> Known<'a> {
    fn new(hosts: impl Iterator<Item = (&'a HostName, &'a [String])>) -> Self {
        let mut known = Self {
            names: BTreeMap::new(),
            tags: BTreeMap::new(),
        };
        for (host, tags) in hosts {
            known.names.insert(host.as_str(), host);
            for tag in tags {
                known.tags.entry(tag).or_default().push(host);
            }
        }
        known
    }

    /// The hosts a term stands for, and what it spells out and is not there.
    fn find(&self, what: &What) -> (Vec<&'a HostName>, Option<ExpressionProblem>) {
        let some = |missing: Vec<String>| Some(missing).filter(|missing| !missing.is_empty());
        match what {
            What::All => (self.names.values().copied().collect(), None),
            What::Names(pattern) => {
                let (found, missing) = pick(&self.names, pattern);
                (found, some(missing).map(ExpressionProblem::UnknownHosts))
            }
            What::Tags(pattern) => {
                let (found, missing) = pick(&self.tags, pattern);
                let found = found.into_iter().flatten().collect();
                (found, some(missing).map(ExpressionProblem::UnknownTags))
            }
        }
    }
}

/// What a map has for a pattern: whatever fits it if it has wildcards, else every name it spells
/// out, and those of them that are not there.
fn pick<T: Clone>(map: &BTreeMap<&str, T>, pattern: &Pattern) -> (Vec<T>, Vec<String>) {
    if pattern.is_wild() {
        let fitting = map.iter().filter(|(name, _)| pattern.fits(name));
        return (
            fitting.map(|(_, value)| value.clone()).collect(),
            Vec::new(),
        );
    }
    let (mut found, mut missing) = (Vec::new(), Vec::new());
    pattern.spell_out(&mut |name| match map.get(name) {
        Some(value) => found.push(value.clone()),
        None => missing.push(name.to_owned()),
    });
    (found, missing)
}

#[cfg(test)]
mod tests;
