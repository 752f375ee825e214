//! A host expression selects what it says and nothing else, through the tool as through the command
//! line, with the tags of both configurations. A mistake in it is shown where it stands, and a hidden
//! host cannot be told from one that does not exist, however it is asked for.

use std::net::{Ipv4Addr, SocketAddr};
use std::time::Duration;

use serde_json::json;

use crate::support::client::Era;
use crate::support::fleet::{Entry, Fleet};
use crate::support::server::{TestServer, run_cli};

const WITHIN: Duration = Duration::from_secs(30);

/// `web-01` to `web-12`, `db1` to `db3` and `r1-n1` to `r2-n2`. `Tag` gives `web-01` and `db1` the
/// tag `eu`, and Scout's own file makes every `db` one, and `web-12` old. Nobody is ever asked.
async fn fleet() -> Fleet {
    let mut fleet = Fleet::builder().start().await;
    let nobody = SocketAddr::from((Ipv4Addr::LOCALHOST, 1));
    let names = (1..=12).map(|n| format!("web-{n:02}"));
    let names = names.chain((1..=3).map(|n| format!("db{n}")));
    let racks = (1..=2).flat_map(|rack| (1..=2).map(move |n| format!("r{rack}-n{n}")));
    for name in names.chain(racks) {
        let mut entry = Entry::new(&name, nobody, "");
        if ["web-01", "db1"].contains(&name.as_str()) {
            entry.lines.push("Tag eu".into());
        }
        fleet.add(entry);
    }
    let place = fleet.home().join(".config/scout");
    std::fs::create_dir_all(&place).unwrap();
    let tags = "[tags]\ndb = [\"db*\", \"pg[1-2]\"]\nold = \"web-12\"\n";
    std::fs::write(place.join("scout.toml"), tags).unwrap();
    fleet
}

#[tokio::test]
async fn the_tool_and_the_command_line_select_the_same() {
    let fleet = fleet().await;
    let server = TestServer::start(&fleet).await;
    let client = server.client(Era::Modern);
    for (expression, selected, folded) in [
        ("web-*", 12, "web-[01-12]"),
        ("web-[01-06],!web-0[3,5]", 4, "web-[01-02,04,06]"),
        ("r[1-2]-n[1-2]", 4, "r[1-2]-n[1-2]"),
        ("@eu", 2, "db1,web-01"),
        ("@db,@eu,!db1", 3, "db[2-3],web-01"),
        ("all,!web-*,!r*", 3, "db[1-3]"),
        ("!@db,!r*,!web-1?", 9, "web-[01-09]"),
        (" db? , @old ", 4, "db[1-3],web-12"),
        ("db2", 1, "db2"),
    ] {
        let arguments = json!({"filter": expression, "probe": false});
        let answer = client.call_tool("hosts", arguments).await;
        assert!(!answer.is_error, "{expression}: {}", answer.text);
        let structured = answer.structured;
        assert_eq!(structured["selected"], selected, "{expression}");
        assert_eq!(structured["folded"], folded, "{expression}");
        assert_eq!(structured["hosts"].as_array().unwrap().len(), selected);
        let hosts = if selected == 1 { "host" } else { "hosts" };
        let last = format!("{selected} {hosts}: {folded}");
        assert_eq!(answer.text.lines().last(), Some(last.as_str()));

        // What is shown as a short expression selects the same again.
        let arguments = ["hosts", folded, "--no-probe"];
        let end = run_cli(&fleet, &arguments, WITHIN).await;
        assert_eq!(end.code(), Some(0), "{}", end.stderr);
        assert_eq!(end.stdout.trim_end(), answer.text, "{expression}");
    }
}

#[tokio::test]
async fn a_list_without_a_filter_shows_the_tags_of_both_configurations() {
    let fleet = fleet().await;
    let end = run_cli(&fleet, &["hosts", "--no-probe"], WITHIN).await;
    let line = |name: &str| {
        let mut lines = end.stdout.lines();
        let line = lines.find(|line| line.contains(&format!(" {name} ")));
        line.unwrap().rsplit_once(":1").unwrap().1.to_owned()
    };
    assert_eq!(
        (line("db1"), line("db2")),
        (" @eu @db".into(), " @db".into())
    );
    assert_eq!(
        (line("web-01"), line("web-02")),
        (" @eu".into(), String::new())
    );
    assert!(!end.stdout.contains("hosts: "), "{}", end.stdout);
    let check = run_cli(&fleet, &["check"], WITHIN).await;
    let said = "warning: the tag `db` is given to `pg[1-2]`: 2 unknown hosts: pg[1-2]";
    assert!(check.stdout.contains(said), "{}", check.stdout);
}

#[tokio::test]
async fn a_mistake_is_shown_where_it_stands() {
    let fleet = fleet().await;
    let server = TestServer::start(&fleet).await;
    let client = server.client(Era::Modern);
    for (expression, code, message) in [
        (
            "web-01,web-[05-x]",
            "bad_expression",
            "brackets hold numbers and ranges of numbers only (at position 15)\nweb-01,web-[05-x]\n               ^",
        ),
        (
            "db[1-5]",
            "unknown_host",
            "2 unknown hosts: db[4-5] (at position 0)\ndb[1-5]\n^",
        ),
        (
            "web-*,!web-O7",
            "unknown_host",
            "unknown host `web-O7` (at position 6)\nweb-*,!web-O7\n      ^",
        ),
        (
            "web-*,@bd",
            "unknown_tag",
            "unknown tag `bd` (at position 6)\nweb-*,@bd\n      ^",
        ),
        (
            "a;\u{1b}[2J,x",
            "bad_expression",
            "the character ';' cannot stand here (at position 1)\na;\\u{1b}[2J,x\n ^",
        ),
        (
            "w[0-999999999999]",
            "bad_expression",
            "the ranges spell out more than 10000 names (at position 0)\nw[0-999999999999]\n^",
        ),
        (
            "zz*",
            "no_host_selected",
            "the host expression selects no host (at position 0)\nzz*\n^",
        ),
        ("db9", "unknown_host", "unknown host `db9`"),
    ] {
        let arguments = json!({"filter": expression, "probe": false});
        let answer = client.call_tool("hosts", arguments).await;
        assert!(answer.is_error, "{expression}: {}", answer.text);
        let structured = answer.structured;
        let found = (&structured["code"], &structured["message"]);
        assert_eq!(found, (&json!(code), &json!(message)), "{expression}");
        assert!(structured["hint"].is_string(), "{structured}");
        let end = run_cli(&fleet, &["hosts", expression, "--no-probe"], WITHIN).await;
        assert_eq!(end.code(), Some(1), "{}", end.stdout);
        assert!(end.stderr.contains(message), "{}", end.stderr);
    }
}

#[tokio::test]
async fn a_hidden_host_is_no_host_however_it_is_asked_for() {
    let fleet = fleet().await;
    let server = TestServer::builder(&fleet)
        .env("SCOUT_BLOCKLIST", "db*,web-12")
        .start()
        .await;
    let client = server.client(Era::Modern);
    let ask = async |expression: &str| {
        let arguments = json!({"filter": expression, "probe": false});
        client.call_tool("hosts", arguments).await
    };
    // Each beside one of the same length for which there is no host and no tag at all.
    for (hidden, nobody) in [
        ("web-12", "web-77"),
        ("web-01,web-12", "web-01,web-77"),
        ("web-[11-12]", "web-[11,77]"),
        ("all,!web-12", "all,!web-77"),
        ("web-12*", "web-77*"),
        ("@old", "@odd"),
        ("@db", "@xb"),
        ("all,!@db", "all,!@xb"),
    ] {
        let plain = |text: String| {
            let text = text.replace("web-77", "web-12").replace("11,77", "11-12");
            text.replace("@odd", "@old")
                .replace("`odd`", "`old`")
                .replace("xb", "db")
        };
        let (hidden, nobody) = (ask(hidden).await, ask(nobody).await);
        assert!(hidden.is_error, "{}", hidden.text);
        assert_eq!(hidden.text, plain(nobody.text));
    }
    for (expression, folded) in [
        ("*", "r[1-2]-n[1-2],web-[01-11]"),
        ("@eu", "web-01"),
        ("web-1*", "web-[10-11]"),
    ] {
        let structured = ask(expression).await.structured;
        assert_eq!(structured["folded"], folded, "{expression}");
    }
}
