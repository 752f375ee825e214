//! Which status answers what: the table of the specification, row by row.

use std::sync::atomic::Ordering::SeqCst;

use serde_json::{Value, json};

use super::raw::{Raw, Response};
use super::support::{TestServer, call, legacy, modern};

/// `method` as a request of 2026-07-28, with the headers that go with it.
fn modern_request(method: &str, params: Value) -> Raw {
    let request = Raw::post(&modern(method, params.clone()))
        .with("MCP-Protocol-Version", "2026-07-28")
        .with("Mcp-Method", method);
    match params["name"].as_str() {
        Some(name) => request.with("Mcp-Name", name),
        None => request,
    }
}

fn ping() -> Raw {
    Raw::post(&legacy("ping", json!({})))
}

fn outcome(response: &Response) -> (u16, Option<i64>) {
    (response.status, response.code())
}

#[tokio::test]
async fn requests_are_answered_and_notifications_accepted() {
    let server = TestServer::start().await;
    let pong = ping().send(server.address).await;
    assert_eq!(
        (pong.status, pong.json()),
        (200, json!({"jsonrpc": "2.0", "id": 1, "result": {}}))
    );
    assert_eq!(pong.header("content-type"), Some("application/json"));
    assert_eq!(pong.header("x-content-type-options"), Some("nosniff"));
    assert_eq!(pong.header("access-control-allow-origin"), None);
    assert_eq!(pong.header("mcp-session-id"), None);
    let initialized = json!({"jsonrpc": "2.0", "method": "notifications/initialized"});
    let accepted = Raw::post(&initialized).send(server.address).await;
    assert_eq!((accepted.status, accepted.body.as_str()), (202, ""));
    let modern = Raw::post(&initialized).with("MCP-Protocol-Version", "2026-07-28");
    assert_eq!(modern.send(server.address).await.status, 202);
    let odd = Raw::post(&initialized).with("MCP-Protocol-Version", "1999-01-01");
    let refused = odd.send(server.address).await;
    assert_eq!(outcome(&refused), (400, Some(-32022)));
    assert!(refused.json().get("id").is_none());
}

#[tokio::test]
async fn malformed_messages_are_400_without_null_ids() {
    let server = TestServer::start().await;
    let cases = [
        ("", -32700),
        ("{\"jsonrpc\":", -32700),
        ("[]", -32600),
        (r#"[{"jsonrpc":"2.0","id":1,"method":"ping"}]"#, -32600),
        (r#"{"jsonrpc":"2.0","id":null,"method":"ping"}"#, -32600),
        (r#"{"jsonrpc":"2.0","id":1.5,"method":"ping"}"#, -32600),
        (r#"{"jsonrpc":"2.0","id":1,"id":2,"method":"ping"}"#, -32600),
        (r#"{"jsonrpc":"2.0","id":1,"result":{}}"#, -32600),
    ];
    for (body, code) in cases {
        let response = ping().body(body).send(server.address).await;
        assert_eq!(outcome(&response), (400, Some(code)), "{body}");
        assert_ne!(response.json().get("id"), Some(&Value::Null), "{body}");
    }
    let deep = format!(
        r#"{{"jsonrpc":"2.0","id":1,"method":"ping","params":{{"a":{}1{}}}}}"#,
        "[".repeat(100_000),
        "]".repeat(100_000)
    );
    assert_eq!(
        outcome(&ping().body(deep).send(server.address).await),
        (400, Some(-32600))
    );
}

#[tokio::test]
async fn errors_have_the_status_of_their_era() {
    let server = TestServer::start().await;
    let answer = async |request: Raw| outcome(&request.send(server.address).await);
    assert_eq!(
        answer(Raw::post(&legacy("no/such", json!({})))).await,
        (200, Some(-32601))
    );
    assert_eq!(
        answer(modern_request("no/such", json!({}))).await,
        (404, Some(-32601))
    );
    assert_eq!(
        answer(modern_request("initialize", json!({}))).await,
        (404, Some(-32601))
    );
    assert_eq!(
        answer(Raw::post(&call("no-such"))).await,
        (200, Some(-32602))
    );
    let unknown = json!({"name": "no-such"});
    assert_eq!(
        answer(modern_request("tools/call", unknown)).await,
        (200, Some(-32602))
    );
    let envelope = ping().with("MCP-Protocol-Version", "2026-07-28");
    assert_eq!(answer(envelope).await, (400, Some(-32602)));
    let other = modern_request("server/discover", json!({})).with("Mcp-Method", "tools/list");
    assert_eq!(answer(other).await, (400, Some(-32020)));
    let twice = modern_request("server/discover", json!({})).and("Mcp-Method", "server/discover");
    assert_eq!(answer(twice).await, (400, Some(-32020)));
    let version = ping().with("MCP-Protocol-Version", "2024-11-05");
    let refused = version.send(server.address).await;
    assert_eq!(outcome(&refused), (400, Some(-32022)));
    let discovered = modern_request("server/discover", json!({}))
        .send(server.address)
        .await;
    assert_eq!(
        refused.json()["error"]["data"]["supported"],
        discovered.json()["result"]["supportedVersions"]
    );
}

#[tokio::test]
async fn the_shape_of_a_request_is_checked_before_its_body() {
    let server = TestServer::start().await;
    for method in ["GET", "DELETE", "PUT", "OPTIONS", "HEAD"] {
        let line = format!("{method} /mcp");
        let request = ping().line(&line).body("");
        let response = super::raw::Connection::open(server.address).await;
        let mut connection = response;
        connection.send(&request).await;
        let head = connection.response_head().await.unwrap();
        assert_eq!(
            (head.status, head.header("allow")),
            (405, Some("POST")),
            "{method}"
        );
    }
    for kind in ["text/plain", "application/jsonx", "multipart/form-data"] {
        assert_eq!(
            ping()
                .with("Content-Type", kind)
                .send(server.address)
                .await
                .status,
            415
        );
    }
    assert_eq!(
        ping()
            .without("Content-Type")
            .send(server.address)
            .await
            .status,
        415
    );
    let charset = ping().with("Content-Type", "application/json; charset=utf-8");
    assert_eq!(charset.send(server.address).await.status, 200);
    assert_eq!(
        ping()
            .with("Accept", "text/html")
            .send(server.address)
            .await
            .status,
        406
    );
    for accept in ["*/*", "application/json", "application/*;q=0.5"] {
        let response = ping().with("Accept", accept).send(server.address).await;
        assert_eq!(
            response.header("content-type"),
            Some("application/json"),
            "{accept}"
        );
    }
    assert_eq!(
        ping().without("Accept").send(server.address).await.status,
        200
    );
    let streamed = ping()
        .with("Accept", "text/event-stream")
        .send(server.address)
        .await;
    assert_eq!(streamed.header("content-type"), Some("text/event-stream"));
    let event = "event: message\ndata: {\"jsonrpc\":\"2.0\",\"id\":1,\"result\":{}}\n\n";
    assert_eq!(streamed.body, event);
}

#[tokio::test]
async fn nothing_but_health_is_reachable_without_a_key() {
    let server = TestServer::start().await;
    let anonymous = || ping().without("Authorization");
    for path in [
        "/mcp",
        "/",
        "/health/",
        "/metrics",
        "/mcp/../health",
        "/MCP",
        "/favicon.ico",
    ] {
        for method in ["GET", "POST", "DELETE", "OPTIONS"] {
            let request = anonymous().line(&format!("{method} {path}"));
            let response = request.send(server.address).await;
            assert_eq!(response.status, 401, "{method} {path}");
            assert_eq!(response.header("www-authenticate"), Some("Bearer"));
        }
    }
    assert_eq!(
        anonymous()
            .line("POST /health")
            .send(server.address)
            .await
            .status,
        401
    );
    assert_eq!(
        ping()
            .line("POST /health")
            .send(server.address)
            .await
            .status,
        405
    );
    assert_eq!(
        ping()
            .line("POST /elsewhere")
            .send(server.address)
            .await
            .status,
        404
    );
    let health = anonymous()
        .line("GET /health")
        .body("")
        .with("Host", "any.example");
    let health = health.send(server.address).await;
    assert_eq!((health.status, health.body.as_str()), (200, "OK"));
    let wrong = ping()
        .with("Authorization", "Bearer nope")
        .send(server.address)
        .await;
    assert_eq!(
        wrong.header("www-authenticate"),
        Some(r#"Bearer error="invalid_token""#)
    );
    let twice = ping().and("X-API-Key", "K_OP").send(server.address).await;
    assert_eq!(twice.status, 400);
    let query = ping()
        .line("POST /mcp?api_key=K_OP")
        .send(server.address)
        .await;
    assert_eq!(query.status, 401);
    let other = ping().without("Authorization").with("X-API-Key", "K_OP");
    assert_eq!(other.send(server.address).await.status, 200);
    assert_eq!(server.tools.calls.load(SeqCst), 0);
}

#[tokio::test]
async fn the_catalogue_learns_who_calls() {
    let server = TestServer::start().await;
    let reply = Raw::post(&call("whoami")).send(server.address).await.json();
    assert_eq!(reply["result"]["content"][0]["text"], r#"Some("op") true"#);
}

#[tokio::test]
async fn hosts_are_checked_before_keys() {
    let server = TestServer::start().await;
    let anonymous = ping().without("Authorization");
    let foreign = anonymous.clone().with("Host", "evil.example");
    assert_eq!(foreign.send(server.address).await.status, 403);
    assert_eq!(
        anonymous
            .clone()
            .without("Host")
            .send(server.address)
            .await
            .status,
        403
    );
    let origin = anonymous.with("Origin", "http://evil.example");
    assert_eq!(origin.send(server.address).await.status, 403);
    let own = ping().with("Origin", "http://localhost:5173");
    assert_eq!(own.send(server.address).await.status, 200);
}

#[tokio::test]
async fn every_request_is_reported_once() {
    let server = TestServer::start().await;
    ping().send(server.address).await;
    ping().without("Authorization").send(server.address).await;
    Raw::post(&legacy("no/such", json!({})))
        .send(server.address)
        .await;
    ping()
        .line("GET /health")
        .body("")
        .send(server.address)
        .await;
    assert_eq!(server.seen.all(), ["ping 200", "- 401", "other 200"]);
}
