//! How a copy is told of: to a client while it is under way, and to who types it.

use std::time::Duration;

use serde_json::{Value, json};

use super::{on, serve};
use crate::support::chaos::{Chaos, Mode};
use crate::support::client::{Era, ToolResult};
use crate::support::fleet::Fleet;
use crate::support::server::run_cli;
use crate::support::yard::{Yard, same};

const PATIENCE: Duration = Duration::from_secs(60);

#[tokio::test]
async fn a_client_that_asks_hears_how_far_it_is() {
    let mut fleet = Fleet::start(1).await;
    let yard = Yard::new(&fleet);
    let slow = Chaos::before(fleet.sshd(0).address()).await;
    fleet.reroute("web-01", slow.address());
    let server = serve(&fleet, &yard).await;
    let source = yard.local("a", 6 << 20, 1);
    slow.set(Mode::Rate(4 << 20));
    for era in [Era::Modern, Era::Legacy] {
        let client = server.client(era);
        if matches!(era, Era::Legacy) {
            client.initialize().await;
        }
        let to = on("web-01", &yard.there.join(format!("{era:?}")));
        let params = json!({
            "name": "copy",
            "arguments": {"from": source.display().to_string(), "to": to},
            "_meta": {"progressToken": "t"},
        });
        let reply = client.request("tools/call", params).await;
        let steps: Vec<_> = reply
            .frames
            .iter()
            .filter(|frame| frame["method"] == "notifications/progress")
            .map(|frame| frame["params"].clone())
            .collect();
        assert!((2..=40).contains(&steps.len()), "{era:?}: {steps:?}");
        let numbers: Vec<_> = steps
            .iter()
            .map(|step| step["progress"].as_f64().unwrap())
            .collect();
        assert!(numbers.is_sorted(), "{numbers:?}");
        let all = f64::from(6 << 20);
        assert_eq!(steps.last().unwrap()["progress"], all);
        assert_eq!(steps.last().unwrap()["total"], all);
        assert_eq!(steps.last().unwrap()["message"], format!("{era:?}"));
        assert!(!ToolResult::from_value(reply.result().unwrap()).is_error);
    }
}

#[tokio::test]
async fn the_command_line_copies_as_scp_does() {
    let fleet = Fleet::start(1).await;
    let yard = Yard::new(&fleet);
    let source = yard.local("a b", 70_000, 1);
    let run = async |args: &[&str]| {
        let mut all = vec!["copy"];
        all.extend(args);
        run_cli(&fleet, &all, PATIENCE).await
    };
    let (from, to) = (
        source.display().to_string(),
        format!("{}/", on("web-01", &yard.there)),
    );
    let up = run(&[&from, &to]).await;
    assert_eq!(up.code(), Some(0), "{}", up.stderr);
    assert!(up.stdout.starts_with("✓ Uploaded "), "{}", up.stdout);
    assert!(up.stdout.contains("\n  Size: 68.36 KB"), "{}", up.stdout);
    assert_eq!(up.stderr, "", "no progress where nobody watches");
    let copied = yard.there.join("a b");
    assert!(same(&source, &copied));
    let back = yard.here.join("back").display().to_string();
    let down = run(&[&on("web-01", &copied), &back, "--json"]).await;
    let report: Value = serde_json::from_str(&down.stdout).unwrap();
    assert_eq!(
        (&report["outcome"], down.code()),
        (&json!("copied"), Some(0))
    );
    let again = run(&[&on("web-01", &copied), &back, "--json"]).await;
    let report: Value = serde_json::from_str(&again.stdout).unwrap();
    assert_eq!((&report["code"], again.code()), (&json!("exists"), Some(1)));
    assert_eq!(
        run(&[&on("web-01", &copied), &back, "--overwrite"])
            .await
            .code(),
        Some(0)
    );
    let both = run(&["/etc/hosts", "/tmp/x"]).await;
    assert!(
        both.stderr.contains("one must be on a host"),
        "{}",
        both.stderr
    );
}
