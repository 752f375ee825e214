//! The work on one host of a broadcast, from its turn to its answer.
//!
//! A turn is for work. A host that takes long to reach lets others have its turn meanwhile: those
//! that are down must not delay those that are up. Where another replica does the work, the turn is kept
//! for all of it, since from here nobody sees which part of it that is.

use super::Task;
use super::answer::What;
use super::drive::Drive;
use super::places::Place;
use super::state::State;
use crate::ops::checksum::{self, Sum};
use crate::ops::{Failure, Range, ReadReport, RunReport};
use fleet::{Bounds, Command, HostName, Lease, Outcome, RemotePath};
use sha2::{Digest, Sha256};
use std::pin::pin;
use std::time::Duration;
use tokio::sync::{Semaphore, SemaphorePermit};
use tokio::time::Instant;

/// How long a host may take to be reached before another has its turn.
const PATIENCE: Duration = Duration::from_secs(1);

/// How many hosts may be on their way without a turn.
const ASIDE: usize = 256;

/// How long a host may take to hash a file that is larger than what is read of one.
const HASHING: Duration = Duration::from_secs(5);

/// Who may work now.
pub(super) struct Turns {
    working: Semaphore,
    aside: Semaphore,
}

type Turn<'a> = SemaphorePermit<'a>;

impl Turns {
    pub(super) fn new(width: usize) -> Self {
        Self {
            working: Semaphore::new(width),
            aside: Semaphore::new(ASIDE),
        }
    }

    /// Waits for a turn.
    pub(super) async fn begin(&self) -> Turn<'_> {
        forever(self.working.acquire().await).await
    }

    /// Waits for as long as a turn is kept by a host that is not there yet.
    async fn step_aside(&self) -> Turn<'_> {
        tokio::time::sleep(PATIENCE).await;
        forever(self.aside.acquire().await).await
    }
}

/// The semaphores are never closed.
async fn forever<T, E>(acquired: Result<T, E>) -> T {
    match acquired {
        Ok(turn) => turn,
        Err(_) => std::future::pending().await,
    }
}

/// What a visit came to.
pub(super) struct Visited {
    pub(super) state: State,
    pub(super) took: Duration,
    pub(super) what: Result<What, Failure>,
}

/// Why there is no answer, and what that is called.
pub(super) type Without = (State, Failure);

impl Visited {
    /// No visit at all.
    pub(super) fn refused(failure: Failure) -> Self {
        Self {
            state: State::Refused,
            took: Duration::ZERO,
            what: Err(failure),
        }
    }
}

impl Drive<'_> {
    /// Goes to the host, does the work, and comes back with an answer, whatever it is.
    pub(super) async fn visit<'t>(
        &self,
        place: &Place,
        turns: &'t Turns,
        turn: Turn<'t>,
    ) -> Visited {
        let began = Instant::now();
        let done = async {
            if let Some(elsewhere) = &self.elsewhere {
                // The turn is kept: its owner works on it for as long as this is waited for.
                let _turn = turn;
                return self.send(place, elsewhere).await;
            }
            let (lease, _turn) = self.arrive(&place.host, turns, turn).await?;
            let path = place.path.as_ref();
            match self.task {
                Task::Run { command, bounds } => {
                    let (state, report) = self.execute(&lease, command, path, *bounds).await?;
                    Ok((state, What::Ran(report)))
                }
                Task::Read { range, tree } => {
                    let (report, sum) = self.look(&lease, path, *range, *tree).await?;
                    Ok((State::Ok, What::Read(report, sum)))
                }
            }
        };
        let (state, what) = match done.await {
            Ok((state, what)) => (state, Ok(what)),
            Err((state, failure)) => (state, Err(failure)),
        };
        Visited {
            state,
            took: began.elapsed(),
            what,
        }
    }

    /// Waits for a place in the pool and a connection, and for a turn again, if that took so long that
    /// another had it.
    async fn arrive<'t>(
        &self,
        host: &HostName,
        turns: &'t Turns,
        turn: Turn<'t>,
    ) -> Result<(Lease, Turn<'t>), Without> {
        let arriving = async {
            let lease = self
                .ops
                .lease_for(self.principal, host, self.urgency, self.until)
                .await?;
            let reached = lease.reach(self.until).await;
            reached.map_err(|error| self.ops.failure(self.principal, error))?;
            Ok(lease)
        };
        let mut arriving = pin!(arriving);
        let late = || self.without_start(host, "it could be worked on");
        let (mut turn, mut aside) = (Some(turn), None);
        let lease = loop {
            tokio::select! {
                lease = &mut arriving => break lease,
                stepped = turns.step_aside(), if turn.is_some() => {
                    (turn, aside) = (None, Some(stepped));
                }
                () = self.ended() => return Err(late()),
            }
        };
        let lease = lease.map_err(|failure| self.without(host, failure))?;
        drop(aside);
        let turn = match turn {
            Some(turn) => turn,
            None => tokio::select! {
                turn = turns.begin() => turn,
                () = self.ended() => return Err(self.without_start(host, "its turn")),
            },
        };
        Ok((lease, turn))
    }

    async fn execute(
        &self,
        lease: &Lease,
        command: &Command,
        path: Option<&RemotePath>,
        bounds: Bounds,
    ) -> Result<(State, RunReport), Without> {
        let mut command = command.clone();
        if let Some(path) = path {
            command = command.in_directory(Some(path.clone()));
        }
        let timeout = bounds.timeout.unwrap_or(self.timeout).min(self.timeout);
        let execution = tokio::select! {
            execution = lease.run(command, bounds, self.until) => execution,
            () = self.over() => return Err(self.stopped(lease.host())),
        };
        let execution = execution
            .map_err(|error| self.without(lease.host(), self.ops.failure(self.principal, error)))?;
        let state = match &execution.outcome {
            Outcome::Exited { code: 0 } => State::Ok,
            Outcome::Exited { .. } | Outcome::Signaled { .. } => State::Failed,
            // Its own time was up, and not only that of the broadcast.
            Outcome::TimedOut { .. } if execution.duration >= timeout => State::TimedOut,
            Outcome::TimedOut { .. } | Outcome::Cancelled { .. } => State::Running,
            Outcome::ConnectionLost { .. } => State::ConnectionLost,
        };
        Ok((state, RunReport::new(execution)))
    }

    /// What is at the path, and the hash of a whole file that was too large to be read whole.
    async fn look(
        &self,
        lease: &Lease,
        path: Option<&RemotePath>,
        range: Range,
        tree: Option<usize>,
    ) -> Result<(ReadReport, Option<Sum>), Without> {
        let home = RemotePath::home();
        let path = path.unwrap_or(&home);
        let reading = async {
            let read = self
                .ops
                .read_through(self.principal, lease, path, range, tree, self.until)
                .await?;
            let ReadReport::File(file) = &read else {
                return Ok((read, None));
            };
            let sum = match file.offset {
                0 if !file.truncated => Some(Sha256::digest(file.content.as_bytes()).into()),
                // The hash is worth having, not worth failing for.
                0 if range == Range::default() => {
                    let paths = std::slice::from_ref(path);
                    let sums = checksum::sha256(lease, paths, self.until.at_most(HASHING)).await;
                    sums.ok().and_then(|sums| sums.into_iter().next().flatten())
                }
                _ => None,
            };
            Ok((read, sum))
        };
        tokio::select! {
            read = reading => read.map_err(|failure| self.without(lease.host(), failure)),
            () = self.over() => Err(self.stopped(lease.host())),
        }
    }

    /// The state of a host that gave a failure instead of an answer.
    fn without(&self, host: &HostName, failure: Failure) -> Without {
        let late = self.until.left().is_zero();
        let state = match (failure.outcome, failure.code) {
            ("unreachable", _) => State::Unreachable,
            (_, "connection_lost") => State::ConnectionLost,
            (_, "deadline_passed") => State::Running,
            // It waited for others until there was no time left.
            (_, "host_busy" | "pool_busy" | "memory_busy") if late => {
                return self.without_start(host, "it could be worked on");
            }
            ("refused" | "invalid", _) => State::Refused,
            _ => State::Failed,
        };
        (state, failure)
    }

    pub(super) fn not_started(&self, host: &HostName, before: &str) -> Visited {
        let (state, failure) = self.without_start(host, before);
        Visited {
            state,
            took: Duration::ZERO,
            what: Err(failure),
        }
    }

    fn without_start(&self, host: &HostName, before: &str) -> Without {
        let message = format!("{} before {before}; nothing was done there", self.end());
        let failure = Failure {
            outcome: "failed",
            code: "not_started",
            host: Some(host.to_string()),
            hint: Some("call again for these hosts, with more time or a larger width".into()),
            ..Failure::invalid(message)
        };
        (State::NotStarted, failure)
    }

    /// The work was dropped, which stops it; what came of that was not waited for.
    pub(super) fn stopped(&self, host: &HostName) -> Without {
        let message = format!(
            "{} while it was under way; it is being stopped, and what it did until then is not known",
            self.end()
        );
        let failure = Failure {
            outcome: "failed",
            code: "stopped",
            host: Some(host.to_string()),
            ..Failure::invalid(message)
        };
        (State::Running, failure)
    }

    fn end(&self) -> &'static str {
        match self.stop.is_cancelled() {
            true => "the broadcast was ended",
            false => "the deadline of the broadcast passed",
        }
    }
}
