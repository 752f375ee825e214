//! What a host last wrote into its log: the journal where there is one, else the file that a log
//! daemon writes.

use super::ask::{Question, Said, Shown, file_text, quoted};
use super::{Failure, Ops, Range, ReadReport, ReadRequest};
use crate::access::Principal;
use fleet::{Deadline, HostName, RemotePath};

/// How many lines are shown.
const LINES: u64 = 100;

/// Where a log daemon writes what is no more special: on Debian, and on Red Hat, SUSE and the BSDs.
const FILES: [&str; 2] = ["/var/log/syslog", "/var/log/messages"];

/// What journalctl prints in place of entries.
const NO_ENTRIES: &str = "-- No entries --";

impl Ops {
    /// The last 100 lines of the log of a host.
    ///
    /// # Errors
    /// There is no log that the account may read, with the reason for each place; or what kept the
    /// host from answering.
    pub async fn syslog(
        &self,
        principal: &Principal,
        host: &HostName,
        deadline: Deadline,
    ) -> Result<Shown, Failure> {
        let mut reasons = Vec::new();
        match self.journal(principal, host, deadline).await {
            Ok(said) if has_entries(&said) => {
                return Ok(below_heading(host, "journalctl", said.shown("")));
            }
            Ok(said) => reasons.push(format!("the journal has no entries{}", aside(&said))),
            Err(failure) if is_about_the_host(&failure) => return Err(failure),
            Err(failure) => reasons.push(failure.message),
        }
        for path in FILES {
            let request = ReadRequest {
                host: host.clone(),
                path: RemotePath::parse(path)?,
                range: Range::LastLines(LINES),
                tree: None,
            };
            match self.read(principal, request, deadline).await {
                Ok(ReadReport::File(file)) => {
                    let shown = Shown {
                        text: file_text(&file),
                        truncated: file.truncated,
                        holds: vec![ReadReport::from(file).hold()],
                    };
                    return Ok(below_heading(host, path, shown));
                }
                Ok(_) => reasons.push(format!("`{path}` is a directory")),
                Err(failure) if is_about_the_host(&failure) => return Err(failure),
                Err(failure) => reasons.push(failure.message),
            }
        }
        Err(Failure {
            outcome: "failed",
            code: "not_available",
            host: Some(host.to_string()),
            hint: Some("an account reads the log of the whole host if it is in the group `adm` or `systemd-journal`".into()),
            ..Failure::invalid(format!(
                "the log of `{host}` is not available: {}",
                reasons.join("; ")
            ))
        })
    }

    async fn journal(
        &self,
        principal: &Principal,
        host: &HostName,
        deadline: Deadline,
    ) -> Result<Said, Failure> {
        let words = ["journalctl", "--no-pager", "-n", "100", "-o", "short-iso"];
        let question = Question::new("journalctl", words);
        self.ask(principal, host, question, deadline).await
    }
}

/// Whether another place on the same host could do no better.
fn is_about_the_host(failure: &Failure) -> bool {
    let ends = [
        "connection_lost",
        "deadline_passed",
        "cancelled",
        "internal",
    ];
    ["unreachable", "refused"].contains(&failure.outcome) || ends.contains(&failure.code)
}

fn has_entries(said: &Said) -> bool {
    let mut lines = said.text.lines();
    lines.any(|line| !line.trim().is_empty() && line != NO_ENTRIES)
}

fn aside(said: &Said) -> String {
    let line = said.aside.lines().next().unwrap_or_default();
    match line.trim() {
        "" => String::new(),
        line => format!(" ({})", quoted(line)),
    }
}

fn below_heading(host: &HostName, source: &str, shown: Shown) -> Shown {
    Shown {
        text: format!("# Syslog: {host} ({source})\n{}", shown.text),
        ..shown
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_search_goes_on_unless_the_host_itself_is_the_trouble() {
        let failure = |outcome, code| Failure {
            outcome,
            code,
            ..Failure::invalid("why")
        };
        for (outcome, code, ends) in [
            ("failed", "not_installed", false),
            ("failed", "timed_out", false),
            ("failed", "no_shell", false),
            ("failed", "permission_denied", false),
            ("failed", "connection_lost", true),
            ("unreachable", "connect_refused", true),
            ("refused", "unknown_host", true),
        ] {
            assert_eq!(is_about_the_host(&failure(outcome, code)), ends, "{code}");
        }
    }
}
