//! What one host does not get done is that host's affair: the others answer as fast as before, its own
//! commands overlap up to a limit, wait up to another, and are refused at once beyond that.

use std::time::{Duration, Instant};

use serde_json::json;

use crate::support::client::{Client, Era, ToolResult};
use crate::support::eventually;
use crate::support::fleet::Fleet;
use crate::support::load::{percentile, spread};
use crate::support::server::TestServer;

const SOON: Duration = Duration::from_secs(20);

async fn operator(fleet: &Fleet) -> TestServer {
    TestServer::builder(fleet)
        .env("SCOUT_ROLE", "operator")
        .start()
        .await
}

async fn run(client: &Client, host: &str, command: &str) -> ToolResult {
    let arguments = json!({"host": host, "command": command});
    client.call_tool("run", arguments).await
}

async fn read(client: &Client, host: &str) -> ToolResult {
    let arguments = json!({"host": host, "path": "/etc/passwd", "limit": 16});
    client.call_tool("read", arguments).await
}

/// How many processes of this host's sessions are exactly this command.
fn running(fleet: &Fleet, command: &str) -> usize {
    let processes = fleet.sshd(0).processes();
    processes.iter().filter(|proc| proc.argv == command).count()
}

#[tokio::test]
async fn the_other_hosts_answer_as_fast_as_before() {
    let fleet = Fleet::start(10).await;
    let server = operator(&fleet).await;
    let client = server.client(Era::Modern);
    let names = fleet.names();
    let others = async |calls: usize| {
        let answers = spread(9, calls, async |index| {
            let host = &names[1 + index % 9];
            match index % 3 {
                0 => run(&client, host, "true").await,
                _ => read(&client, host).await,
            }
        })
        .await;
        for (result, _) in &answers {
            assert!(!result.is_error, "{}", result.text);
        }
        percentile(answers.into_iter().map(|(_, took)| took), 0.99)
    };
    others(27).await;
    let before = others(540).await;
    let slow = spread(8, 8, async |_| run(&client, "web-01", "sleep 20").await);
    let meanwhile = async {
        eventually("eight commands sleep", SOON, || {
            running(&fleet, "sleep 20") == 8
        })
        .await;
        let took = others(540).await;
        (took, running(&fleet, "sleep 20"))
    };
    let (during, still) = tokio::select! {
        answer = meanwhile => answer,
        _ = slow => panic!("the sleepers were faster than 540 calls"),
    };
    assert_eq!(still, 8, "the host was slow all the while");
    eprintln!("p99 of the other hosts: {before:?} before, {during:?} beside a slow host");
    // Waiting for the slow host would take seconds.
    let bound = before * 3 + Duration::from_millis(100);
    assert!(during < bound, "p99 {before:?} before, {during:?} during");
}

/// When a command began and ended, in seconds of the machine's clock.
fn span(result: &ToolResult) -> (f64, f64) {
    assert_eq!(result.structured["exit_code"], 0, "{}", result.text);
    let stdout = result.structured["stdout"].as_str().unwrap();
    let mut times = stdout.lines().map(|line| line.parse().unwrap());
    (times.next().unwrap(), times.next().unwrap())
}

#[tokio::test]
async fn eight_commands_overlap_and_the_ninth_waits_for_one_of_them() {
    let fleet = Fleet::start(1).await;
    let server = operator(&fleet).await;
    let client = server.client(Era::Modern);
    let timed = "date +%s.%N; sleep 2; date +%s.%N";
    let answers = spread(9, 9, async |_| run(&client, "web-01", timed).await).await;
    let mut spans: Vec<_> = answers.iter().map(|(result, _)| span(result)).collect();
    spans.sort_by(|a, b| a.0.total_cmp(&b.0));
    let (eight, ninth) = (&spans[..8], spans[8]);
    let first_end = eight
        .iter()
        .map(|span| span.1)
        .fold(f64::INFINITY, f64::min);
    let last_start = eight[7].0;
    assert!(last_start < first_end, "eight at the same time: {spans:?}");
    assert!(ninth.0 >= first_end, "the ninth only then: {spans:?}");
    assert_eq!(fleet.logins(), 1);
}

#[tokio::test]
async fn beyond_the_queue_the_next_is_refused_at_once_and_reads_go_on() {
    let fleet = Fleet::start(1).await;
    let server = TestServer::builder(&fleet)
        .env("SCOUT_ROLE", "operator")
        .env("SCOUT_HOST_QUEUE", 32)
        .start()
        .await;
    let client = server.client(Era::Modern);
    let queued = async || server.metrics().await.value("scout_host_queued", &[]);
    let full = spread(40, 40, async |_| run(&client, "web-01", "sleep 2").await);
    let beside = async {
        eventually("eight commands sleep", SOON, || {
            running(&fleet, "sleep 2") == 8
        })
        .await;
        let deadline = Instant::now() + Duration::from_secs(1);
        while queued().await != Some(32.0) {
            assert!(Instant::now() < deadline, "{:?} wait", queued().await);
        }
        let start = Instant::now();
        let refused = run(&client, "web-01", "echo never").await;
        let took = start.elapsed();
        let metrics = server.metrics().await;
        let read = read(&client, "web-01").await;
        (refused, took, metrics, read, running(&fleet, "sleep 2"))
    };
    let (all, (refused, took, metrics, read, sleeping)) = tokio::join!(full, beside);
    assert_eq!(refused.structured["code"], "host_busy", "{}", refused.text);
    assert!(
        refused.is_error && refused.text.contains("`web-01` is busy"),
        "{}",
        refused.text
    );
    assert!(refused.structured["hint"].is_string());
    assert!(took < Duration::from_secs(1), "{took:?}");
    assert_eq!(metrics.value("scout_host_running", &[]), Some(8.0));
    assert_eq!(metrics.value("scout_host_queued", &[]), Some(32.0));
    assert!(!read.is_error, "{}", read.text);
    assert_eq!(sleeping, 8, "the read did not wait for a command to end");
    for (result, _) in &all {
        assert_eq!(result.structured["exit_code"], 0, "{}", result.text);
    }
    assert_eq!(all.len(), 40);
}
