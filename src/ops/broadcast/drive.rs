//! Takes a broadcast from host to host: who is begun when, and what becomes of their answers.

use super::allowance::Allowance;
use super::answer::{HostAnswer, What};
use super::elsewhere::Elsewhere;
use super::places::Place;
use super::state::State;
use super::visit::{Turns, Visited};
use super::{Audience, Task};
use crate::access::Principal;
use crate::ops::fold::{Added, Groups, Normalize};
use crate::ops::{Failure, Ops, Step, Unit};
use fleet::{Deadline, HostName, Urgency};
use futures_util::StreamExt;
use futures_util::stream::FuturesUnordered;
use std::time::Duration;
use tokio_util::sync::CancellationToken;

/// A broadcast under way.
pub(super) struct Drive<'a> {
    pub(super) ops: &'a Ops,
    pub(super) principal: &'a Principal,
    pub(super) task: &'a Task,
    /// Where there are several Scouts, the way to whichever owns a host.
    pub(super) elsewhere: Option<Elsewhere<'a>>,
    /// The longest a command may take, whatever was asked for.
    pub(super) timeout: Duration,
    /// When work ends.
    pub(super) until: Deadline,
    /// When nothing is waited for any more, not even that work is known to have been stopped.
    pub(super) over: Deadline,
    pub(super) stop: CancellationToken,
    pub(super) width: usize,
    pub(super) urgency: Urgency,
    pub(super) normalize: Normalize,
}

/// What came of it.
pub(super) struct Folded {
    /// How it went in each place, in order.
    pub(super) hosts: Vec<(State, Duration)>,
    pub(super) groups: Groups<(State, What)>,
}

impl Drive<'_> {
    pub(super) async fn run(
        &self,
        places: &[Place],
        refusals: Vec<Option<Failure>>,
        allowance: Allowance,
        audience: Audience<'_>,
    ) -> Folded {
        let turns = Turns::new(self.width);
        let mut tally = Tally {
            drive: self,
            places,
            allowance,
            audience,
            done: 0,
            folded: Folded {
                hosts: vec![(State::NotStarted, Duration::ZERO); places.len()],
                groups: Groups::new(),
            },
        };
        tally.tell(&format!("{} hosts", places.len()));
        let mut waiting = Vec::new();
        for (at, (place, refusal)) in places.iter().zip(refusals).enumerate() {
            match refusal {
                Some(failure) => tally.take(at, Visited::refused(failure)),
                None => waiting.push((at, place)),
            }
        }
        let mut waiting = waiting.into_iter().peekable();
        let mut under_way = FuturesUnordered::new();
        loop {
            let more = waiting.peek().is_some();
            tokio::select! {
                Some((at, visited)) = under_way.next(), if !under_way.is_empty() => {
                    tally.take(at, visited);
                }
                () = self.ended(), if more => {
                    for (at, place) in waiting.by_ref() {
                        tally.take(at, self.not_started(&place.host, "its turn"));
                    }
                }
                turn = turns.begin(), if more => {
                    if let Some((at, place)) = waiting.next() {
                        let turns = &turns;
                        under_way.push(async move { (at, self.visit(place, turns, turn).await) });
                    }
                }
                else => return tally.folded,
            }
        }
    }

    /// Resolves when nothing new is begun.
    pub(super) async fn ended(&self) {
        tokio::select! {
            () = tokio::time::sleep_until(self.until.instant()) => {}
            () = self.stop.cancelled() => {}
        }
    }

    /// Resolves when nothing is waited for.
    pub(super) async fn over(&self) {
        tokio::select! {
            () = tokio::time::sleep_until(self.over.instant()) => {}
            () = self.stop.cancelled() => {}
        }
    }

    /// The names by which a host may call itself in what it says.
    fn names(&self, host: &HostName) -> Vec<String> {
        let entry = self.ops.fleet.inventory().find(host);
        let settings = entry.and_then(|entry| entry.settings().ok());
        let address = settings.map(|settings| settings.hostname.clone());
        std::iter::once(host.to_string()).chain(address).collect()
    }
}

/// Takes the answers as they come.
struct Tally<'a, 'l> {
    drive: &'a Drive<'a>,
    places: &'a [Place],
    allowance: Allowance,
    audience: Audience<'l>,
    done: usize,
    folded: Folded,
}

impl Tally<'_, '_> {
    fn take(&mut self, at: usize, visited: Visited) {
        let Some(place) = self.places.get(at) else {
            return;
        };
        let names = self.drive.names(&place.host);
        let Visited { state, took, what } = visited;
        let mut answer = HostAnswer {
            host: place.host.to_string(),
            path: place.path.as_ref().map(ToString::to_string),
            state,
            took,
            what: match what {
                Ok(what) => what,
                Err(failure) => What::failed(failure, &names),
            },
        };
        self.done += 1;
        self.tell(&format!("{place}: {}", state.words()));
        if let Some(each) = &mut self.audience.each {
            each(&answer);
        }
        if let Some(host) = self.folded.hosts.get_mut(at) {
            *host = (state, took);
        }
        answer.what.normalize(self.drive.normalize, &names);
        let key = answer.what.key(state, self.drive.normalize);
        let most = self.allowance.next();
        match self.folded.groups.add(at, key, (state, answer.what)) {
            Added::Equal((_, kept), (_, other)) => kept.stand_for(&other),
            Added::Kept((_, kept)) => {
                kept.keep(most);
                self.allowance.keep(kept.size());
            }
        }
    }

    fn tell(&self, message: &str) {
        self.audience.progress.tell(Step {
            done: self.done as u64,
            total: Some(self.places.len() as u64),
            unit: Unit::Hosts,
            message,
        });
    }
}
