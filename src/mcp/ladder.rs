//! The checks between a well-formed message and its handler, in the order the specification and
//! its conformance suite want: the first failure wins.
//!
//! Pure. Tells the era, the version and the progress token of a request, or its refusal together
//! with the HTTP status that goes with it.

use http::{HeaderMap, StatusCode};
use jsonrpsee::types::ErrorObjectOwned;
use rmcp::model::{JsonObject, NumberOrString, ProgressToken};
use serde::Deserialize;
use serde_json::Value;
use serde_json::value::RawValue;

use super::era::{Claim, Era, Version, claim};
use super::error::{header_mismatch, invalid_params, method_not_found, unsupported_version};
use super::header;

const VERSION_KEY: &str = "io.modelcontextprotocol/protocolVersion";
const CAPABILITIES_KEY: &str = "io.modelcontextprotocol/clientCapabilities";
const LOG_LEVEL_KEY: &str = "io.modelcontextprotocol/logLevel";

/// RFC 5424, as the `LoggingLevel` of the schema.
const LOG_LEVELS: [&str; 8] = [
    "debug",
    "info",
    "notice",
    "warning",
    "error",
    "critical",
    "alert",
    "emergency",
];

/// What the ladder found out about a request.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Ticket {
    pub(super) version: Version,
    pub(super) progress_token: Option<ProgressToken>,
}

/// Why a request does not get further.
#[derive(Debug)]
pub(super) struct Refused {
    pub(super) status: StatusCode,
    pub(super) error: ErrorObjectOwned,
}

impl Refused {
    fn bad_request(error: ErrorObjectOwned) -> Self {
        Self {
            status: StatusCode::BAD_REQUEST,
            error,
        }
    }
}

/// The members of `params` the ladder looks at; the handler reads the rest.
#[derive(Debug, Default, Deserialize)]
pub(super) struct Head {
    #[serde(default, rename = "_meta")]
    meta: Option<Value>,
    #[serde(default)]
    name: Option<Value>,
    #[serde(default)]
    uri: Option<Value>,
    #[serde(default, rename = "taskId")]
    task_id: Option<Value>,
}

impl Head {
    /// `params` is known to be an object.
    pub(super) fn read(params: Option<&RawValue>) -> Self {
        params
            .and_then(|raw| serde_json::from_str(raw.get()).ok())
            .unwrap_or_default()
    }

    fn meta(&self) -> Option<&JsonObject> {
        self.meta.as_ref().and_then(Value::as_object)
    }

    /// What `Mcp-Name` repeats.
    fn routed_by(&self, method: &str) -> Option<&str> {
        let member = match method {
            "tools/call" | "prompts/get" => &self.name,
            "resources/read" => &self.uri,
            "tasks/get" | "tasks/update" | "tasks/cancel" => &self.task_id,
            _ => return None,
        };
        member.as_ref().and_then(Value::as_str)
    }

    fn progress_token(&self) -> Option<ProgressToken> {
        let token = match self.meta()?.get("progressToken")? {
            Value::String(text) => NumberOrString::String(text.as_str().into()),
            Value::Number(number) => NumberOrString::Number(number.as_i64()?),
            _ => return None,
        };
        Some(ProgressToken(token))
    }
}

/// Climbs the ladder. `headers` is absent on stdio; `unstated` is the version of a legacy message
/// that does not name one; `exists` knows the methods of each era.
pub(super) fn climb(
    method: &str,
    head: &Head,
    headers: Option<&HeaderMap>,
    unstated: Version,
    exists: impl Fn(&str, Era) -> bool,
) -> Result<Ticket, Refused> {
    let header = match headers {
        Some(headers) => {
            header::single(headers, header::PROTOCOL_VERSION).map_err(Refused::bad_request)?
        }
        None => None,
    };
    let modern = head
        .meta()
        .is_some_and(|meta| meta.contains_key(VERSION_KEY));
    let version = if modern {
        climb_modern(method, head, header, headers)?
    } else {
        match claim(header, unstated) {
            Claim::Legacy(version) => version,
            Claim::Modern => climb_modern(method, head, header, headers)?,
            Claim::Unknown(name) => return Err(Refused::bad_request(unsupported_version(name))),
        }
    };
    if !exists(method, version.era()) {
        // A 404 to an older client means that its session is gone.
        let status = match version.era() {
            Era::Modern => StatusCode::NOT_FOUND,
            Era::Legacy => StatusCode::OK,
        };
        return Err(Refused {
            status,
            error: method_not_found(method),
        });
    }
    Ok(Ticket {
        version,
        progress_token: head.progress_token(),
    })
}

fn climb_modern(
    method: &str,
    head: &Head,
    header: Option<&str>,
    headers: Option<&HeaderMap>,
) -> Result<Version, Refused> {
    let requested = envelope(head).map_err(Refused::bad_request)?;
    if headers.is_some() && header != Some(requested) {
        let header = header.unwrap_or("absent");
        return Err(Refused::bad_request(header_mismatch(format!(
            "header `{}` is `{header}`, the body says `{requested}`",
            header::PROTOCOL_VERSION
        ))));
    }
    let version = Version::parse(requested)
        .filter(|version| version.era() == Era::Modern)
        .ok_or_else(|| Refused::bad_request(unsupported_version(requested)))?;
    if let Some(headers) = headers {
        routing(method, head, headers).map_err(Refused::bad_request)?;
    }
    Ok(version)
}

/// `_meta` as every modern request has it. Returns the version it names.
fn envelope(head: &Head) -> Result<&str, ErrorObjectOwned> {
    let meta = match &head.meta {
        None => None,
        Some(Value::Object(meta)) => Some(meta),
        Some(_) => return Err(invalid_params("`_meta` must be an object")),
    };
    let member = |key: &str| meta?.get(key);
    let missing: Vec<&str> = [VERSION_KEY, CAPABILITIES_KEY]
        .into_iter()
        .filter(|key| member(key).is_none())
        .collect();
    if !missing.is_empty() {
        return Err(invalid_params(format!(
            "`params._meta` lacks {}",
            missing.join(", ")
        )));
    }
    if !member(CAPABILITIES_KEY).is_some_and(Value::is_object) {
        return Err(invalid_params(format!(
            "`{CAPABILITIES_KEY}` must be an object"
        )));
    }
    if let Some(level) = member(LOG_LEVEL_KEY)
        && !level
            .as_str()
            .is_some_and(|level| LOG_LEVELS.contains(&level))
    {
        return Err(invalid_params(format!(
            "`{LOG_LEVEL_KEY}` is no level of RFC 5424"
        )));
    }
    member(VERSION_KEY)
        .and_then(Value::as_str)
        .ok_or_else(|| invalid_params(format!("`{VERSION_KEY}` must be a string")))
}

/// `Mcp-Method` and `Mcp-Name` against the body.
fn routing(method: &str, head: &Head, headers: &HeaderMap) -> Result<(), ErrorObjectOwned> {
    if header::single(headers, header::METHOD)? != Some(method) {
        return Err(header_mismatch(format!(
            "header `{}` is not `{method}`",
            header::METHOD
        )));
    }
    let Some(expected) = head.routed_by(method) else {
        return Ok(());
    };
    let name = header::single(headers, header::NAME)?;
    match name.and_then(header::decode) {
        Some(name) if name == expected => Ok(()),
        _ => Err(header_mismatch(format!(
            "header `{}` is not `{expected}`",
            header::NAME
        ))),
    }
}

#[cfg(test)]
#[path = "ladder/tests.rs"]
mod tests;
