//! Why an operation has no report.
//!
//! A stable code for programs, one sentence for people, and a hint that says what to do: the same
//! in a tool result, a resource and on a terminal.

use super::Printable;
use super::text::one_line;
use crate::access::Denial;
use crate::access::argv::Fault;
use fleet::FleetError;
use fleet::error::{Contended, FileError, Phase};
use fleet::target::TargetError;
use fleet::{CommandError, HostName};
use serde::Serialize;
use std::fmt;

/// How many host names are offered in place of an unknown one.
const OFFERED: usize = 20;

/// A failed operation.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Failure {
    /// `unreachable`, `refused`, `invalid` or `failed`.
    pub outcome: &'static str,
    /// A stable name for what went wrong.
    pub code: &'static str,
    /// The host it is about.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub host: Option<String>,
    /// The phase of connecting in which it happened.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub phase: Option<&'static str>,
    /// One sentence.
    pub message: String,
    /// What to do.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub hint: Option<String>,
}

impl Failure {
    /// Every outcome.
    pub(super) const OUTCOMES: [&'static str; 4] = ["unreachable", "refused", "invalid", "failed"];

    /// Every code that work on one host can end with, so that another replica can name it.
    pub(super) const CODES: [&'static str; 43] = [
        "already_exists",
        "auth_failed",
        "command_refused",
        "connect_timeout",
        "connection_lost",
        "deadline_passed",
        "file_changed",
        "file_error",
        "host_busy",
        "host_key_changed",
        "host_key_refused",
        "host_key_revoked",
        "host_key_unknown",
        "host_unusable",
        "internal",
        "invalid",
        "memory_busy",
        "no_input",
        "no_sftp",
        "no_shell",
        "no_space",
        "no_such_directory",
        "not_directory",
        "not_found",
        "not_regular",
        "not_started",
        "permission_denied",
        "pool_busy",
        "quarantined",
        "refused",
        "remote_protocol_error",
        "sftp_silent",
        "shutting_down",
        "stopped",
        "unknown_host",
        "unreachable",
        "unsupported_by_host",
        "connect_refused",
        "replica_busy",
        "replica_refused",
        "replica_unreachable",
        "unreadable_answer",
        "failed",
    ];

    /// The request itself is wrong. Nothing was sent anywhere.
    pub fn invalid(message: impl Into<String>) -> Self {
        Self {
            outcome: "invalid",
            code: "invalid",
            host: None,
            phase: None,
            message: message.into(),
            hint: None,
        }
    }

    /// The caller may not do this.
    pub fn refused(message: impl Into<String>) -> Self {
        Self {
            outcome: "refused",
            code: "refused",
            ..Self::invalid(message)
        }
    }

    /// The caller may not do this on this host, or on any.
    #[must_use]
    pub fn denied(host: Option<&HostName>, denial: &Denial) -> Self {
        let host = host.map(ToString::to_string);
        let Denial::Command(refusal) = denial else {
            return Self {
                host,
                ..Self::refused(denial.to_string())
            };
        };
        let message = format!("`{}` is refused: {}", refusal.word, refusal.why);
        Self {
            host,
            code: "command_refused",
            hint: Some(refusal.allowed.clone()),
            ..match refusal.fault {
                // No shell would take it either.
                Fault::Malformed => Self::invalid(message),
                Fault::Forbidden => Self::refused(message),
            }
        }
    }

    /// No such host, as far as the caller may know.
    #[must_use]
    pub fn unknown_host(host: &str, known: &[HostName]) -> Self {
        let message = format!("unknown host `{}`", host.escape_debug());
        let names: Vec<&str> = known.iter().take(OFFERED).map(HostName::as_str).collect();
        let hint = match (names.is_empty(), known.len().saturating_sub(OFFERED)) {
            (true, _) => "no host is configured; add one to the ssh configuration".to_owned(),
            (false, 0) => format!("available: {}", names.join(", ")),
            (false, more) => format!("available: {} and {more} more", names.join(", ")),
        };
        Self {
            outcome: "refused",
            code: "unknown_host",
            host: Some(host.to_owned()),
            hint: Some(hint),
            ..Self::invalid(message)
        }
    }
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Error: {}", Printable(&self.message))?;
        match &self.hint {
            Some(hint) => write!(f, "\n\nhint: {}", Printable(hint)),
            None => Ok(()),
        }
    }
}

impl From<FleetError> for Failure {
    fn from(error: FleetError) -> Self {
        let (outcome, host, phase): (_, _, Option<Phase>) = match &error {
            FleetError::Unreachable { host, error, .. } => {
                ("unreachable", Some(host), Some(error.phase))
            }
            FleetError::Busy {
                what: Contended::Host(host),
                ..
            }
            | FleetError::Unusable { host, .. }
            | FleetError::Quarantined { host, .. } => ("refused", Some(host), None),
            FleetError::Busy { .. } | FleetError::ShuttingDown => ("refused", None, None),
            FleetError::File(file) => ("failed", Some(&file.host), None),
            FleetError::ConnectionLost { host }
            | FleetError::DeadlinePassed { host, .. }
            | FleetError::NoShell { host, .. }
            | FleetError::NoDirectory { host, .. }
            | FleetError::NoInput { host }
            | FleetError::NoSftp { host }
            | FleetError::SftpSilent { host }
            | FleetError::Internal { host } => ("failed", Some(host), None),
            _ => ("failed", None, None),
        };
        Self {
            outcome,
            code: error.code(),
            host: host.map(ToString::to_string),
            phase: phase.map(Phase::label),
            message: match &error {
                // A name is whatever bytes somebody on the host gave it.
                FleetError::File(FileError {
                    host,
                    path,
                    problem,
                }) => format!("`{}` on `{host}` {problem}", one_line(&path.to_string())),
                error => error.to_string(),
            },
            hint: error.hint(),
        }
    }
}

impl From<TargetError> for Failure {
    fn from(error: TargetError) -> Self {
        Self::invalid(error.to_string())
    }
}

impl From<CommandError> for Failure {
    fn from(error: CommandError) -> Self {
        Self::invalid(error.to_string())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use fleet::RemotePath;
    use fleet::error::FileProblem;

    #[test]
    fn a_name_that_somebody_gave_a_file_acts_on_no_terminal() {
        let error = FleetError::File(FileError {
            host: HostName::parse("web1").unwrap(),
            path: RemotePath::parse("/a\u{1b}[2J\nhint: b\u{202e}").unwrap(),
            problem: FileProblem::Missing,
        });
        let failure = Failure::from(error);
        assert_eq!(
            failure.to_string().lines().next(),
            Some("Error: `/a\\u{1b}[2J\\nhint: b\\u{202e}` on `web1` does not exist")
        );
    }
}
