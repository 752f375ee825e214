//! The way back through the balancer: one call for one host, to whichever replica owns it.
//!
//! A call that was sent is never sent again, because it may have run. It is known not to have been sent
//! where no connection came about, and where a 503 has the header that proves it: the balancer has no
//! replica, or the replica takes no more. Only then is it tried again, for a short while.

mod answer;
mod exchange;

use crate::config::Endpoint;
use crate::metrics::BalancerMetrics;
use answer::structured;
use exchange::{Exchanged, Line};
use fleet::{Budget, Deadline, Hold, HostName};
use http::{HeaderValue, Request};
use http_body_util::Full;
use hyper::body::Bytes;
use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::json;
use std::time::Duration;

/// The tool of replicas for each other.
pub const VISIT: &str = "visit";

/// The revision in which the host stands in a header.
const REVISION: &str = "2026-07-28";

/// How long to wait before a call is tried again that is known not to have been sent: a replica that died
/// is noticed by the balancer within two seconds.
const PAUSES: [Duration; 3] = [
    Duration::from_millis(200),
    Duration::from_millis(800),
    Duration::from_millis(1500),
];

/// The balancer.
pub struct Balancer {
    endpoint: Endpoint,
    key: HeaderValue,
    metrics: BalancerMetrics,
    /// Memory for requests until they are answered, and for answers until they are taken over. Apart from
    /// each other and from that of the fleet: an owner holds its answer until it is read, and may be this
    /// very process.
    sending: Budget,
    reading: Budget,
}

/// An answer, and how large it was.
pub struct Answered<T> {
    /// What it says.
    pub data: T,
    /// Bytes it had on the way.
    pub bytes: u64,
    /// To be kept until the data is accounted for.
    pub room: Hold,
}

/// Why there is no answer of a replica.
#[derive(Debug, thiserror::Error)]
pub enum Unanswered {
    /// It was sent nowhere.
    #[error("no replica can be reached through the balancer: {0}")]
    NotSent(String),
    /// The replica takes no more at the moment.
    #[error("the replica is busy: {0}")]
    Busy(String),
    /// A replica, or the balancer, does not do such a thing.
    #[error("the replica refuses the call: {0}")]
    Refused(String),
    /// It was sent, and may have been done.
    #[error(
        "the replica was lost while it worked on this ({0}): what it did is not known, and nothing was repeated"
    )]
    Lost(String),
    /// It was sent, and not answered in time.
    #[error("the replica has not answered in time")]
    Late,
    /// It was done, and there was no room for the answer in time.
    #[error("the replica answered, and there was no room for what it says in time")]
    NoRoom,
}

impl Balancer {
    /// The balancer at this endpoint, for replicas with this key. Requests under way, and answers that are
    /// read, have so many bytes each, counted as [`Budget`] does.
    ///
    /// # Errors
    /// A key that cannot stand in a header.
    pub fn new(
        endpoint: Endpoint,
        key: &str,
        bytes: u64,
        metrics: BalancerMetrics,
    ) -> Result<Self, http::header::InvalidHeaderValue> {
        let mut key = HeaderValue::try_from(format!("Bearer {key}"))?;
        key.set_sensitive(true);
        Ok(Self {
            endpoint,
            key,
            metrics,
            sending: Budget::new(bytes),
            reading: Budget::new(bytes),
        })
    }

    /// Asks the owner of `host` to visit it, with these arguments, which are made for each try. Nothing is
    /// sent after `until`, and nothing is waited for after `over`.
    ///
    /// # Errors
    /// [`Unanswered`].
    pub async fn visit<A: Serialize, T: DeserializeOwned>(
        &self,
        host: &HostName,
        arguments: impl Fn() -> A,
        until: Deadline,
        over: Deadline,
    ) -> Result<Answered<T>, Unanswered> {
        let answered = async {
            let mut pauses = PAUSES.into_iter();
            let exchange = loop {
                let why = match self.try_once(host, &arguments(), until, over).await? {
                    Exchanged::Answering(exchange) => break exchange,
                    Exchanged::NotBegun(why) => why,
                };
                match pauses.next() {
                    Some(pause) if pause < until.left() => tokio::time::sleep(pause).await,
                    _ => return Err(why),
                }
            };
            let bytes = exchange.length()?;
            let room = self.reading.reserve(bytes, over).await;
            let room = room.ok_or(Unanswered::NoRoom)?;
            let body = tokio::time::timeout_at(over.instant(), exchange.body()).await;
            let body = body.map_err(|_| Unanswered::Late)??;
            Ok(Answered {
                data: structured(&body)?,
                bytes,
                room,
            })
        };
        let answered = answered.await;
        self.metrics.ended(match &answered {
            Ok(_) => "answered",
            Err(Unanswered::NotSent(_)) => "not_sent",
            Err(Unanswered::Busy(_)) => "busy",
            Err(Unanswered::Refused(_)) => "refused",
            Err(Unanswered::Lost(_)) => "lost",
            Err(Unanswered::Late) => "late",
            Err(Unanswered::NoRoom) => "no_room",
        });
        answered
    }

    async fn try_once<A: Serialize>(
        &self,
        host: &HostName,
        arguments: &A,
        until: Deadline,
        over: Deadline,
    ) -> Result<Exchanged, Unanswered> {
        let not_sent = |why: &str| Ok(Exchanged::NotBegun(Unanswered::NotSent(why.into())));
        let body = json!({
            "jsonrpc": "2.0",
            "id": 1,
            "method": "tools/call",
            "params": {
                "name": VISIT,
                "arguments": arguments,
                "_meta": {
                    "io.modelcontextprotocol/protocolVersion": REVISION,
                    "io.modelcontextprotocol/clientCapabilities": {},
                },
            },
        });
        let body = Bytes::from(body.to_string());
        let Some(_room) = self.sending.reserve(body.len() as u64, until).await else {
            return not_sent("too much was on its way to other replicas");
        };
        let request = self.request(host, body)?;
        let line = match Line::connect(&self.endpoint, until).await {
            Ok(line) => line,
            Err(why) => return not_sent(&why),
        };
        let answered = tokio::time::timeout_at(over.instant(), line.send(request)).await;
        answered.unwrap_or(Err(Unanswered::Late))
    }

    fn request(&self, host: &HostName, body: Bytes) -> Result<Request<Full<Bytes>>, Unanswered> {
        Request::post(&self.endpoint.path)
            .header("Host", self.endpoint.authority())
            .header("Authorization", self.key.clone())
            .header("Content-Type", "application/json")
            .header("Accept", "application/json")
            .header("MCP-Protocol-Version", REVISION)
            .header("Mcp-Method", "tools/call")
            .header("Mcp-Name", VISIT)
            .header("Mcp-Param-Host", host.as_str())
            .body(Full::new(body))
            .map_err(|error| Unanswered::NotSent(error.to_string()))
    }
}
