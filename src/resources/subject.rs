//! What a URI asks of the programs of a host: containers, compose projects, storage pools, the log.
//! Pure.
//!
//! Each has two forms. `{host}://docker/…` is the form of the server Scout replaces, for hosts whose
//! name can be a scheme; `docker://{host}/…` names any host. Exactly the forms below are taken, with
//! names as their programs allow them: all else stays a path on a host, `web1://docker/compose.yml`
//! the file `/docker/compose.yml` and `web1:///docker` the directory `/docker`.

use super::uri;
use crate::ops::{ContainerName, PoolName, ProjectName};

/// Who is asked.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(super) enum Source {
    Docker,
    Compose,
    Zfs,
    Syslog,
}

/// What is asked.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Subject {
    Containers,
    ContainerLogs(ContainerName),
    Projects,
    Project(ProjectName),
    ProjectLogs(ProjectName),
    Pools,
    Pool(PoolName),
    Datasets(PoolName),
    Snapshots,
    Syslog,
}

/// A subject, and the host it is on as the URI writes it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Asked<'a> {
    pub(super) host: &'a str,
    pub(super) subject: Subject,
}

impl Source {
    pub(super) const ALL: [Self; 4] = [Self::Docker, Self::Compose, Self::Zfs, Self::Syslog];

    /// The word in a URI.
    pub(super) fn word(self) -> &'static str {
        match self {
            Self::Docker => "docker",
            Self::Compose => "compose",
            Self::Zfs => "zfs",
            Self::Syslog => "syslog",
        }
    }

    /// What stands behind the word and the host.
    fn subject(self, path: &[&str]) -> Option<Subject> {
        Some(match (self, path) {
            (Self::Docker, []) => Subject::Containers,
            (Self::Docker, [name, "logs"]) => Subject::ContainerLogs(container(name)?),
            (Self::Compose, []) => Subject::Projects,
            (Self::Compose, [name]) => Subject::Project(project(name)?),
            (Self::Compose, [name, "logs"]) => Subject::ProjectLogs(project(name)?),
            (Self::Zfs, []) => Subject::Pools,
            // A pool of this name has its data sets, but no state, to show.
            (Self::Zfs, ["snapshots"]) => Subject::Snapshots,
            (Self::Zfs, [name]) => Subject::Pool(pool(name)?),
            (Self::Zfs, [name, "datasets"]) => Subject::Datasets(pool(name)?),
            (Self::Syslog, []) => Subject::Syslog,
            _ => return None,
        })
    }
}

impl Subject {
    pub(super) fn source(&self) -> Source {
        match self {
            Self::Containers | Self::ContainerLogs(_) => Source::Docker,
            Self::Projects | Self::Project(_) | Self::ProjectLogs(_) => Source::Compose,
            Self::Pools | Self::Pool(_) | Self::Datasets(_) | Self::Snapshots => Source::Zfs,
            Self::Syslog => Source::Syslog,
        }
    }
}

/// What a URI may ask, by the scheme first. Both readings are possible where a host is called like
/// one of the sources; which is meant, the hosts that there are decide.
pub(super) fn asked(text: &str) -> impl Iterator<Item = Asked<'_>> {
    [by_scheme(text), by_host(text)].into_iter().flatten()
}

/// `docker://{host}/…`
fn by_scheme(text: &str) -> Option<Asked<'_>> {
    let (scheme, rest) = uri::split(text)?;
    let mut sources = Source::ALL.into_iter();
    let source = sources.find(|source| scheme.eq_ignore_ascii_case(source.word()))?;
    let (host, path) = segments(rest);
    let subject = source.subject(&path)?;
    Some(Asked { host, subject })
}

/// `{host}://docker/…`
fn by_host(text: &str) -> Option<Asked<'_>> {
    let (host, rest) = uri::split(text)?;
    let (word, path) = segments(rest);
    let mut sources = Source::ALL.into_iter();
    let source = sources.find(|source| word == source.word())?;
    let subject = source.subject(&path)?;
    Some(Asked { host, subject })
}

/// The first segment, and those behind it. Some programs write a slash behind what they take for
/// the name of a host.
fn segments(rest: &str) -> (&str, Vec<&str>) {
    match rest.split_once('/') {
        None => (rest, Vec::new()),
        Some((first, "")) => (first, Vec::new()),
        Some((first, behind)) => (first, behind.split('/').collect()),
    }
}

fn container(segment: &str) -> Option<ContainerName> {
    ContainerName::parse(&decoded(segment)?)
}

fn project(segment: &str) -> Option<ProjectName> {
    ProjectName::parse(&decoded(segment)?)
}

fn pool(segment: &str) -> Option<PoolName> {
    PoolName::parse(&decoded(segment)?)
}

fn decoded(segment: &str) -> Option<String> {
    String::from_utf8(uri::decode(segment).ok()?).ok()
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn all(text: &str) -> Vec<(&str, Subject)> {
        asked(text)
            .map(|asked| (asked.host, asked.subject))
            .collect()
    }

    #[test]
    fn each_subject_has_a_form_by_scheme_and_one_by_host() {
        let container = || ContainerName::parse("app-1").unwrap();
        let project = || ProjectName::parse("shop").unwrap();
        let pool = |name| PoolName::parse(name).unwrap();
        let forms = [
            ("docker", "", Subject::Containers),
            ("docker", "/", Subject::Containers),
            ("docker", "/app-1/logs", Subject::ContainerLogs(container())),
            (
                "docker",
                "/app%2D1/logs",
                Subject::ContainerLogs(container()),
            ),
            ("compose", "", Subject::Projects),
            ("compose", "/shop", Subject::Project(project())),
            ("compose", "/shop/logs", Subject::ProjectLogs(project())),
            ("zfs", "", Subject::Pools),
            ("zfs", "/tank", Subject::Pool(pool("tank"))),
            ("zfs", "/two%20words", Subject::Pool(pool("two words"))),
            ("zfs", "/tank/datasets", Subject::Datasets(pool("tank"))),
            ("zfs", "/snapshots", Subject::Snapshots),
            (
                "zfs",
                "/snapshots/datasets",
                Subject::Datasets(pool("snapshots")),
            ),
            ("syslog", "", Subject::Syslog),
            ("syslog", "/", Subject::Syslog),
        ];
        for (word, path, subject) in forms {
            assert_eq!(subject.source().word(), word);
            let by_host = format!("web1://{word}{path}");
            assert_eq!(all(&by_host), [("web1", subject.clone())], "{by_host}");
            let by_scheme = format!("{word}://web_1{path}");
            assert_eq!(all(&by_scheme), [("web_1", subject)], "{by_scheme}");
        }
    }

    #[test]
    fn whatever_is_none_of_the_forms_stays_a_path() {
        for path in [
            "web1:///docker",
            "web1:///docker/app/logs",
            "web1://docker/compose.yml",
            "web1://docker/app",
            "web1://docker/app/logs/",
            "web1://docker/app/logs/x",
            "web1://docker//logs",
            "web1://docker/-f/logs",
            "web1://docker/../logs",
            "web1://docker/a%2Fb/logs",
            "web1://docker/a%00/logs",
            "web1://docker/a%0A/logs",
            "web1://docker/a%zz/logs",
            "web1://docker/a;b/logs",
            "web1://docker%2Fapp%2Flogs",
            "web1://Docker",
            "web1://compose/Shop",
            "web1://compose/docker-compose.yml",
            "web1://zfs/tank/other",
            "web1://zfs/mirror-0",
            "web1://syslog/1",
            "web1://etc/hosts",
            "scout://web1/docker",
            "scout://web1/docker/app/logs",
            "nonsense",
            "",
        ] {
            assert_eq!(all(path), [], "{path}");
        }
    }

    #[test]
    fn where_a_host_is_called_like_a_source_both_are_possible() {
        assert_eq!(
            all("docker://compose"),
            [
                ("compose", Subject::Containers),
                ("docker", Subject::Projects)
            ]
        );
        // The same, however it is read.
        let list = ("docker", Subject::Containers);
        assert_eq!(all("docker://docker"), [list.clone(), list]);
    }

    proptest! {
        #[test]
        fn no_name_is_an_option_or_has_a_slash(text in "\\PC{0,40}") {
            for asked in asked(&text) {
                if let Subject::ContainerLogs(name) = asked.subject {
                    let name = name.to_string();
                    prop_assert!(!name.starts_with('-') && !name.contains('/'));
                }
            }
        }
    }
}
