//! Where a search ends, and what it then says.

use std::os::unix::fs::PermissionsExt;
use std::path::PathBuf;
use std::time::{Duration, Instant};

use serde_json::{Value, json};

use super::{by_program, find, paths};
use crate::support::chaos::{Chaos, Mode};
use crate::support::client::Era;
use crate::support::fleet::Fleet;
use crate::support::forest::open_directory;
use crate::support::server::TestServer;

#[tokio::test]
async fn what_was_not_looked_at_is_said() {
    let fleet = Fleet::start(1).await;
    let server = TestServer::start(&fleet).await;
    let client = server.client(Era::Legacy);
    let dir = fleet.dir().join("limits");
    open_directory(&dir);
    for n in 0..5 {
        std::fs::write(dir.join(format!("{n}.txt")), "text\n").unwrap();
    }
    for contains in [Value::Null, "text".into()] {
        let five = find(&client, &dir, json!({"limit": 5, "contains": contains})).await;
        assert_eq!(five.structured["truncated"], false);
        assert_eq!(five.structured["complete"], true);
        let four = find(&client, &dir, json!({"limit": 4, "contains": contains})).await;
        assert_eq!(paths(&four).len(), 4);
        assert_eq!(four.structured["truncated"], true);
        let lines = if contains.is_null() { "" } else { " (1 line)" };
        let last = format!("3.txt{lines}\n\n[truncated at 4 results]");
        assert!(four.text.ends_with(&last), "{}", four.text);
    }
    let missing = find(&client, &dir, json!({"name": "*.rs"})).await;
    assert_eq!(
        missing.text,
        format!("No files matching '*.rs' found in {}", dir.display())
    );

    // What this account may not see.
    for name in ["closed", "secret.txt"] {
        let path = dir.join(name);
        match name {
            "closed" => std::fs::create_dir(&path).unwrap(),
            _ => std::fs::write(&path, "text\n").unwrap(),
        }
        std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o000)).unwrap();
    }
    if fleet.account().is_root() {
        eprintln!("SKIPPED: nothing is unreadable for root");
    } else {
        let closed = find(&client, &dir, json!({"name": "*.txt", "contains": "text"})).await;
        assert_eq!(paths(&closed).len(), 5);
        assert_eq!(closed.structured["unreadable"], 2);
        assert_eq!(closed.structured["complete"], false);
        let note = format!("[unreadable: 2: {0}/closed, {0}/secret.txt]", dir.display());
        assert!(closed.text.ends_with(&note), "{}", closed.text);
        let root = client
            .call_tool(
                "find",
                json!({"host": "web-01", "path": dir.join("closed")}),
            )
            .await;
        assert!(
            root.is_error && root.structured["code"] == "permission_denied",
            "{}",
            root.text
        );
    }

    // Deeper than a search goes, unless who asked said how deep that is.
    let top = fleet.dir().join("deep");
    std::fs::create_dir_all(top.join("1/2/3/4/5/6/7/8/9/10/11")).unwrap();
    let usual = find(&client, &top, json!({"name": "11"})).await;
    assert_eq!(usual.structured["complete"], false);
    let note = "[not entered at depth 10: 1 directory]";
    assert!(usual.text.ends_with(note), "{}", usual.text);
    let asked = find(&client, &top, json!({"name": "11", "depth": 10})).await;
    assert_eq!(asked.structured["complete"], true);
    let target = format!("web-01:{}", top.display());
    let scout = json!({"target": target, "find": "5"});
    let scout = client.call_tool("scout", scout).await;
    let expected = format!(
        "{}/1/2/3/4/5\n\n[not entered at depth 5: 1 directory]",
        top.display()
    );
    assert_eq!(scout.text, expected);

    for (wrong, says) in [
        (json!({"depth": 11}), "depth must be 1-10, got 11"),
        (json!({"depth": 0}), "depth must be 1-10, got 0"),
        (json!({"limit": 0}), "limit must be 1-10000, got 0"),
        (json!({"name": "a/b"}), "holds no `/`"),
        (json!({"contains": ""}), "`contains` is empty"),
        (json!({"newer_than": "soon"}), "`newer_than`"),
        (json!({"min_size": "10M"}), "`min_size`"),
    ] {
        let mut arguments = wrong.clone();
        arguments["host"] = "web-01".into();
        let result = client.call_tool("find", arguments).await;
        assert!(
            result.is_error && result.text.contains(says),
            "{wrong}: {}",
            result.text
        );
    }
    let nowhere = json!({"host": "web-01", "path": "/no/such/place"});
    let nowhere = client.call_tool("find", nowhere).await;
    assert_eq!(nowhere.structured["code"], "not_found");
}

#[tokio::test]
async fn what_is_too_large_is_said() {
    let fleet = Fleet::start(1).await;
    let server = TestServer::start(&fleet).await;
    let client = server.client(Era::Legacy);
    let dir = fleet.dir().join("large");
    open_directory(&dir);
    let sparse = std::fs::File::create(dir.join("sparse")).unwrap();
    sparse.set_len((64 << 20) + 1).unwrap();
    std::fs::write(dir.join("small"), "text\n").unwrap();
    let found = find(&client, &dir, json!({"contains": "text"})).await;
    let expected = format!(
        "{}/small (1 line)\n\n[not searched for the text: 1 file larger than 64 MiB]",
        dir.display()
    );
    assert_eq!(found.text, expected);
    assert_eq!(found.structured["complete"], false);
    // More names in one directory than a listing holds.
    let crowd = fleet.dir().join("crowd");
    open_directory(&crowd);
    for n in 0..10_050 {
        std::fs::File::create(crowd.join(n.to_string())).unwrap();
    }
    let part = find(&client, &crowd, json!({"name": "nothing"})).await;
    assert_eq!(part.structured["complete"], false);
    let note = format!(
        "[directories with too many entries: 1: {}]",
        crowd.display()
    );
    assert!(part.text.ends_with(&note), "{}", part.text);
    let itself =
        json!({"host": "web-01", "path": crowd, "other": format!("web-01:{}", crowd.display())});
    let itself = client.call_tool("diff", itself).await;
    assert_eq!(itself.structured["same"], false, "{}", itself.text);
    assert!(
        itself
            .text
            .starts_with("No difference in what could be compared")
    );
}

#[tokio::test]
async fn a_hidden_host_is_searched_by_nobody() {
    let fleet = Fleet::start(2).await;
    let server = TestServer::builder(&fleet)
        .env("SCOUT_BLOCKLIST", "web-02")
        .start()
        .await;
    let client = server.client(Era::Legacy);
    for host in ["web-02", "nowhere"] {
        let arguments = json!({"host": host, "path": "/etc"});
        let result = client.call_tool("find", arguments).await;
        assert_eq!(result.structured["code"], "unknown_host", "{}", result.text);
    }
    assert_eq!(fleet.sshd(1).connections(), 0);
}

#[tokio::test]
async fn a_search_that_runs_out_of_time_says_so() {
    let mut fleet = Fleet::start(1).await;
    let slow = Chaos::before(fleet.sshd(0).address()).await;
    fleet.reroute("web-01", slow.address());
    let server = TestServer::builder(&fleet)
        .env("SCOUT_REQUEST_TIMEOUT", "4s")
        .start()
        .await;
    let client = server.client(Era::Legacy);
    let dir = fleet.dir().join("nested");
    for chain in 0..30 {
        let below: PathBuf = (0..8).map(|nth| nth.to_string()).collect();
        let below = dir.join(chain.to_string()).join(below);
        std::fs::create_dir_all(&below).unwrap();
        std::fs::write(below.parent().unwrap().join("file"), "text\n").unwrap();
    }
    // The connection is there; the answers come, and each comes late.
    let warm = find(&client, &dir, json!({"depth": 1})).await;
    assert_eq!(paths(&warm).len(), 30);
    slow.set(Mode::Delay(Duration::from_millis(40)));
    for contains in [Value::Null, "text".into()] {
        let began = Instant::now();
        let what = json!({"kind": "file", "limit": 10_000, "contains": contains.clone()});
        let found = find(&client, &dir, what).await;
        let took = began.elapsed();
        assert!(took < Duration::from_secs(8), "{took:?}");
        assert_eq!(found.structured["stopped"], "deadline", "{}", found.text);
        assert_eq!(found.structured["complete"], false);
        assert!(paths(&found).len() < 30, "{}", found.text);
        let visited = found.structured["visited"].as_u64().unwrap();
        let note = format!("[stopped at the deadline, after {visited} names]");
        assert!(found.text.ends_with(&note), "{}", found.text);
        assert!(
            visited > 0 || !contains.is_null(),
            "there was time for some"
        );
    }
}

#[tokio::test]
async fn what_a_walk_may_hold_is_on_the_books_while_it_lasts() {
    let mut fleet = Fleet::start(1).await;
    let slow = Chaos::before(fleet.sshd(0).address()).await;
    fleet.reroute("web-01", slow.address());
    let server = TestServer::builder(&fleet)
        .env("SCOUT_REQUEST_TIMEOUT", "4s")
        .start()
        .await;
    let client = server.client(Era::Modern);
    let held = async || {
        let metrics = server.metrics().await;
        metrics.value("scout_output_budget_bytes", &[]).unwrap()
    };
    let dir = fleet.dir().join("held");
    std::fs::create_dir_all(dir.join("1/2/3")).unwrap();
    find(&client, &dir, json!({})).await;
    slow.set(Mode::Delay(Duration::from_millis(150)));
    let other = format!("web-01:{}", dir.display());
    for (tool, more, least) in [
        ("find", json!({}), 10 << 20),
        ("find", json!({"contains": "text"}), 24 << 20),
        ("diff", json!({"other": other}), 48 << 20),
    ] {
        let mut call = json!({"host": "web-01", "path": dir});
        let more = more.as_object().unwrap().clone();
        call.as_object_mut().unwrap().extend(more);
        let most = async {
            let mut most = 0.0;
            loop {
                most = f64::max(most, held().await);
                if most >= f64::from(least) - 1024.0 {
                    return most;
                }
                tokio::time::sleep(Duration::from_millis(20)).await;
            }
        };
        let (_, most) = tokio::join!(
            client.call_tool(tool, call),
            tokio::time::timeout(Duration::from_secs(6), most)
        );
        println!("{tool}: {most:?}");
        assert!(most.is_ok(), "{tool} held less than {least}");
        let began = Instant::now();
        while held().await > 0.0 {
            assert!(
                began.elapsed() < Duration::from_secs(5),
                "{tool} still holds"
            );
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
    }
}

#[tokio::test]
async fn little_memory_is_enough_for_a_search_and_a_comparison() {
    let fleet = Fleet::start(1).await;
    let server = TestServer::builder(&fleet)
        .env("SCOUT_OUTPUT_BUDGET", "2MiB")
        .env("SCOUT_MAX_OUTPUT_SIZE", "64KiB")
        .env("SCOUT_MAX_FILE_SIZE", "64KiB")
        .start()
        .await;
    let client = server.client(Era::Modern);
    let dirs = ["little-1", "little-2"].map(|name| fleet.dir().join(name));
    for dir in &dirs {
        open_directory(dir);
        std::fs::write(dir.join("file"), "text\n").unwrap();
    }
    // Whoever waits for memory gets it from who is done.
    let calls = (0..8).map(async |nth| {
        let (tool, more) = match nth % 2 {
            0 => ("find", json!({"contains": "text"})),
            _ => (
                "diff",
                json!({"other": format!("web-01:{}", dirs[1].display())}),
            ),
        };
        let mut call = json!({"host": "web-01", "path": dirs[0]});
        call.as_object_mut()
            .unwrap()
            .extend(more.as_object().unwrap().clone());
        let result = client.call_tool(tool, call).await;
        assert!(!result.is_error, "{tool}: {}", result.text);
        assert_eq!(
            result.structured["complete"], true,
            "{tool}: {}",
            result.text
        );
    });
    futures_util::future::join_all(calls).await;
}

#[tokio::test]
async fn twenty_thousand_entries_are_searched() {
    let fleet = Fleet::start(1).await;
    let server = TestServer::start(&fleet).await;
    let client = server.client(Era::Legacy);
    let dir = fleet.dir().join("many");
    for n in 0..200 {
        let below = dir.join(format!("{}/{n}", n % 10));
        std::fs::create_dir_all(&below).unwrap();
        for m in 0..100 {
            std::fs::write(
                below.join(format!("{m}.txt")),
                if m == 7 { "needle\n" } else { "hay\n" },
            )
            .unwrap();
        }
    }
    let timed = async |what: Value| {
        let began = Instant::now();
        let result = find(&client, &dir, what.clone()).await;
        println!("{what}: {:?}", began.elapsed());
        assert_eq!(result.structured["complete"], true, "{}", result.text);
        result
    };
    let named = timed(json!({"name": "42.txt", "limit": 1000})).await;
    assert_eq!(paths(&named).len(), 200);
    assert_eq!(named.structured["visited"], 20_210);
    let held = timed(json!({"contains": "needle", "limit": 1000})).await;
    assert_eq!(paths(&held), by_program(&dir, &["-name", "7.txt"]));
}
