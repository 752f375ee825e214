//! What a comparison came to.

mod directories;
mod readable;

pub(super) use directories::MAX_LISTED;
pub use directories::{DifferenceReport, DirectoriesReport, RelativeReport};

use super::endings::Endings;
use super::shown;
use crate::ops::Printable;
use crate::ops::checksum::{Sum, hex};
use crate::ops::place::PlaceReport;
use crate::ops::text::one_line;
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use fleet::{Hold, Target};
use serde::Serialize;
use std::fmt;
use std::sync::Arc;

/// What a comparison came to.
#[derive(Debug, Serialize)]
#[serde(untagged)]
pub enum DiffReport {
    /// Of two files, or of a file and what is expected in it.
    Files(Box<FilesReport>),
    /// Of two directories.
    Directories(Box<DirectoriesReport>),
}

/// What two files came to.
#[derive(Debug, Serialize)]
pub struct FilesReport {
    /// Always `files`.
    pub kind: &'static str,
    /// Whether every byte is the same.
    pub same: bool,
    /// Always true: every byte of both was looked at.
    pub complete: bool,
    /// What it begins with.
    pub old: SideReport,
    /// What it ends with.
    pub new: SideReport,
    /// How they differ, line by line, in the unified format; bytes that are not UTF-8 are written
    /// `\xNN`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub diff: Option<String>,
    /// The same exactly, in base64, where it is not UTF-8.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub diff_base64: Option<String>,
    /// Lines that only the new one has.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub added: Option<usize>,
    /// Lines that only the old one has.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub removed: Option<usize>,
    /// Whether `diff` was cut.
    pub truncated: bool,
    /// What is to be known about it.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub notes: Vec<String>,
    /// The difference as `patch` takes it.
    #[serde(skip)]
    exact: Vec<u8>,
    /// Whether returns are worth seeing.
    #[serde(skip)]
    returns: bool,
    #[serde(skip)]
    holds: Vec<Arc<Hold>>,
}

/// One side of a comparison.
#[derive(Debug, Serialize)]
pub struct SideReport {
    /// What it is called: `web1:/etc/hosts`, or `expected`.
    pub name: String,
    /// The host.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub host: Option<String>,
    /// Where it is.
    #[serde(flatten, skip_serializing_if = "Option::is_none")]
    pub place: Option<PlaceReport>,
    /// Its size in bytes, of a file.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub size: Option<u64>,
    /// Its SHA-256, where that was needed.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub sha256: Option<String>,
}

/// What a side is called.
#[derive(Debug, Clone)]
pub(super) struct Named(String);

impl Named {
    pub(super) fn place(place: &Target) -> Self {
        Self(shown(place))
    }

    /// Beside a content that is expected there, which has no host.
    pub(super) fn path(place: &Target) -> Self {
        Self(Printable(&one_line(&place.path.to_string())).to_string())
    }

    pub(super) fn expected() -> Self {
        Self("expected".into())
    }
}

impl fmt::Display for Named {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// Why two files were not compared line by line.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Compared {
    Binary,
    Large,
    ManyLines,
}

impl Compared {
    fn note(self) -> &'static str {
        match self {
            Self::Binary => "binary: compared by size and SHA-256",
            Self::Large => "too large for a difference of lines: compared by size and SHA-256",
            Self::ManyLines => {
                "too many lines for a difference of them: compared by size and SHA-256"
            }
        }
    }
}

/// How two texts differ.
pub(super) struct Text {
    pub(super) bytes: Vec<u8>,
    pub(super) added: usize,
    pub(super) removed: usize,
    pub(super) truncated: bool,
    pub(super) endings: [Endings; 2],
    /// Whether they are the same but for returns.
    pub(super) only_endings: bool,
    pub(super) holds: [Option<Arc<Hold>>; 2],
}

impl SideReport {
    pub(super) fn file(name: &Named, place: Option<&Target>, size: u64, sum: Option<Sum>) -> Self {
        Self {
            size: Some(size),
            sha256: sum.as_ref().map(hex),
            ..Self::at(name, place)
        }
    }

    fn directory(place: &Target) -> Self {
        Self::at(&Named::place(place), Some(place))
    }

    fn at(name: &Named, place: Option<&Target>) -> Self {
        Self {
            name: name.to_string(),
            host: place.map(|place| place.host.to_string()),
            place: place.map(|place| PlaceReport::new(&place.host, place.path.clone())),
            size: None,
            sha256: None,
        }
    }
}

impl fmt::Display for SideReport {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.name)?;
        if let Some(size) = self.size {
            write!(f, " {size} bytes")?;
        }
        match &self.sha256 {
            Some(sum) => write!(f, ", sha256 {sum}"),
            None => Ok(()),
        }
    }
}

impl FilesReport {
    pub(super) fn same([old, new]: [SideReport; 2]) -> Self {
        Self {
            kind: "files",
            same: true,
            complete: true,
            old,
            new,
            diff: None,
            diff_base64: None,
            added: None,
            removed: None,
            truncated: false,
            notes: Vec::new(),
            exact: Vec::new(),
            returns: false,
            holds: Vec::new(),
        }
    }

    pub(super) fn differ(sides: [SideReport; 2], why: Compared) -> Self {
        Self {
            same: false,
            notes: vec![why.note().to_owned()],
            ..Self::same(sides)
        }
    }

    pub(super) fn text(sides: [SideReport; 2], text: Text) -> Self {
        let Text {
            bytes,
            added,
            removed,
            truncated,
            endings: [old, new],
            only_endings,
            holds,
        } = text;
        let returns = old.differ(new);
        let mut notes = Vec::new();
        if returns {
            let only = if only_endings { "only line" } else { "line" };
            notes.push(format!("{only} endings differ: {old} / {new}"));
        }
        let is_text = std::str::from_utf8(&bytes).is_ok();
        if !is_text {
            notes.push("bytes that are not UTF-8 are written \\xNN".to_owned());
        }
        if truncated {
            notes.push(format!("truncated at {} bytes", bytes.len()));
        }
        Self {
            same: false,
            diff: Some(readable::text(&bytes, false)),
            diff_base64: (!is_text).then(|| STANDARD.encode(&bytes)),
            added: Some(added),
            removed: Some(removed),
            truncated,
            notes,
            exact: bytes,
            returns,
            holds: holds.into_iter().flatten().collect(),
            ..Self::same(sides)
        }
    }

    /// The difference as `patch` takes it; empty where there is none of lines.
    #[must_use]
    pub fn exact(&self) -> &[u8] {
        &self.exact
    }
}

impl DiffReport {
    /// Whether everything was compared and is the same.
    #[must_use]
    pub fn is_same(&self) -> bool {
        match self {
            Self::Files(files) => files.same,
            Self::Directories(directories) => directories.same,
        }
    }

    /// Whether everything was compared.
    #[must_use]
    pub fn is_complete(&self) -> bool {
        match self {
            Self::Files(files) => files.complete,
            Self::Directories(directories) => directories.complete,
        }
    }

    /// Accounts for the memory of the report; keep it while a copy lives.
    #[must_use]
    pub fn holds(&self) -> Vec<Arc<Hold>> {
        match self {
            Self::Files(files) => files.holds.clone(),
            Self::Directories(directories) => vec![Arc::clone(&directories.hold)],
        }
    }
}

impl fmt::Display for DiffReport {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Files(report) => report.fmt(f),
            Self::Directories(report) => report.fmt(f),
        }
    }
}

impl fmt::Display for FilesReport {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (old, new) = (&self.old, &self.new);
        match (self.same, &self.diff) {
            (true, _) if old.host.is_none() => {
                return write!(f, "File matches expected content: {}", new.name);
            }
            (true, _) => return write!(f, "Files are identical:\n  {}\n  {}", old.name, new.name),
            (false, None) => write!(f, "differ: {old}; {new}")?,
            (false, Some(_)) => {
                let text = readable::text(&self.exact, self.returns);
                let text = text.strip_suffix('\n').unwrap_or(&text);
                write!(f, "{}", Printable(text))?;
            }
        }
        self.notes
            .iter()
            .try_for_each(|note| write!(f, "\n[{note}]"))
    }
}
