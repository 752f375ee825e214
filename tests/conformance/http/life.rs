//! Streams, clients that leave, and the end of the server.

use std::time::Duration;

use scout::http::{Drained, Settings};
use serde_json::json;

use super::raw::{Connection, Raw};
use super::support::{TestServer, call, legacy};

#[tokio::test]
async fn progress_makes_a_stream() {
    let server = TestServer::start().await;
    let mut connection = Connection::open(server.address).await;
    connection.send(&Raw::post(&call("steps"))).await;
    let head = connection.response_head().await.unwrap();
    assert_eq!(head.header("content-type"), Some("text/event-stream"));
    assert_eq!(head.header("cache-control"), Some("no-cache, no-transform"));
    assert_eq!(head.header("x-accel-buffering"), Some("no"));
    server.tools.go.notify_one();
    let mut text = String::new();
    loop {
        let chunk = connection.chunk().await;
        if chunk.is_empty() {
            break;
        }
        text += std::str::from_utf8(&chunk).unwrap();
    }
    let frames: Vec<_> = text.split_terminator("\n\n").collect();
    assert_eq!(frames.len(), 3, "{text}");
    assert!(
        frames[0].starts_with("event: message\ndata: {") && frames[0].contains("progress\":1.0")
    );
    assert!(frames[1].contains("progress\":2.0"));
    assert!(frames[2].contains("\"id\":1") && frames[2].contains("done"));
    assert_eq!(server.seen.all(), ["tools/call 200"]);
}

#[tokio::test]
async fn a_client_that_takes_no_streams_gets_none() {
    let server = TestServer::start().await;
    server.tools.go.notify_one();
    let request = Raw::post(&call("steps")).with("Accept", "application/json");
    let response = request.send(server.address).await;
    assert_eq!(response.header("content-type"), Some("application/json"));
}

#[tokio::test]
async fn a_silent_call_becomes_a_stream_that_is_kept_alive() {
    let keep_alive = Duration::from_millis(200);
    let settings = Settings {
        keep_alive,
        ..Settings::default()
    };
    let server = TestServer::with(settings, usize::MAX).await;
    let mut connection = Connection::open(server.address).await;
    connection.send(&Raw::post(&call("wait"))).await;
    let head = connection.response_head().await.unwrap();
    assert_eq!(head.header("content-type"), Some("text/event-stream"));
    assert_eq!(connection.chunk().await, b": keepalive\n\n");
    server.tools.go.notify_one();
}

#[tokio::test]
async fn a_client_that_leaves_cancels_its_call() {
    for tool in ["wait", "steps"] {
        let server = TestServer::start().await;
        let mut connection = Connection::open(server.address).await;
        connection.send(&Raw::post(&call(tool))).await;
        server.tools.started.notified().await;
        drop(connection);
        server.tools.was_dropped().await;
        tokio::time::sleep(Duration::from_millis(50)).await;
        assert_eq!(server.seen.all(), ["tools/call 499"], "{tool}");
    }
}

#[tokio::test]
async fn shutdown_finishes_what_runs_and_closes_what_idles() {
    let server = TestServer::start().await;
    let mut idle = Connection::open(server.address).await;
    idle.exchange(&Raw::post(&legacy("ping", json!({}))))
        .await
        .unwrap();
    let mut waiting = Connection::open(server.address).await;
    waiting.send(&Raw::post(&call("wait"))).await;
    server.tools.started.notified().await;
    server.shutdown.cancel();
    idle.closed().await;
    assert!(
        tokio::net::TcpStream::connect(server.address)
            .await
            .is_err()
    );
    server.tools.go.notify_one();
    let response = waiting.response().await.unwrap();
    assert_eq!(
        (response.status, response.header("connection")),
        (200, Some("close"))
    );
    assert_eq!(
        server.ended.await.unwrap(),
        Drained {
            finished: 1,
            cut: 0
        }
    );
}

#[tokio::test]
async fn what_does_not_finish_in_time_is_cut() {
    let server = TestServer::start().await;
    let mut waiting = Connection::open(server.address).await;
    waiting.send(&Raw::post(&call("wait"))).await;
    server.tools.started.notified().await;
    server.shutdown.cancel();
    assert_eq!(
        server.ended.await.unwrap(),
        Drained {
            finished: 0,
            cut: 1
        }
    );
    server.tools.was_dropped().await;
    waiting.closed().await;
}
