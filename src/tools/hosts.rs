//! `hosts`: which hosts there are, how they are reached, and whether they answer.

use super::schema::{of, report};
use super::{Answered, Call, Described, reads};
use crate::mcp::Answer;
use crate::ops::HostsRequest;
use schemars::JsonSchema;
use serde::Deserialize;
use serde_json::json;

/// Arguments of `hosts`.
#[derive(Debug, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct Args {
    /// Only the hosts that this host expression selects: names, globs `web-*`, ranges `web-[01-18]`,
    /// tags `@db` or `all`, joined by commas; `!` in front excludes.
    #[serde(default)]
    filter: Option<String>,
    /// Find out which hosts are online (default true). Answers are kept for a short time.
    #[serde(default)]
    probe: Option<bool>,
}

pub(super) fn describe() -> Described {
    Described {
        title: "List hosts",
        description: "List the SSH hosts of the fleet: name, address, whether each is online, and the state of its connection. Examples: {} lists all; {\"filter\": \"web-[01-18],@db,!web-07\"} only those; with {\"probe\": false} it previews what a host expression selects without asking any host.",
        annotations: reads(),
        input: of::<Args>(),
        output: report(json!({
            "hosts": {"type": "array", "items": {"type": "object", "properties": {
                "name": {"type": "string"},
                "online": {"type": "boolean"},
                "connection": {"type": "string", "enum": ["idle", "connecting", "connected", "backoff"]},
                "user": {"type": "string"},
                "hostname": {"type": "string"},
                "port": {"type": "integer"},
                "jump": {"type": "string"},
                "tags": {"type": "array", "items": {"type": "string"}},
                "problem": {"type": "string", "description": "why the host cannot be used"},
            }, "required": ["name", "connection"]}},
            "selected": {"type": "integer", "description": "how many the filter selected"},
            "folded": {"type": "string", "description": "the selected hosts as a short host expression"},
        })),
    }
}

pub(super) async fn call(call: Call<'_>, args: Args) -> Answered {
    let request = HostsRequest {
        filter: args.filter,
        probe: args.probe.unwrap_or(true),
    };
    match call.ops.hosts(call.principal, request).await {
        Ok(report) => Answered::ok(Answer::rendered(report)),
        Err(failure) => failure.into(),
    }
}
