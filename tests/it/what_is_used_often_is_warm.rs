//! Hosts that were asked for, and hosts that are used often, are connected before a call needs them:
//! without a caller noticing anything but that it is fast, and never in the way of one.

use std::time::{Duration, Instant};

use serde_json::json;

use crate::support::blackhole::Blackhole;
use crate::support::client::{Client, Era, ToolResult};
use crate::support::eventually;
use crate::support::fleet::{Entry, Fleet};
use crate::support::server::{TestServer, run_cli_with};
use crate::support::watcher::Watcher;

const SOON: Duration = Duration::from_secs(20);

async fn read(client: &Client, host: &str) -> ToolResult {
    let arguments = json!({"host": host, "path": "/etc/passwd", "limit": 16});
    client.call_tool("read", arguments).await
}

async fn metric(server: &TestServer, name: &str, labels: &[(&str, &str)]) -> f64 {
    server.metrics().await.value(name, labels).expect(name)
}

async fn warmed(server: &TestServer) -> [f64; 2] {
    let of = async |reason| metric(server, "scout_pool_warmed_total", &[("reason", reason)]).await;
    [of("start").await, of("hot").await]
}

/// Waits until so many connections were made for nobody.
async fn until_warmed(server: &TestServer, expected: [f64; 2]) {
    let start = Instant::now();
    while warmed(server).await != expected {
        assert!(start.elapsed() < SOON, "{:?}", warmed(server).await);
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
}

/// Hits and misses.
async fn requests(server: &TestServer) -> [f64; 2] {
    let of =
        async |result| metric(server, "scout_pool_requests_total", &[("result", result)]).await;
    [of("hit").await, of("miss").await]
}

fn serves_files(fleet: &Fleet, index: usize) -> bool {
    fleet.sshd(index).log().contains("subsystem 'sftp'")
}

#[tokio::test]
async fn hosts_that_are_asked_for_are_connected_at_the_start() {
    let fleet = Fleet::start(4).await;
    let asked = "web-0[1-3],!web-02,ghost,@none";
    let server = TestServer::builder(&fleet)
        .env("SCOUT_WARM", asked)
        .start()
        .await;
    until_warmed(&server, [2.0, 0.0]).await;
    eventually("files are at hand", SOON, || {
        serves_files(&fleet, 0) && serves_files(&fleet, 2)
    })
    .await;
    assert_eq!(requests(&server).await, [0.0, 0.0], "nobody asked yet");

    let client = server.client(Era::Modern);
    for host in ["web-01", "web-02", "web-03"] {
        let result = read(&client, host).await;
        assert!(!result.is_error, "{}", result.text);
    }
    assert_eq!(requests(&server).await, [2.0, 1.0]);
    let logins: Vec<_> = fleet.sshds().iter().map(|sshd| sshd.logins()).collect();
    assert_eq!(logins, [1, 1, 1, 0]);

    let said = server.program().stderr();
    for stranger in [
        "`ssh.warm` asks for unknown host `ghost`",
        "`ssh.warm` asks for unknown tag `none`",
    ] {
        assert!(said.contains(stranger), "{said}");
        let check = run_cli_with(&fleet, &[("SCOUT_WARM", asked)], &["check"], SOON).await;
        assert_eq!(check.code(), Some(0), "{}", check.stdout);
        assert!(check.stdout.contains(stranger), "{}", check.stdout);
    }
    let bad = [("SCOUT_WARM", "web-[1")];
    let check = run_cli_with(&fleet, &bad, &["check"], SOON).await;
    assert_eq!(check.code(), Some(64), "{}", check.stdout);
}

#[tokio::test]
async fn warm_hosts_give_their_places_to_whoever_asks() {
    let fleet = Fleet::start(5).await;
    let server = TestServer::builder(&fleet)
        .env("SCOUT_MAX_POOL_SIZE", 2)
        .env("SCOUT_IDLE_TIMEOUT", 1)
        .env("SCOUT_WARM", "all")
        .start()
        .await;
    let watcher = Watcher::of(&fleet);
    until_warmed(&server, [2.0, 0.0]).await;
    let client = server.client(Era::Modern);
    for host in ["web-03", "web-04", "web-03", "web-05", "web-03"] {
        let result = read(&client, host).await;
        assert!(!result.is_error, "{}", result.text);
    }
    assert_eq!(
        fleet.sshd(2).logins(),
        1,
        "a host that was used stays before one that is only warm"
    );
    // The callers have gone, and their hosts with them.
    eventually("the asked-for hosts are back", SOON, || {
        fleet.sshd(0).established() + fleet.sshd(1).established() == 2
    })
    .await;
    assert_eq!(watcher.stop().most, 2);
}

#[tokio::test]
async fn a_host_that_is_used_often_stays_and_comes_back() {
    let fleet = Fleet::start(3).await;
    let server = TestServer::builder(&fleet)
        .env("SCOUT_IDLE_TIMEOUT", 1)
        .start()
        .await;
    let client = server.client(Era::Modern);
    for host in ["web-01", "web-02"] {
        assert!(!read(&client, host).await.is_error);
    }
    for _ in 0..9 {
        assert!(!read(&client, "web-01").await.is_error);
    }
    eventually("the other is closed", SOON, || {
        fleet.sshd(1).established() == 0
    })
    .await;
    tokio::time::sleep(Duration::from_secs(2)).await;
    assert_eq!(
        (fleet.sshd(0).established(), fleet.sshd(0).logins()),
        (1, 1)
    );
    assert_eq!(warmed(&server).await, [0.0, 0.0]);

    fleet.sshd(0).kill_sessions();
    until_warmed(&server, [0.0, 1.0]).await;
    let before = requests(&server).await;
    assert!(!read(&client, "web-01").await.is_error);
    let after = requests(&server).await;
    assert_eq!([after[0] - before[0], after[1] - before[1]], [1.0, 0.0]);
    assert_eq!((fleet.sshd(0).logins(), fleet.sshd(1).logins()), (2, 1));

    let server = TestServer::builder(&fleet)
        .env("SCOUT_IDLE_TIMEOUT", 1)
        .env("SCOUT_WARM_TIMEOUT", 0)
        .start()
        .await;
    let client = server.client(Era::Modern);
    for _ in 0..9 {
        assert!(!read(&client, "web-03").await.is_error);
    }
    eventually("it is turned off", SOON, || {
        fleet.sshd(2).established() == 0
    })
    .await;
}

#[tokio::test]
async fn a_host_that_cannot_be_warmed_is_not_held_against_a_caller() {
    let mut fleet = Fleet::start(1).await;
    fleet.sshd_mut(0).kill();
    let server = TestServer::builder(&fleet)
        .env("SCOUT_WARM", "all")
        .start()
        .await;
    let start = Instant::now();
    while metric(&server, "scout_ssh_connects_total", &[("outcome", "tcp")]).await < 1.0 {
        assert!(start.elapsed() < SOON, "nobody tried");
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    fleet.sshd_mut(0).restart().await;
    let result = read(&server.client(Era::Modern), "web-01").await;
    assert!(!result.is_error, "{}", result.text);
    assert_eq!(requests(&server).await, [0.0, 1.0]);
}

#[tokio::test]
async fn the_end_does_not_wait_for_hosts_that_are_being_warmed() {
    let mut fleet = Fleet::start(1).await;
    let dark = Blackhole::on([127, 0, 0, 1].into()).await;
    fleet.add(Entry::new("dark", dark.address(), ""));
    let mut server = TestServer::builder(&fleet)
        .env("SCOUT_WARM", "all")
        .start()
        .await;
    until_warmed(&server, [1.0, 0.0]).await;
    server.sigterm();
    let status = server.program_mut().wait_exit(Duration::from_secs(5)).await;
    assert!(status.success(), "{status}");
}
