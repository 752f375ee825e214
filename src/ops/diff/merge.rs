//! Two surveys side by side: what differs for certain, and which files must be read to know. Pure.

use super::survey::{Item, Relative, Survey};
use fleet::file::Kind;
use std::cmp::Ordering;
use std::collections::BTreeMap;

/// How something differs.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum What {
    /// It is in the old directory only.
    OnlyOld(Kind),
    /// It is in the new directory only.
    OnlyNew(Kind),
    /// It is something else in each.
    Kinds(Kind, Kind),
    /// Files of different sizes.
    Sizes(u64, u64),
    /// Files of the same size with different content.
    Content,
    /// Links that lead elsewhere.
    Links(Vec<u8>, Vec<u8>),
    /// It cannot be read in the old directory, the new one, or both.
    Unreadable { old: bool, new: bool },
}

/// What two surveys come to.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Merged {
    /// By path.
    pub(super) found: BTreeMap<Relative, What>,
    /// Files of the same size in both, and that size.
    pub(super) same_size: Vec<(Relative, u64)>,
    /// What is in both, and is the same as far as that can be seen.
    pub(super) compared: u64,
    /// Links nobody had the time to read.
    pub(super) unknown: u64,
}

/// Compares what was seen.
pub(super) fn merge(old: Survey, new: Survey) -> Merged {
    let mut merged = Merged::default();
    let frontiers = [frontier(&old), frontier(&new)];
    let is_known = |item: &Item| {
        let within = |end: &Option<Option<Relative>>| match end {
            None => true,
            Some(last) => last.as_ref().is_some_and(|last| item.below <= *last),
        };
        frontiers.iter().all(within)
    };
    let is_unreadable =
        |path: &Relative| old.unreadable.contains(path) || new.unreadable.contains(path);
    let mut olds = old.items.iter().filter(|item| is_known(item)).peekable();
    let mut news = new.items.iter().filter(|item| is_known(item)).peekable();
    // What is below something that is in one of them only, or is something else, differs with it.
    let mut settled: Option<&Relative> = None;
    loop {
        let (from_old, from_new) = match (olds.peek(), news.peek()) {
            (None, None) => break,
            (Some(_), None) => (olds.next(), None),
            (None, Some(_)) => (None, news.next()),
            (Some(one), Some(other)) => match one.below.cmp(&other.below) {
                Ordering::Less => (olds.next(), None),
                Ordering::Greater => (None, news.next()),
                Ordering::Equal => (olds.next(), news.next()),
            },
        };
        let Some(item) = from_old.or(from_new) else {
            break;
        };
        if settled.is_some_and(|above| item.below.is_below(above)) {
            continue;
        }
        let what = match (from_old, from_new) {
            // Said below.
            (Some(one), Some(other)) if one.kind == other.kind && is_unreadable(&one.below) => None,
            (Some(one), Some(other)) => merged.pair(one, other),
            (Some(one), None) => new.knows(&one.below).then_some(What::OnlyOld(one.kind)),
            (None, Some(other)) => old.knows(&other.below).then_some(What::OnlyNew(other.kind)),
            (None, None) => None,
        };
        if from_old.is_none() || from_new.is_none() || matches!(what, Some(What::Kinds(..))) {
            settled = Some(&item.below);
        }
        if let Some(what) = what {
            merged.found.insert(item.below.clone(), what);
        }
    }
    for path in old.unreadable.union(&new.unreadable) {
        let what = What::Unreadable {
            old: old.unreadable.contains(path),
            new: new.unreadable.contains(path),
        };
        merged.found.entry(path.clone()).or_insert(what);
    }
    merged
}

impl Merged {
    /// Compares what both have.
    fn pair(&mut self, old: &Item, new: &Item) -> Option<What> {
        if old.kind != new.kind {
            return Some(What::Kinds(old.kind, new.kind));
        }
        match (old.kind, &old.link, &new.link) {
            (Kind::File, ..) => match (old.size, new.size) {
                (Some(one), Some(other)) if one != other => Some(What::Sizes(one, other)),
                (size, _) => {
                    let size = size.unwrap_or(0);
                    self.same_size.push((old.below.clone(), size));
                    None
                }
            },
            (Kind::Symlink, Some(one), Some(other)) if one != other => {
                Some(What::Links(one.clone(), other.clone()))
            }
            (Kind::Symlink, None, _) | (Kind::Symlink, _, None) => {
                self.unknown += 1;
                None
            }
            _ => {
                self.compared += 1;
                None
            }
        }
    }
}

impl Survey {
    /// Whether it is known what is, and what is not, in the directory of this path.
    fn knows(&self, path: &Relative) -> bool {
        let parent = path.parent();
        ![&self.unreadable, &self.cut, &self.closed]
            .iter()
            .any(|unknown| unknown.contains(&parent))
    }
}

/// The last path that is known, of a survey that ended early.
fn frontier(survey: &Survey) -> Option<Option<Relative>> {
    let last = survey.items.last().map(|item| item.below.clone());
    survey.stopped.then_some(last)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn item(path: &str, kind: Kind, size: u64) -> Item {
        Item {
            below: Relative::new(path),
            kind,
            size: Some(size),
            link: None,
        }
    }

    fn survey(items: &[(&str, Kind, u64)]) -> Survey {
        let items = items
            .iter()
            .map(|&(path, kind, size)| item(path, kind, size));
        Survey {
            items: items.collect(),
            ..Survey::default()
        }
    }

    fn found(merged: &Merged) -> Vec<(&str, &What)> {
        let text = |path: &'_ Relative| std::str::from_utf8(path.as_bytes()).unwrap().to_owned();
        let found = merged.found.iter();
        found
            .map(|(path, what)| (&*Box::leak(text(path).into_boxed_str()), what))
            .collect()
    }

    const D: Kind = Kind::Directory;
    const F: Kind = Kind::File;

    #[test]
    fn every_kind_of_difference_is_found_once() {
        let old = survey(&[
            ("a", D, 0),
            ("a/x", F, 1),
            ("b", F, 1),
            ("c", F, 2),
            ("d", D, 0),
            ("d/y", F, 1),
            ("e", D, 0),
        ]);
        let new = survey(&[
            ("b", F, 1),
            ("c", F, 3),
            ("d", F, 0),
            ("e", D, 0),
            ("e/n", F, 1),
        ]);
        let merged = merge(old, new);
        assert_eq!(
            found(&merged),
            [
                ("a", &What::OnlyOld(D)),
                ("c", &What::Sizes(2, 3)),
                ("d", &What::Kinds(D, F)),
                ("e/n", &What::OnlyNew(F)),
            ]
        );
        assert_eq!(merged.same_size, [(Relative::new("b"), 1)]);
        assert_eq!(merged.compared, 1);
    }

    #[test]
    fn what_is_not_known_is_no_difference() {
        let mut old = survey(&[("a", D, 0), ("c", D, 0)]);
        old.unreadable.insert(Relative::new("a"));
        old.cut.insert(Relative::new("c"));
        let new = survey(&[
            ("a", D, 0),
            ("a/x", D, 0),
            ("a/x/y", F, 1),
            ("c", D, 0),
            ("c/z", F, 1),
        ]);
        let merged = merge(old, new);
        assert_eq!(
            found(&merged),
            [(
                "a",
                &What::Unreadable {
                    old: true,
                    new: false
                }
            )]
        );
    }

    #[test]
    fn nothing_is_said_behind_the_end_of_a_survey() {
        let mut old = survey(&[("a", F, 1), ("b", F, 1)]);
        old.stopped = true;
        let new = survey(&[("a", F, 1), ("b", F, 1), ("c", F, 1)]);
        assert!(merge(old, new).found.is_empty());
        let mut none = survey(&[]);
        none.stopped = true;
        assert_eq!(merge(none, survey(&[("a", F, 1)])), Merged::default());
    }

    #[test]
    fn links_are_compared_by_where_they_lead() {
        let link = |to: Option<&str>| {
            let mut survey = survey(&[("l", Kind::Symlink, 1)]);
            survey.items[0].link = to.map(|to| to.as_bytes().to_vec());
            survey
        };
        let merged = merge(link(Some("x")), link(Some("y")));
        assert_eq!(
            found(&merged),
            [("l", &What::Links(b"x".into(), b"y".into()))]
        );
        assert_eq!(merge(link(Some("x")), link(Some("x"))).compared, 1);
        assert_eq!(merge(link(Some("x")), link(None)).unknown, 1);
    }
}
