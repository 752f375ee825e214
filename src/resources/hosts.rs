//! `hosts://list`: the list of hosts as the tool `hosts` shows it.

use super::{Reader, contents, no_such_resource, uri};
use crate::mcp::Contents;
use crate::ops::{Failure, HostsRequest};
use rmcp::model::Resource;

const URI: &str = "hosts://list";

pub(super) fn describe() -> Resource {
    Resource::new(URI, "hosts")
        .with_title("Hosts")
        .with_description("The SSH hosts there are, how they are reached, and which are online.")
        .with_mime_type("text/plain")
}

pub(super) async fn read(reader: Reader<'_>, uri: &str, rest: &str) -> Result<Contents, Failure> {
    // Some programs write a slash behind what they take for the name of a host.
    let decoded = uri::decode(rest)?;
    let name = decoded.strip_suffix(b"/").unwrap_or(&decoded);
    if !name.eq_ignore_ascii_case(b"list") {
        return Err(no_such_resource());
    }
    let request = HostsRequest {
        filter: None,
        probe: true,
    };
    let report = reader.ops.hosts(reader.principal, request).await?;
    let mut contents = contents::text(uri, report.to_string());
    contents.ttl_ms = u64::try_from(reader.hosts_ttl.as_millis()).unwrap_or(u64::MAX);
    Ok(contents)
}
