//! What `/metrics` shows is well formed, counts each refusal once and where it happened, knows where
//! every host stands, names hosts only where it was told to, and is for a key beyond loopback.

use std::io::Write;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use reqwest::StatusCode;
use serde_json::{Value, json};

use crate::support::client::{Client, Era};
use crate::support::fleet::Fleet;
use crate::support::server::TestServer;

const SOON: Duration = Duration::from_secs(20);
const READER: &str = "reader-key-of-this-test-0123456789";
const WHY: &str = "scout_refusals_total";

async fn text(server: &TestServer) -> String {
    let asked = reqwest::get(server.ops_url("/metrics")).await.unwrap();
    assert_eq!(asked.status(), StatusCode::OK);
    asked.text().await.unwrap()
}

/// How often each reason was counted.
async fn refusals(server: &TestServer) -> Vec<(&'static str, f64)> {
    const ALL: [&str; 11] = [
        "key",
        "origin",
        "rate",
        "busy",
        "body",
        "connections",
        "role",
        "command",
        "host",
        "path",
        "shutdown",
    ];
    let shown = server.metrics().await;
    ALL.map(|why| (why, shown.value(WHY, &[("why", why)]).unwrap()))
        .to_vec()
}

fn read(host: &str) -> Value {
    json!({"host": host, "path": "/etc/hostname"})
}

#[tokio::test]
async fn promtool_finds_nothing_to_say() {
    let fleet = Fleet::start(2).await;
    let server = TestServer::builder(&fleet)
        .env("SCOUT_METRICS_PER_HOST", "all")
        .start()
        .await;
    let client = server.client(Era::Modern);
    assert!(!client.call_tool("read", read("web-01")).await.is_error);
    let shown = text(&server).await;
    let mut promtool = Command::new("promtool")
        .args(["check", "metrics"])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .expect("promtool, which tests/run installs");
    let mut stdin = promtool.stdin.take().unwrap();
    stdin.write_all(shown.as_bytes()).unwrap();
    drop(stdin);
    let said = promtool.wait_with_output().unwrap();
    let words = [said.stdout, said.stderr].concat();
    assert!(said.status.success(), "{}", String::from_utf8_lossy(&words));
    assert!(words.is_empty(), "{}", String::from_utf8_lossy(&words));
    for name in ["process_open_fds", "process_resident_memory_bytes"] {
        let value = server.metrics().await.value(name, &[]);
        assert!(value.is_some_and(|value| value > 1.0), "{name} {value:?}");
    }
}

#[tokio::test]
async fn each_refusal_counts_once_and_as_what_it_is() {
    let fleet = Fleet::start(2).await;
    let server = TestServer::builder(&fleet)
        .env("SCOUT_API_KEYS", READER)
        .env("SCOUT_BLOCKLIST", "web-02")
        .env("SCOUT_RATE_LIMIT_PER_MINUTE", 60)
        .env("SCOUT_RATE_LIMIT_BURST", 9)
        .start()
        .await;
    let mut expected = refusals(&server).await;
    let mut grows = async |why: &str, by: f64| {
        for (name, count) in &mut expected {
            if *name == why {
                *count += by;
            }
        }
        assert_eq!(refusals(&server).await, expected, "after `{why}`");
    };
    let stranger = server.client(Era::Modern);
    let known = || server.client(Era::Modern).with_key(READER);
    let client = known();
    let ask = |client: &Client| client.prepare("tools/list", json!({}));
    assert_eq!(ask(&stranger).send().await.unwrap().status(), 401);
    grows("key", 1.0).await;
    let foreign = ask(&client).header("Origin", "https://evil.example");
    assert_eq!(foreign.send().await.unwrap().status(), 403);
    grows("origin", 1.0).await;
    let bearer = format!("Bearer {READER}");
    let headers = [
        ("Authorization", &*bearer),
        ("Content-Type", "application/json"),
        ("Accept", "application/json"),
    ];
    let broken = client.post("{", &headers).await;
    assert_eq!(broken.status, 400);
    grows("body", 1.0).await;
    for (tool, arguments, why) in [
        ("read", read("web-02"), "host"),
        ("read", read("web-99"), "host"),
        (
            "run",
            json!({"host": "web-01", "command": "rm -rf /tmp/x"}),
            "command",
        ),
        (
            "run",
            json!({"host": "web-01", "command": "df", "env": {"LD_PRELOAD": "/tmp/x"}}),
            "command",
        ),
        (
            "copy",
            json!({"from": "web-01:/etc/hostname", "to": "web-01:/tmp/x"}),
            "role",
        ),
    ] {
        let refused = client.call_tool(tool, arguments).await;
        assert!(refused.is_error, "{}", refused.text);
        grows(why, 1.0).await;
    }
    let began = Instant::now();
    while ask(&client).send().await.unwrap().status() != 429 {
        assert!(began.elapsed() < SOON, "the rate limit never bites");
    }
    grows("rate", 1.0).await;
}

#[tokio::test]
async fn room_and_roots_are_refusals_too() {
    let fleet = Fleet::start(1).await;
    let server = TestServer::builder(&fleet)
        .env("SCOUT_ROLE", "operator")
        .env("SCOUT_MAX_CONCURRENT_REQUESTS", 1)
        .start()
        .await;
    let client = server.client(Era::Modern);
    let outside = json!({"from": "web-01:/etc/hostname", "to": "/etc/scout-test"});
    assert!(client.call_tool("copy", outside).await.is_error);
    let sleep = json!({"host": "web-01", "command": "sleep 3"});
    let (slept, refused) = tokio::join!(client.call_tool("run", sleep), async {
        let began = Instant::now();
        loop {
            let shown = server.metrics().await;
            if shown.value("scout_requests_in_flight", &[]) == Some(1.0) {
                break client.prepare("tools/list", json!({})).send().await;
            }
            assert!(began.elapsed() < SOON, "nothing is in flight");
        }
    });
    assert!(!slept.is_error, "{}", slept.text);
    assert_eq!(refused.unwrap().status(), 503);
    let counted = refusals(&server).await;
    let counted: Vec<_> = counted
        .into_iter()
        .filter(|(_, count)| *count > 0.0)
        .collect();
    assert_eq!(counted, [("busy", 1.0), ("path", 1.0)]);
    let shown = server.metrics().await;
    assert_eq!(shown.value("scout_requests_limit", &[]), Some(1.0));
    assert_eq!(shown.value("scout_requests_in_flight", &[]), Some(0.0));
}

#[tokio::test]
async fn every_host_has_a_state_and_a_name_only_where_it_was_asked_for() {
    let mut fleet = Fleet::start(4).await;
    fleet.sshd_mut(1).stop();
    for (named, names) in [("off", 0), ("failing", 1), ("all", 3)] {
        let server = TestServer::builder(&fleet)
            .env("SCOUT_METRICS_PER_HOST", named)
            .env("SCOUT_METRICS_PER_HOST_LIMIT", 3)
            .start()
            .await;
        let client = server.client(Era::Modern);
        assert!(!client.call_tool("read", read("web-01")).await.is_error);
        assert!(client.call_tool("read", read("web-02")).await.is_error);
        let shown = server.metrics().await;
        let state = |state| shown.value("scout_hosts", &[("state", state)]);
        let states = ["connected", "backoff", "idle", "connecting", "quarantined"].map(state);
        assert_eq!(states, [1.0, 1.0, 2.0, 0.0, 0.0].map(Some), "{named}");
        let text = text(&server).await;
        let lines = text.lines();
        let connected = lines.filter(|line| line.starts_with("scout_host_connected{"));
        assert_eq!(connected.count(), names, "{named}");
        let dropped = shown.value("scout_host_series_dropped_total", &[]);
        assert_eq!(dropped, Some(if named == "all" { 1.0 } else { 0.0 }));
        let failed = [("host", "web-02"), ("outcome", "failed")];
        let failed = shown.value("scout_host_connects_total", &failed);
        assert_eq!(failed, (named != "off").then_some(1.0), "{named}");
        assert_eq!(text.contains("web-"), named != "off");
    }
}

#[tokio::test]
async fn beyond_loopback_they_are_for_a_key() {
    let fleet = Fleet::start(1).await;
    let server = TestServer::builder(&fleet)
        .env("SCOUT_OPS_HOST", "0.0.0.0")
        .env("SCOUT_API_KEYS", READER)
        .start()
        .await;
    let ask = |path: &str| {
        let client = reqwest::Client::builder().no_proxy().build().unwrap();
        client.get(server.ops_url(path))
    };
    for (request, status) in [
        (ask("/metrics"), 401),
        (ask("/metrics").bearer_auth("another"), 401),
        (ask(&format!("/metrics?key={READER}")), 401),
        (ask("/metrics").bearer_auth(READER), 200),
        (ask("/livez"), 200),
        (ask("/readyz"), 200),
    ] {
        let answer = request.send().await.unwrap();
        assert_eq!(answer.status(), status, "{}", answer.url());
        let body = answer.text().await.unwrap();
        assert_eq!(
            body.contains("scout_build_info"),
            status == 200 && body.len() > 9
        );
    }
}
