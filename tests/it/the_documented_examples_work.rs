//! The examples that users of the server Scout replaces know by heart do what they were documented to do:
//! `scout("hosts")`, `scout("host:/path")`, `scout("host:~/code", "rg TODO")`, `scout("host:/dir", tree=True)`.

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
