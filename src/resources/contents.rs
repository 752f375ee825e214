//! From a report to the contents of a resource.

use super::{Reader, uri};
use crate::mcp::Contents;
use crate::ops::{Bytes, Failure, FileReport, Range, ReadReport, ReadRequest, Shown};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use fleet::HostName;
use rmcp::model::{MetaObject, ResourceContents};

/// Reads the path that `rest` of the URI names, on `host`. Files change at any time, so nothing is
/// to be kept.
pub(super) async fn place(
    reader: Reader<'_>,
    uri: &str,
    host: HostName,
    rest: &str,
) -> Result<Contents, Failure> {
    let request = ReadRequest {
        host,
        path: uri::path(rest)?,
        range: Range::default(),
        tree: None,
    };
    let report = reader.ops.read(reader.principal, request, reader.deadline);
    let report = report.await?;
    let hold = report.hold();
    let mut contents = match report {
        ReadReport::File(report) => file(uri, report),
        listing => text(uri, listing.to_string()),
    };
    contents.hold.push(hold);
    Ok(contents)
}

/// One text.
pub(super) fn text(uri: &str, text: String) -> Contents {
    Contents {
        contents: vec![ResourceContents::text(text, uri).with_mime_type("text/plain")],
        ..Contents::default()
    }
}

/// What a program of a host said, and whether it is all.
pub(super) fn shown(uri: &str, shown: Shown) -> Contents {
    let mut one = ResourceContents::text(shown.text, uri).with_mime_type("text/plain");
    if shown.truncated {
        let mut meta = MetaObject::default();
        meta.insert("truncated".into(), true.into());
        one = one.with_meta(meta);
    }
    let mut contents = Contents {
        contents: vec![one],
        ..Contents::default()
    };
    let holds = shown.holds.into_iter();
    holds.for_each(|hold| contents.hold.push(hold));
    contents
}

/// A file as it is: its text unchanged, or its bytes. Of one that was cut, `_meta` says so, and a
/// text has the mark at its end that the tools use too.
fn file(uri: &str, report: FileReport) -> Contents {
    let mut meta = MetaObject::default();
    if report.truncated {
        meta.insert("truncated".into(), true.into());
        meta.insert("size".into(), report.size.into());
    }
    let kept = report.content.len();
    let one = match report.content {
        Bytes::Text(mut text) => {
            if report.truncated {
                text.push_str(&format!("\n\n[truncated at {kept} bytes]"));
            }
            ResourceContents::text(text, uri)
        }
        Bytes::Binary(bytes) => ResourceContents::blob(STANDARD.encode(bytes), uri),
    };
    let one = one.with_mime_type(report.mime_type);
    let one = match meta.is_empty() {
        true => one,
        false => one.with_meta(meta),
    };
    Contents {
        contents: vec![one],
        ..Contents::default()
    }
}
