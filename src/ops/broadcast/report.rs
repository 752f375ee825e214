//! The one answer of a broadcast: its groups, and a state for every place.

use super::answer::{What, milliseconds};
use super::drive::Folded;
use super::members::folded;
use super::places::Place;
use super::state::State;
use crate::ops::fold::{Normalize, difference};
use serde::ser::{Serialize, SerializeMap, SerializeSeq, Serializer};
use std::sync::Arc;
use std::time::Duration;

/// How it went everywhere.
#[derive(Debug)]
pub struct BroadcastReport {
    pub(super) places: Vec<Place>,
    /// For each place its state, how long it took, and the number of its group.
    pub(super) hosts: Vec<(State, Duration, usize)>,
    /// The largest first, then from the smallest up.
    pub(super) groups: Vec<Same>,
    pub(super) normalize: Normalize,
    /// Whether the text says once what is equal.
    pub(super) fold: bool,
    /// Whether paths tell places apart.
    pub(super) with_paths: bool,
}

/// An answer, and the places that gave it.
#[derive(Debug)]
pub(super) struct Same {
    pub(super) members: Vec<usize>,
    pub(super) state: State,
    pub(super) what: What,
    /// Lines that it has besides, and lacks, beside the largest group.
    pub(super) differs: Option<(usize, usize)>,
}

impl BroadcastReport {
    pub(super) fn new(
        places: Vec<Place>,
        folded: Folded,
        normalize: Normalize,
        fold: bool,
    ) -> Self {
        let ordered = folded.groups.ordered().into_iter();
        let mut groups: Vec<Same> = ordered
            .map(|group| {
                let (state, what) = group.answer;
                Same {
                    members: group.members,
                    state,
                    what,
                    differs: None,
                }
            })
            .collect();
        compare(&mut groups);
        let mut hosts: Vec<_> = folded
            .hosts
            .into_iter()
            .map(|(s, took)| (s, took, 0))
            .collect();
        for (number, group) in groups.iter().enumerate() {
            for &member in &group.members {
                if let Some((_, _, group)) = hosts.get_mut(member) {
                    *group = number;
                }
            }
        }
        let first = places.first().map(|place| &place.path);
        let with_paths = places.iter().any(|place| Some(&place.path) != first);
        Self {
            places,
            hosts,
            groups,
            normalize,
            fold,
            with_paths,
        }
    }

    /// How many places there are.
    #[must_use]
    pub fn total(&self) -> usize {
        self.places.len()
    }

    /// How many of them are in this state.
    #[must_use]
    pub fn count(&self, state: State) -> usize {
        self.hosts.iter().filter(|(s, ..)| *s == state).count()
    }

    /// Whether it went well everywhere.
    #[must_use]
    pub fn is_success(&self) -> bool {
        self.count(State::Ok) == self.total()
    }

    /// Accounts for the memory of the answers; keep it while a copy of them lives.
    #[must_use]
    pub fn holds(&self) -> Vec<Arc<fleet::Hold>> {
        let holds = self.groups.iter().filter_map(|group| group.what.hold());
        holds.collect()
    }

    pub(super) fn places_of<'a>(&'a self, group: &'a Same) -> Vec<&'a Place> {
        let members = group.members.iter();
        members.filter_map(|&at| self.places.get(at)).collect()
    }

    /// The path, where all places have the same.
    fn path(&self) -> Option<String> {
        let path = self.places.first()?.path.as_ref()?;
        (!self.with_paths).then(|| path.to_string())
    }
}

/// Says of each answer that went well in what it differs from the one that most hosts gave; nothing
/// where the two have no line in common.
fn compare(groups: &mut [Same]) {
    let Some((most, others)) = groups.split_first_mut() else {
        return;
    };
    let Some(text) = most.what.comparable().filter(|_| most.state == State::Ok) else {
        return;
    };
    for other in others.iter_mut().filter(|other| other.state == State::Ok) {
        other.differs = other.what.comparable().and_then(|other| {
            let (more, less) = difference(text, other);
            (more < other.lines().count()).then_some((more, less))
        });
    }
}

impl Serialize for BroadcastReport {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut map = serializer.serialize_map(None)?;
        map.serialize_entry("succeeded", &self.count(State::Ok))?;
        map.serialize_entry("total", &self.total())?;
        map.serialize_entry("states", &States(self))?;
        if let Some(path) = self.path() {
            map.serialize_entry("path", &path)?;
        }
        if !self.normalize.is_none() {
            map.serialize_entry("normalize", &self.normalize)?;
        }
        map.serialize_entry("groups", &List(&self.groups, |group| Group(self, group)))?;
        let hosts: Vec<usize> = (0..self.total()).collect();
        map.serialize_entry("hosts", &List(&hosts, |&at| Host(self, at)))?;
        map.end()
    }
}

/// How many places are in each state; states that none is in are left out.
struct States<'a>(&'a BroadcastReport);

impl Serialize for States<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let counted = State::ALL.map(|state| (state.label(), self.0.count(state)));
        serializer.collect_map(counted.into_iter().filter(|(_, count)| *count > 0))
    }
}

/// A list, each of which is written as something else.
struct List<'a, T, F>(&'a [T], F);

impl<'a, T, U: Serialize, F: Fn(&'a T) -> U> Serialize for List<'a, T, F> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut list = serializer.serialize_seq(Some(self.0.len()))?;
        for item in self.0 {
            list.serialize_element(&(self.1)(item))?;
        }
        list.end()
    }
}

struct Group<'a>(&'a BroadcastReport, &'a Same);

impl Serialize for Group<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let Self(report, group) = *self;
        let places = report.places_of(group);
        let mut map = serializer.serialize_map(None)?;
        let hosts: Vec<&str> = places.iter().map(|place| place.host.as_str()).collect();
        map.serialize_entry("hosts", &hosts)?;
        if report.with_paths {
            let targets: Vec<String> = places.iter().map(ToString::to_string).collect();
            map.serialize_entry("targets", &targets)?;
        }
        map.serialize_entry("folded", &folded(&places, report.with_paths))?;
        map.serialize_entry("count", &places.len())?;
        map.serialize_entry("state", &group.state)?;
        if let Some((more, less)) = group.differs {
            map.serialize_entry("lines_more", &more)?;
            map.serialize_entry("lines_less", &less)?;
        }
        group.what.write_into(&mut map)?;
        map.end()
    }
}

struct Host<'a>(&'a BroadcastReport, usize);

impl Serialize for Host<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let Self(report, at) = *self;
        let mut map = serializer.serialize_map(None)?;
        if let (Some(place), Some((state, took, group))) =
            (report.places.get(at), report.hosts.get(at))
        {
            map.serialize_entry("host", place.host.as_str())?;
            if let Some(path) = place.path.as_ref().filter(|_| report.with_paths) {
                map.serialize_entry("path", &path.to_string())?;
            }
            map.serialize_entry("state", state)?;
            map.serialize_entry("duration_ms", &milliseconds(*took))?;
            map.serialize_entry("group", group)?;
        }
        map.end()
    }
}
