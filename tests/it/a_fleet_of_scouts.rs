//! Three real Scouts behind a real HAProxy, with the configuration this project ships, are one: every
//! host belongs to one of them, which has its only connection; no call that may have run is repeated;
//! and replicas come, go and die without a new call failing.

mod begun;
mod broadcasts;
mod envoy;
mod losses;
mod ownership;

use std::time::{Duration, Instant};

use futures_util::future::join_all;
use futures_util::{StreamExt as _, stream};
use serde_json::{Value, json};

use crate::support::balancer::Balancer;
use crate::support::client::{Client, ToolResult};
use crate::support::fleet::Fleet;
use crate::support::server::{ServerBuilder, TestServer};

/// How long the fleet may take to get where it should be, on a busy machine.
const SOON: Duration = Duration::from_secs(60);
/// Calls at once.
const AT_ONCE: usize = 8;

/// A replica for this fleet: connections that nobody uses end soon, so that a host that moved has one.
fn replica(fleet: &Fleet) -> ServerBuilder {
    TestServer::builder(fleet)
        .env("SCOUT_ROLE", "operator")
        .env("SCOUT_MAX_POOL_SIZE", 250)
        .env("SCOUT_WARM_TIMEOUT", 0)
        .env("SCOUT_METRICS_PER_HOST", "all")
}

/// Replicas and what stands before them.
async fn serve(replicas: Vec<ServerBuilder>) -> (Vec<TestServer>, Balancer) {
    let servers = join_all(replicas.into_iter().map(ServerBuilder::start)).await;
    let ports: Vec<_> = servers.iter().map(TestServer::ports).collect();
    let balancer = Balancer::start(&ports).await;
    (servers, balancer)
}

/// Calls for all of these hosts, some at a time; the answers in their order.
async fn for_each_host<'a, F, R>(hosts: &'a [String], call: impl Fn(&'a str) -> F) -> Vec<R>
where
    F: Future<Output = R> + 'a,
    R: 'a,
{
    stream::iter(hosts.iter().map(|host| call(host)))
        .buffered(AT_ONCE)
        .collect()
        .await
}

async fn read(client: &Client, host: &str) -> ToolResult {
    let arguments = json!({"host": host, "path": "/etc/hostname"});
    client.call_tool("read", arguments).await
}

fn run(host: &str, command: &str) -> Value {
    json!({"name": "run", "arguments": {"host": host, "command": command}})
}

/// The hosts each of these replicas is connected to.
async fn owned(servers: &[&TestServer], hosts: &[String]) -> Vec<Vec<String>> {
    let owned = servers.iter().map(async |server| {
        let shown = server.metrics().await;
        let connected =
            |host: &&String| shown.value("scout_host_connected", &[("host", host)]) == Some(1.0);
        hosts.iter().filter(connected).cloned().collect::<Vec<_>>()
    });
    join_all(owned).await
}

/// Waits until each of the hosts has exactly one connection, however many replicas there are.
async fn until_one_connection_each(fleet: &Fleet, hosts: usize) {
    let began = Instant::now();
    loop {
        let established = fleet.established();
        if established == hosts {
            return;
        }
        assert!(
            began.elapsed() < SOON,
            "{established} connections to {hosts} hosts"
        );
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
}
