//! `scout demo`: the main job on a machine that has no SSH host at all.
//!
//! A throwaway fleet, a server, and a short tour that asks it over HTTP as any client would; then
//! it stays up.

use super::out::{note, say};
use super::{SOFTWARE, fail, fetch, server_failed};
use crate::access::{Role, Visible};
use crate::config::{Bind, Config, KnownHosts, Overrides};
use crate::demo::{Demo, MAX_HOSTS};
use crate::metrics;
use crate::server::{Server, ServerError};
use crate::shutdown::{self, Hangup};
use clap::Args;
use http::Request;
use serde_json::{Value, json};
use std::io;
use std::net::SocketAddr;
use std::process::ExitCode;
use std::time::Duration;
use tokio_util::sync::CancellationToken;

/// How long one step of the tour may take.
const STEP: Duration = Duration::from_secs(20);

/// The metrics the tour shows.
const SHOWN: [&str; 5] = [
    "scout_pool_requests_total",
    "scout_pool_connections",
    "scout_pool_capacity",
    "scout_lock_wait_seconds_count",
    "scout_lock_wait_seconds_sum",
];

/// Flags of `demo`.
#[derive(Debug, Args)]
pub(super) struct DemoArgs {
    /// How many hosts.
    #[arg(long, default_value_t = 3, value_parser = clap::value_parser!(u16).range(1..=MAX_HOSTS as i64))]
    hosts: u16,
    /// End after the tour instead of staying up.
    #[arg(long)]
    tour_only: bool,
}

/// What holds in a demo whatever the configuration says: it listens on loopback, for callers
/// without a key, as often as they like.
pub(super) fn overrides(flags: Overrides) -> Overrides {
    const DEMO: &str = "scout demo";
    flags
        .set("transport", DEMO, Some("http"))
        .set("http.host", DEMO, Some("127.0.0.1"))
        .set("ops.host", DEMO, Some("127.0.0.1"))
        .set("limits.rate_limit_per_minute", DEMO, Some(0))
}

pub(super) async fn run(config: &Config, args: &DemoArgs) -> ExitCode {
    let stop = CancellationToken::new();
    if let Err(error) = shutdown::on_signal(stop.clone(), Hangup::Ends) {
        return fail(SOFTWARE, &error);
    }
    let demo = match Demo::start(args.hosts.into()).await {
        Ok(demo) => demo,
        Err(error) => return fail(1, &error),
    };
    let code = serve(config, args, &demo, stop).await;
    demo.stop().await;
    code
}

async fn serve(config: &Config, args: &DemoArgs, demo: &Demo, stop: CancellationToken) -> ExitCode {
    let recorder = match metrics::install() {
        Ok(recorder) => recorder,
        Err(error) => return fail(SOFTWARE, &error),
    };
    let mut config = config.clone();
    demo.ssh_config().clone_into(&mut config.ssh.config);
    config.ssh.known_hosts = KnownHosts::File(demo.known_hosts());
    config.auth.visible = Visible::all();
    // The tour has no key, and whoever tries the demo should not need theirs.
    config.auth.keys.clear();
    // The usual port may be taken by the server somebody uses for real.
    let server = match Server::bind(&config, recorder.clone()).await {
        Err(ServerError::Bind { .. }) => {
            config.http.bind = free_port(config.http.bind.host());
            config.ops.bind = free_port(config.ops.bind.host());
            Server::bind(&config, recorder).await
        }
        bound => bound,
    };
    let (server, ops) = match server.map(|server| (server.ops_addr(), server)) {
        Ok((Ok(ops), server)) => (server, ops),
        Ok((Err(error), _)) => return fail(1, &error),
        Err(error) => return server_failed(&error),
    };
    let address = server.local_addr();
    let serving = tokio::spawn(server.run(stop.clone()));
    let toured = tokio::select! {
        toured = tour(address, ops) => toured,
        () = stop.cancelled() => Ok(()),
    };
    match &toured {
        Err(error) => {
            note(format_args!("scout: the tour failed: {error}"));
            stop.cancel();
        }
        Ok(()) if args.tour_only => stop.cancel(),
        Ok(()) if stop.is_cancelled() => {}
        Ok(()) => invite(address, config.auth.role),
    }
    match serving.await {
        Ok(Ok(())) if toured.is_err() => ExitCode::FAILURE,
        Ok(Ok(())) => ExitCode::SUCCESS,
        Ok(Err(error)) => server_failed(&error),
        Err(error) => fail(SOFTWARE, &error),
    }
}

/// Says how to go on.
fn invite(address: SocketAddr, role: Role) {
    say("\nThe server stays up; Ctrl-C ends it and removes the fleet. To connect a client:");
    say(format_args!(
        "\n  claude mcp add --transport http scout-demo http://{address}/mcp"
    ));
    say("\nor add to .vscode/mcp.json:\n");
    say(format_args!(
        "  {{\"servers\": {{\"scout-demo\": {{\"type\": \"http\", \"url\": \"http://{address}/mcp\"}}}}}}"
    ));
    say(match role {
        Role::Observer => {
            "\nClients act as observers here. `SCOUT_ROLE=operator scout demo` opens the shell to them."
        }
        Role::Operator => "\nClients act as operators here: they have the shell.",
    });
}

fn free_port(host: &str) -> Bind {
    Bind::new(host.to_owned(), 0)
}

/// Asks the server what a first user would ask.
async fn tour(address: SocketAddr, ops: SocketAddr) -> io::Result<()> {
    say(format_args!(
        "Serving MCP at http://{address}/mcp, metrics at http://{ops}/metrics."
    ));
    let steps = [
        ("Which hosts are there?", "hosts", json!({})),
        (
            "Read a file.",
            "read",
            json!({"host": "web-01", "path": "~/app/conf/app.toml"}),
        ),
        (
            "List a directory.",
            "read",
            json!({"host": "web-01", "path": "~/app"}),
        ),
        (
            "Which logs have errors?",
            "find",
            json!({"host": "web-01", "path": "~/app", "name": "*.log", "contains": "ERROR"}),
        ),
        (
            "Is that file the same on all hosts?",
            "broadcast",
            json!({"hosts": "all", "path": "~/app/conf/app.toml"}),
        ),
        (
            "Run a command.",
            "run",
            json!({"host": "web-01", "command": "grep -c ERROR logs/app.log", "cwd": "~/app"}),
        ),
        (
            "Run a command that never ends: nobody writes to this pipe.",
            "run",
            json!({"host": "web-01", "command": "cat pipe", "cwd": "~/app", "timeout_s": 1}),
        ),
    ];
    for (title, tool, arguments) in steps {
        say(format_args!("\n── {title}\n   {tool} {arguments}"));
        let text = call(address, tool, &arguments).await?;
        for line in text.lines() {
            say(format_args!("   {line}"));
        }
    }
    say(format_args!("\n── What did that cost?\n   GET /metrics"));
    let host = ops.ip().to_string();
    let answer = fetch::get(&host, ops.port(), "/metrics", STEP).await?;
    let lines = answer.body().lines();
    for line in lines.filter(|line| SHOWN.iter().any(|name| line.starts_with(name))) {
        say(format_args!("   {line}"));
    }
    Ok(())
}

/// Calls a tool, and gives back the text of its answer.
async fn call(address: SocketAddr, tool: &str, arguments: &Value) -> io::Result<String> {
    let body = json!({
        "jsonrpc": "2.0", "id": 1, "method": "tools/call",
        "params": {"name": tool, "arguments": arguments},
    });
    let request = Request::post("/mcp")
        .header("host", address.to_string())
        .header("content-type", "application/json")
        .header("accept", "application/json, text/event-stream")
        .header("mcp-protocol-version", "2025-11-25")
        .body(body.to_string())
        .map_err(io::Error::other)?;
    let answer = fetch::fetch(&address.ip().to_string(), address.port(), request, STEP).await?;
    let message: Value = serde_json::from_str(answer.body())?;
    match message
        .pointer("/result/content/0/text")
        .and_then(Value::as_str)
    {
        Some(text) => Ok(text.to_owned()),
        None => Err(io::Error::other(format!(
            "the server answered {}",
            answer.body()
        ))),
    }
}
