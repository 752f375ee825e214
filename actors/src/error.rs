//! Why the fleet could not do what was asked, by the phase in which it failed.
//!
//! Every error has a stable [`code`](FleetError::code) for programs, one sentence for people, and
//! a [`hint`](FleetError::hint) that says what to do. None of them ever holds a secret.

mod dial;
mod file;

pub use dial::{DialError, DialFailure, HostKeyProblem, Phase};
pub use file::{FileError, FileProblem};

use crate::target::{HostName, RemotePath};
use std::time::Duration;

/// Why a call to the fleet failed before or besides the outcome of a command.
#[derive(Debug, Clone, thiserror::Error)]
#[non_exhaustive]
pub enum FleetError {
    /// No such host, or none the caller may know of: the two are told apart nowhere.
    #[error("unknown host `{host}`")]
    UnknownHost {
        /// The name that was asked for.
        host: String,
    },
    /// The configuration names the host but asks for something that is not supported.
    #[error("host `{host}` cannot be used: {why}")]
    Unusable {
        /// The host.
        host: HostName,
        /// The directive and its place.
        why: String,
    },
    /// No connection could be made.
    #[error("host `{host}` is unreachable: {error}")]
    Unreachable {
        /// The host.
        host: HostName,
        /// Phase and cause.
        error: Box<DialError>,
        /// How long calls will be answered from memory before the host is dialled again.
        retry_after: Option<Duration>,
    },
    /// Everything that could do the work is in use and stayed so.
    #[error("{what} is busy{}", how_long(.waited))]
    Busy {
        /// What the call waited for.
        what: Contended,
        /// How long it waited; zero when the queue itself was full.
        waited: Duration,
    },
    /// Something is wrong with a file or directory.
    #[error("{0}")]
    File(FileError),
    /// The connection ended while the work was under way. Of work that changes something on the
    /// host, the last step may have been done.
    #[error("the connection to `{host}` was lost")]
    ConnectionLost {
        /// The host.
        host: HostName,
    },
    /// The call's deadline passed during `doing`.
    #[error("the deadline of the call passed while {doing} on `{host}`")]
    DeadlinePassed {
        /// The host.
        host: HostName,
        /// What was under way.
        doing: &'static str,
    },
    /// The host does not start a POSIX shell for us.
    #[error("host `{host}` gave no POSIX shell{}", because(.said))]
    NoShell {
        /// The host.
        host: HostName,
        /// What it said instead, cut to a line.
        said: String,
    },
    /// The directory a command was to run in cannot be entered. The command did not run.
    #[error("the directory `{path}` on `{host}` cannot be entered, so the command did not run")]
    NoDirectory {
        /// The host.
        host: HostName,
        /// The directory.
        path: RemotePath,
    },
    /// The host cannot feed a command's standard input.
    #[error("host `{host}` cannot feed standard input: its `head` has no `-c`")]
    NoInput {
        /// The host.
        host: HostName,
    },
    /// The host offers no SFTP.
    #[error("host `{host}` offers no SFTP subsystem")]
    NoSftp {
        /// The host.
        host: HostName,
    },
    /// The host's SFTP server was started and does not answer.
    #[error("the SFTP server of `{host}` does not answer")]
    SftpSilent {
        /// The host.
        host: HostName,
    },
    /// The host's actor crashed too often in a short time.
    #[error("host `{host}` is quarantined after repeated internal errors")]
    Quarantined {
        /// The host.
        host: HostName,
        /// How long still.
        remaining: Duration,
    },
    /// Scout is going down and takes no new work.
    #[error("the server is shutting down")]
    ShuttingDown,
    /// A defect of Scout itself; its log has the details.
    #[error("internal error while serving host `{host}`")]
    Internal {
        /// The host.
        host: HostName,
    },
}

/// What a call can wait for in vain.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Contended {
    /// The queue or the channels of one host.
    Host(HostName),
    /// Every connection of the pool is in use.
    Pool,
    /// The memory budget for output.
    Memory,
}

impl std::fmt::Display for Contended {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Host(host) => write!(f, "host `{host}`"),
            Self::Pool => f.write_str("the connection pool"),
            Self::Memory => f.write_str("the memory for output"),
        }
    }
}

impl FleetError {
    /// A stable name for programs.
    #[must_use]
    pub fn code(&self) -> &'static str {
        match self {
            Self::UnknownHost { .. } => "unknown_host",
            Self::Unusable { .. } => "host_unusable",
            Self::Unreachable { error, .. } => error.code(),
            Self::Busy {
                what: Contended::Host(_),
                ..
            } => "host_busy",
            Self::Busy {
                what: Contended::Pool,
                ..
            } => "pool_busy",
            Self::Busy {
                what: Contended::Memory,
                ..
            } => "memory_busy",
            Self::File(error) => error.code(),
            Self::ConnectionLost { .. } => "connection_lost",
            Self::DeadlinePassed { .. } => "deadline_passed",
            Self::NoShell { .. } => "no_shell",
            Self::NoDirectory { .. } => "no_such_directory",
            Self::NoInput { .. } => "no_input",
            Self::NoSftp { .. } => "no_sftp",
            Self::SftpSilent { .. } => "sftp_silent",
            Self::Quarantined { .. } => "quarantined",
            Self::ShuttingDown => "shutting_down",
            Self::Internal { .. } => "internal",
        }
    }

    /// What the reader can do about it.
    #[must_use]
    pub fn hint(&self) -> Option<String> {
        let text = match self {
            Self::UnknownHost { .. } => "list the hosts with the `hosts` tool".into(),
            Self::Unreachable {
                host,
                error,
                retry_after,
            } => {
                let mut hint = error.hint(host);
                if let Some(after) = retry_after {
                    let seconds = after.as_secs_f64().ceil();
                    hint.push_str(&format!("; the host is tried again after {seconds} s"));
                }
                hint
            }
            Self::Busy {
                what: Contended::Host(_),
                ..
            } => "wait for running calls to end, or raise `limits.host_running`".into(),
            Self::Busy {
                what: Contended::Pool,
                ..
            } => "wait for calls on other hosts to end, or raise `ssh.max_pool_size`".into(),
            Self::Busy {
                what: Contended::Memory,
                ..
            } => "ask for less output (`max_bytes`), or raise `limits.output_budget`".into(),
            Self::File(error) => return error.hint(),
            Self::ConnectionLost { .. } => "call again; the connection is made anew".into(),
            Self::DeadlinePassed { .. } => "call again, or raise `limits.request_timeout`".into(),
            Self::NoShell { .. } => {
                "the account needs a login shell that runs commands; files can still be read".into()
            }
            Self::NoDirectory { .. } => {
                "check that it exists and that the account may enter it".into()
            }
            Self::NoInput { .. } => {
                "put the input into a file on the host, or into the command".into()
            }
            Self::NoSftp { .. } => {
                "add `Subsystem sftp internal-sftp` to the host's sshd_config".into()
            }
            Self::SftpSilent { host } => format!(
                "try `sftp {host}` from the machine that runs Scout; a login script that waits or prints is the usual cause"
            ),
            Self::Quarantined { remaining, .. } => {
                format!("it is tried again after {} s", remaining.as_secs() + 1)
            }
            Self::ShuttingDown => "connect again in a moment".into(),
            Self::Unusable { .. } | Self::Internal { .. } => return None,
        };
        Some(text)
    }
}

/// Text of a host's, as one line of at most 200 characters that moves no terminal.
pub(crate) fn one_line(text: &str) -> String {
    let mut line = String::new();
    for letter in text.trim().chars().take(200) {
        match letter {
            '\'' | '"' => line.push(letter),
            other => line.extend(other.escape_debug()),
        }
    }
    line
}

fn how_long(waited: &Duration) -> String {
    match waited.as_millis() {
        0 => ": its queue is full".into(),
        ms => format!(" and stayed so for {ms} ms"),
    }
}

fn because(said: &str) -> String {
    match said.trim() {
        "" => String::new(),
        said => format!("; it said: {}", said.escape_debug()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_host_says_stays_on_its_line() {
        assert_eq!(
            one_line(" it's\n\x1b[2J\t\"so\" "),
            r#"it's\n\u{1b}[2J\t"so""#
        );
        assert_eq!(one_line(&"é".repeat(300)).chars().count(), 200);
    }
}
