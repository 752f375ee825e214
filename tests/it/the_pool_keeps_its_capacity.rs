//! A pool of three never holds four connections, whoever looks and whenever; what is in use is never
//! taken away, who finds it full waits or is told, and what nobody uses is closed.

use std::time::{Duration, Instant};

use serde_json::json;

use crate::support::client::{Client, Era, ToolResult};
use crate::support::eventually;
use crate::support::fleet::Fleet;
use crate::support::load::spread;
use crate::support::server::{ServerBuilder, TestServer};
use crate::support::watcher::Watcher;
use crate::support::yard::Yard;

/// A server with so many places, on which commands may be shell lines.
fn pool_of(places: usize, fleet: &Fleet) -> ServerBuilder {
    TestServer::builder(fleet)
        .env("SCOUT_MAX_POOL_SIZE", places)
        .env("SCOUT_ROLE", "operator")
}

async fn run(client: &Client, host: &str, command: &str) -> ToolResult {
    let arguments = json!({"host": host, "command": command});
    client.call_tool("run", arguments).await
}

async fn read(client: &Client, host: &str) -> ToolResult {
    let arguments = json!({"host": host, "path": "/etc/passwd", "limit": 16});
    client.call_tool("read", arguments).await
}

fn exited_well(result: &ToolResult) -> bool {
    result.structured["outcome"] == "exited" && result.structured["exit_code"] == 0
}

async fn evictions(server: &TestServer) -> [f64; 2] {
    let metrics = server.metrics().await;
    ["capacity", "idle"].map(|reason| {
        let evicted = metrics.value("scout_pool_evictions_total", &[("reason", reason)]);
        evicted.expect("every reason is there from the start")
    })
}

#[tokio::test]
async fn ten_hosts_by_turns_never_hold_four_connections() {
    let fleet = Fleet::start(10).await;
    let server = pool_of(3, &fleet).start().await;
    let client = server.client(Era::Modern);
    let names = fleet.names();
    assert_eq!(evictions(&server).await, [0.0, 0.0]);
    let watcher = Watcher::of(&fleet);

    let churn = async {
        eventually("the command runs", Duration::from_secs(20), || {
            fleet.processes().iter().any(|proc| proc.argv == "sleep 4")
        })
        .await;
        // Web-01 is busy all the while; the other nine take turns on two places.
        spread(6, 120, async |index| {
            read(&client, &names[1 + index * 4 % 9]).await
        })
        .await
    };
    let (kept, churned) = tokio::join!(run(&client, "web-01", "sleep 4; echo kept"), churn);
    let watched = watcher.stop();

    assert!(
        exited_well(&kept) && kept.structured["stdout"] == "kept\n",
        "{}",
        kept.text
    );
    for (result, _) in &churned {
        assert!(!result.is_error, "{}", result.text);
    }
    assert_eq!(
        fleet.sshd(0).logins(),
        1,
        "the busy host kept its connection"
    );
    assert_eq!(watched.most, 3, "{watched:?}");
    assert!(watched.samples > 50, "{watched:?}");
    let [capacity, idle] = evictions(&server).await;
    let logins = fleet.logins();
    // Whoever was not evicted is connected still.
    assert_eq!(
        (capacity + fleet.established() as f64, idle),
        (logins as f64, 0.0)
    );
    assert!(logins > 30, "the turns were turns: {logins}");
    let shown = server.metrics().await.value("scout_pool_connections", &[]);
    assert_eq!(shown, Some(3.0));
}

#[tokio::test]
async fn a_full_pool_of_busy_hosts_serves_the_next_when_one_is_free() {
    let fleet = Fleet::start(4).await;
    let server = pool_of(3, &fleet).start().await;
    let client = server.client(Era::Modern);
    let watcher = Watcher::of(&fleet);
    let busy = spread(3, 3, async |index| {
        let seconds = ["1.5", "20", "20"][index];
        run(&client, &fleet.names()[index], &format!("sleep {seconds}")).await
    });
    let waiting = async {
        eventually("three hosts are busy", Duration::from_secs(20), || {
            let running = fleet.processes();
            let ours = |argv: &str| argv == "sleep 1.5" || argv == "sleep 20";
            running.iter().filter(|proc| ours(&proc.argv)).count() == 3
        })
        .await;
        let result = read(&client, "web-04").await;
        (result, fleet.established())
    };
    let (result, established) = tokio::select! {
        answer = waiting => answer,
        _ = busy => panic!("the long commands ended first"),
    };
    assert!(!result.is_error, "{}", result.text);
    assert_eq!(established, 3);
    assert_eq!(watcher.stop().most, 3);
    assert_eq!(evictions(&server).await, [1.0, 0.0]);
}

#[tokio::test]
async fn who_waits_for_a_full_pool_in_vain_is_told_so() {
    let fleet = Fleet::start(2).await;
    let server = pool_of(1, &fleet)
        .env("SCOUT_REQUEST_TIMEOUT", 2)
        .start()
        .await;
    let client = server.client(Era::Modern);
    // Two commands that follow each other keep the host busy for longer than one request may take.
    let busy = spread(2, 2, async |index| {
        tokio::time::sleep(Duration::from_secs(index as u64)).await;
        run(&client, "web-01", "sleep 20").await
    });
    let refused = async {
        tokio::time::sleep(Duration::from_millis(400)).await;
        let start = Instant::now();
        (read(&client, "web-02").await, start.elapsed())
    };
    let (_, (result, took)) = tokio::join!(busy, refused);
    assert!(result.is_error, "{}", result.text);
    assert_eq!(result.structured["code"], "pool_busy");
    assert_eq!(result.structured["outcome"], "refused");
    assert!(
        result.text.contains("the connection pool is busy"),
        "{}",
        result.text
    );
    let hint = result.structured["hint"].as_str().expect("a hint");
    assert!(hint.contains("`ssh.max_pool_size`"), "{hint}");
    let range = Duration::from_millis(1900)..Duration::from_secs(4);
    assert!(range.contains(&took), "{took:?}");
    assert_eq!(fleet.sshd(1).connections(), 0);
    // The next one finds the place free.
    assert!(!read(&client, "web-02").await.is_error);
}

#[tokio::test]
async fn what_nobody_uses_is_closed_and_what_runs_is_not() {
    let fleet = Fleet::start(3).await;
    let server = pool_of(3, &fleet)
        .env("SCOUT_IDLE_TIMEOUT", 1)
        .start()
        .await;
    let client = server.client(Era::Modern);
    let idle = async {
        for host in ["web-02", "web-03"] {
            assert!(!read(&client, host).await.is_error);
        }
        let closed = eventually("idle hosts are closed", Duration::from_secs(10), || {
            fleet.sshd(1).established() + fleet.sshd(2).established() == 0
        });
        (closed.await, fleet.sshd(0).established())
    };
    let (kept, (after, busy)) = tokio::join!(run(&client, "web-01", "sleep 4"), idle);
    assert!(exited_well(&kept), "{}", kept.text);
    assert_eq!(busy, 1, "a running command holds its connection");
    assert!(
        after > Duration::from_millis(500),
        "not before its time: {after:?}"
    );
    eventually(
        "so is the one whose command ended",
        Duration::from_secs(10),
        || fleet.established() == 0,
    )
    .await;
    assert_eq!(evictions(&server).await, [0.0, 3.0]);
    let hosts = client.call_tool("hosts", json!({"probe": false})).await;
    let states = hosts.structured["hosts"].as_array().unwrap();
    assert!(
        states.iter().all(|host| host["connection"] == "idle"),
        "{states:?}"
    );
    // A closed connection is made again, without a word.
    assert!(!read(&client, "web-02").await.is_error);
}

#[tokio::test]
async fn who_asks_one_question_gets_a_place_before_a_broadcast_does() {
    let fleet = Fleet::start(6).await;
    let signs = Yard::new(&fleet).directory("signs");
    let (begun, go) = (signs.join("begun"), signs.join("go"));
    let server = pool_of(1, &fleet).start().await;
    let client = server.client(Era::Modern);
    let waiting = async |callers: f64| {
        let began = Instant::now();
        loop {
            let shown = server.metrics().await.value("scout_pool_waiting", &[]);
            if shown == Some(callers) {
                return;
            }
            assert!(began.elapsed() < Duration::from_secs(20), "{shown:?} wait");
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    };
    let (touched, awaited) = (begun.display(), go.display());
    let command = format!("touch {touched}; until test -e {awaited}; do sleep 0.05; done");
    let busy = run(&client, "web-01", &command);
    let broadcast = async {
        eventually("the command runs", Duration::from_secs(20), || {
            begun.exists()
        })
        .await;
        let arguments = json!({"hosts": "web-[02-05]", "path": "/etc/hostname"});
        client.call_tool("broadcast", arguments).await
    };
    let question = async {
        waiting(4.0).await;
        let result = read(&client, "web-06").await;
        let before: usize = (1..5).map(|host| fleet.sshd(host).logins()).sum();
        (result, before)
    };
    let end = async {
        waiting(5.0).await;
        std::fs::write(&go, "").unwrap();
    };
    let (busy, broadcast, (question, before), ()) = tokio::join!(busy, broadcast, question, end);
    assert!(exited_well(&busy), "{}", busy.text);
    assert!(!question.is_error, "{}", question.text);
    assert_eq!(
        before, 0,
        "hosts of the broadcast that had the place before"
    );
    assert!(!broadcast.is_error, "{}", broadcast.text);
    assert_eq!(fleet.logins(), 6);
}
