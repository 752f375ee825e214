//! `scout://{host}/{path*}`: what is at a path of any host, whatever the host is called.

use super::{Reader, contents, uri};
use crate::mcp::Contents;
use crate::ops::Failure;
use rmcp::model::ResourceTemplate;

pub(super) const TEMPLATE: &str = "scout://{host}/{path*}";

pub(super) fn describe() -> ResourceTemplate {
    ResourceTemplate::new(TEMPLATE, "scout")
        .with_title("File or directory")
        .with_description("A file, or the listing of a directory: scout://web1/etc/hosts, scout://web1/var/log, scout://web1/~/notes.txt (below the home directory). Special characters of a path are percent-encoded; binary files come as blobs.")
}

pub(super) async fn read(reader: Reader<'_>, uri: &str, rest: &str) -> Result<Contents, Failure> {
    let (host, path) = rest.split_once('/').unwrap_or((rest, ""));
    let host = uri::host(reader.ops, reader.principal, host)?;
    contents::place(reader, uri, host, path).await
}
