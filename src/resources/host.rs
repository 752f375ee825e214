//! `{host}://{path*}`: the name of a host as the scheme.
//!
//! A shorthand. A host called `hosts` or `scout` is hidden behind the scheme of that name, and a
//! name with an underscore, or one that begins with a digit, is none that a strict URI parser
//! accepts as a scheme (RFC 3986 §3.1): such hosts have `scout://{host}/{path*}`. What arrives here
//! is served whether or not such a parser would have sent it.
//!
//! A few paths are none, but ask the programs of the host: see [`subject`](super::subject).

use super::{Reader, contents, uri};
use crate::mcp::Contents;
use crate::ops::Failure;
use rmcp::model::ResourceTemplate;

pub(super) const TEMPLATE: &str = "{host}://{path*}";

pub(super) fn describe() -> ResourceTemplate {
    ResourceTemplate::new(TEMPLATE, "host")
        .with_title("File or directory, by host")
        .with_description("The same as scout://{host}/{path*}, shorter: web1://etc/hosts, web1://~/notes.txt. Only for hosts whose name can be a URI scheme: letters, digits, `-` and `.`, beginning with a letter.")
}

pub(super) async fn read(
    reader: Reader<'_>,
    uri: &str,
    scheme: &str,
    rest: &str,
) -> Result<Contents, Failure> {
    let host = uri::host(reader.ops, reader.principal, scheme)?;
    contents::place(reader, uri, host, rest).await
}
