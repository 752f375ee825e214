//! `{host}://docker`: the containers of a host, and their logs.

use super::Reader;
use super::listed::{self, Listed};
use super::source::Form;
use super::subject::Source;
use crate::ops::{ContainerName, Failure, Shown};
use fleet::HostName;

pub(super) const FORMS: &[Form] = &[
    Form {
        source: Source::Docker,
        path: "",
        name: "docker",
        title: "Containers",
        description: "The docker containers of a host, running (●) or not (○), with status, image and the URI of their logs: web1://docker.",
    },
    Form {
        source: Source::Docker,
        path: "/{container}/logs",
        name: "docker-logs",
        title: "Logs of a container",
        description: "The last 100 lines that a docker container wrote, with timestamps: web1://docker/nginx/logs.",
    },
];

/// The containers; `base` is the URI of the list.
pub(super) async fn list(
    reader: Reader<'_>,
    host: &HostName,
    base: &str,
) -> Result<Shown, Failure> {
    let ops = reader.ops;
    let listed = ops.containers(reader.principal, host, reader.deadline);
    let listed = listed.await?;
    let containers = listed.containers.iter().map(|container| {
        let name = ContainerName::parse(&container.name);
        let uris = name.map(|name| ("Logs", format!("{base}/{name}/logs")));
        Listed {
            is_running: container.is_running(),
            name: &container.name,
            facts: vec![
                ("Status", vec![&*container.status]),
                ("Image", vec![&*container.image]),
            ],
            uris: uris.into_iter().collect(),
        }
    });
    let mut text = listed::text(containers, "No containers.");
    if listed.truncated {
        let shown = listed.containers.len();
        text.push_str(&format!("\n[truncated at {shown} containers]"));
    }
    Ok(Shown {
        text,
        truncated: listed.truncated,
        holds: vec![listed.hold],
    })
}
