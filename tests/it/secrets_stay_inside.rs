//! What is secret appears nowhere: keys, keys that were almost right, private keys, and what a command is
//! given. Not in the log at its most talkative, not in metrics, errors or the explained configuration, not
//! in any process list, here or on the host.

use std::os::unix::fs::PermissionsExt as _;
use std::time::Duration;

use serde_json::json;

use crate::support::client::{Client, Era};
use crate::support::fleet::Fleet;
use crate::support::procs::{all, marker, wait_gone, wait_present};
use crate::support::server::{TestServer, run_cli};

const SOON: Duration = Duration::from_secs(10);

#[tokio::test]
async fn no_secret_is_logged_shown_or_listed() {
    let fleet = Fleet::start(1).await;
    let [key, wrong, text, value, input, file, word] = std::array::from_fn(|_| marker());
    let config = fleet.dir().join("scout.toml");
    std::fs::write(
        &config,
        format!("[auth]\napi_keys = [\"{key}\"]\nrole = \"operator\"\n"),
    )
    .unwrap();
    std::fs::set_permissions(&config, std::fs::Permissions::from_mode(0o600)).unwrap();
    let note = fleet.dir().join("note.txt");
    std::fs::write(&note, &file).unwrap();
    let builder = TestServer::builder(&fleet)
        .arg("--config")
        .arg(config.display());
    let server = builder
        .env(
            "SCOUT_LOG_LEVEL",
            "trace,russh=trace,hyper=trace,ractor=trace,h2=trace",
        )
        .start()
        .await;

    let client = Client::new(server.url(), Era::Modern).with_key(&key);
    let arguments = json!({
        "host": "web-01",
        "command": format!("cat; : {text}; sleep 2"),
        "env": {"PASSWORD": value, "MARK": word},
        "stdin": input,
    });
    let running = tokio::spawn(async move { client.call_tool("run", arguments).await });
    wait_present(&word, SOON).await;
    for secret in [&key, &text, &value, &input] {
        let seen: Vec<_> = all()
            .into_iter()
            .filter(|proc| proc.argv.contains(secret))
            .collect();
        assert!(seen.is_empty(), "in a process list: {seen:?}");
    }
    let result = running.await.unwrap();
    assert_eq!(
        result.structured["stdout"], input,
        "the command did run: {}",
        result.text
    );
    wait_gone(&word, SOON).await;

    let client = Client::new(server.url(), Era::Modern).with_key(&key);
    let read = client
        .call_tool("read", json!({"host": "web-01", "path": note}))
        .await;
    assert!(read.text.contains(&file));
    let mut said = Vec::new();
    for guess in [&wrong, &key[..key.len() - 1].to_owned()] {
        let denied = Client::new(server.url(), Era::Modern).with_key(guess);
        let params = json!({"name": "hosts", "arguments": {}});
        let reply = denied.request("tools/call", params).await;
        assert_eq!(reply.status, 401);
        said.push(format!("{} {:?}", reply.text, reply.headers));
    }
    let metrics = reqwest::get(server.ops_url("/metrics")).await.unwrap();
    said.push(metrics.text().await.unwrap());
    let path = config.display().to_string();
    for args in [
        &["check", "--config", &path][..],
        &["check", "--json", "--config", &path],
    ] {
        let check = run_cli(&fleet, args, SOON).await;
        assert_eq!(check.code(), Some(0), "{}", check.stderr);
        assert!(check.stdout.contains("auth.api_keys"), "{}", check.stdout);
        said.push(check.stdout + &check.stderr);
    }
    let log = server.program().stderr();
    assert!(
        log.lines().count() > 50 && log.contains("DEBUG"),
        "the log is not talkative: {log}"
    );
    said.push(log);
    let private = std::fs::read_to_string(fleet.ssh_file("id_ed25519")).unwrap();
    let private = private
        .lines()
        .nth(2)
        .expect("the body of a key")
        .to_owned();
    for secret in [&key, &wrong, &text, &value, &input, &file, &private] {
        for text in &said {
            let line = text.lines().find(|line| line.contains(secret.as_str()));
            assert!(line.is_none(), "{secret} in: {line:?}");
        }
    }
}

/// Every limit of the configuration, with the value that holds and where it comes from.
#[tokio::test]
async fn check_shows_every_limit_that_holds() {
    let fleet = Fleet::start(0).await;
    let file = fleet.dir().join("scout.toml");
    std::fs::write(&file, "[limits]\ncommand_timeout = \"7s\"\n").unwrap();
    let path = file.display().to_string();
    let check = run_cli(&fleet, &["check", "--json", "--config", &path], SOON).await;
    let shown: serde_json::Value = serde_json::from_str(&check.stdout).unwrap();
    let rows = shown["settings"].as_array().unwrap();
    for (key, value) in [
        ("limits.max_file_size", "1"),
        ("limits.max_output_size", "10"),
        ("limits.command_timeout", "7s"),
        ("ssh.connection_timeout", "10s"),
        ("limits.request_timeout", "60s"),
        ("ssh.idle_timeout", "60s"),
        ("ssh.max_pool_size", "100"),
        ("limits.max_concurrent_requests", "256"),
        ("limits.rate_limit_per_minute", "60"),
        ("limits.rate_limit_burst", "10"),
        ("limits.host_running", "8"),
        ("limits.host_queue", "64"),
        ("limits.shell_idle", "2s"),
        ("limits.output_budget", "128"),
        ("limits.shutdown_grace", "25s"),
        ("ssh.host_status_ttl", "30s"),
        ("ssh.keepalive", "15s"),
        ("http.max_connections", "1024"),
        ("http.max_body_size", "4"),
        ("log.slow_threshold_ms", ""),
    ] {
        let row = rows.iter().find(|row| row["key"] == key);
        let row = row.unwrap_or_else(|| panic!("no `{key}` in {rows:?}"));
        let text = row["value"].as_str().unwrap();
        let same = text.starts_with(value) || value == "60s" && text.starts_with("1m");
        assert!(same, "{row}");
        assert!(!row["origin"].is_null(), "{row}");
    }
}
