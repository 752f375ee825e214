//! Each way, for one caller and for several.

use super::turns::take_turns;
use criterion::{Criterion, Throughput};
use fleet::file::{Part, Want};
use fleet::inventory::{Local, Sources};
use fleet::{Deadline, Fleet, HostKeyPolicy, HostName, Inventory, Limits, RemotePath, Settings};
use scout::demo::Demo;
use std::cell::OnceCell;
use std::time::Duration;
use tokio::runtime::Runtime;

/// Hosts of the fleet; callers are spread over them.
const HOSTS: usize = 8;

/// How many callers call at once.
const CALLERS: [u64; 3] = [1, 8, 64];

/// A fleet with a connection to each of its hosts.
struct Rig {
    fleet: Fleet,
    hosts: Vec<HostName>,
    _demo: Demo,
}

impl Rig {
    async fn start() -> Self {
        let demo = Demo::start(HOSTS).await.unwrap();
        let sources = Sources::named(demo.ssh_config(), Local::detect().unwrap());
        let settings = Settings {
            inventory: Inventory::load(&sources).unwrap(),
            limits: Limits {
                // A limit that counts and never refuses.
                rate_per_minute: u32::MAX,
                rate_burst: u32::MAX,
                idle_timeout: Duration::from_secs(3600),
                ..Limits::default()
            },
            host_keys: HostKeyPolicy::Check {
                files: None,
                accept_new: false,
            },
        };
        let fleet = Fleet::start(settings).await.unwrap();
        let hosts: Vec<_> = fleet.inventory().iter().map(|e| e.name().clone()).collect();
        for host in &hosts {
            read(&fleet, host).await;
        }
        Self {
            fleet,
            hosts,
            _demo: demo,
        }
    }
}

pub(crate) fn benches(criterion: &mut Criterion) {
    // Counting is part of every way.
    scout::metrics::install().unwrap();
    let runtime = Runtime::new().unwrap();
    let rig = OnceCell::new();
    way(
        criterion,
        &runtime,
        &rig,
        "admit",
        |fleet, host| async move {
            fleet.admit(host.as_str()).await.unwrap();
        },
    );
    way(
        criterion,
        &runtime,
        &rig,
        "lease",
        |fleet, host| async move {
            drop(fleet.lease(&host, soon()).await.unwrap());
        },
    );
    // To a host that is connected: a message to its actor, and its answer.
    way(criterion, &runtime, &rig, "hop", |fleet, host| async move {
        let lease = fleet.lease(&host, soon()).await.unwrap();
        lease.reach(soon()).await.unwrap();
    });
    // With a job started, and an SSH server on the other side of the same process.
    way(
        criterion,
        &runtime,
        &rig,
        "read",
        |fleet, host| async move {
            read(&fleet, &host).await;
        },
    );
}

/// One way, for every number of callers. The fleet is started with the first that is run.
fn way<F: Future<Output = ()> + Send + 'static>(
    criterion: &mut Criterion,
    runtime: &Runtime,
    rig: &OnceCell<Rig>,
    name: &str,
    call: impl Fn(Fleet, HostName) -> F + Copy + Send + 'static,
) {
    let mut group = criterion.benchmark_group(name);
    for callers in CALLERS {
        group.throughput(Throughput::Elements(callers));
        group.bench_function(callers.to_string(), |bencher| {
            let rig = rig.get_or_init(|| runtime.block_on(Rig::start()));
            bencher.iter_custom(|turns| {
                let hosts = rig.hosts.iter().cycle().take(callers as usize);
                take_turns(runtime, hosts, turns, |host, turns| {
                    let (fleet, host) = (rig.fleet.clone(), host.clone());
                    async move {
                        for _ in 0..turns {
                            call(fleet.clone(), host.clone()).await;
                        }
                    }
                })
            });
        });
    }
    group.finish();
}

/// A few bytes of a file that every host of the demo has.
async fn read(fleet: &Fleet, host: &HostName) {
    let lease = fleet.lease(host, soon()).await.unwrap();
    let path = RemotePath::parse("~/app/conf/app.toml").unwrap();
    let part = Part::From {
        offset: 0,
        limit: 1 << 20,
    };
    lease
        .read(path, Want { part, tree: None }, soon())
        .await
        .unwrap();
}

fn soon() -> Deadline {
    Deadline::within(Duration::from_secs(30))
}
