//! A host that cannot be reached is left alone for a while: calls fail at once and name the phase, few of
//! them become an attempt, a refused login is tried once, and a host that is back is found soon.

use std::time::{Duration, Instant};

use serde_json::json;

use crate::support::blackhole::Blackhole;
use crate::support::chaos::{Chaos, Mode, Toward};
use crate::support::client::{Client, Era, ToolResult};
use crate::support::eventually;
use crate::support::fleet::{Entry, Fleet};
use crate::support::hostile::{Auth, HostileHost, Raw, RawHost, Script};
use crate::support::server::TestServer;
use crate::support::sockets::free_port;
use crate::support::sshd::config::SshdConfig;

const SOON: Duration = Duration::from_secs(20);

async fn read(client: &Client, host: &str) -> ToolResult {
    let arguments = json!({"host": host, "path": "/etc/passwd", "limit": 16});
    client.call_tool("read", arguments).await
}

/// A fleet of one whose host is reached through a proxy.
async fn behind_chaos() -> (Fleet, Chaos) {
    let mut fleet = Fleet::start(1).await;
    let chaos = Chaos::before(fleet.sshd(0).address()).await;
    fleet.reroute("web-01", chaos.address());
    (fleet, chaos)
}

async fn metric(server: &TestServer, name: &str, labels: &[(&str, &str)]) -> f64 {
    server.metrics().await.value(name, labels).expect(name)
}

#[tokio::test]
async fn a_refused_port_fails_fast_and_is_not_hammered() {
    let mut fleet = Fleet::start(1).await;
    let chaos = Chaos::before(fleet.sshd(0).address()).await;
    fleet.reroute("web-01", chaos.address());
    let nobody = ([127, 0, 0, 1], free_port([127, 0, 0, 1])).into();
    let key = fleet.sshd(0).key().public.clone();
    fleet.add(Entry::new("web-02", nobody, &key));
    fleet.sshd_mut(0).kill();
    let server = TestServer::start(&fleet).await;
    let client = server.client(Era::Modern);

    for _ in 0..60 {
        for (host, phase) in [("web-01", "kex"), ("web-02", "tcp")] {
            let start = Instant::now();
            let result = read(&client, host).await;
            let took = start.elapsed();
            assert_eq!(
                result.structured["outcome"], "unreachable",
                "{}",
                result.text
            );
            assert_eq!(result.structured["phase"], phase, "{}", result.text);
            assert!(took < Duration::from_secs(1), "{took:?}");
        }
    }
    let dialled = metric(&server, "scout_ssh_connects_total", &[("outcome", "tcp")]).await;
    eprintln!("120 calls: {} and {dialled} attempts", chaos.connections());
    assert!(
        (1..=15).contains(&chaos.connections()),
        "{}",
        chaos.connections()
    );
    assert!((1.0..=15.0).contains(&dialled), "{dialled}");
}

#[tokio::test]
async fn a_host_that_is_back_is_found_within_six_seconds() {
    let (mut fleet, chaos) = behind_chaos().await;
    let server = TestServer::start(&fleet).await;
    let client = server.client(Era::Modern);
    assert!(!read(&client, "web-01").await.is_error);
    fleet.sshd_mut(0).kill();
    let (down, mut calls) = (Instant::now(), 0);
    while down.elapsed() < Duration::from_secs(8) {
        assert!(read(&client, "web-01").await.is_error);
        calls += 1;
        tokio::time::sleep(Duration::from_millis(25)).await;
    }
    let attempts = chaos.connections() - 1;
    assert!(
        attempts <= 30 && calls >= 4 * attempts,
        "{attempts} attempts in {calls} calls"
    );

    fleet.sshd_mut(0).restart().await;
    let back = Instant::now();
    while read(&client, "web-01").await.is_error {
        assert!(back.elapsed() < Duration::from_secs(6), "not found again");
        tokio::time::sleep(Duration::from_millis(25)).await;
    }
    eprintln!(
        "{attempts} attempts in {calls} calls; back after {:?}",
        back.elapsed()
    );
}

#[tokio::test]
async fn a_refused_login_is_tried_once() {
    // One host answers the refused key, the other hangs up on it.
    let mut configs = [SshdConfig::default(), SshdConfig::default()];
    configs[0].lines = vec!["AuthorizedKeysFile none".into()];
    configs[1].lines = vec!["AuthorizedKeysFile none".into(), "MaxAuthTries 1".into()];
    let [answers, hangs_up] = configs;
    let fleet = Fleet::builder()
        .hosts_with(1, &answers)
        .hosts_with(1, &hangs_up);
    let fleet = fleet.start().await;
    let server = TestServer::start(&fleet).await;
    let client = server.client(Era::Modern);
    let start = Instant::now();
    for call in 0..6 {
        for (index, host) in fleet.names().iter().enumerate() {
            let result = read(&client, host).await;
            assert!(result.is_error);
            assert_eq!(result.structured["code"], "auth_failed", "{}", result.text);
            assert_eq!(result.structured["phase"], "auth", "{}", result.text);
            let hint = result.structured["hint"].as_str().expect("a hint");
            assert!(
                hint.contains("authorized_keys") && hint.contains("tried again after"),
                "{hint}"
            );
            assert_eq!(fleet.sshd(index).connections(), 1, "{host}, call {call}");
        }
        tokio::time::sleep(Duration::from_millis(700)).await;
    }
    assert!(start.elapsed() > Duration::from_secs(4));
    assert_eq!(fleet.logins(), 0);
}

#[tokio::test]
async fn the_phase_that_failed_is_named() {
    let mut fleet = Fleet::start(1).await;
    let real = fleet.sshd(0).address();
    let key = fleet.sshd(0).key().public.clone();
    let stall = Script {
        auth: Auth::Stall,
        ..Script::default()
    };
    let stalls = HostileHost::start(stall).await;
    fleet.add(stalls.entry("stalls"));
    let mute = RawHost::start(Raw::KexInitThenSilence).await;
    fleet.add(mute.entry("mute"));
    let hole = Blackhole::on([127, 0, 0, 1].into()).await;
    fleet.add(Entry::new("hole", hole.address(), &key));
    let mut proxies = Vec::new();
    for (name, mode) in [
        ("reset", Mode::Reset),
        ("cut", Mode::Cut),
        ("half", Mode::HalfClose),
    ] {
        let proxy = Chaos::before(real).await;
        // Within the key exchange, whatever its algorithms.
        proxy.turn(Toward::Client, 60, mode);
        fleet.add(Entry::new(name, proxy.address(), &key));
        proxies.push(proxy);
    }
    let late = Chaos::before(stalls.address()).await;
    fleet.add(Entry::new(
        "late",
        late.address(),
        &stalls.entry("late").host_key,
    ));

    let server = TestServer::builder(&fleet)
        .env("SCOUT_CONNECTION_TIMEOUT", 3)
        .start()
        .await;
    let client = server.client(Era::Modern);
    for (host, code, phase) in [
        ("reset", "unreachable", "kex"),
        ("cut", "unreachable", "kex"),
        ("half", "unreachable", "kex"),
        ("hole", "connect_timeout", "tcp"),
        ("mute", "connect_timeout", "kex"),
        ("stalls", "connect_timeout", "auth"),
    ] {
        let start = Instant::now();
        let result = read(&client, host).await;
        assert_eq!(
            result.structured["outcome"], "unreachable",
            "{host}: {}",
            result.text
        );
        assert_eq!(result.structured["code"], code, "{host}: {}", result.text);
        assert_eq!(result.structured["phase"], phase, "{host}: {}", result.text);
        assert!(result.structured["hint"].is_string(), "{host}");
        let within = Duration::from_secs(if code == "unreachable" { 2 } else { 5 });
        assert!(start.elapsed() < within, "{host}: {:?}", start.elapsed());
    }
    // In the middle of the login, when the host has been asked.
    let asked = stalls.seen().auths();
    let reset = async {
        eventually("it logs in", SOON, || stalls.seen().auths() > asked).await;
        late.set(Mode::Reset);
    };
    let (result, ()) = tokio::join!(read(&client, "late"), reset);
    assert_eq!(result.structured["phase"], "auth", "{}", result.text);
    assert_eq!(result.structured["code"], "unreachable", "{}", result.text);
    for (phase, count) in [("tcp", 1.0), ("kex", 4.0), ("auth", 2.0), ("ok", 0.0)] {
        let labels = [("outcome", phase)];
        let counted = metric(&server, "scout_ssh_connects_total", &labels).await;
        assert_eq!(counted, count, "{phase}");
    }
}
