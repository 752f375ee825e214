//! Keeping less of a report than was read, where many share the room of one answer.

use super::{EntryReport, NodeReport, ReadReport};
use crate::ops::text::{shrink, shrink_to};

impl ReadReport {
    /// Lets go of all but about `most` bytes, and of the memory that the rest was accounted for with.
    pub(in crate::ops) fn keep(&mut self, most: usize) {
        match self {
            Self::File(report) => {
                if report.content.len() > most {
                    report.content.truncate(most);
                    (report.truncated, report.limited) = (true, true);
                }
                shrink(&mut report.hold, [&report.content]);
            }
            Self::Directory(report) => {
                let fits = fitting(most, report.entries.iter().map(EntryReport::size));
                report.truncated |= fits < report.entries.len();
                report.entries.truncate(fits);
                let kept: usize = report.entries.iter().map(EntryReport::size).sum();
                shrink_to(&mut report.hold, kept);
            }
            Self::Tree(report) => {
                let fits = fitting(most, report.entries.iter().map(NodeReport::size));
                report.truncated |= fits < report.entries.len();
                report.entries.truncate(fits);
                let kept: usize = report.entries.iter().map(NodeReport::size).sum();
                shrink_to(&mut report.hold, kept);
            }
        }
    }

    /// About how many bytes it has.
    pub(in crate::ops) fn size(&self) -> usize {
        match self {
            Self::File(report) => report.content.len(),
            Self::Directory(report) => report.entries.iter().map(EntryReport::size).sum(),
            Self::Tree(report) => report.entries.iter().map(NodeReport::size).sum(),
        }
    }
}

/// Bytes of an entry beside its names, in either form of an answer.
const ENTRY: usize = 96;

impl EntryReport {
    fn size(&self) -> usize {
        ENTRY + self.name.len() + self.long.len()
    }
}

impl NodeReport {
    fn size(&self) -> usize {
        ENTRY + self.name.len()
    }
}

/// How many of these sizes fit into `most`, from the first one on.
fn fitting(most: usize, sizes: impl Iterator<Item = usize>) -> usize {
    let mut left = most;
    let fits = |size: &usize| match left.checked_sub(*size) {
        Some(rest) => {
            left = rest;
            true
        }
        None => false,
    };
    sizes.take_while(fits).count()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn entries_fit_from_the_first_one_on() {
        assert_eq!(fitting(10, [4, 5, 9, 1].into_iter()), 2);
        assert_eq!(fitting(0, [1].into_iter()), 0);
    }
}
