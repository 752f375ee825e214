//! A large copy goes over a connection of its own where the pool has a place to spare and the host
//! takes a second login: calls to its host neither wait behind its bytes nor for its channel. Where
//! there is none it goes over the one there is. Either way nothing is left of it.

use std::time::{Duration, Instant};

use serde_json::json;

use crate::support::chaos::{Chaos, Mode};
use crate::support::client::{Client, Era, ToolResult};
use crate::support::eventually;
use crate::support::fleet::Fleet;
use crate::support::server::{ServerBuilder, TestServer};
use crate::support::sshd::config::SshdConfig;
use crate::support::watcher::Watcher;
use crate::support::yard::{Yard, same};

const LARGE: u64 = 24 << 20;
const SOON: Duration = Duration::from_secs(20);

fn server(fleet: &Fleet, yard: &Yard) -> ServerBuilder {
    TestServer::builder(fleet)
        .env("SCOUT_ROLE", "operator")
        .env("SCOUT_TRANSFER_ROOTS", yard.here.display())
}

async fn copy(client: &Client, from: &str, to: &str) -> ToolResult {
    let arguments = json!({"from": from, "to": to});
    client.call_tool("copy", arguments).await
}

/// The one download of these tests: of this file, to a place of that name.
async fn download(client: &Client, yard: &Yard, name: &str, to: &str) -> ToolResult {
    let from = format!("web-01:{}", yard.there.join(name).display());
    copy(client, &from, &yard.here.join(to).display().to_string()).await
}

async fn read(client: &Client) -> ToolResult {
    let arguments = json!({"host": "web-01", "path": "/etc/passwd", "limit": 16});
    client.call_tool("read", arguments).await
}

/// Waits until Scout says it holds so many connections.
async fn connections(server: &TestServer, expected: f64) {
    let began = Instant::now();
    loop {
        let shown = server.metrics().await;
        let shown = shown.value("scout_pool_connections", &[]);
        if shown == Some(expected) {
            return;
        }
        assert!(began.elapsed() < SOON, "{shown:?} and not {expected}");
    }
}

#[tokio::test]
async fn it_takes_a_second_connection_and_gives_it_back() {
    let fleet = Fleet::start(2).await;
    let yard = Yard::new(&fleet);
    let server = server(&fleet, &yard).start().await;
    let client = server.client(Era::Modern);
    for (bytes, logins, most) in [(1 << 20, [1, 1], 2), (LARGE, [4, 2], 4)] {
        let name = format!("{bytes}");
        let (local, remote) = (yard.local(&name, bytes, 1), yard.remote(&name, bytes, 2));
        let sources = [&local, &remote, &remote];
        let watcher = Watcher::of(&fleet);
        for (way, source) in yard
            .ways(&local, &remote, &format!("{name}-copy"))
            .into_iter()
            .zip(sources)
        {
            let copied = copy(&client, &way.from, &way.to).await;
            assert!(!copied.is_error, "{}", copied.text);
            assert!(same(source, &way.place));
            // One that is still leaving would count beside those of the next copy.
            eventually("the second ones have ended", SOON, || {
                fleet.established() <= 2
            })
            .await;
        }
        let made = [0, 1].map(|host| fleet.sshd(host).logins());
        assert_eq!(made, logins, "{bytes} bytes up, down and across");
        // How many there were is in the logins; the watcher looks now and then, and may miss one.
        assert!(watcher.stop().most <= most);
        connections(&server, 2.0).await;
    }
    let metrics = server.metrics().await;
    let lost = metrics.value("scout_ssh_connections_lost_total", &[]);
    let missed = metrics.value("scout_pool_requests_total", &[("result", "miss")]);
    assert_eq!((lost, missed), (Some(0.0), Some(2.0)));
    assert!(yard.left().is_empty());
}

#[tokio::test]
async fn calls_are_served_while_it_runs_by_a_host_that_allows_one_session() {
    let config = SshdConfig {
        max_sessions: 1,
        ..SshdConfig::default()
    };
    let fleet = Fleet::builder().hosts_with(1, &config).start().await;
    let yard = Yard::new(&fleet);
    let server = server(&fleet, &yard).start().await;
    let client = server.client(Era::Modern);
    let source = yard.remote("large", 160 << 20, 1);
    let mut copying = std::pin::pin!(download(&client, &yard, "large", "large"));
    let beside = async {
        eventually("there are two connections", SOON, || {
            fleet.established() == 2
        })
        .await;
        read(&client).await
    };
    tokio::select! {
        copied = &mut copying => panic!("the read waited for the copy: {}", copied.text),
        seen = beside => assert!(!seen.is_error, "{}", seen.text),
    }
    let copied = copying.await;
    assert!(!copied.is_error, "{}", copied.text);
    assert!(same(&source, &yard.here.join("large")));
    assert_eq!(fleet.logins(), 2);
}

#[tokio::test]
async fn a_pool_with_no_place_to_spare_has_none_for_it() {
    let fleet = Fleet::start(1).await;
    let yard = Yard::new(&fleet);
    let source = yard.remote("large", LARGE, 1);
    for places in [1, 7] {
        let server = server(&fleet, &yard).env("SCOUT_MAX_POOL_SIZE", places);
        let server = server.start().await;
        let client = server.client(Era::Modern);
        let watcher = Watcher::of(&fleet);
        let to = format!("large-{places}");
        let copied = download(&client, &yard, "large", &to).await;
        assert!(!copied.is_error, "{}", copied.text);
        assert!(same(&source, &yard.here.join(to)));
        assert_eq!(watcher.stop().most, 1);
        connections(&server, 1.0).await;
        drop(server);
        eventually("all is over", SOON, || fleet.established() == 0).await;
    }
}

#[tokio::test]
async fn a_host_that_refuses_a_second_login_is_asked_once() {
    let fleet = Fleet::start(1).await;
    let yard = Yard::new(&fleet);
    let source = yard.remote("large", LARGE, 1);
    let server = server(&fleet, &yard).start().await;
    let client = server.client(Era::Modern);
    assert!(!read(&client).await.is_error);
    std::fs::write(fleet.dir().join("authorized_keys"), "").unwrap();
    for to in ["one", "two"] {
        let copied = download(&client, &yard, "large", to).await;
        assert!(!copied.is_error, "{}", copied.text);
        assert!(same(&source, &yard.here.join(to)));
        assert!(
            !read(&client).await.is_error,
            "it is not left alone for that"
        );
    }
    assert_eq!(fleet.logins(), 1);
    assert_eq!(fleet.sshd(0).connections(), 2);
    connections(&server, 1.0).await;
}

#[tokio::test]
async fn one_that_is_cut_says_so_and_goes_on_with_the_next_call() {
    let mut fleet = Fleet::start(1).await;
    let chaos = Chaos::before(fleet.sshd(0).address()).await;
    fleet.reroute("web-01", chaos.address());
    let yard = Yard::new(&fleet);
    let server = server(&fleet, &yard).start().await;
    let client = server.client(Era::Modern);
    let (local, remote) = (yard.local("a", LARGE, 1), yard.remote("a", LARGE, 2));
    let [up, down, _] = yard.ways(&local, &remote, "b");
    for (way, source) in [(up, &local), (down, &remote)] {
        chaos.turn(way.toward, LARGE / 2, Mode::Reset);
        let cut = copy(&client, &way.from, &way.to).await;
        assert_eq!(cut.structured["code"], "connection_lost", "{}", cut.text);
        chaos.set(Mode::Pass);
        let copied = copy(&client, &way.from, &way.to).await;
        assert!(!copied.is_error, "{}", copied.text);
        assert!(
            copied.structured["resumed_at"]
                .as_u64()
                .is_some_and(|at| at > 0)
        );
        assert!(same(source, &way.place));
        connections(&server, 1.0).await;
        eventually("one connection is left", SOON, || chaos.live() == 1).await;
    }
    assert!(yard.left().is_empty());
}
