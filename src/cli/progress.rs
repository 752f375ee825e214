//! How far an operation is, on standard error while a person waits for it there.
//!
//! Where standard error is no terminal nothing is ever shown, and nothing stays on a terminal: the
//! line is gone before the answer is printed.

use crate::ops::{Printable, Progress, Step, Unit};
use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};
use std::time::Duration;

/// How often the line moves while there is no news, so that it is seen to live.
const TICK: Duration = Duration::from_millis(120);

/// One line of progress. Dropping it takes it away.
pub(super) struct Bar(ProgressBar);

impl Bar {
    /// A line that shows itself with the first step it hears of.
    pub(super) fn new() -> Self {
        let bar = ProgressBar::with_draw_target(None, ProgressDrawTarget::stderr());
        Self(bar)
    }

    /// The end at which an operation tells its steps.
    pub(super) fn progress(&self) -> Progress {
        if self.0.is_hidden() {
            return Progress::silent();
        }
        let bar = self.0.clone();
        let begun = std::sync::Once::new();
        Progress::to(move |step: Step<'_>| {
            begun.call_once(|| {
                bar.set_style(style(step.unit, step.total.is_some()));
                bar.enable_steady_tick(TICK);
            });
            if let Some(total) = step.total {
                bar.set_length(total);
            }
            bar.set_message(line(step.message));
            bar.set_position(step.done);
        })
    }

    /// Takes the line away, for what is printed next.
    pub(super) fn clear(&self) {
        self.0.finish_and_clear();
    }
}

impl Drop for Bar {
    fn drop(&mut self) {
        self.clear();
    }
}

/// What the line shows, from what is counted.
fn style(unit: Unit, has_end: bool) -> ProgressStyle {
    let template = match (unit, has_end) {
        (Unit::Bytes, true) => {
            "{spinner} [{bar:24}] {bytes}/{total_bytes} {bytes_per_sec} {eta} {wide_msg}"
        }
        (Unit::Bytes, false) => "{spinner} {bytes} {bytes_per_sec} {wide_msg}",
        (Unit::Hosts, true) => "{spinner} [{bar:24}] {pos}/{len} hosts {wide_msg}",
        (Unit::Hosts, false) => "{spinner} {pos} hosts {wide_msg}",
        (Unit::Files, true) => "{spinner} [{bar:24}] {pos}/{len} files {wide_msg}",
        (Unit::Files, false) => "{spinner} {pos} files {wide_msg}",
    };
    let style = ProgressStyle::with_template(template);
    style
        .unwrap_or_else(|_| ProgressStyle::default_spinner())
        .progress_chars("=> ")
}

/// A message may hold a name that a host chose.
fn line(message: &str) -> String {
    Printable(&message.replace(['\n', '\t'], " ")).to_string()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_line_that_is_shown_is_a_legal_template() {
        for unit in [Unit::Bytes, Unit::Hosts, Unit::Files] {
            for has_end in [true, false] {
                let bar = ProgressBar::hidden();
                bar.set_style(style(unit, has_end));
                bar.set_message("m");
                bar.tick();
            }
        }
        assert_eq!(line("a\nb\u{1b}[2J"), "a b\\u{1b}[2J");
    }

    #[test]
    fn without_a_terminal_nobody_listens() {
        // The tests' standard error may be a terminal; a hidden line is like one that is not.
        let bar = Bar(ProgressBar::hidden());
        assert!(!bar.progress().is_wanted());
    }
}
