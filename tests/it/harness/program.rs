//! The wrapper of the program under test reports ends, outputs and resources as they are.

use std::process::Command;
use std::time::Duration;

use nix::sys::signal::Signal;

use crate::support::eventually;
use crate::support::program::Program;

const SOON: Duration = Duration::from_secs(5);

fn shell(script: &str) -> Program {
    let mut command = Command::new("sh");
    command.args(["-c", script]);
    Program::start(command)
}

#[tokio::test]
async fn everything_written_before_the_end_is_kept() {
    let script = "echo out; head -c 300000 /dev/zero | tr '\\0' e >&2; exit 64";
    let finished = shell(script).finish(SOON).await;
    assert_eq!(finished.code(), Some(64));
    assert_eq!(finished.stdout, "out\n");
    assert_eq!(finished.stderr.len(), 300_000);
}

#[tokio::test]
async fn a_signal_reaches_the_process_and_its_end_is_told_from_an_exit() {
    let mut program =
        shell("trap 'echo ended; exit 0' TERM; echo ready; while :; do sleep 0.01; done");
    eventually("the trap is set", SOON, || program.stdout() == "ready\n").await;
    program.signal(Signal::SIGTERM);
    assert_eq!(program.wait_exit(SOON).await.code(), Some(0));

    let program = shell("exec sleep 600");
    program.signal(Signal::SIGKILL);
    assert_eq!(program.finish(SOON).await.code(), None);
}

#[tokio::test]
async fn file_descriptors_and_memory_are_those_of_the_process() {
    // Whoever runs the tests may hand files down; the difference is ours.
    let usual = shell("echo ready; exec sleep 600");
    let program = shell("exec 7</dev/null 8</dev/null; echo ready; exec sleep 600");
    for program in [&usual, &program] {
        eventually("the files are open", SOON, || program.stdout() == "ready\n").await;
    }
    eventually("two more files", SOON, || program.fds() == usual.fds() + 2).await;
    assert_eq!(program.threads(), 1);
    assert!(
        (0.1..50.0).contains(&program.rss_mib()),
        "{}",
        program.rss_mib()
    );
}

#[tokio::test]
#[should_panic(expected = "still running after")]
async fn waiting_for_an_exit_that_does_not_come_fails() {
    shell("exec sleep 600")
        .wait_exit(Duration::from_millis(50))
        .await;
}
