//! Asking a program of a host: docker, zpool, journalctl.
//!
//! The question is Scout's own and changes nothing; what a caller names in it stands behind as a
//! word of its own, checked by the grammar of the program. The answer is what the program said, or
//! a failure that says in one sentence why there is none: an answer that did not come is never an
//! empty one.

use super::{Failure, Ops, Printable};
use crate::access::Principal;
use bytes::Bytes;
use fleet::{Captured, Deadline, Execution, HostName, Outcome, Program};
use std::ffi::OsString;
use std::fmt::Write as _;
use std::sync::Arc;

/// Starts the program that its arguments name.
///
/// What administrators call is often not in the path of an account that logs in without a terminal:
/// zpool in `/usr/sbin` (sshd_config(5) of Debian), docker in `/usr/local/bin` (macOS) or
/// `/snap/bin`. No file of the directory a login begins in is to change the answer, as `compose.yaml`
/// would, nor the language of the account.
const START: &str = "cd /; PATH=$PATH:/usr/local/bin:/usr/local/sbin:/usr/sbin:/sbin:/snap/bin LC_ALL=C.UTF-8; \
    export PATH LC_ALL; unset COMPOSE_FILE; exec \"$@\"";

/// What `sh` exits with where there is no such program, and where it cannot be started (POSIX XCU
/// §2.8.2).
const ABSENT: u8 = 127;
const NOT_STARTED: u8 = 126;

/// How much of what a program says stands in a sentence.
const QUOTED: usize = 200;

/// A question, and how its refusals read.
pub(super) struct Question<'a> {
    /// How the program is called in a sentence.
    pub(super) name: &'static str,
    /// The program and its arguments.
    pub(super) words: Vec<&'a str>,
    /// Whether both streams are wanted as one, in the order in which they were written.
    pub(super) joined: bool,
    /// What the program says of a thing that is not there.
    pub(super) missing: &'static [&'static str],
    /// What it says where a part of it is not installed.
    pub(super) absent: &'static [&'static str],
    /// What helps when it fails.
    pub(super) hint: Option<&'static str>,
}

/// What a program said.
#[derive(Debug)]
pub(super) struct Said {
    /// On standard output.
    pub(super) text: String,
    /// On standard error.
    pub(super) aside: String,
    /// Whether more was said than was kept.
    pub(super) cut: bool,
    pub(super) hold: Arc<fleet::Hold>,
}

/// A text for a reader.
#[derive(Debug)]
pub struct Shown {
    /// The text, in which nothing acts on a terminal.
    pub text: String,
    /// Account for its memory; keep them while a copy of it lives.
    pub holds: Vec<Arc<fleet::Hold>>,
}

impl Ops {
    pub(super) async fn ask(
        &self,
        principal: &Principal,
        host: &HostName,
        question: Question<'_>,
        deadline: Deadline,
    ) -> Result<Said, Failure> {
        let program = question.program();
        let execution = self.inspect(principal, host, program, Bytes::new(), deadline);
        question.read(execution.await?)
    }
}

impl<'a> Question<'a> {
    pub(super) fn new(name: &'static str, words: impl IntoIterator<Item = &'a str>) -> Self {
        Self {
            name,
            words: words.into_iter().collect(),
            joined: false,
            missing: &[],
            absent: &[],
            hint: None,
        }
    }

    fn program(&self) -> Program {
        let start = match self.joined {
            true => format!("{START} 2>&1"),
            false => START.to_owned(),
        };
        let before = ["/bin/sh", "-c", &start, "sh"];
        let words = before.iter().chain(&self.words).map(OsString::from);
        Program::Argv(words.collect())
    }

    /// The answer, or why there is none.
    fn read(&self, execution: Execution) -> Result<Said, Failure> {
        let Execution {
            host,
            outcome,
            stdout,
            stderr,
            hold,
            ..
        } = execution;
        let cut = stdout.is_truncated();
        let (text, aside) = (lossy(stdout), lossy(stderr));
        if outcome.is_success() {
            return Ok(Said {
                text,
                aside,
                cut,
                hold,
            });
        }
        // In a stream of both, what went wrong is said last.
        let said = match self.joined {
            true => last_line(&text),
            false => first_line(&aside).or_else(|| first_line(&text)),
        };
        Err(self.failure(&host, &outcome, said))
    }

    fn failure(&self, host: &HostName, outcome: &Outcome, said: Option<&str>) -> Failure {
        let name = self.name;
        let because = said.map(|said| format!(": {}", one_line(said)));
        let because = because.unwrap_or_default();
        let says =
            |any: &[&str]| said.is_some_and(|said| any.iter().any(|words| said.contains(words)));
        let (code, message, hint) = match outcome {
            Outcome::Exited { code: ABSENT } => (
                "not_installed",
                format!("`{name}` is not installed on `{host}`, or not in the PATH of the account"),
                None,
            ),
            Outcome::Exited { code: NOT_STARTED } => (
                "not_executable",
                format!("`{name}` cannot be started on `{host}` by this account"),
                None,
            ),
            Outcome::Exited { .. } if says(self.absent) => (
                "not_installed",
                format!("`{name}` is not installed on `{host}`{because}"),
                None,
            ),
            Outcome::Exited { .. } if says(self.missing) => (
                "not_found",
                format!("`{name}` on `{host}` does not know it{because}"),
                None,
            ),
            Outcome::Exited { code } => (
                "program_failed",
                format!("`{name}` on `{host}` failed with exit code {code}{because}"),
                self.hint,
            ),
            Outcome::Signaled { name: signal } => (
                "program_failed",
                format!("`{name}` on `{host}` was killed by signal {signal}"),
                None,
            ),
            Outcome::TimedOut { stopped } => (
                "timed_out",
                format!(
                    "`{name}` on `{host}` did not answer in time; stopping it: {stopped}{because}"
                ),
                Some("ask again, or raise `limits.command_timeout`"),
            ),
            Outcome::Cancelled { stopped } => (
                "cancelled",
                format!("`{name}` on `{host}` was cancelled; stopping it: {stopped}"),
                None,
            ),
            Outcome::ConnectionLost { .. } => (
                "connection_lost",
                format!("the connection to `{host}` was lost before `{name}` answered"),
                Some("ask again; the connection is made anew"),
            ),
        };
        Failure {
            outcome: "failed",
            code,
            host: Some(host.to_string()),
            hint: hint.map(str::to_owned),
            ..Failure::invalid(message)
        }
    }
}

impl Said {
    /// The lines that are whole: the last one is not where the answer was cut.
    pub(super) fn lines(&self) -> impl Iterator<Item = &str> {
        let end = match self.cut {
            true => self.text.rfind('\n').unwrap_or(0),
            false => self.text.len(),
        };
        self.text.get(..end).unwrap_or_default().lines()
    }

    /// What was said, with what was said aside and a mark where it was cut; `nothing` where there
    /// is nothing to show.
    pub(super) fn shown(self, nothing: &str) -> Shown {
        let mut text = Printable(&self.text).to_string();
        if text.trim().is_empty() {
            nothing.clone_into(&mut text);
        }
        // Writing to a text cannot fail.
        if self.cut {
            let _written = write!(text, "\n\n[truncated at {} bytes]", self.text.len());
        }
        if !self.aside.trim().is_empty() {
            let aside = Printable(self.aside.trim_end());
            let line = if text.ends_with('\n') { "" } else { "\n" };
            let _written = write!(text, "{line}[stderr]\n{aside}");
        }
        Shown {
            text,
            holds: vec![self.hold],
        }
    }
}

/// An answer that is not in the form that the program is known for.
pub(super) fn unreadable(host: &HostName, program: &str, line: &str) -> Failure {
    Failure {
        outcome: "failed",
        code: "unreadable_answer",
        host: Some(host.to_string()),
        ..Failure::invalid(format!(
            "`{program}` on `{host}` answered in a form that Scout does not know: {}",
            one_line(line)
        ))
    }
}

fn lossy(stream: Captured) -> String {
    String::from_utf8(stream.bytes)
        .unwrap_or_else(|error| String::from_utf8_lossy(error.as_bytes()).into_owned())
}

fn first_line(text: &str) -> Option<&str> {
    text.lines().find(|line| !line.trim().is_empty())
}

fn last_line(text: &str) -> Option<&str> {
    text.lines().rfind(|line| !line.trim().is_empty())
}

/// What a host says, within a sentence.
pub(super) fn one_line(text: &str) -> String {
    let line: String = text.trim().chars().take(QUOTED).collect();
    Printable(&line).to_string().replace('\n', "\\n")
}
