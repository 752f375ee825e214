//! The process counter sees what lives, wherever it hides, and nothing else.

use std::process::{Command, Stdio};
use std::time::Duration;

use crate::support::procs::{descendants, look, marker, survivors, wait_gone, wait_present};

fn sleeper(shell: &str, mark: &str) -> std::process::Child {
    let mut command = Command::new("sh");
    command
        .args(["-c", shell])
        .env("MARK", mark)
        .stdin(Stdio::null());
    command.spawn().unwrap()
}

#[tokio::test]
async fn a_background_process_is_seen_until_it_is_killed() {
    let mark = marker();
    assert_eq!(survivors(&mark), []);
    let mut child = sleeper("exec sleep 600", &mark);
    wait_present(&mark, Duration::from_secs(5)).await;
    child.kill().unwrap();
    // Killed but not waited for: a zombie, which is no survivor.
    wait_gone(&mark, Duration::from_secs(5)).await;
    assert!(look(child.id().cast_signed()).is_none());
    child.wait().unwrap();
}

#[tokio::test]
async fn a_process_that_left_its_parent_and_session_is_still_seen() {
    let mark = marker();
    let mut parent = sleeper("setsid sleep 600 >/dev/null 2>&1 & exit 0", &mark);
    parent.wait().unwrap();
    wait_present(&mark, Duration::from_secs(5)).await;
    // Its parent is gone, so it is below nobody we know; the environment still gives it away.
    let left = survivors(&mark);
    assert!(
        !descendants(std::process::id().cast_signed())
            .iter()
            .any(|proc| left.contains(proc))
    );
    left.iter()
        .for_each(|proc| proc.signal(nix::sys::signal::Signal::SIGKILL));
    wait_gone(&mark, Duration::from_secs(5)).await;
}

#[tokio::test]
async fn a_marker_in_the_arguments_alone_is_seen() {
    let mark = marker();
    let mut command = Command::new("env");
    command
        .args(["-i", "sh", "-c", "read never", &mark])
        .stdin(Stdio::piped());
    let mut child = command.spawn().unwrap();
    wait_present(&mark, Duration::from_secs(5)).await;
    child.kill().unwrap();
    child.wait().unwrap();
    wait_gone(&mark, Duration::from_secs(5)).await;
}

#[tokio::test]
#[should_panic(expected = "survivors after")]
async fn waiting_for_an_end_that_does_not_come_fails() {
    let mark = marker();
    let child = sleeper("exec sleep 5", &mark);
    wait_present(&mark, Duration::from_secs(5)).await;
    wait_gone(&mark, Duration::from_millis(100)).await;
    drop(child);
}
