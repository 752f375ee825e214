//! One piece of work on many hosts, and one answer: what is equal is said once.
//!
//! Whether the caller may do it is decided for every host before anything is sent to one. When the
//! deadline passes, the answer has what is ready, and a state for every host; what was under way then
//! is stopped, because nothing outlives its call.

mod allowance;
mod answer;
mod drive;
mod elsewhere;
mod members;
mod places;
mod report;
mod sent;
mod state;
mod text;
mod visit;

pub use answer::HostAnswer;
pub use elsewhere::OwnersAnswer;
pub use places::Place;
pub use report::BroadcastReport;
pub use sent::Visit;
pub use state::State;
pub use text::Section;

use super::fold::Normalize;
use super::read::check_depth;
use super::{Failure, Ops, Progress, Range};
use crate::access::{Action, Principal};
use allowance::Allowance;
use drive::Drive;
use fleet::{Bounds, Budget, Command, Deadline, Program, RemotePath, Urgency};
use std::ffi::OsString;
use std::time::Duration;
use tokio_util::sync::CancellationToken;

/// The most places of one broadcast.
pub const MAX_PLACES: usize = 1024;

/// The most hosts that are worked on at once.
pub const MAX_WIDTH: usize = 256;

/// The hosts that are worked on at once when no number is given.
pub const DEFAULT_WIDTH: usize = 128;

/// What remains of a request for stopping what is under way at the deadline, and for the answer.
const MARGIN: Duration = Duration::from_secs(3);

/// Bytes of each stream that every host may give, however many there are.
const LEAST: u64 = 4 << 10;

/// What to do, and where.
#[derive(Debug, Clone)]
pub struct BroadcastRequest {
    /// Where, in the order in which it is begun.
    pub places: Vec<Place>,
    /// What.
    pub work: Work,
    /// Hosts worked on at once.
    pub width: usize,
    /// After how long the answer has what is ready; at most what is left of the request.
    pub deadline: Option<Duration>,
    /// What is taken for equal although its bytes differ.
    pub normalize: Normalize,
    /// Bytes kept of each output stream, or of each file.
    pub max_bytes: Option<u64>,
    /// Whether the text says once what is equal; the data always does.
    pub fold: bool,
}

/// What to do on each host.
#[derive(Debug, Clone)]
pub enum Work {
    /// Run a command; in the directory of the place, if that has a path.
    Run {
        /// A line for the shell, or a program with its arguments.
        program: Program,
        /// In which directory, where the place names none.
        cwd: Option<RemotePath>,
        /// With which variables.
        env: Vec<(String, OsString)>,
        /// With which input.
        stdin: Option<String>,
        /// For how long, on each host.
        timeout: Option<Duration>,
    },
    /// Read what is at the path of the place.
    Read {
        /// Which part of a file.
        range: Range,
        /// Of a directory: the tree down to this depth instead of the listing.
        tree: Option<usize>,
    },
}

/// Who hears how far a broadcast is, and can end it.
pub struct Audience<'a> {
    /// Hears of every host that is done, by name and state.
    pub progress: &'a Progress,
    /// Gets every answer as it comes, before it is compared.
    pub each: Option<&'a mut (dyn FnMut(&HostAnswer) + Send)>,
    /// Ends the broadcast as its deadline would, but waits for nothing.
    pub stop: CancellationToken,
}

/// When work ends that may take so long, and when nothing is waited for any more.
fn times(deadline: Deadline, span: Option<Duration>) -> (Deadline, Deadline) {
    // Of a short request a quarter.
    let margin = MARGIN.min(deadline.left() / 4);
    let until = Deadline::at(deadline.instant() - margin);
    let until = span.map_or(until, |span| until.at_most(span));
    let over = (until.instant() + MARGIN).min(deadline.instant() - margin / 10);
    (until, Deadline::at(over))
}

/// The work as it is done: checked, and allowed.
enum Task {
    Run { command: Command, bounds: Bounds },
    Read { range: Range, tree: Option<usize> },
}

impl Ops {
    /// Does it on every host.
    ///
    /// # Errors
    /// What is wrong with the request, or what this principal may do nowhere; then nothing was sent
    /// to any host. A place that it may not see is refused alone.
    pub async fn broadcast(
        &self,
        principal: &Principal,
        request: BroadcastRequest,
        deadline: Deadline,
        audience: Audience<'_>,
    ) -> Result<BroadcastReport, Failure> {
        let BroadcastRequest {
            places,
            work,
            width,
            deadline: span,
            normalize,
            max_bytes,
            fold,
        } = request;
        if places.is_empty() {
            return Err(Failure::invalid("a broadcast needs at least one host"));
        }
        places::too_many(places.len())?;
        if !(1..=MAX_WIDTH).contains(&width) {
            return Err(Failure::invalid(format!("`width` is 1 to {MAX_WIDTH}")));
        }
        let limits = self.fleet.limits();
        // What is kept must leave room in the memory of all calls for what is still to come.
        let room = Budget::output_of(limits.output_budget) / 2;
        let allowance = Allowance::new(limits.max_output.min(room), places.len());
        let most = max_bytes.unwrap_or_else(|| allowance.each().max(LEAST));
        let elsewhere = self.elsewhere(&work, max_bytes, most)?;
        let (task, refusals) = self.prepare(principal, &places, work, max_bytes, most)?;
        let (until, over) = times(deadline, span);
        let drive = Drive {
            ops: self,
            principal,
            task: &task,
            elsewhere,
            timeout: limits.command_timeout,
            until,
            over,
            stop: audience.stop.clone(),
            width,
            // To one place it is one question, however it was asked.
            urgency: match places.len() {
                1 => Urgency::Interactive,
                _ => Urgency::Bulk,
            },
            normalize,
        };
        let folded = drive.run(&places, refusals, allowance, audience).await;
        Ok(BroadcastReport::new(places, folded, normalize, fold))
    }

    /// Decides what can be decided before anything is sent: for the work as such, and for each host.
    fn prepare(
        &self,
        principal: &Principal,
        places: &[Place],
        work: Work,
        max_bytes: Option<u64>,
        most: u64,
    ) -> Result<(Task, Vec<Option<Failure>>), Failure> {
        match work {
            Work::Read { range, tree } => {
                check_depth(tree)?;
                if places.iter().any(|place| place.path.is_none()) {
                    return Err(Failure::invalid("reading needs a path"));
                }
                let range = match (range, max_bytes) {
                    (Range::Bytes { offset, limit }, Some(most)) => Range::Bytes {
                        offset,
                        limit: Some(limit.unwrap_or(u64::MAX).min(most)),
                    },
                    (_, Some(_)) => {
                        return Err(Failure::invalid(
                            "`max_bytes` goes with whole files, not with `lines` or `tail`",
                        ));
                    }
                    (range, None) => range,
                };
                let decided = places
                    .iter()
                    .map(|place| self.decide(principal, Action::Read, &place.host).err());
                Ok((Task::Read { range, tree }, decided.collect()))
            }
            Work::Run {
                program,
                cwd,
                env,
                stdin,
                timeout,
            } => {
                let command = self
                    .command(principal, None, program, env, stdin)?
                    .in_directory(cwd);
                let program = command.program();
                let decided = places.iter().map(|place| {
                    self.decide_program(principal, Some(&place.host), program)
                        .err()
                });
                let refusals = decided.collect();
                let bounds = Bounds {
                    timeout,
                    max_bytes: Some(most),
                    compared: true,
                };
                Ok((Task::Run { command, bounds }, refusals))
            }
        }
    }
}
