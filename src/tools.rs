//! The tools: one file each, behind one enum that the compiler keeps complete.
//!
//! A tool parses its arguments, asks [`Ops`], and shapes the report into an answer. What is wrong
//! with the arguments is said in words a model can act on; what failed on a host is a result with
//! `isError`, never a protocol error.

mod broadcast;
mod command;
mod copy;
mod diff;
mod find;
mod hosts;
mod read;
mod run;
mod schema;
mod scout;
mod visit;

use crate::access::{Principal, Replica};
use crate::balancer::VISIT;
use crate::mcp::Answer;
use crate::ops::{Failure, Ops, Progress};
use fleet::Deadline;
use rmcp::model::{JsonObject, ToolAnnotations};
use serde::de::DeserializeOwned;
use std::time::Duration;

/// Every tool.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Tool {
    /// One call for everything, with the parameters of the server Scout replaces.
    Scout,
    /// The hosts there are.
    Hosts,
    /// A file or directory.
    Read,
    /// Files, by what they are called, are, and hold.
    Find,
    /// Two files or directories, or a file and what is expected in it.
    Diff,
    /// A command.
    Run,
    /// Files from one place to another.
    Copy,
    /// A command or a path on many hosts.
    Broadcast,
    /// One host of a broadcast, for another replica.
    Visit,
}

/// What a tool call is made with.
pub struct Call<'a> {
    /// The operations.
    pub ops: &'a Ops,
    /// Who calls.
    pub principal: &'a Principal,
    /// The replica that calls, if it is one.
    pub replica: Option<&'a Replica>,
    /// When the call is over.
    pub deadline: Deadline,
    /// Who hears how far it is.
    pub progress: Progress,
}

/// How a call ended, for metrics and the log.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Ending(pub &'static str);

impl Ending {
    /// Every ending there is, so that each can be counted from 0.
    pub const ALL: [&'static str; 11] = [
        "ok",
        "exited",
        "signaled",
        "timed_out",
        "cancelled",
        "connection_lost",
        "unreachable",
        "refused",
        "invalid",
        "failed",
        "internal",
    ];
}

/// An answer and how the call ended.
pub struct Answered {
    /// For the caller.
    pub answer: Answer,
    /// For the operator.
    pub ending: Ending,
    /// The code of the failure, if it is one as a whole.
    pub code: Option<&'static str>,
}

impl Answered {
    fn ok(answer: Answer) -> Self {
        Self {
            answer,
            ending: Ending("ok"),
            code: None,
        }
    }
}

impl From<&Failure> for Ending {
    /// Its outcome; what callers are told of as a failure like others is an ending of its own where an
    /// operator has something else to look at.
    fn from(failure: &Failure) -> Self {
        match failure.code {
            own @ ("connection_lost" | "internal") => Self(own),
            _ => Self(failure.outcome),
        }
    }
}

impl From<Failure> for Answered {
    fn from(failure: Failure) -> Self {
        let (ending, code) = (Ending::from(&failure), Some(failure.code));
        Self {
            answer: Answer::rendered(failure).failed(),
            ending,
            code,
        }
    }
}

impl Tool {
    /// All of them, in the order they are listed.
    pub const ALL: [Self; 9] = [
        Self::Scout,
        Self::Hosts,
        Self::Read,
        Self::Find,
        Self::Diff,
        Self::Run,
        Self::Copy,
        Self::Broadcast,
        Self::Visit,
    ];

    /// The name.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Scout => "scout",
            Self::Hosts => "hosts",
            Self::Read => "read",
            Self::Find => "find",
            Self::Diff => "diff",
            Self::Run => "run",
            Self::Copy => "copy",
            Self::Broadcast => "broadcast",
            Self::Visit => VISIT,
        }
    }

    /// The tool of this name.
    #[must_use]
    pub fn find(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|tool| tool.name() == name)
    }

    /// How the protocol describes it.
    #[must_use]
    pub fn describe(self) -> rmcp::model::Tool {
        let described = match self {
            Self::Scout => scout::describe(),
            Self::Hosts => hosts::describe(),
            Self::Read => read::describe(),
            Self::Find => find::describe(),
            Self::Diff => diff::describe(),
            Self::Run => run::describe(),
            Self::Copy => copy::describe(),
            Self::Broadcast => broadcast::describe(),
            Self::Visit => visit::describe(),
        };
        schema::tool(self.name(), described)
    }

    /// Runs it. Arguments that do not fit are answered like any other failure, so that a model
    /// reads what is wrong with them.
    pub async fn call(self, call: Call<'_>, arguments: JsonObject) -> Answered {
        match self {
            Self::Scout => match parse(self, arguments) {
                Ok(args) => scout::call(call, args).await,
                Err(failure) => failure.into(),
            },
            Self::Hosts => match parse(self, arguments) {
                Ok(args) => hosts::call(call, args).await,
                Err(failure) => failure.into(),
            },
            Self::Read => match parse(self, arguments) {
                Ok(args) => read::call(call, args).await,
                Err(failure) => failure.into(),
            },
            Self::Find => match parse(self, arguments) {
                Ok(args) => find::call(call, args).await,
                Err(failure) => failure.into(),
            },
            Self::Diff => match parse(self, arguments) {
                Ok(args) => diff::call(call, args).await,
                Err(failure) => failure.into(),
            },
            Self::Run => match parse(self, arguments) {
                Ok(args) => run::call(call, args).await,
                Err(failure) => failure.into(),
            },
            Self::Copy => match parse(self, arguments) {
                Ok(args) => copy::call(call, args).await,
                Err(failure) => failure.into(),
            },
            Self::Broadcast => match parse(self, arguments) {
                Ok(args) => broadcast::call(call, args).await,
                Err(failure) => failure.into(),
            },
            Self::Visit => match parse(self, arguments) {
                Ok(args) => visit::call(call, args).await,
                Err(failure) => failure.into(),
            },
        }
    }
}

/// What a tool's file says about it.
struct Described {
    title: &'static str,
    description: &'static str,
    annotations: ToolAnnotations,
    input: schemars::Schema,
    output: serde_json::Value,
}

/// Annotations of a tool that only looks.
fn reads() -> ToolAnnotations {
    ToolAnnotations::new()
        .read_only(true)
        .destructive(false)
        .idempotent(true)
        .open_world(true)
}

/// Annotations of a tool that can change a host.
fn changes() -> ToolAnnotations {
    ToolAnnotations::new()
        .read_only(false)
        .destructive(true)
        .idempotent(false)
        .open_world(true)
}

fn parse<T: DeserializeOwned>(tool: Tool, arguments: JsonObject) -> Result<T, Failure> {
    serde_json::from_value(serde_json::Value::Object(arguments))
        .map_err(|error| Failure::invalid(format!("`{}`: {error}", tool.name())))
}

/// A timeout given in seconds.
fn seconds(name: &str, value: Option<f64>) -> Result<Option<Duration>, Failure> {
    const MOST: f64 = 600.0;
    match value {
        None => Ok(None),
        Some(s) if s > 0.0 && s <= MOST => Ok(Some(Duration::from_secs_f64(s))),
        Some(s) => Err(Failure::invalid(format!(
            "`{name}` must be more than 0 and at most {MOST} seconds, not {s}"
        ))),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use fleet::{FleetError, HostName};

    #[test]
    fn a_lost_connection_and_a_defect_are_endings_that_are_counted() {
        let host = HostName::parse("web-01").unwrap();
        for (error, expected) in [
            (
                FleetError::ConnectionLost { host: host.clone() },
                "connection_lost",
            ),
            (FleetError::Internal { host: host.clone() }, "internal"),
            (FleetError::NoSftp { host }, "failed"),
            (FleetError::ShuttingDown, "refused"),
        ] {
            let Ending(ending) = Ending::from(&Failure::from(error));
            assert_eq!(ending, expected);
            assert!(Ending::ALL.contains(&ending));
        }
    }
}
