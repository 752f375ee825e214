//! The forms of the sources take nothing away from paths, and absent programs are told from broken ones.

use super::{fleet_with, refusal};
use crate::support::client::Era;
use crate::support::programs::Programs;
use crate::support::server::TestServer;
use crate::support::sshd::config::SshdConfig;

#[tokio::test]
async fn an_absent_program_is_said_to_be_absent() {
    let fleet = fleet_with(|fleet| SshdConfig {
        env: vec![Programs::basic(fleet.dir()).env()],
        // Where Scout looks too, for a program that the path of the account does not have.
        mounts: hidden(fleet.dir()),
        ..SshdConfig::default()
    })
    .await;
    let server = TestServer::start(&fleet).await;
    let client = server.client(Era::Modern);
    for (uri, name) in [
        ("web-01://docker", "docker"),
        ("web-01://docker/app/logs", "docker"),
        ("docker://web_1", "docker"),
        ("web-01://compose", "docker compose"),
        ("web-01://compose/shop", "docker compose"),
        ("web-01://compose/shop/logs", "docker compose"),
        ("web-01://zfs", "zpool"),
        ("web-01://zfs/tank", "zpool"),
        ("web-01://zfs/tank/datasets", "zfs"),
        ("web-01://zfs/snapshots", "zfs"),
    ] {
        if is_beyond_hiding(name) {
            eprintln!("SKIPPED: `{name}`, which this machine has where it cannot be hidden");
            continue;
        }
        let (code, message) = refusal(&client, uri).await;
        assert_eq!(code, "not_installed", "{uri}: {message}");
        let host = if uri.ends_with("web_1") {
            "web_1"
        } else {
            "web-01"
        };
        let expected =
            format!("`{name}` is not installed on `{host}`, or not in the PATH of the account");
        assert_eq!(message, expected, "{uri}");
    }
}

#[tokio::test]
async fn a_path_that_begins_like_a_source_is_still_a_path() {
    let fleet = fleet_with(|_| SshdConfig::default()).await;
    let server = TestServer::start(&fleet).await;
    let client = server.client(Era::Modern);
    let uris = [
        "web-01://docker/compose.yml",
        "web-01:///docker",
        "scout://web-01/docker",
        "web-01://compose/docker-compose.yml",
        "web-01:///zfs",
        "scout://web-01/syslog",
    ];
    for uri in uris {
        super::is_not_found(&client, uri).await;
    }
    let metrics = server.metrics().await;
    let reads = |scheme| {
        let labels = [("scheme", scheme), ("outcome", "failed")];
        metrics.value("scout_resource_reads_total", &labels)
    };
    assert_eq!((reads("host"), reads("scout")), (Some(4.0), Some(2.0)));
    for scheme in ["docker", "compose", "zfs", "syslog"] {
        assert_eq!(reads(scheme), Some(0.0), "{scheme}");
    }
}

/// An empty directory in place of the one beyond the path where this machine may have docker.
fn hidden(dir: &std::path::Path) -> Vec<(std::path::PathBuf, std::path::PathBuf)> {
    if !crate::support::account::is_root() {
        return Vec::new();
    }
    let empty = dir.join("empty");
    std::fs::create_dir(&empty).unwrap();
    vec![(empty, "/usr/local/bin".into())]
}

fn is_beyond_hiding(name: &str) -> bool {
    let program = name.split(' ').next().unwrap_or(name);
    let beyond: &[&str] = match crate::support::account::is_root() {
        true => &["/usr/local/sbin", "/usr/sbin", "/snap/bin"],
        false => &[
            "/usr/local/bin",
            "/usr/local/sbin",
            "/usr/sbin",
            "/snap/bin",
        ],
    };
    beyond
        .iter()
        .any(|dir| std::path::Path::new(dir).join(program).exists())
}
