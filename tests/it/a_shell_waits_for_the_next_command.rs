//! Behind a command a shell waits on the host for the next one, which then costs one exchange; programs
//! that leave nothing behind share one. No call finds what another left, none fails for what became of a
//! shell in between, and none waits for a channel that a shell holds.

use std::time::{Duration, Instant};

use nix::sys::signal::Signal;
use serde_json::{Value, json};

use crate::support::chaos::{Chaos, Mode};
use crate::support::client::{Client, Era, ToolResult};
use crate::support::eventually;
use crate::support::fleet::Fleet;
use crate::support::load::spread;
use crate::support::server::TestServer;
use crate::support::sshd::config::SshdConfig;

const SOON: Duration = Duration::from_secs(10);

/// A server whose shells wait as long as they do where it is shipped.
async fn operator(fleet: &Fleet) -> TestServer {
    let builder = TestServer::builder(fleet).env("SCOUT_ROLE", "operator");
    builder.without("SCOUT_SHELL_IDLE").start().await
}

async fn run(client: &Client, mut call: Value) -> ToolResult {
    call["host"] = "web-01".into();
    client.call_tool("run", call).await
}

/// Standard output of a command that succeeds.
async fn said(client: &Client, call: Value) -> String {
    let result = run(client, call).await;
    assert_eq!(result.structured["exit_code"], 0, "{}", result.text);
    result.structured["stdout"].as_str().unwrap().to_owned()
}

/// Commands that ran in a shell of this kind.
async fn uses(server: &TestServer, kind: &str) -> f64 {
    let metrics = server.metrics().await;
    let uses = metrics.value("scout_shell_uses_total", &[("kind", kind)]);
    uses.expect("there from the start")
}

/// Waits until that many shells wait or more, or none.
async fn waiting(server: &TestServer, count: f64) {
    let start = Instant::now();
    loop {
        let metrics = server.metrics().await;
        let idle = metrics.value("scout_shells", &[("state", "idle")]);
        if idle.is_some_and(|idle| idle == count || (count > 0.0 && idle > count)) {
            return;
        }
        assert!(start.elapsed() < SOON, "{idle:?} wait instead of {count}");
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
}

#[tokio::test]
async fn the_next_command_costs_one_exchange() {
    const WAY: Duration = Duration::from_millis(200);
    let mut fleet = Fleet::start(1).await;
    let chaos = Chaos::before(fleet.address("web-01")).await;
    fleet.reroute("web-01", chaos.address());
    let server = operator(&fleet).await;
    let client = server.client(Era::Modern);
    assert_eq!(said(&client, json!({"command": "echo 1"})).await, "1\n");
    for call in [
        json!({"command": "cd / && echo 2"}),
        json!({"argv": ["wc", "-c", "/dev/null"]}),
        json!({"argv": ["wc", "-c", "/dev/null"]}),
    ] {
        waiting(&server, 2.0).await;
        chaos.set(Mode::Delay(WAY));
        let start = Instant::now();
        said(&client, call).await;
        let took = start.elapsed();
        chaos.set(Mode::Pass);
        // There and back, and the end of the answer behind its beginning: a channel and a request
        // before it would be two more ways.
        assert!(took >= 2 * WAY && took < 4 * WAY, "{took:?}");
    }
    assert_eq!(uses(&server, "fresh").await, 1.0);
    assert_eq!(uses(&server, "armed").await, 2.0);
    assert_eq!(uses(&server, "reused").await, 1.0);
}

#[tokio::test]
async fn programs_that_leave_nothing_behind_share_a_shell_that_keeps_nothing() {
    let fleet = Fleet::start(1).await;
    let server = operator(&fleet).await;
    let client = server.client(Era::Modern);
    let (one, two) = (fleet.dir().join("one"), fleet.dir().join("two"));
    for (dir, text) in [(&one, "1"), (&two, "22")] {
        std::fs::create_dir(dir).unwrap();
        std::fs::write(dir.join("f"), text).unwrap();
    }
    for _ in 0..10 {
        for (dir, size) in [(&one, 1), (&two, 2)] {
            let call = json!({"argv": ["wc", "-c", "f"], "cwd": dir});
            assert_eq!(said(&client, call).await, format!("{size} f\n"));
        }
        let missing = run(&client, json!({"argv": ["cat", "f"]})).await;
        assert_eq!(missing.structured["exit_code"], 1, "in the home directory");
    }
    assert_eq!(uses(&server, "fresh").await, 1.0);
    assert_eq!(uses(&server, "reused").await, 29.0);
    let sessions = fleet.sshd(0).log().matches("Starting session").count();
    assert_eq!(sessions, 1);
    // Variables of a caller's choice, or a shell, and it is no longer known what a program does: it gets
    // no shell in which another ran.
    for call in [
        json!({"argv": ["cat", "/dev/null"], "env": {"A": "b"}}),
        json!({"command": "cat /dev/null"}),
        json!({"argv": ["sh", "-c", "true"]}),
    ] {
        said(&client, call).await;
        waiting(&server, 3.0).await;
    }
    assert_eq!(uses(&server, "reused").await, 29.0);
    assert_eq!(uses(&server, "armed").await, 2.0);
    assert_eq!(uses(&server, "fresh").await, 2.0);
}

#[tokio::test]
async fn what_a_command_left_in_the_background_says_nothing_to_the_next() {
    let fleet = Fleet::start(1).await;
    let server = operator(&fleet).await;
    let client = server.client(Era::Modern);
    let leave = "cd /; V=left; export V; (while :; do echo late; echo late >&2; sleep 0.01; done) & \
                 trap 'echo trapped' EXIT TERM; echo now";
    for round in 0..5 {
        let first = run(&client, json!({"command": leave})).await;
        assert!(first.text.contains("now\n"), "{}", first.text);
        tokio::time::sleep(Duration::from_millis(30 * round)).await;
        for call in [
            json!({"command": "pwd; echo \"V=$V\"; sleep 0.1"}),
            json!({"argv": ["stat", "-c", "%n", "/"]}),
        ] {
            let next = run(&client, call).await;
            assert_eq!(next.structured["exit_code"], 0, "{}", next.text);
            assert!(!next.text.contains("late"), "{}", next.text);
            assert!(!next.text.contains("left"), "{}", next.text);
            assert_eq!(next.structured["stderr"], "");
        }
    }
}

#[tokio::test]
async fn sixty_four_commands_at_once_wait_their_turn() {
    for max_sessions in [10, 2, 1] {
        let config = SshdConfig {
            max_sessions,
            ..SshdConfig::default()
        };
        let fleet = Fleet::builder().hosts_with(1, &config).start().await;
        let server = operator(&fleet).await;
        let client = server.client(Era::Modern);
        for round in 0..3 {
            let answers = spread(64, 64, async |index| {
                let call = match index % 2 {
                    0 => json!({"command": format!("echo {index}")}),
                    _ => json!({"argv": ["wc", "-c", "/dev/null"]}),
                };
                (index, run(&client, call).await)
            })
            .await;
            for ((index, result), _) in answers {
                let expected = match index % 2 {
                    0 => format!("{index}\n"),
                    _ => "0 /dev/null\n".to_owned(),
                };
                assert_eq!(result.text, expected, "{max_sessions}, round {round}");
            }
        }
        assert_eq!(fleet.logins(), 1);
    }
}

#[tokio::test]
async fn a_shell_that_is_killed_while_it_waits_costs_nobody_a_call() {
    let fleet = Fleet::start(1).await;
    let server = operator(&fleet).await;
    let client = server.client(Era::Modern);
    for round in 0..10 {
        said(&client, json!({"command": "true"})).await;
        waiting(&server, 2.0).await;
        for shell in fleet.processes() {
            shell.signal(Signal::SIGKILL);
        }
        tokio::time::sleep(Duration::from_millis(round)).await;
        let call = match round % 2 {
            0 => json!({"command": "echo on"}),
            _ => json!({"argv": ["stat", "-c", "on", "/"]}),
        };
        assert_eq!(said(&client, call).await, "on\n", "round {round}");
    }
}

#[tokio::test]
async fn shells_wait_only_for_so_long_and_not_at_all_where_none_is_wanted() {
    let fleet = Fleet::start(1).await;
    for idle in ["1s", "0"] {
        let builder = TestServer::builder(&fleet).env("SCOUT_ROLE", "operator");
        let server = builder.env("SCOUT_SHELL_IDLE", idle).start().await;
        let client = server.client(Era::Modern);
        for call in [
            json!({"command": "true"}),
            json!({"argv": ["stat", "/"]}),
            json!({"argv": ["stat", "/"]}),
        ] {
            said(&client, call).await;
        }
        if idle == "0" {
            assert_eq!(uses(&server, "fresh").await, 3.0);
        }
        waiting(&server, 0.0).await;
        eventually("nothing is left", SOON, || fleet.processes().is_empty()).await;
    }
}
