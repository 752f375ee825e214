//! Asking a program of a host: docker, zpool, journalctl.
//!
//! The question is Scout's own and changes nothing; what a caller names in it stands behind as a
//! word of its own, checked by the grammar of the program. The answer is what the program said, or
//! a failure that says in one sentence why there is none: an answer that did not come is never an
//! empty one.

mod said;

pub use said::Shown;
pub(super) use said::{Said, file_text, quoted, unreadable};

use super::{Failure, Ops};
use crate::access::Principal;
use bytes::Bytes;
use fleet::{Captured, Deadline, Execution, HostName, Outcome, Program};
use std::ffi::OsString;

/// Starts the program that its arguments name.
///
/// What administrators call is often not in the path of an account that logs in without a terminal:
/// zpool in `/usr/sbin`, which Debian's sshd gives to root alone, docker in `/usr/local/bin` (macOS)
/// or `/snap/bin`. Nothing of the account is to change the answer: not the directory its logins begin in,
/// where compose would read `.env`, nor a file that is named for compose, nor its language.
const START: &str = "cd /; PATH=$PATH:/usr/local/bin:/usr/local/sbin:/usr/sbin:/sbin:/snap/bin LC_ALL=C.UTF-8; \
    export PATH LC_ALL; unset COMPOSE_FILE; exec \"$@\"";

/// What `sh` exits with where there is no such program, and where it cannot be started (POSIX XCU
/// §2.8.2).
const ABSENT: u8 = 127;
const NOT_STARTED: u8 = 126;

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
    pub(super) hint: Option<Hint>,
}

/// What helps against a failure of a program of which it says one of these words.
#[derive(Debug, Clone, Copy)]
pub(super) struct Hint {
    pub(super) on: &'static [&'static str],
    pub(super) text: &'static str,
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
        let cut_aside = stderr.is_truncated();
        let (text, mut aside) = (lossy(stdout), lossy(stderr));
        if cut_aside {
            aside.push_str(&format!("\n[truncated at {} bytes]", aside.len()));
        }
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
        let because = said.map(|said| format!(": {}", quoted(said)));
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
                self.hint.filter(|hint| says(hint.on)).map(|hint| hint.text),
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

#[cfg(test)]
mod tests {
    use super::*;
    use fleet::Stopped;

    fn failure(outcome: Outcome, said: &str) -> Failure {
        let question = Question {
            missing: &["no such pool"],
            absent: &["is not a docker command"],
            hint: Some(Hint {
                on: &["daemon"],
                text: "start it",
            }),
            ..Question::new("zpool", ["zpool", "list"])
        };
        let host = HostName::parse("web1").unwrap();
        let failure = question.failure(&host, &outcome, Some(said));
        assert_eq!(
            (failure.outcome, failure.host.as_deref()),
            ("failed", Some("web1"))
        );
        failure
    }

    #[test]
    fn each_end_without_an_answer_has_its_code_and_its_sentence() {
        let exited = |code| Outcome::Exited { code };
        let stopped = Stopped::Verified;
        for (outcome, said, expected) in [
            (exited(127), "sh: not found", "not_installed"),
            (exited(126), "sh: Permission denied", "not_executable"),
            (exited(1), "cannot open 'x': no such pool", "not_found"),
            (
                exited(1),
                "docker: 'compose' is not a docker command.",
                "not_installed",
            ),
            (exited(1), "anything", "program_failed"),
            (
                Outcome::Signaled {
                    name: "KILL".into(),
                },
                "",
                "program_failed",
            ),
            (Outcome::TimedOut { stopped }, "", "timed_out"),
            (Outcome::Cancelled { stopped }, "", "cancelled"),
            (
                Outcome::ConnectionLost {
                    may_still_run: true,
                },
                "",
                "connection_lost",
            ),
        ] {
            let Failure { code, message, .. } = failure(outcome, said);
            assert_eq!(code, expected, "{message}");
            assert!(
                message.contains("`zpool`") && message.contains("`web1`"),
                "{message}"
            );
        }
        let bad = failure(exited(3), "bad\u{1b}[2J");
        assert_eq!(
            bad.message,
            "`zpool` on `web1` failed with exit code 3: bad\\u{1b}[2J"
        );
        assert_eq!(bad.hint, None);
        let down = failure(exited(1), "is the daemon running?");
        assert_eq!(down.hint.as_deref(), Some("start it"));
    }

    #[test]
    fn what_a_caller_names_is_a_word_behind_those_of_ours() {
        let question = Question {
            joined: true,
            ..Question::new("docker", ["docker", "logs", "--", "x"])
        };
        let Program::Argv(words) = question.program() else {
            panic!("a question is no line for a shell");
        };
        assert_eq!(words[..2], ["/bin/sh", "-c"]);
        assert!(words[2].to_string_lossy().ends_with("exec \"$@\" 2>&1"));
        assert_eq!(words[3..], ["sh", "docker", "logs", "--", "x"]);
    }
}
