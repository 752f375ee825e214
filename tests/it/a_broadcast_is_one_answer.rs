//! One call on many hosts is one answer: equal answers are said once, those that differ stand out, and
//! every host has a state.

use std::time::{Duration, Instant};

use serde_json::{Value, json};

use crate::support::account::let_through;
use crate::support::broadcast::{broadcast, group_of, odd, operator, states, three_dead};
use crate::support::client::Era;
use crate::support::fleet::Fleet;
use crate::support::server::TestServer;

#[tokio::test]
async fn a_hundred_hosts_answer_by_the_deadline_and_what_differs_stands_out() {
    let mut fleet = Fleet::start(98).await;
    let ([changed, nobody, hole], _hole) = three_dead(&mut fleet).await;
    assert_eq!(fleet.names().len(), 100);
    let server = TestServer::builder(&fleet)
        .env("SCOUT_ROLE", "operator")
        .env("SCOUT_CONNECTION_TIMEOUT", 8)
        .start()
        .await;
    let client = server.client(Era::Modern);
    let exceptions = [
        ("web-07", "printf 'one\\ntwo\\nodd\\n'"),
        ("web-42", "echo broken; echo why >&2; exit 3"),
    ];
    let command = odd(&fleet, &exceptions, "printf 'one\\ntwo\\nthree\\n'");
    let deadline = Duration::from_secs(25);
    let arguments = json!({"hosts": "all", "command": command, "deadline_s": deadline.as_secs()});
    let start = Instant::now();
    let result = broadcast(&client, arguments).await;
    let cold = start.elapsed();
    assert!(cold < deadline, "{cold:?}");

    assert!(result.is_error, "not all went well");
    assert_eq!(
        (&result.structured["succeeded"], &result.structured["total"]),
        (&json!(96), &json!(100))
    );
    assert_eq!(
        result.structured["states"],
        json!({"ok": 96, "failed": 1, "unreachable": 3})
    );
    let groups = result.structured["groups"].as_array().unwrap();
    let shape: Vec<_> = groups
        .iter()
        .map(|group| {
            (
                group["folded"].as_str().unwrap(),
                group["count"].as_u64().unwrap(),
            )
        })
        .collect();
    let expected = [
        ("web-[01-06,08-41,43-97]", 95),
        ("web-07", 1),
        (&hole, 1),
        ("web-42", 1),
        (&changed, 1),
        (&nobody, 1),
    ];
    assert_eq!(shape, expected);
    assert_eq!(groups[0]["stdout"], "one\ntwo\nthree\n");
    assert_eq!(
        (&groups[1]["lines_more"], &groups[1]["lines_less"]),
        (&json!(1), &json!(1))
    );
    let failed = group_of(&result, "web-42");
    assert_eq!(
        (&failed["state"], &failed["exit_code"]),
        (&json!("failed"), &json!(3))
    );
    assert_eq!(
        (&failed["stdout"], &failed["stderr"]),
        (&json!("broken\n"), &json!("why\n"))
    );
    for (host, phase, code) in [
        (&changed, "host_key", "host_key_changed"),
        (&nobody, "tcp", "unreachable"),
        (&hole, "tcp", "connect_timeout"),
    ] {
        let group = group_of(&result, host);
        assert_eq!(group["state"], "unreachable", "{host}");
        assert_eq!(
            (&group["phase"], &group["code"]),
            (&json!(phase), &json!(code)),
            "{host}"
        );
        assert!(group["hint"].is_string(), "{host}");
    }
    let text = &result.text;
    assert!(text.starts_with("web-[01-06,08-41,43-97] (95):\none\ntwo\nthree\n\nweb-07 (1), +1 -1 lines:\none\ntwo\nodd\n\n"), "{text}");
    assert!(
        text.contains("\nweb-42 (1) [FAILED]:\nbroken\n\n[stderr]\nwhy\n[exit code: 3]\n\n"),
        "{text}"
    );
    assert!(
        text.ends_with("\n\n─── 96/100 hosts succeeded ─── 1 failed, 3 unreachable"),
        "{text}"
    );
    // The dead ones were dialled all the while; who is alive did not wait for them.
    let hosts = result.structured["hosts"].as_array().unwrap();
    let slowest = hosts.iter().filter(|host| host["state"] == "ok");
    let slowest = slowest
        .map(|host| host["duration_ms"].as_u64().unwrap())
        .max();
    assert!(slowest < Some(8000), "{slowest:?}");

    let alive = format!("all,!{changed},!{nobody},!{hole}");
    let arguments = json!({"hosts": alive, "command": "echo hi"});
    let start = Instant::now();
    let warm = broadcast(&client, arguments).await;
    let ran = start.elapsed();
    assert!(!warm.is_error, "{}", warm.text);
    let expected = "web-[01-97] (97):\nhi\n\n─── 97/97 hosts succeeded ───";
    assert_eq!(warm.text, expected);
    let mut read = Duration::ZERO;
    for _ in [
        "the first opens a channel for files on every host",
        "the second",
    ] {
        let start = Instant::now();
        let arguments = json!({"hosts": alive, "path": "/etc/passwd"});
        let same = broadcast(&client, arguments).await;
        read = start.elapsed();
        assert_eq!(same.structured["groups"][0]["count"], 97, "{}", same.text);
    }
    eprintln!(
        "100 hosts, 3 of them dead: {cold:?}, the slowest alive {slowest:?} ms; the 97, connected: a command {ran:?}, a file {read:?}"
    );
}

#[tokio::test]
async fn a_host_that_may_not_be_seen_is_refused_alone_like_one_that_is_not_there() {
    let fleet = Fleet::start(3).await;
    let server = TestServer::builder(&fleet)
        .env("SCOUT_BLOCKLIST", "web-02")
        .start()
        .await;
    let client = server.client(Era::Modern);
    let targets = json!(["web-01:/etc", "web-02:/etc", "nowhere:/etc", "web-03:/etc"]);
    let argv = json!(["stat", "-c", "%F", "."]);
    let result = broadcast(&client, json!({"targets": targets, "argv": argv})).await;
    assert_eq!(
        states(&result, &["web-01", "web-02", "nowhere", "web-03"]),
        ["ok", "refused", "refused", "ok"]
    );
    let group = group_of(&result, "web-02");
    assert_eq!(
        group["hosts"],
        json!(["web-02", "nowhere"]),
        "nothing tells them apart"
    );
    assert_eq!(
        (&group["code"], &group["message"]),
        (&json!("unknown_host"), &json!("unknown host `{host}`"))
    );
    assert_eq!(group_of(&result, "web-01")["stdout"], "directory\n");
    assert_eq!(fleet.sshd(1).connections(), 0);
    let wild = broadcast(&client, json!({"hosts": "web-02", "argv": argv})).await;
    assert_eq!(
        (wild.is_error, &wild.structured["code"]),
        (true, &json!("unknown_host"))
    );
}

#[tokio::test]
async fn what_an_observer_may_not_run_is_refused_once_and_runs_nowhere() {
    let fleet = Fleet::start(2).await;
    let server = TestServer::start(&fleet).await;
    let client = server.client(Era::Modern);
    for arguments in [
        json!({"hosts": "all", "command": "id"}),
        json!({"hosts": "all", "command": "df -h | sh"}),
        json!({"hosts": "all", "argv": ["find", ".", "-delete"]}),
        json!({"hosts": "all", "command": "df", "env": {"LD_PRELOAD": "/tmp/x"}}),
        json!({"hosts": "all", "command": ""}),
        json!({"hosts": "all"}),
        json!({"hosts": "all", "path": "etc/hosts"}),
        json!({"hosts": "all", "targets": ["web-01:/"], "command": "df"}),
        json!({"targets": ["web-01"], "command": "df"}),
        json!({"targets": [], "command": "df"}),
        json!({"hosts": "all", "command": "df", "width": 0}),
        json!({"hosts": "web-[01", "command": "df"}),
        json!({"hosts": "all", "command": "df", "normalize": ["time"]}),
    ] {
        let result = broadcast(&client, arguments.clone()).await;
        assert!(result.is_error, "{arguments}");
        let outcome = result.structured["outcome"].as_str().unwrap();
        assert!(
            ["refused", "invalid"].contains(&outcome),
            "{arguments}: {}",
            result.text
        );
        assert!(
            result.structured["groups"].is_null(),
            "{arguments}: {}",
            result.text
        );
    }
    assert_eq!(
        fleet.established() + fleet.logins(),
        0,
        "nothing was sent to anybody"
    );
    let allowed = broadcast(
        &client,
        json!({"hosts": "all", "command": "head -c 4 /etc/passwd"}),
    )
    .await;
    assert_eq!(
        allowed.text,
        "web-[01-02] (2):\nroot\n\n─── 2/2 hosts succeeded ───"
    );
}

#[tokio::test]
async fn what_is_asked_to_count_as_equal_does() {
    let fleet = Fleet::builder().shared(4).start().await;
    let server = operator(&fleet).await;
    let client = server.client(Era::Modern);
    let names: Vec<_> = (1..=4).map(|n| format!("web-{n:02}")).collect();
    let says: Vec<_> = names
        .iter()
        .enumerate()
        .map(|(n, name)| format!("printf 'I am {name}, up {n} days  \\n{}'", "\\n".repeat(n)))
        .collect();
    let exceptions: Vec<_> = names
        .iter()
        .map(String::as_str)
        .zip(says.iter().map(String::as_str))
        .collect();
    let command = odd(&fleet, &exceptions, "exit 9");
    let groups = async |normalize: Value| {
        let result = broadcast(
            &client,
            json!({"hosts": "all", "command": command, "normalize": normalize}),
        )
        .await;
        assert!(!result.is_error, "{}", result.text);
        let groups = result.structured["groups"].as_array().unwrap();
        (
            groups.len(),
            groups[0]["stdout"].as_str().unwrap().to_owned(),
        )
    };
    assert_eq!(groups(json!([])).await.0, 4);
    assert_eq!(groups(json!(["host", "numbers"])).await.0, 4);
    let expected = (1, "I am {host}, up # days\n".to_owned());
    assert_eq!(groups(json!(["space", "host", "numbers"])).await, expected);
}

#[tokio::test]
async fn each_host_that_is_done_is_told() {
    let fleet = Fleet::builder().shared(5).start().await;
    let server = operator(&fleet).await;
    let client = server.client(Era::Legacy);
    let call = json!({
        "name": "broadcast",
        "arguments": {"hosts": "all", "command": odd(&fleet, &[("web-03", "exit 1")], "true")},
        "_meta": {"progressToken": "p"},
    });
    let reply = client.request("tools/call", call).await;
    let steps: Vec<_> = reply
        .frames
        .iter()
        .filter(|frame| frame["method"] == "notifications/progress")
        .map(|frame| &frame["params"])
        .collect();
    let done: Vec<_> = steps
        .iter()
        .map(|step| step["progress"].as_f64().unwrap())
        .collect();
    assert_eq!(done, [0.0, 1.0, 2.0, 3.0, 4.0, 5.0]);
    assert!(steps.iter().all(|step| step["total"] == 5.0));
    let messages: Vec<_> = steps
        .iter()
        .map(|step| step["message"].as_str().unwrap())
        .collect();
    for message in ["5 hosts", "web-01: ok", "web-03: failed"] {
        assert!(messages.contains(&message), "{messages:?}");
    }
}

#[tokio::test]
async fn by_targets_each_place_is_said_in_the_form_that_users_know() {
    let place = tempfile::tempdir().unwrap();
    let_through(place.path());
    std::fs::write(place.path().join("a"), "same\n").unwrap();
    let fleet = Fleet::builder().shared(2).start().await;
    let server = operator(&fleet).await;
    let client = server.client(Era::Legacy);
    let dir = place.path().display();
    let targets = json!([
        format!("web-02:{dir}/a"),
        format!("web-01:{dir}/a"),
        format!("web-01:{dir}/b")
    ]);
    let read = client.call_tool("scout", json!({"targets": targets})).await;
    let good = |place: String| {
        let line = format!("═══ {place} ");
        let fill = 60_usize.saturating_sub(line.chars().count());
        line + &"═".repeat(fill)
    };
    let failed = |place: String| {
        let line = format!("═══ {place} ");
        let fill = 50_usize.saturating_sub(line.chars().count());
        line + "[FAILED] " + &"═".repeat(fill)
    };
    let expected = format!(
        "{}\nsame\n\n{}\nsame\n\n{}\nError: `{dir}/b` on `web-01` does not exist\n\nhint: list the directory above it to see what is there\n\n─── 2/3 hosts succeeded ─── 1 failed",
        good(format!("web-02:{dir}/a")),
        good(format!("web-01:{dir}/a")),
        failed(format!("web-01:{dir}/b")),
    );
    assert_eq!(read.text, expected);
    assert!(read.is_error);

    // What a command wrote is kept when it failed.
    let targets = json!([format!("web-01:{dir}"), format!("web-02:{dir}")]);
    let query = odd(&fleet, &[("web-02", "echo partly; exit 4")], "cat a");
    let run = client
        .call_tool("scout", json!({"targets": targets, "query": query}))
        .await;
    let expected = format!(
        "{}\nsame\n\n{}\npartly\n[exit code: 4]\n\n─── 1/2 hosts succeeded ─── 1 failed",
        good(format!("web-01:{dir}")),
        failed(format!("web-02:{dir}")),
    );
    assert_eq!(run.text, expected);
}

#[tokio::test]
async fn every_host_of_a_broadcast_counts_once_in_the_pool() {
    let fleet = Fleet::start(3).await;
    let server = TestServer::builder(&fleet).start().await;
    let client = server.client(Era::Modern);
    for expected in [(0.0, 3.0), (3.0, 3.0)] {
        let result = broadcast(&client, json!({"hosts": "all", "path": "/etc/hostname"})).await;
        assert!(!result.is_error, "{}", result.text);
        let metrics = server.metrics().await;
        let requests = |result| metrics.value("scout_pool_requests_total", &[("result", result)]);
        let counted = (requests("hit").unwrap(), requests("miss").unwrap());
        assert_eq!(counted, expected, "hits and misses");
    }
}
