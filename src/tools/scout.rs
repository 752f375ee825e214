//! `scout`: one tool for everything, with the parameters of the server Scout replaces.
//!
//! `hosts` lists the hosts; `host:/path` reads what is there, or with one more parameter shows the
//! tree below it, runs a command in it, searches it, compares it or copies it. Each of these is
//! another tool too, with more to choose from; here it answers in the words of that server.

mod ask;

use super::schema::{of, report};
use super::{Answered, Call, Described, broadcast, changes, copy, diff, find, hosts, read, run};
use crate::ops::{DiffRequest, Failure, FindRequest, Range, ReadRequest, RunRequest, Wanted};
use ask::Ask;
use fleet::{Bounds, Program, Target};
use schemars::JsonSchema;
use serde::Deserialize;
use serde_json::json;

/// How deep `find` goes when nothing is said: as in the server Scout replaces.
const FIND_DEPTH: usize = 5;

/// Arguments of `scout`.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct Args {
    /// `hosts`, or a place in the fleet: `host:/path`, `host:~/path`, `host:`.
    #[serde(default)]
    target: Option<String>,
    /// A command to run in the directory of the target, or of each of the targets.
    #[serde(default)]
    query: Option<String>,
    /// Show the tree below a directory instead of its listing.
    #[serde(default)]
    tree: Option<bool>,
    /// Find files below the target by a glob on their names, such as `*.py`.
    #[serde(default)]
    find: Option<String>,
    /// How deep, 1 to 10: of `find` (default 5), of `tree` (default 3).
    #[serde(default)]
    #[schemars(range(min = 1, max = 10))]
    depth: Option<usize>,
    /// Compare the target with this other target.
    #[serde(default)]
    diff: Option<String>,
    /// Compare the target with this content; with an empty one by the tool `diff`.
    #[serde(default)]
    diff_content: Option<String>,
    /// Instead of `target`: many places at once.
    #[serde(default)]
    targets: Option<Vec<String>>,
    /// A local path: what is there is copied to the target, or what is at the target to there.
    #[serde(default)]
    beam: Option<String>,
    /// A place to copy from, to `beam_target` on another host.
    #[serde(default)]
    beam_source: Option<String>,
    /// A place to copy to, from `beam_source` on another host.
    #[serde(default)]
    beam_target: Option<String>,
}

pub(super) fn describe() -> Described {
    Described {
        title: "Scout a host",
        description: "List hosts, read, search, compare and copy files and directories, or run a command, by target. Examples: {\"target\": \"hosts\"}; {\"target\": \"web1:/etc/hosts\"}; {\"target\": \"web1:/etc/nginx\", \"tree\": true}; {\"target\": \"web1:~/code\", \"query\": \"grep -rn TODO .\"}; {\"target\": \"web1:~/code\", \"find\": \"*.py\"}; {\"target\": \"web1:/etc/hosts\", \"diff\": \"web2:/etc/hosts\"}; {\"targets\": [\"web1:/etc\", \"web2:/etc\"], \"query\": \"ls -la\"}; {\"beam_source\": \"web1:/srv/a\", \"beam_target\": \"web2:/srv/a\"}.",
        annotations: changes(),
        input: of::<Args>(),
        output: report(json!({})),
    }
}

pub(super) async fn call(call: Call<'_>, args: Args) -> Answered {
    match Ask::try_from(args) {
        Ok(ask) => answer(call, ask).await,
        Err(failure) => failure.into(),
    }
}

async fn answer(call: Call<'_>, ask: Ask) -> Answered {
    match ask {
        Ask::Hosts => hosts::call(call, hosts::Args::default()).await,
        Ask::Read { at, tree } => {
            let request = ReadRequest {
                host: at.host,
                path: at.path,
                range: Range::default(),
                tree,
            };
            read::answer(call.ops, call.principal, request, call.deadline).await
        }
        Ask::Run { at, query } => {
            let request = RunRequest {
                host: at.host,
                program: Program::Shell(query.into()),
                cwd: Some(at.path),
                env: Vec::new(),
                stdin: None,
                bounds: Bounds::default(),
            };
            run::answer(call.ops, call.principal, request, call.deadline).await
        }
        Ask::Find { at, name, depth } => match search(at, name, depth) {
            Ok(request) => find::answer(call, request).await,
            Err(failure) => failure.into(),
        },
        Ask::Diff { at, other } => compare(call, DiffRequest::places(at, other, None)).await,
        Ask::DiffContent { at, content } => {
            compare(call, DiffRequest::expected(content.into_bytes(), at, None)).await
        }
        Ask::Broadcast {
            targets,
            query,
            tree,
        } => broadcast::by_targets(call, &targets, query, tree).await,
        Ask::Beam { at, local } => copy::beam(call, at, &local).await,
        Ask::Relay { from, to } => copy::relay(call, from, to).await,
    }
}

fn search(at: Target, name: String, depth: Option<usize>) -> Result<FindRequest, Failure> {
    let wanted = Wanted {
        name: Some(name.into_bytes()),
        depth,
        usual_depth: Some(FIND_DEPTH),
        ..Wanted::default()
    };
    FindRequest::new(at.host, at.path, &wanted)
}

async fn compare(call: Call<'_>, request: Result<DiffRequest, Failure>) -> Answered {
    match request {
        Ok(request) => diff::answer(call, request).await,
        Err(failure) => failure.into(),
    }
}
