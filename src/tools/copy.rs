//! `copy`: files and directories between hosts, and between a host and this machine.

use super::schema::{of, report};
use super::{Answered, Call, Described, Ending, changes};
use crate::mcp::Answer;
use crate::ops::{CopyPlace, CopyReport, CopyRequest, Failure, transfer_failed};
use fleet::Target;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::json;
use std::fmt;

/// Arguments of `copy`.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct Args {
    /// What to copy: `host:/path` or `host:~/path`, or an absolute path of the machine that runs
    /// Scout, where its configuration allows that.
    from: String,
    /// Where to: the same forms. A file goes into a directory that is there; a directory becomes
    /// what is named here, and goes into it if this ends with `/`.
    to: String,
    /// Replace files that are there. Without it they are left alone, and the copy fails.
    #[serde(default)]
    overwrite: bool,
}

pub(super) fn describe() -> Described {
    Described {
        title: "Copy files",
        description: "Copy a file or a directory between two hosts, or between a host and the machine that runs Scout, streamed and checked by SHA-256. The destination is the old file or the whole new one, never a part. A copy that was cut goes on when the same call is made again. Needs the role operator. Examples: {\"from\": \"web1:/etc/nginx/nginx.conf\", \"to\": \"web2:/etc/nginx/nginx.conf\", \"overwrite\": true}; {\"from\": \"web1:/var/log/app\", \"to\": \"backup:/srv/logs/\"}; {\"from\": \"/srv/transfer/app.tar\", \"to\": \"web1:/tmp/\"}. Links in directories are left out.",
        annotations: changes(),
        input: of::<Args>(),
        output: report(json!({
            "from": {"type": "string"},
            "to": {"type": "string", "description": "where the copy is"},
            "direction": {"type": "string", "enum": ["upload", "download", "host_to_host"]},
            "kind": {"type": "string", "enum": ["file", "directory"]},
            "bytes": {"type": "integer", "description": "size of what was copied"},
            "sent_bytes": {"type": "integer", "description": "bytes that were sent for it"},
            "resumed_at": {"type": "integer", "description": "where an earlier attempt had ended"},
            "sha256": {"type": "string", "description": "of a file, the same on both sides"},
            "replaced": {"type": "boolean"},
            "files": {"type": "object", "description": "of a directory: its files, by what became of them", "properties": {
                "copied": {"type": "integer"},
                "unchanged": {"type": "integer"},
                "skipped": {"type": "integer"},
                "failed": {"type": "integer"},
                "not_tried": {"type": "integer"},
                "directories": {"type": "integer"},
            }},
            "failures": {"type": "array", "items": {"type": "object", "properties": {
                "path": {"type": "string"},
                "path_base64": {"type": "string", "description": "the exact path, where it is not UTF-8"},
                "code": {"type": "string"},
                "message": {"type": "string"},
            }, "required": ["path", "code", "message"]}},
            "skipped": {"type": "array", "items": {"type": "object", "properties": {
                "path": {"type": "string"},
                "path_base64": {"type": "string", "description": "the exact path, where it is not UTF-8"},
                "kind": {"type": "string"},
            }, "required": ["path", "kind"]}},
            "duration_ms": {"type": "integer"},
        })),
    }
}

pub(super) async fn call(call: Call<'_>, args: Args) -> Answered {
    let request = match request(&args) {
        Ok(request) => request,
        Err(failure) => return failure.into(),
    };
    let Call {
        ops,
        principal,
        deadline,
        progress,
        ..
    } = call;
    match ops.copy(principal, request, progress, deadline).await {
        Ok(report) => answer(report),
        Err(failure) => failure.into(),
    }
}

/// Shapes the report; also for `scout`.
pub(super) fn answer(report: CopyReport) -> Answered {
    let success = report.is_success();
    let answer = Answer::rendered(report);
    Answered {
        answer: if success { answer } else { answer.failed() },
        ending: Ending(if success { "ok" } else { "failed" }),
        code: None,
    }
}

/// Between a local file and one on a host, whichever is there; for `scout`.
pub(super) async fn beam(call: Call<'_>, at: Target, local: &str) -> Answered {
    let local = match place("beam", local) {
        Ok(CopyPlace::Local(path)) => path,
        Ok(CopyPlace::Remote(_)) => {
            return Failure {
                hint: Some("between two hosts it is `beam_source` and `beam_target`".into()),
                ..Failure::invalid("`beam` is a path of the machine that runs Scout")
            }
            .into();
        }
        Err(failure) => return failure.into(),
    };
    let (ops, principal) = (call.ops, call.principal);
    let beamed = ops.beam(principal, at, local, call.progress, call.deadline);
    beamed.await.map_or_else(Answered::from_transfer, answer)
}

/// From one host to another; for `scout`.
pub(super) async fn relay(call: Call<'_>, from: Target, to: Target) -> Answered {
    let request = CopyRequest {
        from: CopyPlace::Remote(from),
        to: CopyPlace::Remote(to),
        overwrite: false,
    };
    let (ops, principal) = (call.ops, call.principal);
    let relayed = ops.copy(principal, request, call.progress, call.deadline);
    relayed.await.map_or_else(Answered::from_transfer, answer)
}

/// A failure in the words of the server Scout replaces.
#[derive(Serialize)]
#[serde(transparent)]
struct TransferFailed(Failure);

impl fmt::Display for TransferFailed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&transfer_failed(&self.0))
    }
}

impl Answered {
    fn from_transfer(failure: Failure) -> Self {
        let (ending, code) = (Ending::from(&failure), Some(failure.code));
        Self {
            answer: Answer::rendered(TransferFailed(failure)).failed(),
            ending,
            code,
        }
    }
}

fn request(args: &Args) -> Result<CopyRequest, Failure> {
    Ok(CopyRequest {
        from: place("from", &args.from)?,
        to: place("to", &args.to)?,
        overwrite: args.overwrite,
    })
}

/// An end of the copy. A client knows nothing of the directory Scout runs in.
fn place(name: &str, written: &str) -> Result<CopyPlace, Failure> {
    match CopyPlace::parse(written)? {
        CopyPlace::Local(path) if !path.is_absolute() => Err(Failure {
            hint: Some(
                "write `host:/path`, or an absolute path of the machine that runs Scout".into(),
            ),
            ..Failure::invalid(format!(
                "`{name}` is `{}`, which is neither",
                written.escape_debug()
            ))
        }),
        place => Ok(place),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_place_is_on_a_host_or_absolute() {
        assert!(place("from", "web1:/a").is_ok() && place("from", "/a:b").is_ok());
        for wrong in ["a", "./a", "../a", "~/a", ""] {
            assert_eq!(place("to", wrong).unwrap_err().code, "invalid", "{wrong}");
        }
    }
}
