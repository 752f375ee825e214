//! How long a host is waited for follows what it usually takes: one that is near and falls silent is
//! given up in a fraction of the connect timeout, one that is far or slow to log in is not cut off,
//! and one that was late has more time the next time.

use std::time::{Duration, Instant};

use serde_json::json;

use crate::support::chaos::{Chaos, Mode};
use crate::support::client::{Client, Era, ToolResult};
use crate::support::fleet::Fleet;
use crate::support::server::TestServer;

/// `SCOUT_CONNECTION_TIMEOUT` of these tests: longer than anything a test waits for.
const CEILING: Duration = Duration::from_secs(20);

async fn behind_chaos() -> (Fleet, Chaos) {
    let mut fleet = Fleet::start(1).await;
    let chaos = Chaos::before(fleet.sshd(0).address()).await;
    fleet.reroute("web-01", chaos.address());
    (fleet, chaos)
}

/// A server on which nothing is connected but for a call.
async fn serve(fleet: &Fleet, least: &str) -> TestServer {
    TestServer::builder(fleet)
        .env("SCOUT_CONNECTION_TIMEOUT", CEILING.as_secs())
        .env("SCOUT_CONNECTION_TIMEOUT_MIN", least)
        .env("SCOUT_KEEPALIVE", 1)
        .env("SCOUT_WARM_TIMEOUT", 0)
        .start()
        .await
}

async fn read(client: &Client) -> (ToolResult, Duration) {
    let start = Instant::now();
    let arguments = json!({"host": "web-01", "path": "/etc/passwd", "limit": 16});
    let result = client.call_tool("read", arguments).await;
    (result, start.elapsed())
}

/// Ends the connection, so that the next call makes one.
async fn lose(fleet: &Fleet, chaos: &Chaos) {
    fleet.sshd(0).kill_sessions();
    crate::support::eventually("it is gone", CEILING, || chaos.live() == 0).await;
    tokio::time::sleep(Duration::from_millis(100)).await;
}

#[tokio::test]
async fn a_near_host_that_falls_silent_is_given_up_soon_and_has_twice_as_long_next_time() {
    let (fleet, chaos) = behind_chaos().await;
    let server = serve(&fleet, "1s").await;
    let client = server.client(Era::Modern);
    assert!(!read(&client).await.0.is_error);
    lose(&fleet, &chaos).await;

    chaos.set(Mode::Blackhole);
    let mut waits = Vec::new();
    for _ in 0..2 {
        let (result, took) = read(&client).await;
        assert_eq!(
            result.structured["code"], "connect_timeout",
            "{}",
            result.text
        );
        assert_eq!(result.structured["phase"], "kex", "{}", result.text);
        assert!(result.text.contains("(usually 0."), "{}", result.text);
        waits.push(took);
        tokio::time::sleep(Duration::from_millis(300)).await;
    }
    // The host is on this machine; what it took the first time is far below the floor.
    assert!(
        waits[0] > Duration::from_millis(1000) && waits[0] < CEILING / 4,
        "{waits:?}"
    );
    assert!(
        waits[1] > Duration::from_millis(2000) && waits[1] < CEILING / 2,
        "{waits:?}"
    );

    chaos.set(Mode::Pass);
    tokio::time::sleep(Duration::from_millis(600)).await;
    assert!(!read(&client).await.0.is_error, "it is back");
    let metrics = server.metrics().await;
    for (name, labels, least) in [
        (
            "scout_ssh_deadline_seconds_count",
            &[("what", "connect")][..],
            4.0,
        ),
        (
            "scout_ssh_deadline_seconds_count",
            &[("what", "start")],
            2.0,
        ),
        ("scout_ssh_rtt_seconds_count", &[], 4.0),
    ] {
        let counted = metrics.value(name, labels);
        assert!(counted >= Some(least), "{name} {labels:?}: {counted:?}");
    }
}

#[tokio::test]
async fn a_connection_that_falls_silent_is_given_up_soon() {
    let (fleet, chaos) = behind_chaos().await;
    let server = serve(&fleet, "1s").await;
    let client = server.client(Era::Modern);
    assert!(!read(&client).await.0.is_error);
    chaos.set(Mode::Blackhole);
    // It was silent for longer than it is trusted without a sign of life.
    tokio::time::sleep(Duration::from_millis(1500)).await;
    let (result, took) = read(&client).await;
    assert_eq!(
        result.structured["code"], "connect_timeout",
        "{}",
        result.text
    );
    assert!(took < CEILING / 2, "{took:?}: {}", result.text);
}

#[tokio::test]
async fn a_far_host_is_not_cut_off() {
    let (fleet, chaos) = behind_chaos().await;
    // Every piece, in both directions: a connection takes several times as long as the floor allows.
    chaos.set(Mode::Delay(Duration::from_millis(250)));
    let server = serve(&fleet, "500ms").await;
    let client = server.client(Era::Modern);
    for round in 0..3 {
        let (result, took) = read(&client).await;
        assert!(!result.is_error, "round {round}: {}", result.text);
        assert!(took > Duration::from_secs(2), "it is far: {took:?}");
        lose(&fleet, &chaos).await;
    }
    // It becomes twice as far: late once or twice at the most, then known to be.
    chaos.set(Mode::Delay(Duration::from_millis(500)));
    let mut failures = 0;
    loop {
        let (result, _) = read(&client).await;
        if !result.is_error {
            break;
        }
        failures += 1;
        assert!(failures < 4, "{}", result.text);
        tokio::time::sleep(Duration::from_secs(1)).await;
    }
    println!("late {failures} times");
}
