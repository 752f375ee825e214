//! The way back through the balancer: one call for one host, to whichever replica owns it.
//!
//! A call that was sent is never sent again, because it may have run. It is known not to have been sent
//! where no connection came about, and where the answer is 503: the balancer has no replica, or the
//! replica takes no more. Only then is it tried again, for a short while.

mod answer;
mod exchange;

use crate::config::Endpoint;
use crate::metrics::BalancerMetrics;
use answer::structured;
use exchange::{Exchange, Exchanged};
use fleet::{Deadline, Fleet, FleetError, Hold, HostName, Urgency};
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
    /// It was done, and there was no room for the answer in time.
    #[error("the replica answered, but here was no room for what it says: {0}")]
    NoRoom(#[from] FleetError),
}

impl Balancer {
    /// The balancer at this endpoint, for replicas with this key.
    ///
    /// # Errors
    /// A key that cannot stand in a header.
    pub fn new(
        endpoint: Endpoint,
        key: &str,
        metrics: BalancerMetrics,
    ) -> Result<Self, http::header::InvalidHeaderValue> {
        let mut key = HeaderValue::try_from(format!("Bearer {key}"))?;
        key.set_sensitive(true);
        Ok(Self {
            endpoint,
            key,
            metrics,
        })
    }

    /// Asks the owner of `host` to visit it, with these arguments. The memory of the answer is that of
    /// `fleet`, and is waited for until `over`, as is the answer.
    ///
    /// # Errors
    /// [`Unanswered`]. Nothing when `over` came first.
    pub async fn visit<A: Serialize, T: DeserializeOwned>(
        &self,
        host: &HostName,
        arguments: &A,
        memory: (&Fleet, Urgency),
        over: Deadline,
    ) -> Result<Option<(T, Hold)>, Unanswered> {
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
        let asked = tokio::time::timeout_at(over.instant(), self.ask(host, &body, memory, over));
        let Ok(answered) = asked.await else {
            self.metrics.ended("late");
            return Ok(None);
        };
        self.metrics.ended(match &answered {
            Ok(_) => "answered",
            Err(Unanswered::NotSent(_)) => "not_sent",
            Err(Unanswered::Busy(_)) => "busy",
            Err(Unanswered::Refused(_)) => "refused",
            Err(Unanswered::Lost(_)) => "lost",
            Err(Unanswered::NoRoom(_)) => "no_room",
        });
        answered.map(Some)
    }

    async fn ask<T: DeserializeOwned>(
        &self,
        host: &HostName,
        body: &Bytes,
        (fleet, urgency): (&Fleet, Urgency),
        over: Deadline,
    ) -> Result<(T, Hold), Unanswered> {
        let mut pauses = PAUSES.into_iter();
        let exchange = loop {
            let sent = Exchange::begin(&self.endpoint, self.request(host, body.clone())?).await?;
            match (sent, pauses.next()) {
                (Exchanged::Answering(exchange), _) => break exchange,
                (Exchanged::NotBegun(_), Some(pause)) => tokio::time::sleep(pause).await,
                (Exchanged::NotBegun(why), None) => return Err(why),
            }
        };
        let hold = fleet.reserve(urgency, exchange.length()?, over).await?;
        Ok((structured(&exchange.body().await?)?, hold))
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
