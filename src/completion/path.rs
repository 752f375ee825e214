//! Paths on a host: what the directory that was typed so far holds.

use super::{patience, suggest};
use crate::access::Principal;
use crate::mcp::Completion;
use crate::ops::{Ops, Range, ReadReport, ReadRequest};
use fleet::{Deadline, HostName, RemotePath};
use rmcp::model::CompletionInfo;

pub(super) async fn complete(
    ops: &Ops,
    principal: &Principal,
    asked: &Completion,
) -> CompletionInfo {
    let chosen = asked.chosen.iter().find(|(name, _)| name == "host");
    let host = chosen.and_then(|(_, host)| HostName::parse(host).ok());
    let found = match host {
        Some(host) => below(ops, principal, host, &asked.value, patience(asked)).await,
        None => None,
    };
    found.map_or_else(CompletionInfo::default, |(paths, all)| suggest(paths, all))
}

/// The paths that begin like this, those of directories with a slash behind them, and whether there
/// are no others; nothing if the host or the directory does not say.
pub(crate) async fn below(
    ops: &Ops,
    principal: &Principal,
    host: HostName,
    typed: &str,
    deadline: Deadline,
) -> Option<(Vec<String>, bool)> {
    let Some(Typed {
        shown,
        directory,
        begun,
    }) = Typed::read(typed)
    else {
        return Some((vec!["~/".into()], true));
    };
    let request = ReadRequest {
        host,
        path: RemotePath::parse(&directory).ok()?,
        // Should it be a file, none of it is needed.
        range: Range::Bytes {
            offset: 0,
            limit: Some(0),
        },
        tree: None,
    };
    let report = ops.read(principal, request, deadline).await;
    let Ok(ReadReport::Directory(listing)) = report else {
        return None;
    };
    let complete = !listing.truncated;
    let entries = listing.entries.into_iter();
    // A name that is not UTF-8 cannot be typed.
    let fitting = entries.filter(|e| e.name_base64.is_none() && e.name.starts_with(begun));
    let values = fitting.map(|entry| match entry.kind {
        "directory" => format!("{shown}{}/", entry.name),
        _ => format!("{shown}{}", entry.name),
    });
    Some((values.collect(), complete))
}

/// What was typed, taken apart at the last slash.
#[derive(Debug, PartialEq, Eq)]
struct Typed<'a> {
    /// The directory as it was typed, with its slash.
    shown: &'a str,
    /// The same as a path: a template has the slash of the root before its variable.
    directory: String,
    /// How the name in it begins.
    begun: &'a str,
}

impl<'a> Typed<'a> {
    /// `None` for a lone `~`, which only a slash can follow.
    fn read(value: &'a str) -> Option<Self> {
        if value == "~" {
            return None;
        }
        let (shown, begun) = value.split_at(value.rfind('/').map_or(0, |at| at + 1));
        let directory = match shown.as_bytes() {
            [b'/', ..] | [b'~', b'/', ..] => shown.to_owned(),
            _ => format!("/{shown}"),
        };
        Some(Self {
            shown,
            directory,
            begun,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_directory_is_listed_and_shown_as_it_was_typed() {
        for (value, shown, directory, begun) in [
            ("", "", "/", ""),
            ("et", "", "/", "et"),
            ("etc/ho", "etc/", "/etc/", "ho"),
            ("/etc/ho", "/etc/", "/etc/", "ho"),
            ("/", "/", "/", ""),
            ("~/a b/c", "~/a b/", "~/a b/", "c"),
        ] {
            let typed = Typed::read(value).unwrap();
            assert_eq!(
                (typed.shown, &*typed.directory, typed.begun),
                (shown, directory, begun),
                "{value}"
            );
        }
        assert_eq!(Typed::read("~"), None);
    }
}
