//! Hosts that other replicas own: asked for through the balancer, and answered for each other.
//!
//! The balancer knows who owns a host; it may be this very replica. Who asks has decided that its caller
//! may do this; who is asked decides it again.

use super::answer::What;
use super::drive::Drive;
use super::places::Place;
use super::sent::{SentVisited, SentWork, Visit, milliseconds, path_text};
use super::state::State;
use super::visit::{Turns, Visited, Without};
use super::{Work, times};
use crate::access::Principal;
use crate::balancer::{Answered, Balancer, Unanswered};
use crate::ops::{Failure, Normalize, Ops};
use fleet::{Deadline, HostName, Urgency};
use serde::ser::{Serialize, Serializer};
use std::fmt;
use std::sync::Arc;
use std::time::Duration;
use tokio_util::sync::CancellationToken;

/// The way to the owners of hosts, with the work as it was asked for.
pub(super) struct Elsewhere<'a> {
    balancer: &'a Balancer,
    work: Arc<SentWork>,
    max_bytes: Option<u64>,
    most: u64,
}

/// What the owner of a host is asked.
#[derive(serde::Serialize)]
struct Asked<'a> {
    host: &'a str,
    caller: &'a str,
    visit: Visit,
}

/// What came of a visit on behalf of another replica.
pub struct OwnersAnswer(Visited);

impl OwnersAnswer {
    /// Whether it went well.
    #[must_use]
    pub fn is_success(&self) -> bool {
        self.0.state == State::Ok
    }

    /// Accounts for its memory.
    #[must_use]
    pub fn hold(&self) -> Option<Arc<fleet::Hold>> {
        self.0.what.as_ref().ok().and_then(What::hold)
    }
}

impl Serialize for OwnersAnswer {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        SentVisited::of(&self.0).serialize(serializer)
    }
}

/// Nobody reads it.
impl fmt::Display for OwnersAnswer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.0.state.label())
    }
}

impl Ops {
    /// The way elsewhere, where there is one.
    pub(super) fn elsewhere(
        &self,
        work: &Work,
        max_bytes: Option<u64>,
        most: u64,
    ) -> Result<Option<Elsewhere<'_>>, Failure> {
        let Some(balancer) = &self.balancer else {
            return Ok(None);
        };
        Ok(Some(Elsewhere {
            balancer,
            work: Arc::new(SentWork::of(work)?),
            max_bytes,
            most,
        }))
    }

    /// Visits a host that is this replica's, for a broadcast of another.
    ///
    /// # Errors
    /// What is wrong with the request, or what this principal may not do.
    pub async fn visit(
        &self,
        principal: &Principal,
        host: HostName,
        visit: Visit,
        deadline: Deadline,
    ) -> Result<OwnersAnswer, Failure> {
        let (place, urgency) = (visit.place(host)?, visit.urgency());
        let Visit {
            work,
            max_bytes,
            most,
            span_ms,
            ..
        } = visit;
        let work = Arc::unwrap_or_clone(work).work()?;
        let limits = self.fleet.limits();
        let most = most.min(limits.max_output);
        let places = [place];
        let (task, refusals) = self.prepare(principal, &places, work, max_bytes, most)?;
        if let Some(failure) = refusals.into_iter().flatten().next() {
            return Ok(OwnersAnswer(Visited::refused(failure)));
        }
        let (until, over) = times(deadline, Some(Duration::from_millis(span_ms)));
        let drive = Drive {
            ops: self,
            principal,
            task: &task,
            elsewhere: None,
            timeout: limits.command_timeout,
            until,
            over,
            stop: CancellationToken::new(),
            width: 1,
            urgency,
            normalize: Normalize::default(),
        };
        let turns = Turns::new(1);
        let turn = turns.begin().await;
        let [place] = &places;
        Ok(OwnersAnswer(drive.visit(place, &turns, turn).await))
    }
}

impl Drive<'_> {
    /// Has the owner of the host do it.
    pub(super) async fn send(
        &self,
        place: &Place,
        elsewhere: &Elsewhere<'_>,
    ) -> Result<(State, What), Without> {
        let host = &place.host;
        let path = place.path.as_ref().map(path_text).transpose();
        let path = path.map_err(|failure| (State::Refused, failure))?;
        let asked = || Asked {
            host: host.as_str(),
            caller: &self.principal.name,
            visit: Visit {
                path: path.clone(),
                work: Arc::clone(&elsewhere.work),
                max_bytes: elsewhere.max_bytes,
                most: elsewhere.most,
                bulk: self.urgency == Urgency::Bulk,
                span_ms: milliseconds(self.until.left()),
            },
        };
        let visit = elsewhere.balancer.visit(host, asked, self.until, self.over);
        let answered = tokio::select! {
            biased;
            answered = visit => answered,
            () = self.stop.cancelled() => return Err(self.stopped(host)),
        };
        let answered = match answered {
            Ok(answered) => answered,
            Err(Unanswered::Late) => return Err(self.stopped(host)),
            Err(unanswered) => return Err(unheard(host, unanswered)),
        };
        self.take_over(place, answered).await
    }

    /// An answer as if it had been given here. As here, what finds no room is cut.
    async fn take_over(
        &self,
        place: &Place,
        answered: Answered<SentVisited<'static>>,
    ) -> Result<(State, What), Without> {
        let Answered { data, bytes, room } = answered;
        let hold = self.ops.fleet.reserve(self.urgency, 0, self.over).await;
        let mut hold = hold.map_err(|_| unheard(&place.host, Unanswered::NoRoom))?;
        let fits = hold.grow(bytes);
        let visited = data.visited(place, Arc::new(hold));
        drop(room);
        let Some((state, what)) = visited else {
            let odd = "its answer is not understood".into();
            return Err(unheard(&place.host, Unanswered::Lost(odd)));
        };
        let mut what = what.map_err(|failure| (state, failure))?;
        if !fits {
            what.keep(0);
        }
        Ok((state, what))
    }
}

/// What it means for a host that its owner was not heard.
fn unheard(host: &HostName, unanswered: Unanswered) -> Without {
    let message = unanswered.to_string();
    let (state, outcome, code, hint) = match unanswered {
        Unanswered::NotSent(_) => (
            State::Unreachable,
            "unreachable",
            "replica_unreachable",
            "nothing was done on the host; check `balancer.url`, and that replicas are up",
        ),
        Unanswered::Busy(_) => (
            State::Refused,
            "refused",
            "replica_busy",
            "nothing was done on the host; ask again, with a smaller `width`, or raise `limits.max_concurrent_requests`",
        ),
        Unanswered::Refused(_) => (
            State::Refused,
            "refused",
            "replica_refused",
            "nothing was done on the host; all replicas need the same version, keys, hosts and `balancer.key_file`",
        ),
        Unanswered::Lost(_) => (
            State::ConnectionLost,
            "failed",
            "connection_lost",
            "look at the host before this is done again",
        ),
        Unanswered::Late => (
            State::Running,
            "failed",
            "stopped",
            "call again with more time",
        ),
        Unanswered::NoRoom => (
            State::Failed,
            "failed",
            "memory_busy",
            "ask for less output (`max_bytes`), or raise `limits.output_budget`",
        ),
    };
    let failure = Failure {
        outcome,
        code,
        host: Some(host.to_string()),
        hint: Some(hint.into()),
        ..Failure::invalid(message)
    };
    (state, failure)
}
