//! What a program of a host said, on its way to a reader.

use crate::ops::{Failure, FileReport, Printable};
use fleet::HostName;
use std::fmt::Write as _;
use std::sync::Arc;

/// How much of what a host says stands in a sentence.
const QUOTED: usize = 200;

/// What a program said.
#[derive(Debug)]
pub(in crate::ops) struct Said {
    /// On standard output.
    pub(in crate::ops) text: String,
    /// On standard error.
    pub(in crate::ops) aside: String,
    /// Whether more was said than was kept.
    pub(in crate::ops) cut: bool,
    pub(in crate::ops) hold: Arc<fleet::Hold>,
}

/// A text for a reader.
#[derive(Debug)]
pub struct Shown {
    /// The text, in which nothing acts on a terminal.
    pub text: String,
    /// Whether there was more, which the text says too.
    pub truncated: bool,
    /// Account for its memory; keep them while a copy of it lives.
    pub holds: Vec<Arc<fleet::Hold>>,
}

impl Said {
    /// The lines that are whole: the last one is not where the answer was cut.
    pub(in crate::ops) fn lines(&self) -> impl Iterator<Item = &str> {
        let end = match self.cut {
            true => self.text.rfind('\n').unwrap_or(0),
            false => self.text.len(),
        };
        self.text.get(..end).unwrap_or_default().lines()
    }

    /// What was said, with what was said aside and a mark where it was cut; `nothing` where there
    /// is nothing to show.
    pub(in crate::ops) fn shown(self, nothing: &str) -> Shown {
        let mut text = match self.text.trim().is_empty() {
            true => nothing.to_owned(),
            false => printed(&self.text, self.cut),
        };
        if !self.aside.trim().is_empty() {
            let aside = Printable(self.aside.trim_end());
            let line = if text.ends_with('\n') { "" } else { "\n" };
            // Writing to a text cannot fail.
            let _written = write!(text, "{line}[stderr]\n{aside}");
        }
        Shown {
            text,
            truncated: self.cut,
            holds: vec![self.hold],
        }
    }
}

/// A file for a reader: a log may hold bytes that are not UTF-8, and is text all the same.
pub(in crate::ops) fn file_text(file: &FileReport) -> String {
    printed(
        &String::from_utf8_lossy(file.content.as_bytes()),
        file.truncated,
    )
}

fn printed(text: &str, cut: bool) -> String {
    let mark = match cut {
        true => format!("\n\n[truncated at {} bytes]", text.len()),
        false => String::new(),
    };
    format!("{}{mark}", Printable(text))
}

/// An answer that is not in the form that the program is known for.
pub(in crate::ops) fn unreadable(host: &HostName, program: &str, line: &str) -> Failure {
    Failure {
        outcome: "failed",
        code: "unreadable_answer",
        host: Some(host.to_string()),
        ..Failure::invalid(format!(
            "`{program}` on `{host}` answered in a form that Scout does not know: {}",
            quoted(line)
        ))
    }
}

/// What a host says, within a sentence.
pub(in crate::ops) fn quoted(text: &str) -> String {
    let line: String = text.trim().chars().take(QUOTED).collect();
    Printable(&line).to_string().replace('\n', "\\n")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_host_says_stays_on_one_line_and_acts_on_nothing() {
        assert_eq!(quoted(" a\nb\u{1b}[2J\t "), "a\\nb\\u{1b}[2J");
        assert_eq!(quoted(&"é".repeat(300)).chars().count(), QUOTED);
        assert_eq!(
            printed("a\u{7}\n", true),
            "a\\u{7}\n\n\n[truncated at 3 bytes]"
        );
    }
}
