//! `scout`: one tool for everything, with the parameters of the server Scout replaces.
//!
//! `hosts` lists the hosts; `host:/path` reads what is there, or with `tree` the tree below it, or
//! with `query` runs a command in it. `targets` does the last two in many places at once.

use super::schema::{of, report};
use super::{Answered, Call, Described, broadcast, changes, hosts, read, run};
use crate::ops::{DEFAULT_DEPTH, Failure, Range, ReadRequest, RunRequest};
use fleet::{Bounds, Program, Target};
use schemars::JsonSchema;
use serde::Deserialize;
use serde_json::json;

/// Arguments of `scout`.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct Args {
    /// `hosts`, or a place in the fleet: `host:/path`, `host:~/path`, `host:`.
    #[serde(default)]
    target: String,
    /// Instead of `target`: many places at once.
    #[serde(default)]
    targets: Option<Vec<String>>,
    /// A command to run in the directory of each target.
    #[serde(default)]
    query: Option<String>,
    /// Show the tree below a directory instead of its listing.
    #[serde(default)]
    tree: bool,
    /// How deep the tree goes, 1 to 10 (default 3).
    #[serde(default)]
    #[schemars(range(min = 1, max = 10))]
    depth: Option<usize>,
}

pub(super) fn describe() -> Described {
    Described {
        title: "Scout a host",
        description: "List hosts, read files and directories, or run a command, by target. Examples: {\"target\": \"hosts\"}; {\"target\": \"web1:/etc/hosts\"}; {\"target\": \"web1:/etc/nginx\", \"tree\": true}; {\"target\": \"web1:~/code\", \"query\": \"grep -rn TODO .\"}; {\"targets\": [\"web1:/etc\", \"web2:/etc\"], \"query\": \"ls -la\"}.",
        annotations: changes(),
        input: of::<Args>(),
        output: report(json!({})),
    }
}

pub(super) async fn call(call: Call<'_>, args: Args) -> Answered {
    if let Some(targets) = args
        .targets
        .as_deref()
        .filter(|targets| !targets.is_empty())
    {
        return many(call, targets, &args).await;
    }
    if args.target.trim().eq_ignore_ascii_case("hosts") {
        if args.query.is_some() || args.tree {
            return Failure::invalid("`hosts` takes no `query` and no `tree`").into();
        }
        return hosts::call(call, hosts::Args::default()).await;
    }
    let target = match Target::parse(&args.target) {
        Ok(target) => target,
        Err(error) => return Failure::from(error).into(),
    };
    let Call {
        ops,
        principal,
        deadline,
        ..
    } = call;
    let Target { host, path } = target;
    if args.depth.is_some() && !args.tree {
        return Failure::invalid("`depth` goes with `tree`").into();
    }
    match (args.query, args.tree) {
        (Some(_), true) => {
            Failure::invalid("`query` runs a command and `tree` shows a directory: give one").into()
        }
        (Some(query), false) => {
            let request = RunRequest {
                host,
                program: Program::Shell(query.into()),
                cwd: Some(path),
                env: Vec::new(),
                stdin: None,
                bounds: Bounds::default(),
            };
            run::answer(ops, principal, request, deadline).await
        }
        (None, tree) => {
            let tree = tree.then_some(args.depth.unwrap_or(DEFAULT_DEPTH));
            let request = ReadRequest {
                host,
                path,
                range: Range::default(),
                tree,
            };
            read::answer(ops, principal, request, deadline).await
        }
    }
}

/// The same in many places.
async fn many(call: Call<'_>, targets: &[String], args: &Args) -> Answered {
    let wrong = match args {
        _ if !args.target.is_empty() => "give either `target` or `targets`",
        Args {
            tree: false,
            depth: Some(_),
            ..
        } => "`depth` goes with `tree`",
        Args {
            tree: true,
            query: Some(_),
            ..
        } => "`query` runs a command and `tree` shows a directory: give one",
        _ => {
            let tree = args.tree.then_some(args.depth.unwrap_or(DEFAULT_DEPTH));
            return broadcast::by_targets(call, targets, args.query.clone(), tree).await;
        }
    };
    Failure::invalid(wrong).into()
}
