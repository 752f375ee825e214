//! The engine: one message in, one reply out, for every transport alike.

use std::sync::Arc;

use bytes::Bytes;
use http::{Extensions, StatusCode};
use jsonrpsee::core::middleware::{Notification, Request, RpcServiceT};
use jsonrpsee::types::Id as EngineId;
use jsonrpsee::{MethodResponse, Methods};
use tokio::time::Instant;

use super::catalogue::Catalogue;
use super::dispatch::{Deadline, Dispatch};
use super::envelope::{Id, Message};
use super::era::Version;
use super::layer::{LadderLayer, Link, Status};
use super::methods;
use super::progress::Outbound;
use super::written::Written;

/// The id every request has inside. jsonrpsee 0.26 knows no negative ids and none above `u64`, so
/// the client's own stays outside and is put back into the reply.
const INNER_ID: u64 = 0;

/// How every reply begins inside.
const INNER_HEAD: &str = r#"{"jsonrpc":"2.0","id":0"#;

/// Serves a catalogue. Cheap to clone.
#[derive(Debug, Clone)]
pub struct Engine {
    service: LadderLayer<Dispatch>,
}

/// A message with everything the engine needs to know around it.
#[derive(Debug)]
pub struct Call {
    /// The message.
    pub message: Message,
    /// How it came.
    pub link: Link,
    /// What the transport knows of the caller, for the catalogue.
    pub extensions: Extensions,
    /// Where notifications of this request go, if anywhere.
    pub outbound: Option<Outbound>,
    /// When the caller stops waiting.
    pub deadline: Instant,
}

/// What goes back.
#[derive(Debug)]
pub struct Reply {
    /// The HTTP status of a reply that is not part of a stream.
    pub status: StatusCode,
    /// The code of a JSON-RPC error.
    pub error: Option<i32>,
    /// What `initialize` agreed on.
    pub negotiated: Option<Version>,
    /// The JSON-RPC object, in pieces, without line breaks; none for a notification.
    pub body: Vec<Bytes>,
}

impl Reply {
    /// Its length in bytes.
    pub fn len(&self) -> usize {
        self.body.iter().map(Bytes::len).sum()
    }

    /// Whether there is nothing to send.
    pub fn is_empty(&self) -> bool {
        self.body.is_empty()
    }
}

impl Engine {
    /// An engine over `catalogue`.
    pub fn new(catalogue: Arc<dyn Catalogue>) -> Self {
        let methods: Methods = methods::register(catalogue);
        let dispatch = Dispatch {
            methods: methods.clone(),
        };
        Self {
            service: LadderLayer {
                inner: dispatch,
                methods,
            },
        }
    }

    /// The method as a label: its own name when the engine has it, else `other`.
    pub fn label(&self, method: &str) -> &'static str {
        self.service
            .methods
            .method_with_name(method)
            .map_or("other", |(name, _)| name)
    }

    /// Serves one message. Dropping the future cancels it.
    pub async fn serve(&self, call: Call) -> Reply {
        let Call {
            message,
            link,
            mut extensions,
            outbound,
            deadline,
        } = call;
        extensions.insert(link);
        extensions.insert(Deadline(deadline));
        if let Some(outbound) = outbound {
            extensions.insert(outbound);
        }
        match message {
            Message::Request { id, method, params } => {
                let mut request = Request::owned(method, params, EngineId::Number(INNER_ID));
                request.extensions = extensions;
                reply(Some(&id), self.service.call(request).await)
            }
            Message::Notification { method, params } => {
                let params = params.map(std::borrow::Cow::Owned);
                let mut notification = Notification::new(method.into(), params);
                notification.extensions = extensions;
                reply(None, self.service.notification(notification).await)
            }
        }
    }
}

/// Puts the client's id in, or leaves it out where there is none: what was written of a result is
/// not copied.
fn reply(id: Option<&Id>, mut response: MethodResponse) -> Reply {
    let error = response.as_error_code();
    let is_notification = response.is_notification();
    let written = Written::taken_from(&mut response);
    let status = response
        .extensions()
        .get()
        .map_or(StatusCode::OK, |Status(status)| *status);
    let negotiated = response
        .extensions()
        .get::<methods::Negotiated>()
        .map(|agreed| agreed.0);
    if let (Some(id), Some(written)) = (id, written) {
        return Reply {
            status,
            error,
            negotiated,
            body: written.into_response(&id.to_json()),
        };
    }
    if is_notification {
        return Reply {
            status,
            error,
            negotiated,
            body: Vec::new(),
        };
    }
    let text = String::from(Box::<str>::from(response.into_json()));
    let inner = if id.is_some() {
        INNER_HEAD
    } else {
        r#"{"jsonrpc":"2.0","id":null"#
    };
    let cut = if text.starts_with(inner) {
        inner.len()
    } else {
        0
    };
    debug_assert_ne!(cut, 0, "jsonrpsee writes `jsonrpc` and `id` first");
    let head = match id {
        Some(id) => format!(r#"{{"jsonrpc":"2.0","id":{}"#, id.to_json()),
        None => r#"{"jsonrpc":"2.0""#.to_owned(),
    };
    let tail = Bytes::from(text).slice(cut..);
    Reply {
        status,
        error,
        negotiated,
        body: vec![Bytes::from(head), tail],
    }
}

#[cfg(test)]
#[path = "engine/tests.rs"]
mod tests;
