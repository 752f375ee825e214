//! What a read found, as text and as data.

mod cut;
mod sent;
mod shared;

pub(in crate::ops) use sent::SentRead;

use super::Range;
use crate::ops::decode::{date, permissions};
use crate::ops::text::{Bytes, Printable, one_line};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use fleet::file::{Content, Entry, Kind, Listing, Node, Tree};
use fleet::{HostName, RemotePath};
use serde::Serialize;
use std::fmt;
use std::sync::Arc;

/// What was at the path.
#[derive(Debug, Serialize)]
#[serde(untagged)]
pub enum ReadReport {
    /// A file.
    File(FileReport),
    /// A directory.
    Directory(DirectoryReport),
    /// A directory as a tree.
    Tree(TreeReport),
}

/// Part of a file, or all of it.
#[derive(Debug, Serialize)]
pub struct FileReport {
    /// The host.
    pub host: String,
    /// The path.
    pub path: String,
    /// Always `file`.
    pub kind: &'static str,
    /// Size of the whole file in bytes, as the host gave it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub size: Option<u64>,
    /// Last modification, UTC.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub modified: Option<String>,
    /// Where in the file the content begins, in bytes.
    pub offset: u64,
    /// Whether the file goes on behind the content.
    pub truncated: bool,
    /// What the content is.
    pub mime_type: &'static str,
    /// How `content` is written: `utf-8` or `base64`.
    pub encoding: &'static str,
    /// The content.
    pub content: Bytes,
    #[serde(skip)]
    limited: bool,
    #[serde(skip)]
    hold: Arc<fleet::Hold>,
}

/// A directory.
#[derive(Debug, Serialize)]
pub struct DirectoryReport {
    /// The host.
    pub host: String,
    /// The path.
    pub path: String,
    /// Always `directory`.
    pub kind: &'static str,
    /// Its entries, by name.
    pub entries: Vec<EntryReport>,
    /// Whether there are more than are listed.
    pub truncated: bool,
    #[serde(skip)]
    hold: Arc<fleet::Hold>,
}

/// A name in a directory.
#[derive(Debug, Serialize)]
pub struct EntryReport {
    /// The name; bytes that are not UTF-8 are replaced.
    pub name: String,
    /// The exact name in base64, where it is not UTF-8.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub name_base64: Option<String>,
    /// `file`, `directory`, `symlink`, …
    pub kind: &'static str,
    /// Size in bytes.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub size: Option<u64>,
    /// Last modification, UTC.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub modified: Option<String>,
    /// Permissions as `ls -l` shows them.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub mode: Option<String>,
    #[serde(skip)]
    long: String,
}

/// A directory as a tree.
#[derive(Debug, Serialize)]
pub struct TreeReport {
    /// The host.
    pub host: String,
    /// The path.
    pub path: String,
    /// Always `tree`.
    pub kind: &'static str,
    /// Everything below, depth first.
    pub entries: Vec<NodeReport>,
    /// Whether something was left out.
    pub truncated: bool,
    #[serde(skip)]
    hold: Arc<fleet::Hold>,
}

/// A name in a tree.
#[derive(Debug, Serialize)]
pub struct NodeReport {
    /// How deep; 1 is in the directory itself.
    pub depth: usize,
    /// The name; bytes that are not UTF-8 are replaced.
    pub name: String,
    /// `file`, `directory`, `symlink`, …
    pub kind: &'static str,
    /// Set where a directory could not be read.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub unreadable: bool,
}

impl FileReport {
    pub(super) fn new(host: &HostName, path: &RemotePath, range: Range, content: Content) -> Self {
        let Content {
            mut bytes,
            offset,
            more,
            attributes,
            hold,
        } = content;
        let (part, truncated) = range.within(&bytes, offset, more);
        let offset = offset + part.start as u64;
        bytes.truncate(part.end);
        bytes.drain(..part.start);
        // Who asked for so many bytes and got them need not be told that there are more.
        let asked =
            matches!(range, Range::Bytes { limit: Some(limit), .. } if bytes.len() as u64 >= limit);
        let content = Bytes::new(bytes, truncated);
        Self {
            host: host.to_string(),
            path: path.to_string(),
            kind: "file",
            size: attributes.size,
            modified: attributes.modified.map(date),
            offset,
            truncated,
            mime_type: mime_type(&content),
            encoding: content.encoding(),
            content,
            limited: !asked,
            hold,
        }
    }
}

/// What content is; where it is no text, by its first bytes.
fn mime_type(content: &Bytes) -> &'static str {
    match content {
        Bytes::Text(_) => "text/plain",
        Bytes::Binary(bytes) => {
            infer::get(bytes).map_or("application/octet-stream", |kind| kind.mime_type())
        }
    }
}

impl DirectoryReport {
    pub(super) fn new(
        host: &HostName,
        path: &RemotePath,
        listing: Listing,
        hold: Arc<fleet::Hold>,
    ) -> Self {
        Self {
            host: host.to_string(),
            path: path.to_string(),
            kind: "directory",
            entries: listing.entries.into_iter().map(EntryReport::new).collect(),
            truncated: listing.truncated,
            hold,
        }
    }
}

impl EntryReport {
    fn new(entry: Entry) -> Self {
        let name = lossy(&entry.name);
        let attributes = entry.attributes;
        let (size, modified) = (attributes.size, attributes.modified.map(date));
        let mode = attributes.mode.map(permissions);
        // The host's own line names the owner; ours stands in where there is none.
        let long = match entry.long.is_empty() {
            false => lossy(&entry.long),
            true => format!(
                "{}{} {:>10} {} {name}",
                attributes.kind().letter(),
                mode.as_deref().unwrap_or("?????????"),
                size.map_or_else(|| "?".into(), |size| size.to_string()),
                modified.as_deref().unwrap_or("?"),
            ),
        };
        Self {
            name_base64: std::str::from_utf8(&entry.name)
                .is_err()
                .then(|| STANDARD.encode(&entry.name)),
            kind: attributes.kind().label(),
            name,
            size,
            modified,
            mode,
            long,
        }
    }
}

impl TreeReport {
    pub(super) fn new(
        host: &HostName,
        path: &RemotePath,
        tree: Tree,
        hold: Arc<fleet::Hold>,
    ) -> Self {
        let node = |Node {
                        depth,
                        entry,
                        unreadable,
                    }: Node| NodeReport {
            depth,
            name: lossy(&entry.name),
            kind: entry.attributes.kind().label(),
            unreadable,
        };
        Self {
            host: host.to_string(),
            path: path.to_string(),
            kind: "tree",
            entries: tree.nodes.into_iter().map(node).collect(),
            truncated: tree.truncated,
            hold,
        }
    }
}

fn lossy(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}

impl ReadReport {
    /// Accounts for the memory of the report; keep it while a copy lives.
    #[must_use]
    pub fn hold(&self) -> Arc<fleet::Hold> {
        Arc::clone(match self {
            Self::File(report) => &report.hold,
            Self::Directory(report) => &report.hold,
            Self::Tree(report) => &report.hold,
        })
    }
}

impl From<FileReport> for ReadReport {
    fn from(report: FileReport) -> Self {
        Self::File(report)
    }
}

impl From<DirectoryReport> for ReadReport {
    fn from(report: DirectoryReport) -> Self {
        Self::Directory(report)
    }
}

impl From<TreeReport> for ReadReport {
    fn from(report: TreeReport) -> Self {
        Self::Tree(report)
    }
}

impl fmt::Display for ReadReport {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::File(report) => report.fmt(f),
            Self::Directory(report) => report.fmt(f),
            Self::Tree(report) => report.fmt(f),
        }
    }
}

impl fmt::Display for FileReport {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.content {
            Bytes::Text(_) => self.content.fmt(f)?,
            Bytes::Binary(bytes) => write!(
                f,
                "({}, {} bytes; base64 in the structured content)",
                self.mime_type,
                bytes.len()
            )?,
        }
        if self.truncated && self.limited {
            write!(f, "\n\n[truncated at {} bytes]", self.content.len())?;
        }
        Ok(())
    }
}

impl fmt::Display for DirectoryReport {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.entries.is_empty() {
            return f.write_str("(empty directory)");
        }
        for (at, entry) in self.entries.iter().enumerate() {
            let newline = if at == 0 { "" } else { "\n" };
            write!(f, "{newline}{}", Printable(&one_line(&entry.long)))?;
        }
        if self.truncated {
            write!(f, "\n\n[truncated at {} entries]", self.entries.len())?;
        }
        Ok(())
    }
}

impl fmt::Display for TreeReport {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", Printable(&one_line(&self.path)))?;
        let mut open: Vec<bool> = Vec::new();
        for (at, node) in self.entries.iter().enumerate() {
            let behind = self.entries.get(at + 1..).unwrap_or_default();
            let last = behind
                .iter()
                .take_while(|next| next.depth >= node.depth)
                .all(|next| next.depth > node.depth);
            open.resize(node.depth, false);
            f.write_str("\n")?;
            for up in open.iter().take(node.depth - 1) {
                f.write_str(if *up { "│   " } else { "    " })?;
            }
            f.write_str(if last { "└── " } else { "├── " })?;
            if let Some(level) = open.last_mut() {
                *level = !last;
            }
            write!(f, "{}", Printable(&one_line(&node.name)))?;
            if node.kind == Kind::Directory.label() {
                f.write_str("/")?;
            }
            if node.unreadable {
                f.write_str(" [cannot be read]")?;
            }
        }
        if self.truncated {
            write!(f, "\n\n[truncated at {} entries]", self.entries.len())?;
        }
        Ok(())
    }
}
