//! `diff`: two files or directories of the fleet, or a file and what is expected in it.

use super::schema::{of, report};
use super::{Answered, Call, Described, reads};
use crate::mcp::Answer;
use crate::ops::{DiffRequest, Failure};
use fleet::{HostName, RemotePath, Target};
use schemars::JsonSchema;
use serde::Deserialize;
use serde_json::{Value, json};

/// Arguments of `diff`.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct Args {
    /// The host, by its name in the list of hosts.
    #[schemars(extend("x-mcp-header" = "Host"))]
    host: String,
    /// A file or directory on it: absolute, or below the home directory with `~/`.
    path: String,
    /// What to compare it with: a place in the fleet, `host:/path`.
    #[serde(default)]
    other: Option<String>,
    /// Instead of `other`: the text that is expected in the file. Empty is a text, too.
    #[serde(default)]
    content: Option<String>,
    /// Lines shown around a difference, 0 to 20 (default 3).
    #[serde(default)]
    #[schemars(range(min = 0, max = 20))]
    context: Option<usize>,
}

pub(super) fn describe() -> Described {
    Described {
        title: "Compare files or directories",
        description: "Compare two files or two directories of the fleet, or a file with the content expected in it. Texts give a unified difference, from `path` to `other`, or from `content` to `path`; binary and large files are compared by size and SHA-256; directories by everything below them. Examples: {\"host\": \"web1\", \"path\": \"/etc/hosts\", \"other\": \"web2:/etc/hosts\"}; {\"host\": \"web1\", \"path\": \"/etc/nginx\", \"other\": \"web2:/etc/nginx\"}; {\"host\": \"web1\", \"path\": \"/etc/motd\", \"content\": \"\"}. `same` is true only if everything was compared.",
        annotations: reads(),
        input: of::<Args>(),
        output: report(json!({
            "kind": {"type": "string", "enum": ["files", "directories"]},
            "same": {"type": "boolean"},
            "complete": {"type": "boolean", "description": "whether everything was compared"},
            "old": side(),
            "new": side(),
            "diff": {"type": "string", "description": "unified difference of texts; bytes that are not UTF-8 are written \\xNN"},
            "diff_base64": {"type": "string", "description": "the exact difference, where it is not UTF-8"},
            "added": {"type": "integer"},
            "removed": {"type": "integer"},
            "truncated": {"type": "boolean"},
            "notes": {"type": "array", "items": {"type": "string"}},
            "differences": {"type": "integer"},
            "unreadable": {"type": "integer"},
            "same_names": {"type": "integer"},
            "not_compared": {"type": "integer"},
            "entries": {"type": "array", "items": {"type": "object", "properties": {
                "path": {"type": "string", "description": "below both directories"},
                "path_base64": {"type": "string", "description": "the exact path, where it is not UTF-8"},
                "difference": {"type": "string", "enum": ["only_in_old", "only_in_new", "content", "kind", "link", "unreadable"]},
                "old": {"type": "string"},
                "new": {"type": "string"},
            }, "required": ["path", "difference"]}},
        })),
    }
}

/// The schema of one side.
fn side() -> Value {
    json!({"type": "object", "properties": {
        "name": {"type": "string", "description": "`host:path`, or `expected`"},
        "host": {"type": "string"},
        "path": {"type": "string"},
        "path_base64": {"type": "string", "description": "the exact path, where it is not UTF-8"},
        "uri": {"type": "string"},
        "size": {"type": "integer"},
        "sha256": {"type": "string", "description": "where the lines were not compared"},
    }, "required": ["name"]})
}

pub(super) async fn call(call: Call<'_>, args: Args) -> Answered {
    match request(args) {
        Ok(request) => answer(call, request).await,
        Err(failure) => failure.into(),
    }
}

/// Compares, and shapes the report; also for `scout`. A difference is what was asked for, not a
/// failure.
pub(super) async fn answer(call: Call<'_>, request: DiffRequest) -> Answered {
    let Call {
        ops,
        principal,
        deadline,
        progress,
        ..
    } = call;
    match ops.diff(principal, request, &progress, deadline).await {
        Ok(report) => {
            let holds = report.holds();
            Answered::ok(Answer::rendered(report).with_hold(holds))
        }
        Err(failure) => failure.into(),
    }
}

fn request(args: Args) -> Result<DiffRequest, Failure> {
    let place = Target {
        host: HostName::parse(&args.host)?,
        path: RemotePath::parse(&args.path)?,
    };
    match (args.other, args.content) {
        (Some(other), None) => DiffRequest::places(place, Target::parse(&other)?, args.context),
        (None, Some(content)) => DiffRequest::expected(content.into_bytes(), place, args.context),
        _ => Err(Failure::invalid("give either `other` or `content`")),
    }
}
