//! What is promised of the processes of a command whose call is over: none of them is left.
//!
//! The hosts share this machine, so its process table is the witness.

use crate::rig::{HOSTS, Rig, argv, exited, shell};
use fleet::{Bounds, Deadline, Outcome, Stopped};
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::{Duration, Instant};

/// A span in seconds that `sleep` takes and no other process has as an argument.
pub(crate) fn mark() -> String {
    static COUNT: AtomicU32 = AtomicU32::new(0);
    let count = COUNT.fetch_add(1, Ordering::Relaxed);
    format!("987.{}{count:03}", std::process::id())
}

/// How many live processes carry the mark as an argument of their own. A zombie has none.
fn alive(mark: &str) -> usize {
    let processes = std::fs::read_dir("/proc").unwrap().flatten();
    let lines = processes.filter_map(|entry| std::fs::read(entry.path().join("cmdline")).ok());
    lines
        .filter(|line| line.split(|&b| b == 0).any(|word| word == mark.as_bytes()))
        .count()
}

/// Waits until that many are alive.
pub(crate) async fn until(mark: &str, count: usize, patience: Duration) -> Duration {
    let began = Instant::now();
    while alive(mark) != count {
        let left = alive(mark);
        assert!(began.elapsed() < patience, "{left} left, {count} expected");
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    began.elapsed()
}

fn short() -> Bounds {
    Bounds {
        timeout: Some(Duration::from_millis(700)),
        ..Bounds::default()
    }
}

pub(crate) async fn a_command_out_of_time_is_stopped_and_that_is_proven(rig: &Rig) {
    let mark = mark();
    let stubborn = format!("trap '' TERM; echo begun; sleep {mark} & sleep {mark}; sleep {mark}");
    for line in [format!("echo begun; sleep {mark}"), stubborn] {
        let began = Instant::now();
        let ran = rig.run_on(HOSTS[0], shell(&line), short()).await.unwrap();
        assert_eq!(
            ran.outcome,
            Outcome::TimedOut {
                stopped: Stopped::Verified
            },
            "{line}"
        );
        assert_eq!(ran.stdout.bytes, b"begun\n");
        assert!(began.elapsed() < Duration::from_millis(3500));
        until(&mark, 0, Duration::from_millis(300)).await;
    }
    assert_eq!(rig.run(argv(&["true"])).await.outcome, exited(0));
}

pub(crate) async fn a_stray_in_a_session_of_its_own_is_stopped_too(rig: &Rig) {
    let mark = mark();
    let line = format!("setsid sleep {mark} >/dev/null 2>&1 & sleep 0.1; sleep {mark}");
    let ran = rig.run_on(HOSTS[0], shell(&line), short()).await.unwrap();
    assert_eq!(
        ran.outcome,
        Outcome::TimedOut {
            stopped: Stopped::Verified
        }
    );
    until(&mark, 0, Duration::from_millis(300)).await;
}

pub(crate) async fn a_command_that_ended_its_watchers_is_stopped_all_the_same(rig: &Rig) {
    let mark = mark();
    // Nothing is left on the host that heeds the end of the call, and nothing the command runs
    // can be found by its environment: only its process group is.
    let line = format!(
        "own=$(exec sh -c 'echo $PPID'); trap '' TERM\n\
         for p in $(ps -o pid= --ppid $$); do [ $p = $own ] || kill -KILL $p; done\n\
         env -i sleep {mark}"
    );
    let ran = rig.run_on(HOSTS[0], shell(&line), short()).await.unwrap();
    let stopped = Stopped::Unverified;
    assert_eq!(ran.outcome, Outcome::TimedOut { stopped });
    until(&mark, 0, Duration::from_millis(300)).await;
    assert_eq!(rig.run(argv(&["true"])).await.outcome, exited(0));
}

pub(crate) async fn leaving_a_call_ends_its_processes(rig: &Rig) {
    let mark = mark();
    let line = format!("sleep {mark} & sleep {mark}");
    {
        let mut call = Box::pin(rig.run(shell(&line)));
        let begun = until(&mark, 2, Duration::from_secs(5));
        tokio::select! {
            ran = &mut call => panic!("{ran:?}"),
            _ = begun => {}
        }
    }
    until(&mark, 0, Duration::from_secs(3)).await;
    assert_eq!(rig.run(argv(&["true"])).await.outcome, exited(0));
}

pub(crate) async fn shutting_down_cuts_what_still_runs(rig: &Rig) {
    let mark = mark();
    let sleep = argv(&["sleep", &mark]);
    let call = rig.run_on(HOSTS[0], sleep, Bounds::default());
    let shutdown = async {
        until(&mark, 1, Duration::from_secs(5)).await;
        let began = Instant::now();
        let deadline = Deadline::within(Duration::from_millis(100));
        (rig.fleet.shutdown(deadline).await, began.elapsed())
    };
    let (ran, (cut, took)) = tokio::join!(call, shutdown);
    assert_eq!(
        ran.unwrap().outcome,
        Outcome::Cancelled {
            stopped: Stopped::Verified
        }
    );
    assert_eq!(cut, 1);
    assert!(took < Duration::from_secs(5), "{took:?}");
    until(&mark, 0, Duration::from_millis(300)).await;
}
