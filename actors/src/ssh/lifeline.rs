//! The script that runs a command on a host and lets nothing outlive its call.
//!
//! sshd kills nothing when a channel or connection ends without a terminal, and `timeout(1)` only
//! sends `TERM`. So the request sent to the host is the constant [`REQUEST`], whatever the login
//! shell; the script follows on standard input, which then stays open as a lifeline: when it ends,
//! because the call is over or Scout is gone, a watcher on the host stops the process group. A
//! second watcher does so at the call's time limit, should the network be cut in between.
//!
//! A login shell that is busy with its start-up files gets to the script when it gets there. Where the
//! whole call has passed by then (`/proc` tells how long ago sshd started the shell; proc(5), field
//! `starttime`, in hundredths of a second), the script does nothing.
//!
//! A command that ends by itself takes its process group with it. What left the group before
//! (`setsid`) stays: that is how daemons are started on purpose. When a command had to be stopped,
//! such strays are found by a mark in their environment, where the host has `/proc`; twice, so that
//! nothing slips through while it forks, and before the report, which says whether the search was
//! possible, and whether the group is ours alone: it is not where the shell leads no group, or where
//! another user's process is in it (`sudo`). A process that also clears its environment escapes, and
//! a loop of the shell itself in a group of its own (`set -m`); that is said in the documentation.
//!
//! This file only writes text. The quoting in [`quote`] is the one place where a value becomes
//! part of a script.

use super::frame::Marker;
use crate::command::{Command, Program};
use crate::limits::STOP_GRACE;
use std::os::unix::ffi::OsStrExt;
use std::time::Duration;

/// The exec request. `exec` keeps the process id of the login shell, which sshd made the leader
/// of its own process group; `-s` reads the script from standard input.
pub(crate) const REQUEST: &str = "exec /bin/sh -s";

/// How much longer than the whole call its login shell must have taken for the script to do nothing;
/// the clocks that are compared count whole seconds.
const TOO_LATE: Duration = Duration::from_secs(1);

/// The host's own time limit is this much later than ours, so that ours decides when both live.
const HOST_SLACK: Duration = Duration::from_secs(3);

/// Writes the script for a command.
///
/// `marker` frames the streams; `mark` is the value of the environment variable by which strays
/// are found. Both are fresh for every call.
pub(crate) fn script(command: &Command, marker: &Marker, mark: &str, timeout: Duration) -> Vec<u8> {
    let limit = (timeout + HOST_SLACK).as_secs_f64().ceil();
    let late = (timeout + TOO_LATE).as_secs_f64().ceil();
    let grace = STOP_GRACE.as_secs();
    let hex = marker.hex();
    let watcher = |watch: &str| format!("( trap '' TERM INT HUP PIPE; {watch}; stop ) 2>/dev/null");
    // The command's own standard input, when there is one, is the first part of ours; only then
    // does ours become the lifeline. As long as the command leaves input unread, the end of the
    // lifeline stands behind it and is not seen: then only the time limit on the host, and the
    // killing from outside, end it.
    let (ready, tail) = match command.stdin().len() {
        0 => (
            String::new(),
            format!("{} >/dev/null &\nmain", watcher("cat <&3")),
        ),
        n => (
            // Not every `head` has `-c` (POSIX has it since 2024); a command must not mistake
            // missing input for empty input.
            "head -c 0 </dev/null || { mark nohead >&4; exit; }\n".to_owned(),
            format!(
                "{{ {} & }} | main",
                watcher(&format!("head -c {n} <&3; exec >/dev/null; cat <&3"))
            ),
        ),
    };
    let before = format!(
        r#"{{
mark() {{ printf '\036{hex} %s\n' "$1"; }}
ours() {{
g=$(cat /proc/[0-9]*/stat | awk -v g=$$ '{{ p = $1; sub(/.*\) /, ""); if ($3 == g && $1 != "Z") print p }}')
case " $(echo $g) " in *" $$ "*) ;; *) return 1 ;; esac
for p in $g; do [ -O /proc/$p ] || [ ! -e /proc/$p ] || return 1; done
}} 2>/dev/null
sweep() {{
[ -r /proc/self/environ ] || return 1
for i in 1 2; do
for p in $(grep -lsF SCOUT_CALL={mark} /proc/[0-9]*/environ); do p=${{p#/proc/}}; kill -KILL "${{p%/environ}}"; done
[ $i = 2 ] || sleep 0.05
done 2>/dev/null
ours
}}
late() {{
read -r up x </proc/uptime && read -r stat </proc/$$/stat || return 1
set -- ${{stat##*) }}
x=${{20%??}}
[ "$x" ] && [ $((${{up%%.*}} - x)) -ge {late} ]
}} 2>/dev/null
stop() {{
kill -TERM -$$; sleep {grace}
if sweep; then s=1; else s=0; fi
mark "stopped=$s" >&4
kill -KILL -$$
}}
main() {{
x=; trap 'x=1' TERM; trap : INT HUP PIPE
"#
    );
    let after = format!(
        r#" 2>&5
r=$? s=
if [ "$x" ]; then if sweep; then s=1; else s=0; fi; fi
mark "rc=$r swept=$s" >&4; mark end >&5
kill -KILL -$$
exit
}}
late && exit
trap : TERM INT HUP PIPE
exec 3<&0 4>&1 5>&2 </dev/null 2>/dev/null
{ready}mark $$; mark begin >&5
( trap '' TERM INT HUP PIPE; exec 3<&-; sleep {limit}; stop ) >/dev/null 2>&1 &
{tail}
}}
"#
    );
    [before.into_bytes(), body(command, mark), after.into_bytes()].concat()
}

/// The command in a subshell of its own, with its directory, environment and mark. The shell around
/// it has no standard error: what it says there ("Terminated") is no output of the command.
fn body(command: &Command, mark: &str) -> Vec<u8> {
    let mut text = b"( trap - TERM INT HUP PIPE\n".to_vec();
    let mut put = |parts: &[&[u8]]| parts.iter().for_each(|part| text.extend_from_slice(part));
    if let Some(cwd) = command.cwd() {
        put(&[b"{ "]);
        match cwd.below_home() {
            Some(b"") => put(&[b"cd"]),
            Some(below) => put(&[b"cd && cd -- ./", &quote(below)]),
            None => put(&[b"cd -- ", &quote(cwd.as_bytes())]),
        }
        // Not an end of the command, which did not begin.
        put(&[b"; } >/dev/null || { mark nocwd >&4; exit; }\n"]);
    }
    put(&[b"exec 3<&- 4>&- 5>&-\n"]);
    for (name, value) in command.env() {
        let (name, value) = (name.as_bytes(), quote(value.as_bytes()));
        put(&[name, b"=", &value, b"; export ", name, b"\n"]);
    }
    // Behind the caller's own variables, so that none of them can take the mark away.
    put(&[b"SCOUT_CALL=", mark.as_bytes(), b"; export SCOUT_CALL\n"]);
    match command.program() {
        Program::Shell(line) => put(&[b"eval ", &quote(line.as_bytes())]),
        // `exec` finds a program, never a builtin or function of the shell: `echo` is /bin/echo.
        Program::Argv(words) => {
            put(&[b"exec"]);
            for word in words {
                put(&[b" ", &quote(word.as_bytes())]);
            }
        }
    }
    put(&[b" )"]);
    text
}

/// Quotes a value for `sh`: within single quotes nothing has a meaning but the quote itself
/// (POSIX XCU §2.2.2).
fn quote(value: &[u8]) -> Vec<u8> {
    let mut quoted = Vec::with_capacity(value.len() + 2);
    quoted.push(b'\'');
    for (at, part) in value.split(|&byte| byte == b'\'').enumerate() {
        if at > 0 {
            quoted.extend_from_slice(br"'\''");
        }
        quoted.extend_from_slice(part);
    }
    quoted.push(b'\'');
    quoted
}

#[cfg(test)]
mod tests {
    use super::*;
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
    fn run_grouped(
        start: &str,
        command: &Command,
        timeout: Duration,
        leads: bool,
    ) -> (String, String) {
        let marker = Marker::fresh();
        let script = script(command, &marker, "0123", timeout);
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
        std::fs::set_permissions(&head, std::os::unix::fs::PermissionsExt::from_mode(0o755))
            .unwrap();
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
}
