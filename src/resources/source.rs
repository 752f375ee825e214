//! What the programs of a host say, whichever of its two forms a URI has.

use super::subject::{Asked, Source, Subject, asked};
use super::{Reader, compose, contents, docker, host, syslog, uri, zfs};
use crate::mcp::Contents;
use crate::ops::Failure;
use rmcp::model::ResourceTemplate;

/// A template in both forms, `docker://{host}…` and `{host}://docker…`, with a name and a title.
pub(super) struct Form {
    pub(super) source: Source,
    /// What stands behind the word and the host.
    pub(super) path: &'static str,
    pub(super) name: &'static str,
    pub(super) title: &'static str,
    pub(super) description: &'static str,
}

/// Every form there is.
fn forms() -> impl Iterator<Item = &'static Form> {
    let all = [docker::FORMS, compose::FORMS, zfs::FORMS, syslog::FORMS];
    all.into_iter().flatten()
}

/// The templates of all forms.
pub(super) fn templates() -> impl Iterator<Item = ResourceTemplate> {
    forms().flat_map(|form| {
        let describe = |uri: String, description| {
            ResourceTemplate::new(uri, form.name)
                .with_title(form.title)
                .with_description(description)
                .with_mime_type("text/plain")
        };
        let [by_host, by_scheme] = form.uris();
        let same =
            format!("The same as {by_host}, also for hosts whose name cannot be a URI scheme.");
        [
            describe(by_host, form.description.to_owned()),
            describe(by_scheme, same),
        ]
    })
}

impl Form {
    fn uris(&self) -> [String; 2] {
        let (word, path) = (self.source.word(), self.path);
        [
            format!("{{host}}://{word}{path}"),
            format!("{word}://{{host}}{path}"),
        ]
    }
}

/// Reads what a URI asks of a host's programs. Where its forms name no host that there is, a host may
/// be called like the scheme, and the rest is a path on it.
pub(super) async fn read(
    reader: Reader<'_>,
    uri: &str,
    scheme: &str,
    rest: &str,
) -> Result<Contents, Failure> {
    for Asked { host, subject } in asked(uri) {
        let Ok(host) = uri::host(reader.ops, reader.principal, host) else {
            continue;
        };
        let base = uri.trim_end_matches('/');
        let Reader {
            ops,
            principal,
            deadline,
            ..
        } = reader;
        let shown = match &subject {
            Subject::Containers => docker::list(reader, &host, base).await,
            Subject::ContainerLogs(name) => {
                ops.container_logs(principal, &host, name, deadline).await
            }
            Subject::Projects => compose::list(reader, &host, base).await,
            Subject::Project(name) => ops.project_files(principal, &host, name, deadline).await,
            Subject::ProjectLogs(name) => ops.project_logs(principal, &host, name, deadline).await,
            Subject::Pools => ops.pools(principal, &host, deadline).await,
            Subject::Pool(name) => ops.pool_status(principal, &host, name, deadline).await,
            Subject::Datasets(name) => ops.datasets(principal, &host, name, deadline).await,
            Subject::Snapshots => ops.snapshots(principal, &host, deadline).await,
            Subject::Syslog => ops.syslog(principal, &host, deadline).await,
        };
        return shown.map(|shown| contents::shown(uri, shown));
    }
    host::read(reader, uri, scheme, rest).await
}
