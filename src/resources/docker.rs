//! `{host}://docker`: the containers of a host, and their logs.

use super::Reader;
use super::source::Form;
use super::subject::Source;
use crate::ops::{Failure, Printable, Shown};
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
        let mark = if container.is_running() { '●' } else { '○' };
        let name = &container.name;
        format!(
            "{mark} {name}\n  Status: {}\n  Image: {}\n  Logs: {base}/{name}/logs\n",
            container.status, container.image
        )
    });
    let mut text: String = containers.collect();
    if text.is_empty() {
        text.push_str("No containers.");
    }
    if listed.truncated {
        let shown = listed.containers.len();
        text.push_str(&format!("\n[truncated at {shown} containers]"));
    }
    Ok(Shown {
        text: Printable(&text).to_string(),
        truncated: listed.truncated,
        holds: vec![listed.hold],
    })
}
