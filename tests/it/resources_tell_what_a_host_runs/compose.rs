//! Compose projects, their files and their logs, by the real compose plugin in front of a stub of the engine.

use std::path::Path;

use serde_json::json;

use super::{ERAS, fleet_with, is_not_found, refusal, suggested, text};
use crate::support::account::is_root;
use crate::support::client::Era;
use crate::support::engine::{Container, Engine};
use crate::support::fleet::Fleet;
use crate::support::programs::{Programs, compose, docker};
use crate::support::server::TestServer;
use crate::support::sshd::config::SshdConfig;

fn containers(dir: &Path) -> Vec<Container> {
    let one = |name, project, service, files: String| Container {
        name,
        image: "app",
        state: "running",
        status: "Up 2 hours",
        project: Some((project, service)),
        files,
        lines: vec![
            (1, format!("{service} says out")),
            (2, format!("{service} says err")),
        ],
    };
    let dir = dir.display();
    let shop = format!("{dir}/shop, old/compose.yaml,{dir}/override.yaml");
    vec![
        one("shop-web-1", "shop", "web", shop.clone()),
        one("shop-db-1", "shop", "db", shop),
        Container {
            state: "exited",
            status: "Exited (0) 2 days ago",
            ..one("gone-job-1", "gone", "job", format!("{dir}/gone.yaml"))
        },
    ]
}

/// A host with docker, its compose plugin and an engine.
async fn start() -> Option<(Fleet, Engine)> {
    let (Some(docker), Some(compose)) = (docker(), compose()) else {
        eprintln!("SKIPPED: docker or its compose plugin is not there; tests/run unpacks them");
        return None;
    };
    let mut engine = None;
    let fleet = fleet_with(|fleet| {
        let dir = fleet.dir();
        let shop = dir.join("shop, old");
        std::fs::create_dir(&shop).unwrap();
        std::fs::write(
            shop.join("compose.yaml"),
            "services:\n  web: {image: app}\n",
        )
        .unwrap();
        let plugins = dir.join("docker/cli-plugins");
        std::fs::create_dir_all(&plugins).unwrap();
        std::fs::copy(compose, plugins.join("docker-compose")).unwrap();
        let programs = Programs::basic(dir).with("docker", &docker);
        let started = Engine::start(dir, containers(dir));
        // Where a login begins, a file lies that compose would read first, and stumble over.
        let home = dir.join("home-of-the-account");
        std::fs::create_dir(&home).unwrap();
        std::fs::write(home.join(".env"), "A=${B:?is missing}\n").unwrap();
        let mounts = match is_root() {
            true => vec![(home, fleet.account().home.clone())],
            false => Vec::new(),
        };
        let config = format!("DOCKER_CONFIG={}", dir.join("docker").display());
        let file = "COMPOSE_FILE=/no/such/compose.yaml".into();
        let env = vec![programs.env(), started.env(), config, file];
        engine = Some(started);
        SshdConfig {
            env,
            mounts,
            ..SshdConfig::default()
        }
    })
    .await;
    Some((fleet, engine?))
}

#[tokio::test]
async fn projects_are_listed_with_their_files_and_where_to_go_on() {
    let Some((fleet, engine)) = start().await else {
        return;
    };
    let server = TestServer::start(&fleet).await;
    let dir = fleet.dir().display();
    for era in ERAS {
        let client = server.client(era);
        for base in ["web-01://compose", "compose://web_1"] {
            let expected = format!(
                "○ gone\n  Status: exited(1)\n  Files: {dir}/gone.yaml\n  Contents: {base}/gone\n  Logs: {base}/gone/logs\n\
                 ● shop\n  Status: running(2)\n  Files: {dir}/shop, old/compose.yaml\n    {dir}/override.yaml\n  Contents: {base}/shop\n  Logs: {base}/shop/logs\n"
            );
            assert_eq!(text(&client, base).await, expected);
        }
        let found = suggested(&client, "compose://{host}/{project}", "project", "s").await;
        assert_eq!(found, json!(["shop"]));
    }
    let looking = |asked: &String| asked.starts_with("GET ") || asked.starts_with("HEAD ");
    assert!(engine.asked().iter().all(looking), "{:?}", engine.asked());
}

/// What docker and compose would print where somebody can label containers: they write out in JSON
/// whatever is there.
#[tokio::test]
async fn what_a_container_is_labelled_with_forges_no_line() {
    let fleet = fleet_with(|fleet| {
        let script = r#"case $1 in
compose) printf '%s\n' '[{"Name":"shop","Status":"running(1)\n● bank","ConfigFiles":"/a\n● bank\n  Status: running(9)"},{"Name":"x\n● bank","Status":"","ConfigFiles":"/x"}]' ;;
*) printf '%s\t' '"web\n● bank"' '"app\n● bank"'; printf '%s\n' '"Up\r\n● bank"' ;;
esac"#;
        let programs = Programs::basic(fleet.dir()).script("docker", script);
        SshdConfig {
            env: vec![programs.env()],
            ..SshdConfig::default()
        }
    })
    .await;
    let server = TestServer::start(&fleet).await;
    let client = server.client(Era::Modern);
    let base = "web-01://compose";
    let expected = format!(
        "● shop\n  Status: running(1)\\n● bank\n  Files: /a\\n● bank\\n  Status: running(9)\n  Contents: {base}/shop\n  Logs: {base}/shop/logs\n\
         ○ x\\n● bank\n  Status: \n  Files: /x\n"
    );
    assert_eq!(text(&client, base).await, expected);
    let expected = "● web\\n● bank\n  Status: Up\\u{d}\\n● bank\n  Image: app\\n● bank\n";
    assert_eq!(text(&client, "web-01://docker").await, expected);
}

#[tokio::test]
async fn a_project_is_its_files_and_one_that_cannot_be_read_says_so() {
    let Some((fleet, _engine)) = start().await else {
        return;
    };
    let server = TestServer::start(&fleet).await;
    let client = server.client(Era::Modern);
    let dir = fleet.dir().display();
    for (uri, host) in [
        ("web-01://compose/shop", "web-01"),
        ("compose://web_1/shop", "web_1"),
    ] {
        let expected = format!(
            "# Compose: shop@{host}\n# File: {dir}/shop, old/compose.yaml\nservices:\n  web: {{image: app}}\n\
             # File: {dir}/override.yaml\n[cannot be read: `{dir}/override.yaml` on `{host}` does not exist]"
        );
        assert_eq!(text(&client, uri).await, expected);
    }
    let (code, message) = refusal(&client, "web-01://compose/gone").await;
    assert_eq!(code, "files_unreadable");
    assert!(
        message.contains("gone.yaml` on `web-01` does not exist"),
        "{message}"
    );
    for uri in [
        "web-01://compose/nobody",
        "web-01://compose/nobody/logs",
        "compose://web_1/nobody",
        "web-01://compose/-p",
        "web-01://compose/..",
        "web-01://compose/Shop",
        "web-01://compose/shop%00",
    ] {
        match uri.contains("%00") {
            // No path has a NUL either.
            true => assert!(super::read(&client, uri).await.is_err()),
            false => is_not_found(&client, uri).await,
        }
    }
}

#[tokio::test]
async fn logs_of_a_project_are_those_of_its_containers_and_of_no_other() {
    let Some((fleet, engine)) = start().await else {
        return;
    };
    let server = TestServer::start(&fleet).await;
    let client = server.client(Era::Modern);
    let logs = text(&client, "web-01://compose/shop/logs").await;
    let mut lines: Vec<_> = logs
        .lines()
        .map(|line| line.split("Z ").nth(1).unwrap_or(""))
        .collect();
    lines.sort_unstable();
    assert_eq!(
        lines,
        ["db says err", "db says out", "web says err", "web says out"],
        "{logs}"
    );
    assert!(logs.contains("2026-11-25T10:00:0"), "{logs}");
    assert!(!logs.contains('\u{1b}'), "{logs}");
    let old = text(&client, "compose://web_1/gone/logs").await;
    assert!(old.contains("job says out"), "{old}");
    let looking = |asked: &String| asked.starts_with("GET ") || asked.starts_with("HEAD ");
    assert!(engine.asked().iter().all(looking), "{:?}", engine.asked());
}
