//! A command is run as it was asked for, to the byte: arguments, input, directory, environment, exit code
//! and both outputs, whatever login shell the account has and whatever its start-up files do.

pub(crate) mod shells;

use std::time::{Duration, Instant};

use serde_json::{Value, json};

use crate::support::account::{Account, is_root};
use crate::support::client::{Client, Era, ToolResult};
use crate::support::eventually;
use crate::support::fleet::Fleet;
use crate::support::server::TestServer;
use shells::{SHELLS, words};

/// One account, and a server whose callers have the shell on it.
struct Site {
    fleet: Fleet,
    server: TestServer,
}

impl Site {
    async fn new(account: Account) -> Self {
        let fleet = Fleet::builder().hosts(1).account(account).start().await;
        let server = TestServer::builder(&fleet)
            .env("SCOUT_ROLE", "operator")
            .start()
            .await;
        Self { fleet, server }
    }

    fn client(&self) -> Client {
        self.server.client(Era::Modern)
    }
}

async fn run(client: &Client, mut call: Value) -> ToolResult {
    call["host"] = "web-01".into();
    client.call_tool("run", call).await
}

/// Standard output of a command that must succeed and leave nothing on standard error.
async fn stdout(client: &Client, call: Value) -> String {
    let result = run(client, call).await;
    assert_eq!(result.structured["exit_code"], 0, "{}", result.text);
    assert_eq!(result.structured["stderr"], "");
    assert_eq!(result.structured["truncated"], false);
    assert!(result.structured.get("stdout_encoding").is_none(), "text");
    result.structured["stdout"].as_str().unwrap().to_owned()
}

/// What every account must be able to do, byte for byte.
async fn everything_is_exact(site: &Site, shell: &str, vectors: usize) {
    let client = site.client();
    for _ in 0..vectors.div_ceil(500) {
        let sent = words(500.min(vectors));
        let mut argv = vec!["printf".to_owned(), "%s\\0".to_owned()];
        argv.extend(sent.iter().cloned());
        let got = stdout(&client, json!({"argv": argv})).await;
        let got: Vec<&str> = got.strip_suffix('\0').unwrap().split('\0').collect();
        assert_eq!(got.len(), sent.len(), "{shell}");
        for (got, sent) in got.iter().zip(&sent) {
            assert_eq!(got, sent, "{shell}");
        }
    }
    for code in [1, 42, 126, 255] {
        let result = run(&client, json!({"command": format!("exit {code}")})).await;
        assert_eq!(
            (
                &result.structured["outcome"],
                &result.structured["exit_code"]
            ),
            (&json!("exited"), &json!(code))
        );
    }
    let apart = run(
        &client,
        json!({"command": "echo out; echo err >&2; echo more"}),
    )
    .await;
    assert_eq!(apart.structured["stdout"], "out\nmore\n", "{shell}");
    assert_eq!(apart.structured["stderr"], "err\n", "{shell}");

    let stdin: String = words(20_000).concat();
    let stdin = &stdin[..stdin.floor_char_boundary(1 << 20)];
    assert!(stdin.len() > 100_000, "{}", stdin.len());
    assert_eq!(
        stdout(&client, json!({"argv": ["cat"], "stdin": stdin})).await,
        stdin,
        "{shell}"
    );

    let env = json!({"A": "two\nlines", "B": "it's \"quoted\" $HOME `id`", "C": "", "D": " *é "});
    let got = stdout(
        &client,
        json!({"command": "printf '%s|' \"$A\" \"$B\" \"$C\" \"$D\"", "env": env}),
    )
    .await;
    assert_eq!(
        got, "two\nlines|it's \"quoted\" $HOME `id`|| *é |",
        "{shell}"
    );
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn every_login_shell_runs_it_alike() {
    let mut proven = Vec::new();
    for (shell, name) in SHELLS {
        if !std::path::Path::new(shell).exists() {
            eprintln!("SKIPPED: `{shell}` is not installed");
            continue;
        }
        if !is_root() {
            eprintln!("SKIPPED: login shells need accounts of their own, which only root can make");
            break;
        }
        let start = Instant::now();
        let site = Site::new(Account::with_shell(name, shell)).await;
        everything_is_exact(&site, shell, 500).await;
        eprintln!("{shell}: {:?}", start.elapsed());
        proven.push(shell);
    }
    assert!(!is_root() || proven.contains(&"/bin/sh"), "{proven:?}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn thousands_of_arguments_arrive_as_they_are() {
    let site = Site::new(Account::usual()).await;
    everything_is_exact(&site, "the usual shell", 4000).await;
    // And one by one through a shell line: the quoting there is the caller's, and is left alone.
    let client = site.client();
    assert_eq!(
        stdout(
            &client,
            json!({"argv": ["printf", "%s|%s|%s", "", "-n", ""]})
        )
        .await,
        "|-n|"
    );
    assert_eq!(
        stdout(&client, json!({"argv": ["echo", "-e", "*"]})).await,
        "*\n"
    );
    assert_eq!(
        stdout(
            &client,
            json!({"command": "for x in 'a  b' \"c\\$\"; do printf '<%s>' \"$x\"; done"})
        )
        .await,
        "<a  b><c$>"
    );
}

#[tokio::test]
async fn accounts_without_a_shell_are_told_apart_and_their_files_are_read() {
    if !is_root() {
        eprintln!("SKIPPED: accounts without a shell need root");
        return;
    }
    for (name, shell) in [
        ("scout-tnologin", "/usr/sbin/nologin"),
        ("scout-tfalse", "/bin/false"),
    ] {
        // Debian's SFTP server starts through the login shell; the one inside sshd needs none.
        let sftp = crate::support::sshd::config::SshdConfig {
            sftp: false,
            lines: vec!["Subsystem sftp internal-sftp".into()],
            ..Default::default()
        };
        let fleet = Fleet::builder()
            .hosts_with(1, &sftp)
            .account(Account::with_shell(name, shell));
        let fleet = fleet.start().await;
        let server = TestServer::builder(&fleet)
            .env("SCOUT_ROLE", "operator")
            .start()
            .await;
        let client = server.client(Era::Modern);
        let start = Instant::now();
        let result = run(&client, json!({"command": "echo hello"})).await;
        assert_eq!(
            result.structured["code"], "no_shell",
            "{shell}: {}",
            result.text
        );
        assert_eq!(result.structured["outcome"], "failed", "{shell}");
        assert!(
            result.is_error && start.elapsed() < Duration::from_secs(5),
            "{shell}"
        );
        assert_eq!(
            shell.ends_with("nologin"),
            result.text.contains("not available"),
            "{}",
            result.text
        );
        let note = fleet.dir().join("note");
        std::fs::write(&note, "still readable\n").unwrap();
        let read = client
            .call_tool("read", json!({"host": "web-01", "path": note}))
            .await;
        assert_eq!(
            read.structured["content"], "still readable\n",
            "{shell}: {}",
            read.text
        );
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn start_up_files_add_nothing() {
    if !is_root() {
        eprintln!("SKIPPED: start-up files of an account of our own need root");
        return;
    }
    let account = Account::with_shell("scout-tnoise", "/bin/bash");
    // bash reads it for every command of a remote login (bash(1), INVOCATION).
    let rc = account.home.join(".bashrc");
    std::fs::write(&rc, "echo noise; printf 'no line end'; echo noise >&2; head -c 100000 /dev/zero; printf '\\036\\n'\n").unwrap();
    let site = Site::new(account).await;
    everything_is_exact(&site, "a noisy bash", 500).await;
    let client = site.client();
    let result = run(&client, json!({"command": "echo out; echo err >&2"})).await;
    assert_eq!(
        (&result.structured["stdout"], &result.structured["stderr"]),
        (&json!("out\n"), &json!("err\n"))
    );

    std::fs::write(&rc, "echo leaving; exit 3\n").unwrap();
    // A shell that waits for its command has its start-up files behind it.
    eventually("no shell waits", Duration::from_secs(10), || {
        site.fleet.processes().is_empty()
    })
    .await;
    let result = run(&client, json!({"command": "echo hello"})).await;
    assert_eq!(result.structured["code"], "no_shell", "{}", result.text);
    assert!(
        result.text.contains("leaving"),
        "what the host said: {}",
        result.text
    );

    std::fs::write(&rc, "sleep 60\n").unwrap();
    let start = Instant::now();
    let result = run(&client, json!({"command": "echo hello", "timeout_s": 1})).await;
    assert_eq!(result.structured["outcome"], "timed_out", "{}", result.text);
    let took = start.elapsed();
    eprintln!(
        "a login that takes a minute: answered after {took:?}, {}",
        result.text
    );
    std::fs::remove_file(&rc).unwrap();
    assert_eq!(
        stdout(&client, json!({"command": "echo again"})).await,
        "again\n"
    );
}

#[tokio::test]
async fn the_directory_is_the_one_that_was_named() {
    let site = Site::new(Account::usual()).await;
    let client = site.client();
    let home = site.fleet.account().home.display().to_string();
    let name = format!("it's a dir {} $HOME *", crate::support::procs::marker());
    let made = format!("~/{name}");
    stdout(&client, json!({"argv": ["mkdir", "--", name], "cwd": "~"})).await;
    for (cwd, expected) in [
        (json!("~"), home.clone()),
        (json!(made), format!("{home}/{name}")),
        (json!(format!("{home}/{name}")), format!("{home}/{name}")),
        (json!("/usr/bin"), "/usr/bin".into()),
        (Value::Null, home.clone()),
    ] {
        for call in [
            json!({"command": "pwd -P", "cwd": cwd}),
            json!({"argv": ["pwd"], "cwd": cwd}),
        ] {
            assert_eq!(
                stdout(&client, call).await,
                format!("{expected}\n"),
                "{cwd}"
            );
        }
    }
    stdout(&client, json!({"argv": ["rmdir", "--", name], "cwd": "~"})).await;
    let gone = run(&client, json!({"command": "echo ran", "cwd": made})).await;
    assert_eq!(
        gone.structured["code"], "no_such_directory",
        "nothing runs elsewhere"
    );
    assert_eq!(gone.structured["exit_code"], Value::Null);
}
