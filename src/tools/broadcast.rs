//! `broadcast`: one command, or one path, on many hosts, with equal answers said once.
//!
//! The answer is an error as soon as it did not go well on one host: whoever asked about all of them
//! has to look. What went well is in it all the same.

use super::command::{program, variables};
use super::schema::{of, report};
use super::{Answered, Call, Described, Ending, changes, seconds};
use crate::mcp::Answer;
use crate::ops::{
    Audience, BroadcastRequest, DEFAULT_DEPTH, DEFAULT_WIDTH, Failure, Normalize, Place, Range,
    Work,
};
use fleet::{Program, RemotePath};
use schemars::JsonSchema;
use serde::Deserialize;
use serde_json::json;
use std::collections::BTreeMap;
use std::time::Duration;
use tokio_util::sync::CancellationToken;

/// Arguments of `broadcast`.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct Args {
    /// Which hosts: names, globs `web-*`, ranges `web-[01-18]`, tags `@db`, `all`; commas add,
    /// `!` takes away: `web-[01-18],@db,!web-07`.
    #[serde(default)]
    hosts: Option<String>,
    /// Instead of `hosts`: places, each `host:/path`, `host:~/path` or `host:`; an expression may
    /// stand for the host. With a command, the path is the directory it runs in.
    #[serde(default)]
    targets: Option<Vec<String>>,
    /// With `hosts`: read this file, or list this directory, on each.
    #[serde(default)]
    path: Option<String>,
    /// Run this command line on each. An operator's goes to `/bin/sh`, with pipes, globs and all; an
    /// observer's is split into words and must be one of the programs observers may run.
    #[serde(default)]
    command: Option<String>,
    /// Instead of `command`: a program and its arguments, which no shell interprets.
    #[serde(default)]
    argv: Option<Vec<String>>,
    /// With `hosts`: the directory to run in; the home directory if absent.
    #[serde(default)]
    cwd: Option<String>,
    /// Environment variables to set.
    #[serde(default)]
    env: Option<BTreeMap<String, String>>,
    /// Standard input, at most 1 MiB; empty if absent.
    #[serde(default)]
    stdin: Option<String>,
    /// Seconds after which the command is stopped on a host; at most what the server allows.
    #[serde(default)]
    #[schemars(range(min = 0.001, max = 600.0))]
    timeout_s: Option<f64>,
    /// Seconds after which the answer comes with what is ready, and what is under way is stopped; at
    /// most what is left of the request, which is the default.
    #[serde(default)]
    #[schemars(range(min = 0.001, max = 600.0))]
    deadline_s: Option<f64>,
    /// How many hosts are worked on at once (default 128).
    #[serde(default)]
    #[schemars(range(min = 1, max = 256))]
    width: Option<usize>,
    /// Of files: which lines, counted from 1: `20` (the first twenty), `10-20`, `10-`.
    #[serde(default)]
    lines: Option<String>,
    /// Of files: the last so many lines.
    #[serde(default)]
    #[schemars(range(min = 1))]
    tail: Option<u64>,
    /// Of directories: the tree below it instead of its listing.
    #[serde(default)]
    tree: bool,
    /// How deep the tree goes, 1 to 10 (default 3).
    #[serde(default)]
    #[schemars(range(min = 1, max = 10))]
    depth: Option<usize>,
    /// Say equal answers once in the text (default true). The structured content always does.
    #[serde(default)]
    fold: Option<bool>,
    /// What to make the same before answers are compared, nothing by default: `space` (at the end of
    /// lines, empty lines at the end), `host` (its own name and address), `numbers` (runs of digits).
    #[serde(default)]
    normalize: Option<Vec<String>>,
    /// Bytes kept of each output stream or file of a host; the rest is counted and dropped. By default
    /// the hosts share what one answer may hold.
    #[serde(default)]
    #[schemars(range(min = 0))]
    max_bytes: Option<u64>,
}

pub(super) fn describe() -> Described {
    Described {
        title: "Work on many hosts",
        description: "Run one command, or read one path, on many hosts at once; equal answers come as one group, the largest first, then the outliers. Examples: {\"hosts\": \"web-*\", \"command\": \"uptime\"}; {\"hosts\": \"@db,!db-3\", \"path\": \"/etc/ssh/sshd_config\"} finds configuration that drifted; {\"targets\": [\"web1:/var/log\", \"db1:/srv\"], \"argv\": [\"du\", \"-sh\", \".\"]}. Every host has a state; `isError` unless all are `ok`. At the deadline the answer has what is ready.",
        annotations: changes(),
        input: of::<Args>(),
        output: report(json!({
            "succeeded": {"type": "integer"},
            "total": {"type": "integer"},
            "states": {"type": "object", "additionalProperties": {"type": "integer"}, "description": "how many hosts are in each state"},
            "path": {"type": "string", "description": "what was read, or where the command ran, when it is the same for all"},
            "normalize": {"type": "object"},
            "groups": {"type": "array", "description": "equal answers, the largest group first, then from the smallest up", "items": {"type": "object", "properties": {
                "hosts": {"type": "array", "items": {"type": "string"}},
                "targets": {"type": "array", "items": {"type": "string"}, "description": "where paths differ"},
                "folded": {"type": "string", "description": "the hosts as an expression"},
                "count": {"type": "integer"},
                "state": {"type": "string", "enum": ["ok", "failed", "timed_out", "running", "not_started", "unreachable", "refused", "connection_lost"], "description": "`running`: under way at the deadline, and stopped"},
                "lines_more": {"type": "integer", "description": "lines that the first group does not have"},
                "lines_less": {"type": "integer", "description": "lines of the first group that are missing"},
                "outcome": {"type": "string"},
                "exit_code": {"type": "integer"},
                "signal": {"type": "string"},
                "stopped": {"type": "string", "enum": ["verified", "unverified"]},
                "stdout": {"type": "string"},
                "stdout_encoding": {"type": "string"},
                "stdout_bytes": {"type": "integer", "description": "bytes there were, when not all were kept"},
                "stderr": {"type": "string"},
                "stderr_encoding": {"type": "string"},
                "stderr_bytes": {"type": "integer"},
                "kind": {"type": "string", "enum": ["file", "directory", "tree"]},
                "size": {"type": "integer"},
                "sha256": {"type": "string", "description": "of the whole file"},
                "truncated": {"type": "boolean"},
                "encoding": {"type": "string"},
                "content": {"type": "string"},
                "entries": {"type": "array", "items": {"type": "object"}},
                "code": {"type": "string"},
                "phase": {"type": "string"},
                "message": {"type": "string", "description": "for several hosts, `{host}` stands for the name of each"},
                "hint": {"type": "string"},
            }, "required": ["hosts", "folded", "count", "state"]}},
            "hosts": {"type": "array", "items": {"type": "object", "properties": {
                "host": {"type": "string"},
                "path": {"type": "string"},
                "state": {"type": "string"},
                "duration_ms": {"type": "integer"},
                "group": {"type": "integer", "description": "index into `groups`"},
            }, "required": ["host", "state", "group"]}},
        })),
    }
}

pub(super) async fn call(call: Call<'_>, args: Args) -> Answered {
    match request(&call, args) {
        Ok(request) => answer(call, request).await,
        Err(failure) => failure.into(),
    }
}

/// A command or a look at each of these places, in the form of the server Scout replaces; for `scout`.
pub(super) async fn by_targets(
    call: Call<'_>,
    targets: &[String],
    query: Option<String>,
    tree: Option<usize>,
) -> Answered {
    let work = match query {
        None => Work::Read {
            range: Range::default(),
            tree,
        },
        Some(query) => Work::Run {
            program: Program::Shell(query.into()),
            cwd: None,
            env: Vec::new(),
            stdin: None,
            timeout: None,
        },
    };
    match call.ops.targets(call.principal, targets) {
        Ok(places) => {
            let request = BroadcastRequest {
                places,
                work,
                width: DEFAULT_WIDTH,
                deadline: None,
                normalize: Normalize::default(),
                max_bytes: None,
                fold: false,
            };
            answer(call, request).await
        }
        Err(failure) => failure.into(),
    }
}

async fn answer(call: Call<'_>, request: BroadcastRequest) -> Answered {
    let audience = Audience {
        progress: &call.progress,
        each: None,
        stop: CancellationToken::new(),
    };
    let done = call
        .ops
        .broadcast(call.principal, request, call.deadline, audience)
        .await;
    match done {
        Err(failure) => failure.into(),
        Ok(report) => {
            let (success, holds) = (report.is_success(), report.holds());
            let answer = Answer::rendered(report).with_hold(holds);
            match success {
                true => Answered::ok(answer),
                false => Answered {
                    answer: answer.failed(),
                    ending: Ending("failed"),
                    code: None,
                },
            }
        }
    }
}

fn request(call: &Call<'_>, args: Args) -> Result<BroadcastRequest, Failure> {
    let deadline = seconds("deadline_s", args.deadline_s)?;
    let timeout = seconds("timeout_s", args.timeout_s)?;
    let normalize = args.normalize.as_deref().unwrap_or_default();
    let normalize =
        Normalize::parse(normalize.iter().map(String::as_str)).map_err(Failure::invalid)?;
    let (width, fold) = (
        args.width.unwrap_or(DEFAULT_WIDTH),
        args.fold.unwrap_or(true),
    );
    let (max_bytes, by_host) = (args.max_bytes, args.hosts.is_some());
    let path = args.path.as_deref().map(RemotePath::parse).transpose()?;
    let places = match (&args.hosts, &args.targets) {
        (Some(hosts), None) => call.ops.places(call.principal, hosts, path.as_ref())?,
        (None, Some(targets)) if path.is_none() => call.ops.targets(call.principal, targets)?,
        (None, Some(_)) => {
            return Err(Failure::invalid(
                "`path` goes with `hosts`; each of `targets` has its own",
            ));
        }
        _ => return Err(Failure::invalid("give either `hosts` or `targets`")),
    };
    Ok(BroadcastRequest {
        work: work(args, timeout, by_host, &places)?,
        places,
        width,
        deadline,
        normalize,
        max_bytes,
        fold,
    })
}

/// What to do: a command where there is one, else reading.
fn work(
    args: Args,
    timeout: Option<Duration>,
    by_host: bool,
    places: &[Place],
) -> Result<Work, Failure> {
    let program = program(args.command, args.argv)?;
    let looks = args.lines.is_some() || args.tail.is_some() || args.tree || args.depth.is_some();
    let runs =
        args.cwd.is_some() || args.env.is_some() || args.stdin.is_some() || timeout.is_some();
    match program {
        Some(_) if looks => Err(Failure::invalid(
            "`lines`, `tail`, `tree` and `depth` go with reading, not with a command",
        )),
        Some(_) if args.path.is_some() => Err(Failure::invalid(
            "give either a command or a `path`; the directory of a command is `cwd`",
        )),
        Some(_) if args.cwd.is_some() && !by_host => Err(Failure::invalid(
            "`cwd` goes with `hosts`; each of `targets` has its own",
        )),
        Some(program) => Ok(Work::Run {
            program,
            cwd: args.cwd.as_deref().map(RemotePath::parse).transpose()?,
            env: variables(args.env),
            stdin: args.stdin,
            timeout,
        }),
        None if runs => Err(Failure::invalid(
            "`cwd`, `env`, `stdin` and `timeout_s` go with `command` or `argv`",
        )),
        None if places.iter().any(|place| place.path.is_none()) => Err(Failure::invalid(
            "give `command` or `argv` to run, or `path` to read",
        )),
        None => Ok(Work::Read {
            range: range(args.lines.as_deref(), args.tail)?,
            tree: tree(args.tree, args.depth)?,
        }),
    }
}

fn range(lines: Option<&str>, tail: Option<u64>) -> Result<Range, Failure> {
    match (lines, tail) {
        (Some(_), Some(_)) => Err(Failure::invalid("give either `lines` or `tail`")),
        (Some(lines), None) => Range::parse_lines(lines).map_err(Failure::invalid),
        (None, Some(tail)) => Ok(Range::LastLines(tail)),
        (None, None) => Ok(Range::default()),
    }
}

fn tree(tree: bool, depth: Option<usize>) -> Result<Option<usize>, Failure> {
    match (tree, depth) {
        (false, Some(_)) => Err(Failure::invalid("`depth` goes with `tree`")),
        (tree, depth) => Ok(tree.then_some(depth.unwrap_or(DEFAULT_DEPTH))),
    }
}
