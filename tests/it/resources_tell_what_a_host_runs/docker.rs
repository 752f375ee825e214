//! Containers and their logs, by the real docker command line in front of a stub of the engine.

use std::time::{Duration, Instant};

use serde_json::json;

use super::{ERAS, fleet_with, is_not_found, refusal, suggested, text};
use crate::roles_and_scopes_hold::scoped;
use crate::support::client::Era;
use crate::support::engine::{Container, Engine};
use crate::support::fleet::Fleet;
use crate::support::programs::{Programs, docker};
use crate::support::server::TestServer;
use crate::support::sshd::config::SshdConfig;

fn containers() -> Vec<Container> {
    let one = |name, state, status| Container {
        name,
        image: "registry.example/<app>:1.2",
        state,
        status,
        project: None,
        files: String::new(),
        lines: Vec::new(),
    };
    let noisy = (0..120).map(|at| {
        let stream = if at % 3 == 0 { 2 } else { 1 };
        (stream, format!("line {at}"))
    });
    let odd = (1, "grüße \u{1b}[31mred\u{7}".to_owned());
    vec![
        Container {
            lines: noisy.chain([odd]).collect(),
            ..one("shop_web.1", "running", "Up 2 hours (healthy)")
        },
        one("old", "exited", "Exited (137) 3 days ago"),
        one("still", "paused", "Up 4 minutes (Paused)"),
    ]
}

/// A host with docker and an engine.
async fn start() -> Option<(Fleet, Engine)> {
    let Some(docker) = docker() else {
        eprintln!("SKIPPED: the docker command line is not there; tests/run unpacks it");
        return None;
    };
    let mut engine = None;
    let fleet = fleet_with(|fleet| {
        let programs = Programs::basic(fleet.dir()).with("docker", &docker);
        let started = Engine::start(fleet.dir(), containers());
        let env = vec![programs.env(), started.env()];
        engine = Some(started);
        SshdConfig {
            env,
            ..SshdConfig::default()
        }
    })
    .await;
    Some((fleet, engine?))
}

#[tokio::test]
async fn containers_are_listed_with_their_state_and_where_their_logs_are() {
    let Some((fleet, engine)) = start().await else {
        return;
    };
    let server = TestServer::start(&fleet).await;
    for era in ERAS {
        let client = server.client(era);
        for (uri, base) in [
            ("web-01://docker", "web-01://docker"),
            ("WEB-01://docker/", "WEB-01://docker"),
            ("docker://web-01", "docker://web-01"),
            ("docker://web_1/", "docker://web_1"),
            // The host called like the scheme.
            ("docker://docker", "docker://docker"),
        ] {
            let image = "registry.example/<app>:1.2";
            let expected = format!(
                "● shop_web.1\n  Status: Up 2 hours (healthy)\n  Image: {image}\n  Logs: {base}/shop_web.1/logs\n\
                 ○ old\n  Status: Exited (137) 3 days ago\n  Image: {image}\n  Logs: {base}/old/logs\n\
                 ● still\n  Status: Up 4 minutes (Paused)\n  Image: {image}\n  Logs: {base}/still/logs\n"
            );
            assert_eq!(text(&client, uri).await, expected, "{uri}");
        }
    }
    let looking = |asked: &String| asked.starts_with("GET ") || asked.starts_with("HEAD ");
    assert!(engine.asked().iter().all(looking), "{:?}", engine.asked());
    let measured = |asked: &String| asked.contains("size=");
    assert!(!engine.asked().iter().any(measured), "{:?}", engine.asked());
    // On the host called like the scheme, what is no form is a path.
    let host = text(&server.client(Era::Modern), "docker://etc/hostname").await;
    assert_eq!(host, std::fs::read_to_string("/etc/hostname").unwrap());
}

#[tokio::test]
async fn logs_are_the_last_hundred_lines_of_both_streams_in_order() {
    let Some((fleet, engine)) = start().await else {
        return;
    };
    let server = TestServer::start(&fleet).await;
    let client = server.client(Era::Modern);
    for uri in [
        "web-01://docker/shop_web.1/logs",
        "web-01://docker/shop%5Fweb.1/logs",
        "docker://web_1/shop_web.1/logs",
    ] {
        let logs = text(&client, uri).await;
        let lines: Vec<_> = logs.lines().collect();
        assert_eq!(lines.len(), 100, "{logs}");
        for (at, line) in lines.iter().take(99).enumerate() {
            let (time, line) = line.split_once(' ').expect("a timestamp");
            assert!(time.starts_with("2026-11-25T10:00:"), "{time}");
            assert_eq!(line, format!("line {}", at + 21));
        }
        assert!(
            lines[99].ends_with("grüße \\u{1b}[31mred\\u{7}"),
            "{}",
            lines[99]
        );
    }
    assert_eq!(
        text(&client, "web-01://docker/old/logs").await,
        "(no output)"
    );
    is_not_found(&client, "web-01://docker/nobody/logs").await;
    is_not_found(&client, "docker://web_1/nobody/logs").await;
    let looking = |asked: &String| asked.starts_with("GET ") || asked.starts_with("HEAD ");
    assert!(engine.asked().iter().all(looking), "{:?}", engine.asked());
}

#[tokio::test]
async fn what_was_cut_says_so() {
    let Some((fleet, _engine)) = start().await else {
        return;
    };
    let server = TestServer::builder(&fleet)
        .env("SCOUT_MAX_OUTPUT_SIZE", 1024)
        .start()
        .await;
    let uri = "web-01://docker/shop_web.1/logs";
    let result = super::read(&server.client(Era::Modern), uri).await.unwrap();
    let contents = &result["contents"][0];
    let logs = contents["text"].as_str().expect("a text");
    assert!(logs.ends_with("\n\n[truncated at 1024 bytes]"), "{logs}");
    assert_eq!(contents["_meta"], json!({"truncated": true}));
}

#[tokio::test]
async fn a_hostile_name_reaches_no_program() {
    let Some((fleet, engine)) = start().await else {
        return;
    };
    let server = TestServer::start(&fleet).await;
    let client = server.client(Era::Modern);
    for name in [
        "-f",
        "--details",
        "..",
        "%2E%2E",
        "a%2Fb",
        "a;b",
        "a%3Bb",
        "$(id)",
        "a%0Ab",
        "a b",
        "%C3%A9",
    ] {
        for uri in [
            format!("web-01://docker/{name}/logs"),
            format!("docker://web_1/{name}/logs"),
        ] {
            is_not_found(&client, &uri).await;
        }
    }
    assert_eq!(engine.asked(), [""; 0]);
    let metrics = server.metrics().await;
    let reads = |scheme| {
        let labels = [("scheme", scheme), ("outcome", "failed")];
        metrics.value("scout_resource_reads_total", &labels)
    };
    // They were looked for as paths.
    assert_eq!((reads("docker"), reads("host")), (Some(0.0), Some(22.0)));
}

#[tokio::test]
async fn who_may_not_see_a_host_learns_nothing_of_its_containers() {
    let Some(docker) = docker() else {
        return eprintln!("SKIPPED: the docker command line is not there; tests/run unpacks it");
    };
    let mut fleet = Fleet::start(2).await;
    let programs = Programs::basic(fleet.dir()).with("docker", &docker);
    let engine = Engine::start(fleet.dir(), containers());
    let config = SshdConfig {
        env: vec![programs.env(), engine.env()],
        ..SshdConfig::default()
    };
    fleet.sshd_mut(1).reconfigure(config).await;
    let (server, narrow, wide) = scoped(&fleet).await;
    let wide = server.client(Era::Modern).with_key(&wide);
    let narrow = server.client(Era::Modern).with_key(&narrow);
    assert!(
        text(&wide, "docker://web-02")
            .await
            .contains("● shop_web.1")
    );
    let before = engine.asked().len();
    for uri in [
        "docker://web-02",
        "web-02://docker",
        "web-02://docker/old/logs",
        "syslog://web-02",
    ] {
        is_not_found(&narrow, uri).await;
    }
    assert_eq!(engine.asked().len(), before);
}

#[tokio::test]
async fn a_program_that_cannot_answer_is_said_to_and_why() {
    let Some(docker) = docker() else {
        return eprintln!("SKIPPED: the docker command line is not there; tests/run unpacks it");
    };
    let fleet = fleet_with(|fleet| {
        let programs = Programs::basic(fleet.dir()).with("docker", &docker);
        SshdConfig {
            env: vec![
                programs.env(),
                "DOCKER_HOST=unix:///nowhere/docker.sock".into(),
            ],
            ..SshdConfig::default()
        }
    })
    .await;
    let server = TestServer::start(&fleet).await;
    let client = server.client(Era::Modern);
    for uri in ["web-01://docker", "web-01://docker/app/logs"] {
        let (code, message) = refusal(&client, uri).await;
        assert_eq!(code, "program_failed");
        let said = "`docker` on `web-01` failed with exit code 1: ";
        assert!(message.starts_with(said), "{message}");
        assert!(message.contains("/nowhere/docker.sock"), "{message}");
        assert!(message.contains("; the engine must run"), "{message}");
    }
    // Without the plugin, the same docker has no compose.
    let (code, message) = refusal(&client, "web-01://compose").await;
    if crate::support::programs::compose().is_some_and(|place| !place.starts_with("/usr")) {
        assert_eq!(code, "not_installed", "{message}");
    }
}

#[tokio::test]
async fn a_program_that_hangs_is_stopped_and_nobody_who_types_waits_for_it() {
    let fleet = fleet_with(|fleet| {
        let programs = Programs::basic(fleet.dir()).script("docker", "exec sleep 4000.5");
        SshdConfig {
            env: vec![programs.env()],
            ..SshdConfig::default()
        }
    })
    .await;
    let server = TestServer::builder(&fleet)
        .env("SCOUT_COMMAND_TIMEOUT", 1)
        .start()
        .await;
    let client = server.client(Era::Modern);
    let (code, message) = refusal(&client, "web-01://docker").await;
    assert_eq!(code, "timed_out", "{message}");
    assert!(message.contains("stopping it: verified"), "{message}");
    let start = Instant::now();
    let found = suggested(&client, "docker://{host}/{container}/logs", "container", "").await;
    assert_eq!(found, json!([]));
    assert!(
        start.elapsed() < Duration::from_secs(6),
        "{:?}",
        start.elapsed()
    );
}

#[tokio::test]
async fn names_of_containers_complete() {
    let Some((fleet, _engine)) = start().await else {
        return;
    };
    let server = TestServer::start(&fleet).await;
    for era in ERAS {
        let client = server.client(era);
        for template in [
            "{host}://docker/{container}/logs",
            "docker://{host}/{container}/logs",
        ] {
            let all = suggested(&client, template, "container", "").await;
            assert_eq!(all, json!(["shop_web.1", "old", "still"]));
            let some = suggested(&client, template, "container", "s").await;
            assert_eq!(some, json!(["shop_web.1", "still"]));
            let hosts = suggested(&client, template, "host", "web").await;
            assert_eq!(hosts, json!(["web-01", "web_1"]));
        }
        let none = suggested(&client, "docker://{host}/{container}/logs", "pool", "").await;
        assert_eq!(none, json!([]));
    }
}
