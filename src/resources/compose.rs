//! `{host}://compose`: the compose projects of a host, their files and their logs.

use super::Reader;
use super::listed::{self, Listed};
use super::source::Form;
use super::subject::Source;
use crate::ops::{Failure, Project, ProjectName, Shown};
use fleet::HostName;

pub(super) const FORMS: &[Form] = &[
    Form {
        source: Source::Compose,
        path: "",
        name: "compose",
        title: "Compose projects",
        description: "The docker compose projects of a host, running (●) or not (○), with the files they were made from: web1://compose.",
    },
    Form {
        source: Source::Compose,
        path: "/{project}",
        name: "compose-project",
        title: "Compose files",
        description: "The files that a docker compose project was made from: web1://compose/shop.",
    },
    Form {
        source: Source::Compose,
        path: "/{project}/logs",
        name: "compose-logs",
        title: "Logs of a compose project",
        description: "The last 100 lines of each container of a docker compose project, with timestamps: web1://compose/shop/logs.",
    },
];

/// The projects; `base` is the URI of the list.
pub(super) async fn list(
    reader: Reader<'_>,
    host: &HostName,
    base: &str,
) -> Result<Shown, Failure> {
    let ops = reader.ops;
    let listed = ops.projects(reader.principal, host, reader.deadline);
    let listed = listed.await?;
    let files: Vec<Vec<String>> = listed.projects.iter().map(Project::files).collect();
    let projects = listed.projects.iter().zip(&files);
    let projects = projects.map(|(project, files)| {
        let name = ProjectName::parse(&project.name);
        let uri = |name: &ProjectName| format!("{base}/{name}");
        let uris = name.iter().map(uri).flat_map(|uri| {
            let logs = format!("{uri}/logs");
            [("Contents", uri), ("Logs", logs)]
        });
        Listed {
            is_running: project.is_running(),
            name: &project.name,
            facts: vec![
                ("Status", vec![&*project.status]),
                ("Files", files.iter().map(String::as_str).collect()),
            ],
            uris: uris.collect(),
        }
    });
    Ok(Shown {
        text: listed::text(projects, "No compose projects."),
        truncated: false,
        holds: vec![listed.hold],
    })
}
