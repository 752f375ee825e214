//! `run`: a command on one host.

use super::command::{program, variables};
use super::schema::{of, report};
use super::{Answered, Call, Described, Ending, changes, seconds};
use crate::access::Principal;
use crate::mcp::Answer;
use crate::ops::{Failure, Ops, RunRequest};
use fleet::{Bounds, Deadline, HostName, RemotePath};
use schemars::JsonSchema;
use serde::Deserialize;
use serde_json::json;
use std::collections::BTreeMap;

/// Arguments of `run`.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct Args {
    /// The host, by its name in the list of hosts.
    #[schemars(extend("x-mcp-header" = "Host"))]
    host: String,
    /// A command line. An operator's goes to `/bin/sh`, with pipes, globs and all; an observer's
    /// is split into words and must be one of the programs observers may run.
    #[serde(default)]
    command: Option<String>,
    /// Instead of `command`: a program and its arguments, which no shell interprets.
    #[serde(default)]
    argv: Option<Vec<String>>,
    /// The directory to run in; the home directory if absent.
    #[serde(default)]
    cwd: Option<String>,
    /// Environment variables to set.
    #[serde(default)]
    env: Option<BTreeMap<String, String>>,
    /// Standard input, at most 1 MiB; empty if absent.
    #[serde(default)]
    stdin: Option<String>,
    /// Seconds after which the command and everything it started is stopped; at most what the
    /// server allows (30 unless it is configured otherwise).
    #[serde(default)]
    #[schemars(range(min = 0.001, max = 600.0))]
    timeout_s: Option<f64>,
    /// Bytes kept of each output stream; the rest is counted and dropped.
    #[serde(default)]
    #[schemars(range(min = 0))]
    max_bytes: Option<u64>,
}

pub(super) fn describe() -> Described {
    Described {
        title: "Run a command",
        description: "Run a command on one host and return its output and how it ended. No process outlives the call. Examples: {\"host\": \"web1\", \"command\": \"df -h\"}; {\"host\": \"web1\", \"argv\": [\"grep\", \"-rn\", \"TODO\", \"src\"], \"cwd\": \"~/app\"}. Observers may run grep rg find ls tree cat head tail wc sort uniq diff stat file du df, without options that write or execute.",
        annotations: changes(),
        input: of::<Args>(),
        output: report(json!({
            "outcome": {"type": "string", "enum": ["exited", "signaled", "timed_out", "cancelled", "connection_lost", "unreachable", "refused", "invalid", "failed"]},
            "exit_code": {"type": "integer"},
            "signal": {"type": "string"},
            "stopped": {"type": "string", "enum": ["verified", "unverified"], "description": "whether every process of a stopped command is known to be gone"},
            "may_still_run": {"type": "boolean"},
            "stdout": {"type": "string"},
            "stdout_encoding": {"type": "string", "description": "`base64` when the output is not UTF-8"},
            "stdout_bytes": {"type": "integer", "description": "bytes there were, when not all were kept"},
            "stderr": {"type": "string"},
            "stderr_encoding": {"type": "string"},
            "stderr_bytes": {"type": "integer"},
            "truncated": {"type": "boolean"},
            "duration_ms": {"type": "integer"},
        })),
    }
}

pub(super) async fn call(call: Call<'_>, args: Args) -> Answered {
    match request(args) {
        Ok(request) => answer(call.ops, call.principal, request, call.deadline).await,
        Err(failure) => failure.into(),
    }
}

/// Runs, and shapes the report; also for `scout`.
pub(super) async fn answer(
    ops: &Ops,
    principal: &Principal,
    request: RunRequest,
    deadline: Deadline,
) -> Answered {
    match ops.run(principal, request, deadline).await {
        Err(failure) => failure.into(),
        Ok(report) => {
            let (success, label) = (report.outcome().is_success(), report.outcome().label());
            let hold = report.hold();
            let answer = Answer::rendered(report).with_hold(hold);
            let answer = if success { answer } else { answer.failed() };
            Answered {
                answer,
                ending: if success { Ending("ok") } else { Ending(label) },
                code: None,
            }
        }
    }
}

fn request(args: Args) -> Result<RunRequest, Failure> {
    let program = program(args.command, args.argv)?
        .ok_or_else(|| Failure::invalid("give either `command` or `argv`"))?;
    let cwd = args.cwd.as_deref().map(RemotePath::parse).transpose()?;
    Ok(RunRequest {
        host: HostName::parse(&args.host)?,
        program,
        cwd,
        env: variables(args.env),
        stdin: args.stdin,
        bounds: Bounds {
            timeout: seconds("timeout_s", args.timeout_s)?,
            max_bytes: args.max_bytes,
            compared: false,
        },
    })
}
