//! Reading what is at a path: part of a file, a listing, or a tree.

mod lines;
mod report;

pub use lines::Range;
pub(super) use report::SentRead;
pub use report::{DirectoryReport, EntryReport, FileReport, NodeReport, ReadReport, TreeReport};

use super::{Failure, Ops};
use crate::access::{Action, Principal};
use fleet::file::{Found, Part, Want};
use fleet::{Deadline, HostName, Lease, RemotePath};

/// The deepest tree.
pub const MAX_DEPTH: usize = 10;

/// The depth of a tree when none is given: that of the server Scout replaces.
pub const DEFAULT_DEPTH: usize = 3;

/// Bytes assumed for a line when the last lines of a file are asked for.
const LINE: u64 = 256;

/// What to read.
#[derive(Debug, Clone)]
pub struct ReadRequest {
    /// Where.
    pub host: HostName,
    /// The path.
    pub path: RemotePath,
    /// Which part of a file.
    pub range: Range,
    /// Of a directory: the tree down to this depth instead of the listing.
    pub tree: Option<usize>,
}

impl Ops {
    /// Reads a file or a directory; which of them it is, the host says on the way.
    ///
    /// # Errors
    /// What is wrong with the path, or what kept the host from answering.
    pub async fn read(
        &self,
        principal: &Principal,
        request: ReadRequest,
        deadline: Deadline,
    ) -> Result<ReadReport, Failure> {
        let ReadRequest {
            host,
            path,
            range,
            tree,
        } = request;
        self.decide(principal, Action::Read, &host)?;
        check_depth(tree)?;
        let lease = self.lease(principal, &host, deadline).await?;
        self.read_through(principal, &lease, &path, range, tree, deadline)
            .await
    }

    /// Reads on a host that there is a lease on.
    pub(super) async fn read_through(
        &self,
        principal: &Principal,
        lease: &Lease,
        path: &RemotePath,
        range: Range,
        tree: Option<usize>,
        deadline: Deadline,
    ) -> Result<ReadReport, Failure> {
        let host = lease.host();
        let mut part = range.part();
        loop {
            let found = lease
                .read(path.clone(), Want { part, tree }, deadline)
                .await
                .map_err(|error| self.failure(principal, error))?;
            let content = match found {
                Found::File(content) => content,
                Found::Directory(listing, hold) => {
                    return Ok(DirectoryReport::new(host, path, listing, hold).into());
                }
                Found::Tree(tree, hold) => {
                    return Ok(TreeReport::new(host, path, tree, hold).into());
                }
            };
            // The last lines may be longer than was guessed: once more, with all there may be.
            let guess = matches!((range, part), (Range::LastLines(_), Part::Tail { limit }) if limit != u64::MAX);
            if guess && content.offset > 0 && !range.is_satisfied(&content.bytes) {
                part = Part::Tail { limit: u64::MAX };
                continue;
            }
            return Ok(FileReport::new(host, path, range, content).into());
        }
    }
}

/// Whether a tree may be so deep.
pub(super) fn check_depth(tree: Option<usize>) -> Result<(), Failure> {
    match tree {
        Some(depth) if !(1..=MAX_DEPTH).contains(&depth) => Err(Failure::invalid(format!(
            "`depth` must be 1 to {MAX_DEPTH}"
        ))),
        _ => Ok(()),
    }
}

impl Range {
    /// The bytes to ask the host for. The fleet's limit for one read holds beyond these.
    fn part(self) -> Part {
        match self {
            Self::Bytes { offset, limit } => Part::From {
                offset,
                limit: limit.unwrap_or(u64::MAX),
            },
            Self::Lines { .. } => Part::From {
                offset: 0,
                limit: u64::MAX,
            },
            Self::LastLines(lines) => Part::Tail {
                limit: lines.saturating_mul(LINE).max(64 << 10),
            },
        }
    }
}
