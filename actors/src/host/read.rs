//! The job that reads a file or directory: over SFTP, or by a script where the host has none.

mod parse;
mod plain;

use super::job::{Claim, Job, LaneKind, Slot, Undone, Work};
use crate::budget::{Budget, Hold, fitting, fitting_tail, weight};
use crate::error::{Contended, FileError, FileProblem, FleetError};
use crate::file::{Content, Found, Kind, MAX_ENTRIES, Part, Want};
use crate::lease::LeaseGuard;
use crate::limits::Deadline;
use crate::metrics::Metrics;
use crate::ssh::sftp::{Looked, Sftp, SftpError};
use crate::target::{HostName, RemotePath};
use crate::urgency::Urgency;
use futures_util::FutureExt;
use futures_util::future::BoxFuture;
use std::sync::Arc;
use tokio::sync::oneshot;
use tokio::time::Instant;
use tracing::Instrument;

/// Memory for a directory, whatever its size turns out to be.
const LISTING: u64 = 256 << 10;

/// Memory for a tree.
const TREE: u64 = MAX_ENTRIES as u64 * 64;

/// How much of a file is read at first. Most are no longer, and need no more of the memory for output,
/// which bounds how many can be read at once; a longer one is read once more, with all it may have.
const FIRST: u64 = LISTING;

/// Everything a read needs.
pub(crate) struct ReadJob {
    pub(crate) host: HostName,
    pub(crate) path: RemotePath,
    pub(crate) want: Want,
    pub(crate) deadline: Deadline,
    /// Where the memory for what is read comes from.
    pub(crate) budget: Budget,
    /// Whether this read has made a server of the host stand still.
    pub(crate) has_blocked: bool,
    pub(crate) urgency: Urgency,
    pub(crate) claim: Claim,
    pub(crate) reply: oneshot::Sender<Result<Found, FleetError>>,
    pub(crate) metrics: Metrics,
    pub(crate) span: tracing::Span,
    /// Keeps the host from being evicted until the job has let go of it.
    pub(crate) lease: LeaseGuard,
}

/// Why a read came to nothing.
enum Unread {
    /// There was no memory for it.
    Busy(FleetError),
    /// The deadline passed.
    Late,
    Sftp(SftpError),
}

/// The memory that what is wanted can need.
fn memory(want: &Want) -> u64 {
    let (Part::From { limit, .. } | Part::Tail { limit }) = want.part;
    let names = if want.tree.is_some() { TREE } else { LISTING };
    names.max(limit)
}

/// What is wanted, but no more of a file than is read at first.
fn first(mut want: Want) -> Want {
    let (Part::From { limit, .. } | Part::Tail { limit }) = &mut want.part;
    *limit = (*limit).min(FIRST);
    want
}

/// Whether a file was found that has more of what is wanted than is read at first.
fn goes_on(looked: &Looked, want: &Want) -> bool {
    let Looked::File { offset, more, .. } = looked else {
        return false;
    };
    match want.part {
        Part::From { limit, .. } => limit > FIRST && *more,
        Part::Tail { limit } => limit > FIRST && *offset > 0,
    }
}

impl ReadJob {
    /// Wraps it for the queue.
    pub(crate) fn queue(self) -> Job {
        Job {
            lane: LaneKind::Files,
            in_shell: None,
            urgency: self.urgency,
            claim: self.claim.clone(),
            since: Instant::now(),
            counted: false,
            attempts: 0,
            work: Box::new(self),
        }
    }

    async fn run(mut self, slot: Slot) {
        let Some(files) = slot.files.clone() else {
            return self.run_plainly(slot).await;
        };
        if !self.claim.start() {
            return;
        }
        let mut read = self.attempt(&files, &first(self.want)).await;
        if read
            .as_ref()
            .is_ok_and(|(looked, _)| goes_on(looked, &self.want))
        {
            // What is there is let go first: nothing waits for memory while it holds some.
            drop(read);
            read = self.attempt(&files, &self.want).await;
        }
        let host = self.host.clone();
        let answer = match read {
            Ok((looked, hold)) => Ok(found(looked, self.want.part, hold)),
            Err(Unread::Busy(error)) => Err(error),
            // A read changes nothing, so it may be done again where nothing answered.
            Err(Unread::Sftp(SftpError::Lost | SftpError::Silent)) => {
                // For all who share it: the host opens one new channel, not one for each of them.
                files.retire();
                return slot.undone(self.queue(), Undone::FilesLost);
            }
            // The next channel can tell what is there now, and free the server of this one.
            Err(Unread::Sftp(SftpError::Blocked)) => {
                self.has_blocked = true;
                return slot.undone(self.queue(), Undone::FilesLost);
            }
            Err(Unread::Sftp(SftpError::Problem(problem))) => Err(FleetError::File(FileError {
                host,
                path: self.path,
                problem,
            })),
            Err(Unread::Sftp(SftpError::Open(_) | SftpError::NoSubsystem)) => {
                Err(FleetError::NoSftp { host })
            }
            Err(Unread::Late) => {
                // The server may be stuck with this request, and every later one behind it.
                files.retire();
                Err(FleetError::DeadlinePassed {
                    host,
                    doing: "reading",
                })
            }
        };
        // First the slot: who has the answer may call again at once, and must find it free.
        drop(slot);
        let _heard = self.reply.send(answer);
        drop(self.lease);
    }
}

impl ReadJob {
    /// Memory is taken when the work begins and not before: a host that does
    /// not answer must not keep it from those that do.
    async fn reserve(&self, bytes: u64) -> Result<Hold, FleetError> {
        let waiting = Instant::now();
        let hold = self.budget.reserve_for(self.urgency, bytes, self.deadline);
        hold.await.ok_or_else(|| FleetError::Busy {
            what: Contended::Memory,
            waited: waiting.elapsed(),
        })
    }

    /// Reserves the memory and reads.
    async fn attempt(&self, files: &Sftp, want: &Want) -> Result<(Looked, Hold), Unread> {
        let hold = self.reserve(memory(want)).await.map_err(Unread::Busy)?;
        let read = self.read(files, want);
        match tokio::time::timeout_at(self.deadline.instant(), read).await {
            Ok(Ok(looked)) => Ok((looked, hold)),
            Ok(Err(error)) => Err(Unread::Sftp(error)),
            Err(_) => Err(Unread::Late),
        }
    }

    async fn read(&self, files: &Sftp, want: &Want) -> Result<Looked, SftpError> {
        let path = sftp_path(&self.path);
        let looked = files.read(path, want).await;
        let fifo = SftpError::Problem(FileProblem::NotRegular(Kind::Fifo.label()));
        if self.has_blocked
            && looked.as_ref().is_err_and(|error| *error == fifo)
            && let Err(error) = files.release(path).await
        {
            tracing::warn!(host = %self.host, ?error, "a server process on the host waits until something writes to a FIFO");
        }
        looked
    }
}

impl Work for ReadJob {
    fn start(self: Box<Self>, slot: Slot) -> BoxFuture<'static, ()> {
        let span = self.span.clone();
        self.run(slot).instrument(span).boxed()
    }

    fn refuse(self: Box<Self>, error: FleetError) {
        let _heard = self.reply.send(Err(error));
    }
}

/// The path as SFTP has it: relative ones begin in the home directory (draft §6.2).
pub(crate) fn sftp_path(path: &RemotePath) -> &[u8] {
    match path.below_home() {
        Some(b"") => b".",
        Some(below) => below,
        None => path.as_bytes(),
    }
}

fn found(looked: Looked, part: Part, mut hold: Hold) -> Found {
    match looked {
        Looked::Directory(listing) => Found::Directory(listing, Arc::new(hold)),
        Looked::Tree(tree) => Found::Tree(tree, Arc::new(hold)),
        Looked::File {
            mut bytes,
            mut offset,
            mut more,
            attributes,
        } => {
            let (needs, has) = (weight(&bytes), hold.room());
            if needs > has && !hold.grow(needs - has) {
                // Rare: text full of controls while memory is short. Of a tail the end is kept.
                match part {
                    Part::From { .. } => {
                        bytes.truncate(fitting(&bytes, has));
                        more = true;
                    }
                    Part::Tail { .. } => {
                        let dropped = bytes.len() - fitting_tail(&bytes, has);
                        bytes.drain(..dropped);
                        offset += dropped as u64;
                    }
                }
            }
            hold.shrink_to(weight(&bytes));
            Found::File(Content {
                bytes,
                offset,
                more,
                attributes,
                hold: Arc::new(hold),
            })
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::file::Attributes;

    fn want(part: Part) -> Want {
        Want { part, tree: None }
    }

    fn file(offset: u64, more: bool) -> Looked {
        Looked::File {
            bytes: Vec::new(),
            offset,
            more,
            attributes: Attributes::default(),
        }
    }

    #[test]
    fn no_more_memory_is_taken_at_first_than_a_directory_needs() {
        let (offset, limit) = (7, u64::MAX);
        for part in [Part::From { offset, limit }, Part::Tail { limit }] {
            assert_eq!(memory(&first(want(part))), LISTING);
            assert_eq!(memory(&want(part)), limit);
        }
        let small = want(Part::Tail { limit: 9 });
        assert_eq!((first(small), memory(&small)), (small, LISTING));
    }

    #[test]
    fn only_what_was_cut_by_the_first_limit_is_read_again() {
        let from = |limit| want(Part::From { offset: 0, limit });
        assert!(goes_on(&file(0, true), &from(FIRST + 1)));
        assert!(!goes_on(&file(0, false), &from(FIRST + 1)));
        assert!(
            !goes_on(&file(0, true), &from(FIRST)),
            "it has all it wants"
        );
        let tail = |limit| want(Part::Tail { limit });
        assert!(goes_on(&file(1, false), &tail(FIRST + 1)));
        assert!(!goes_on(&file(0, false), &tail(FIRST + 1)));
        assert!(!goes_on(&file(1, false), &tail(FIRST)));
    }
}
