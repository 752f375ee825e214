//! What is too large, too slow or too much.

use std::time::{Duration, Instant};

use scout::http::Settings;
use serde_json::json;

use super::raw::{Connection, Raw};
use super::support::{TestServer, call, legacy};

fn ping() -> Raw {
    Raw::post(&legacy("ping", json!({})))
}

/// A body of exactly `length` bytes that is a message.
fn padded(length: usize) -> String {
    let message = ping().body;
    let message = String::from_utf8(message).unwrap();
    format!("{message}{}", " ".repeat(length - message.len()))
}

#[tokio::test]
async fn bodies_are_bounded_in_every_framing() {
    let server = TestServer::start().await;
    let limit = Settings::default().body;
    assert_eq!(
        ping().body(padded(limit)).send(server.address).await.status,
        200
    );
    assert_eq!(
        ping()
            .body(padded(limit + 1))
            .send(server.address)
            .await
            .status,
        413
    );
    let mut connection = Connection::open(server.address).await;
    let chunked = ping().with("Transfer-Encoding", "chunked").body("");
    connection.send(&chunked).await;
    let chunk = format!("10000\r\n{}\r\n", "x".repeat(0x10000));
    for _ in 0..65 {
        connection.write(chunk.as_bytes()).await;
    }
    assert_eq!(connection.response().await.unwrap().status, 413);
}

#[tokio::test]
async fn headers_are_bounded_in_size_and_number() {
    let server = TestServer::start().await;
    let large = ping()
        .with("X-Large", &"a".repeat(40_000))
        .send(server.address)
        .await;
    assert_eq!(large.status, 431);
    let fair = ping()
        .with("X-Large", &"a".repeat(8_000))
        .send(server.address)
        .await;
    assert_eq!(fair.status, 200);
    let mut many = ping();
    for n in 0..101 {
        many = many.and(&format!("X-{n}"), "1");
    }
    assert_eq!(many.send(server.address).await.status, 431);
}

#[tokio::test]
async fn slow_headers_are_not_waited_for_and_idle_connections_are() {
    let header_timeout = Duration::from_secs(1);
    let settings = Settings {
        header_timeout,
        ..Settings::default()
    };
    let server = TestServer::with(settings, usize::MAX).await;
    let began = Instant::now();
    let mut silent = Connection::open(server.address).await;
    let mut half = Connection::open(server.address).await;
    half.write(b"POST /mcp HTTP/1.1\r\nHost: local").await;
    let mut kept = Connection::open(server.address).await;
    assert_eq!(kept.exchange(&ping()).await.unwrap().status, 200);
    tokio::join!(silent.closed(), half.closed());
    assert!(
        (1..4).contains(&began.elapsed().as_secs()),
        "{:?}",
        began.elapsed()
    );
    assert_eq!(
        kept.exchange(&ping()).await.expect("still open").status,
        200
    );
}

#[tokio::test]
async fn slow_bodies_are_answered_408() {
    let body_timeout = Duration::from_secs(1);
    let settings = Settings {
        body_timeout,
        ..Settings::default()
    };
    let server = TestServer::with(settings, usize::MAX).await;
    let mut connection = Connection::open(server.address).await;
    connection.write(ping().head().as_bytes()).await;
    connection.write(b"{").await;
    let response = connection.response().await.unwrap();
    assert_eq!(
        (response.status, response.header("connection")),
        (408, Some("close"))
    );
    connection.closed().await;
}

#[tokio::test]
async fn an_answer_that_is_not_read_cuts_the_connection() {
    let write_timeout = Duration::from_secs(1);
    let settings = Settings {
        write_timeout,
        ..Settings::default()
    };
    let server = TestServer::with(settings, usize::MAX).await;
    let mut connection = Connection::open(server.address).await;
    connection.send(&Raw::post(&call("large"))).await;
    tokio::time::sleep(Duration::from_secs(3)).await;
    server.shutdown.cancel();
    let drained = server.ended.await.unwrap();
    assert_eq!(drained.cut, 0, "the stalled answer was given up before");
}

#[tokio::test]
async fn requests_at_once_are_bounded() {
    let settings = Settings {
        requests: 1,
        ..Settings::default()
    };
    let server = TestServer::with(settings, usize::MAX).await;
    let mut waiting = Connection::open(server.address).await;
    waiting.send(&Raw::post(&call("wait"))).await;
    server.tools.started.notified().await;
    let busy = ping().send(server.address).await;
    assert_eq!((busy.status, busy.header("retry-after")), (503, Some("1")));
    server.tools.go.notify_one();
    assert_eq!(waiting.response().await.unwrap().status, 200);
    assert_eq!(ping().send(server.address).await.status, 200);
}

#[tokio::test]
async fn the_rate_is_the_gates_and_told_in_seconds() {
    let server = TestServer::with(Settings::default(), 1).await;
    assert_eq!(ping().send(server.address).await.status, 200);
    let refused = ping().send(server.address).await;
    assert_eq!(
        (refused.status, refused.header("retry-after")),
        (429, Some("2"))
    );
    assert!(refused.code().is_some() && refused.json().get("id").is_none());
    let unknown = ping().line("GET /nowhere").send(server.address).await;
    assert_eq!(unknown.status, 429, "refusals count as well");
    let health = ping()
        .line("GET /health")
        .body("")
        .send(server.address)
        .await;
    assert_eq!(health.status, 200);
}

#[tokio::test]
async fn the_longest_idle_connection_makes_room() {
    let settings = Settings {
        connections: 2,
        ..Settings::default()
    };
    let server = TestServer::with(settings, usize::MAX).await;
    let mut idle = Connection::open(server.address).await;
    idle.exchange(&ping()).await.unwrap();
    let mut waiting = Connection::open(server.address).await;
    waiting.send(&Raw::post(&call("wait"))).await;
    server.tools.started.notified().await;
    let mut third = Connection::open(server.address).await;
    third.send(&Raw::post(&call("wait"))).await;
    idle.closed().await;
    server.tools.started.notified().await;
    let mut fourth = Connection::open(server.address).await;
    let refused = fourth.response().await.unwrap();
    assert_eq!(
        (refused.status, refused.header("retry-after")),
        (503, Some("1"))
    );
    server.tools.go.notify_waiters();
    assert_eq!(waiting.response().await.unwrap().status, 200);
    assert_eq!(third.response().await.unwrap().status, 200);
}

#[tokio::test]
async fn a_handler_that_is_too_slow_is_answered_for() {
    let request_timeout = Duration::from_millis(100);
    let settings = Settings {
        request_timeout,
        ..Settings::default()
    };
    let server = TestServer::with(settings, usize::MAX).await;
    let late = Raw::post(&call("wait")).send(server.address).await;
    assert_eq!((late.status, late.code()), (200, Some(-32603)));
    assert_eq!(late.json()["id"], 1);
    server.tools.was_dropped().await;
}
