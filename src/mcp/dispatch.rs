//! The end of the line: finds the method and runs it, whatever it does.
//!
//! jsonrpsee's own terminal service is private to its server, and has neither a deadline nor a net
//! for panics.

use std::any::Any;
use std::panic::AssertUnwindSafe;
use std::time::Duration;

use futures_util::FutureExt;
use jsonrpsee::core::middleware::{Batch, Notification, Request, RpcServiceT};
use jsonrpsee::types::{Id, Params};
use jsonrpsee::{ConnectionId, MethodCallback, MethodResponse, Methods};
use tokio::time::Instant;

use super::error::{internal, method_not_found, object};
use rmcp::model::ErrorCode;

/// What a handler gets beyond its deadline, to say by itself that it was too slow.
const LENIENCE: Duration = Duration::from_secs(2);

/// Largest response, in bytes. A tool bounds its output long before.
pub(super) const MAX_RESPONSE: usize = 256 << 20;

/// When the client stops waiting.
#[derive(Debug, Clone, Copy)]
pub(super) struct Deadline(pub(super) Instant);

/// Runs methods.
#[derive(Debug, Clone)]
pub(super) struct Dispatch {
    pub(super) methods: Methods,
}

impl RpcServiceT for Dispatch {
    type MethodResponse = MethodResponse;
    type NotificationResponse = MethodResponse;
    type BatchResponse = MethodResponse;

    fn call<'a>(&self, request: Request<'a>) -> impl Future<Output = MethodResponse> + Send + 'a {
        let callback = self.methods.method(&request.method).cloned();
        async move {
            let Request {
                id,
                method,
                params,
                extensions,
                ..
            } = request;
            let Some(MethodCallback::Async(callback)) = callback else {
                return MethodResponse::error(id, method_not_found(&method));
            };
            let id = id.into_owned();
            let params = Params::new(params.as_ref().map(|raw| raw.get())).into_owned();
            let deadline = extensions
                .get::<Deadline>()
                .map(|deadline| deadline.0 + LENIENCE);
            // The callback runs inside, so that a panic before its first await is caught too.
            let run = {
                let id = id.clone();
                async move { callback(id, params, ConnectionId(0), MAX_RESPONSE, extensions).await }
            };
            let run = AssertUnwindSafe(run).catch_unwind();
            let outcome = match deadline {
                Some(deadline) => tokio::time::timeout_at(deadline, run).await,
                None => Ok(run.await),
            };
            match outcome {
                Ok(Ok(response)) => response,
                Ok(Err(panic)) => {
                    report(&method, panic);
                    MethodResponse::error(id, internal())
                }
                Err(_) => {
                    tracing::warn!(%method, "a handler outlived its deadline");
                    let error = object(
                        ErrorCode::INTERNAL_ERROR,
                        "the request took longer than this server allows",
                        None,
                    );
                    MethodResponse::error(id, error)
                }
            }
        }
    }

    fn batch<'a>(&self, _: Batch<'a>) -> impl Future<Output = MethodResponse> + Send + 'a {
        // Arrays never become a message, see `Message::parse`.
        std::future::ready(MethodResponse::error(Id::Null, internal()))
    }

    fn notification<'a>(
        &self,
        notification: Notification<'a>,
    ) -> impl Future<Output = MethodResponse> + Send + 'a {
        std::future::ready(MethodResponse::notification().with_extensions(notification.extensions))
    }
}

/// The payload of a panic may hold anything, also a secret: the panic hook's business, not ours.
fn report(method: &str, panic: Box<dyn Any + Send>) {
    tracing::error!(%method, "a handler panicked");
    drop(panic);
}
