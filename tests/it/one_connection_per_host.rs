//! However many callers there are, a host sees one connection, and every caller gets its answer: calls
//! share the connection, wait for its channels, and learn how many the host allows.

use std::path::PathBuf;
use std::time::Duration;

use serde_json::{Value, json};

use crate::support::client::{Client, Era, ToolResult};
use crate::support::eventually;
use crate::support::fleet::Fleet;
use crate::support::load::spread;
use crate::support::procs::marker;
use crate::support::server::TestServer;
use crate::support::sshd::config::SshdConfig;

/// A server on which commands may be shell lines.
async fn operator(fleet: &Fleet) -> TestServer {
    TestServer::builder(fleet)
        .env("SCOUT_ROLE", "operator")
        .start()
        .await
}

/// A file in a directory that every account may read, and the word in it.
fn note(fleet: &Fleet) -> (PathBuf, String) {
    let word = marker();
    let directory = fleet.dir().join("shelf");
    std::fs::create_dir(&directory).unwrap();
    let path = directory.join("note.txt");
    std::fs::write(&path, &word).unwrap();
    (path, word)
}

async fn run(client: &Client, host: &str, command: &str) -> ToolResult {
    let arguments = json!({"host": host, "command": command});
    client.call_tool("run", arguments).await
}

#[tokio::test]
async fn two_thousand_calls_of_64_callers_share_20_connections() {
    let fleet = Fleet::start(20).await;
    let (path, word) = note(&fleet);
    let names = fleet.names();
    let server = operator(&fleet).await;
    let client = server.client(Era::Modern);
    let call = |index: usize| {
        let host = &names[index * 7 % names.len()];
        match index % 8 {
            0 => (host, "hosts", json!({})),
            1 | 5 => (
                host,
                "run",
                json!({"host": host, "command": "echo $SSH_CONNECTION"}),
            ),
            2 | 6 => (host, "read", json!({"host": host, "path": path.parent()})),
            _ => (host, "read", json!({"host": host, "path": path})),
        }
    };
    let answers = spread(64, 2000, async |index| {
        let (host, tool, arguments) = call(index);
        (index, host, client.call_tool(tool, arguments).await)
    })
    .await;

    for ((index, host, result), _) in &answers {
        assert!(!result.is_error, "call {index} on {host}: {}", result.text);
        let expected = match index % 8 {
            0 => "web-20",
            1 | 5 => &format!(" {} ", fleet.address(host).ip()),
            2 | 6 => "note.txt",
            _ => &word,
        };
        assert!(
            result.text.contains(expected),
            "call {index} on {host}: {}",
            result.text
        );
    }
    assert_eq!(answers.len(), 2000);
    for (sshd, name) in fleet.sshds().iter().zip(&names) {
        assert_eq!((sshd.logins(), sshd.established()), (1, 1), "{name}");
    }

    let metrics = server.metrics().await;
    let requests = |result| metrics.value("scout_pool_requests_total", &[("result", result)]);
    let (hit, miss) = (requests("hit").unwrap(), requests("miss").unwrap());
    assert_eq!(
        (hit + miss, miss),
        (1750.0, 20.0),
        "every call but `hosts` uses the pool"
    );
    assert!(hit / (hit + miss) >= 0.98, "{hit} of {}", hit + miss);
    let waits = metrics.value("scout_lock_wait_seconds_count", &[]);
    // A few begin twice: sshd frees a session a moment after it closed its channel.
    let waits = waits.unwrap();
    assert!(
        (1750.0..1800.0).contains(&waits),
        "every piece of work waited for its turn: {waits}"
    );
    assert_eq!(metrics.value("scout_pool_connections", &[]), Some(20.0));
    let connects = metrics.value("scout_ssh_connects_total", &[("outcome", "ok")]);
    assert_eq!(connects, Some(20.0));
}

#[tokio::test]
async fn a_host_that_allows_ten_sessions_serves_64_reads_at_once() {
    let fleet = Fleet::start(1).await;
    let (path, word) = note(&fleet);
    let server = TestServer::start(&fleet).await;
    let client = server.client(Era::Modern);
    let read = json!({"host": "web-01", "path": path});
    let answers = spread(64, 640, async |_| {
        client.call_tool("read", read.clone()).await
    })
    .await;
    for (result, _) in &answers {
        assert!(
            !result.is_error && result.text.contains(&word),
            "{}",
            result.text
        );
    }
    assert_eq!((answers.len(), fleet.logins()), (640, 1));
    assert!(
        !fleet.sshd(0).log().contains("no more sessions"),
        "reads share a channel"
    );
}

#[tokio::test]
async fn a_host_that_allows_two_sessions_runs_eight_commands_by_turns() {
    let config = SshdConfig {
        max_sessions: 2,
        ..SshdConfig::default()
    };
    let fleet = Fleet::builder().hosts_with(1, &config).start().await;
    let server = operator(&fleet).await;
    let client = server.client(Era::Modern);
    let mut refused = Vec::new();
    for round in 0..4 {
        let answers = spread(8, 8, async |index| {
            let result = run(
                &client,
                "web-01",
                &format!("sleep 0.1; echo {round}.{index}"),
            )
            .await;
            (format!("{round}.{index}\n"), result)
        })
        .await;
        for ((expected, result), _) in &answers {
            assert_eq!(result.structured["outcome"], "exited", "{}", result.text);
            assert_eq!(result.structured["stdout"], Value::from(expected.as_str()));
        }
        refused.push(fleet.sshd(0).log().matches("no more sessions").count());
    }
    assert!(
        refused[0] >= 1,
        "the first round finds out how many channels there are"
    );
    assert!(
        refused[3] - refused[0] <= 2,
        "and the next rounds remember it: {refused:?}"
    );
    assert_eq!(fleet.logins(), 1);
}

#[tokio::test]
async fn a_read_waits_for_a_channel_where_commands_have_them_all() {
    for max_sessions in [1, 2] {
        let config = SshdConfig {
            max_sessions,
            ..SshdConfig::default()
        };
        let fleet = Fleet::builder().hosts_with(1, &config).start().await;
        let (path, word) = note(&fleet);
        let server = operator(&fleet).await;
        let client = server.client(Era::Modern);
        let read = json!({"host": "web-01", "path": path});
        let reads = async {
            eventually("the commands run", Duration::from_secs(20), || {
                let running = fleet.processes();
                running.iter().filter(|proc| proc.argv == "sleep 1").count()
                    >= max_sessions as usize
            })
            .await;
            spread(2, 4, async |_| client.call_tool("read", read.clone()).await).await
        };
        let commands = spread(4, 4, async |_| run(&client, "web-01", "sleep 1").await);
        let (reads, commands) = tokio::join!(reads, commands);
        for (result, _) in reads {
            assert!(
                result.text.contains(&word),
                "{max_sessions}: {}",
                result.text
            );
        }
        for (result, _) in commands {
            assert!(!result.is_error, "{max_sessions}: {}", result.text);
        }
        // And the other way round: what reads hold is given up for a command.
        for _ in 0..5 {
            let result = client.call_tool("read", read.clone()).await;
            assert!(
                result.text.contains(&word),
                "{max_sessions}: {}",
                result.text
            );
            let result = run(&client, "web-01", "true").await;
            assert!(!result.is_error, "{max_sessions}: {}", result.text);
        }
        assert_eq!(fleet.logins(), 1);
    }
}
