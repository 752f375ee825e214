//! A host that stops at any point of connecting costs its caller the connect timeout and nobody else
//! anything: the answer names the phase and what to do, and nothing of the attempt is left behind.

use std::time::{Duration, Instant};

use futures_util::future::join_all;
use serde_json::json;

use crate::support::blackhole::Blackhole;
use crate::support::client::{Client, Era, ToolResult};
use crate::support::eventually;
use crate::support::fleet::{Entry, Fleet};
use crate::support::hostile::{Auth, HostileHost, Raw, RawHost, Script};
use crate::support::server::TestServer;
use crate::support::sockets::{established_at, free_port};

/// `SCOUT_CONNECTION_TIMEOUT` of these tests.
const CONNECT: Duration = Duration::from_secs(3);
/// What an answer may take beyond it.
const MARGIN: Duration = Duration::from_secs(1);
/// What a call on a host that is well may take while every other host hangs. Unloaded it is 30 ms.
const PROMPT: Duration = Duration::from_secs(2);
const SOON: Duration = Duration::from_secs(10);

/// Hosts that stop somewhere, alive as long as this is.
struct Stopping {
    raw: Vec<RawHost>,
    stalling: HostileHost,
    _blackhole: Blackhole,
}

/// Alias, phase, code.
type Expected = (&'static str, &'static str, &'static [&'static str]);

const TIMEOUT: &[&str] = &["connect_timeout"];
const REFUSED: &[&str] = &["unreachable"];
/// A banner that never ends may be cut off as a breach of the protocol before the time is over.
const EITHER: &[&str] = &["connect_timeout", "unreachable"];

const EXPECTED: [Expected; 11] = [
    ("mute", "kex", TIMEOUT),
    ("banner", "kex", TIMEOUT),
    ("kexinit", "kex", TIMEOUT),
    ("lines", "kex", EITHER),
    ("huge", "kex", EITHER),
    ("hangup", "kex", REFUSED),
    ("stalling", "auth", TIMEOUT),
    ("dark", "tcp", TIMEOUT),
    ("closed", "tcp", REFUSED),
    ("nameless", "resolve", EITHER),
    ("behind", "kex", TIMEOUT),
];

/// A fleet of one good host and one that stops at each place.
async fn stopping_fleet() -> (Fleet, Stopping) {
    let mut fleet = Fleet::start(1).await;
    let mut raw = Vec::new();
    for (name, kind) in [
        ("mute", Raw::Mute),
        ("banner", Raw::BannerThenSilence),
        ("kexinit", Raw::KexInitThenSilence),
        ("lines", Raw::EndlessPreBanner),
        ("huge", Raw::HugeBanner),
        ("hangup", Raw::HangUp),
    ] {
        let host = RawHost::start(kind).await;
        fleet.add(host.entry(name));
        raw.push(host);
    }
    let stalling = HostileHost::start(Script {
        auth: Auth::Stall,
        ..Script::default()
    })
    .await;
    fleet.add(stalling.entry("stalling"));
    let blackhole = Blackhole::on([127, 0, 0, 1].into()).await;
    fleet.add(Entry::new("dark", blackhole.address(), ""));
    let closed = ([127, 0, 0, 1], free_port([127, 0, 0, 1])).into();
    fleet.add(Entry::new("closed", closed, ""));
    let mut nameless = Entry::new("nameless", closed, "");
    nameless.lines = vec!["HostName nobody.scout.invalid".into()];
    fleet.add(nameless);
    let mut behind = Entry::new("behind", fleet.address("web-01"), "");
    behind.lines = vec!["ProxyJump mute".into()];
    fleet.add(behind);
    let stopping = Stopping {
        raw,
        stalling,
        _blackhole: blackhole,
    };
    (fleet, stopping)
}

impl Stopping {
    fn live(&self) -> usize {
        let raw: usize = self.raw.iter().map(|host| host.seen().live()).sum();
        // A handler that waits for ever does not see its connection end; the kernel does.
        raw + established_at(self.stalling.address())
    }
}

async fn read(client: &Client, host: &str) -> (ToolResult, Duration) {
    let start = Instant::now();
    let arguments = json!({"host": host, "path": "/etc/hostname"});
    let result = client.call_tool("read", arguments).await;
    (result, start.elapsed())
}

fn check((name, phase, codes): Expected, result: &ToolResult, took: Duration) {
    let answer = &result.structured;
    assert!(result.is_error, "{name}: {}", result.text);
    assert_eq!(answer["outcome"], "unreachable", "{name}: {answer}");
    assert_eq!(answer["phase"], phase, "{name}: {answer}");
    assert!(
        codes.iter().any(|code| answer["code"] == *code),
        "{name}: {answer}"
    );
    assert!(
        answer["hint"].as_str().is_some_and(|hint| hint.len() > 10),
        "{name}: {answer}"
    );
    assert!(result.text.contains("hint: "), "{name}: {}", result.text);
    assert!(took <= CONNECT + MARGIN, "{name} took {took:?}");
}

fn open_files(server: &TestServer) -> Vec<String> {
    let dir = std::fs::read_dir(format!("/proc/{}/fd", server.program().pid())).unwrap();
    let files = dir.flatten().map(|fd| std::fs::read_link(fd.path()));
    files
        .flatten()
        .map(|file| file.display().to_string())
        .collect()
}

async fn connections(server: &TestServer) -> f64 {
    let metrics = server.metrics().await;
    metrics.value("scout_pool_connections", &[]).unwrap()
}

#[tokio::test]
async fn every_place_to_stop_is_answered_in_time_and_leaves_nothing() {
    let (fleet, stopping) = stopping_fleet().await;
    let builder = TestServer::builder(&fleet).env("SCOUT_CONNECTION_TIMEOUT", "3s");
    let server = builder.start().await;
    let client = server.client(Era::Modern);
    let (first, _) = read(&client, "web-01").await;
    assert!(!first.is_error, "{}", first.text);
    let (fds, pool) = (server.program().fds(), connections(&server).await);

    let calls = join_all(EXPECTED.map(|(name, ..)| read(&client, name)));
    let good = async {
        let mut slowest = Duration::ZERO;
        for _ in 0..10 {
            tokio::time::sleep(CONNECT / 12).await;
            let (result, took) = read(&client, "web-01").await;
            assert!(!result.is_error, "{}", result.text);
            slowest = slowest.max(took);
        }
        slowest
    };
    let (answers, slowest) = tokio::join!(calls, good);
    for (expected, (result, took)) in EXPECTED.into_iter().zip(&answers) {
        println!("{}: {took:?} {}", expected.0, result.structured["code"]);
        check(expected, result, *took);
    }
    println!("the slowest read of the good host: {slowest:?}");
    assert!(slowest < PROMPT, "{slowest:?}");
    let jump = &answers[EXPECTED.len() - 1].0;
    assert!(jump.text.contains("jump host `mute`"), "{}", jump.text);

    drop(client);
    let held = || (stopping.live(), server.program().fds() > fds);
    let what = "nothing of the attempts is left";
    let deadline = Instant::now() + SOON;
    while held() != (0, false) {
        let open = open_files(&server);
        assert!(
            Instant::now() < deadline,
            "{what}: {:?}, {fds}: {open:#?}",
            held()
        );
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    let metrics = server.metrics().await;
    assert_eq!(
        metrics.value("scout_pool_connections", &[]),
        Some(pool),
        "only the good host is connected"
    );
    for (phase, at_least) in [("resolve", 1.0), ("tcp", 2.0), ("kex", 7.0), ("auth", 1.0)] {
        let outcome = [("outcome", phase)];
        let counted = metrics.value("scout_ssh_connects_total", &outcome);
        assert!(counted >= Some(at_least), "{phase}: {counted:?}");
    }
    assert_eq!(stopping.stalling.seen().execs(), 0);
}

#[tokio::test]
async fn a_host_behind_a_real_jump_host_is_a_host_like_any_other() {
    let mut fleet = Fleet::start(2).await;
    let key = fleet.sshd(1).key().public.clone();
    let mut behind = Entry::new("behind", fleet.address("web-02"), &key);
    behind.lines = vec!["ProxyJump web-01".into()];
    fleet.add(behind);
    let server = TestServer::start(&fleet).await;
    let client = server.client(Era::Modern);
    let (result, _) = read(&client, "behind").await;
    assert!(!result.is_error, "{}", result.text);
    assert_eq!((fleet.sshd(0).logins(), fleet.sshd(1).logins()), (1, 1));

    // The jump host dies with the connection under way: the host behind it is lost, and found again.
    fleet.sshd(0).kill_sessions();
    eventually("the connection behind is gone", SOON, || {
        fleet.sshd(1).established() == 0
    })
    .await;
    let (again, _) = read(&client, "behind").await;
    assert!(!again.is_error, "{}", again.text);
    assert_eq!(fleet.sshd(1).logins(), 2);
}
