//! A file that should be the same everywhere is read in one call: hosts with the same content are one
//! group, by the hash of all of it, and those that drifted stand out with what differs.

use serde_json::json;
use sha2::{Digest as _, Sha256};

use crate::support::account::let_through;
use crate::support::broadcast::{broadcast, group_of};
use crate::support::client::Era;
use crate::support::fleet::Fleet;
use crate::support::server::TestServer;
use crate::support::sshd::config::SshdConfig;

#[tokio::test]
async fn what_all_hosts_have_the_same_is_read_once_and_what_drifted_is_found() {
    let place = tempfile::tempdir().unwrap();
    let_through(place.path());
    let config = "Port 22\nPermitRootLogin no\nUseDNS no\n";
    let drifted = "Port 22\nPermitRootLogin yes\nUseDNS no\n";
    let mut builder = Fleet::builder();
    for (index, content) in [Some(config), Some(config), Some(drifted), None]
        .iter()
        .enumerate()
    {
        let dir = place.path().join(format!("home-{index}"));
        std::fs::create_dir(&dir).unwrap();
        if let Some(content) = content {
            std::fs::write(dir.join("app.conf"), content).unwrap();
        }
        let sftp = format!("Subsystem sftp internal-sftp -d {}", dir.display());
        builder = builder.hosts_with(
            1,
            &SshdConfig {
                sftp: false,
                lines: vec![sftp],
                ..SshdConfig::default()
            },
        );
    }
    let fleet = builder.start().await;
    let server = TestServer::start(&fleet).await;
    let client = server.client(Era::Modern);
    let result = broadcast(&client, json!({"hosts": "web-*", "path": "~/app.conf"})).await;
    let groups = result.structured["groups"].as_array().unwrap();
    assert_eq!(groups.len(), 3, "{}", result.text);
    let sum = |text: &str| -> String {
        let sum = Sha256::digest(text);
        sum.iter().map(|byte| format!("{byte:02x}")).collect()
    };
    for (group, hosts, content) in [
        (&groups[0], json!(["web-01", "web-02"]), config),
        (&groups[1], json!(["web-03"]), drifted),
    ] {
        assert_eq!(group["hosts"], hosts);
        assert_eq!(
            (&group["kind"], &group["content"]),
            (&json!("file"), &json!(content))
        );
        assert_eq!(
            (&group["sha256"], &group["size"]),
            (&json!(sum(content)), &json!(content.len()))
        );
    }
    assert_eq!(
        (&groups[1]["lines_more"], &groups[1]["lines_less"]),
        (&json!(1), &json!(1))
    );
    assert_eq!(
        (&groups[2]["state"], &groups[2]["code"]),
        (&json!("failed"), &json!("not_found"))
    );
    let first = format!(
        "web-[01-02] (2), {} bytes, sha256 {:.12}:\n{config}\n",
        config.len(),
        sum(config)
    );
    assert!(result.text.starts_with(&first), "{}", result.text);
    assert!(
        result
            .text
            .ends_with("─── 3/4 hosts succeeded ─── 1 failed"),
        "{}",
        result.text
    );
    assert!(result.is_error);

    let listed = broadcast(&client, json!({"hosts": "web-01,web-04", "path": "~"})).await;
    assert!(!listed.is_error, "{}", listed.text);
    assert_eq!(
        group_of(&listed, "web-01")["entries"][0]["name"],
        "app.conf"
    );
    assert_eq!(group_of(&listed, "web-04")["entries"], json!([]));
}

#[tokio::test]
async fn files_that_are_read_in_part_are_told_apart_by_the_hash_of_the_whole() {
    let place = tempfile::tempdir().unwrap();
    let_through(place.path());
    for (name, end) in [("a", "x"), ("b", "x"), ("c", "y")] {
        let content = "0123456789\n".repeat(20_000) + end;
        std::fs::write(place.path().join(name), content).unwrap();
    }
    let fleet = Fleet::builder().shared(3).start().await;
    let server = TestServer::builder(&fleet)
        .env("SCOUT_MAX_FILE_SIZE", "16KiB")
        .start()
        .await;
    let client = server.client(Era::Modern);
    let at = |host: &str, name: &str| format!("{host}:{}/{name}", place.path().display());
    let targets = [
        at("web-01", "a"),
        at("web-02", "b"),
        at("web-03", "c"),
        at("web-01", "a"),
    ];
    let result = broadcast(&client, json!({"targets": targets})).await;
    assert!(!result.is_error, "{}", result.text);
    assert_eq!(
        result.structured["total"], 3,
        "what is named twice is there once"
    );
    let groups = result.structured["groups"].as_array().unwrap();
    assert_eq!(groups.len(), 2, "{}", result.text);
    assert_eq!(groups[0]["targets"], json!(targets[..2]));
    for group in groups {
        assert_eq!(
            (&group["truncated"], &group["size"]),
            (&json!(true), &json!(220_001))
        );
        assert_eq!(group["content"].as_str().unwrap().len(), 16 << 10);
        assert_eq!(group["sha256"].as_str().unwrap().len(), 64);
    }
    assert!(
        result.text.contains("[truncated at 16384 bytes]"),
        "{}",
        result.text
    );
    // What is behind the cut was made the same by nobody.
    let arguments = json!({"targets": targets, "normalize": ["space"]});
    let normalized = broadcast(&client, arguments).await;
    let groups = normalized.structured["groups"].as_array().unwrap();
    assert_eq!(groups.len(), 2, "{}", normalized.text);
}

#[tokio::test]
async fn files_that_are_taken_for_equal_have_no_size_in_common() {
    let place = tempfile::tempdir().unwrap();
    let_through(place.path());
    std::fs::write(place.path().join("a"), "a \n").unwrap();
    std::fs::write(place.path().join("b"), "a\n").unwrap();
    let fleet = Fleet::builder().shared(2).start().await;
    let server = TestServer::start(&fleet).await;
    let at = |host: &str, name: &str| format!("{host}:{}/{name}", place.path().display());
    let targets = [at("web-01", "a"), at("web-02", "b")];
    let arguments = json!({"targets": targets, "normalize": ["space"]});
    let result = broadcast(&server.client(Era::Modern), arguments).await;
    let groups = result.structured["groups"].as_array().unwrap();
    assert_eq!(groups.len(), 1, "{}", result.text);
    assert!(groups[0].get("size").is_none() && groups[0].get("sha256").is_none());
    assert!(!result.text.contains("bytes"), "{}", result.text);
}
