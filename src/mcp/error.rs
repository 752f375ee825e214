//! Error codes of the protocol, and what a catalogue may answer instead of a result.
//!
//! Never mints a code in -32000..-32019 (reserved by the specification for what exists already) and
//! never sends the text of an internal error to a client.

use std::error::Error;

use jsonrpsee::types::ErrorObjectOwned;
use rmcp::model::{ErrorCode, JsonObject};
use serde_json::{Value, json};

use super::era::{Era, SUPPORTED};

/// Why a catalogue has no answer.
#[derive(Debug, thiserror::Error)]
pub enum CallError {
    /// The arguments do not fit. A tool answers this as a result with `isError`, so that the model
    /// reads it and tries again (SEP-1303); everything else answers -32602.
    #[error("{0}")]
    Arguments(String),
    /// Wrong beyond the arguments of a tool: always -32602.
    #[error("{message}")]
    InvalidParams {
        /// One sentence for the client.
        message: String,
        /// Machine-readable details.
        data: Option<Value>,
    },
    /// No such tool: -32602.
    #[error("unknown tool `{0}`: tools/list names the tools there are")]
    UnknownTool(String),
    /// No such prompt: -32602.
    #[error("unknown prompt `{0}`: prompts/list names the prompts there are")]
    UnknownPrompt(String),
    /// No such resource: -32602, in the older versions -32002 (SEP-2164).
    #[error(
        "resource `{uri}` not found: resources/list and resources/templates/list name what there is"
    )]
    ResourceNotFound {
        /// The URI as the client sent it.
        uri: String,
    },
    /// The work failed where it was done, and the client may know why: -32603. A tool answers this
    /// as a result with `isError` instead; only what has no such result uses it.
    #[error("{message}")]
    Failed {
        /// One sentence for the client.
        message: String,
        /// Machine-readable details.
        data: Value,
    },
    /// Needs something the client did not declare: -32021. Only the 2026-07-28 version knows it;
    /// the older ones answer -32602.
    #[error("the client did not declare a capability this request needs")]
    MissingCapability {
        /// The capabilities needed, in the shape of `ClientCapabilities`.
        required: JsonObject,
    },
    /// A fault of the server: -32603 with a fixed text. The source is logged, never sent.
    #[error("internal error")]
    Internal(#[source] Box<dyn Error + Send + Sync>),
}

impl CallError {
    /// The JSON-RPC error for this era.
    pub(super) fn into_object(self, era: Era) -> ErrorObjectOwned {
        let message = self.to_string();
        let invalid = ErrorCode::INVALID_PARAMS;
        match self {
            Self::Arguments(_) | Self::UnknownTool(_) | Self::UnknownPrompt(_) => {
                object(invalid, message, None)
            }
            Self::InvalidParams { data, .. } => object(invalid, message, data),
            Self::Failed { data, .. } => object(ErrorCode::INTERNAL_ERROR, message, Some(data)),
            Self::ResourceNotFound { uri } => {
                let code = match era {
                    Era::Modern => invalid,
                    Era::Legacy => ErrorCode::RESOURCE_NOT_FOUND,
                };
                object(code, message, Some(json!({ "uri": uri })))
            }
            Self::MissingCapability { required } => {
                let code = match era {
                    Era::Modern => ErrorCode::MISSING_REQUIRED_CLIENT_CAPABILITY,
                    Era::Legacy => invalid,
                };
                object(
                    code,
                    message,
                    Some(json!({ "requiredCapabilities": required })),
                )
            }
            Self::Internal(source) => {
                tracing::error!(error = %source, "a handler failed");
                internal()
            }
        }
    }
}

pub(super) fn object(
    code: ErrorCode,
    message: impl Into<String>,
    data: Option<Value>,
) -> ErrorObjectOwned {
    ErrorObjectOwned::owned(code.0, message, data)
}

pub(super) fn invalid_params(message: impl Into<String>) -> ErrorObjectOwned {
    object(ErrorCode::INVALID_PARAMS, message, None)
}

pub(super) fn internal() -> ErrorObjectOwned {
    object(ErrorCode::INTERNAL_ERROR, "internal error", None)
}

pub(super) fn method_not_found(method: &str) -> ErrorObjectOwned {
    object(
        ErrorCode::METHOD_NOT_FOUND,
        format!("method `{method}` not found"),
        None,
    )
}

pub(super) fn header_mismatch(message: impl Into<String>) -> ErrorObjectOwned {
    object(ErrorCode::HEADER_MISMATCH, message, None)
}

/// -32022. `data.supported` is the list `server/discover` gives: clients compare the two.
pub(super) fn unsupported_version(requested: &str) -> ErrorObjectOwned {
    let supported: Vec<&str> = SUPPORTED.iter().map(|version| version.as_str()).collect();
    object(
        ErrorCode::UNSUPPORTED_PROTOCOL_VERSION,
        "unsupported protocol version",
        Some(json!({ "supported": supported, "requested": requested })),
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_missing_resource_has_the_code_of_its_era() {
        let missing = || CallError::ResourceNotFound {
            uri: "a://b".into(),
        };
        let modern = missing().into_object(Era::Modern);
        assert_eq!(modern.code(), -32602);
        assert_eq!(modern.data().unwrap().get(), r#"{"uri":"a://b"}"#);
        assert_eq!(missing().into_object(Era::Legacy).code(), -32002);
    }

    #[test]
    fn failed_work_tells_the_client_why() {
        for era in [Era::Modern, Era::Legacy] {
            let failed = CallError::Failed {
                message: "`web1` is down".into(),
                data: json!({"code": "unreachable"}),
            };
            let sent = failed.into_object(era);
            assert_eq!((sent.code(), sent.message()), (-32603, "`web1` is down"));
            assert_eq!(sent.data().unwrap().get(), r#"{"code":"unreachable"}"#);
        }
    }

    #[test]
    fn an_internal_error_keeps_its_cause_to_itself() {
        let error = CallError::Internal("password is hunter2".into());
        let sent = error.into_object(Era::Modern);
        assert_eq!((sent.code(), sent.message()), (-32603, "internal error"));
        assert!(sent.data().is_none());
    }
}
