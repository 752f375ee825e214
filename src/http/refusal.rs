//! Answers that are not replies of the engine: refusals of the shell, and `/health`.
//!
//! Every refusal is a JSON-RPC error without an id, since the body has not been read; it never
//! repeats anything the client sent.

use std::time::Duration;

use bytes::Bytes;
use http::header::{ALLOW, CACHE_CONTROL, CONNECTION, CONTENT_TYPE, RETRY_AFTER, WWW_AUTHENTICATE};
use http::{HeaderName, HeaderValue, StatusCode};
use jsonrpsee::types::ErrorObjectOwned;
use rmcp::model::ErrorCode;

use super::gate::{Denied, Refusal};
use super::settings::TurnedAway;
use crate::mcp::envelope::error_object;

/// The header of a 503 after which nothing was begun: of ours, and of the balancer's where it reached
/// nobody. Other 503s prove nothing, since proxies also say it of what they sent and lost.
pub const NOT_BEGUN: &str = "scout-not-begun";

/// A response without its body's surroundings.
#[derive(Debug)]
pub(super) struct Plain {
    pub(super) status: StatusCode,
    pub(super) headers: Vec<(HeaderName, HeaderValue)>,
    pub(super) body: Bytes,
    /// For who counts.
    pub(super) why: Option<TurnedAway>,
}

impl Plain {
    fn new(status: StatusCode, kind: &'static str, body: impl Into<Bytes>) -> Self {
        let mut plain = Self {
            status,
            headers: Vec::new(),
            body: body.into(),
            why: None,
        };
        plain.set(CONTENT_TYPE, HeaderValue::from_static(kind));
        plain.set(CACHE_CONTROL, HeaderValue::from_static("no-store"));
        plain
    }

    fn set(&mut self, name: HeaderName, value: HeaderValue) {
        self.headers.push((name, value));
    }

    fn with(mut self, name: HeaderName, value: &'static str) -> Self {
        self.set(name, HeaderValue::from_static(value));
        self
    }

    /// What `/health` says.
    pub(super) fn healthy() -> Self {
        Self::new(StatusCode::OK, "text/plain", "OK")
    }

    /// A refusal. The code says that the request is at fault, unless the status says otherwise.
    pub(super) fn refusal(status: StatusCode, why: &str) -> Self {
        let code = match status.is_server_error() || status == StatusCode::TOO_MANY_REQUESTS {
            true => ErrorCode::INTERNAL_ERROR,
            false => ErrorCode::INVALID_REQUEST,
        };
        let error = ErrorObjectOwned::owned::<()>(code.0, why, None);
        Self::new(status, "application/json", error_object(None, &error))
    }

    /// The same, counted as this.
    pub(super) fn counted(self, why: TurnedAway) -> Self {
        Self {
            why: Some(why),
            ..self
        }
    }

    /// A refusal after which the rest of the request is not read.
    pub(super) fn closing(status: StatusCode, why: &str) -> Self {
        Self::refusal(status, why).with(CONNECTION, "close")
    }

    /// 401.
    pub(super) fn denied(denied: Denied) -> Self {
        let challenge = match denied {
            Denied::Missing => "Bearer",
            Denied::Invalid => r#"Bearer error="invalid_token""#,
        };
        Self::refusal(StatusCode::UNAUTHORIZED, &denied.to_string())
            .with(WWW_AUTHENTICATE, challenge)
            .counted(TurnedAway::Key)
    }

    /// 429 or 503.
    pub(super) fn refused(refusal: Refusal) -> Self {
        let (status, retry_after, why) = match refusal {
            Refusal::TooMany { retry_after } => {
                (StatusCode::TOO_MANY_REQUESTS, retry_after, TurnedAway::Rate)
            }
            Refusal::Unavailable => (
                StatusCode::SERVICE_UNAVAILABLE,
                Duration::ZERO,
                TurnedAway::Busy,
            ),
        };
        let mut plain = Self::refusal(status, &refusal.to_string()).counted(why);
        plain.set(RETRY_AFTER, HeaderValue::from(whole_seconds(retry_after)));
        plain.with(HeaderName::from_static(NOT_BEGUN), "true")
    }

    /// 503 when as many requests as there may be are being worked on.
    pub(super) fn busy() -> Self {
        Self::refusal(
            StatusCode::SERVICE_UNAVAILABLE,
            "too many requests are being worked on",
        )
        .with(RETRY_AFTER, "1")
        .with(HeaderName::from_static(NOT_BEGUN), "true")
        .counted(TurnedAway::Busy)
    }

    /// 405.
    pub(super) fn wrong_method(allowed: &'static str) -> Self {
        Self::refusal(
            StatusCode::METHOD_NOT_ALLOWED,
            "this method is not allowed here",
        )
        .with(ALLOW, allowed)
    }
}

/// Rounded up, and at least one: `Retry-After: 0` invites a storm.
fn whole_seconds(duration: Duration) -> u64 {
    let up = u64::from(duration.subsec_nanos() > 0);
    duration.as_secs().saturating_add(up).max(1)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn waiting_is_told_in_whole_seconds() {
        for (millis, seconds) in [(0, 1), (1, 1), (1000, 1), (1001, 2), (59_999, 60)] {
            assert_eq!(
                whole_seconds(Duration::from_millis(millis)),
                seconds,
                "{millis}"
            );
        }
    }

    #[test]
    fn a_refusal_is_an_error_without_id() {
        let plain = Plain::denied(Denied::Missing);
        assert_eq!(plain.status, 401);
        let challenge = (WWW_AUTHENTICATE, HeaderValue::from_static("Bearer"));
        assert!(plain.headers.contains(&challenge));
        assert!(
            plain
                .body
                .starts_with(br#"{"jsonrpc":"2.0","error":{"code":-32600,"#)
        );
    }
}
