//! `find`: files below a directory, by what they are called, are, and hold.

use super::schema::{of, report};
use super::{Answered, Call, Described, reads};
use crate::mcp::Answer;
use crate::ops::{Failure, FindRequest, Wanted};
use fleet::{HostName, RemotePath};
use schemars::JsonSchema;
use serde::Deserialize;
use serde_json::{Value, json};

/// Arguments of `find`.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct Args {
    /// The host, by its name in the list of hosts.
    #[schemars(extend("x-mcp-header" = "Host"))]
    host: String,
    /// The directory to search: absolute, or below the home directory with `~/`; empty or `~` is the
    /// home directory.
    #[serde(default)]
    path: String,
    /// A pattern for the last part of the path, as `find -name` takes it: `*.log`, `[a-c]?`. Case
    /// matters; `*` takes a leading dot too.
    #[serde(default)]
    name: Option<String>,
    /// A text within a line of the file, literally; case matters. Only regular files up to 64 MiB
    /// are searched, and none that the host says is empty, as it says of files under /proc.
    #[serde(default)]
    contains: Option<String>,
    /// What it is; `other` is a pipe, socket or device.
    #[serde(default)]
    #[schemars(extend("enum" = ["file", "directory", "symlink", "other"]))]
    kind: Option<String>,
    /// Only files of so many bytes or more: `4096`, `10MB`, `1GiB`.
    #[serde(default)]
    min_size: Option<String>,
    /// Only files of so many bytes or fewer.
    #[serde(default)]
    max_size: Option<String>,
    /// Only what was changed within this time, or since this date: `30m`, `2d`,
    /// `2026-11-20T14:05:00Z`.
    #[serde(default)]
    newer_than: Option<String>,
    /// Only what was not changed within this time, or since this date.
    #[serde(default)]
    older_than: Option<String>,
    /// How deep to search, 1 to 10 (default 10); 1 is the directory itself.
    #[serde(default)]
    #[schemars(range(min = 1, max = 10))]
    depth: Option<usize>,
    /// How many results to return at most, up to 10,000 (default 100).
    #[serde(default)]
    #[schemars(range(min = 1, max = 10_000))]
    limit: Option<usize>,
}

pub(super) fn describe() -> Described {
    Described {
        title: "Find files",
        description: "Find files below a directory of one host by name, kind, size, age and content. Links are not followed. Examples: {\"host\": \"web1\", \"path\": \"/etc\", \"name\": \"*.conf\"}; {\"host\": \"web1\", \"path\": \"~/app\", \"name\": \"*.py\", \"contains\": \"TODO\"}; {\"host\": \"web1\", \"path\": \"/var/log\", \"kind\": \"file\", \"min_size\": \"100MB\", \"newer_than\": \"2d\"}. `complete` is false when anything was left out, and the answer says what. A name that is not UTF-8 comes with `path_base64`, which `read` takes in place of `path`.",
        annotations: reads(),
        input: of::<Args>(),
        output: report(json!({
            "path": {"type": "string"},
            "results": {"type": "array", "items": {"type": "object", "properties": {
                "path": {"type": "string"},
                "path_base64": {"type": "string", "description": "the exact path, where it is not UTF-8"},
                "uri": {"type": "string", "description": "the resource, where the path is not UTF-8"},
                "kind": {"type": "string", "enum": ["file", "directory", "symlink", "other"]},
                "size": {"type": "integer"},
                "modified": {"type": "string", "description": "last modification, UTC"},
                "matches": {"type": "integer", "description": "lines that hold the text"},
            }, "required": ["path", "kind"]}},
            "truncated": {"type": "boolean", "description": "whether there is more than `limit`"},
            "complete": {"type": "boolean", "description": "whether everything there is was looked at"},
            "visited": {"type": "integer", "description": "names looked at"},
            "stopped": {"type": "string", "enum": ["visited", "candidates", "deadline"], "description": "why the search ended early"},
            "unreadable": {"type": "integer"},
            "unreadable_paths": paths("the first that could not be read"),
            "cut_directories": {"type": "integer", "description": "directories of which only a part was looked at"},
            "cut_paths": paths("the first of them"),
            "not_entered": {"type": "integer", "description": "directories too deep to be entered"},
            "too_large": {"type": "integer", "description": "files too large to be searched for the text"},
        })),
    }
}

/// The schema of a list of paths.
pub(super) fn paths(description: &str) -> Value {
    json!({"type": "array", "description": description, "items": {"type": "object", "properties": {
        "path": {"type": "string"},
        "path_base64": {"type": "string"},
        "uri": {"type": "string"},
    }, "required": ["path"]}})
}

pub(super) async fn call(call: Call<'_>, args: Args) -> Answered {
    match request(args) {
        Ok(request) => answer(call, request).await,
        Err(failure) => failure.into(),
    }
}

/// Finds, and shapes the report; also for `scout`.
pub(super) async fn answer(call: Call<'_>, request: FindRequest) -> Answered {
    let Call {
        ops,
        principal,
        deadline,
        progress,
        ..
    } = call;
    match ops.find(principal, request, &progress, deadline).await {
        Ok(report) => {
            let hold = report.hold();
            Answered::ok(Answer::rendered(report).with_hold(hold))
        }
        Err(failure) => failure.into(),
    }
}

fn request(args: Args) -> Result<FindRequest, Failure> {
    let kind = args.kind.map(|kind| kind.parse().map_err(Failure::invalid));
    let wanted = Wanted {
        name: args.name.map(String::into_bytes),
        contains: args.contains.map(String::into_bytes),
        kind: kind.transpose()?,
        min_size: args.min_size,
        max_size: args.max_size,
        newer_than: args.newer_than,
        older_than: args.older_than,
        depth: args.depth,
        usual_depth: None,
        limit: args.limit,
    };
    let (host, path) = (HostName::parse(&args.host)?, RemotePath::parse(&args.path)?);
    FindRequest::new(host, path, &wanted)
}
