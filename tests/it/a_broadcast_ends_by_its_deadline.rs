//! A broadcast ends by its deadline with what is ready and a state for every host; nothing it started
//! goes on behind it. What is down, or slow, delays nobody else, however few may be worked on at once.

use std::os::unix::fs::PermissionsExt as _;
use std::time::{Duration, Instant};

use serde_json::json;

use crate::support::blackhole::Blackhole;
use crate::support::broadcast::{broadcast, group_of, odd, operator, states};
use crate::support::client::Era;
use crate::support::eventually;
use crate::support::fleet::{Entry, Fleet};
use crate::support::procs::{marker, wait_gone, wait_present};
use crate::support::server::TestServer;
use crate::support::watcher::Watcher;

const SOON: Duration = Duration::from_secs(10);

#[tokio::test]
async fn what_is_ready_comes_at_the_deadline_and_what_is_under_way_is_stopped() {
    let fleet = Fleet::builder().shared(4).start().await;
    let server = operator(&fleet).await;
    let client = server.client(Era::Modern);
    let mark = marker();
    let slow = format!("echo begun; sh -c ': {mark}; sleep 600; :'");
    let command = odd(&fleet, &[("web-02", &slow)], "echo done");
    let start = Instant::now();
    let call = broadcast(
        &client,
        json!({"hosts": "all", "command": command, "deadline_s": 4}),
    );
    let (result, _) = tokio::join!(call, wait_present(&mark, SOON));
    let took = start.elapsed();
    assert!(
        took >= Duration::from_secs(4) && took < Duration::from_secs(9),
        "{took:?}"
    );
    wait_gone(&mark, Duration::ZERO).await;
    assert_eq!(
        states(&result, &["web-01", "web-02", "web-03", "web-04"]),
        ["ok", "running", "ok", "ok"]
    );
    let stopped = group_of(&result, "web-02");
    assert_eq!(
        (&stopped["stdout"], &stopped["stopped"]),
        (&json!("begun\n"), &json!("verified"))
    );
    assert!(
        result
            .text
            .contains("web-02 (1) [RUNNING AT THE END]:\nbegun\n"),
        "{}",
        result.text
    );
    assert!(
        result
            .text
            .ends_with("─── 3/4 hosts succeeded ─── 1 running at the end"),
        "{}",
        result.text
    );
    assert!(result.is_error);
}

#[tokio::test]
async fn a_command_that_is_out_of_its_own_time_is_told_from_one_that_was_cut() {
    let fleet = Fleet::builder().shared(3).start().await;
    let server = operator(&fleet).await;
    let client = server.client(Era::Modern);
    let command = odd(&fleet, &[("web-02", "sleep 60")], "true");
    let arguments = json!({"hosts": "all", "command": command, "timeout_s": 1});
    let result = broadcast(&client, arguments).await;
    assert_eq!(
        states(&result, &["web-01", "web-02", "web-03"]),
        ["ok", "timed_out", "ok"]
    );

    let arguments = json!({"hosts": "all", "command": "sleep 60", "width": 2, "deadline_s": 2});
    let result = broadcast(&client, arguments).await;
    assert_eq!(
        states(&result, &["web-01", "web-02", "web-03"]),
        ["running", "running", "not_started"]
    );
    assert_eq!(group_of(&result, "web-03")["code"], "not_started");
}

#[tokio::test]
async fn a_host_that_is_down_takes_nobody_s_turn() {
    let mut fleet = Fleet::start(3).await;
    let key = fleet.sshd(0).key().public.clone();
    let hole = Blackhole::on([127, 0, 0, 1].into()).await;
    for name in ["a-hole", "b-hole"] {
        fleet.add(Entry::new(name, hole.address(), &key));
    }
    let server = TestServer::builder(&fleet)
        .env("SCOUT_ROLE", "operator")
        .env("SCOUT_CONNECTION_TIMEOUT", 30)
        .start()
        .await;
    let client = server.client(Era::Modern);
    // They would have the only turn for as long as connecting may take.
    let arguments = json!({"hosts": "all", "command": "true", "width": 1, "deadline_s": 12});
    let start = Instant::now();
    let result = broadcast(&client, arguments).await;
    let took = start.elapsed();
    let hosts = ["a-hole", "b-hole", "web-01", "web-02", "web-03"];
    let expected = ["not_started", "not_started", "ok", "ok", "ok"];
    assert_eq!(states(&result, &hosts), expected, "{}", result.text);
    assert!(took < Duration::from_secs(17), "{took:?}");
    let group = group_of(&result, "a-hole");
    assert_eq!(
        group["hosts"],
        json!(["a-hole", "b-hole"]),
        "down for the same reason"
    );
}

#[tokio::test]
async fn forty_hosts_go_through_a_pool_of_ten() {
    let fleet = Fleet::start(40).await;
    let server = TestServer::builder(&fleet)
        .env("SCOUT_ROLE", "operator")
        .env("SCOUT_MAX_POOL_SIZE", 10)
        .start()
        .await;
    let client = server.client(Era::Modern);
    let watcher = Watcher::of(&fleet);
    for width in [32, 3] {
        let arguments = json!({"hosts": "all", "command": "echo here", "width": width});
        let result = broadcast(&client, arguments).await;
        assert_eq!(
            result.text,
            "web-[01-40] (40):\nhere\n\n─── 40/40 hosts succeeded ───"
        );
    }
    let watched = watcher.stop();
    assert!(watched.most <= 10, "{watched:?}");
}

#[tokio::test]
async fn never_more_hosts_are_worked_on_than_was_asked_for() {
    let fleet = Fleet::builder().shared(9).start().await;
    let server = operator(&fleet).await;
    let client = server.client(Era::Modern);
    // Each leaves a file while it runs, and says how many there are.
    let place = tempfile::tempdir().unwrap();
    let dir = place.path().display().to_string();
    let everyone = std::fs::Permissions::from_mode(0o777);
    std::fs::set_permissions(place.path(), everyone).unwrap();
    let command = "f=$(mktemp -p \"$DIR\") && ls \"$DIR\" | wc -l && sleep 1 && rm \"$f\"";
    // Connected before, so that they come as fast as they are let.
    broadcast(&client, json!({"hosts": "all", "command": "true"})).await;
    let arguments = json!({"hosts": "all", "command": command, "env": {"DIR": dir}, "width": 3});
    let result = broadcast(&client, arguments).await;
    assert!(!result.is_error, "{}", result.text);
    let groups = result.structured["groups"].as_array().unwrap();
    let counts = groups.iter().map(|group| {
        let stdout = group["stdout"].as_str().unwrap();
        stdout.trim().parse::<usize>().unwrap()
    });
    assert_eq!(counts.max(), Some(3), "{}", result.text);
}

#[tokio::test]
async fn a_lost_connection_is_a_state_of_its_host_alone() {
    let fleet = Fleet::start(3).await;
    let server = operator(&fleet).await;
    let client = server.client(Era::Modern);
    let command = odd(
        &fleet,
        &[("web-02", "echo begun; exec sleep 30")],
        "sleep 1; echo done",
    );
    let call = broadcast(&client, json!({"hosts": "all", "command": command}));
    let cut = async {
        eventually("it runs", SOON, || {
            fleet
                .sshd(1)
                .processes()
                .iter()
                .any(|proc| proc.argv == "sleep 30")
        })
        .await;
        fleet.sshd(1).kill_sessions();
    };
    let (result, ()) = tokio::join!(call, cut);
    assert_eq!(
        states(&result, &["web-01", "web-02", "web-03"]),
        ["ok", "connection_lost", "ok"]
    );
    assert_eq!(group_of(&result, "web-02")["may_still_run"], true);
}

#[tokio::test]
async fn a_caller_that_leaves_ends_it_everywhere() {
    let fleet = Fleet::builder().shared(6).start().await;
    let server = operator(&fleet).await;
    let client = server.client(Era::Modern);
    let mark = marker();
    let command = format!("sh -c ': {mark}; sleep 600; :'");
    let call = broadcast(&client, json!({"hosts": "all", "command": command}));
    tokio::select! {
        result = call => panic!("it came to an end: {}", result.text),
        _ = wait_present(&mark, SOON) => {}
    }
    wait_gone(&mark, SOON).await;
}

#[tokio::test]
async fn a_command_that_began_late_is_cut_by_the_deadline_and_not_by_its_own_time() {
    let fleet = Fleet::start(1).await;
    let server = TestServer::builder(&fleet)
        .env("SCOUT_ROLE", "operator")
        .env("SCOUT_HOST_RUNNING", 1)
        .start()
        .await;
    let client = server.client(Era::Modern);
    let warm = json!({"host": "web-01", "command": "true"});
    client.call_tool("run", warm).await;
    let first = json!({"host": "web-01", "command": "sleep 3"});
    let late = json!({"hosts": "web-01", "command": "sleep 60", "timeout_s": 4, "deadline_s": 6});
    let (_, late) = tokio::join!(client.call_tool("run", first), async {
        tokio::time::sleep(Duration::from_millis(300)).await;
        broadcast(&client, late).await
    });
    assert_eq!(states(&late, &["web-01"]), ["running"], "{}", late.text);
}
