//! Resident memory of the real server with all of its hosts connected, read from and run on.

use super::site::{Site, address, request};
use super::support::server::TestServer;
use super::usage::{descriptors, resident};
use super::wire::Wire;
use futures_util::future::join_all;
use serde_json::{Value, json};
use std::time::Duration;

/// Callers that bring the hosts up.
const CALLERS: usize = 16;

/// What comes up behind the calls has this long.
const SETTLE: Duration = Duration::from_secs(3);

pub(crate) async fn report(sizes: &[usize]) {
    println!("\nresident: `scout serve`, every host connected, read from and run on");
    println!(
        "{:>6}{:>12}{:>12}{:>14}{:>12}{:>10}",
        "hosts", "before MB", "after MB", "KB per host", "fds", "threads"
    );
    for &hosts in sizes {
        let site = Site::behind_one(hosts).await;
        let server = site.server().start().await;
        let process = server.program().pid().to_string();
        let before = resident(&process);
        let (file, command) = (site.file(), format!("wc -c {}", site.file()));
        on_each(
            &site,
            &server,
            "read",
            |host| json!({"host": host, "path": file}),
        )
        .await;
        on_each(
            &site,
            &server,
            "run",
            |host| json!({"host": host, "command": command}),
        )
        .await;
        tokio::time::sleep(SETTLE).await;
        let after = resident(&process);
        println!(
            "{hosts:>6}{:>12.1}{:>12.1}{:>14.1}{:>12}{:>10}",
            before as f64 * 1.024 / 1000.0,
            after as f64 * 1.024 / 1000.0,
            (after - before) as f64 * 1.024 / hosts as f64,
            descriptors(&process),
            server.program().threads(),
        );
    }
}

/// Calls a tool on every host.
async fn on_each(site: &Site, server: &TestServer, tool: &str, arguments: impl Fn(&str) -> Value) {
    let requests: Vec<_> = site
        .names
        .iter()
        .map(|host| request(server, tool, arguments(host)))
        .collect();
    let share = requests.len().div_ceil(CALLERS);
    let callers = requests.chunks(share).map(|own| async move {
        let mut wire = Wire::connect(address(server)).await;
        for request in own {
            wire.call(request).await;
        }
    });
    join_all(callers).await;
}
