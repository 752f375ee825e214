//! One request to the balancer on a connection of its own, as far as it is known to have come.

use super::Unanswered;
use crate::config::Endpoint;
use crate::http::NOT_BEGUN;
use fleet::Deadline;
use http::header::RETRY_AFTER;
use http::{Request, Response, StatusCode};
use http_body_util::{BodyExt as _, Full, Limited};
use hyper::body::{Body as _, Bytes, Incoming};
use hyper::client::conn::http1::{self, SendRequest};
use hyper_util::rt::TokioIo;
use std::time::Duration;
use tokio::net::TcpStream;
use tokio::task::JoinHandle;

/// How long a connection to the balancer may take.
const CONNECT: Duration = Duration::from_secs(2);

/// Bytes of a refusal that are read.
const REFUSAL: usize = 64 << 10;

/// How a request went, as far as it is known before the body of its answer.
pub(super) enum Exchanged {
    /// It was not begun: nobody was reached, or who was reached takes no more.
    NotBegun(Unanswered),
    /// A replica answers.
    Answering(Exchange),
}

/// A request that is being answered. Dropped, it hangs up, which ends what it asked for.
pub(super) struct Exchange {
    response: Response<Incoming>,
    _connection: Connection,
}

struct Connection(JoinHandle<()>);

impl Drop for Connection {
    fn drop(&mut self) {
        self.0.abort();
    }
}

/// A connection on which nothing was sent yet.
pub(super) struct Line {
    sender: SendRequest<Full<Bytes>>,
    connection: Connection,
}

impl Line {
    /// Connects, or says why that could not be.
    pub(super) async fn connect(endpoint: &Endpoint, until: Deadline) -> Result<Self, String> {
        let patience = CONNECT.min(until.left());
        let address = (endpoint.host.as_str(), endpoint.port);
        let stream = tokio::time::timeout(patience, TcpStream::connect(address)).await;
        let stream = stream
            .map_err(|_| format!("no connection within {} ms", patience.as_millis()))?
            .map_err(|error| error.to_string())?;
        // A small request is not to wait for more; without it, it is only slower.
        let _slower = stream.set_nodelay(true);
        let both = http1::handshake(TokioIo::new(stream)).await;
        let (sender, connection) = both.map_err(|error| error.to_string())?;
        let connection = tokio::spawn(async move {
            // What ends it ends the exchange too, which tells of it.
            let _told: hyper::Result<()> = connection.await;
        });
        Ok(Self {
            sender,
            connection: Connection(connection),
        })
    }

    /// Sends the request, and waits for the head of an answer.
    ///
    /// # Errors
    /// [`Unanswered::Lost`] and [`Unanswered::Refused`].
    pub(super) async fn send(
        mut self,
        request: Request<Full<Bytes>>,
    ) -> Result<Exchanged, Unanswered> {
        let answered = self.sender.send_request(request).await;
        let response = answered.map_err(|error| Unanswered::Lost(error.to_string()))?;
        let exchange = Exchange {
            response,
            _connection: self.connection,
        };
        match exchange.response.status() {
            StatusCode::OK => Ok(Exchanged::Answering(exchange)),
            StatusCode::SERVICE_UNAVAILABLE if exchange.has(NOT_BEGUN) => {
                Ok(Exchanged::NotBegun(exchange.unavailable().await))
            }
            status if status.is_server_error() => Err(Unanswered::Lost(status.to_string())),
            status => Err(Unanswered::Refused(format!(
                "{status}: {}",
                exchange.refusal().await
            ))),
        }
    }
}

impl Exchange {
    /// Bytes of the answer, which its head says: memory is taken before it is read.
    ///
    /// # Errors
    /// [`Unanswered::Lost`] where it does not say.
    pub(super) fn length(&self) -> Result<u64, Unanswered> {
        let length = self.response.body().size_hint().exact();
        length.ok_or_else(|| Unanswered::Lost("its answer has no length".into()))
    }

    /// The answer.
    ///
    /// # Errors
    /// [`Unanswered::Lost`] where it is not whole.
    pub(super) async fn body(self) -> Result<Bytes, Unanswered> {
        let body = self.response.into_body().collect().await;
        body.map(http_body_util::Collected::to_bytes)
            .map_err(|error| Unanswered::Lost(error.to_string()))
    }

    fn has(&self, header: &str) -> bool {
        self.response.headers().contains_key(header)
    }

    /// Who says 503: a replica says when to come again (RFC 9110, section 10.2.3), the balancer does not.
    async fn unavailable(self) -> Unanswered {
        let busy = self.has(RETRY_AFTER.as_str());
        let why = self.refusal().await;
        match busy {
            true => Unanswered::Busy(why),
            false => Unanswered::NotSent(why),
        }
    }

    /// What is said instead of an answer, for people.
    async fn refusal(self) -> String {
        let body = Limited::new(self.response.into_body(), REFUSAL)
            .collect()
            .await;
        let Ok(body) = body.map(http_body_util::Collected::to_bytes) else {
            return "no reason was given".into();
        };
        super::answer::reason(&body)
    }
}
