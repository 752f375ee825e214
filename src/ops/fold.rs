//! Groups the equal answers of many hosts, so that what differs can be seen. Pure.
//!
//! Of each distinct answer one copy is kept, with the members that gave it. The largest group
//! comes first, then the others from the smallest up, because one host that differs says more than
//! thirty that do.

mod limited;
mod normalize;
mod share;

pub use normalize::Normalize;

pub(super) use normalize::without_names;

pub(super) use limited::{Limited, length};
pub(super) use share::shares;

use sha2::{Digest, Sha256};
use std::collections::HashMap;
use std::collections::hash_map::Entry;

/// What tells one answer from another.
pub(super) type Key = [u8; 32];

/// An answer, and who gave it.
#[derive(Debug)]
pub(super) struct Group<T> {
    /// By number, in ascending order once they are [ordered](Groups::ordered).
    pub(super) members: Vec<usize>,
    pub(super) answer: T,
}

/// What became of an answer.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Added<'a, T> {
    /// It is the first of its kind.
    Kept(&'a mut T),
    /// It is equal to one that was kept, and comes back.
    Equal(&'a mut T, T),
}

/// Answers as they come in.
#[derive(Debug)]
pub(super) struct Groups<T>(HashMap<Key, Group<T>>);

impl<T> Groups<T> {
    pub(super) fn new() -> Self {
        Self(HashMap::new())
    }

    /// Takes a member in. An answer that has no equal is kept.
    pub(super) fn add(&mut self, member: usize, key: Key, answer: T) -> Added<'_, T> {
        match self.0.entry(key) {
            Entry::Occupied(group) => {
                let group = group.into_mut();
                group.members.push(member);
                Added::Equal(&mut group.answer, answer)
            }
            Entry::Vacant(place) => {
                let members = vec![member];
                Added::Kept(&mut place.insert(Group { members, answer }).answer)
            }
        }
    }

    /// The largest group, then the others from the smallest up; between groups of one size, that of
    /// the first member comes first.
    pub(super) fn ordered(self) -> Vec<Group<T>> {
        let mut groups: Vec<_> = self.0.into_values().collect();
        for group in &mut groups {
            group.members.sort_unstable();
        }
        groups.sort_by_key(|group| (group.members.len(), group.members.first().copied()));
        let most = groups.last().map_or(0, |group| group.members.len());
        // The first of the largest ones, not the last.
        if let Some(largest) = groups.iter().position(|group| group.members.len() == most)
            && let Some(front) = groups.get_mut(..=largest)
        {
            front.rotate_right(1);
        }
        groups
    }
}

/// Makes the [`Key`] of an answer out of its parts; where one part ends and the next begins counts.
pub(super) struct Keyed(Sha256);

impl Keyed {
    /// Of an answer of this kind.
    pub(super) fn new(kind: &str) -> Self {
        Self(Sha256::new()).with(kind)
    }

    /// Takes a part in.
    pub(super) fn with(mut self, part: impl AsRef<[u8]>) -> Self {
        let part = part.as_ref();
        self.0.update((part.len() as u64).to_be_bytes());
        self.0.update(part);
        self
    }

    /// Takes a number in.
    pub(super) fn with_number(self, number: impl Into<u64>) -> Self {
        self.with(number.into().to_be_bytes())
    }

    pub(super) fn finish(self) -> Key {
        self.0.finalize().into()
    }
}

/// In how many lines `other` differs from `most`: how many it has besides, and how many it lacks.
/// Where a line stands does not count.
pub(super) fn difference(most: &str, other: &str) -> (usize, usize) {
    let mut lines: HashMap<&str, isize> = HashMap::new();
    for line in other.lines() {
        *lines.entry(line).or_default() += 1;
    }
    for line in most.lines() {
        *lines.entry(line).or_default() -= 1;
    }
    lines
        .values()
        .fold((0, 0), |(more, less), count| match count {
            1.. => (more + count.unsigned_abs(), less),
            _ => (more, less + count.unsigned_abs()),
        })
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn key(answer: u8) -> Key {
        Keyed::new("x").with([answer]).finish()
    }

    fn folded(answers: &[u8]) -> Vec<Group<u8>> {
        let mut groups = Groups::new();
        for (member, answer) in answers.iter().enumerate() {
            groups.add(member, key(*answer), *answer);
        }
        groups.ordered()
    }

    #[test]
    fn the_largest_group_comes_first_and_then_the_outliers() {
        let order: Vec<_> = folded(&[3, 1, 1, 2, 1, 2, 4])
            .into_iter()
            .map(|group| (group.answer, group.members))
            .collect();
        let expected = [
            (1, vec![1, 2, 4]),
            (3, vec![0]),
            (4, vec![6]),
            (2, vec![3, 5]),
        ];
        assert_eq!(order, expected);
        let tie: Vec<_> = folded(&[7, 8, 9]).into_iter().map(|g| g.answer).collect();
        assert_eq!(tie, [7, 8, 9]);
        assert!(folded(&[]).is_empty());
    }

    #[test]
    fn what_is_equal_comes_back_beside_what_was_kept() {
        let mut groups = Groups::new();
        assert_eq!(groups.add(0, key(1), "first"), Added::Kept(&mut "first"));
        let second = groups.add(1, key(1), "second");
        assert_eq!(second, Added::Equal(&mut "first", "second"));
    }

    #[test]
    fn the_end_of_a_part_counts() {
        let key = |parts: [&str; 2]| Keyed::new("x").with(parts[0]).with(parts[1]).finish();
        assert_ne!(key(["ab", "c"]), key(["a", "bc"]));
        assert_ne!(Keyed::new("a").finish(), Keyed::new("b").finish());
    }

    #[test]
    fn a_difference_is_counted_in_lines() {
        assert_eq!(difference("a\nb\nb\n", "a\nb\nc\n"), (1, 1));
        assert_eq!(difference("a\n", "a\n"), (0, 0));
        assert_eq!(difference("", "x\ny\n"), (2, 0));
    }

    proptest! {
        #[test]
        fn every_member_is_in_one_group_with_its_equals(answers in prop::collection::vec(0_u8..6, 0..60)) {
            let groups = folded(&answers);
            let mut members: Vec<usize> = groups.iter().flat_map(|g| g.members.clone()).collect();
            members.sort_unstable();
            prop_assert_eq!(members, (0..answers.len()).collect::<Vec<_>>());
            for group in &groups {
                prop_assert!(group.members.iter().all(|&member| answers[member] == group.answer));
            }
            let distinct: std::collections::HashSet<_> = answers.iter().collect();
            prop_assert_eq!(groups.len(), distinct.len());
            let sizes: Vec<_> = groups.iter().map(|g| g.members.len()).collect();
            prop_assert!(sizes.iter().all(|size| *size <= sizes[0]));
            prop_assert!(sizes.iter().skip(1).is_sorted());
        }

        #[test]
        fn who_answered_first_does_not_matter(answers in prop::collection::vec(0_u8..4, 1..40), seed: u64) {
            let mut order: Vec<usize> = (0..answers.len()).collect();
            order.sort_by_key(|at| key((*at as u64 ^ seed) as u8));
            let mut groups = Groups::new();
            for member in order {
                groups.add(member, key(answers[member]), answers[member]);
            }
            let shape = |groups: Vec<Group<u8>>| -> Vec<_> {
                groups.into_iter().map(|g| (g.answer, g.members)).collect()
            };
            prop_assert_eq!(shape(groups.ordered()), shape(folded(&answers)));
        }
    }
}
