//! What a key may do is what its role and its hosts say: an observer reaches no shell by any wording, an
//! operator does, and a host outside a key's scope is in no way different from one that does not exist.

use std::path::PathBuf;
use std::time::Duration;

use serde_json::{Value, json};

use crate::support::client::{Client, Era, ToolResult};
use crate::support::fleet::Fleet;
use crate::support::sdk::SdkClient;
use crate::support::server::{TestServer, run_cli, stdio_command};

use rmcp::ClientLifecycleMode;

/// A directory where the account of the hosts can write; `{canary}` of the cases is a file in it.
fn open_directory(fleet: &Fleet) -> PathBuf {
    use std::os::unix::fs::PermissionsExt as _;
    let dir = fleet.dir().join("open");
    std::fs::create_dir(&dir).unwrap();
    std::fs::set_permissions(&dir, std::fs::Permissions::from_mode(0o777)).unwrap();
    dir
}

fn files(dir: &PathBuf) -> usize {
    std::fs::read_dir(dir).unwrap().count()
}

async fn run(client: &Client, command: &str) -> ToolResult {
    let arguments = json!({"host": "web-01", "command": command});
    client.call_tool("run", arguments).await
}

async fn run_argv(client: &Client, argv: &[String]) -> ToolResult {
    let arguments = json!({"host": "web-01", "argv": argv});
    client.call_tool("run", arguments).await
}

/// Each of these would make the canary, were it run by a shell or as an observer may not.
const LINES: [&str; 24] = [
    "touch {canary}",
    "id > {canary}",
    "ls >> {canary}",
    "ls; touch {canary}",
    "ls && touch {canary}",
    "ls || touch {canary}",
    "ls & touch {canary}",
    "ls\ntouch {canary}",
    "ls | tee {canary}",
    "ls $(touch {canary})",
    "ls `touch {canary}`",
    "ls <(touch {canary})",
    "sh -c 'touch {canary}'",
    "env touch {canary}",
    "sudo touch {canary}",
    "PATH=/tmp touch {canary}",
    "/bin/touch {canary}",
    "find /etc/hostname -exec touch {canary} ;",
    "find /etc/hostname -fprint {canary}",
    "sort -o {canary} /etc/hostname",
    "sort --output={canary} /etc/hostname",
    "uniq /etc/hostname {canary}",
    "tree -o {canary} /etc/ssh",
    "rg --pre touch x {canary}",
];

#[tokio::test]
async fn an_observer_reaches_no_shell_and_an_operator_does() {
    let fleet = Fleet::start(1).await;
    let dir = open_directory(&fleet);
    let canary = dir.join("canary").display().to_string();
    let observer = TestServer::start(&fleet).await.client_and_server();
    for line in LINES {
        let line = line.replace("{canary}", &canary);
        let result = run(&observer.0, &line).await;
        assert_eq!(
            result.structured["outcome"], "refused",
            "{line}: {result:?}"
        );
        let argv: Vec<_> = line.split(' ').map(str::to_owned).collect();
        let result = run_argv(&observer.0, &argv).await;
        // Without a shell, its signs are plain words, and `ls '|' tee x` is a harmless failure.
        assert!(result.is_error, "{line}: {result:?}");
    }
    assert_eq!(files(&dir), 0, "something was run");
    for line in [
        "ls /etc/hostname",
        "cat '/etc/hostname'",
        "head -n 1 /etc/hostname",
    ] {
        let result = run(&observer.0, line).await;
        assert_eq!(result.structured["exit_code"], 0, "{line}: {result:?}");
    }

    let builder = TestServer::builder(&fleet).env("SCOUT_ROLE", "operator");
    let operator = builder.start().await.client_and_server();
    let counted = run(&operator.0, "cat /etc/hostname | wc -l").await;
    assert_eq!(counted.structured["stdout"], "1\n", "{counted:?}");
    // The cases are worth something: a shell does make the file.
    let made = run(&operator.0, &format!("ls; touch {canary}")).await;
    assert!(!made.is_error && files(&dir) == 1, "{made:?}");
}

#[tokio::test]
async fn the_command_line_and_pipes_are_held_to_the_role_too() {
    let fleet = Fleet::start(1).await;
    let dir = open_directory(&fleet);
    let canary = dir.join("canary").display().to_string();
    let mode = ClientLifecycleMode::Initialize;
    let mut command = stdio_command(&fleet);
    // The rate limit is for callers over a network: a client's own child is not one.
    command.env_remove("SCOUT_RATE_LIMIT_PER_MINUTE");
    let client = SdkClient::stdio(command, mode).await;
    let arguments = json!({"host": "web-01", "command": format!("touch {canary}")});
    let result = client.call_tool("run", arguments).await;
    assert_eq!(result.structured["outcome"], "refused", "{result:?}");
    for _ in 0..30 {
        let result = client.call_tool("hosts", json!({"probe": false})).await;
        assert!(!result.is_error, "{result:?}");
    }
    client.close().await;
    assert_eq!(files(&dir), 0);
}

/// A server with one key for `web-01` alone and one for all hosts; and the keys.
pub(crate) async fn scoped(fleet: &Fleet) -> (TestServer, String, String) {
    let mut toml = String::new();
    let mut secrets = Vec::new();
    for (name, scope) in [("narrow", "hosts = [\"web-01\"]\n"), ("wide", "")] {
        let args = ["key", "new", name, "--role", "operator"];
        let made = run_cli(fleet, &args, Duration::from_secs(10)).await;
        let (_, table) = made.stderr.split_once("scout.toml:").expect("instructions");
        toml.push_str(table.trim_end());
        toml.push('\n');
        toml.push_str(scope);
        secrets.push(made.stdout.trim().to_owned());
    }
    let file = fleet.dir().join("scout.toml");
    std::fs::write(&file, toml).unwrap();
    let builder = TestServer::builder(fleet)
        .arg("--config")
        .arg(file.display());
    let server = builder.start().await;
    let wide = secrets.pop().unwrap();
    (server, secrets.pop().unwrap(), wide)
}

#[tokio::test]
async fn a_host_outside_the_scope_is_like_one_that_does_not_exist() {
    let fleet = Fleet::start(2).await;
    let (server, narrow, wide) = scoped(&fleet).await;
    let narrow = server.client(Era::Legacy).with_key(&narrow);
    let wide = server.client(Era::Legacy).with_key(&wide);
    let list = narrow.call_tool("hosts", json!({"probe": false})).await;
    assert!(
        list.text.contains("web-01") && !list.text.contains("web-02"),
        "{}",
        list.text
    );
    // Same length, so that nothing but the name itself can differ.
    type Arguments = fn(&str) -> Value;
    let calls: [(&str, Arguments); 5] = [
        (
            "read",
            |host| json!({"host": host, "path": "/etc/hostname"}),
        ),
        ("read", |host| json!({"host": host, "path": "relative"})),
        ("run", |host| json!({"host": host, "command": "id"})),
        ("run", |host| json!({"host": host, "argv": ["ls", "/"]})),
        (
            "scout",
            |host| json!({"target": format!("{host}:/etc/hostname")}),
        ),
    ];
    for (tool, arguments) in calls {
        let ask = async |host: &str| {
            let params = json!({"name": tool, "arguments": arguments(host)});
            let reply = narrow.request("tools/call", params).await;
            let id = format!("\"id\":{}", reply.frames.last().unwrap()["id"]);
            let text = reply.text.replace(&id, "\"id\":0").replace(host, "HOST");
            (reply.status, text)
        };
        let (forbidden, unknown) = (ask("web-02").await, ask("web-77").await);
        assert_eq!(forbidden, unknown, "{tool}");
        let allowed = wide.call_tool(tool, arguments("web-02")).await;
        let wrong_anyway = arguments("x")["path"] == "relative";
        assert_eq!(allowed.is_error, wrong_anyway, "{tool}: {}", allowed.text);
    }
    let hidden = narrow
        .call_tool("hosts", json!({"filter": "web-02", "probe": true}))
        .await;
    let nobody = narrow
        .call_tool("hosts", json!({"filter": "web-77", "probe": true}))
        .await;
    assert_eq!(hidden.text.replace("web-02", "web-77"), nobody.text);
    let metrics = reqwest::get(server.ops_url("/metrics")).await.unwrap();
    assert!(
        !metrics.text().await.unwrap().contains("web-0"),
        "a host is a label"
    );
}

impl TestServer {
    fn client_and_server(self) -> (Client, Self) {
        (self.client(Era::Modern), self)
    }
}
