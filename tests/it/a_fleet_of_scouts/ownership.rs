//! Who owns a host: one replica, for every form in which a call can name it.

use serde_json::{Value, json};

use super::{for_each_host, owned, read, replica, serve};
use crate::support::client::{Client, Era, Reply};
use crate::support::fleet::Fleet;
use crate::support::server::TestServer;

const HOSTS: usize = 200;

/// A request whose headers are not, or not only, what a client of its era sends.
async fn dressed(client: &Client, method: &str, params: Value, with: &[(&str, &str)]) -> Reply {
    let mut request = client.prepare(method, params).build().unwrap();
    for (name, value) in with {
        let name = reqwest::header::HeaderName::from_bytes(name.as_bytes()).unwrap();
        request.headers_mut().insert(name, value.parse().unwrap());
    }
    Reply::read(client.http().execute(request).await.unwrap()).await
}

fn base64(text: &str) -> String {
    use base64::Engine as _;
    let encoded = base64::prelude::BASE64_STANDARD.encode(text);
    format!("=?base64?{encoded}?=")
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn each_of_200_hosts_has_one_replica_and_one_connection_in_every_form() {
    let fleet = Fleet::builder().shared(HOSTS).start().await;
    let hosts = fleet.names();
    let replicas = (0..3).map(|_| replica(&fleet).env("SCOUT_IDLE_TIMEOUT", 600));
    let (servers, balancer) = serve(replicas.collect()).await;
    let servers: Vec<&TestServer> = servers.iter().collect();
    let (modern, legacy) = (balancer.client(Era::Modern), balancer.client(Era::Legacy));
    let file =
        |host: &str| json!({"name": "read", "arguments": {"host": host, "path": "/etc/hostname"}});
    let uri = |uri: String| json!({"uri": uri});

    for answer in for_each_host(&hosts, |host| read(&modern, host)).await {
        assert!(!answer.is_error, "{}", answer.text);
    }
    let owners = owned(&servers, &hosts).await;
    let shares: Vec<_> = owners.iter().map(Vec::len).collect();
    assert_eq!(shares.iter().sum::<usize>(), HOSTS, "{shares:?}");
    assert!(shares.iter().all(|share| *share > HOSTS / 6), "{shares:?}");

    for form in 0..8 {
        let replies = for_each_host(&hosts, async |host| match form {
            0 => modern.request("tools/call", file(host)).await,
            1 => {
                let encoded = base64(host);
                let with = [("Mcp-Param-Host", &*encoded)];
                dressed(&modern, "tools/call", file(host), &with).await
            }
            2 => {
                let target = json!({"name": "scout", "arguments": {"target": format!("{host}:/etc/hostname")}});
                modern.request("tools/call", target).await
            }
            3 => {
                let uri = uri(format!("scout://{host}/etc/hostname"));
                modern.request("resources/read", uri).await
            }
            4 => {
                let uri = uri(format!("{host}:///etc/hostname"));
                modern.request("resources/read", uri).await
            }
            5 => legacy.request("tools/call", file(host)).await,
            // In an older revision no header counts, so that nobody can be led astray by one.
            6 => {
                let with = [("Mcp-Param-Host", "web-01"), ("Mcp-Method", "tools/call")];
                dressed(&legacy, "tools/call", file(host), &with).await
            }
            _ => {
                let uri = uri(format!("scout://{host}/etc/hostname"));
                legacy.request("resources/read", uri).await
            }
        })
        .await;
        for reply in replies {
            reply
                .result()
                .unwrap_or_else(|error| panic!("form {form}: {error:?}"));
        }
        assert_eq!(fleet.logins(), HOSTS, "form {form} went to another replica");
    }
    assert_eq!(fleet.established(), HOSTS);
    assert_eq!(owned(&servers, &hosts).await, owners);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_header_that_differs_from_the_body_reaches_no_host() {
    let fleet = Fleet::builder().shared(2).start().await;
    let hosts = fleet.names();
    let (_servers, balancer) = serve((0..2).map(|_| replica(&fleet)).collect()).await;
    let client = balancer.client(Era::Modern);
    let params = json!({"name": "read", "arguments": {"host": hosts[0], "path": "/etc/hostname"}});
    let reply = dressed(
        &client,
        "tools/call",
        params,
        &[("Mcp-Param-Host", &hosts[1])],
    )
    .await;
    assert_eq!(reply.status, 400);
    assert_eq!(reply.result().unwrap_err().code, -32020);
    assert_eq!(fleet.logins(), 0);
}
