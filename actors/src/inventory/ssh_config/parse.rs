//! Reads configuration files into a tree, following `Include`.
//!
//! Every fault of every file is collected before giving up, so that one look shows them all. A line
//! is never skipped because it is not understood.

use std::path::Path;
use std::sync::Arc;

use super::directive;
use super::include::{self, Anchor, MAX_DEPTH};
use super::keyword::Keyword;
use super::lexer::{self, Line};
use super::read;
use super::tree::{Block, Condition, HostPattern, Item, Tree, What};
use crate::inventory::error::{BadLine, Fault, InventoryError, Place};
use crate::inventory::local::Local;
use crate::inventory::pattern::{self, ListMatch};

/// A line that only an `IgnoreUnknown` of the right block excuses.
#[derive(Debug)]
pub(super) struct Doubt {
    pub(super) at: Place,
    pub(super) keyword: String,
    /// Its position in reading order over all files.
    pub(super) order: usize,
}

/// Reads files, one after the other.
pub(super) struct Parser<'a> {
    local: &'a Local,
    faults: Vec<BadLine>,
    doubts: Vec<Doubt>,
    /// The `IgnoreUnknown` values met so far, whomever they are for.
    ignored: Vec<String>,
    order: usize,
}

impl<'a> Parser<'a> {
    pub(super) fn new(local: &'a Local) -> Self {
        Self {
            local,
            faults: Vec::new(),
            doubts: Vec::new(),
            ignored: Vec::new(),
            order: 0,
        }
    }

    /// Reads a file and all it includes; `None` when it does not exist. `checked` asks for the
    /// permission check of the file itself; included files always get it.
    pub(super) fn file(
        &mut self,
        path: &Path,
        checked: bool,
        anchor: &Anchor,
    ) -> Result<Option<Tree>, InventoryError> {
        let text = read::read(path, checked.then_some(self.local.uid))?;
        text.map(|text| self.tree(path, &text, anchor, 0))
            .transpose()
    }

    /// Ends the reading: the lines in doubt, or every fault there was.
    pub(super) fn finish(self) -> Result<Vec<Doubt>, InventoryError> {
        if self.faults.is_empty() {
            Ok(self.doubts)
        } else {
            Err(InventoryError::Lines(self.faults))
        }
    }

    fn tree(
        &mut self,
        path: &Path,
        text: &[u8],
        anchor: &Anchor,
        depth: usize,
    ) -> Result<Tree, InventoryError> {
        let file: Arc<Path> = path.into();
        let mut tree = Tree::default();
        let mut block = Block {
            condition: Condition::Always,
            items: Vec::new(),
        };
        for (number, bytes) in (1..).zip(text.split(|&c| c == b'\n')) {
            let at = || Place {
                file: Arc::clone(&file),
                line: number,
            };
            let parsed = self.line(bytes, &at, anchor, depth)?;
            match parsed {
                Ok(Parsed::Nothing) => {}
                Ok(Parsed::Item(what)) => block.items.push(Item { at: at(), what }),
                Ok(Parsed::Host(patterns)) => {
                    let condition = Condition::Host(patterns);
                    let next = Block {
                        condition,
                        items: Vec::new(),
                    };
                    tree.push(std::mem::replace(&mut block, next));
                }
                Err(fault) => self.faults.push(BadLine { at: at(), fault }),
            }
        }
        tree.push(block);
        Ok(tree)
    }

    /// Reads one line. The outer error ends the load at once, the inner one is a fault among others.
    fn line(
        &mut self,
        bytes: &[u8],
        at: &dyn Fn() -> Place,
        anchor: &Anchor,
        depth: usize,
    ) -> Result<Result<Parsed, Fault>, InventoryError> {
        self.order += 1;
        let text = match std::str::from_utf8(bytes) {
            Ok(text) if !text.contains('\0') => text,
            _ if bytes.trim_ascii_start().starts_with(b"#") => return Ok(Ok(Parsed::Nothing)),
            _ => return Ok(Err(Fault::NotText)),
        };
        let Some(line) = lexer::line(text) else {
            return Ok(Ok(Parsed::Nothing));
        };
        let keyword = Keyword::find(&line.keyword);
        if line.rest.is_empty() {
            let name = keyword.map_or("the keyword", Keyword::name);
            return Ok(Err(Fault::NoValue(name)));
        }
        let Some(keyword) = keyword else {
            return Ok(self.unknown(line, at));
        };
        if keyword == Keyword::Include {
            return self.include(&line, at, anchor, depth);
        }
        Ok(self.plain(keyword, &line))
    }

    fn plain(&mut self, keyword: Keyword, line: &Line<'_>) -> Result<Parsed, Fault> {
        match keyword {
            Keyword::Match => Err(Fault::Match),
            Keyword::Host => {
                let words = words(keyword, line)?;
                let patterns = words.iter().map(|word| HostPattern::new(word));
                Ok(Parsed::Host(patterns.collect()))
            }
            Keyword::IgnoreUnknown => {
                let words = words(keyword, line)?;
                let list = directive::single(keyword, &words)?.to_ascii_lowercase();
                self.ignored.push(list.clone());
                Ok(Parsed::Item(What::IgnoreUnknown(list, self.order)))
            }
            _ => {
                let directive = directive::parse(keyword, line, self.local)?;
                Ok(directive.map_or(Parsed::Nothing, |set| Parsed::Item(What::Set(set))))
            }
        }
    }

    /// A keyword `ssh` does not have is a fault unless an `IgnoreUnknown` further up names it. That
    /// one may stand in a block that is not for everybody, hence the doubt.
    fn unknown(&mut self, line: Line<'_>, at: &dyn Fn() -> Place) -> Result<Parsed, Fault> {
        let excused = |list: &String| pattern::list(&line.keyword, list) == ListMatch::Positive;
        if !self.ignored.iter().any(excused) {
            return Err(Fault::UnknownKeyword(line.keyword));
        }
        lexer::arguments(line.rest).map_err(|_| Fault::OpenQuote)?;
        self.doubts.push(Doubt {
            at: at(),
            keyword: line.keyword,
            order: self.order,
        });
        Ok(Parsed::Nothing)
    }

    fn include(
        &mut self,
        line: &Line<'_>,
        at: &dyn Fn() -> Place,
        anchor: &Anchor,
        depth: usize,
    ) -> Result<Result<Parsed, Fault>, InventoryError> {
        let mut trees = Vec::new();
        let paths = words(Keyword::Include, line).and_then(|words| {
            let paths = words
                .iter()
                .map(|word| include::paths(word, anchor, self.local));
            paths.collect::<Result<Vec<_>, _>>()
        });
        let paths = match paths {
            Ok(paths) => paths,
            Err(fault) => return Ok(Err(fault)),
        };
        for path in paths.into_iter().flatten() {
            if depth == MAX_DEPTH {
                return Err(InventoryError::IncludeDepth {
                    at: at(),
                    limit: MAX_DEPTH,
                });
            }
            // A dangling link was found but does not exist, and is passed over as `ssh` does.
            if let Some(text) = read::read(&path, Some(self.local.uid))? {
                trees.push(self.tree(&path, &text, anchor, depth + 1)?);
            }
        }
        Ok(Ok(Parsed::Item(What::Include(trees))))
    }
}

/// What one line turned out to be.
enum Parsed {
    Nothing,
    Item(What),
    Host(Vec<HostPattern>),
}

/// The words of a line, none of them empty.
fn words(keyword: Keyword, line: &Line<'_>) -> Result<Vec<String>, Fault> {
    let words = lexer::arguments(line.rest).map_err(|_| Fault::OpenQuote)?;
    if words.iter().any(String::is_empty) {
        return Err(Fault::EmptyValue(keyword.name()));
    }
    Ok(words)
}
