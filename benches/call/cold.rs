//! First calls: the server is new each time, and has no connection yet.

use super::site::{Site, address, request};
use super::support::{eventually, procs};
use super::wire::Wire;
use criterion::{Criterion, SamplingMode};
use serde_json::{Value, json};
use std::time::{Duration, Instant};
use tokio::runtime::Runtime;

pub(crate) fn benches(criterion: &mut Criterion, runtime: &Runtime) {
    for hosts in [1, 10, 100] {
        let site = std::cell::OnceCell::new();
        let start = || runtime.block_on(Site::start(hosts));
        let mut group = criterion.benchmark_group("cold");
        group.sample_size(10).sampling_mode(SamplingMode::Flat);
        for work in ["read", "run"] {
            group.bench_function(format!("{work}/hosts={hosts}"), |bencher| {
                let site = site.get_or_init(start);
                bencher.iter_custom(|times| {
                    let all = async {
                        let mut sum = Duration::ZERO;
                        for _ in 0..times {
                            sum += first(site, work).await;
                        }
                        sum
                    };
                    runtime.block_on(all)
                });
            });
        }
        group.finish();
    }
}

/// How long the first call of a fresh server takes.
async fn first(site: &Site, work: &str) -> Duration {
    let server = site.server().start().await;
    let (tool, arguments) = call(site, work);
    let request = request(&server, tool, arguments);
    let mut wire = Wire::connect(address(&server)).await;
    let start = Instant::now();
    wire.call(&request).await;
    let took = start.elapsed();
    drop(server);
    // What the hosts still do for it must not fall on the next.
    let listeners: Vec<_> = site.fleet.sshds().iter().map(|sshd| sshd.pid()).collect();
    let ended = || procs::all().iter().all(|p| !listeners.contains(&p.parent));
    eventually("no session is left", Duration::from_secs(30), ended).await;
    took
}

/// One host is asked by the tool of its own, several at once.
fn call(site: &Site, work: &str) -> (&'static str, Value) {
    let command = format!("wc -c {}", site.file());
    match (site.names.as_slice(), work) {
        ([host], "read") => ("read", json!({"host": host, "path": site.file()})),
        ([host], _) => ("run", json!({"host": host, "command": command})),
        (_, "read") => ("broadcast", json!({"hosts": "all", "path": site.file()})),
        _ => ("broadcast", json!({"hosts": "all", "command": command})),
    }
}
