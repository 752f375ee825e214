//! Reads one JSON-RPC object, before any engine sees it.
//!
//! Our own, because jsonrpsee (0.26) takes a request whose id it cannot represent for a
//! notification and drops it, serves `id: null`, and accepts arrays in place of objects.

use std::borrow::Cow;

use jsonrpsee::types::ErrorObjectOwned;
use rmcp::model::ErrorCode;
use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;

use super::error::object;
use super::strict;

/// The id of a request: a string or an integer of any size, kept as it was written.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum Id {
    /// The digits, perhaps behind a minus sign.
    Integer(Box<str>),
    /// The string, unescaped.
    Text(Box<str>),
}

impl Id {
    /// Reads a JSON text. Fractions, exponents, `null` and everything else are no ids.
    pub fn parse(raw: &RawValue) -> Option<Self> {
        let raw = raw.get();
        let digits = raw.strip_prefix('-').unwrap_or(raw);
        if !digits.is_empty() && digits.bytes().all(|byte| byte.is_ascii_digit()) {
            return Some(Self::Integer(raw.into()));
        }
        let text: Cow<'_, str> = serde_json::from_str(raw).ok()?;
        Some(Self::Text(text.into()))
    }

    /// The id as JSON.
    pub fn to_json(&self) -> Cow<'_, str> {
        match self {
            Self::Integer(digits) => Cow::Borrowed(digits),
            Self::Text(text) => Cow::Owned(serde_json::Value::from(&**text).to_string()),
        }
    }
}

/// One message from a client.
#[derive(Debug)]
pub enum Message {
    /// Wants an answer.
    Request {
        /// Goes back with the answer.
        id: Id,
        /// The method.
        method: String,
        /// An object, when there is one.
        params: Option<Box<RawValue>>,
    },
    /// Wants none.
    Notification {
        /// The method.
        method: String,
        /// An object, when there is one.
        params: Option<Box<RawValue>>,
    },
}

/// Why a text is not a message.
#[derive(Debug)]
pub struct Malformed {
    /// The id, where it could be read.
    pub id: Option<Id>,
    /// -32700 or -32600.
    pub error: ErrorObjectOwned,
}

impl Malformed {
    fn new(id: Option<Id>, code: ErrorCode, message: &str) -> Self {
        Self {
            id,
            error: object(code, message, None),
        }
    }

    fn syntax() -> Self {
        Self::new(None, ErrorCode::PARSE_ERROR, "not valid JSON in UTF-8")
    }

    fn invalid(id: Option<Id>, message: &str) -> Self {
        Self::new(id, ErrorCode::INVALID_REQUEST, message)
    }
}

/// The members that matter; others are ignored, as JSON-RPC has it.
#[derive(Deserialize)]
struct Envelope<'a> {
    #[serde(borrow)]
    jsonrpc: Option<&'a RawValue>,
    #[serde(borrow, default, deserialize_with = "present")]
    id: Option<&'a RawValue>,
    #[serde(borrow)]
    method: Option<&'a RawValue>,
    #[serde(borrow, default, deserialize_with = "present")]
    params: Option<&'a RawValue>,
    #[serde(borrow, default, deserialize_with = "present")]
    result: Option<&'a RawValue>,
    #[serde(borrow, default, deserialize_with = "present")]
    error: Option<&'a RawValue>,
}

/// Keeps `null` apart from a member that is not there.
fn present<'de, D: serde::Deserializer<'de>>(from: D) -> Result<Option<&'de RawValue>, D::Error> {
    <&RawValue>::deserialize(from).map(Some)
}

impl Message {
    /// Reads one message. Arrays are refused: only 2025-03-26 has batches, every later version
    /// removed them, and no client in use sends any.
    pub fn parse(body: &[u8]) -> Result<Self, Malformed> {
        let text = std::str::from_utf8(body).map_err(|_| Malformed::syntax())?;
        let first = text.bytes().find(|byte| !byte.is_ascii_whitespace());
        match (strict::check(text), first) {
            (Err(strict::Fault::Syntax), _) => return Err(Malformed::syntax()),
            (_, Some(b'[')) => {
                return Err(Malformed::invalid(
                    None,
                    "batches are not supported: send one message",
                ));
            }
            (Ok(()), Some(b'{')) => {}
            (Ok(()), _) => return Err(Malformed::invalid(None, "a message is a JSON object")),
            (Err(strict::Fault::DuplicateKey), _) => {
                return Err(Malformed::invalid(None, "an object has the same key twice"));
            }
            (Err(strict::Fault::Depth), _) => {
                let why = format!("nested deeper than {} levels", strict::MAX_DEPTH);
                return Err(Malformed::invalid(None, &why));
            }
        }
        let envelope: Envelope<'_> = serde_json::from_str(text).map_err(|_| Malformed::syntax())?;
        envelope.into_message()
    }
}

impl Envelope<'_> {
    fn into_message(self) -> Result<Message, Malformed> {
        let id = self.id.map(Id::parse);
        let readable = id.clone().flatten();
        let invalid = |why| Err(Malformed::invalid(readable.clone(), why));
        if self.jsonrpc.map(RawValue::get) != Some(r#""2.0""#) {
            return invalid("`jsonrpc` must be \"2.0\"");
        }
        if self.result.is_some() || self.error.is_some() {
            return invalid("this server sends no requests, so it takes no responses");
        }
        let Some(Ok(method)) = self
            .method
            .map(|raw| serde_json::from_str::<String>(raw.get()))
        else {
            return invalid("`method` must be a string");
        };
        if self
            .params
            .is_some_and(|params| !params.get().starts_with('{'))
        {
            return invalid("`params` must be an object");
        }
        let params = self.params.map(ToOwned::to_owned);
        match id {
            Some(Some(id)) => Ok(Message::Request { id, method, params }),
            Some(None) => invalid("`id` must be a string or an integer"),
            None => Ok(Message::Notification { method, params }),
        }
    }
}

/// An error on its own, `id` left out where it is unknown: the schema has no `null` id.
pub fn error_object(id: Option<&Id>, error: &ErrorObjectOwned) -> String {
    #[derive(Serialize)]
    struct Response<'a> {
        jsonrpc: &'static str,
        #[serde(skip_serializing_if = "Option::is_none")]
        id: Option<Box<RawValue>>,
        error: &'a ErrorObjectOwned,
    }
    let id = id.and_then(|id| RawValue::from_string(id.to_json().into_owned()).ok());
    serde_json::to_string(&Response {
        jsonrpc: "2.0",
        id,
        error,
    })
    .unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn refusal(body: &str) -> (i32, Option<String>) {
        let refused = Message::parse(body.as_bytes()).expect_err(body);
        (
            refused.error.code(),
            refused.id.map(|id| id.to_json().into_owned()),
        )
    }

    #[test]
    fn ids_come_back_as_they_were_written() {
        for id in ["0", "-7", "18446744073709551616", r#""a\"b""#, r#""""#] {
            let body = format!(r#"{{"jsonrpc":"2.0","id":{id},"method":"ping"}}"#);
            let Ok(Message::Request { id: read, .. }) = Message::parse(body.as_bytes()) else {
                panic!("{id}")
            };
            assert_eq!(read.to_json(), id);
        }
    }

    #[test]
    fn what_is_no_id_is_no_notification_either() {
        for id in ["null", "1.5", "1e3", "{}", "[1]", "true"] {
            let body = format!(r#"{{"jsonrpc":"2.0","id":{id},"method":"ping"}}"#);
            assert_eq!(refusal(&body), (-32600, None), "{id}");
        }
    }

    #[test]
    fn faults_name_the_id_they_can_read() {
        let with_id = [
            r#"{"jsonrpc":"1.0","id":5,"method":"ping"}"#,
            r#"{"id":5,"method":"ping"}"#,
            r#"{"jsonrpc":"2.0","id":5}"#,
            r#"{"jsonrpc":"2.0","id":5,"method":7}"#,
            r#"{"jsonrpc":"2.0","id":5,"method":"ping","params":[]}"#,
            r#"{"jsonrpc":"2.0","id":5,"method":"ping","params":null}"#,
            r#"{"jsonrpc":"2.0","id":5,"result":{}}"#,
            r#"{"jsonrpc":"2.0","id":5,"error":null}"#,
        ];
        for body in with_id {
            assert_eq!(refusal(body), (-32600, Some("5".into())), "{body}");
        }
    }

    #[test]
    fn only_one_object_is_a_message() {
        for body in ["", "{", "\u{feff}{}", r#"{"jsonrpc":"2.0"}{}"#] {
            assert_eq!(refusal(body).0, -32700, "{body:?}");
        }
        for body in ["[]", "[{}]", "1", "null", "\"x\"", r#"["2.0",1,"ping"]"#] {
            assert_eq!(refusal(body), (-32600, None), "{body}");
        }
        let twice = r#"{"jsonrpc":"2.0","id":1,"id":2,"method":"ping"}"#;
        assert_eq!(refusal(twice), (-32600, None));
        assert!(Message::parse(b"{\"jsonrpc\":\"2.0\",\"method\":\"\xff\"}").is_err());
    }

    #[test]
    fn a_message_without_id_is_a_notification() {
        let body = br#" {"jsonrpc":"2.0","method":"notifications/initialized","params":{},"x":1}"#;
        assert!(matches!(
            Message::parse(body),
            Ok(Message::Notification {
                params: Some(_),
                ..
            })
        ));
    }

    #[test]
    fn an_error_without_id_has_no_such_member() {
        let error = object(ErrorCode::PARSE_ERROR, "no", None);
        let sent = error_object(None, &error);
        assert_eq!(
            sent,
            r#"{"jsonrpc":"2.0","error":{"code":-32700,"message":"no"}}"#
        );
        let sent = error_object(Some(&Id::Text("x".into())), &error);
        assert!(sent.starts_with(r#"{"jsonrpc":"2.0","id":"x","error""#));
    }
}
