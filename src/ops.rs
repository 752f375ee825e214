//! What tools, resources and the command line share: each operation once, with its report.
//!
//! An operation takes a checked request and a [`Principal`], decides whether that principal may do
//! it, asks the fleet, and answers with a report that can be shown as text and serialised. It
//! knows neither MCP nor terminals.

mod ask;
mod broadcast;
mod checksum;
mod compose;
mod copy;
mod decode;
mod diff;
mod docker;
mod failure;
mod find;
mod fold;
mod hosts;
mod inspect;
mod place;
mod progress;
mod read;
mod run;
mod select;
mod sent;
mod sftp;
mod sweep;
mod syslog;
mod text;
mod walk;
mod zfs;

pub use ask::Shown;
pub use broadcast::{
    Audience, BroadcastReport, BroadcastRequest, DEFAULT_WIDTH, HostAnswer, MAX_PLACES, MAX_WIDTH,
    OwnersAnswer, Place, Section, State, Visit, Work,
};
pub use compose::{Project, ProjectName, Projects};
pub use copy::{
    CopyPlace, CopyReport, CopyRequest, Counts, Direction, LocalPlaces, Problem, Skipped,
    transfer_failed,
};
pub use diff::{
    DEFAULT_CONTEXT, DiffReport, DiffRequest, DifferenceReport, DirectoriesReport, FilesReport,
    MAX_CONTEXT, RelativeReport, SideReport,
};
pub use docker::{Container, ContainerName, Containers};
pub use failure::Failure;
pub use find::{
    DEFAULT_FIND_LIMIT, FindKind, FindReport, FindRequest, MAX_FIND_DEPTH, MAX_FIND_LIMIT,
    MatchReport, Wanted,
};
pub use fold::Normalize;
pub use hosts::{HostLine, HostsReport, HostsRequest};
pub use place::PlaceReport;
pub use progress::{Progress, Step, Unit};
pub use read::{
    DEFAULT_DEPTH, DirectoryReport, EntryReport, FileReport, MAX_DEPTH, NodeReport, Range,
    ReadReport, ReadRequest, TreeReport,
};
pub use run::{RunReport, RunRequest};
pub(crate) use text::one_line;
pub use text::{Bytes, Printable};
pub use zfs::PoolName;

use crate::access::{Action, Decision, Principal, Visible, decide};
use crate::balancer::Balancer;
use fleet::{Deadline, Fleet, FleetError, HostName, Lease, Urgency};
use std::sync::Arc;

/// The operations, on one fleet.
#[derive(Clone)]
pub struct Ops {
    fleet: Fleet,
    visible: Visible,
    /// What copies may touch of this machine.
    places: LocalPlaces,
    turns: copy::Turns,
    /// Where several Scouts are one, the way to the others.
    balancer: Option<Arc<Balancer>>,
}

impl Ops {
    /// Operations on this fleet, of which clients see these hosts, and nothing of this machine.
    #[must_use]
    pub fn new(fleet: Fleet, visible: Visible) -> Self {
        Self {
            fleet,
            visible,
            places: LocalPlaces::none(),
            turns: copy::Turns::default(),
            balancer: None,
        }
    }

    /// The same, with these places of this machine for copies.
    #[must_use]
    pub fn with_places(mut self, places: LocalPlaces) -> Self {
        self.places = places;
        self
    }

    /// The same, with broadcasts that go to each host through this balancer.
    #[must_use]
    pub fn with_balancer(mut self, balancer: Option<Balancer>) -> Self {
        self.balancer = balancer.map(Arc::new);
        self
    }

    /// The names this principal may know, in order.
    #[must_use]
    pub fn visible_hosts(&self, principal: &Principal) -> Vec<HostName> {
        let hosts = self.fleet.inventory().iter().map(|entry| entry.name());
        hosts
            .filter(|host| self.visible.to(principal, host.as_str()))
            .cloned()
            .collect()
    }

    /// Whether the principal may do this on that host, and if need be in which other words. A
    /// host it may not see is answered like one that does not exist.
    fn decide(
        &self,
        principal: &Principal,
        action: Action<'_>,
        host: &HostName,
    ) -> Result<Decision, Failure> {
        self.decide_on(principal, action, Some(host))
    }

    /// The same, or whether the principal may do this on any host at all.
    fn decide_on(
        &self,
        principal: &Principal,
        action: Action<'_>,
        host: Option<&HostName>,
    ) -> Result<Decision, Failure> {
        // Before anything else is looked at: what is wrong with the rest of a request must not tell
        // a hidden host from one that does not exist, nor must the time this takes.
        let name = host.map(HostName::as_str);
        let unknown = || Err(self.unknown_host(principal, name.unwrap_or_default()));
        if host.is_some_and(|host| self.fleet.inventory().find(host).is_none()) {
            return unknown();
        }
        match decide(&self.visible, principal, action, name) {
            Decision::UnknownHost => unknown(),
            Decision::Refuse(denial) => Err(Failure::denied(host, &denial)),
            allowed => Ok(allowed),
        }
    }

    /// What one call may hold while it has no answer yet, as output: others need room beside it, and
    /// so does it for what it has a host run.
    fn most_held(&self) -> u64 {
        fleet::Budget::output_of(self.fleet.limits().output_budget) / 2
    }

    /// A lease for one question to one host.
    async fn lease(
        &self,
        principal: &Principal,
        host: &HostName,
        deadline: Deadline,
    ) -> Result<Lease, Failure> {
        self.lease_for(principal, host, Urgency::Interactive, deadline)
            .await
    }

    /// A lease for work of this urgency. Bulk is what goes over many hosts, over the content of many
    /// files, or moves them: a broadcast to more than one place, a search for a text, a comparison of
    /// directories, a copy.
    async fn lease_for(
        &self,
        principal: &Principal,
        host: &HostName,
        urgency: Urgency,
        deadline: Deadline,
    ) -> Result<Lease, Failure> {
        self.fleet
            .lease_for(host, urgency, deadline)
            .await
            .map_err(|error| match error {
                FleetError::UnknownHost { host } => self.unknown_host(principal, &host),
                other => self.failure(principal, other),
            })
    }

    /// An error of the fleet, as this principal may see it: a jump host it may not see has no name.
    fn failure(&self, principal: &Principal, mut error: FleetError) -> Failure {
        if let FleetError::Unreachable { error, .. } = &mut error
            && let Some(hop) = &mut error.hop
            && !self.visible.to(principal, hop)
        {
            "hidden".clone_into(hop);
        }
        error.into()
    }

    fn unknown_host(&self, principal: &Principal, host: &str) -> Failure {
        Failure::unknown_host(host, &self.visible_hosts(principal))
    }
}
