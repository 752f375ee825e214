//! With keys configured, nothing but `/health` answers without one: no route, no method, no trick with
//! headers. A web page of another origin gets nothing either, nobody calls faster than the limit, and a
//! server that would be open to a network without keys does not start.

use std::time::{Duration, Instant};

use futures_util::future::join_all;
use reqwest::{Method, StatusCode};
use serde_json::{Value, json};

use crate::support::client::{Client, Era};
use crate::support::fleet::Fleet;
use crate::support::server::{ServerBuilder, TestServer, run_cli};

const ROUTES: [&str; 14] = [
    "/",
    "/mcp",
    "/mcp/",
    "/MCP",
    "//mcp",
    "/mcp?x=1",
    "/health",
    "/health/",
    "/metrics",
    "/sse",
    "/messages",
    "/livez",
    "/readyz",
    "/.well-known/oauth-protected-resource",
];
const METHODS: [Method; 7] = [
    Method::GET,
    Method::POST,
    Method::PUT,
    Method::DELETE,
    Method::OPTIONS,
    Method::HEAD,
    Method::PATCH,
];
const KEY: &str = "first-key-of-this-test-0123456789";
const OTHER: &str = "second-key-of-this-test-0123456789";

/// A call that would be seen: it logs in to the host.
fn call() -> Value {
    let params = json!({"name": "read", "arguments": {"host": "web-01", "path": "/etc/hostname"}});
    json!({"jsonrpc": "2.0", "id": 1, "method": "tools/call", "params": Era::Modern.envelope(params)})
}

fn http() -> reqwest::Client {
    reqwest::Client::builder().no_proxy().build().unwrap()
}

/// The call, complete but for who sends it.
fn request(method: Method, url: String) -> reqwest::RequestBuilder {
    let call = call();
    let mut request = http()
        .request(method, url)
        .header("Accept", "application/json, text/event-stream")
        .json(&call);
    for (name, value) in Era::Modern.headers("tools/call", &call["params"]) {
        request = request.header(name, value);
    }
    request
}

async fn status(request: reqwest::RequestBuilder) -> StatusCode {
    request.send().await.unwrap().status()
}

/// A server that knows the key by its digest, as `scout key new` says; and the key.
async fn with_digest(fleet: &Fleet) -> (ServerBuilder, String) {
    let made = run_cli(fleet, &["key", "new", "laptop"], Duration::from_secs(10)).await;
    let (_, toml) = made.stderr.split_once("scout.toml:").expect("instructions");
    let file = fleet.dir().join("scout.toml");
    std::fs::write(&file, toml).unwrap();
    let builder = TestServer::builder(fleet)
        .arg("--config")
        .arg(file.display());
    (builder, made.stdout.trim().to_owned())
}

async fn nothing_answers_without(server: &TestServer, fleet: &Fleet, key: &str) {
    let near = format!("{key}x");
    for route in ROUTES {
        for method in METHODS {
            let open = route == "/health" && [Method::GET, Method::HEAD].contains(&method);
            let expected = if open { 200 } else { 401 };
            let ask = || request(method.clone(), server.page_url(route));
            let tries = [
                ask(),
                ask().bearer_auth("wrong"),
                ask().bearer_auth(&near),
                ask().bearer_auth(""),
                ask().bearer_auth(key.to_uppercase()),
                ask().header("X-API-Key", "wrong"),
                ask().header("Authorization", format!("Basic {key}")),
                ask().header("Cookie", format!("key={key}")),
                ask().header("X-Forwarded-For", "127.0.0.1"),
                ask().header("X-Original-URL", "/health"),
            ];
            let answers = join_all(tries.map(reqwest::RequestBuilder::send)).await;
            for (index, answer) in answers.into_iter().enumerate() {
                let answer = answer.unwrap();
                assert_eq!(answer.status(), expected, "{method} {route} {index}");
                let challenged = answer.headers().contains_key("WWW-Authenticate");
                assert_eq!(challenged, !open, "{method} {route} {index}");
            }
        }
    }
    let in_query = server.page_url(&format!("/mcp?api_key={key}"));
    assert_eq!(status(request(Method::POST, in_query.clone())).await, 401);
    assert_eq!(
        status(request(Method::POST, in_query).bearer_auth(key)).await,
        401,
        "a key in a URL is leaked, whatever comes beside it"
    );
    let both = request(Method::POST, server.url()).bearer_auth(key);
    assert_eq!(status(both.header("X-API-Key", key)).await, 400);
    assert_eq!(fleet.logins(), 0, "somebody reached the host");
    let calls = server
        .metrics()
        .await
        .value("scout_tool_calls_total", &[])
        .unwrap();
    assert_eq!(calls, 0.0, "a tool was called");
}

async fn the_key_opens(server: &TestServer, fleet: &Fleet, key: &str) {
    for named in [
        request(Method::POST, server.url()).bearer_auth(key),
        request(Method::POST, server.url()).header("X-API-Key", key),
    ] {
        assert_eq!(status(named).await, 200);
    }
    assert_eq!(fleet.logins(), 1, "the call reached the host");
}

#[tokio::test]
async fn no_route_and_no_method_answers_without_a_raw_key() {
    let fleet = Fleet::start(1).await;
    let builder = TestServer::builder(&fleet).env("SCOUT_API_KEYS", format!("{KEY},{OTHER}"));
    let server = builder.start().await;
    nothing_answers_without(&server, &fleet, KEY).await;
    the_key_opens(&server, &fleet, KEY).await;
    the_key_opens(&server, &fleet, OTHER).await;
}

#[tokio::test]
async fn no_route_and_no_method_answers_without_a_key_of_the_file() {
    let fleet = Fleet::start(1).await;
    let (builder, key) = with_digest(&fleet).await;
    let server = builder.start().await;
    nothing_answers_without(&server, &fleet, &key).await;
    the_key_opens(&server, &fleet, &key).await;
}

#[tokio::test]
async fn a_web_page_of_another_origin_gets_nothing() {
    let fleet = Fleet::start(1).await;
    let open = TestServer::start(&fleet).await;
    let keyed = TestServer::builder(&fleet)
        .env("SCOUT_API_KEYS", KEY)
        .start()
        .await;
    for (server, key) in [(&open, ""), (&keyed, KEY)] {
        let ask = || {
            let ask = request(Method::POST, server.url());
            if key.is_empty() {
                ask
            } else {
                ask.bearer_auth(key)
            }
        };
        for (name, value) in [
            ("Origin", "http://evil.example"),
            ("Origin", "null"),
            ("Origin", "http://localhost.evil.example"),
            ("Origin", "http://127.0.0.1.evil.example:80"),
            ("Origin", ""),
            ("Host", "evil.example"),
            ("Host", "127.0.0.1.evil.example"),
            ("Host", "localhost:80@evil.example"),
        ] {
            assert_eq!(
                status(ask().header(name, value)).await,
                403,
                "{name}: {value}"
            );
        }
        let preflight = http()
            .request(Method::OPTIONS, server.url())
            .header("Origin", "http://evil.example")
            .header("Access-Control-Request-Method", "POST");
        assert_eq!(status(preflight).await, 403);
        assert_eq!(fleet.logins(), usize::from(!key.is_empty()));
        let own = ask().header("Origin", "http://localhost:3000");
        assert_eq!(status(own).await, 200);
    }
}

#[tokio::test]
async fn a_caller_is_held_to_its_rate_and_nobody_else() {
    let fleet = Fleet::start(1).await;
    let builder = TestServer::builder(&fleet)
        .without("SCOUT_RATE_LIMIT_PER_MINUTE")
        .env("SCOUT_API_KEYS", format!("{KEY},{OTHER}"));
    let server = builder.start().await;
    let listing = |key| Client::new(server.url(), Era::Modern).with_key(key);
    let client = listing(KEY);
    let start = Instant::now();
    let replies = join_all((0..30).map(|_| client.request("tools/list", Value::Null))).await;
    let refilled = start.elapsed().as_secs() + 1;
    let (passed, refused): (Vec<_>, Vec<_>) =
        replies.into_iter().partition(|reply| reply.status == 200);
    assert!(
        (10..=10 + refilled).contains(&(passed.len() as u64)),
        "{} passed",
        passed.len()
    );
    for reply in &refused {
        assert_eq!(reply.status, 429, "{}", reply.text);
        let seconds: u64 = reply
            .header("Retry-After")
            .expect("when")
            .parse()
            .expect("seconds");
        assert!((1..=60).contains(&seconds), "{seconds}");
    }
    let metrics = server.metrics().await;
    let limited = metrics.value("scout_rate_limited_total", &[]);
    assert_eq!(limited, Some(refused.len() as f64));
    // Somebody else is not concerned, and neither are those who ask whether the server lives.
    let other = listing(OTHER).request("tools/list", Value::Null).await;
    assert_eq!(other.status, 200);
    for _ in 0..40 {
        assert_eq!(status(http().get(server.page_url("/health"))).await, 200);
        assert_eq!(status(http().get(server.ops_url("/livez"))).await, 200);
    }
    // A refusal is for the time it names.
    let wait = refused[0]
        .header("Retry-After")
        .unwrap()
        .parse::<u64>()
        .unwrap();
    tokio::time::sleep(Duration::from_secs(wait) + Duration::from_millis(200)).await;
    assert_eq!(
        client.request("tools/list", Value::Null).await.status,
        200,
        "after {wait} s"
    );
}

#[tokio::test]
async fn without_keys_an_address_is_a_caller_and_headers_change_nothing() {
    let fleet = Fleet::start(1).await;
    let builder = TestServer::builder(&fleet)
        .env("SCOUT_RATE_LIMIT_PER_MINUTE", 1)
        .env("SCOUT_RATE_LIMIT_BURST", 2);
    let server = builder.start().await;
    let from = |ip: [u8; 4]| {
        let local = std::net::IpAddr::from(ip);
        reqwest::Client::builder().no_proxy().local_address(local)
    };
    let mut seen = Vec::new();
    for index in 0..4 {
        let spoofed = http()
            .post(server.url())
            .header("X-Forwarded-For", format!("10.0.0.{index}"));
        seen.push(status(spoofed).await == 429);
    }
    assert_eq!(seen, [false, false, true, true]);
    let neighbour = from([127, 0, 0, 2]).build().unwrap();
    assert_ne!(status(neighbour.post(server.url())).await, 429);
}

#[tokio::test]
async fn a_listener_that_is_open_to_a_network_needs_keys() {
    let fleet = Fleet::start(0).await;
    for (variable, address) in [
        ("SCOUT_HTTP_HOST", "0.0.0.0"),
        ("SCOUT_HTTP_HOST", "::"),
        ("SCOUT_OPS_HOST", "0.0.0.0"),
    ] {
        let builder = TestServer::builder(&fleet).env(variable, address);
        for builder in [
            builder.clone(),
            builder
                .env("SCOUT_API_KEYS", KEY)
                .env("SCOUT_AUTH_ENABLED", "false"),
        ] {
            let start = Instant::now();
            let end = builder.try_start().await.expect_err("it does not start");
            assert!(
                start.elapsed() < Duration::from_secs(5),
                "{:?}",
                start.elapsed()
            );
            assert_eq!(end.code(), Some(64), "{variable}: {}", end.stderr);
            assert!(end.stderr.contains("key"), "{variable}: {}", end.stderr);
            assert!(
                !end.stderr.contains(KEY),
                "{variable}: the key is in the message"
            );
        }
    }
    let builder = TestServer::builder(&fleet).env("SCOUT_HTTP_HOST", "0.0.0.0");
    let server = builder.env("SCOUT_API_KEYS", KEY).start().await;
    assert_eq!(status(request(Method::POST, server.url())).await, 401);
}
