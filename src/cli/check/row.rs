//! One line of the report: what was tried, what should come back, what did.

use serde::Serialize;
use std::fmt;

/// How a promise fared.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub(super) enum Verdict {
    /// Seen to be kept.
    Kept,
    /// Seen to be broken.
    Broken,
    /// Not seen at all; the note says why.
    Unproven,
}

/// One promise.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub(super) struct Row {
    pub(super) what: &'static str,
    pub(super) verdict: Verdict,
    pub(super) expected: String,
    pub(super) got: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) note: Option<String>,
}

impl Row {
    /// A promise that could not be tried.
    pub(super) fn unproven(what: &'static str, expected: impl ToString, why: &str) -> Self {
        Self {
            what,
            verdict: Verdict::Unproven,
            expected: expected.to_string(),
            got: "-".into(),
            note: Some(why.into()),
        }
    }

    /// A promise of a status.
    pub(super) fn status(what: &'static str, expected: u16, got: &Result<u16, String>) -> Self {
        let (verdict, note) = match got {
            Ok(status) if *status == expected => (Verdict::Kept, None),
            // Whoever is over the rate is told nothing else.
            Ok(429) => (
                Verdict::Unproven,
                Some("the rate limit came first; try again in a minute".into()),
            ),
            _ => (Verdict::Broken, None),
        };
        Self {
            what,
            verdict,
            expected: expected.to_string(),
            got: got.as_ref().map_or_else(Clone::clone, ToString::to_string),
            note,
        }
    }

    pub(super) fn with_note(mut self, note: impl Into<String>) -> Self {
        self.note = Some(note.into());
        self
    }
}

/// The rows as a table.
pub(super) struct Table<'a>(pub(super) &'a [Row]);

impl fmt::Display for Table<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let width = |of: fn(&Row) -> &str| self.0.iter().map(|row| of(row).len()).max();
        let what = width(|row| row.what).unwrap_or(0);
        let expected = width(|row| &row.expected)
            .unwrap_or(0)
            .max("expected".len());
        writeln!(f, "   {:what$}  {:expected$}  got", "", "expected")?;
        for row in self.0 {
            let mark = match row.verdict {
                Verdict::Kept => "✓",
                Verdict::Broken => "✗",
                Verdict::Unproven => "–",
            };
            write!(
                f,
                " {mark} {:what$}  {:expected$}  {}",
                row.what, row.expected, row.got
            )?;
            match &row.note {
                Some(note) => writeln!(f, "  ({note})")?,
                None => writeln!(f)?,
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_was_seen_is_a_verdict() {
        let verdict = |got| Row::status("x", 403, &got).verdict;
        assert_eq!(verdict(Ok(403)), Verdict::Kept);
        assert_eq!(verdict(Ok(200)), Verdict::Broken);
        assert_eq!(verdict(Err("closed".into())), Verdict::Broken);
        assert_eq!(verdict(Ok(429)), Verdict::Unproven);
    }

    #[test]
    fn the_table_lines_up() {
        let rows = [
            Row::status("one", 200, &Ok(200)),
            Row::unproven("three", 401, "why"),
        ];
        assert_eq!(
            Table(&rows).to_string(),
            "          expected  got\n ✓ one    200       200\n – three  401       -  (why)\n"
        );
    }
}
