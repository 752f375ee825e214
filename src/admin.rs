//! The operations listener, apart from the clients': no MCP, loopback by default.
//!
//! - `GET /metrics`: the Prometheus text exposition; beyond loopback for a key only, of any role.
//! - `GET /livez`: 200 while the process runs its event loop.
//! - `GET /readyz`: 200 while new work is accepted, 503 once the shutdown has begun.

use crate::access::KeyRing;
use crate::http::presented_key;
use crate::metrics::Exposition;
use bytes::Bytes;
use http::{Method, Request, Response, StatusCode, header};
use http_body_util::Full;
use hyper::body::Incoming;
use hyper::service::service_fn;
use hyper_util::rt::{TokioIo, TokioTimer};
use std::convert::Infallible;
use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;
use tokio::net::TcpListener;
use tokio::sync::Semaphore;
use tokio_util::sync::CancellationToken;

/// Connections at once: a scraper or two and somebody who looks.
const CONNECTIONS: usize = 32;

/// How long a request's headers may take.
const HEADERS: Duration = Duration::from_secs(10);

/// How often the histograms are folded, which bounds their memory between scrapes.
const UPKEEP: Duration = Duration::from_secs(5);

/// The listener.
pub struct Admin {
    listener: TcpListener,
    desk: Desk,
}

/// What is asked for here.
struct Desk {
    metrics: Exposition,
    /// Who may read the metrics; nothing if everybody who gets here may.
    keys: Option<KeyRing>,
}

impl Admin {
    /// Binds it; port 0 picks a free one. Beyond loopback, `/metrics` asks for one of these keys.
    ///
    /// # Errors
    /// Those of `bind(2)`.
    pub async fn bind(address: SocketAddr, metrics: Exposition, keys: KeyRing) -> io::Result<Self> {
        let listener = TcpListener::bind(address).await?;
        let on_loopback = listener.local_addr()?.ip().to_canonical().is_loopback();
        let keys = (!on_loopback).then_some(keys);
        Ok(Self {
            listener,
            desk: Desk { metrics, keys },
        })
    }

    /// Where it listens.
    ///
    /// # Errors
    /// The socket is gone.
    pub fn local_addr(&self) -> io::Result<SocketAddr> {
        self.listener.local_addr()
    }

    /// Serves until `stop`. Reports not to be ready once `draining` is cancelled.
    pub async fn run(self, draining: CancellationToken, stop: CancellationToken) {
        let Self { listener, desk } = self;
        let desk = Arc::new(desk);
        let places = Arc::new(Semaphore::new(CONNECTIONS));
        let mut upkeep = tokio::time::interval(UPKEEP);
        loop {
            let accepted = tokio::select! {
                () = stop.cancelled() => return,
                _ = upkeep.tick() => { desk.metrics.upkeep(); continue }
                accepted = listener.accept() => accepted,
            };
            let Ok((stream, _)) = accepted else {
                // Out of descriptors: wait for some to be free.
                tokio::time::sleep(Duration::from_millis(100)).await;
                continue;
            };
            let Ok(place) = Arc::clone(&places).try_acquire_owned() else {
                continue;
            };
            let (desk, draining, stop) = (Arc::clone(&desk), draining.clone(), stop.clone());
            let _ = stream.set_nodelay(true);
            tokio::spawn(async move {
                let service = service_fn(|request| {
                    let (desk, ready) = (Arc::clone(&desk), !draining.is_cancelled());
                    async move { Ok::<_, Infallible>(desk.answer(&request, ready).await) }
                });
                let serving = hyper::server::conn::http1::Builder::new()
                    .timer(TokioTimer::new())
                    .header_read_timeout(HEADERS)
                    .serve_connection(TokioIo::new(stream), service);
                tokio::select! {
                    // A scraper that breaks off is no news.
                    _ended = serving => {}
                    () = stop.cancelled() => {}
                }
                drop(place);
            });
        }
    }
}

impl Desk {
    async fn answer(&self, request: &Request<Incoming>, ready: bool) -> Response<Full<Bytes>> {
        let text = |status, body: &str| plain(status, "text/plain; charset=utf-8", body.to_owned());
        if !matches!(*request.method(), Method::GET | Method::HEAD) {
            return text(StatusCode::METHOD_NOT_ALLOWED, "only GET is served here\n");
        }
        match request.uri().path() {
            "/metrics" if !self.may_read(request) => {
                let mut refused = text(
                    StatusCode::UNAUTHORIZED,
                    "an API key is required: send it as `Authorization: Bearer <key>`\n",
                );
                let bearer = header::HeaderValue::from_static("Bearer");
                refused
                    .headers_mut()
                    .insert(header::WWW_AUTHENTICATE, bearer);
                refused
            }
            "/metrics" => plain(
                StatusCode::OK,
                "text/plain; version=0.0.4; charset=utf-8",
                self.metrics.render(ready).await,
            ),
            "/livez" => text(StatusCode::OK, "ok\n"),
            "/readyz" if ready => text(StatusCode::OK, "ok\n"),
            "/readyz" => text(StatusCode::SERVICE_UNAVAILABLE, "shutting down\n"),
            _ => text(
                StatusCode::NOT_FOUND,
                "there is /metrics, /livez and /readyz\n",
            ),
        }
    }

    fn may_read(&self, request: &Request<Incoming>) -> bool {
        let Some(keys) = &self.keys else {
            return true;
        };
        presented_key(request.headers(), request.uri().query())
            .is_some_and(|key| keys.authenticate(key).is_some())
    }
}

fn plain(status: StatusCode, kind: &'static str, body: String) -> Response<Full<Bytes>> {
    let mut response = Response::new(Full::new(Bytes::from(body)));
    *response.status_mut() = status;
    response
        .headers_mut()
        .insert(header::CONTENT_TYPE, header::HeaderValue::from_static(kind));
    response
}
