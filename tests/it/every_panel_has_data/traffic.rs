//! Everything that can happen to Scout, over and over until nobody has a question left: each kind in a
//! task of its own, so that one that waits holds up no other. Nobody looks at the answers here; the
//! metrics say what came of them.

use std::future::Future;
use std::sync::Arc;
use std::time::{Duration, Instant};

use futures_util::future::join_all;
use serde_json::{Value, json};
use tokio::io::AsyncWriteExt as _;
use tokio::net::TcpStream;
use tokio::task::JoinSet;

use super::stage::{self, ALIASES, Stage};
use crate::support::client::Client;

/// The names of the operator's keys: one for each task, so that only the flood meets the rate limit.
pub(super) const KEYS: [&str; 16] = [
    "tools", "failing", "ends", "busy", "flood", "reader", "paths", "rude", "crowd-1", "crowd-2",
    "crowd-3", "crowd-4", "crowd-5", "crowd-6", "crowd-7", "crowd-8",
];

/// Requests that each key of the crowd leaves unfinished: all of them together are more than there may
/// be connections and fewer than there may be requests, so that each keeps its connection; those of one
/// key are fewer than its burst.
const UNFINISHED: usize = 10;

/// What the traffic brings about, each as a counter and the values of its label: a panel that sums over
/// them would have data with one of them alone.
pub(super) const HAPPENS: [(&str, &str, &[&str]); 6] = [
    ("scout_pool_requests_total", "result", &["hit", "miss"]),
    (
        "scout_pool_evictions_total",
        "reason",
        &["capacity", "idle"],
    ),
    (
        "scout_ssh_connects_total",
        "outcome",
        &["ok", "resolve", "tcp", "kex", "host_key", "auth"],
    ),
    (
        "scout_tool_calls_total",
        "outcome",
        &[
            "ok",
            "exited",
            "signaled",
            "timed_out",
            "cancelled",
            "connection_lost",
            "unreachable",
            "refused",
            "invalid",
        ],
    ),
    // `shutdown` alone is for the end of a server.
    (
        "scout_refusals_total",
        "why",
        &[
            "key",
            "origin",
            "rate",
            "busy",
            "body",
            "connections",
            "role",
            "command",
            "host",
            "path",
        ],
    ),
    (
        "scout_host_keys_refused_total",
        "why",
        &["unknown", "changed", "revoked"],
    ),
];

/// No call of the traffic may hold its task longer.
const ENOUGH: Duration = Duration::from_secs(10);
/// Between two rounds of a task.
const PAUSE: Duration = Duration::from_millis(700);
/// Seconds after which everybody is silent until the end of the cycle, so that connections fall idle.
const BUSY: u64 = 8;
const CYCLE: u64 = 12;

/// Starts all of it; it ends when what is returned is dropped.
pub(super) fn start(stage: &Arc<Stage>) -> JoinSet<()> {
    let mut tasks = JoinSet::new();
    again(&mut tasks, stage, "tools", every_tool);
    again(&mut tasks, stage, "failing", hosts_that_fail);
    again(&mut tasks, stage, "ends", every_end);
    again(&mut tasks, stage, "busy", more_than_a_host_takes);
    again(&mut tasks, stage, "flood", more_than_the_rate);
    again(&mut tasks, stage, "reader", resources_and_lists);
    again(&mut tasks, stage, "paths", what_is_not_allowed);
    again(&mut tasks, stage, "rude", who_does_not_belong_here);
    tasks
}

/// One round of something after the other, with a number and a client for it.
fn again<F: Future<Output = ()> + Send + 'static>(
    tasks: &mut JoinSet<()>,
    stage: &Arc<Stage>,
    key: &'static str,
    round: fn(Arc<Stage>, Arc<Client>, usize) -> F,
) {
    let (stage, client) = (Arc::clone(stage), Arc::new(stage.operator(key)));
    tasks.spawn(async move {
        let begun = Instant::now();
        for number in 0.. {
            while begun.elapsed().as_secs() % CYCLE >= BUSY {
                tokio::time::sleep(PAUSE).await;
            }
            round(Arc::clone(&stage), Arc::clone(&client), number).await;
            tokio::time::sleep(PAUSE).await;
        }
    });
}

/// A tool call whose answer is read and forgotten.
async fn call(client: &Client, tool: &str, arguments: Value) {
    ask(
        client,
        "tools/call",
        json!({"name": tool, "arguments": arguments}),
    )
    .await;
}

async fn ask(client: &Client, method: &str, params: Value) {
    swallow(client.prepare(method, params)).await;
}

async fn swallow(request: reqwest::RequestBuilder) {
    if let Ok(answer) = request.timeout(ENOUGH).send().await {
        let _ = answer.bytes().await;
    }
}

fn web(number: usize) -> String {
    format!("web-{:02}", number % 6 + 1)
}

/// Each tool, on one host after the other: six hosts in four places.
async fn every_tool(stage: Arc<Stage>, client: Arc<Client>, number: usize) {
    let (host, next) = (web(number), web(number + 1));
    let target = stage.open.join("copy");
    let copy = json!({
        "from": format!("{host}:/etc/hostname"), "overwrite": true,
        "to": format!("{next}:{}", target.display()),
    });
    for (tool, arguments) in [
        ("read", json!({"host": host, "path": "/etc/passwd"})),
        ("find", json!({"host": host, "path": "/etc/ssh"})),
        (
            "diff",
            json!({"host": host, "path": "/etc/passwd", "other": format!("{next}:/etc/group")}),
        ),
        ("run", json!({"host": host, "command": "true"})),
        ("hosts", json!({"filter": host})),
        ("scout", json!({"target": format!("{host}:/etc")})),
        (
            "broadcast",
            json!({"hosts": format!("{host},{next}"), "command": "true"}),
        ),
        ("copy", copy),
    ] {
        call(&client, tool, arguments).await;
    }
}

/// One attempt at each host that cannot be reached.
async fn hosts_that_fail(_: Arc<Stage>, client: Arc<Client>, number: usize) {
    let index = number % ALIASES;
    let aliases =
        ["changed", "revoked", "unknown", "refusing"].map(|kind| format!("{kind}-{index}"));
    let plain = ["off", "nameless", "mute"].map(str::to_owned);
    for host in plain.into_iter().chain(aliases) {
        call(&client, "read", json!({"host": host, "path": "/etc"})).await;
    }
}

/// The ends a command can have, on one host that is in steady use, and the loss of its connection.
async fn every_end(stage: Arc<Stage>, client: Arc<Client>, number: usize) {
    let run = |command: &str, limit: u32| json!({"host": "web-01", "command": command, "timeout_s": limit});
    call(&client, "run", run("exit 3", 10)).await;
    call(&client, "run", run("kill -9 $$", 10)).await;
    call(&client, "run", run("sleep 60", 1)).await;
    // A client that leaves.
    let params = json!({"name": "run", "arguments": run("sleep 60", 30)});
    let left = client.prepare("tools/call", params).send();
    let _ = tokio::time::timeout(Duration::from_millis(500), left).await;
    if number % 3 == 2 {
        let lost = call(&client, "run", run("sleep 5", 10));
        tokio::join!(lost, async {
            tokio::time::sleep(Duration::from_millis(500)).await;
            stage.fleet.sshd(0).kill_sessions();
        });
    }
}

/// More calls at once than one host runs and queues, and than are answered at a time.
async fn more_than_a_host_takes(_: Arc<Stage>, client: Arc<Client>, _: usize) {
    let slow = json!({"host": "web-02", "command": "sleep 0.3"});
    join_all((0..8).map(|_| call(&client, "run", slow.clone()))).await;
    tokio::time::sleep(PAUSE).await;
}

/// As many pings as can be had: more than one client is allowed.
async fn more_than_the_rate(_: Arc<Stage>, client: Arc<Client>, _: usize) {
    join_all((0..60).map(|_| ask(&client, "ping", Value::Null))).await;
}

async fn resources_and_lists(_: Arc<Stage>, client: Arc<Client>, _: usize) {
    for uri in [
        "scout://web-01/etc/passwd",
        "hosts://list",
        "scout://web-01/no/such/file",
    ] {
        ask(&client, "resources/read", json!({"uri": uri})).await;
    }
    for method in ["tools/list", "prompts/list", "resources/list"] {
        ask(&client, method, Value::Null).await;
    }
}

/// What a role, a grammar, a scope or a root forbids.
async fn what_is_not_allowed(stage: Arc<Stage>, client: Arc<Client>, _: usize) {
    let observer = stage.observer();
    let open = stage.open.display();
    call(
        &observer,
        "run",
        json!({"host": "web-03", "command": format!("touch {open}/x")}),
    )
    .await;
    let copy = |from: &str| json!({"from": from, "to": format!("web-04:{open}/forbidden")});
    call(&observer, "copy", copy("web-03:/etc/hostname")).await;
    call(&client, "copy", copy("/etc/hostname")).await;
    call(&client, "read", json!({"host": "ghost", "path": "/etc"})).await;
    call(&client, "hosts", json!({"filter": "web-["})).await;
}

/// A wrong key, a web page's origin, no JSON, too much of it, and more connections than there may be.
async fn who_does_not_belong_here(stage: Arc<Stage>, client: Arc<Client>, number: usize) {
    let url = stage.server.url();
    let post = || client.http().post(&url).body("{");
    swallow(post().bearer_auth("nobodys-key-0123456789abcdef")).await;
    swallow(post()).await;
    let foreign = client.prepare("ping", Value::Null);
    swallow(foreign.header("Origin", "http://elsewhere.example")).await;
    let broken = client.prepare("ping", Value::Null).body("{");
    swallow(broken).await;
    swallow(
        client
            .prepare("ping", Value::Null)
            .body(vec![b' '; 1 << 17]),
    )
    .await;
    if number % 3 == 1 {
        let keys = KEYS.iter().filter(|key| key.starts_with("crowd"));
        let crowd = keys.flat_map(|key| (0..UNFINISHED).map(|_| unfinished(&stage, key)));
        let crowd = join_all(crowd).await;
        tokio::time::sleep(PAUSE * 2).await;
        drop(crowd);
    }
}

/// A connection with a request whose body does not come: it is not idle, so it makes no room for others.
async fn unfinished(stage: &Stage, key: &str) -> std::io::Result<TcpStream> {
    let (at, key) = (stage.server.address(), stage::key(key));
    let mut stream = TcpStream::connect(at).await?;
    let head = format!(
        "POST /mcp HTTP/1.1\r\nHost: {at}\r\nAuthorization: Bearer {key}\r\n\
         Accept: application/json, text/event-stream\r\nContent-Type: application/json\r\n\
         Content-Length: 100\r\n\r\n{{"
    );
    stream.write_all(head.as_bytes()).await?;
    Ok(stream)
}
