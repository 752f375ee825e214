//! The ladder as jsonrpsee middleware: classifies a request, refuses or passes it on, and tells the
//! transport the HTTP status of what comes back.

use std::sync::Arc;

use http::{HeaderMap, StatusCode};
use jsonrpsee::MethodResponse;
use jsonrpsee::core::middleware::{Batch, Notification, Request, RpcServiceT};

use super::era::{Claim, Era, Version, claim};
use super::error::unsupported_version;
use super::header;
use super::ladder::{self, Head};
use super::methods::exists;

/// What a transport knows about the framing of its messages.
#[derive(Debug, Clone)]
pub struct Link {
    /// The headers of the request; none on stdio.
    pub headers: Option<Arc<HeaderMap>>,
    /// The version of a legacy message that names none.
    pub unstated: Version,
}

impl Link {
    /// A message over HTTP.
    pub fn http(headers: HeaderMap) -> Self {
        Self {
            headers: Some(Arc::new(headers)),
            unstated: Version::UNSTATED,
        }
    }

    /// A message over stdio, after `initialize` agreed on `negotiated` or without it.
    pub fn stdio(negotiated: Option<Version>) -> Self {
        Self {
            headers: None,
            unstated: negotiated.unwrap_or(Version::NEWEST_LEGACY),
        }
    }
}

/// The HTTP status of a response, left in its extensions.
#[derive(Debug, Clone, Copy)]
pub(super) struct Status(pub(super) StatusCode);

/// Climbs the ladder before the inner service is called.
#[derive(Debug, Clone)]
pub(super) struct LadderLayer<S> {
    pub(super) inner: S,
    pub(super) methods: jsonrpsee::Methods,
}

impl<S> RpcServiceT for LadderLayer<S>
where
    S: RpcServiceT<
            MethodResponse = MethodResponse,
            NotificationResponse = MethodResponse,
            BatchResponse = MethodResponse,
        > + Clone
        + Send
        + Sync
        + 'static,
{
    type MethodResponse = MethodResponse;
    type NotificationResponse = MethodResponse;
    type BatchResponse = MethodResponse;

    fn call<'a>(
        &self,
        mut request: Request<'a>,
    ) -> impl Future<Output = MethodResponse> + Send + 'a {
        let Self { inner, methods } = self.clone();
        async move {
            let link = link(&request.extensions);
            let climbed = ladder::climb(
                &request.method,
                &Head::read(request.params.as_deref()),
                link.headers.as_deref(),
                link.unstated,
                |method, era| methods.method(method).is_some() && exists(method, era),
            );
            match climbed {
                Ok(ticket) => {
                    let era = ticket.version.era();
                    request.extensions_mut().insert(ticket);
                    let mut response = inner.call(request).await;
                    let status = status_of(era, response.as_error_code());
                    response.extensions_mut().insert(Status(status));
                    response
                }
                Err(refused) => {
                    let mut response = MethodResponse::error(request.id, refused.error);
                    response.extensions_mut().insert(Status(refused.status));
                    response
                }
            }
        }
    }

    fn batch<'a>(&self, batch: Batch<'a>) -> impl Future<Output = MethodResponse> + Send + 'a {
        self.inner.batch(batch)
    }

    /// A notification is accepted whatever it says: none of the modern version travels this way
    /// over HTTP, and the older ones have no effect without a session. Only a version that nobody
    /// knows is refused, as 2025-06-18 demands.
    fn notification<'a>(
        &self,
        notification: Notification<'a>,
    ) -> impl Future<Output = MethodResponse> + Send + 'a {
        let inner = self.inner.clone();
        async move {
            let link = link(&notification.extensions);
            let header = link.headers.as_deref().map_or(Ok(None), |headers| {
                header::single(headers, header::PROTOCOL_VERSION)
            });
            let refused = match header {
                Err(error) => Some(error),
                Ok(header) => match claim(header, link.unstated) {
                    Claim::Unknown(name) => Some(unsupported_version(name)),
                    Claim::Legacy(_) | Claim::Modern => None,
                },
            };
            match refused {
                Some(error) => {
                    let mut response = MethodResponse::error(jsonrpsee::types::Id::Null, error);
                    response
                        .extensions_mut()
                        .insert(Status(StatusCode::BAD_REQUEST));
                    response
                }
                None => {
                    let mut response = inner.notification(notification).await;
                    response
                        .extensions_mut()
                        .insert(Status(StatusCode::ACCEPTED));
                    response
                }
            }
        }
    }
}

fn link(extensions: &http::Extensions) -> Link {
    extensions
        .get()
        .cloned()
        .unwrap_or_else(|| Link::stdio(None))
}

/// Errors of handlers. -32602 stays in band: it is the answer to a well-formed request. The older
/// versions read every status but 200 as a fault of the transport.
fn status_of(era: Era, code: Option<i32>) -> StatusCode {
    match (era, code) {
        (Era::Modern, Some(-32601)) => StatusCode::NOT_FOUND,
        (Era::Modern, Some(-32022..=-32020)) => StatusCode::BAD_REQUEST,
        _ => StatusCode::OK,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_status_follows_era_and_code() {
        assert_eq!(status_of(Era::Modern, Some(-32601)), 404);
        assert_eq!(status_of(Era::Modern, Some(-32020)), 400);
        assert_eq!(status_of(Era::Modern, Some(-32602)), 200);
        assert_eq!(status_of(Era::Modern, Some(-32603)), 200);
        for code in [-32601, -32602, -32020, -32002] {
            assert_eq!(status_of(Era::Legacy, Some(code)), 200);
        }
    }
}
