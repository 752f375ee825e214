//! A report on its way from the replica that read to the one that was asked to.

use super::{
    DirectoryReport, EntryReport, FileReport, NodeReport, ReadReport, TreeReport, mime_type,
};
use crate::ops::sent::{SentBytes, known};
use fleet::file::Kind;
use fleet::{Hold, HostName, RemotePath};
use serde::{Deserialize, Serialize};
use std::borrow::Cow;
use std::sync::Arc;

/// All of a [`ReadReport`] but where.
#[derive(Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(in crate::ops) enum SentRead<'a> {
    File {
        size: Option<u64>,
        modified: Option<Cow<'a, str>>,
        offset: u64,
        truncated: bool,
        limited: bool,
        content: SentBytes<'a>,
    },
    Directory {
        entries: Vec<SentEntry<'a>>,
        truncated: bool,
    },
    Tree {
        entries: Vec<SentNode<'a>>,
        truncated: bool,
    },
}

#[derive(Debug, Serialize, Deserialize)]
pub(in crate::ops) struct SentEntry<'a> {
    name: Cow<'a, str>,
    name_base64: Option<Cow<'a, str>>,
    kind: Cow<'a, str>,
    size: Option<u64>,
    modified: Option<Cow<'a, str>>,
    mode: Option<Cow<'a, str>>,
    long: Cow<'a, str>,
}

#[derive(Debug, Serialize, Deserialize)]
pub(in crate::ops) struct SentNode<'a> {
    depth: usize,
    name: Cow<'a, str>,
    kind: Cow<'a, str>,
    unreadable: bool,
}

impl<'a> SentRead<'a> {
    pub(in crate::ops) fn of(report: &'a ReadReport) -> Self {
        match report {
            ReadReport::File(report) => Self::File {
                size: report.size,
                modified: report.modified.as_deref().map(Cow::Borrowed),
                offset: report.offset,
                truncated: report.truncated,
                limited: report.limited,
                content: SentBytes::of(&report.content),
            },
            ReadReport::Directory(report) => Self::Directory {
                entries: report.entries.iter().map(SentEntry::of).collect(),
                truncated: report.truncated,
            },
            ReadReport::Tree(report) => Self::Tree {
                entries: report.entries.iter().map(SentNode::of).collect(),
                truncated: report.truncated,
            },
        }
    }

    /// The report; nothing where something of it cannot be.
    pub(in crate::ops) fn report(
        self,
        host: &HostName,
        path: &RemotePath,
        hold: Arc<Hold>,
    ) -> Option<ReadReport> {
        let (host, path) = (host.to_string(), path.to_string());
        Some(match self {
            Self::File {
                size,
                modified,
                offset,
                truncated,
                limited,
                content,
            } => {
                let content = content.bytes()?;
                FileReport {
                    host,
                    path,
                    kind: "file",
                    size,
                    modified: modified.map(Cow::into_owned),
                    offset,
                    truncated,
                    mime_type: mime_type(&content),
                    encoding: content.encoding(),
                    content,
                    limited,
                    hold,
                }
                .into()
            }
            Self::Directory { entries, truncated } => DirectoryReport {
                host,
                path,
                kind: "directory",
                entries: entries.into_iter().map(SentEntry::entry).collect(),
                truncated,
                hold,
            }
            .into(),
            Self::Tree { entries, truncated } => TreeReport {
                host,
                path,
                kind: "tree",
                entries: entries.into_iter().map(SentNode::node).collect(),
                truncated,
                hold,
            }
            .into(),
        })
    }
}

impl<'a> SentEntry<'a> {
    fn of(entry: &'a EntryReport) -> Self {
        Self {
            name: Cow::Borrowed(&entry.name),
            name_base64: entry.name_base64.as_deref().map(Cow::Borrowed),
            kind: Cow::Borrowed(entry.kind),
            size: entry.size,
            modified: entry.modified.as_deref().map(Cow::Borrowed),
            mode: entry.mode.as_deref().map(Cow::Borrowed),
            long: Cow::Borrowed(&entry.long),
        }
    }

    fn entry(self) -> EntryReport {
        EntryReport {
            name: self.name.into_owned(),
            name_base64: self.name_base64.map(Cow::into_owned),
            kind: kind(&self.kind),
            size: self.size,
            modified: self.modified.map(Cow::into_owned),
            mode: self.mode.map(Cow::into_owned),
            long: self.long.into_owned(),
        }
    }
}

impl<'a> SentNode<'a> {
    fn of(node: &'a NodeReport) -> Self {
        Self {
            depth: node.depth,
            name: Cow::Borrowed(&node.name),
            kind: Cow::Borrowed(node.kind),
            unreadable: node.unreadable,
        }
    }

    fn node(self) -> NodeReport {
        NodeReport {
            depth: self.depth,
            name: self.name.into_owned(),
            kind: kind(&self.kind),
            unreadable: self.unreadable,
        }
    }
}

fn kind(text: &str) -> &'static str {
    known(&Kind::ALL.map(Kind::label), text).unwrap_or_else(|| Kind::Unknown.label())
}
