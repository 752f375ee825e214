//! Configuration files after reading: blocks of directives, with included files hanging in them.
//!
//! Built once per load and asked once per host, so each file keeps an index of its blocks by plain
//! name: a thousand hosts in a thousand blocks cost a thousand look-ups, not a million matches.

use std::collections::HashMap;

use super::directive::Directive;
use crate::inventory::error::Place;
use crate::inventory::pattern;

/// One file, in reading order.
#[derive(Debug, Default)]
pub(super) struct Tree {
    blocks: Vec<Block>,
    /// The blocks that name a host literally and have nothing but literal names.
    named: HashMap<Box<str>, Vec<usize>>,
    /// All other blocks: these must be matched.
    matched: Vec<usize>,
}

impl Tree {
    /// Adds a block behind the others.
    pub(super) fn push(&mut self, block: Block) {
        let at = self.blocks.len();
        match &block.condition {
            Condition::Host(patterns) if patterns.iter().all(HostPattern::is_literal) => {
                for pattern in patterns {
                    let blocks = self.named.entry(pattern.text.as_str().into()).or_default();
                    if blocks.last() != Some(&at) {
                        blocks.push(at);
                    }
                }
            }
            _ => self.matched.push(at),
        }
        self.blocks.push(block);
    }

    /// Every block.
    pub(super) fn blocks(&self) -> &[Block] {
        &self.blocks
    }

    /// The blocks that apply to a host, in reading order.
    pub(super) fn applying<'a>(&'a self, host: &'a str) -> impl Iterator<Item = &'a Block> {
        let named = self.named.get(host).map_or(&[][..], Vec::as_slice);
        let mut named = named.iter().copied().peekable();
        let mut matched = self
            .matched
            .iter()
            .copied()
            .filter(|&at| self.blocks[at].condition.applies(host))
            .peekable();
        std::iter::from_fn(move || {
            let next = match (named.peek(), matched.peek()) {
                (Some(name), Some(wild)) if name < wild => named.next(),
                (_, Some(_)) => matched.next(),
                (_, None) => named.next(),
            };
            next.map(|at| &self.blocks[at])
        })
    }
}

/// The lines from one `Host` to the next.
#[derive(Debug)]
pub(super) struct Block {
    pub(super) condition: Condition,
    pub(super) items: Vec<Item>,
}

/// Whom a block is for.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Condition {
    /// The lines before the first `Host` of a file: whomever the file is for.
    Always,
    /// The patterns of a `Host` line.
    Host(Vec<HostPattern>),
}

impl Condition {
    /// Whether a block is for `host`: some pattern fits and no negated one does. Names are compared
    /// as typed, so case matters (`match_pattern` in OpenSSH's `match.c`).
    pub(super) fn applies(&self, host: &str) -> bool {
        let Self::Host(patterns) = self else {
            return true;
        };
        let mut found = false;
        for pattern in patterns {
            if pattern::matches(host, &pattern.text) {
                if pattern.negated {
                    return false;
                }
                found = true;
            }
        }
        found
    }
}

/// One word of a `Host` line. A comma has no meaning in it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct HostPattern {
    pub(super) negated: bool,
    pub(super) text: String,
}

impl HostPattern {
    /// Reads one word.
    pub(super) fn new(word: &str) -> Self {
        let negated = word.strip_prefix('!');
        Self {
            negated: negated.is_some(),
            text: negated.unwrap_or(word).to_owned(),
        }
    }

    /// Whether it is the alias of one host.
    pub(super) fn is_literal(&self) -> bool {
        !self.negated && !pattern::is_wild(&self.text)
    }
}

/// One line within a block.
#[derive(Debug)]
pub(super) struct Item {
    pub(super) at: Place,
    pub(super) what: What,
}

/// What a line does.
#[derive(Debug)]
pub(super) enum What {
    /// Sets something.
    Set(Directive),
    /// Reads files here: their own `Host` lines count only where this line does.
    Include(Vec<Tree>),
    /// Names keywords that may be unknown from here on. The number is the line's position in
    /// reading order over all files.
    IgnoreUnknown(String, usize),
}

#[cfg(test)]
mod tests {
    use super::*;

    fn condition(words: &[&str]) -> Condition {
        Condition::Host(words.iter().map(|word| HostPattern::new(word)).collect())
    }

    #[test]
    fn a_block_applies_by_any_pattern_unless_one_negates() {
        for (words, host, expected) in [
            (&["web"][..], "web", true),
            (&["web"], "Web", false),
            (&["a", "web"], "web", true),
            (&["*", "!web"], "web", false),
            (&["!web", "*"], "web", false),
            (&["!web"], "db", false),
            (&["a,b"], "a", false),
            (&["!w*", "web", "db"], "web", false),
        ] {
            assert_eq!(condition(words).applies(host), expected, "{words:?} {host}");
        }
        assert!(Condition::Always.applies("anything"));
    }

    #[test]
    fn the_index_keeps_reading_order_and_forgets_nothing() {
        let mut tree = Tree::default();
        let conditions: [&[&str]; 6] = [
            &["web", "db"],
            &["w*"],
            &["db"],
            &["web", "web"],
            &["*", "!db"],
            &["web", "x?"],
        ];
        for words in conditions {
            tree.push(Block {
                condition: condition(words),
                items: Vec::new(),
            });
        }
        for host in ["web", "db", "x1", "no"] {
            let slow: Vec<_> = tree
                .blocks
                .iter()
                .filter(|b| b.condition.applies(host))
                .collect();
            let fast: Vec<_> = tree.applying(host).collect();
            assert_eq!(fast.len(), slow.len(), "{host}");
            assert!(
                fast.iter().zip(slow).all(|(a, b)| std::ptr::eq(*a, b)),
                "{host}"
            );
        }
    }
}
