//! The answer of a broadcast as text: by group, or in the form of the server Scout replaces, by host.

use super::answer::What;
use super::members::{folded, shown};
use super::report::{BroadcastReport, Same};
use super::state::State;
use crate::ops::ReadReport;
use crate::ops::checksum::hex;
use crate::ops::fold::{Limited, length, shares};
use std::fmt::{self, Display};

/// Bytes of answers in the text: it is for reading, and the data beside it has the rest.
const READABLE: usize = 256 << 10;

/// The width of a line above an answer, in the form of the server Scout replaces.
const WIDTH: usize = 60;

/// A piece of the text: an answer, and what stands above it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Section {
    /// The line above.
    pub heading: String,
    /// Whether it tells of a success.
    pub good: bool,
    /// The answer, without a line end behind it.
    pub body: String,
}

impl BroadcastReport {
    /// The text in pieces, with at most about `most` bytes of answers in all.
    pub fn sections(&self, most: usize) -> impl Iterator<Item = Section> {
        let order: Vec<(usize, &Same)> = match self.fold {
            true => self.groups.iter().enumerate().collect(),
            false => {
                let groups = self.hosts.iter().map(|(_, _, group)| *group).enumerate();
                groups
                    .filter_map(|(at, group)| Some((at, self.groups.get(group)?)))
                    .collect()
            }
        };
        let lengths: Vec<usize> = order
            .iter()
            .map(|(_, group)| length(Answer(&group.what)))
            .collect();
        let shares = shares(&lengths, most);
        order.into_iter().zip(shares).map(|((at, group), share)| {
            let heading = match self.fold {
                true => self.heading(group),
                false => self.line(at, group),
            };
            Section {
                heading,
                good: group.state == State::Ok,
                body: body(&group.what, share),
            }
        })
    }

    /// The last line: how many succeeded, and what became of the others.
    #[must_use]
    pub fn summary(&self) -> String {
        let (good, all) = (self.count(State::Ok), self.total());
        let others = State::ALL.iter().filter(|state| **state != State::Ok);
        let others: Vec<String> = others
            .map(|state| (self.count(*state), state.words()))
            .filter(|(count, _)| *count > 0)
            .map(|(count, words)| format!("{count} {words}"))
            .collect();
        let mark = format!("─── {good}/{all} hosts succeeded ───");
        match others.is_empty() {
            true => mark,
            false => format!("{mark} {}", others.join(", ")),
        }
    }

    /// `web-[01-17] (17):`, with what is worth knowing before one reads on.
    fn heading(&self, group: &Same) -> String {
        let places = self.places_of(group);
        let names = shown(&folded(&places, self.with_paths));
        let mut heading = format!("{names} ({})", places.len());
        if group.state != State::Ok {
            let phase = match &group.what {
                What::Failed { failure, .. } => failure.phase,
                _ => None,
            };
            let phase = phase.map_or_else(String::new, |phase| format!(": {phase}"));
            heading += &format!(" [{}{phase}]", group.state.words().to_uppercase());
        }
        if let What::Read(ReadReport::File(file), sum) = &group.what {
            if let Some(size) = file.size {
                heading += &format!(", {size} bytes");
            }
            if let Some(sum) = sum {
                heading += &format!(", sha256 {:.12}", hex(sum));
            }
        }
        if let Some((more, less)) = group.differs {
            heading += &format!(", +{more} -{less} lines");
        }
        heading + ":"
    }

    /// `═══ host:path ════`, filled up to a fixed width.
    fn line(&self, at: usize, group: &Same) -> String {
        let place = self.places.get(at).map(ToString::to_string);
        let mut line = format!("═══ {} ", shown(&place.unwrap_or_default()));
        let fill =
            |line: &str, width: usize| "═".repeat(width.saturating_sub(line.chars().count()));
        line += &match group.state {
            State::Ok => fill(&line, WIDTH),
            // One less than the width, as it always was.
            _ => format!("[FAILED] {}", fill(&line, WIDTH - 10)),
        };
        line
    }
}

/// At most `most` bytes of an answer, and whatever says how it ended.
fn body(what: &What, most: usize) -> String {
    let limited = Limited::of(Answer(what), most);
    let mut lines = vec![limited.text().trim_end_matches('\n').to_owned()];
    if let Some(total) = limited.cut() {
        let kept = limited.text().len();
        lines.push(format!("[truncated at {kept} bytes] of {total}"));
    }
    if let What::Ran(report) = what {
        lines.extend(report.ending());
    }
    lines.retain(|line| !line.is_empty());
    match lines.is_empty() {
        true if matches!(what, What::Ran(_)) => "(no output)".into(),
        _ => lines.join("\n"),
    }
}

/// What a host gave, without how it ended.
struct Answer<'a>(&'a What);

impl Display for Answer<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.0 {
            What::Ran(report) => report.output().fmt(f),
            What::Read(report, _) => report.fmt(f),
            What::Failed { failure, .. } => failure.fmt(f),
        }
    }
}

impl Display for BroadcastReport {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for Section { heading, body, .. } in self.sections(READABLE) {
            write!(f, "{heading}\n{body}\n\n")?;
        }
        f.write_str(&self.summary())
    }
}
