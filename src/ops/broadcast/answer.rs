//! What one host answered: how it is compared with others, and how little of it is kept.

use super::state::State;
use crate::ops::checksum::{Sum, hex};
use crate::ops::fold::{Key, Keyed, Normalize, without_names};
use crate::ops::{Bytes, Failure, ReadReport, RunReport};
use serde::ser::{Serialize, SerializeMap, Serializer};
use std::sync::Arc;
use std::time::Duration;

/// What came from one place.
#[derive(Debug)]
pub struct HostAnswer {
    /// The host.
    pub host: String,
    /// The path on it, if the place has one.
    pub path: Option<String>,
    /// How it went.
    pub state: State,
    /// From the beginning of the work on this host, the way there included.
    pub took: Duration,
    pub(super) what: What,
}

/// The answer itself.
#[derive(Debug)]
pub(super) enum What {
    /// A command came to an end.
    Ran(RunReport),
    /// Something was read; with the hash of the whole file, if that is known.
    Read(ReadReport, Option<Sum>),
    /// There is nothing but the reason why.
    Failed {
        failure: Failure,
        /// The same without the host's own name, for several hosts.
        general: Failure,
    },
}

impl What {
    /// A failure of a host with these names.
    pub(super) fn failed(failure: Failure, names: &[String]) -> Self {
        let general = Failure {
            host: None,
            message: without_names(&failure.message, names),
            hint: failure
                .hint
                .as_deref()
                .map(|hint| without_names(hint, names)),
            ..failure.clone()
        };
        Self::Failed { failure, general }
    }

    /// Makes the same what is to be taken for equal.
    pub(super) fn normalize(&mut self, normalize: Normalize, names: &[String]) {
        let replace = |text: &str| normalize.apply(text, names);
        match self {
            _ if normalize.is_none() => {}
            Self::Ran(report) => report.map_text(replace),
            Self::Read(ReadReport::File(report), _) => report.content.map_text(replace),
            Self::Read(..) | Self::Failed { .. } => {}
        }
    }

    /// Equal for answers that are equal.
    pub(super) fn key(&self, state: State, normalize: Normalize) -> Key {
        let keyed = Keyed::new(state.label());
        match self {
            Self::Ran(report) => report.key(keyed),
            Self::Read(ReadReport::File(file), sum) => {
                let keyed = keyed.with("file").with_number(file.offset);
                // Of what was cut only a part was made the same, so the whole still has to be.
                let exact = normalize.is_none() || file.truncated;
                let compared = match sum {
                    Some(sum) if exact => keyed.with(sum),
                    // A part is told from a whole, and parts of files of different sizes.
                    _ if exact => keyed
                        .with_number(file.truncated)
                        .with_number(file.size.unwrap_or(u64::MAX)),
                    _ => keyed.with_number(file.truncated),
                };
                compared.with(file.content.as_bytes()).finish()
            }
            Self::Read(listing, _) => listing.names_exactly(keyed.with(listing.to_string())),
            Self::Failed { general, .. } => keyed
                .with(general.code)
                .with(general.phase.unwrap_or_default())
                .with(&general.message)
                .finish(),
        }
    }

    /// Bytes it holds.
    pub(super) fn size(&self) -> usize {
        match self {
            Self::Ran(report) => report.size(),
            Self::Read(report, _) => report.size(),
            Self::Failed { .. } => 0,
        }
    }

    /// Lets go of all but `most` bytes.
    pub(super) fn keep(&mut self, most: usize) {
        match self {
            Self::Ran(report) => report.keep(most),
            Self::Read(report, _) => report.keep(most),
            Self::Failed { .. } => {}
        }
    }

    /// Stands for an equal answer of another host too, from now on.
    pub(super) fn stand_for(&mut self, other: &Self) {
        match (self, other) {
            (Self::Failed { failure, general }, _) => failure.clone_from(general),
            // Equal after something was made the same, but not the same file.
            (
                Self::Read(ReadReport::File(one), sum),
                Self::Read(ReadReport::File(other), theirs),
            ) => {
                *sum = sum.filter(|_| *sum == *theirs);
                one.size = one.size.filter(|_| one.size == other.size);
            }
            _ => {}
        }
    }

    /// Accounts for its memory.
    pub(super) fn hold(&self) -> Option<Arc<fleet::Hold>> {
        match self {
            Self::Ran(report) => Some(report.hold()),
            Self::Read(report, _) => Some(report.hold()),
            Self::Failed { .. } => None,
        }
    }

    /// The text that another answer can differ from in lines, if nothing is missing of it.
    pub(super) fn comparable(&self) -> Option<&str> {
        let bytes = match self {
            Self::Ran(report) if report.cuts().next().is_none() => report.stdout(),
            Self::Read(ReadReport::File(file), _) if !file.truncated => &file.content,
            _ => return None,
        };
        match bytes {
            Bytes::Text(text) => Some(text),
            Bytes::Binary(_) => None,
        }
    }

    pub(super) fn write_into<M: SerializeMap>(&self, map: &mut M) -> Result<(), M::Error> {
        match self {
            Self::Ran(report) => report.write_into(map),
            Self::Read(report, sum) => {
                if let Some(sum) = sum {
                    map.serialize_entry("sha256", &hex(sum))?;
                }
                report.write_into(map)
            }
            Self::Failed { failure, .. } => {
                map.serialize_entry("outcome", failure.outcome)?;
                map.serialize_entry("code", failure.code)?;
                if let Some(phase) = failure.phase {
                    map.serialize_entry("phase", phase)?;
                }
                map.serialize_entry("message", &failure.message)?;
                match &failure.hint {
                    Some(hint) => map.serialize_entry("hint", hint),
                    None => Ok(()),
                }
            }
        }
    }
}

impl Serialize for HostAnswer {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut map = serializer.serialize_map(None)?;
        map.serialize_entry("host", &self.host)?;
        if let Some(path) = &self.path {
            map.serialize_entry("path", path)?;
        }
        map.serialize_entry("state", &self.state)?;
        map.serialize_entry("duration_ms", &milliseconds(self.took))?;
        self.what.write_into(&mut map)?;
        map.end()
    }
}

pub(super) fn milliseconds(duration: Duration) -> u64 {
    u64::try_from(duration.as_millis()).unwrap_or(u64::MAX)
}
