//! Copying files and directories: from this machine to a host, back, and between hosts.
//!
//! One engine for all directions: two [`side`]s with the same verbs, and a [`file`] that goes from
//! one to the other whole or not at all. Content streams through a bounded piece of memory; nothing
//! is ever kept. What may be touched of this machine is decided in [`places`] and kept by the
//! kernel in [`beneath`].

mod below;
mod beneath;
mod ends;
mod failure;
mod file;
mod hash;
mod local;
mod meter;
mod own;
mod partial;
mod place;
mod places;
mod remote;
mod report;
mod seen;
mod side;
mod stream;
mod survey;
mod sweep;
mod tree;
mod turn;

pub use place::CopyPlace;
pub use places::LocalPlaces;
pub use report::{CopyReport, Counts, Direction, Problem, Skipped, transfer_failed};
pub(super) use turn::Turns;

use super::checksum;
use super::{Failure, Ops, Progress};
use crate::access::{Action, Decision, Principal, decide};
use below::Below;
use ends::{Origin, Reach};
use file::FileCopy;
use fleet::file::Kind;
use fleet::{Deadline, FileSession, HostName, Lease, Target, Urgency};
use meter::Meter;
use side::Side;
use std::path::PathBuf;
use std::time::{Duration, Instant};
use survey::Survey;
use tree::{TreeCopy, TreeEnd};

/// What a copy leaves of its time to say how far it came.
const LAST_WORDS: Duration = Duration::from_millis(500);

/// What to copy.
#[derive(Debug, Clone)]
pub struct CopyRequest {
    /// From where.
    pub from: CopyPlace,
    /// To where.
    pub to: CopyPlace,
    /// Whether a file that is there is replaced.
    pub overwrite: bool,
}

impl Ops {
    /// Copies a file, or a directory with everything in it.
    ///
    /// # Errors
    /// Why nothing was copied. A directory of which only a part was copied is a report that says
    /// so.
    pub async fn copy(
        &self,
        principal: &Principal,
        request: CopyRequest,
        progress: Progress,
        deadline: Deadline,
    ) -> Result<CopyReport, Failure> {
        let direction = self.may_copy(principal, &request)?;
        let meter = Meter::new(progress);
        let copying = self.copy_within(principal, &request, direction, &meter, deadline);
        let ended = match tokio::time::timeout_at(deadline.instant(), copying).await {
            Ok(ended) => ended,
            Err(_) => Err(failure::failed(
                "deadline_passed",
                "the deadline of the call passed during the copy".into(),
            )),
        };
        ended.map_err(|failed| how_far(failed, &meter))
    }

    /// Copies between a file of this machine and one on a host: there if the local one exists, else
    /// here. Nothing is ever replaced.
    ///
    /// # Errors
    /// As for [`copy`](Self::copy).
    pub async fn beam(
        &self,
        principal: &Principal,
        target: Target,
        local: PathBuf,
        progress: Progress,
        deadline: Deadline,
    ) -> Result<CopyReport, Failure> {
        // Before anything of this machine is looked at.
        self.decide(principal, Action::Read, &target.host)?;
        self.may_touch_this_machine(principal)?;
        let upload = ends::is_there(self.places.clone(), local.clone()).await?;
        let (here, there) = (CopyPlace::Local(local), CopyPlace::Remote(target));
        let (from, to) = if upload { (here, there) } else { (there, here) };
        let request = CopyRequest {
            from,
            to,
            overwrite: false,
        };
        let copied = self.copy(principal, request, progress, deadline).await;
        copied.map_err(|failed| match failed.code {
            "exists" => Failure {
                hint: Some("choose another name, or replace it with `copy`".into()),
                ..failed
            },
            _ => failed,
        })
    }

    fn may_copy(&self, principal: &Principal, request: &CopyRequest) -> Result<Direction, Failure> {
        let direction = match (&request.from, &request.to) {
            (CopyPlace::Remote(_), CopyPlace::Remote(_)) => Direction::HostToHost,
            (CopyPlace::Local(_), CopyPlace::Remote(_)) => Direction::Upload,
            (CopyPlace::Remote(_), CopyPlace::Local(_)) => Direction::Download,
            (CopyPlace::Local(_), CopyPlace::Local(_)) => {
                return Err(Failure {
                    hint: Some("a place on a host is written `host:/path`".into()),
                    ..Failure::invalid("both places are of this machine; one must be on a host")
                });
            }
        };
        for (place, action) in [(&request.from, Action::Read), (&request.to, Action::Write)] {
            if let CopyPlace::Remote(target) = place {
                self.decide(principal, action, &target.host)?;
            }
        }
        if direction != Direction::HostToHost {
            self.may_touch_this_machine(principal)?;
        }
        Ok(direction)
    }

    /// Reading from this machine's disk into the fleet is as much as writing to it.
    fn may_touch_this_machine(&self, principal: &Principal) -> Result<(), Failure> {
        match decide(&self.visible, principal, Action::Write, None) {
            Decision::Allow => Ok(()),
            Decision::Refuse(denial) => Err(Failure::refused(denial.to_string())),
            Decision::AllowArgv(_) | Decision::UnknownHost => Err(Failure::refused(
                "this machine's files are not for this caller",
            )),
        }
    }

    async fn copy_within(
        &self,
        principal: &Principal,
        request: &CopyRequest,
        direction: Direction,
        meter: &Meter,
        deadline: Deadline,
    ) -> Result<CopyReport, Failure> {
        let began = Instant::now();
        let _turn = self.turns.wait(deadline).await?;
        let working = deadline.at_most(deadline.left().saturating_sub(LAST_WORDS));
        let mut sessions = self.sessions(principal, request, working).await?;
        let mut ends = self.ends(principal, request, &sessions, working).await?;
        let seen = ends.0.seen;
        let survey = match seen.kind {
            Kind::Directory => Some(Survey::of(&ends.0.side, seen).await?),
            _ => None,
        };
        let bytes = own::bytes(seen, survey.as_ref());
        let own = own::sessions(&sessions, bytes, working).await;
        if own.iter().any(Option::is_some) {
            drop(ends);
            for ((_, files), own) in sessions.iter_mut().zip(own) {
                if let Some(own) = own {
                    *files = own;
                }
            }
            ends = self.ends(principal, request, &sessions, working).await?;
        }
        let (origin, to, target) = ends;
        let _claimed = self
            .turns
            .claim(to.place(&target).await, &to.show(&target))?;
        let job = Job {
            origin: &origin,
            to: &to,
            target: &target,
            overwrite: request.overwrite,
            direction,
            meter,
            deadline: working,
            began,
        };
        match survey {
            Some(survey) => job.tree(survey).await,
            None => job.file().await,
        }
    }

    /// The two sides of a copy, and where on the second it will be.
    async fn ends<'a>(
        &'a self,
        principal: &'a Principal,
        request: &CopyRequest,
        sessions: &'a [(Lease, FileSession)],
        deadline: Deadline,
    ) -> Result<(Origin<'a>, Side<'a>, Below), Failure> {
        let reach = Reach {
            ops: self,
            principal,
            sessions,
            deadline,
        };
        let origin = reach.origin(&request.from).await?;
        let (to, target) = reach.end(&request.to, &origin).await?;
        Ok((origin, to, target))
    }

    /// A lease and a channel for each host of the copy. Always in the order of their names: two
    /// copies that wait for each other's host would wait for ever.
    async fn sessions(
        &self,
        principal: &Principal,
        request: &CopyRequest,
        deadline: Deadline,
    ) -> Result<Vec<(Lease, FileSession)>, Failure> {
        let mut hosts: Vec<&HostName> = Vec::new();
        for place in [&request.from, &request.to] {
            if let CopyPlace::Remote(target) = place {
                hosts.push(&target.host);
            }
        }
        hosts.sort_unstable();
        hosts.dedup();
        let mut leases = Vec::with_capacity(hosts.len());
        // One copy after the other, or each of two could have one place of a small pool.
        let gate = self.turns.gate(deadline).await?;
        for host in hosts {
            let lease = self.lease_for(principal, host, Urgency::Bulk, deadline);
            leases.push(lease.await?);
        }
        drop(gate);
        let mut sessions = Vec::with_capacity(leases.len());
        for lease in leases {
            let files = lease.files(deadline).await;
            let files = files.map_err(|error| self.failure(principal, error))?;
            sessions.push((lease, files));
        }
        Ok(sessions)
    }
}

/// A copy whose sides are known.
struct Job<'a> {
    origin: &'a Origin<'a>,
    to: &'a Side<'a>,
    target: &'a Below,
    overwrite: bool,
    direction: Direction,
    meter: &'a Meter,
    deadline: Deadline,
    began: Instant,
}

impl Job<'_> {
    async fn file(&self) -> Result<CopyReport, Failure> {
        let source = Below::here();
        self.meter.expect(self.origin.seen.size);
        let copy = FileCopy {
            from: &self.origin.side,
            source: &source,
            to: self.to,
            target: self.target,
            overwrite: self.overwrite,
            in_new_directory: false,
            meter: self.meter,
        };
        let copied = copy.run().await?;
        sweep::sweep(self.to, &self.target.parent(), self.deadline).await;
        Ok(CopyReport {
            kind: "file",
            bytes: copied.size,
            sent_bytes: copied.sent,
            resumed_at: copied.resumed_at,
            sha256: Some(checksum::hex(&copied.sha256)),
            replaced: Some(copied.replaced),
            ..self.report()
        })
    }

    async fn tree(&self, survey: Survey) -> Result<CopyReport, Failure> {
        let copy = TreeCopy {
            from: &self.origin.side,
            to: self.to,
            top: self.target,
            overwrite: self.overwrite,
            meter: self.meter,
            deadline: self.deadline,
        };
        let TreeEnd {
            counts,
            bytes,
            problems,
            skipped,
            stopped,
        } = copy.run(survey).await;
        let report = CopyReport {
            kind: "directory",
            bytes,
            sent_bytes: self.meter.total_sent(),
            files: Some(counts),
            ..self.report()
        };
        let report = report.with_entries(problems, skipped);
        let failed = report.files.map_or(0, |files| files.failed);
        Ok(match stopped {
            Some(failure) => {
                let failure = how_far(failure, self.meter);
                CopyReport {
                    outcome: "failed",
                    code: Some(failure.code),
                    message: Some(failure.message),
                    hint: failure.hint,
                    ..report
                }
            }
            None if failed > 0 => CopyReport {
                outcome: "failed",
                code: Some("incomplete"),
                message: Some(format!("{failed} entries could not be copied")),
                hint: Some("mend what is named, then make the same call: what is there already is not sent again".into()),
                ..report
            },
            None => report,
        })
    }

    fn report(&self) -> CopyReport {
        CopyReport {
            outcome: "copied",
            code: None,
            message: None,
            hint: None,
            from: self.origin.side.show(&Below::here()),
            to: self.to.show(self.target),
            direction: self.direction,
            kind: "file",
            bytes: 0,
            sent_bytes: 0,
            resumed_at: None,
            sha256: None,
            replaced: None,
            files: None,
            failures: Vec::new(),
            skipped: Vec::new(),
            duration_ms: u64::try_from(self.began.elapsed().as_millis()).unwrap_or(u64::MAX),
        }
    }
}

/// Says of a copy that was cut how far it came, and that it can go on.
fn how_far(failed: Failure, meter: &Meter) -> Failure {
    let (done, total) = meter.state();
    if !failure::may_go_on(&failed) || done == 0 {
        return failed;
    }
    Failure {
        message: format!(
            "{}; {done} of {total} bytes had been copied",
            failed.message
        ),
        hint: Some("make the same call again: it goes on from there".into()),
        ..failed
    }
}
