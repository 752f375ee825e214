//! Samples the resident memory of the server from `/proc`, beside the test.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::Duration;

use crate::support::server::TestServer;

/// What the resident memory of the process stays below, in MiB.
const BOUND: f64 = 256.0;

/// The largest resident memory of a process, sampled until it is asked for.
pub(super) struct Watch {
    peak_kib: Arc<AtomicU64>,
    stop: Arc<AtomicBool>,
    thread: Option<std::thread::JoinHandle<u64>>,
}

impl Watch {
    pub(super) fn start(server: &TestServer) -> Self {
        let (pid, peak_kib) = (server.program().pid(), Arc::new(AtomicU64::new(0)));
        let stop = Arc::new(AtomicBool::new(false));
        let (peak, stopped) = (Arc::clone(&peak_kib), Arc::clone(&stop));
        let thread = std::thread::spawn(move || {
            let mut samples = 0;
            while !stopped.load(Ordering::Relaxed) {
                let Ok(status) = std::fs::read_to_string(format!("/proc/{pid}/status")) else {
                    break;
                };
                // A process that has ended has none; whoever waits for its answers says so.
                let Some(line) = status.lines().find(|line| line.starts_with("VmRSS:")) else {
                    break;
                };
                let now = line.split_whitespace().nth(1).unwrap().parse().unwrap();
                peak.fetch_max(now, Ordering::Relaxed);
                samples += 1;
                std::thread::park_timeout(Duration::from_millis(10));
            }
            samples
        });
        Self {
            peak_kib,
            stop,
            thread: Some(thread),
        }
    }

    /// The peak in MiB. Panics above the bound.
    pub(super) fn finish(mut self, what: &str) -> f64 {
        self.stop.store(true, Ordering::Relaxed);
        let samples = self.thread.take().unwrap().join().unwrap();
        assert!(samples > 10, "{what}: sampled {samples} times only");
        let peak = self.peak_kib.load(Ordering::Relaxed) as f64 / 1024.0;
        eprintln!("{what}: at most {peak:.0} MiB resident ({samples} samples)");
        assert!(peak < BOUND, "{what}: {peak:.0} MiB");
        peak
    }
}
