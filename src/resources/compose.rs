//! `{host}://compose`: the compose projects of a host, their files and their logs.

use super::Reader;
use super::source::Form;
use super::subject::Source;
use crate::ops::{Failure, Printable, Shown};
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
    let projects = listed.projects.iter().map(|project| {
        let mark = if project.is_running() { '●' } else { '○' };
        let (name, status) = (&project.name, &project.status);
        let files = project.files().join("\n    ");
        format!(
            "{mark} {name}\n  Status: {status}\n  Files: {files}\n  Contents: {base}/{name}\n  Logs: {base}/{name}/logs\n"
        )
    });
    let mut text: String = projects.collect();
    if text.is_empty() {
        text.push_str("No compose projects.");
    }
    Ok(Shown {
        text: Printable(&text).to_string(),
        truncated: false,
        holds: vec![listed.hold],
    })
}
