//! What two directories came to.

use super::super::directories::Rest;
use super::super::merge::What;
use super::super::survey::{MAX_DEPTH, Relative};
use super::SideReport;
use crate::ops::Printable;
use crate::ops::text::one_line;
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use fleet::{Hold, Target};
use serde::Serialize;
use std::collections::BTreeMap;
use std::fmt;
use std::sync::Arc;

/// The most differences that are listed; all are counted.
pub(in crate::ops::diff) const MAX_LISTED: usize = 1000;

/// What two directories came to.
#[derive(Debug, Serialize)]
pub struct DirectoriesReport {
    /// Always `directories`.
    pub kind: &'static str,
    /// Whether everything below both was compared and is the same.
    pub same: bool,
    /// Whether everything below both was compared.
    pub complete: bool,
    /// What it begins with.
    pub old: SideReport,
    /// What it ends with.
    pub new: SideReport,
    /// How many names differ; what is below a directory that only one of them has counts with it.
    pub differences: u64,
    /// How many names cannot be read.
    pub unreadable: u64,
    /// How many names are the same.
    pub same_names: u64,
    /// How many were not compared, for want of time.
    pub not_compared: u64,
    /// What differs or cannot be read, by path.
    pub entries: Vec<DifferenceReport>,
    /// Whether there are more of them than are listed.
    pub truncated: bool,
    /// What was left out.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub notes: Vec<String>,
    #[serde(skip)]
    pub(super) hold: Arc<Hold>,
}

/// A name that differs.
#[derive(Debug, Serialize)]
pub struct DifferenceReport {
    /// Where, below both.
    #[serde(flatten)]
    pub path: RelativeReport,
    /// `only_in_old`, `only_in_new`, `content`, `kind`, `link` or `unreadable`.
    pub difference: &'static str,
    /// What the old one has: a kind, a size, where a link leads; or on which sides it is unreadable.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub old: Option<String>,
    /// What the new one has.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub new: Option<String>,
}

/// A path below a directory. Shown, it is one line.
#[derive(Debug, Serialize)]
pub struct RelativeReport {
    /// The path; bytes that are not UTF-8 are replaced.
    pub path: String,
    /// The exact path in base64, where it is not UTF-8.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub path_base64: Option<String>,
}

impl DirectoriesReport {
    pub(in crate::ops::diff) fn new(
        [old, new]: &[Target; 2],
        found: BTreeMap<Relative, What>,
        rest: &Rest,
        mut hold: Hold,
    ) -> Self {
        let all = found.len() as u64;
        let is_unreadable = |what: &&What| matches!(what, What::Unreadable { .. });
        let unreadable = found.values().filter(is_unreadable).count() as u64;
        let truncated = found.len() > MAX_LISTED;
        let Rest {
            same: same_names,
            not_compared,
            stopped,
            cut,
            closed,
        } = *rest;
        let complete = !stopped && unreadable + not_compared + cut + closed == 0;
        let mut notes = Vec::new();
        let mut note = |is_so: bool, note: String| notes.extend(is_so.then_some(note));
        note(
            truncated,
            format!("truncated at {MAX_LISTED} of {all} lines"),
        );
        note(
            stopped,
            "stopped before the end: too many names, or too little time".to_owned(),
        );
        note(not_compared > 0, format!("not compared: {not_compared}"));
        note(cut > 0, format!("directories with too many entries: {cut}"));
        note(
            closed > 0,
            format!("directories more than {MAX_DEPTH} deep, not entered: {closed}"),
        );
        let entries: Vec<DifferenceReport> = found
            .into_iter()
            .take(MAX_LISTED)
            .map(|(below, what)| DifferenceReport::new(&below, what))
            .collect();
        hold.shrink_to(entries.iter().map(DifferenceReport::weight).sum());
        Self {
            kind: "directories",
            same: complete && all == 0,
            complete,
            old: SideReport::directory(old),
            new: SideReport::directory(new),
            differences: all - unreadable,
            unreadable,
            same_names,
            not_compared,
            entries,
            truncated,
            notes,
            hold: Arc::new(hold),
        }
    }
}

impl DifferenceReport {
    fn new(below: &Relative, what: What) -> Self {
        let kind = |kind: fleet::file::Kind| Some(kind.label().to_owned());
        let bytes = |size: u64| Some(format!("{size} bytes"));
        let link = |to: Vec<u8>| Some(String::from_utf8_lossy(&to).into_owned());
        let denied = |is_so: bool| is_so.then(|| "unreadable".to_owned());
        let (difference, old, new) = match what {
            What::OnlyOld(of) => ("only_in_old", kind(of), None),
            What::OnlyNew(of) => ("only_in_new", None, kind(of)),
            What::Kinds(one, other) => ("kind", kind(one), kind(other)),
            What::Sizes(one, other) => ("content", bytes(one), bytes(other)),
            What::Content => ("content", None, None),
            What::Links(one, other) => ("link", link(one), link(other)),
            What::Unreadable { old, new } => ("unreadable", denied(old), denied(new)),
        };
        Self {
            path: RelativeReport::new(below.as_bytes()),
            difference,
            old,
            new,
        }
    }

    /// Bytes it holds, about.
    fn weight(&self) -> u64 {
        let RelativeReport { path, path_base64 } = &self.path;
        let others = [path_base64, &self.old, &self.new];
        let others = others
            .iter()
            .map(|text| text.as_ref().map_or(0, String::len));
        (path.len() + others.sum::<usize>() + 100) as u64
    }
}

impl RelativeReport {
    fn new(path: &[u8]) -> Self {
        let is_text = std::str::from_utf8(path).is_ok();
        // The directory itself has no name below it.
        let path = if path.is_empty() { b"." } else { path };
        Self {
            path: String::from_utf8_lossy(path).into_owned(),
            path_base64: (!is_text).then(|| STANDARD.encode(path)),
        }
    }
}

impl fmt::Display for RelativeReport {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", Printable(&one_line(&self.path)))
    }
}

impl fmt::Display for DirectoriesReport {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (old, new) = (&self.old.name, &self.new.name);
        match (self.same, self.entries.is_empty()) {
            (true, _) => write!(f, "Directories are identical:\n  {old}\n  {new}")?,
            (false, true) => write!(
                f,
                "No difference in what could be compared:\n  {old}\n  {new}"
            )?,
            (false, false) => {
                for (at, entry) in self.entries.iter().enumerate() {
                    let newline = if at == 0 { "" } else { "\n" };
                    f.write_str(newline)?;
                    entry.show(f, old, new)?;
                }
                write!(
                    f,
                    "\n\n{} differ, {} the same",
                    self.differences, self.same_names
                )?;
            }
        }
        self.notes
            .iter()
            .try_for_each(|note| write!(f, "\n[{note}]"))
    }
}

impl DifferenceReport {
    /// The line of a difference between `old` and `new`.
    fn show(&self, f: &mut fmt::Formatter<'_>, old: &str, new: &str) -> fmt::Result {
        let path = &self.path;
        let value = |value: &Option<String>| {
            let value = one_line(value.as_deref().unwrap_or_default());
            Printable(&value).to_string()
        };
        let (was, is) = (value(&self.old), value(&self.new));
        match self.difference {
            "only_in_old" => write!(f, "only in {old}: {path}"),
            "only_in_new" => write!(f, "only in {new}: {path}"),
            "kind" => write!(f, "kinds differ: {path} ({was} / {is})"),
            "link" => write!(f, "links differ: {path} ({was} / {is})"),
            "unreadable" => {
                let sides = [(&self.old, old), (&self.new, new)];
                let sides = sides.iter().filter(|(side, _)| side.is_some());
                let sides: Vec<&str> = sides.map(|(_, name)| *name).collect();
                write!(f, "cannot be read in {}: {path}", sides.join(" and "))
            }
            _ if self.old.is_some() => write!(f, "differ: {path} ({was} / {is})"),
            _ => write!(f, "differ: {path}"),
        }
    }
}
