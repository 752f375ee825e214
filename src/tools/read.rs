//! `read`: a file or a directory, whichever it is.

use super::schema::{of, report};
use super::{Answered, Call, Described, reads};
use crate::access::Principal;
use crate::mcp::Answer;
use crate::ops::{Bytes, Failure, Ops, Range, ReadReport, ReadRequest};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use fleet::{Deadline, HostName, RemotePath};
use rmcp::model::ContentBlock;
use schemars::JsonSchema;
use serde::Deserialize;
use serde_json::json;

/// The largest image that is also sent as one, so that a model can look at it.
const MAX_IMAGE: usize = 1 << 20;

/// Arguments of `read`.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct Args {
    /// The host, by its name in the list of hosts.
    #[schemars(extend("x-mcp-header" = "Host"))]
    host: String,
    /// Absolute, or below the home directory with `~/`; empty or `~` is the home directory.
    #[serde(default)]
    path: Option<String>,
    /// Instead of `path`: its exact bytes in base64, for a path that is not UTF-8.
    #[serde(default)]
    path_base64: Option<String>,
    /// Of a file: the first byte to return.
    #[serde(default)]
    #[schemars(range(min = 0))]
    offset: Option<u64>,
    /// Of a file: how many bytes to return at most.
    #[serde(default)]
    #[schemars(range(min = 0))]
    limit: Option<u64>,
    /// Of a file: which lines, counted from 1: `20` (the first twenty), `10-20`, `10-`.
    #[serde(default)]
    lines: Option<String>,
    /// Of a file: the last so many lines.
    #[serde(default)]
    #[schemars(range(min = 1))]
    tail: Option<u64>,
    /// Of a directory: the tree below it instead of its listing.
    #[serde(default)]
    tree: bool,
    /// How deep the tree goes, 1 to 10 (default 3).
    #[serde(default)]
    #[schemars(range(min = 1, max = 10))]
    depth: Option<usize>,
}

pub(super) fn describe() -> Described {
    Described {
        title: "Read a file or directory",
        description: "Read a file, or list a directory, on one host; the host says which it is. Examples: {\"host\": \"web1\", \"path\": \"/etc/hosts\"}; {\"host\": \"web1\", \"path\": \"/var/log/syslog\", \"tail\": 100}; {\"host\": \"web1\", \"path\": \"~/app\", \"tree\": true}. Binary files come as base64.",
        annotations: reads(),
        input: of::<Args>(),
        output: report(json!({
            "path": {"type": "string"},
            "kind": {"type": "string", "enum": ["file", "directory", "tree"]},
            "size": {"type": "integer", "description": "size of the whole file in bytes"},
            "modified": {"type": "string", "description": "last modification, UTC"},
            "offset": {"type": "integer"},
            "truncated": {"type": "boolean", "description": "whether there is more than was returned"},
            "mime_type": {"type": "string"},
            "encoding": {"type": "string", "enum": ["utf-8", "base64"]},
            "content": {"type": "string"},
            "entries": {"type": "array", "items": {"type": "object", "properties": {
                "name": {"type": "string"},
                "name_base64": {"type": "string", "description": "the exact name, where it is not UTF-8"},
                "kind": {"type": "string"},
                "size": {"type": "integer"},
                "modified": {"type": "string"},
                "mode": {"type": "string"},
                "depth": {"type": "integer"},
                "unreadable": {"type": "boolean"},
            }, "required": ["name", "kind"]}},
        })),
    }
}

pub(super) async fn call(call: Call<'_>, args: Args) -> Answered {
    let request = match request(args) {
        Ok(request) => request,
        Err(failure) => return failure.into(),
    };
    answer(call.ops, call.principal, request, call.deadline).await
}

/// Reads, and shapes the report; also for `scout`.
pub(super) async fn answer(
    ops: &Ops,
    principal: &Principal,
    request: ReadRequest,
    deadline: Deadline,
) -> Answered {
    let report = match ops.read(principal, request, deadline).await {
        Ok(report) => report,
        Err(failure) => return failure.into(),
    };
    let (hold, image) = (report.hold(), image(&report));
    let answer = Answer::rendered(report).with_hold(hold);
    Answered::ok(match image {
        Some(image) => answer.with_block(image),
        None => answer,
    })
}

/// The picture that the file is, if it is one and not too large.
fn image(report: &ReadReport) -> Option<ContentBlock> {
    let ReadReport::File(file) = report else {
        return None;
    };
    match &file.content {
        Bytes::Binary(bytes)
            if file.mime_type.starts_with("image/") && bytes.len() <= MAX_IMAGE =>
        {
            Some(ContentBlock::image(STANDARD.encode(bytes), file.mime_type))
        }
        _ => None,
    }
}

fn request(args: Args) -> Result<ReadRequest, Failure> {
    let range = match (args.lines, args.tail, args.offset, args.limit) {
        (None, None, None, None) => Range::default(),
        (None, None, offset, limit) => Range::Bytes {
            offset: offset.unwrap_or(0),
            limit,
        },
        (Some(lines), None, None, None) => Range::parse_lines(&lines).map_err(Failure::invalid)?,
        (None, Some(lines), None, None) => Range::LastLines(lines),
        _ => {
            return Err(Failure::invalid(
                "give one of `lines`, `tail`, or `offset` and `limit`, not several",
            ));
        }
    };
    let tree = match (args.tree, args.depth) {
        (true, depth) => Some(depth.unwrap_or(crate::ops::DEFAULT_DEPTH)),
        (false, Some(_)) => return Err(Failure::invalid("`depth` goes with `tree`")),
        (false, None) => None,
    };
    Ok(ReadRequest {
        host: HostName::parse(&args.host)?,
        path: exact(args.path.as_deref(), args.path_base64.as_deref())?,
        range,
        tree,
    })
}

/// A path given as text or exactly.
fn exact(path: Option<&str>, base64: Option<&str>) -> Result<RemotePath, Failure> {
    match (path, base64) {
        (Some(_), Some(_)) => Err(Failure::invalid(
            "give either `path` or `path_base64`, not both",
        )),
        (path, None) => Ok(RemotePath::parse(path.unwrap_or_default())?),
        (None, Some(base64)) => {
            let bytes = STANDARD.decode(base64);
            let bytes = bytes.map_err(|_| Failure::invalid("`path_base64` is no base64"))?;
            Ok(RemotePath::parse(bytes)?)
        }
    }
}
