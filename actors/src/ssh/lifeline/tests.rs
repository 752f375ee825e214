//! The script as shells run it, without SSH. A shell that waits for calls is tried in every kind of
//! `/bin/sh` that this machine has.

mod waiting;

use super::*;
use crate::command::Program;
use crate::target::RemotePath;
use std::io::Write;
use std::process::{Command as Process, Stdio};

/// Runs a script as a host would, without SSH, and gives back stdout and stderr.
fn run(command: &Command) -> (String, String) {
    run_after("", command, Duration::from_secs(5))
}

/// The same behind a start-up file.
fn run_after(start: &str, command: &Command, timeout: Duration) -> (String, String) {
    run_grouped(start, command, timeout, true)
}

/// The same, as the leader of a process group or not.
fn run_grouped(start: &str, command: &Command, timeout: Duration, leads: bool) -> (String, String) {
    let marker = Marker::fresh();
    let script = script(
        command,
        &Terms {
            marker: &marker,
            mark: "0123",
            timeout,
            armed: false,
            clocked: false,
            then: Then::End,
        },
    );
    let mut child = {
        use std::os::unix::process::CommandExt;
        let mut shell = Process::new("/bin/sh");
        shell
            .args(["-c", &format!("{start}\n{REQUEST}")])
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped());
        if leads {
            shell.process_group(0);
        }
        shell.spawn().unwrap()
    };
    let mut stdin = child.stdin.take().unwrap();
    stdin.write_all(&script).unwrap();
    // A real host gets the input after the shell reported itself; the pause stands for that.
    #[expect(clippy::disallowed_methods, reason = "a synchronous test")]
    std::thread::sleep(Duration::from_millis(100));
    // A script that runs nothing has gone by now.
    let _taken = stdin.write_all(command.stdin());
    // Where the group cannot be killed, only the end of the lifeline ends the watchers.
    let lifeline = Some(stdin).filter(|_| leads);
    let output = child.wait_with_output().unwrap();
    drop(lifeline);
    let text = |bytes: Vec<u8>| String::from_utf8(bytes).unwrap().replace(marker.hex(), "N");
    (text(output.stdout), text(output.stderr))
}

fn argv(words: &[&str]) -> Command {
    Command::new(Program::Argv(words.iter().map(|&w| w.into()).collect())).unwrap()
}

fn shell(line: &str) -> Command {
    Command::new(Program::Shell(line.into())).unwrap()
}

#[test]
fn arguments_arrive_as_they_are() {
    let odd = [
        "printf", "%s|", "a'b", "$(id)", "*", "\\", "", "x\ny", "-n", "é",
    ];
    let (out, _) = run(&argv(&odd));
    assert!(
        out.contains("a'b|$(id)|*|\\||x\ny|-n|é|\u{1e}N rc=0 swept=\n"),
        "{out:?}"
    );
}

#[test]
fn a_command_line_has_its_directory_environment_and_status() {
    let command = shell("pwd; echo \"$V\" >&2; exit 7")
        .in_directory(Some(RemotePath::parse("/usr/bin").unwrap()))
        .with_env([("V".into(), "a 'quoted' \"value\"".into())])
        .unwrap();
    let (out, err) = run(&command);
    assert!(out.contains("/usr/bin\n\u{1e}N rc=7 swept=\n"), "{out:?}");
    assert_eq!(err, "\u{1e}N begin\na 'quoted' \"value\"\n\u{1e}N end\n");
}

#[test]
fn standard_input_is_fed_exactly_and_then_ends() {
    let command = shell("wc -c; wc -c")
        .with_stdin(vec![0_u8; 70_000])
        .unwrap();
    let (out, _) = run(&command);
    assert!(out.contains("70000\n0\n\u{1e}N rc=0"), "{out:?}");
}

#[test]
fn a_directory_that_cannot_be_entered_is_no_exit() {
    let nowhere = Some(RemotePath::parse("/nowhere at all").unwrap());
    let (out, _) = run(&shell("echo ran").in_directory(nowhere));
    assert!(
        out.contains("\u{1e}N nocwd\n") && !out.contains("ran"),
        "{out:?}"
    );
}

#[test]
fn a_host_that_cannot_feed_input_runs_nothing() {
    let dir = tempfile::tempdir().unwrap();
    let head = dir.path().join("head");
    std::fs::write(&head, "#!/bin/sh\nexit 64\n").unwrap();
    std::fs::set_permissions(&head, std::os::unix::fs::PermissionsExt::from_mode(0o755)).unwrap();
    let start = format!("PATH={}:$PATH; export PATH", dir.path().display());
    let command = shell("wc -c").with_stdin("input").unwrap();
    let (out, _) = run_after(&start, &command, Duration::from_secs(5));
    assert_eq!(out, "\u{1e}N nohead\n");
}

#[test]
fn a_stop_is_known_to_be_whole_only_in_a_group_of_ones_own() {
    let stopped = |line: &str| run(&shell(line)).0.lines().last().unwrap().to_owned();
    assert!(stopped("kill -TERM 0; sleep 5").ends_with("swept=1"));
    let (out, _) = run_grouped(
        "",
        &shell("kill -TERM $$; sleep 0.2"),
        Duration::from_secs(5),
        false,
    );
    assert!(out.contains("swept=0"), "{out:?}");
}

#[test]
fn a_login_that_outlasts_the_call_runs_nothing() {
    let command = shell("echo ran");
    let (out, _) = run_after("sleep 3", &command, Duration::from_millis(500));
    assert_eq!(out, "");
    let (out, _) = run_after("sleep 1", &command, Duration::from_secs(2));
    assert!(out.contains("ran"), "{out:?}");
}

#[test]
fn what_a_command_leaves_in_the_background_ends_with_it() {
    let (out, _) = run(&shell("sleep 4321.1 & echo $!"));
    let pid = out.lines().nth(1).unwrap().to_owned();
    let state = std::fs::read_to_string(format!("/proc/{pid}/stat")).unwrap_or_default();
    assert!(state.is_empty() || state.contains(") Z "), "{state:?}");
}
