//! Copies, searches and comparisons with hosts that send more than anything has.

use std::time::{Duration, Instant};

use futures_util::future::join_all;
use serde_json::{Value, json};

use super::{Stage, lying};
use crate::support::hostile::Sftp;

/// The most memory the server ever had, in MiB.
fn peak(stage: &Stage) -> f64 {
    let pid = stage.server.program().pid();
    let status = std::fs::read_to_string(format!("/proc/{pid}/status")).unwrap();
    let line = status.lines().find(|line| line.starts_with("VmHWM:"));
    let kib = line.unwrap().split_whitespace().nth(1).unwrap();
    kib.parse::<f64>().unwrap() / 1024.0
}

/// The names in the directory that is open to copies.
fn arrived(stage: &Stage) -> Vec<std::path::PathBuf> {
    let entries = std::fs::read_dir(&stage.here).unwrap();
    entries.map(|entry| entry.unwrap().path()).collect()
}

fn copy(stage: &Stage, index: usize, from: &str, to: &str) -> Value {
    let to = stage.here.join(to).display().to_string();
    json!({"from": format!("bad-{index}:{from}"), "to": to})
}

#[tokio::test]
async fn a_file_without_an_end_fills_no_disk() {
    let stage = Stage::set(&[lying(Sftp::Growing), lying(Sftp::Vast)]).await;
    let began = Instant::now();
    let copied = stage
        .call("copy", copy(&stage, 0, "/srv/a.iso", "a.iso"))
        .await;
    assert_eq!(copied.structured["code"], "size_unknown", "{}", copied.text);
    assert!(
        began.elapsed() < Duration::from_secs(4),
        "it is not read on"
    );
    assert!(arrived(&stage).is_empty(), "{:?}", arrived(&stage));
    // Sizes whose sum is no number.
    let copied = stage.call("copy", copy(&stage, 1, "/srv", "vast")).await;
    assert!(copied.is_error, "{}", copied.text);
    assert_eq!(
        copied.structured["code"], "deadline_passed",
        "{}",
        copied.text
    );
    let both = json!({"host": "bad-1", "path": "/srv", "other": "bad-1:/opt"});
    let compared = stage.call("diff", both).await;
    assert_eq!(compared.structured["same"], false, "{}", compared.text);
    stage.is_well().await;
}

#[tokio::test]
async fn a_tree_without_an_end_fills_no_memory() {
    let stage = Stage::set(&[lying(Sftp::Bloated), lying(Sftp::LongLinks)]).await;
    let before = peak(&stage);
    let copies = (0..4).map(|at| {
        stage.call(
            "copy",
            copy(&stage, 0, &format!("/srv/{at}"), &format!("c{at}")),
        )
    });
    for copied in join_all(copies).await {
        let code = copied.structured["code"].as_str().unwrap_or_default();
        let expected = ["too_many_files", "deadline_passed"];
        assert!(expected.contains(&code), "{}", copied.text);
    }
    println!("copies: {:.0} MiB", peak(&stage) - before);
    let finds = (0..8).map(|at| {
        let path = format!("/srv/{at}");
        stage.call(
            "find",
            json!({"host": "bad-0", "path": path, "name": "nothing"}),
        )
    });
    for found in join_all(finds).await {
        assert_eq!(found.structured["complete"], false, "{}", found.text);
    }
    println!("finds: {:.0} MiB", peak(&stage) - before);
    let both = json!({"host": "bad-1", "path": "/srv", "other": "bad-1:/opt"});
    let compared = stage.call("diff", both).await;
    assert_eq!(compared.structured["same"], false, "{}", compared.text);
    let grown = peak(&stage) - before;
    println!("diff: {grown:.0} MiB");
    assert!(grown < 256.0, "{grown:.0} MiB");
    stage.is_well().await;
}
