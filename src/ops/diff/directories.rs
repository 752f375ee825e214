//! Two directories: a survey of each, then the sums of the files that are of one size in both.

use super::merge::{Merged, What, merge};
use super::report::{DiffReport, DirectoriesReport, MAX_LISTED};
use super::survey::{Relative, Survey};
use crate::access::Principal;
use crate::ops::checksum::{self, Sum};
use crate::ops::{Failure, Ops, Progress, Step, Unit};
use fleet::{Budget, Deadline, FleetError, Hold, Lease, Target, Urgency};
use std::collections::BTreeMap;

/// Memory for the surveys of both sides, and for what comes of them. There is one copy of it.
const MEMORY: u64 = 48 << 20;

/// What a path takes beside its bytes.
const EACH: u64 = 128;

/// Files of which sums are computed at a time, and their bytes.
const CHUNK: (usize, u64) = (1000, 256 << 20);

/// What is left to say beside the differences.
#[derive(Debug, Default)]
pub(super) struct Rest {
    /// Names that are the same on both sides.
    pub(super) same: u64,
    /// Names that nobody had the time to compare.
    pub(super) not_compared: u64,
    /// Whether one survey, or the computing of sums, ended before its end.
    pub(super) stopped: bool,
    /// Directories with more names than were looked at.
    pub(super) cut: u64,
    /// Directories too deep to be entered.
    pub(super) closed: u64,
}

impl Ops {
    /// Compares two directories.
    pub(super) async fn directories(
        &self,
        principal: &Principal,
        places: [Target; 2],
        progress: &Progress,
        deadline: Deadline,
    ) -> Result<DiffReport, Failure> {
        let [old, new] = &places;
        let mut hold = self.hold_for_surveys(principal, old, deadline).await?;
        let half = deadline.at_most(deadline.left() / 2);
        let survey = |place| self.survey(principal, place, half);
        let (old_survey, new_survey) = tokio::try_join!(survey(old), survey(new))?;
        let mut rest = Rest {
            stopped: old_survey.stopped || new_survey.stopped,
            cut: (old_survey.cut.len() + new_survey.cut.len()) as u64,
            closed: old_survey.closed.union(&new_survey.closed).count() as u64,
            ..Rest::default()
        };
        let Merged {
            mut found,
            same_size,
            compared,
            unknown,
        } = merge(old_survey, new_survey);
        hold.shrink_to(held(&found, &same_size));
        rest.same = compared;
        rest.not_compared = unknown;
        let total = same_size.len() as u64;
        let mut left = &*same_size;
        while !left.is_empty() {
            let (chunk, behind) = left.split_at(chunk(left));
            progress.tell(Step {
                done: total - left.len() as u64,
                total: Some(total),
                unit: Unit::Files,
                message: "comparing files",
            });
            let sums = tokio::try_join!(
                self.sums(principal, old, chunk, deadline),
                self.sums(principal, new, chunk, deadline)
            )?;
            let (Some(old_sums), Some(new_sums)) = sums else {
                rest.stopped = true;
                rest.not_compared += left.len() as u64;
                break;
            };
            rest.same += settle(chunk, old_sums, new_sums, &mut found);
            left = behind;
        }
        let report = DirectoriesReport::new(&places, found, &rest, hold);
        Ok(DiffReport::Directories(Box::new(report)))
    }

    /// Memory for both sides at once: two comparisons that had it for one side each would wait for
    /// each other.
    async fn hold_for_surveys(
        &self,
        principal: &Principal,
        place: &Target,
        deadline: Deadline,
    ) -> Result<Hold, Failure> {
        let lease = self.bulk(principal, place, deadline).await?;
        let memory = Budget::output_of(MEMORY).min(self.most_held());
        let hold = lease.hold(memory, deadline).await;
        hold.map_err(|error| self.failure(principal, error))
    }

    /// The work below a directory is as much as there is in it.
    async fn bulk(
        &self,
        principal: &Principal,
        place: &Target,
        deadline: Deadline,
    ) -> Result<Lease, Failure> {
        self.lease_for(principal, &place.host, Urgency::Bulk, deadline)
            .await
    }

    async fn survey(
        &self,
        principal: &Principal,
        place: &Target,
        deadline: Deadline,
    ) -> Result<Survey, Failure> {
        let lease = self.bulk(principal, place, deadline).await?;
        let survey = Survey::of(&lease, &place.path, deadline).await;
        survey.map_err(|error| self.failure(principal, error))
    }

    /// The sums of files below a place, or nothing when time was up.
    async fn sums(
        &self,
        principal: &Principal,
        place: &Target,
        files: &[(Relative, u64)],
        deadline: Deadline,
    ) -> Result<Option<Vec<Option<Sum>>>, Failure> {
        let lease = self.bulk(principal, place, deadline).await?;
        let paths = files
            .iter()
            .map(|(below, _)| place.path.join(below.as_bytes()));
        let paths: Vec<_> = paths.collect::<Result<_, _>>()?;
        match checksum::sha256(&lease, &paths, deadline).await {
            Ok(sums) => Ok(Some(sums)),
            Err(FleetError::DeadlinePassed { .. }) => Ok(None),
            Err(error) => Err(self.failure(principal, error)),
        }
    }
}

/// Memory for what was found and for the files of which sums are still to be computed, with what may
/// be shown of them, as output.
fn held(found: &BTreeMap<Relative, What>, files: &[(Relative, u64)]) -> u64 {
    let bytes = |path: &Relative| path.as_bytes().len() as u64 + EACH;
    let found = found.iter().map(|(path, what)| match what {
        What::Links(one, other) => bytes(path) + (one.len() + other.len()) as u64,
        _ => bytes(path),
    });
    // A file may come to stand in what was found, too.
    let files = files.iter().map(|(path, _)| 2 * bytes(path));
    let (all, longest) = found.chain(files).fold((0, 0), |(all, longest), bytes| {
        (all + bytes, u64::max(longest, bytes))
    });
    Budget::output_of(all) + all.min(MAX_LISTED as u64 * longest)
}

/// How many files are next.
fn chunk(files: &[(Relative, u64)]) -> usize {
    let (most, room) = CHUNK;
    let mut bytes: u64 = 0;
    let fits = |(_, size): &&(Relative, u64)| {
        // Sizes are what the hosts say.
        bytes = bytes.saturating_add(*size);
        bytes <= room
    };
    files.iter().take(most).take_while(fits).count().max(1)
}

/// Notes what the sums say, and counts what is the same.
fn settle(
    files: &[(Relative, u64)],
    old: Vec<Option<Sum>>,
    new: Vec<Option<Sum>>,
    found: &mut BTreeMap<Relative, What>,
) -> u64 {
    let mut same = 0;
    for ((below, _), sums) in files.iter().zip(old.into_iter().zip(new)) {
        let what = match sums {
            (Some(one), Some(other)) if one == other => {
                same += 1;
                continue;
            }
            (Some(_), Some(_)) => What::Content,
            (one, other) => What::Unreadable {
                old: one.is_none(),
                new: other.is_none(),
            },
        };
        found.insert(below.clone(), what);
    }
    same
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn chunks_are_bound_by_number_and_bytes() {
        let files = |sizes: &[u64]| -> Vec<_> {
            let below = |&size: &u64| (Relative::new("x"), size);
            sizes.iter().map(below).collect()
        };
        assert_eq!(chunk(&files(&[1 << 40, 1])), 1, "however large");
        assert_eq!(chunk(&files(&[100 << 20, 100 << 20, 100 << 20])), 2);
        assert_eq!(chunk(&files(&[1, u64::MAX, u64::MAX])), 1, "as they claim");
        assert_eq!(chunk(&files(&[0; 3000])), 1000);
    }

    #[test]
    fn what_is_held_is_what_is_kept() {
        let files = |count: usize| -> Vec<_> {
            let path = |nth| (Relative::new(&format!("{nth:0100}")), 1);
            (0..count).map(path).collect()
        };
        assert_eq!(held(&BTreeMap::new(), &[]), 0);
        let many = held(&BTreeMap::new(), &files(50_000));
        assert!(many >= Budget::output_of(50_000 * (200 + EACH)), "{many}");
        assert!(many < Budget::output_of(MEMORY), "{many}");
        let links = What::Links(vec![b'x'; 4096], vec![b'y'; 4096]);
        let found = BTreeMap::from([(Relative::new("l"), links)]);
        assert!(held(&found, &[]) > 8192);
    }

    #[test]
    fn sums_decide() {
        let files = ["a", "b", "c"].map(|path| (Relative::new(path), 1));
        let mut found = BTreeMap::new();
        let (one, two) = (Some([1; 32]), Some([2; 32]));
        let same = settle(
            &files,
            vec![one, one, None],
            vec![one, two, one],
            &mut found,
        );
        assert_eq!(same, 1);
        let unreadable = What::Unreadable {
            old: true,
            new: false,
        };
        assert_eq!(
            found.into_values().collect::<Vec<_>>(),
            [What::Content, unreadable]
        );
    }
}
