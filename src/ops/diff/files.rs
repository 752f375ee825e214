//! Two files, or a file and what is expected in it.

use super::endings::Endings;
use super::report::{Compared, DiffReport, FilesReport, Named, SideReport, Text};
use super::unified::{self, Ask, Unified};
use crate::access::Principal;
use crate::ops::checksum::{self, Sum};
use crate::ops::{Failure, Ops};
use fleet::error::{FileError, FileProblem};
use fleet::file::Content;
use fleet::{Deadline, FleetError, Hold, Target};
use sha2::{Digest, Sha256};
use std::sync::Arc;
use std::time::{Duration, Instant};

/// The most lines of a text that are compared line by line.
const MAX_LINES: usize = 200_000;

/// Bytes of a difference that are kept.
const MAX_DIFF: usize = 1 << 20;

/// How long a shortest difference is looked for.
const LOOKING: Duration = Duration::from_secs(5);

/// One of the two.
pub(super) struct Side {
    name: Named,
    /// Where it is, unless it is what was expected.
    place: Option<Target>,
    bytes: Vec<u8>,
    /// Whether these are all the bytes there are.
    whole: bool,
    size: u64,
    hold: Option<Arc<Hold>>,
}

impl Side {
    pub(super) fn expected(bytes: Vec<u8>) -> Self {
        Self {
            name: Named::expected(),
            place: None,
            whole: true,
            size: bytes.len() as u64,
            bytes,
            hold: None,
        }
    }

    pub(super) fn of(name: Named, place: Option<&Target>, content: Content) -> Self {
        let kept = content.bytes.len() as u64;
        let size = match content.more {
            // Files of the kernel have bytes whatever size they say they have.
            false => kept,
            true => content.attributes.size.unwrap_or(kept),
        };
        Self {
            name,
            place: place.cloned(),
            whole: !content.more,
            size,
            bytes: content.bytes,
            hold: Some(content.hold),
        }
    }

    fn is_text(&self) -> bool {
        self.whole && memchr::memchr(0, &self.bytes).is_none()
    }

    fn report(&self, sum: Option<Sum>) -> SideReport {
        SideReport::file(&self.name, self.place.as_ref(), self.size, sum)
    }
}

impl Ops {
    /// Compares two files that were read as far as they may be.
    pub(super) async fn files(
        &self,
        principal: &Principal,
        sides: [Side; 2],
        context: usize,
        deadline: Deadline,
    ) -> Result<DiffReport, Failure> {
        let [old, new] = &sides;
        if old.whole && new.whole && old.bytes == new.bytes {
            return Ok(same(&sides, [None, None]));
        }
        let lines = |side: &Side| unified::count(&side.bytes);
        let why = match (old.is_text() && new.is_text(), old.whole && new.whole) {
            (true, _) if lines(old).max(lines(new)) <= MAX_LINES => {
                return text(sides, context, deadline).await;
            }
            (true, _) => Compared::ManyLines,
            (false, true) => Compared::Binary,
            (false, false) => Compared::Large,
        };
        let (old_sum, new_sum) = tokio::join!(
            self.sum(principal, old, deadline),
            self.sum(principal, new, deadline)
        );
        // Where the sizes differ already, nothing depends on the sums.
        let sizes_differ = old.size != new.size;
        let tolerated = |sum: Result<Sum, Failure>| match sum {
            Err(_) if sizes_differ => Ok(None),
            sum => sum.map(Some),
        };
        let sums = [tolerated(old_sum)?, tolerated(new_sum)?];
        if let [Some(old), Some(new)] = sums
            && old == new
        {
            return Ok(same(&sides, sums));
        }
        let [old_sum, new_sum] = sums;
        let [old, new] = &sides;
        let sides = [old.report(old_sum), new.report(new_sum)];
        Ok(DiffReport::Files(Box::new(FilesReport::differ(sides, why))))
    }

    /// The SHA-256 of one of them: of what was read, or computed on its host.
    async fn sum(
        &self,
        principal: &Principal,
        side: &Side,
        deadline: Deadline,
    ) -> Result<Sum, Failure> {
        let place = match &side.place {
            Some(place) if !side.whole => place,
            _ => return Ok(Sha256::digest(&side.bytes).into()),
        };
        let lease = self.lease(principal, &place.host, deadline).await?;
        let paths = std::slice::from_ref(&place.path);
        let sums = checksum::sha256(&lease, paths, deadline).await;
        let sums = sums.map_err(|error| self.failure(principal, error))?;
        sums.into_iter().next().flatten().ok_or_else(|| {
            // It was read a moment ago.
            let problem = FileProblem::Other("it could no longer be read".into());
            let error = FleetError::File(FileError {
                host: place.host.clone(),
                path: place.path.clone(),
                problem,
            });
            self.failure(principal, error)
        })
    }
}

fn same(sides: &[Side; 2], sums: [Option<Sum>; 2]) -> DiffReport {
    let [old, new] = sides;
    let [old_sum, new_sum] = sums;
    let sides = [old.report(old_sum), new.report(new_sum)];
    DiffReport::Files(Box::new(FilesReport::same(sides)))
}

/// The difference of two texts.
async fn text(sides: [Side; 2], context: usize, deadline: Deadline) -> Result<DiffReport, Failure> {
    let [old, new] = sides;
    let reports = [old.report(None), new.report(None)];
    let names = [old.name.to_string(), new.name.to_string()];
    let looking = deadline.left().min(LOOKING);
    let compared = tokio::task::spawn_blocking(move || {
        let [old_name, new_name] = &names;
        let ask = Ask {
            old_name,
            new_name,
            context,
            limit: MAX_DIFF,
            deadline: Instant::now() + looking,
        };
        let Unified {
            text,
            added,
            removed,
            truncated,
        } = unified::unified(&old.bytes, &new.bytes, ask);
        Text {
            bytes: text,
            added,
            removed,
            truncated,
            endings: [Endings::of(&old.bytes), Endings::of(&new.bytes)],
            only_endings: without_returns(&old.bytes).eq(without_returns(&new.bytes)),
            // The difference takes the place of what it was made from.
            holds: [old.hold, new.hold],
        }
    });
    let text = compared.await.map_err(|_| Failure {
        outcome: "failed",
        code: "internal",
        ..Failure::invalid("internal error while comparing two texts")
    })?;
    Ok(DiffReport::Files(Box::new(FilesReport::text(
        reports, text,
    ))))
}

/// A text with its lines ended by newlines alone.
fn without_returns(text: &[u8]) -> impl Iterator<Item = u8> {
    let next = text.iter().skip(1).map(Some).chain([None]);
    let kept = |&(&byte, next): &(&u8, Option<&u8>)| byte != b'\r' || next != Some(&b'\n');
    text.iter().zip(next).filter(kept).map(|(&byte, _)| byte)
}
