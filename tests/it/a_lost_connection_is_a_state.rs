//! A connection that ends is news, not an error: the next call works as if nothing had happened, and a
//! command under way says that it was cut and is not repeated.

use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use serde_json::json;

use crate::support::chaos::{Chaos, Mode, Toward};
use crate::support::client::{Client, Era, ToolResult};
use crate::support::eventually;
use crate::support::fleet::Fleet;
use crate::support::procs::{marker, wait_gone};
use crate::support::server::TestServer;
use crate::support::sockets::established_at;

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
async fn a_connection_that_dies_between_calls_is_made_again_unnoticed() {
    let (mut fleet, chaos) = behind_chaos().await;
    let server = operator(&fleet).await;
    let client = server.client(Era::Modern);
    let mut logins = 0;
    // At once, while the news may still be under way, and after it has arrived.
    for pause in [Duration::ZERO, Duration::from_millis(300)] {
        for death in [
            "sessions killed",
            "reset",
            "cut",
            "half closed",
            "restarted",
        ] {
            for (tool, failed) in [
                ("read", read(&client, "web-01").await.is_error),
                ("run", run(&client, "web-01", "true").await.is_error),
            ] {
                assert!(!failed, "{tool} before the connection is {death}");
            }
            let live = chaos.live();
            match death {
                "sessions killed" => fleet.sshd(0).kill_sessions(),
                "reset" => chaos.set(Mode::Reset),
                "cut" => chaos.set(Mode::Cut),
                "half closed" => chaos.set(Mode::HalfClose),
                _ => {
                    fleet.sshd_mut(0).kill();
                    fleet.sshd_mut(0).restart().await;
                }
            }
            if death != "sessions killed" && death != "restarted" {
                // The proxy takes its orders in its own time, and new connections are to pass.
                let reached = || death == "half closed" || chaos.live() < live;
                eventually("the fault is there", SOON, reached).await;
                tokio::time::sleep(Duration::from_millis(30)).await;
                chaos.set(Mode::Pass);
            }
            tokio::time::sleep(pause).await;
            let (first, second) =
                tokio::join!(read(&client, "web-01"), run(&client, "web-01", "true"));
            for result in [first, second] {
                assert!(
                    !result.is_error,
                    "{death}, {pause:?} later: {}",
                    result.text
                );
            }
            logins += 1;
        }
    }
    assert_eq!(
        fleet.logins(),
        logins + 1,
        "one new connection for each that died"
    );
    let lost = metric(&server, "scout_ssh_connections_lost_total", &[]).await;
    assert_eq!(lost, logins as f64);
    assert_eq!(metric(&server, "scout_pool_connections", &[]).await, 1.0);
}

#[tokio::test]
async fn an_idle_connection_that_fell_silent_is_found_out_within_the_call() {
    let (fleet, chaos) = behind_chaos().await;
    let server = TestServer::builder(&fleet)
        .env("SCOUT_KEEPALIVE", 4)
        .start()
        .await;
    let client = server.client(Era::Modern);
    // Enough bytes that this connection is told from the next one by its age.
    let big = fleet.dir().join("big");
    std::fs::write(&big, vec![b'x'; 200_000]).unwrap();
    let call = json!({"host": "web-01", "path": big});
    assert!(!client.call_tool("read", call).await.is_error);
    chaos.turn(Toward::Client, 100_000, Mode::Blackhole);
    tokio::time::sleep(Duration::from_millis(4500)).await;
    assert_eq!(
        (chaos.connections(), chaos.live()),
        (1, 1),
        "nobody knows yet"
    );

    let start = Instant::now();
    let result = read(&client, "web-01").await;
    let took = start.elapsed();
    assert!(!result.is_error, "{}", result.text);
    assert!(
        took > Duration::from_secs(1),
        "it was asked for a sign of life: {took:?}"
    );
    // Missed keepalives alone would take another eleven.
    assert!(took < Duration::from_secs(8), "{took:?}");
    assert_eq!(fleet.logins(), 2);
    eventually("the silent connection is given up", SOON, || {
        established_at(chaos.address()) == 1
    })
    .await;
}

/// A file on the host, to which every run of a command adds a line.
struct Counter(PathBuf);

impl Counter {
    fn in_dir(dir: &Path) -> Self {
        use std::os::unix::fs::PermissionsExt as _;
        let path = dir.join("runs");
        std::fs::write(&path, "").unwrap();
        std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o666)).unwrap();
        Self(path)
    }

    fn runs(&self) -> usize {
        std::fs::read_to_string(&self.0).unwrap().lines().count()
    }
}

#[tokio::test]
async fn a_command_that_loses_its_connection_says_so_at_once_and_is_not_repeated() {
    for how in ["sessions killed", "reset", "cut"] {
        let (fleet, chaos) = behind_chaos().await;
        let server = operator(&fleet).await;
        let client = server.client(Era::Modern);
        let (counter, mark) = (Counter::in_dir(fleet.dir()), marker());
        let path = counter.0.display();
        let command = format!(
            "echo begun; echo x >> {path}; {mark}=1 sleep 60; echo ended; echo y >> {path}"
        );
        let kill = async {
            eventually("the command runs", SOON, || counter.runs() == 1).await;
            // What it said first is to be here before the connection goes.
            tokio::time::sleep(Duration::from_millis(500)).await;
            match how {
                "sessions killed" => fleet.sshd(0).kill_sessions(),
                "reset" => chaos.set(Mode::Reset),
                _ => chaos.set(Mode::Cut),
            }
            Instant::now()
        };
        let call = async {
            let result = run(&client, "web-01", &command).await;
            (result, Instant::now())
        };
        let (killed, (result, answered)) = tokio::join!(kill, call);
        chaos.set(Mode::Pass);

        let took = answered.saturating_duration_since(killed);
        assert!(took < Duration::from_secs(1), "{how}: {took:?}");
        assert!(result.is_error, "{how}: {}", result.text);
        assert_eq!(result.structured["outcome"], "connection_lost", "{how}");
        assert_eq!(result.structured["may_still_run"], true, "{how}");
        assert_eq!(result.structured["stdout"], "begun\n", "{how}");
        assert!(
            result.text.contains("not repeated"),
            "{how}: {}",
            result.text
        );
        // The connection is made again, for others.
        let next = run(&client, "web-01", "true").await;
        assert!(!next.is_error, "{how}: {}", next.text);
        wait_gone(&mark, SOON).await;
        assert_eq!(counter.runs(), 1, "{how}: once, and not to its end");
        let calls = [("tool", "run"), ("outcome", "connection_lost")];
        assert_eq!(metric(&server, "scout_tool_calls_total", &calls).await, 1.0);
    }
}

#[tokio::test]
async fn commands_that_waited_behind_a_lost_one_run_once_each() {
    let fleet = Fleet::start(1).await;
    let server = TestServer::builder(&fleet)
        .env("SCOUT_ROLE", "operator")
        .env("SCOUT_HOST_RUNNING", 1)
        .start()
        .await;
    let client = server.client(Era::Modern);
    let counter = Counter::in_dir(fleet.dir());
    let path = counter.0.display();
    let kill = async {
        eventually("the first runs", SOON, || counter.runs() == 1).await;
        tokio::time::sleep(Duration::from_millis(300)).await;
        fleet.sshd(0).kill_sessions();
    };
    let (one, more) = (
        format!("echo first >> {path}; sleep 60"),
        format!("echo more >> {path}"),
    );
    let waiting = async {
        eventually("the first runs", SOON, || counter.runs() >= 1).await;
        tokio::join!(run(&client, "web-01", &more), run(&client, "web-01", &more))
    };
    let first = run(&client, "web-01", &one);
    let (first, (second, third), ()) = tokio::join!(first, waiting, kill);
    assert_eq!(first.structured["outcome"], "connection_lost");
    for result in [second, third] {
        assert_eq!(result.structured["exit_code"], 0, "{}", result.text);
    }
    let text = std::fs::read_to_string(&counter.0).unwrap();
    assert_eq!(text, "first\nmore\nmore\n");
}
