//! Entries of a directory that were not copied: the first of them by name, and how many there are.

use crate::ops::Failure;
use crate::ops::copy::below::Below;
use crate::ops::place::exact;
use fleet::file::Kind;
use serde::Serialize;

/// How many failures and skipped entries are named; the rest is counted.
const NAMED: usize = 20;

/// The first of any number of entries.
#[derive(Debug)]
pub(in crate::ops::copy) struct Named<T> {
    pub(in crate::ops::copy) first: Vec<T>,
    /// How many there are.
    pub(in crate::ops::copy) count: usize,
}

impl<T> Default for Named<T> {
    fn default() -> Self {
        Self {
            first: Vec::new(),
            count: 0,
        }
    }
}

impl<T> Named<T> {
    pub(in crate::ops::copy) fn push(&mut self, entry: T) {
        if self.first.len() < NAMED {
            self.first.push(entry);
        }
        self.count += 1;
    }
}

/// An entry that was left out.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Skipped {
    /// Where it is below the source; bytes that are not UTF-8 are replaced.
    pub path: String,
    /// The exact path in base64, where it is not UTF-8.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub path_base64: Option<String>,
    /// What it is.
    pub kind: &'static str,
}

impl Skipped {
    pub(in crate::ops::copy) fn new(at: &Below, kind: Kind) -> Self {
        Self::labelled(at, kind.label())
    }

    /// A file that another copy has not finished: at its other end it would be taken for one of
    /// that end's own, and removed.
    pub(in crate::ops::copy) fn unfinished(at: &Below) -> Self {
        Self::labelled(at, "unfinished copy")
    }

    fn labelled(at: &Below, kind: &'static str) -> Self {
        let (path, path_base64) = exact(at.as_bytes());
        Self {
            path,
            path_base64,
            kind,
        }
    }
}

/// An entry that failed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Problem {
    /// Where it is below the source; bytes that are not UTF-8 are replaced.
    pub path: String,
    /// The exact path in base64, where it is not UTF-8.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub path_base64: Option<String>,
    /// A stable name for what went wrong.
    pub code: &'static str,
    /// One sentence.
    pub message: String,
}

impl Problem {
    pub(in crate::ops::copy) fn new(at: &Below, failure: Failure) -> Self {
        let (path, path_base64) = exact(at.as_bytes());
        Self {
            path,
            path_base64,
            code: failure.code,
            message: failure.message,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_that_differ_are_told_apart() {
        let said = |name: &[u8]| {
            let skipped = Skipped::new(&Below::here().child(name).unwrap(), Kind::Fifo);
            (skipped.path, skipped.path_base64)
        };
        assert_eq!(said(b"a\nb"), ("a\nb".into(), None));
        assert_ne!(said(b"a\nb"), said(b"a\tb"));
        assert_eq!(said(b"\xff"), ("\u{fffd}".into(), Some("/w==".into())));
        assert_ne!(said(b"\xff"), said(b"\xfe"));
    }

    #[test]
    fn of_any_number_the_first_are_kept() {
        let mut named = Named::default();
        (0..25).for_each(|at| named.push(at));
        assert_eq!(named.first, (0..20).collect::<Vec<_>>());
        assert_eq!(named.count, 25);
    }
}
