//! The compose projects of a host: which there are, the files they are made from, and what their
//! services last said.

mod files;

use super::ask::{Question, Said, Shown, unreadable};
use super::docker::HINT;
use super::{Failure, Ops};
use crate::access::Principal;
use fleet::{Deadline, HostName};
use serde::Deserialize;
use std::fmt;
use std::sync::Arc;

/// What docker says where compose is no plugin of it: the last takes the options for its own.
const ABSENT: &[&str] = &[
    "unknown command: docker compose",
    "is not a docker command",
    "unknown flag",
    "unknown shorthand flag",
];

/// The name of a project.
///
/// Lower-case letters, digits, `-` and `_`, beginning with a letter or digit (compose-spec, "Name
/// top-level element").
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ProjectName(String);

impl ProjectName {
    /// Parses a name.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        let letter = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit();
        let legal = text.chars().all(|c| letter(c) || matches!(c, '_' | '-'));
        (text.starts_with(letter) && legal).then(|| Self(text.to_owned()))
    }
}

impl fmt::Display for ProjectName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// A project.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub struct Project {
    /// Its name.
    pub name: String,
    /// How many of its containers are in which state: `running(2)`, `exited(1), running(1)`.
    #[serde(default)]
    pub status: String,
    #[serde(default)]
    config_files: String,
}

/// The projects of a host.
#[derive(Debug)]
pub struct Projects {
    /// Those that run and those that do not, by name.
    pub projects: Vec<Project>,
    /// Accounts for the memory; keep it while a copy lives.
    pub hold: Arc<fleet::Hold>,
}

impl Project {
    /// Whether a container of it runs.
    #[must_use]
    pub fn is_running(&self) -> bool {
        self.status.contains("running(")
    }

    /// The files it was made from, as they were when it was.
    ///
    /// They are absolute, with commas between them, so that what begins with no slash is the rest of
    /// a path that has a comma in it.
    #[must_use]
    pub fn files(&self) -> Vec<String> {
        let mut files: Vec<String> = Vec::new();
        for part in self.config_files.split(',') {
            match files.last_mut() {
                Some(last) if !part.starts_with('/') => {
                    last.push(',');
                    last.push_str(part);
                }
                _ => files.push(part.to_owned()),
            }
        }
        files.retain(|file| !file.is_empty());
        files
    }
}

impl Ops {
    /// Lists the projects of a host.
    ///
    /// # Errors
    /// What kept compose, docker or the host from answering.
    pub async fn projects(
        &self,
        principal: &Principal,
        host: &HostName,
        deadline: Deadline,
    ) -> Result<Projects, Failure> {
        let question = Question {
            absent: ABSENT,
            hint: Some(HINT),
            ..Question::new(
                "docker compose",
                ["docker", "compose", "ls", "--all", "--format", "json"],
            )
        };
        let said = self.ask(principal, host, question, deadline).await?;
        let projects = parse(&said).ok_or_else(|| unreadable(host, "docker compose", &said.text));
        Ok(Projects {
            projects: projects?,
            hold: said.hold,
        })
    }

    /// The last 100 lines of each container of a project.
    ///
    /// # Errors
    /// There is no such project, or what kept compose, docker or the host from answering.
    pub async fn project_logs(
        &self,
        principal: &Principal,
        host: &HostName,
        name: &ProjectName,
        deadline: Deadline,
    ) -> Result<Shown, Failure> {
        // Asked for logs of a project that is not there, compose has none to show, and succeeds.
        self.project(principal, host, name, deadline).await?;
        let words = ["docker", "compose", "--project-name", &name.0, "logs"];
        let options = ["--tail", "100", "--timestamps", "--no-color"];
        let question = Question {
            joined: true,
            absent: ABSENT,
            hint: Some(HINT),
            ..Question::new("docker compose", words.into_iter().chain(options))
        };
        let said = self.ask(principal, host, question, deadline).await?;
        Ok(said.shown("(no output)"))
    }

    async fn project(
        &self,
        principal: &Principal,
        host: &HostName,
        name: &ProjectName,
        deadline: Deadline,
    ) -> Result<(Project, Arc<fleet::Hold>), Failure> {
        let Projects { projects, hold } = self.projects(principal, host, deadline).await?;
        let found = projects.into_iter().find(|project| project.name == name.0);
        let project = found.ok_or_else(|| Failure {
            outcome: "failed",
            code: "not_found",
            host: Some(host.to_string()),
            ..Failure::invalid(format!("there is no compose project `{name}` on `{host}`"))
        })?;
        Ok((project, hold))
    }
}

fn parse(said: &Said) -> Option<Vec<Project>> {
    match said.cut {
        true => None,
        false => serde_json::from_str(said.text.trim()).ok(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_is_what_the_specification_allows() {
        for good in ["a", "shop", "0-shop_2"] {
            assert_eq!(ProjectName::parse(good).unwrap().to_string(), good);
        }
        for bad in [
            "", "-p", "_a", "Shop", "a.b", "a/b", "a b", "a\n", "é", "a;b",
        ] {
            assert_eq!(ProjectName::parse(bad), None, "{bad:?}");
        }
    }

    #[test]
    fn files_are_told_apart_at_the_commas_between_absolute_paths() {
        let files = |config_files: &str| {
            let project = Project {
                name: "shop".into(),
                status: "exited(1), running(1)".into(),
                config_files: config_files.into(),
            };
            assert!(project.is_running());
            project.files()
        };
        assert_eq!(files("/srv/a.yaml"), ["/srv/a.yaml"]);
        assert_eq!(
            files("/srv/a.yaml,/srv/b.yaml"),
            ["/srv/a.yaml", "/srv/b.yaml"]
        );
        assert_eq!(
            files("/srv/a,b/c.yaml,/d.yaml"),
            ["/srv/a,b/c.yaml", "/d.yaml"]
        );
        assert_eq!(files(""), [""; 0]);
    }

    #[test]
    fn what_compose_prints_is_read() {
        // Compose 2.26.1, and an early version that named no files.
        let list = r#"[{"Name":"shop","Status":"running(2)","ConfigFiles":"/srv/shop/compose.yaml"},{"Name":"old","Status":"exited(1)"}]"#;
        let projects: Vec<Project> = serde_json::from_str(list).unwrap();
        assert_eq!(projects[0].files(), ["/srv/shop/compose.yaml"]);
        assert!(projects[0].is_running() && !projects[1].is_running());
    }
}
