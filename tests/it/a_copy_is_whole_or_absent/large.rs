//! A file far larger than what Scout may hold in memory.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use super::{copy, done, on};
use crate::support::client::Era;
use crate::support::fleet::Fleet;
use crate::support::server::TestServer;
use crate::support::yard::{Yard, same};

/// What memory may grow by, in MiB.
const BOUND: f64 = 64.0;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn memory_does_not_grow_with_the_file() {
    let large = std::env::var_os("SCOUT_TEST_LARGE").is_some();
    let bytes: u64 = if large { 1 << 30 } else { 64 << 20 };
    let fleet = Fleet::start(2).await;
    let yard = Yard::new(&fleet);
    let server = TestServer::builder(&fleet)
        .env("SCOUT_ROLE", "operator")
        .env("SCOUT_TRANSFER_ROOTS", yard.here.display())
        .env("SCOUT_REQUEST_TIMEOUT", "110s")
        .start()
        .await;
    let client = server.client(Era::Modern);
    let source = yard.local("a", bytes, 1);
    let small = yard.local("small", 100_000, 2);
    for host in ["web-01", "web-02"] {
        let to = on(host, &yard.there.join(format!("small-{host}")));
        done(&copy(&client, &small.display().to_string(), &to).await);
    }
    let idle = server.program().rss_mib();
    let (one, two, back) = (
        yard.there.join("b"),
        yard.there.join("c"),
        yard.here.join("d"),
    );
    for (from, to, place) in [
        (source.display().to_string(), on("web-01", &one), &one),
        (on("web-01", &one), on("web-02", &two), &two),
        (on("web-02", &two), back.display().to_string(), &back),
    ] {
        let peak = Peak::of(server.program().pid());
        let began = Instant::now();
        let result = copy(&client, &from, &to).await;
        let took = began.elapsed();
        let grown = peak.finish() - idle;
        let report = done(&result);
        assert_eq!(
            (&report["bytes"], &report["sent_bytes"]),
            (&bytes.into(), &bytes.into())
        );
        assert!(same(&source, place), "{from} {to}");
        let speed = bytes as f64 / f64::from(1 << 20) / took.as_secs_f64();
        eprintln!(
            "{} in {took:?}, {speed:.0} MiB/s, {grown:.0} MiB above {idle:.0}",
            report["direction"]
        );
        assert!(grown < BOUND, "{grown:.0} MiB above idle");
    }
}

/// The largest resident memory of a process, sampled until it is asked for.
struct Peak {
    over: Arc<AtomicBool>,
    sampler: std::thread::JoinHandle<f64>,
}

impl Peak {
    fn of(pid: i32) -> Self {
        let over = Arc::new(AtomicBool::new(false));
        let stop = Arc::clone(&over);
        let sampler = std::thread::spawn(move || {
            let mut peak = 0.0_f64;
            loop {
                let status = std::fs::read_to_string(format!("/proc/{pid}/status")).unwrap();
                let line = status
                    .lines()
                    .find(|line| line.starts_with("VmRSS:"))
                    .unwrap();
                let kib: f64 = line.split_whitespace().nth(1).unwrap().parse().unwrap();
                peak = peak.max(kib / 1024.0);
                if stop.load(Ordering::Relaxed) {
                    return peak;
                }
                std::thread::park_timeout(Duration::from_millis(10));
            }
        });
        Self { over, sampler }
    }

    fn finish(self) -> f64 {
        self.over.store(true, Ordering::Relaxed);
        self.sampler.join().unwrap()
    }
}
