//! What was refused, by the reason, wherever it was: at the door, by a rule, or for want of room.

use crate::http::TurnedAway;
use metrics::{Counter, counter, describe_counter};

const REFUSALS: &str = "scout_refusals_total";

/// Why something was refused.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Why {
    Key,
    Origin,
    Rate,
    Busy,
    Body,
    Connections,
    Role,
    Command,
    Host,
    Path,
    Shutdown,
}

impl Why {
    const ALL: [Self; 11] = [
        Self::Key,
        Self::Origin,
        Self::Rate,
        Self::Busy,
        Self::Body,
        Self::Connections,
        Self::Role,
        Self::Command,
        Self::Host,
        Self::Path,
        Self::Shutdown,
    ];

    fn label(self) -> &'static str {
        match self {
            Self::Key => "key",
            Self::Origin => "origin",
            Self::Rate => "rate",
            Self::Busy => "busy",
            Self::Body => "body",
            Self::Connections => "connections",
            Self::Role => "role",
            Self::Command => "command",
            Self::Host => "host",
            Self::Path => "path",
            Self::Shutdown => "shutdown",
        }
    }

    /// The reason behind the code of a failure, if it is a refusal.
    fn of_code(code: &str) -> Option<Self> {
        Some(match code {
            "refused" => Self::Role,
            "command_refused" => Self::Command,
            "unknown_host" => Self::Host,
            "local_not_allowed" => Self::Path,
            "host_busy" | "pool_busy" | "memory_busy" | "copies_busy" => Self::Busy,
            "shutting_down" => Self::Shutdown,
            _ => return None,
        })
    }
}

impl From<TurnedAway> for Why {
    fn from(why: TurnedAway) -> Self {
        match why {
            TurnedAway::Key => Self::Key,
            TurnedAway::Origin => Self::Origin,
            TurnedAway::Rate => Self::Rate,
            TurnedAway::Busy => Self::Busy,
            TurnedAway::Body => Self::Body,
            TurnedAway::Connections => Self::Connections,
        }
    }
}

/// The counters. Cheap to clone.
#[derive(Clone)]
pub struct Refusals([Counter; Why::ALL.len()]);

impl Refusals {
    /// Describes and creates them.
    #[must_use]
    pub fn register() -> Self {
        describe_counter!(
            REFUSALS,
            "What was refused: for its key, a foreign origin, its rate, want of room (busy, connections), its body, the role of its caller, the grammar of observers (command), an unknown or hidden host, a local path outside the roots, or the shutdown. A call that asks several hosts counts only if it is refused as a whole"
        );
        let counters = Why::ALL.map(|why| counter!(REFUSALS, "why" => why.label()));
        for counter in &counters {
            counter.increment(0);
        }
        Self(counters)
    }

    /// A request or connection was turned away at the door.
    pub fn turned_away(&self, why: TurnedAway) {
        self.count(why.into());
    }

    /// A call failed with this code, which may be that of a refusal.
    pub fn failed(&self, code: &str) {
        if let Some(why) = Why::of_code(code) {
            self.count(why);
        }
    }

    fn count(&self, why: Why) {
        if let Some(counter) = self.0.get(why as usize) {
            counter.increment(1);
        }
    }
}
