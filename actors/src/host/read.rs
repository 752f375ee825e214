//! The job that reads a file or directory: over SFTP, or by a script where the host has none.

mod parse;
mod plain;

use super::job::{Claim, Job, LaneKind, Slot, Undone, Work};
use crate::budget::{Budget, Hold, fitting, fitting_tail, weight};
use crate::error::{Contended, FileError, FileProblem, FleetError};
use crate::file::{Content, Found, Kind, Part, Want};
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

/// Everything a read needs.
pub(crate) struct ReadJob {
    pub(crate) host: HostName,
    pub(crate) path: RemotePath,
    pub(crate) want: Want,
    pub(crate) deadline: Deadline,
    /// Where the memory for what is read comes from, and how much is needed to begin with.
    pub(crate) budget: Budget,
    pub(crate) memory: u64,
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
        let hold = match self.reserve(self.memory).await {
            Ok(hold) => hold,
            Err(error) => return drop(self.reply.send(Err(error))),
        };
        let read = self.read(&files);
        let read = tokio::time::timeout_at(self.deadline.instant(), read).await;
        let host = self.host.clone();
        let answer = match read {
            Ok(Ok(looked)) => Ok(found(looked, self.want.part, hold)),
            // A read changes nothing, so it may be done again where nothing answered.
            Ok(Err(SftpError::Lost | SftpError::Silent)) => {
                // For all who share it: the host opens one new channel, not one for each of them.
                files.retire();
                return slot.undone(self.queue(), Undone::FilesLost);
            }
            // The next channel can tell what is there now, and free the server of this one.
            Ok(Err(SftpError::Blocked)) => {
                self.has_blocked = true;
                return slot.undone(self.queue(), Undone::FilesLost);
            }
            Ok(Err(SftpError::Problem(problem))) => Err(FleetError::File(FileError {
                host,
                path: self.path,
                problem,
            })),
            Ok(Err(SftpError::Open(_) | SftpError::NoSubsystem)) => {
                Err(FleetError::NoSftp { host })
            }
            Err(_) => {
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
    /// The memory to begin with. It is taken when the work begins and not before: a host that does
    /// not answer must not keep it from those that do.
    async fn reserve(&self, bytes: u64) -> Result<Hold, FleetError> {
        let waiting = Instant::now();
        let hold = self.budget.reserve_for(self.urgency, bytes, self.deadline);
        hold.await.ok_or_else(|| FleetError::Busy {
            what: Contended::Memory,
            waited: waiting.elapsed(),
        })
    }

    async fn read(&self, files: &Sftp) -> Result<Looked, SftpError> {
        let path = sftp_path(&self.path);
        let looked = files.read(path, &self.want).await;
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
