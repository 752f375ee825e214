//! The examples that users of the server Scout replaces know by heart do what they were documented to do:
//! `scout("hosts")`, `scout("host:/path")`, `scout("host:~/code", "rg TODO")`, `scout("host:/dir", tree=True)`.

use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};

use serde_json::{Value, json};

use crate::support::client::{Client, Era};
use crate::support::fleet::Fleet;
use crate::support::server::TestServer;

async fn scout(client: &Client, arguments: Value) -> String {
    let result = client.call_tool("scout", arguments.clone()).await;
    assert!(!result.is_error, "{arguments}: {}", result.text);
    result.text
}

#[tokio::test]
async fn hosts_files_directories_trees_and_queries_by_target() {
    let fleet = Fleet::start(2).await;
    let server = TestServer::builder(&fleet)
        .env("SCOUT_ROLE", "operator")
        .start()
        .await;
    let client = server.client(Era::Legacy);
    let user = &fleet.account().name;
    let home = fleet.account().home.join("scout-examples");
    let prepared = client
        .call_tool(
            "run",
            json!({"host": "web-01", "command": "mkdir -p ~/scout-examples/src && cd ~/scout-examples && echo '// TODO: more' >src/main.c && printf 'a\\nERROR b\\nERROR c\\n' >app.log"}),
        )
        .await;
    assert!(!prepared.is_error, "{}", prepared.text);

    let hosts = scout(&client, json!({"target": "hosts"})).await;
    let address = fleet.address("web-01");
    assert!(hosts.starts_with("Available hosts:\n"), "{hosts}");
    let line = format!(
        "  [✓] web-01 (online) -> {user}@{}:{}",
        address.ip(),
        address.port()
    );
    assert!(hosts.lines().any(|found| found == line), "{hosts}");

    let file = format!("web-01:{}/app.log", home.display());
    let text = scout(&client, json!({"target": file})).await;
    assert_eq!(text, "a\nERROR b\nERROR c\n");

    let listing = scout(&client, json!({"target": "web-01:~/scout-examples"})).await;
    let names: Vec<_> = listing
        .lines()
        .filter_map(|l| l.split(' ').next_back())
        .collect();
    assert_eq!(names, ["app.log", "src"], "{listing}");
    assert!(
        listing.starts_with("-rw-"),
        "as `ls -l` shows it: {listing}"
    );

    let tree = scout(
        &client,
        json!({"target": "web-01:~/scout-examples", "tree": true}),
    )
    .await;
    assert_eq!(
        tree,
        "~/scout-examples\n├── app.log\n└── src/\n    └── main.c"
    );

    let found = scout(
        &client,
        json!({"target": "web-01:~/scout-examples", "query": "grep -rn TODO ."}),
    )
    .await;
    assert_eq!(found, "./src/main.c:1:// TODO: more\n");

    let piped =
        json!({"target": "web-01:~/scout-examples", "query": "tail -2 *.log | grep -c ERROR"});
    assert_eq!(scout(&client, piped).await, "2\n");

    let missing = client
        .call_tool("scout", json!({"target": "nowhere:/etc/hosts"}))
        .await;
    assert!(missing.is_error && missing.text.starts_with("Error: unknown host `nowhere`"));
    assert!(
        missing.text.contains("available: web-01, web-02"),
        "{}",
        missing.text
    );
    scout(
        &client,
        json!({"target": "web-01:~", "query": "rm -r scout-examples"}),
    )
    .await;
}

/// A directory of this machine that every account may enter and write to.
fn shared(parent: &Path, name: &str) -> PathBuf {
    let path = parent.join(name);
    std::fs::create_dir(&path).unwrap();
    std::fs::set_permissions(&path, PermissionsExt::from_mode(0o777)).unwrap();
    path
}

fn file(path: &Path, content: &str) {
    std::fs::create_dir_all(path.parent().unwrap()).unwrap();
    std::fs::write(path, content).unwrap();
    std::fs::set_permissions(path, PermissionsExt::from_mode(0o644)).unwrap();
    std::fs::set_permissions(path.parent().unwrap(), PermissionsExt::from_mode(0o777)).unwrap();
}

#[tokio::test]
async fn queries_searches_and_comparisons() {
    let fleet = Fleet::start(2).await;
    let server = TestServer::builder(&fleet)
        .env("SCOUT_ROLE", "operator")
        .start()
        .await;
    let client = server.client(Era::Legacy);
    let code = shared(fleet.dir(), "code");
    file(&code.join("main.py"), "pattern = 1  # TODO\n");
    file(&code.join("README.md"), "a pattern that is not Python\n");
    file(&code.join("deep/er/est/too.py"), "");
    file(&code.join("log/app.log"), "INFO a\nERROR b\nERROR c\n");
    file(&code.join("log/old/app.log"), "");
    let at = |host: &str, path: &str| format!("{host}:{}{path}", code.display());

    let found = scout(
        &client,
        json!({"target": at("web-01", ""), "query": "rg 'pattern' -t py"}),
    );
    assert_eq!(found.await, "main.py:pattern = 1  # TODO\n");
    let found = scout(
        &client,
        json!({"target": at("web-01", ""), "query": "find . -name '*.md' -mtime -1"}),
    );
    assert_eq!(found.await, "./README.md\n");
    let found = scout(
        &client,
        json!({"target": at("web-01", "/log"), "query": "tail -100 app.log | grep ERROR"}),
    );
    assert_eq!(found.await, "ERROR b\nERROR c\n");

    let python = scout(&client, json!({"target": at("web-01", ""), "find": "*.py"})).await;
    let expected = format!("{0}/deep/er/est/too.py\n{0}/main.py", code.display());
    assert_eq!(python, expected);
    let logs = json!({"target": at("web-01", ""), "find": "*.log", "depth": 2});
    let expected = format!("{}/log/app.log", code.display());
    assert_eq!(scout(&client, logs).await, expected);
    let none = json!({"target": at("web-01", ""), "find": "*.rs"});
    let expected = format!("No files matching '*.rs' found in {}", code.display());
    assert_eq!(scout(&client, none).await, expected);
    let deep = json!({"target": at("web-01", ""), "find": "*", "depth": 11});
    let refused = client.call_tool("scout", deep).await;
    assert!(refused.is_error && refused.text.contains("depth must be 1-10, got 11"));

    let same = json!({"target": at("web-01", "/main.py"), "diff": at("web-02", "/main.py")});
    let expected = format!(
        "Files are identical:\n  {}\n  {}",
        at("web-01", "/main.py"),
        at("web-02", "/main.py")
    );
    assert_eq!(scout(&client, same).await, expected);
    let other = json!({"target": at("web-01", "/log/app.log"), "diff": at("web-02", "/main.py")});
    let diff = scout(&client, other).await;
    let lines: Vec<_> = diff.lines().collect();
    assert_eq!(lines[0], format!("--- {}", at("web-01", "/log/app.log")));
    assert_eq!(lines[1], format!("+++ {}", at("web-02", "/main.py")));
    assert!(lines.contains(&"-ERROR b") && lines.contains(&"+pattern = 1  # TODO"));

    let path = format!("{}/main.py", code.display());
    let as_expected =
        json!({"target": at("web-01", "/main.py"), "diff_content": "pattern = 1  # TODO\n"});
    let matches = scout(&client, as_expected).await;
    assert!(
        matches.starts_with("File matches expected content: "),
        "{matches}"
    );
    assert!(matches.ends_with(&path), "{matches}");
    let wrong = json!({"target": at("web-01", "/main.py"), "diff_content": "expected content"});
    let diff = scout(&client, wrong).await;
    assert!(
        diff.starts_with("--- expected\n") && diff.contains("\n-expected content\n"),
        "{diff}"
    );
}

#[tokio::test]
async fn many_targets_in_one_call() {
    let fleet = Fleet::start(2).await;
    let server = TestServer::builder(&fleet)
        .env("SCOUT_ROLE", "operator")
        .start()
        .await;
    let client = server.client(Era::Modern);
    let place = shared(fleet.dir(), "etc");
    file(&place.join("app.log"), "one\n");
    let at = |host: &str, path: &str| format!("{host}:{}{path}", place.display());

    let logs = json!({"targets": [at("web-01", "/app.log"), at("web-02", "/app.log")]});
    let text = scout(&client, logs).await;
    let lines: Vec<_> = text.lines().collect();
    assert!(
        lines[0].starts_with(&format!("═══ {} ═", at("web-01", "/app.log"))),
        "{text}"
    );
    assert_eq!(lines[1], "one");
    assert_eq!(lines.last(), Some(&"─── 2/2 hosts succeeded ───"), "{text}");

    let command = json!({"targets": [at("web-01", ""), at("web-02", "")], "query": "ls -la"});
    let text = scout(&client, command).await;
    assert_eq!(text.matches(" app.log").count(), 2, "{text}");

    let failing =
        json!({"targets": [at("web-01", ""), at("web-02", "")], "query": "grep -c two app.log"});
    let failed = client.call_tool("scout", failing).await;
    assert!(failed.is_error);
    assert!(failed.text.contains(" [FAILED] ═"), "{}", failed.text);
    assert_eq!(
        failed.text.matches("\n0\n").count(),
        2,
        "what it printed is not lost: {}",
        failed.text
    );
    let last = failed.text.lines().last().unwrap();
    assert!(last.starts_with("─── 0/2 hosts succeeded ───"), "{last}");
}

#[tokio::test]
async fn files_are_beamed_up_down_and_across() {
    let fleet = Fleet::start(2).await;
    let here = shared(fleet.dir(), "here");
    let there = shared(fleet.dir(), "there");
    let server = TestServer::builder(&fleet)
        .env("SCOUT_ROLE", "operator")
        .env("SCOUT_TRANSFER_ROOTS", here.display())
        .start()
        .await;
    let client = server.client(Era::Legacy);
    let report = "x".repeat(1260);
    file(&here.join("local-report.pdf"), &report);
    let at = |host: &str, path: &str| format!("{host}:{}/{path}", there.display());

    let upload =
        json!({"target": at("web-01", "report.pdf"), "beam": here.join("local-report.pdf")});
    let text = scout(&client, upload).await;
    let expected = format!(
        "✓ Uploaded {} → {}\n  Size: 1.23 KB",
        here.join("local-report.pdf").display(),
        at("web-01", "report.pdf")
    );
    assert_eq!(text, expected);
    assert_eq!(
        std::fs::read_to_string(there.join("report.pdf")).unwrap(),
        report
    );

    let download = json!({"target": at("web-02", "report.pdf"), "beam": here.join("back.pdf")});
    let text = scout(&client, download).await;
    assert!(text.starts_with("✓ Downloaded web-02:"), "{text}");
    assert_eq!(
        std::fs::read_to_string(here.join("back.pdf")).unwrap(),
        report
    );

    let across = json!({"beam_source": at("web-01", "report.pdf"), "beam_target": at("web-02", "backup.pdf")});
    let text = scout(&client, across).await;
    assert!(text.starts_with("✓ Streamed web-01:"), "{text}");
    assert!(
        text.lines().next().unwrap().ends_with("(remote-to-remote)"),
        "{text}"
    );
    assert_eq!(
        std::fs::read_to_string(there.join("backup.pdf")).unwrap(),
        report
    );

    let outside = json!({"target": at("web-01", "x"), "beam": "/etc/passwd"});
    let refused = client.call_tool("scout", outside).await;
    assert!(
        refused.is_error && refused.text.contains("✗ Transfer failed"),
        "{}",
        refused.text
    );
    assert!(!there.join("x").exists());

    let gone = json!({"target": at("web-01", "missing"), "beam": here.join("missing")});
    let refused = client.call_tool("scout", gone).await;
    assert!(
        refused.is_error && refused.text.starts_with("✗ Transfer failed: "),
        "{}",
        refused.text
    );
    assert!(
        !here.join("missing").exists(),
        "nothing is left of what failed"
    );
}
