//! The metrics of the protocol side, and the exporter of all of them.
//!
//! One method per event, which counts and, where somebody should know, logs. Every label value
//! exists from the start at 0. Paths and commands are never labels; host names are only where the
//! configuration asks for them.

mod balancer;
mod exposition;
mod hosts;
mod refusals;
mod resources;
#[cfg(test)]
mod written;

pub use balancer::BalancerMetrics;
pub use exposition::Exposition;
pub use hosts::HostMetrics;
pub use refusals::Refusals;
pub use resources::ResourceMetrics;

use crate::http::{Observer, TurnedAway};
use crate::tools::{Ending, Tool};
use metrics::{
    Counter, Gauge, Histogram, counter, describe_counter, describe_gauge, describe_histogram,
    gauge, histogram,
};
use metrics_exporter_prometheus::{BuildError, Matcher, PrometheusBuilder, PrometheusHandle};
use std::collections::HashMap;
use std::time::Duration;

const TOOL_DURATION: &str = "scout_tool_call_duration_seconds";
const RPC_DURATION: &str = "scout_rpc_request_duration_seconds";

/// Buckets of the durations of calls, in seconds: from a warm read on the same machine to a
/// command that runs into its limit.
const CALL_BUCKETS: &[f64] = &[
    0.000_25, 0.000_5, 0.001, 0.002_5, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0,
    10.0, 30.0, 60.0, 120.0,
];

/// The methods that are counted under their own name (the engine has a name for every other).
const METHODS: [&str; 13] = [
    "initialize",
    "ping",
    "server/discover",
    "tools/list",
    "tools/call",
    "resources/list",
    "resources/templates/list",
    "resources/read",
    "prompts/list",
    "prompts/get",
    "completion/complete",
    "other",
    "-",
];

/// The statuses that are counted from the start; any other begins to exist with its first answer.
const STATUSES: [u16; 16] = [
    200, 202, 400, 401, 403, 404, 405, 406, 408, 413, 415, 429, 431, 499, 500, 503,
];

/// Installs the recorder of this process. To be done once, before anything is counted.
///
/// # Errors
/// A recorder is installed already.
pub fn install() -> Result<PrometheusHandle, BuildError> {
    let mut builder = PrometheusBuilder::new();
    for (name, buckets) in histograms() {
        builder = builder.set_buckets_for_metric(Matcher::Full(name.to_owned()), buckets)?;
    }
    builder.install_recorder()
}

/// Every histogram and its buckets; without buckets it would be exported as a summary, which cannot
/// be added up over replicas.
fn histograms() -> [(&'static str, &'static [f64]); 7] {
    use fleet::metrics as hosts;
    [
        (TOOL_DURATION, CALL_BUCKETS),
        (RPC_DURATION, CALL_BUCKETS),
        (hosts::LOCK_WAIT, hosts::LOCK_WAIT_BUCKETS),
        (hosts::QUEUE_WAIT, hosts::LOCK_WAIT_BUCKETS),
        (hosts::CONNECT_DURATION, hosts::CONNECT_BUCKETS),
        (hosts::DEADLINE, hosts::CONNECT_BUCKETS),
        (hosts::EXCHANGE, hosts::CONNECT_BUCKETS),
    ]
}

/// Says which program this is.
pub fn build_info() {
    describe_gauge!(
        "scout_build_info",
        "1, with the version of the program and the revision it was built from as labels"
    );
    gauge!(
        "scout_build_info",
        "version" => env!("CARGO_PKG_VERSION"),
        "revision" => crate::REVISION
    )
    .set(1);
}

/// The tools.
pub struct ToolMetrics {
    calls: HashMap<(Tool, &'static str), Counter>,
    durations: HashMap<Tool, Histogram>,
    slow: Duration,
}

impl ToolMetrics {
    /// Describes and creates them. A call longer than `slow` is logged.
    #[must_use]
    pub fn register(slow: Duration) -> Self {
        describe_counter!(
            "scout_tool_calls_total",
            "Tool calls, by tool and how they ended"
        );
        describe_histogram!(
            TOOL_DURATION,
            "Time from a tool call reaching its tool to its answer"
        );
        let pairs = Tool::ALL
            .into_iter()
            .flat_map(|tool| Ending::ALL.map(|ending| (tool, ending)));
        let calls: HashMap<_, _> = pairs
            .map(|(tool, ending)| {
                let counter =
                    counter!("scout_tool_calls_total", "tool" => tool.name(), "outcome" => ending);
                counter.increment(0);
                ((tool, ending), counter)
            })
            .collect();
        let durations = Tool::ALL
            .into_iter()
            .map(|tool| (tool, histogram!(TOOL_DURATION, "tool" => tool.name())))
            .collect();
        Self {
            calls,
            durations,
            slow,
        }
    }

    /// A call ended.
    pub fn called(&self, tool: Tool, Ending(ending): Ending, took: Duration) {
        if let Some(counter) = self.calls.get(&(tool, ending)) {
            counter.increment(1);
        }
        if let Some(histogram) = self.durations.get(&tool) {
            histogram.record(took);
        }
        let took_ms = u64::try_from(took.as_millis()).unwrap_or(u64::MAX);
        if took >= self.slow {
            tracing::warn!(
                tool = tool.name(),
                outcome = ending,
                took_ms,
                "slow tool call"
            );
        } else {
            tracing::info!(tool = tool.name(), outcome = ending, took_ms, "tool call");
        }
    }
}

/// The HTTP side.
pub struct HttpMetrics {
    refusals: Refusals,
    in_flight: Gauge,
    connections: Gauge,
    requests: HashMap<(&'static str, u16), Counter>,
    durations: HashMap<&'static str, Histogram>,
}

impl HttpMetrics {
    /// Describes and creates them. At most so many requests are worked on, on so many connections.
    #[must_use]
    pub fn register(refusals: Refusals, requests_limit: usize, connections_limit: usize) -> Self {
        describe_gauge!(
            "scout_requests_in_flight",
            "Requests over HTTP that are being worked on"
        );
        describe_gauge!(
            "scout_requests_limit",
            "Requests over HTTP that may be worked on at once"
        );
        describe_gauge!(
            "scout_http_connections_limit",
            "Connections from clients that may be open"
        );
        let in_flight = gauge!("scout_requests_in_flight");
        in_flight.set(0);
        gauge!("scout_requests_limit").set(requests_limit as f64);
        gauge!("scout_http_connections_limit").set(connections_limit as f64);
        describe_counter!(
            "scout_rpc_requests_total",
            "HTTP requests, by JSON-RPC method and HTTP status; 499 is a client that left"
        );
        describe_histogram!(
            RPC_DURATION,
            "Time from the headers of a request to the end of its answer"
        );
        describe_gauge!(
            "scout_http_connections",
            "Connections from clients that are open"
        );
        let connections = gauge!("scout_http_connections");
        connections.set(0);
        let pairs = METHODS
            .into_iter()
            .flat_map(|method| STATUSES.map(|status| (method, status)));
        let requests: HashMap<_, _> = pairs
            .map(|(method, status)| ((method, status), requests(method, status)))
            .collect();
        for counter in requests.values() {
            counter.increment(0);
        }
        let durations = METHODS
            .into_iter()
            .map(|method| (method, histogram!(RPC_DURATION, "method" => method)))
            .collect();
        Self {
            refusals,
            in_flight,
            connections,
            requests,
            durations,
        }
    }
}

fn requests(method: &'static str, status: u16) -> Counter {
    counter!("scout_rpc_requests_total", "method" => method, "status" => status.to_string())
}

impl Observer for HttpMetrics {
    fn on_request(&self, method: &'static str, status: u16, duration: Duration) {
        match self.requests.get(&(method, status)) {
            Some(counter) => counter.increment(1),
            None => requests(method, status).increment(1),
        }
        if let Some(histogram) = self.durations.get(method) {
            histogram.record(duration);
        }
    }

    fn on_turned_away(&self, why: TurnedAway) {
        self.refusals.turned_away(why);
    }

    fn on_work(&self, change: i64) {
        self.in_flight.increment(change as f64);
    }

    fn on_connection(&self, change: i64) {
        self.connections.increment(change as f64);
    }
}
