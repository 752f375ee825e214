//! What a copy did, for people and for programs.

mod entries;

pub(super) use entries::Named;
pub use entries::{Problem, Skipped};

use crate::ops::text::one_line;
use crate::ops::{Failure, Printable};
use serde::Serialize;
use std::fmt;

/// Which way a copy went.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Direction {
    /// From this machine to a host.
    Upload,
    /// From a host to this machine.
    Download,
    /// From a host to a host, through this machine.
    HostToHost,
}

/// The files of a copy, by what became of them.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize)]
pub struct Counts {
    /// Copied now.
    pub copied: u64,
    /// There already, with the same content.
    pub unchanged: u64,
    /// Neither a file nor a directory: left out.
    pub skipped: u64,
    /// Failed.
    pub failed: u64,
    /// Not tried any more after what ended the copy.
    #[serde(skip_serializing_if = "is_zero")]
    pub not_tried: u64,
    /// Directories that were made.
    pub directories: u64,
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde calls it so")]
fn is_zero(count: &u64) -> bool {
    *count == 0
}

/// A copy.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct CopyReport {
    /// `copied`, or `failed` when anything was not.
    pub outcome: &'static str,
    /// Of a failed copy: what ended it, or `incomplete`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub code: Option<&'static str>,
    /// Of a failed copy: one sentence.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub message: Option<String>,
    /// Of a failed copy: what to do.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub hint: Option<String>,
    /// Where it came from.
    pub from: String,
    /// Where it is now.
    pub to: String,
    /// Which way it went.
    pub direction: Direction,
    /// `file` or `directory`.
    pub kind: &'static str,
    /// Bytes of the files that were copied.
    pub bytes: u64,
    /// Bytes that were sent for it: less where an earlier attempt was gone on from.
    pub sent_bytes: u64,
    /// Of a file: where an earlier attempt had ended.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub resumed_at: Option<u64>,
    /// Of a file: the SHA-256 of its content, on both sides.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub sha256: Option<String>,
    /// Of a file: whether it replaced something.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub replaced: Option<bool>,
    /// Of a directory: what became of its files.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub files: Option<Counts>,
    /// Of a directory: what failed, the first twenty.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub failures: Vec<Problem>,
    /// Of a directory: what was left out, the first twenty.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub skipped: Vec<Skipped>,
    /// How long it took.
    pub duration_ms: u64,
}

impl CopyReport {
    /// Whether everything was copied.
    #[must_use]
    pub fn is_success(&self) -> bool {
        self.outcome == "copied"
    }

    /// Takes in what failed and what was left out.
    pub(super) fn with_entries(
        mut self,
        problems: Named<Problem>,
        skipped: Named<Skipped>,
    ) -> Self {
        if let Some(files) = &mut self.files {
            files.failed = problems.count as u64;
            files.skipped = skipped.count as u64;
        }
        self.failures = problems.first;
        self.skipped = skipped.first;
        self
    }
}

/// A copy that came to nothing, as the `beam` of the server that Scout replaces says it.
#[must_use]
pub fn transfer_failed(failure: &Failure) -> String {
    let message = Printable(&failure.message);
    match &failure.hint {
        Some(hint) => format!("✗ Transfer failed: {message}\n\nhint: {hint}"),
        None => format!("✗ Transfer failed: {message}"),
    }
}

impl fmt::Display for CopyReport {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (from, to) = (Printable(&self.from), Printable(&self.to));
        match (self.is_success(), self.direction) {
            (true, Direction::Upload) => write!(f, "✓ Uploaded {from} → {to}")?,
            (true, Direction::Download) => write!(f, "✓ Downloaded {from} → {to}")?,
            (true, Direction::HostToHost) => {
                write!(f, "✓ Streamed {from} → {to} (remote-to-remote)")?;
            }
            (false, _) => {
                let message = self.message.as_deref().unwrap_or("it is incomplete");
                write!(
                    f,
                    "✗ Transfer failed: {from} → {to}: {}",
                    Printable(message)
                )?;
            }
        }
        write!(f, "\n  Size: {}", Size(self.bytes))?;
        if let Some(at) = self.resumed_at {
            write!(
                f,
                "\n  Resumed at {}, sent {}",
                Size(at),
                Size(self.sent_bytes)
            )?;
        }
        if let Some(files) = &self.files {
            write!(f, "\n  Files: {} copied", files.copied)?;
            for (count, what) in [
                (files.unchanged, "unchanged"),
                (files.skipped, "skipped"),
                (files.failed, "failed"),
                (files.not_tried, "not tried"),
            ] {
                if count > 0 {
                    write!(f, ", {count} {what}")?;
                }
            }
        }
        for problem in &self.failures {
            let path = one_line(&problem.path);
            let (path, message) = (Printable(&path), Printable(&problem.message));
            write!(f, "\n  [FAILED] {path}: {message}")?;
        }
        more(
            f,
            self.files.map_or(0, |files| files.failed),
            self.failures.len(),
        )?;
        for skipped in &self.skipped {
            write!(
                f,
                "\n  [skipped] {} ({})",
                Printable(&one_line(&skipped.path)),
                skipped.kind
            )?;
        }
        more(
            f,
            self.files.map_or(0, |files| files.skipped),
            self.skipped.len(),
        )?;
        match &self.hint {
            Some(hint) => write!(f, "\n\nhint: {hint}"),
            None => Ok(()),
        }
    }
}

fn more(f: &mut fmt::Formatter<'_>, all: u64, named: usize) -> fmt::Result {
    match all.saturating_sub(named as u64) {
        0 => Ok(()),
        more => write!(f, "\n  … and {more} more"),
    }
}

/// A number of bytes for people, in steps of 1024.
struct Size(u64);

impl fmt::Display for Size {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        const UNITS: [&str; 4] = ["KB", "MB", "GB", "TB"];
        if self.0 < 1024 {
            return write!(f, "{} B", self.0);
        }
        let mut size = self.0 as f64;
        let mut unit = "B";
        for larger in UNITS {
            if size < 1024.0 {
                break;
            }
            size /= 1024.0;
            unit = larger;
        }
        write!(f, "{size:.2} {unit}")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn report(direction: Direction) -> CopyReport {
        CopyReport {
            outcome: "copied",
            code: None,
            message: None,
            hint: None,
            from: "/srv/a".into(),
            to: "web1:/a".into(),
            direction,
            kind: "file",
            bytes: 1260,
            sent_bytes: 1260,
            resumed_at: None,
            sha256: None,
            replaced: Some(false),
            files: None,
            failures: Vec::new(),
            skipped: Vec::new(),
            duration_ms: 1,
        }
    }

    #[test]
    fn a_copy_reads_as_it_always_did() {
        let text = |direction| report(direction).to_string();
        assert_eq!(
            text(Direction::Upload),
            "✓ Uploaded /srv/a → web1:/a\n  Size: 1.23 KB"
        );
        assert!(text(Direction::Download).starts_with("✓ Downloaded /srv/a → "));
        assert!(text(Direction::HostToHost).contains("(remote-to-remote)\n"));
        let failure = Failure::invalid("no\u{1b}[2J");
        assert_eq!(transfer_failed(&failure), "✗ Transfer failed: no\\u{1b}[2J");
    }

    #[test]
    fn a_size_has_a_unit() {
        for (bytes, text) in [
            (0, "0 B"),
            (1023, "1023 B"),
            (1024, "1.00 KB"),
            (1 << 20, "1.00 MB"),
            (3 << 29, "1.50 GB"),
        ] {
            assert_eq!(Size(bytes).to_string(), text);
        }
    }

    #[test]
    fn what_failed_is_named_and_the_rest_counted() {
        let problem = |n: usize| Problem {
            path: format!("f{n}\n"),
            path_base64: None,
            code: "permission_denied",
            message: "is denied".into(),
        };
        let report = CopyReport {
            outcome: "failed",
            files: Some(Counts::default()),
            ..report(Direction::Upload)
        };
        let mut problems = Named::default();
        (0..25).for_each(|n| problems.push(problem(n)));
        let report = report.with_entries(problems, Named::default());
        assert_eq!(report.files.unwrap().failed, 25);
        let text = report.to_string();
        assert!(text.starts_with("✗ Transfer failed"), "{text}");
        assert!(
            text.contains("[FAILED] f19\\n: is denied\n  … and 5 more"),
            "{text}"
        );
    }
}
