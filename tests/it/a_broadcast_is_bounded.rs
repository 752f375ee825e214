//! However much a hundred hosts have to say, one answer stays within its bounds: what is equal counts
//! once, what differs shares the room, and whatever is cut says so, with how much there was.

use std::time::{Duration, Instant};

use serde_json::json;

use crate::support::account::let_through;
use crate::support::broadcast::{broadcast, group_of, odd, operator};
use crate::support::client::Era;
use crate::support::fleet::Fleet;
use crate::support::server::TestServer;

/// What the text of an answer may have: 256 KiB of answers, and a little around them.
const TEXT: usize = (256 << 10) + (8 << 10);

#[tokio::test]
async fn what_differs_shares_the_room_of_one_answer() {
    let fleet = Fleet::builder().shared(20).start().await;
    let server = TestServer::builder(&fleet)
        .env("SCOUT_ROLE", "operator")
        .env("SCOUT_MAX_OUTPUT_SIZE", "2MB")
        .start()
        .await;
    let client = server.client(Era::Modern);
    // Everyone's half megabyte begins with an address of its own.
    let command = "echo \"$SSH_CONNECTION\" | cut -d' ' -f3; yes | head -c 500000";
    let result = broadcast(&client, json!({"hosts": "all", "command": command})).await;
    assert!(!result.is_error, "{}", result.text);
    let groups = result.structured["groups"].as_array().unwrap();
    assert_eq!(groups.len(), 20);
    let mut kept = 0;
    for group in groups {
        assert_eq!(group["truncated"], true);
        let total = group["stdout_bytes"].as_u64().unwrap();
        assert!((500_005..500_020).contains(&total), "{total}");
        kept += group["stdout"].as_str().unwrap().len();
    }
    assert!((1_900_000..=2_000_000).contains(&kept), "{kept}");
    assert!(result.text.len() < TEXT, "{}", result.text.len());
    assert_eq!(result.text.matches("\n[truncated at 1310").count(), 20);
}

#[tokio::test]
async fn outputs_that_differ_only_behind_the_cut_are_not_equal() {
    let fleet = Fleet::builder().shared(3).start().await;
    let server = operator(&fleet).await;
    let client = server.client(Era::Modern);
    let long = |end: &str| format!("yes | head -c 400000; echo {end}");
    let command = odd(&fleet, &[("web-02", &long("y"))], &long("x"));
    let arguments = json!({"hosts": "all", "command": command, "max_bytes": 1000});
    let result = broadcast(&client, arguments).await;
    let groups = result.structured["groups"].as_array().unwrap();
    assert_eq!(groups.len(), 2, "{}", result.text);
    assert_eq!(groups[0]["hosts"], json!(["web-01", "web-03"]));
    let both = [&groups[0]["stdout"], &groups[1]["stdout"]];
    assert_eq!(both[0], both[1], "what is shown is the same");

    let lines = json!({"hosts": "all", "path": "/etc/passwd", "tail": 3, "max_bytes": 10});
    let refused = broadcast(&client, lines).await;
    assert_eq!(refused.structured["code"], "invalid", "{}", refused.text);
}

#[tokio::test]
async fn what_is_equal_counts_once() {
    let fleet = Fleet::builder().shared(20).start().await;
    let server = operator(&fleet).await;
    let client = server.client(Era::Modern);
    let command = odd(&fleet, &[("web-05", "echo odd")], "yes | head -c 200000");
    let result = broadcast(&client, json!({"hosts": "all", "command": command})).await;
    let group = group_of(&result, "web-01");
    assert_eq!(
        (&group["count"], &group["truncated"]),
        (&json!(19), &json!(false))
    );
    assert_eq!(group["stdout"].as_str().unwrap().len(), 200_000);
    assert!(!result.text.contains("truncated"));

    let arguments = json!({"hosts": "all", "command": command, "fold": false});
    let unfolded = broadcast(&client, arguments).await;
    assert!(unfolded.text.len() < TEXT, "{}", unfolded.text.len());
    assert_eq!(unfolded.text.matches("═══ web-").count(), 20);
    assert_eq!(unfolded.text.matches(" bytes] of 200000\n").count(), 19);
    assert!(unfolded.text.contains(" ═══\nodd\n\n") || unfolded.text.contains("═\nodd\n\n"));
}

#[tokio::test]
async fn what_is_kept_of_files_and_listings_leaves_room_for_the_next() {
    let place = tempfile::tempdir().unwrap();
    let_through(place.path());
    let fleet = Fleet::builder().shared(24).start().await;
    let server = TestServer::builder(&fleet)
        .env("SCOUT_MAX_OUTPUT_SIZE", "2400KiB")
        .env("SCOUT_OUTPUT_BUDGET", "24MiB")
        .start()
        .await;
    let client = server.client(Era::Modern);
    let targets: Vec<_> = (1..=24)
        .map(|number| {
            let path = place.path().join(number.to_string());
            let content = format!("{number}\n") + &"0123456789abcde\n".repeat(1 << 16);
            std::fs::write(&path, &content[..1 << 20]).unwrap();
            format!("web-{number:02}:{}", path.display())
        })
        .collect();
    let lists: Vec<_> = (1..=24)
        .map(|number| {
            let path = place.path().join(format!("dir-{number}"));
            std::fs::create_dir_all(path.join(format!("file-{number}"))).unwrap();
            format!("web-{number:02}:{}", path.display())
        })
        .collect();
    let listed = broadcast(&client, json!({"targets": lists, "deadline_s": 25})).await;
    assert!(!listed.is_error, "{}", listed.structured["states"]);
    assert_eq!(listed.structured["groups"].as_array().unwrap().len(), 24);
    let arguments = json!({"targets": targets, "deadline_s": 25});
    let result = broadcast(&client, arguments).await;
    assert!(!result.is_error, "{}", result.structured["states"]);
    for group in result.structured["groups"].as_array().unwrap() {
        assert_eq!(
            (&group["size"], &group["truncated"]),
            (&json!(1 << 20), &json!(true))
        );
        assert_eq!(group["content"].as_str().unwrap().len(), 100 << 10);
    }
}

#[tokio::test]
async fn every_host_may_give_what_was_asked_for_and_no_more() {
    let fleet = Fleet::builder().shared(3).start().await;
    let server = operator(&fleet).await;
    let client = server.client(Era::Modern);
    let command = "yes | head -c 5000; yes | head -c 6000 >&2";
    let result = broadcast(
        &client,
        json!({"hosts": "all", "command": command, "max_bytes": 1000}),
    )
    .await;
    let group = group_of(&result, "web-01");
    assert_eq!(group["count"], 3);
    assert_eq!(
        (&group["stdout_bytes"], &group["stderr_bytes"]),
        (&json!(5000), &json!(6000))
    );
    assert_eq!(group["stdout"].as_str().unwrap().len(), 1000);
    for total in ["5000\n[stderr]\n", "6000\n\n───"] {
        let mark = format!("\n[truncated at 1000 bytes] of {total}");
        assert!(result.text.contains(&mark), "{}", result.text);
    }
    let arguments = json!({"hosts": "all", "path": "/etc/services", "max_bytes": 100});
    let result = broadcast(&client, arguments).await;
    let group = group_of(&result, "web-02");
    assert_eq!(
        (&group["count"], &group["truncated"]),
        (&json!(3), &json!(true))
    );
    assert_eq!(group["content"].as_str().unwrap().len(), 100);
}

#[tokio::test]
async fn no_list_of_targets_costs_more_than_a_broadcast_may() {
    let fleet = Fleet::builder().shared(20).start().await;
    let server = operator(&fleet).await;
    let client = server.client(Era::Modern);
    let before = server.program().rss_mib();
    // All hosts, each in twenty thousand places; and the same place over and over.
    let many: Vec<String> = (0..20_000).map(|at| format!("all:/tmp/{at}")).collect();
    let same: Vec<String> = (0..20_000).map(|_| "all:/tmp".to_owned()).collect();
    for targets in [many, same] {
        let began = Instant::now();
        let result = broadcast(&client, json!({"targets": targets, "command": "true"})).await;
        assert_eq!(result.structured["code"], "invalid", "{}", result.text);
        assert!(result.text.contains("1024"), "{}", result.text);
        assert!(began.elapsed() < Duration::from_secs(5));
    }
    let grown = server.program().rss_mib() - before;
    assert!(grown < 64.0, "{grown} MiB");
}
