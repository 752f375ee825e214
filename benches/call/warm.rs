//! Calls to hosts that are connected already.

use super::site::{Site, address, request};
use super::support::server::TestServer;
use super::turns::take_turns;
use super::wire::Wire;
use criterion::{Criterion, SamplingMode, Throughput};
use serde_json::{Value, json};
use std::cell::OnceCell;
use std::sync::Arc;
use tokio::runtime::Runtime;

/// How many hosts there are.
const HOSTS: [usize; 3] = [1, 10, 100];

/// How many callers call at once.
const CALLERS: [usize; 3] = [1, 8, 64];

/// What is asked for.
#[derive(Debug, Clone, Copy)]
enum Work {
    Read,
    List,
    Run,
    Shell,
}

impl Work {
    const ALL: [Self; 4] = [Self::Read, Self::List, Self::Run, Self::Shell];

    fn name(self) -> &'static str {
        match self {
            Self::Read => "read",
            Self::List => "list",
            Self::Run => "run",
            Self::Shell => "shell",
        }
    }

    /// The tool and its arguments, for one host.
    fn call(self, site: &Site, host: &str) -> (&'static str, Value) {
        match self {
            Self::Read => ("read", json!({"host": host, "path": site.file()})),
            Self::List => ("read", json!({"host": host, "path": site.directory()})),
            Self::Run | Self::Shell => {
                let command = format!("wc -c {}", site.file());
                ("run", json!({"host": host, "command": command}))
            }
        }
    }

    fn role(self) -> &'static str {
        match self {
            Self::Shell => "operator",
            _ => "observer",
        }
    }
}

pub(crate) fn benches(criterion: &mut Criterion, runtime: &Runtime) {
    for hosts in HOSTS {
        let site = OnceCell::new();
        let start = || runtime.block_on(Site::start(hosts));
        for work in Work::ALL {
            let server = OnceCell::new();
            for callers in CALLERS {
                let mut group = criterion.benchmark_group(work.name());
                group.throughput(Throughput::Elements(callers as u64));
                group.sampling_mode(SamplingMode::Flat);
                group.bench_function(format!("hosts={hosts}/callers={callers}"), |bencher| {
                    let site = site.get_or_init(start);
                    let up = || runtime.block_on(serve(site, work));
                    let (server, requests) = server.get_or_init(up);
                    bencher.iter_custom(|turns| {
                        let each = runtime.block_on(wires(server, callers)).into_iter();
                        take_turns(runtime, each.enumerate(), turns, |(caller, wire), turns| {
                            turn(wire, Arc::clone(requests), caller, turns)
                        })
                    });
                });
            }
        }
        broadcast(criterion, runtime, hosts, &site);
    }
}

/// A server that has done this work on every host, and the request for each.
async fn serve(site: &Site, work: Work) -> (TestServer, Arc<Vec<Vec<u8>>>) {
    let server = site.server().env("SCOUT_ROLE", work.role()).start().await;
    let mut requests = Vec::new();
    let mut wire = Wire::connect(address(&server)).await;
    for host in &site.names {
        let (tool, arguments) = work.call(site, host);
        let request = request(&server, tool, arguments);
        wire.call(&request).await;
        requests.push(request);
    }
    (server, Arc::new(requests))
}

async fn wires(server: &TestServer, callers: usize) -> Vec<Wire> {
    let mut wires = Vec::new();
    for _ in 0..callers {
        wires.push(Wire::connect(address(server)).await);
    }
    wires
}

/// The calls of one caller.
async fn turn(mut wire: Wire, requests: Arc<Vec<Vec<u8>>>, caller: usize, turns: u64) {
    let hosts = requests.iter().cycle().skip(caller % requests.len());
    for (request, _) in hosts.zip(0..turns) {
        wire.call(request).await;
    }
}

fn broadcast(criterion: &mut Criterion, runtime: &Runtime, hosts: usize, site: &OnceCell<Site>) {
    let server = OnceCell::new();
    criterion.bench_function(&format!("broadcast/hosts={hosts}"), |bencher| {
        let site = site.get_or_init(|| runtime.block_on(Site::start(hosts)));
        let up = async {
            let server = site.server().start().await;
            let work = json!({"hosts": "all", "path": site.file()});
            let request = request(&server, "broadcast", work);
            let mut wire = Wire::connect(address(&server)).await;
            wire.call(&request).await;
            (server, Arc::new(vec![request]))
        };
        // Criterion comes here for every sample.
        let (server, request) = server.get_or_init(|| runtime.block_on(up));
        bencher.iter_custom(|turns| {
            let each = runtime.block_on(wires(server, 1)).into_iter();
            take_turns(runtime, each, turns, |wire, turns| {
                turn(wire, Arc::clone(request), 0, turns)
            })
        });
    });
}
