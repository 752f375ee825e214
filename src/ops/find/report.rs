//! What a search found, as text and as data.

use super::filter::FindKind;
use super::search::{Found, Match, Stopped, Trouble};
use super::{FindRequest, MAX_SEARCHED};
use crate::ops::Printable;
use crate::ops::decode::date;
use crate::ops::place::PlaceReport;
use crate::ops::text::one_line;
use fleet::Hold;
use serde::Serialize;
use std::fmt;
use std::sync::Arc;

/// What was found.
#[derive(Debug, Serialize)]
pub struct FindReport {
    /// The host.
    pub host: String,
    /// Where it was looked.
    pub path: String,
    /// What was found, depth first, in byte order of names.
    pub results: Vec<MatchReport>,
    /// Whether there is more than the limit.
    pub truncated: bool,
    /// Whether everything there is was looked at: nothing was unreadable, cut, too large, too late, or
    /// deeper than usual.
    pub complete: bool,
    /// How many names were looked at.
    pub visited: u64,
    /// Why it ended early: `visited`, `candidates` or `deadline`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub stopped: Option<&'static str>,
    /// Directories, and files to be searched for a text, that could not be read.
    pub unreadable: u64,
    /// The first of them.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub unreadable_paths: Vec<PlaceReport>,
    /// Directories of which only a part was looked at.
    pub cut_directories: u64,
    /// The first of them.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub cut_paths: Vec<PlaceReport>,
    /// Directories too deep to be entered.
    pub not_entered: u64,
    /// Files too large to be searched for a text.
    pub too_large: u64,
    #[serde(skip)]
    wanted: String,
    /// The depth nobody asked for, where directories were below it.
    #[serde(skip)]
    unasked: Option<usize>,
    #[serde(skip)]
    hold: Arc<Hold>,
}

/// A file that was found.
#[derive(Debug, Serialize)]
pub struct MatchReport {
    /// Where it is.
    #[serde(flatten)]
    pub place: PlaceReport,
    /// `file`, `directory`, `symlink` or `other`.
    pub kind: &'static str,
    /// Size in bytes.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub size: Option<u64>,
    /// Last modification, UTC.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub modified: Option<String>,
    /// Lines that hold the text that was looked for.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub matches: Option<u64>,
}

impl FindReport {
    pub(super) fn new(request: &FindRequest, found: Found, mut hold: Hold) -> Self {
        let Found {
            matches,
            truncated,
            visited,
            stopped,
            unreadable,
            cut,
            closed,
            large,
            ..
        } = found;
        let too_deep = if request.depth_is_asked { 0 } else { closed };
        let complete =
            !truncated && stopped.is_none() && unreadable.count + cut.count + large + too_deep == 0;
        let host = &request.host;
        let places = |trouble: Trouble| -> Vec<PlaceReport> {
            let paths = trouble.first.into_iter();
            paths.map(|path| PlaceReport::new(host, path)).collect()
        };
        let matched = |one: Match| MatchReport {
            kind: FindKind::of(one.attributes.kind()).label(),
            size: one.attributes.size,
            modified: one.attributes.modified.map(date),
            matches: one.lines,
            place: PlaceReport::new(host, one.path),
        };
        let results: Vec<MatchReport> = matches.into_iter().map(matched).collect();
        let weight: usize = results.iter().map(|one| one.place.weight() + 100).sum();
        hold.shrink_to(weight as u64);
        Self {
            host: host.to_string(),
            path: request.path.to_string(),
            results,
            truncated,
            complete,
            visited,
            stopped: stopped.map(Stopped::label),
            unreadable: unreadable.count,
            unreadable_paths: places(unreadable),
            cut_directories: cut.count,
            cut_paths: places(cut),
            not_entered: closed,
            too_large: large,
            wanted: request.wanted(),
            unasked: (too_deep > 0).then_some(request.depth),
            hold: Arc::new(hold),
        }
    }

    /// Accounts for the memory of the report; keep it while a copy lives.
    #[must_use]
    pub fn hold(&self) -> Arc<Hold> {
        Arc::clone(&self.hold)
    }

    /// What was left out, a line for each reason.
    pub fn notes(&self) -> impl Iterator<Item = String> + '_ {
        let named = |count: u64, what: &str, places: &[PlaceReport]| {
            let names: Vec<String> = places.iter().map(ToString::to_string).collect();
            let more = if count > names.len() as u64 {
                ", …"
            } else {
                ""
            };
            (count > 0).then(|| format!("[{what}: {count}: {}{more}]", names.join(", ")))
        };
        let truncated = || format!("[truncated at {} results]", self.results.len());
        let large = || {
            format!(
                "[not searched for the text: {} larger than {} MiB]",
                files(self.too_large),
                MAX_SEARCHED >> 20
            )
        };
        let deep = |depth| {
            let directories = directories(self.not_entered);
            format!("[not entered at depth {depth}: {directories}]")
        };
        let stopped = self.stopped.map(|why| match why {
            "visited" => format!("[stopped after {} names; there is more]", self.visited),
            "candidates" => "[stopped: too many files to search for the text]".to_owned(),
            _ => format!("[stopped at the deadline, after {} names]", self.visited),
        });
        [
            self.truncated.then(truncated),
            stopped,
            named(self.unreadable, "unreadable", &self.unreadable_paths),
            named(
                self.cut_directories,
                "directories with too many entries",
                &self.cut_paths,
            ),
            (self.too_large > 0).then(large),
            self.unasked.map(deep),
        ]
        .into_iter()
        .flatten()
    }
}

impl FindRequest {
    /// What is looked for, on one line.
    fn wanted(&self) -> String {
        let shown = |text: &[u8]| {
            let text = one_line(&String::from_utf8_lossy(text));
            format!("'{}'", Printable(&text))
        };
        let name = shown(self.filter.name().map_or(b"*", |name| name.as_bytes()));
        match &self.needle {
            None => name,
            Some(needle) => format!("{name} and holding {}", shown(needle.as_bytes())),
        }
    }
}

impl Stopped {
    fn label(self) -> &'static str {
        match self {
            Self::Visited => "visited",
            Self::Candidates => "candidates",
            Self::Deadline => "deadline",
        }
    }
}

/// For people: programs get the path alone.
impl fmt::Display for MatchReport {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.place)?;
        match self.matches {
            None => Ok(()),
            Some(1) => write!(f, " (1 line)"),
            Some(lines) => write!(f, " ({lines} lines)"),
        }
    }
}

impl fmt::Display for FindReport {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.results.is_empty() {
            let path = one_line(&self.path);
            let path = Printable(&path);
            write!(f, "No files matching {} found in {path}", self.wanted)?;
        }
        for (at, found) in self.results.iter().enumerate() {
            let newline = if at == 0 { "" } else { "\n" };
            write!(f, "{newline}{found}")?;
        }
        for (at, note) in self.notes().enumerate() {
            let newline = if at == 0 { "\n\n" } else { "\n" };
            write!(f, "{newline}{note}")?;
        }
        Ok(())
    }
}

fn files(count: u64) -> String {
    match count {
        1 => "1 file".into(),
        n => format!("{n} files"),
    }
}

fn directories(count: u64) -> String {
    match count {
        1 => "1 directory".into(),
        n => format!("{n} directories"),
    }
}
