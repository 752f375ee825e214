//! The list of what a host runs, for people: a line for each thing, and what is known of it below.
//!
//! Everything in it but our own words is what the host says: none of it begins a line of its own, and
//! a URI is shown only where it can be read.

use crate::ops::{Printable, one_line};
use std::fmt::Write as _;

/// Something that a host runs, or would.
pub(super) struct Listed<'a> {
    pub(super) is_running: bool,
    pub(super) name: &'a str,
    /// What the host says of it; several values of one kind stand below each other.
    pub(super) facts: Vec<(&'static str, Vec<&'a str>)>,
    /// Where there is more.
    pub(super) uris: Vec<(&'static str, String)>,
}

/// The list, or `nothing` where there is nothing in it.
pub(super) fn text<'a>(things: impl Iterator<Item = Listed<'a>>, nothing: &str) -> String {
    let mut text = String::new();
    for thing in things {
        let mark = if thing.is_running { '●' } else { '○' };
        // Writing to a text cannot fail.
        let _written = writeln!(text, "{mark} {}", shown(thing.name));
        for (label, values) in thing.facts {
            let values: Vec<String> = values.into_iter().map(shown).collect();
            let _written = writeln!(text, "  {label}: {}", values.join("\n    "));
        }
        for (label, uri) in thing.uris {
            let _written = writeln!(text, "  {label}: {uri}");
        }
    }
    if text.is_empty() {
        text.push_str(nothing);
    }
    text
}

fn shown(said: &str) -> String {
    Printable(&one_line(said)).to_string()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_that_a_host_says_begins_a_line() {
        let forged = "a\n● bank\r\n  Status: running(9)\u{1b}[2J";
        let thing = Listed {
            is_running: false,
            name: forged,
            facts: vec![("Files", vec!["/a", forged])],
            uris: vec![("Logs", "web1://docker/a/logs".into())],
        };
        let line = "a\\n● bank\\u{d}\\n  Status: running(9)\\u{1b}[2J";
        let expected = format!("○ {line}\n  Files: /a\n    {line}\n  Logs: web1://docker/a/logs\n");
        assert_eq!(text([thing].into_iter(), "Nothing."), expected);
        assert_eq!(text([].into_iter(), "Nothing."), "Nothing.");
    }
}
