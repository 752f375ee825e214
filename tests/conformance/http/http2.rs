//! The same server over HTTP/2 without TLS, as proxies speak it.

use serde_json::json;

use super::support::{KEY, TestServer, call, legacy};

fn client() -> reqwest::Client {
    reqwest::Client::builder()
        .http2_prior_knowledge()
        .no_proxy()
        .build()
        .unwrap()
}

fn post(server: &TestServer, body: &serde_json::Value) -> reqwest::RequestBuilder {
    client()
        .post(format!("http://{}/mcp", server.address))
        .bearer_auth(KEY)
        .json(body)
}

#[tokio::test]
async fn the_authority_stands_for_the_host() {
    let server = TestServer::start().await;
    let response = post(&server, &legacy("ping", json!({})))
        .send()
        .await
        .unwrap();
    assert_eq!(response.version(), reqwest::Version::HTTP_2);
    assert_eq!(response.status(), 200);
    let body: serde_json::Value = response.json().await.unwrap();
    assert_eq!(body, json!({"jsonrpc": "2.0", "id": 1, "result": {}}));
}

#[tokio::test]
async fn a_stream_that_is_reset_cancels_its_call() {
    for tool in ["wait", "steps"] {
        let server = TestServer::start().await;
        let pending = tokio::spawn(post(&server, &call(tool)).send());
        server.tools.started.notified().await;
        pending.abort();
        drop(pending.await);
        server.tools.was_dropped().await;
    }
}
