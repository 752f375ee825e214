//! The command itself, as a subshell within its script.

use crate::command::{Command, Program};
use std::os::unix::ffi::OsStrExt;

/// The command in a subshell of its own, with its directory, environment and mark. The shell around
/// it has no standard error: what it says there ("Terminated") is no output of the command.
pub(super) fn of(command: &Command, mark: &str) -> Vec<u8> {
    let mut text = b"( trap - TERM INT HUP PIPE EXIT\n".to_vec();
    let mut put = |parts: &[&[u8]]| parts.iter().for_each(|part| text.extend_from_slice(part));
    if let Some(cwd) = command.cwd() {
        put(&[b"{ "]);
        match cwd.below_home() {
            Some(b"") => put(&[b"cd"]),
            Some(below) => put(&[b"cd && cd -- ./", &quote(below)]),
            None => put(&[b"cd -- ", &quote(cwd.as_bytes())]),
        }
        // Not an end of the command, which did not begin.
        put(&[b"; } >/dev/null || { scout_mark nocwd >&4; exit; }\n"]);
    }
    if command.stdin().is_empty() {
        put(&[b"exec </dev/null\n"]);
    }
    put(&[b"exec 2>&5 3<&- 4>&- 5>&-\n"]);
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
