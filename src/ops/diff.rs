//! Comparing what is at two places of the fleet, or at one with a text that is expected there.
//!
//! Two texts give a unified difference. What is binary, or too large to be held, is compared by size
//! and SHA-256; two directories by names, kinds, links, sizes and SHA-256 of all that is below. No
//! side waits for the other to be reached: each is asked under a lease of its own, so that two
//! comparisons never hold what the other needs.
//!
//! "The same" is said only where everything was compared; what could not be is named.

mod directories;
mod endings;
mod files;
mod merge;
mod report;
mod survey;
mod unified;

pub use report::{
    DiffReport, DifferenceReport, DirectoriesReport, FilesReport, RelativeReport, SideReport,
};

use super::text::one_line;
use super::{Failure, Ops, Printable, Progress};
use crate::access::{Action, Principal};
use fleet::file::{Content, Found, Part, Want};
use fleet::{Deadline, Target};
use report::Named;

/// Lines shown around a difference, when nothing is said about it.
pub const DEFAULT_CONTEXT: usize = 3;

/// The most lines shown around a difference.
pub const MAX_CONTEXT: usize = 20;

/// What to compare.
#[derive(Debug, Clone)]
pub struct DiffRequest {
    old: Old,
    new: Target,
    context: usize,
}

/// What the comparison begins with.
#[derive(Debug, Clone)]
enum Old {
    Place(Target),
    Expected(Vec<u8>),
}

impl DiffRequest {
    /// From what is at `old` to what is at `new`.
    ///
    /// # Errors
    /// A context out of its range.
    pub fn places(old: Target, new: Target, context: Option<usize>) -> Result<Self, Failure> {
        Self::checked(Old::Place(old), new, context)
    }

    /// From an expected content, which may be empty, to what is at `new`.
    ///
    /// # Errors
    /// A context out of its range.
    pub fn expected(
        content: Vec<u8>,
        new: Target,
        context: Option<usize>,
    ) -> Result<Self, Failure> {
        Self::checked(Old::Expected(content), new, context)
    }

    fn checked(old: Old, new: Target, context: Option<usize>) -> Result<Self, Failure> {
        let context = context.unwrap_or(DEFAULT_CONTEXT);
        if context > MAX_CONTEXT {
            return Err(Failure::invalid(format!(
                "`context` must be 0 to {MAX_CONTEXT}"
            )));
        }
        Ok(Self { old, new, context })
    }
}

/// What one look at a place saw.
enum Seen {
    File(Content),
    Directory,
}

impl Ops {
    /// Compares. A difference is a report like any other.
    ///
    /// # Errors
    /// What is wrong with one of the places, a file beside a directory, or what kept a host from
    /// answering.
    pub async fn diff(
        &self,
        principal: &Principal,
        request: DiffRequest,
        progress: &Progress,
        deadline: Deadline,
    ) -> Result<DiffReport, Failure> {
        let DiffRequest { old, new, context } = request;
        if let Old::Place(old) = &old {
            self.decide(principal, Action::Read, &old.host)?;
        }
        self.decide(principal, Action::Read, &new.host)?;
        let deadline = super::find::early(deadline);
        let see = |place| self.see(principal, place, deadline);
        let (old, old_seen, new_seen) = match old {
            Old::Place(old) => {
                let (old_seen, new_seen) = tokio::try_join!(see(&old), see(&new))?;
                (old, old_seen, new_seen)
            }
            Old::Expected(content) => {
                let Seen::File(file) = see(&new).await? else {
                    return Err(beside(
                        &format!("`{}` is a directory", shown(&new)),
                        "a content is compared with a file",
                    ));
                };
                let old = files::Side::expected(content);
                let new = files::Side::of(Named::path(&new), Some(&new), file);
                return self.files(principal, [old, new], context, deadline).await;
            }
        };
        match (old_seen, new_seen) {
            (Seen::File(old_file), Seen::File(new_file)) => {
                let old = files::Side::of(Named::place(&old), Some(&old), old_file);
                let new = files::Side::of(Named::place(&new), Some(&new), new_file);
                self.files(principal, [old, new], context, deadline).await
            }
            (Seen::Directory, Seen::Directory) => {
                let places = [old, new];
                self.directories(principal, places, progress, deadline)
                    .await
            }
            (old_seen, _) => {
                let (directory, file) = match old_seen {
                    Seen::Directory => (&old, &new),
                    Seen::File(_) => (&new, &old),
                };
                Err(beside(
                    &format!(
                        "`{}` is a directory and `{}` is a file",
                        shown(directory),
                        shown(file)
                    ),
                    "compare two files, or two directories",
                ))
            }
        }
    }

    /// What is at a place: a file as far as it may be read at once, or a directory.
    async fn see(
        &self,
        principal: &Principal,
        place: &Target,
        deadline: Deadline,
    ) -> Result<Seen, Failure> {
        let lease = self.lease(principal, &place.host, deadline).await?;
        let want = Want {
            part: Part::From {
                offset: 0,
                limit: u64::MAX,
            },
            tree: None,
        };
        match lease.read(place.path.clone(), want, deadline).await {
            Ok(Found::File(content)) => Ok(Seen::File(content)),
            Ok(_) => Ok(Seen::Directory),
            Err(error) => Err(self.failure(principal, error)),
        }
    }
}

/// Two things that cannot be compared.
fn beside(message: &str, hint: &str) -> Failure {
    Failure {
        outcome: "failed",
        code: "kinds_differ",
        hint: Some(hint.to_owned()),
        ..Failure::invalid(message)
    }
}

/// A place on one line.
fn shown(place: &Target) -> String {
    Printable(&one_line(&place.to_string())).to_string()
}
