//! What a command of the program does is decided by the command: what listens and where, what was cut,
//! what was wrong. Its exit code says how it ended, and a reader that leaves does no harm.

use std::process::{Command, Stdio};
use std::time::Duration;

use nix::sys::signal::Signal;

use crate::support::eventually;
use crate::support::fleet::Fleet;
use crate::support::program::Program;
use crate::support::server::{binary, run_cli_with};

const WITHIN: Duration = Duration::from_secs(30);

#[tokio::test]
async fn what_was_cut_is_said_beside_the_output() {
    let fleet = Fleet::start(1).await;
    let env = [("SCOUT_MAX_OUTPUT_SIZE", "1KiB")];
    for (line, cut) in [
        ("seq 1 9999; exit 3", Some("stdout")),
        ("seq 1 9999 >&2; exit 3", Some("stderr")),
        ("seq 1 9; exit 3", None),
    ] {
        let end = run_cli_with(&fleet, &env, &["run", "web-01", line], WITHIN).await;
        assert_eq!(end.code(), Some(3), "{}", end.stderr);
        let mark = cut.map(|stream| format!("scout: {stream} truncated at 1024 of 48888 bytes\n"));
        let said = end.stderr.find("scout: ").map(|at| &end.stderr[at..]);
        assert_eq!(said, mark.as_deref());
    }
}

#[tokio::test]
async fn a_command_that_does_not_listen_is_not_refused_for_where_serve_would() {
    let fleet = Fleet::start(1).await;
    let env = [("SCOUT_HTTP_HOST", "0.0.0.0"), ("SCOUT_ROLE", "operator")];
    for (args, code) in [
        (&["hosts"][..], 0),
        (&["read", "web-01:/etc/passwd"], 0),
        (&["run", "web-01", "exit 7"], 7),
        (&["stdio"], 0),
        (&["serve"], 64),
        (&["check"], 64),
    ] {
        let end = run_cli_with(&fleet, &env, args, WITHIN).await;
        assert_eq!(end.code(), Some(code), "{args:?}: {}", end.stderr);
        let refused = end.stderr.contains("http.host") || end.stdout.contains("error: ");
        assert_eq!(refused, code == 64, "{args:?}: {}", end.stderr);
    }
}

#[tokio::test]
async fn a_wrong_flag_is_wrong_usage() {
    let fleet = Fleet::start(1).await;
    for args in [
        &["read", "web-01:/etc/passwd", "--lines", "9-1"][..],
        &["read", "web-01:/etc", "--tree", "--depth", "99"],
        &["run", "--env", "NAME", "web-01", "true"],
        &["run", "--timeout", "0", "web-01", "true"],
    ] {
        let end = run_cli_with(&fleet, &[], args, WITHIN).await;
        assert_eq!(end.code(), Some(2), "{args:?}: {}", end.stderr);
    }
}

#[tokio::test]
async fn a_demo_is_alone_on_loopback_and_leaves_nothing_when_its_terminal_goes() {
    let place = tempfile::tempdir().unwrap();
    let mut command = Command::new(binary());
    command.arg("demo").env_clear().env("HOME", place.path());
    command.env("TMPDIR", place.path());
    for (name, value) in [
        ("SCOUT_TRANSPORT", "stdio"),
        ("SCOUT_HTTP_HOST", "0.0.0.0"),
        ("SCOUT_OPS_HOST", "0.0.0.0"),
        ("SCOUT_HTTP_PORT", "0"),
        ("SCOUT_OPS_PORT", "0"),
        ("SCOUT_ROLE", "operator"),
        ("SCOUT_API_KEYS", "an-api-key-of-this-test"),
        ("SCOUT_RATE_LIMIT_PER_MINUTE", "1"),
        ("SCOUT_RATE_LIMIT_BURST", "1"),
    ] {
        command.env(name, value);
    }
    let mut demo = Program::start(command);
    eventually("the tour ends", WITHIN, || {
        demo.stdout().contains("Clients act as operators here")
    })
    .await;
    let first = demo.stdout();
    let first = first.lines().next().unwrap();
    assert_eq!(first.matches("http://127.0.0.1:").count(), 2, "{first}");
    let left = || std::fs::read_dir(place.path()).unwrap().count();
    assert_eq!(left(), 1);
    demo.signal(Signal::SIGHUP);
    let status = demo.wait_exit(WITHIN).await;
    assert_eq!((status.code(), left()), (Some(0), 0), "{}", demo.stderr());
}

#[tokio::test]
async fn a_reader_that_leaves_does_no_harm() {
    let place = tempfile::tempdir().unwrap();
    for args in [
        &["check"][..],
        &["check", "--json"],
        &["demo", "--tour-only"],
    ] {
        let mut command = Command::new(binary());
        command.args(args).env_clear().env("HOME", place.path());
        command.env("SCOUT_HTTP_PORT", "0");
        command.env("SCOUT_OPS_PORT", "0");
        // Nobody reads, and nobody ever will.
        let (reader, writer) = std::io::pipe().unwrap();
        drop(reader);
        command.stdout(writer).stderr(Stdio::piped());
        let end = tokio::task::spawn_blocking(move || command.output().unwrap());
        let end = tokio::time::timeout(WITHIN, end).await.unwrap().unwrap();
        let stderr = String::from_utf8_lossy(&end.stderr);
        assert_eq!(end.status.code(), Some(0), "{args:?}: {stderr}");
        assert!(!stderr.contains("panicked"), "{args:?}: {stderr}");
    }
}
