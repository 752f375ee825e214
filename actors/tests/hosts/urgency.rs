//! What is promised to who asks one question while much other work waits, and to that work.

use crate::rig::{HOSTS, Rig, exited, shell, start};
use fleet::{Bounds, Deadline, Execution, HostName, Lease, RemotePath, Urgency};
use futures_util::future::join_all;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::time::Duration;

fn soon() -> Deadline {
    Deadline::within(Duration::from_secs(30))
}

async fn lease(rig: &Rig, urgency: Urgency) -> Lease {
    let host = HostName::parse(HOSTS[0]).unwrap();
    rig.fleet.lease_for(&host, urgency, soon()).await.unwrap()
}

async fn run(rig: &Rig, urgency: Urgency, line: &str) -> Execution {
    let lease = lease(rig, urgency).await;
    let ran = lease.run(shell(line), Bounds::default(), soon()).await;
    ran.unwrap()
}

/// Calls that come again and again, from as many callers at once, while something else is done.
struct Standing {
    done: AtomicUsize,
    over: AtomicBool,
}

impl Standing {
    async fn beside<T>(
        callers: usize,
        call: impl AsyncFn(),
        work: impl AsyncFnOnce(&Self) -> T,
    ) -> T {
        let this = Self {
            done: AtomicUsize::new(0),
            over: AtomicBool::new(false),
        };
        let caller = || async {
            while !this.over.load(Ordering::Relaxed) {
                call().await;
                this.done.fetch_add(1, Ordering::Relaxed);
            }
        };
        let callers = join_all((0..callers).map(|_| caller()));
        let work = async {
            let done = work(&this).await;
            this.over.store(true, Ordering::Relaxed);
            done
        };
        tokio::join!(callers, work).1
    }

    fn done(&self) -> usize {
        self.done.load(Ordering::Relaxed)
    }

    async fn until(&self, done: usize) {
        while self.done() < done {
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
    }
}

pub(crate) async fn an_interactive_call_overtakes_the_bulk_work_that_waits(rig: &Rig) {
    std::fs::write(rig.shelf.join("note"), "read me").unwrap();
    let note = RemotePath::parse(rig.shelved("note")).unwrap();
    let bulk = async || {
        let ran = run(rig, Urgency::Bulk, "sleep 1").await;
        assert_eq!(ran.outcome, exited(0));
    };
    // Eight run at once, one of them no bulk work; 23 wait.
    Standing::beside(30, bulk, async |flood| {
        flood.until(7).await;
        for _ in 0..2 {
            let before = flood.done();
            let ran = run(rig, Urgency::Interactive, "exit 3").await;
            assert_eq!(ran.outcome, exited(3));
            let lease = lease(rig, Urgency::Interactive).await;
            lease.read(note.clone(), start(16), soon()).await.unwrap();
            let after = flood.done();
            assert!(after - before <= 14, "{} went before", after - before);
        }
    })
    .await;
}

pub(crate) async fn bulk_work_has_its_turn_however_many_interactive_calls_come(rig: &Rig) {
    let interactive = async || {
        let ran = run(rig, Urgency::Interactive, "sleep 0.1").await;
        assert_eq!(ran.outcome, exited(0));
    };
    // Eight run, and there are always some that wait.
    Standing::beside(16, interactive, async |stream| {
        stream.until(8).await;
        let bulk = [3, 4, 5].map(|code| async move {
            let ran = run(rig, Urgency::Bulk, &format!("exit {code}")).await;
            assert_eq!(ran.outcome, exited(code));
        });
        join_all(bulk).await;
    })
    .await;
}
