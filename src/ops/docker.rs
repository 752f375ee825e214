//! The containers of a host, and what they last said, as the docker command line tells.

use super::ask::{Hint, Question, Shown, unreadable};
use super::{Failure, Ops};
use crate::access::Principal;
use fleet::{Deadline, HostName};
use std::fmt;
use std::sync::Arc;

/// Three JSON texts and tabs between them, which JSON writes as `\t` within a text. Only what is
/// asked for is worked out: `{{json .}}` would have the engine measure every container.
const FORMAT: &str = "{{json .Names}}\t{{json .Image}}\t{{json .Status}}";

/// How the engine's answer about a container that is not there begins behind `Error response from
/// daemon: `.
const MISSING: &[&str] = &["No such container"];

/// Also for compose, which asks the same engine.
pub(super) const HINT: Hint = Hint {
    on: &["daemon", "connect", "permission denied"],
    text: "the engine must run, and the account must be allowed to use it: on most hosts, by being in the group `docker`",
};

/// The name of a container, or the beginning of its identifier.
///
/// A letter or digit, then also `_`, `.` and `-` (moby, `daemon/names`).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ContainerName(String);

impl ContainerName {
    /// Parses a name; nothing that could be an option or a path is one.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        let first = text.starts_with(|c: char| c.is_ascii_alphanumeric());
        let legal = |c: char| c.is_ascii_alphanumeric() || matches!(c, '_' | '.' | '-');
        (first && text.chars().all(legal)).then(|| Self(text.to_owned()))
    }
}

impl fmt::Display for ContainerName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// A container.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Container {
    /// Its name.
    pub name: String,
    /// What it was made from.
    pub image: String,
    /// What the engine says of it: `Up 2 hours`, `Exited (0) 3 days ago`.
    pub status: String,
}

/// The containers of a host.
#[derive(Debug)]
pub struct Containers {
    /// Those that run and those that do not, the newest first.
    pub containers: Vec<Container>,
    /// Whether there are more.
    pub truncated: bool,
    /// Accounts for the memory; keep it while a copy lives.
    pub hold: Arc<fleet::Hold>,
}

impl Container {
    /// Whether it runs; one that is paused does.
    #[must_use]
    pub fn is_running(&self) -> bool {
        self.status.starts_with("Up")
    }

    /// Reads a line in [`FORMAT`].
    fn parse(line: &str) -> Option<Self> {
        let mut parts = line.split('\t').map(serde_json::from_str::<String>);
        let mut next = || parts.next()?.ok();
        let container = Self {
            name: next()?,
            image: next()?,
            status: next()?,
        };
        parts.next().is_none().then_some(container)
    }
}

impl Ops {
    /// Lists the containers of a host.
    ///
    /// # Errors
    /// What kept docker, or the host, from answering.
    pub async fn containers(
        &self,
        principal: &Principal,
        host: &HostName,
        deadline: Deadline,
    ) -> Result<Containers, Failure> {
        let question = Question {
            hint: Some(HINT),
            ..Question::new("docker", ["docker", "ps", "--all", "--format", FORMAT])
        };
        let said = self.ask(principal, host, question, deadline).await?;
        let containers = said
            .lines()
            .map(|line| Container::parse(line).ok_or_else(|| unreadable(host, "docker ps", line)));
        Ok(Containers {
            containers: containers.collect::<Result<_, _>>()?,
            truncated: said.cut,
            hold: said.hold,
        })
    }

    /// The last 100 lines that a container wrote, on both of its streams.
    ///
    /// # Errors
    /// There is no such container, or what kept docker or the host from answering.
    pub async fn container_logs(
        &self,
        principal: &Principal,
        host: &HostName,
        container: &ContainerName,
        deadline: Deadline,
    ) -> Result<Shown, Failure> {
        let words = ["docker", "logs", "--tail", "100", "--timestamps", "--"];
        let question = Question {
            joined: true,
            missing: MISSING,
            hint: Some(HINT),
            ..Question::new("docker", words.into_iter().chain([container.0.as_str()]))
        };
        let said = self.ask(principal, host, question, deadline).await?;
        Ok(said.shown("(no output)"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_is_what_the_engine_would_take_for_one() {
        for good in ["a", "web_1", "0af3", "shop-web-1", "a.b-c_d"] {
            assert_eq!(ContainerName::parse(good).unwrap().to_string(), good);
        }
        for bad in [
            "", "-f", "--follow", ".", "..", "../x", "a/b", "a;b", "a b", "a\nb", "a\0b", "$(id)",
            "é", "_a", "a%00",
        ] {
            assert_eq!(ContainerName::parse(bad), None, "{bad:?}");
        }
    }

    #[test]
    fn a_line_is_read_exactly_or_not_at_all() {
        let line = "\"shop-web-1\"\t\"registry.example/web:1.2\"\t\"Up 3 hours (healthy)\"";
        let container = Container::parse(line).unwrap();
        assert_eq!(
            (&*container.name, &*container.image, &*container.status),
            (
                "shop-web-1",
                "registry.example/web:1.2",
                "Up 3 hours (healthy)"
            )
        );
        assert!(container.is_running());
        let odd = Container::parse("\"a\"\t\"\\u003cnone\\u003e\\t\"\t\"Exited (137) 2 days ago\"");
        let odd = odd.unwrap();
        assert_eq!(odd.image, "<none>\t");
        assert!(!odd.is_running());
        for wrong in [
            "",
            "\"a\"\t\"b\"",
            "a\tb\tc",
            "\"a\"\t\"b\"\t\"c\"\t\"d\"",
            "\"a\"\t\"b\"\t\"c",
        ] {
            assert_eq!(Container::parse(wrong), None, "{wrong}");
        }
    }
}
