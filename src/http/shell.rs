//! One HTTP request, from its headers to its response.
//!
//! The order of the checks is part of the contract: host and origin before keys, so that a web page
//! learns nothing; keys before everything else, so that a stranger learns nothing; the body last.

use std::borrow::Cow;
use std::net::SocketAddr;
use std::sync::Arc;

use http::header::{CACHE_CONTROL, CONTENT_TYPE, HeaderName};
use http::{HeaderMap, HeaderValue, Method, Request, Response, StatusCode};
use hyper::body::Incoming;
use tokio::sync::{OwnedSemaphorePermit, Semaphore, mpsc};
use tokio::time::Instant;
use tracing::Instrument;

use super::body::{self, Outgoing, Unread};
use super::credentials::{self, Misplaced};
use super::gate::{Caller, Denied};
use super::metered::Metered;
use super::negotiate::{Accepts, is_json};
use super::origin::Names;
use super::pulse::Busy;
use super::refusal::Plain;
use super::settings::{Observer, Settings, Surroundings, TurnedAway};
use super::stream::{Stream, Work};
use crate::mcp::envelope::error_object;
use crate::mcp::{Call, Engine, Id, Link, Message, Reply};

const ENDPOINT: &str = "/mcp";
const HEALTH: &str = "/health";

/// Notifications of one request on their way to its stream. What a client does not read in time is
/// dropped, see [`crate::mcp::Progress`].
const NOTIFICATIONS: usize = 64;

/// Characters of an id in the log.
const SHORT: usize = 64;

/// Everything requests share.
pub(super) struct Shell {
    engine: Engine,
    names: Names,
    surroundings: Surroundings,
    settings: Settings,
    slots: Arc<Semaphore>,
    /// As many again for callers on behalf of others.
    on_behalf: Arc<Semaphore>,
}

/// A request that has passed every check.
struct Admitted {
    call: Call,
    id: Option<Id>,
    method: &'static str,
    caller: Option<Arc<str>>,
    slot: Slot,
}

/// The right to be worked on.
struct Slot {
    _permit: OwnedSemaphorePermit,
    /// Who counts it, unless it is one on behalf of others.
    observer: Option<Arc<dyn Observer>>,
}

impl Slot {
    fn new(permit: OwnedSemaphorePermit, observer: Option<Arc<dyn Observer>>) -> Self {
        if let Some(observer) = &observer {
            observer.on_work(1);
        }
        Self {
            _permit: permit,
            observer,
        }
    }
}

impl Drop for Slot {
    fn drop(&mut self) {
        if let Some(observer) = &self.observer {
            observer.on_work(-1);
        }
    }
}

impl Shell {
    pub(super) fn new(
        engine: Engine,
        surroundings: Surroundings,
        settings: Settings,
        on_loopback: bool,
    ) -> Self {
        let names = Names::new(&settings.hosts, on_loopback);
        let slots = || Arc::new(Semaphore::new(settings.requests));
        let (slots, on_behalf) = (slots(), slots());
        Self {
            engine,
            names,
            surroundings,
            settings,
            slots,
            on_behalf,
        }
    }

    /// Answers one request. Dropped when the client goes away.
    pub(super) async fn answer(
        &self,
        request: Request<Incoming>,
        peer: SocketAddr,
        busy: Busy,
    ) -> Response<Outgoing> {
        if request.uri().path() == HEALTH && [Method::GET, Method::HEAD].contains(request.method())
        {
            return plain(Plain::healthy(), busy);
        }
        let mut metered = Metered::start(Arc::clone(&self.surroundings.observer));
        let accepts = Accepts::read(request.headers());
        match self.admit(request, peer, accepts).await {
            Ok(admitted) => self.run(admitted, accepts, metered, busy).await,
            Err(refusal) => {
                if let Some(why) = refusal.why {
                    self.surroundings.observer.on_turned_away(why);
                }
                metered.answered(refusal.status.as_u16());
                plain(refusal, busy)
            }
        }
    }

    async fn admit(
        &self,
        request: Request<Incoming>,
        peer: SocketAddr,
        accepts: Accepts,
    ) -> Result<Admitted, Plain> {
        let deadline = Instant::now() + self.settings.request_timeout;
        let caller = self.caller(&request, peer).await?;
        right_shape(&request, accepts)?;
        let (slots, observer) = match caller.on_behalf {
            false => (&self.slots, Some(Arc::clone(&self.surroundings.observer))),
            true => (&self.on_behalf, None),
        };
        let permit = Arc::clone(slots).try_acquire_owned();
        let slot = Slot::new(permit.map_err(|_| Plain::busy())?, observer);
        let (parts, incoming) = request.into_parts();
        let settings = &self.settings;
        let body = body::read(incoming, settings.body, settings.body_timeout)
            .await
            .map_err(unread)?;
        let message = Message::parse(&body).map_err(|malformed| {
            let mut plain = Plain::refusal(StatusCode::BAD_REQUEST, "").counted(TurnedAway::Body);
            plain.body = error_object(malformed.id.as_ref(), &malformed.error).into();
            plain
        })?;
        let (id, method) = match &message {
            Message::Request { id, method, .. } => (Some(id.clone()), self.engine.label(method)),
            Message::Notification { method, .. } => (None, self.engine.label(method)),
        };
        let Caller {
            principal,
            mut extensions,
            ..
        } = caller;
        extensions.insert(peer);
        let link = Link::http(parts.headers);
        let call = Call {
            message,
            link,
            extensions,
            outbound: None,
            deadline,
        };
        Ok(Admitted {
            call,
            id,
            method,
            caller: principal,
            slot,
        })
    }

    /// Who sends the request, if it may come in at all.
    async fn caller(&self, request: &Request<Incoming>, peer: SocketAddr) -> Result<Caller, Plain> {
        let (headers, uri) = (request.headers(), request.uri());
        self.names
            .check(headers, uri.authority())
            .map_err(|foreign| {
                Plain::refusal(StatusCode::FORBIDDEN, &foreign.to_string())
                    .counted(TurnedAway::Origin)
            })?;
        let presented = credentials::presented(headers, uri.query()).map_err(|misplaced| {
            let why = misplaced.to_string();
            match misplaced {
                Misplaced::Ambiguous => {
                    Plain::refusal(StatusCode::BAD_REQUEST, &why).counted(TurnedAway::Key)
                }
                Misplaced::InQuery => Plain::denied(Denied::Missing).because(&why),
            }
        })?;
        let gate = &self.surroundings.gate;
        let caller = gate.authenticate(presented, peer).map_err(Plain::denied)?;
        gate.admit(&caller).await.map_err(Plain::refused)?;
        Ok(caller)
    }

    /// Runs the method and picks the shape of the response: JSON when it answers at once, a stream
    /// when it has something to say before, or nothing for so long that proxies grow impatient.
    async fn run(
        &self,
        admitted: Admitted,
        accepts: Accepts,
        mut metered: Metered,
        busy: Busy,
    ) -> Response<Outgoing> {
        let Admitted {
            mut call,
            id,
            method,
            caller,
            slot,
        } = admitted;
        metered.is(method);
        let (outbound, notifications) = mpsc::channel(NOTIFICATIONS);
        call.outbound = accepts.stream.then_some(outbound);
        let shown = id.as_ref().map(short);
        let span = tracing::info_span!(
            "rpc",
            id = shown.as_deref(),
            method,
            principal = caller.as_deref()
        );
        let engine = self.engine.clone();
        let serve = async move {
            let reply = engine.serve(call).await;
            drop(slot);
            reply
        };
        let reply = Box::pin(serve.instrument(span));
        let mut work = Work {
            reply,
            notifications,
            metered,
        };
        let keep_alive = self.settings.keep_alive;
        let first = if accepts.json || id.is_none() {
            tokio::select! {
                biased;
                Some(first) = work.notifications.recv() => Some(first),
                reply = &mut work.reply => {
                    work.metered.answered(reply.status.as_u16());
                    return replied(reply, busy);
                }
                () = tokio::time::sleep(keep_alive), if accepts.stream => None,
            }
        } else {
            None
        };
        streamed(Stream::new(work, first, keep_alive), busy)
    }
}

impl std::fmt::Debug for Shell {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Shell")
            .field("settings", &self.settings)
            .finish_non_exhaustive()
    }
}

/// The checks that need neither the caller nor the body.
fn right_shape(request: &Request<Incoming>, accepts: Accepts) -> Result<(), Plain> {
    match request.uri().path() {
        ENDPOINT => {}
        HEALTH => return Err(Plain::wrong_method("GET")),
        _ => {
            return Err(Plain::refusal(
                StatusCode::NOT_FOUND,
                "there is nothing here",
            ));
        }
    }
    if request.method() != Method::POST {
        return Err(Plain::wrong_method("POST"));
    }
    if !is_json(request.headers()) {
        let why = "the body must be sent as `application/json`";
        return Err(Plain::refusal(StatusCode::UNSUPPORTED_MEDIA_TYPE, why));
    }
    if !accepts.json && !accepts.stream {
        let why = "answers are `application/json` or `text/event-stream`";
        return Err(Plain::refusal(StatusCode::NOT_ACCEPTABLE, why));
    }
    Ok(())
}

fn unread(why: Unread) -> Plain {
    let status = match why {
        Unread::TooLarge => StatusCode::PAYLOAD_TOO_LARGE,
        Unread::TooSlow => StatusCode::REQUEST_TIMEOUT,
        Unread::Broken => StatusCode::BAD_REQUEST,
    };
    Plain::closing(status, &why.to_string()).counted(TurnedAway::Body)
}

/// An id for a log line: escaped as JSON, and not longer than a line has room for.
fn short(id: &Id) -> Cow<'_, str> {
    let id = id.to_json();
    match id.len() <= SHORT {
        true => id,
        false => Cow::Owned(id.chars().take(SHORT).collect()),
    }
}

fn plain(plain: Plain, busy: Busy) -> Response<Outgoing> {
    let Plain {
        status,
        headers,
        body,
        ..
    } = plain;
    response(
        status,
        headers.into_iter().collect(),
        Outgoing::ready([body], busy),
    )
}

fn replied(reply: Reply, busy: Busy) -> Response<Outgoing> {
    let mut headers = HeaderMap::new();
    if !reply.is_empty() {
        headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
        headers.insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
    }
    response(reply.status, headers, Outgoing::ready(reply.body, busy))
}

fn streamed(stream: Stream, busy: Busy) -> Response<Outgoing> {
    let mut headers = HeaderMap::new();
    headers.insert(CONTENT_TYPE, HeaderValue::from_static("text/event-stream"));
    headers.insert(
        CACHE_CONTROL,
        HeaderValue::from_static("no-cache, no-transform"),
    );
    // nginx would collect the events otherwise.
    let buffering = HeaderName::from_static("x-accel-buffering");
    headers.insert(buffering, HeaderValue::from_static("no"));
    response(StatusCode::OK, headers, Outgoing::stream(stream, busy))
}

fn response(status: StatusCode, mut headers: HeaderMap, body: Outgoing) -> Response<Outgoing> {
    let nosniff = HeaderName::from_static("x-content-type-options");
    headers.insert(nosniff, HeaderValue::from_static("nosniff"));
    let mut response = Response::new(body);
    *response.status_mut() = status;
    *response.headers_mut() = headers;
    response
}

impl Plain {
    /// The same refusal with another reason.
    fn because(self, why: &str) -> Self {
        let body = Plain::refusal(self.status, why).body;
        Self { body, ..self }
    }
}
