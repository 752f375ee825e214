//! `scout diff`: two files or directories, with the exit codes of `diff`.

use super::out;
use super::progress::Bar;
use super::remote::{finish, print, with_ops};
use super::style::Colours;
use crate::config::Config;
use crate::ops::{DEFAULT_CONTEXT, DiffReport, DiffRequest, Failure, MAX_CONTEXT};
use clap::Args;
use fleet::Target;
use std::ffi::OsString;
use std::io::{IsTerminal, Read};
use std::os::unix::ffi::OsStrExt;
use std::process::ExitCode;

/// What there is to say when something could not be compared.
const TROUBLE: u8 = 2;

/// The most that is read from standard input.
const MAX_EXPECTED: u64 = 16 << 20;

/// Flags of `diff`.
#[derive(Debug, Args)]
#[command(after_help = "Exit codes: 0 the same, 1 different, 2 something could not be compared.")]
pub(super) struct DiffArgs {
    /// `host:/path`, or `-`: what is expected is read from standard input.
    #[arg(value_name = "TARGET")]
    old: OsString,
    /// `host:/path`.
    #[arg(value_name = "OTHER")]
    new: OsString,
    /// Lines shown around a difference.
    #[arg(short = 'U', long, value_name = "LINES", default_value_t = DEFAULT_CONTEXT, value_parser = context)]
    context: usize,
    /// Print JSON.
    #[arg(long)]
    json: bool,
}

pub(super) async fn run(config: &Config, args: DiffArgs) -> ExitCode {
    let json = args.json;
    // Before anything is started: whoever types has time, and may give up.
    let request = request(&args);
    with_ops(config, async |ops, principal, deadline| {
        let bar = Bar::new();
        let report = match request {
            Ok(request) => {
                let progress = bar.progress();
                ops.diff(principal, request, &progress, deadline).await
            }
            Err(failure) => Err(failure),
        };
        bar.clear();
        finish(
            report.map(|report| print_difference(&report, json)),
            json,
            TROUBLE,
        )
    })
    .await
}

/// A difference of texts goes out as it is, so that it can be given to `patch`; to a terminal it goes
/// as text that cannot act on it.
fn print_difference(report: &DiffReport, json: bool) -> ExitCode {
    let trouble = ExitCode::from(TROUBLE);
    let code = match (report.is_complete(), report.is_same()) {
        (false, _) => trouble,
        (true, true) => ExitCode::SUCCESS,
        (true, false) => ExitCode::from(1),
    };
    let DiffReport::Files(files) = report else {
        return print(report, json, code, trouble);
    };
    let stdout = std::io::stdout();
    match (json, files.exact().is_empty(), stdout.is_terminal()) {
        (true, ..) | (_, true, _) => print(report, json, code, trouble),
        (false, false, true) => {
            let text = painted(&report.to_string(), Colours::of(&stdout));
            out::data(text.as_bytes(), code, trouble)
        }
        (false, false, false) => {
            let code = out::data(files.exact(), code, trouble);
            for note in &files.notes {
                out::note(format_args!("scout: {note}"));
            }
            code
        }
    }
}

/// A unified difference with its lines set off.
fn painted(text: &str, colours: Colours) -> String {
    let line = |(nth, line): (usize, &str)| match line.as_bytes().first() {
        _ if nth < 2 => format!("{}\n", colours.heading(line)),
        Some(b'-') => format!("{}\n", colours.removed(line)),
        Some(b'+') => format!("{}\n", colours.added(line)),
        _ => format!("{line}\n"),
    };
    text.lines().enumerate().map(line).collect()
}

fn request(args: &DiffArgs) -> Result<DiffRequest, Failure> {
    let new = Target::parse(args.new.as_bytes())?;
    let context = Some(args.context);
    if args.old != "-" {
        return DiffRequest::places(Target::parse(args.old.as_bytes())?, new, context);
    }
    let mut expected = Vec::new();
    let mut input = std::io::stdin().lock().take(MAX_EXPECTED + 1);
    let read = input.read_to_end(&mut expected);
    read.map_err(|error| Failure::invalid(format!("cannot read standard input: {error}")))?;
    if expected.len() as u64 > MAX_EXPECTED {
        return Err(Failure::invalid(format!(
            "standard input has more than {MAX_EXPECTED} bytes"
        )));
    }
    DiffRequest::expected(expected, new, context)
}

fn context(text: &str) -> Result<usize, String> {
    let lines = text.parse().ok();
    lines
        .filter(|lines| *lines <= MAX_CONTEXT)
        .ok_or_else(|| format!("so many lines are 0 to {MAX_CONTEXT}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_lines_that_differ_are_coloured() {
        let text = "--- a\n+++ b\n@@ -1,2 +1,2 @@\n same\n-old\n+new\n";
        let shown = painted(text, Colours::always());
        let expected = "\u{1b}[1m--- a\u{1b}[0m\n\u{1b}[1m+++ b\u{1b}[0m\n@@ -1,2 +1,2 @@\n same\n\u{1b}[31m-old\u{1b}[0m\n\u{1b}[32m+new\u{1b}[0m\n";
        assert_eq!(shown, expected);
    }

    #[test]
    fn context_is_a_few_lines() {
        assert_eq!(context("0"), Ok(0));
        for wrong in ["21", "-1", "x"] {
            assert!(context(wrong).is_err(), "{wrong}");
        }
    }
}
