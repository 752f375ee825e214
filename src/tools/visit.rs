//! `visit`: one host of a broadcast, asked for by another replica. Clients neither see nor reach it.

use super::schema::{of, report};
use super::{Answered, Call, Described, Ending, changes};
use crate::mcp::Answer;
use crate::ops::{Failure, Visit};
use fleet::HostName;
use schemars::JsonSchema;
use serde::Deserialize;
use serde_json::json;
use tracing::Instrument as _;

/// Arguments of `visit`.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct Args {
    /// The host.
    #[schemars(extend("x-mcp-header" = "Host"))]
    host: String,
    /// On whose behalf.
    caller: String,
    /// What for.
    #[schemars(with = "serde_json::Value")]
    visit: Visit,
}

pub(super) fn describe() -> Described {
    Described {
        title: "Visit a host for another replica",
        description: "One host of a broadcast that another replica of Scout was asked for.",
        annotations: changes(),
        input: of::<Args>(),
        output: report(json!({
            "state": {"type": "string"},
            "what": {"type": "object"},
        })),
    }
}

pub(super) async fn call(call: Call<'_>, args: Args) -> Answered {
    let Args {
        host,
        caller,
        visit,
    } = args;
    let Some(principal) = call.replica.and_then(|replica| replica.caller(&caller)) else {
        let message = format!("no caller has the name `{}` here", caller.escape_debug());
        return Failure::refused(message).into();
    };
    let host = match HostName::parse(&host) {
        Ok(host) => host,
        Err(error) => return Failure::from(error).into(),
    };
    let span = tracing::info_span!("visit", caller = %principal.name);
    let visited = call
        .ops
        .visit(&principal, host, visit, call.deadline)
        .instrument(span)
        .await;
    match visited {
        Err(failure) => failure.into(),
        Ok(answer) => {
            let (success, hold) = (answer.is_success(), answer.hold());
            Answered {
                answer: Answer::rendered(answer).with_hold(hold),
                ending: Ending(if success { "ok" } else { "failed" }),
                code: None,
            }
        }
    }
}
