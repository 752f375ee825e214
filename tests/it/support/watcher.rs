//! Watches the kernel's table of connections while a test runs, and keeps the most that lived at the
//! same time. One look at the table is not atomic: a connection that ends and another that begins while
//! it is read may both be in it. So two looks make one sample, and what counts is in both: those
//! connections all lived between the looks.

use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::JoinHandle;
use std::time::Duration;

use super::fleet::Fleet;
use super::sockets::connections_at;

/// Between two samples.
const PAUSE: Duration = Duration::from_millis(2);

/// A running watch.
#[derive(Debug)]
pub(crate) struct Watcher {
    stop: Arc<AtomicBool>,
    thread: Option<JoinHandle<Watched>>,
}

/// What was seen.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Watched {
    /// The most connections that lived at the same time.
    pub(crate) most: usize,
    /// How many samples that is the most of.
    pub(crate) samples: usize,
}

impl Watcher {
    /// Watches the connections that the hosts of this fleet hold.
    pub(crate) fn of(fleet: &Fleet) -> Self {
        let hosts: Vec<SocketAddr> = fleet.sshds().iter().map(|sshd| sshd.address()).collect();
        let stop = Arc::new(AtomicBool::new(false));
        let stopped = Arc::clone(&stop);
        let thread = std::thread::spawn(move || watch(&hosts, &stopped));
        Self {
            stop,
            thread: Some(thread),
        }
    }

    /// Ends the watch.
    pub(crate) fn stop(mut self) -> Watched {
        self.stop.store(true, Ordering::SeqCst);
        self.thread.take().unwrap().join().unwrap()
    }
}

impl Drop for Watcher {
    fn drop(&mut self) {
        self.stop.store(true, Ordering::SeqCst);
    }
}

fn watch(hosts: &[SocketAddr], stopped: &AtomicBool) -> Watched {
    let mut seen = Watched {
        most: 0,
        samples: 0,
    };
    while !stopped.load(Ordering::SeqCst) {
        let (first, second) = (connections_at(hosts), connections_at(hosts));
        seen.most = seen.most.max(first.intersection(&second).count());
        seen.samples += 1;
        std::thread::park_timeout(PAUSE);
    }
    seen
}
