//! `scout find`: files below a directory, a path on each line.

use super::out;
use super::progress::Bar;
use super::remote::{finish, print, with_ops};
use crate::config::Config;
use crate::ops::{
    DEFAULT_FIND_LIMIT, Failure, FindKind, FindReport, FindRequest, MAX_FIND_LIMIT, Wanted,
};
use clap::Args;
use fleet::Target;
use std::ffi::OsString;
use std::io::IsTerminal;
use std::os::unix::ffi::{OsStrExt, OsStringExt};
use std::process::ExitCode;

/// Flags of `find`.
#[derive(Debug, Args)]
pub(super) struct FindArgs {
    /// The directory: `host:/path`, `host:~/path`, or `host:` for the home directory.
    target: OsString,
    /// A pattern for the last part of the path, as `find -name` takes it.
    #[arg(long, value_name = "GLOB")]
    name: Option<OsString>,
    /// A text within a line of the file, literally; only files up to 64 MiB are searched.
    #[arg(long, value_name = "TEXT")]
    contains: Option<OsString>,
    /// What it is: file, directory, symlink, other.
    #[arg(long)]
    kind: Option<FindKind>,
    /// Only files of so many bytes or more: `4096`, `10MB`, `1GiB`.
    #[arg(long, value_name = "SIZE")]
    min_size: Option<String>,
    /// Only files of so many bytes or fewer.
    #[arg(long, value_name = "SIZE")]
    max_size: Option<String>,
    /// Only what was changed within this time or since this date: `30m`, `2d`, `2026-11-20`.
    #[arg(long, value_name = "AGE")]
    newer_than: Option<String>,
    /// Only what was not changed within this time or since this date.
    #[arg(long, value_name = "AGE")]
    older_than: Option<String>,
    /// How deep to search, at most and unless it is said 10; 1 is the directory itself.
    #[arg(long)]
    depth: Option<usize>,
    /// How many results to print at most.
    #[arg(long, default_value_t = DEFAULT_FIND_LIMIT, help = format!("How many results to print, at most {MAX_FIND_LIMIT}"))]
    limit: usize,
    /// End each path with a NUL byte instead of a newline.
    #[arg(short = '0', long, conflicts_with = "json")]
    null: bool,
    /// Print JSON.
    #[arg(long)]
    json: bool,
}

pub(super) async fn run(config: &Config, args: FindArgs) -> ExitCode {
    let (json, null) = (args.json, args.null);
    with_ops(config, async |ops, principal, deadline| {
        let bar = Bar::new();
        let report = match request(args) {
            Ok(request) => {
                let progress = bar.progress();
                ops.find(principal, request, &progress, deadline).await
            }
            Err(failure) => Err(failure),
        };
        bar.clear();
        finish(
            report.map(|report| print_found(&report, json, null)),
            json,
            1,
        )
    })
    .await
}

/// Paths go out as they are, so that they can be piped; to a terminal they go as text that cannot act
/// on it, with the number of lines that hold what was looked for. What was left out is said beside them.
fn print_found(report: &FindReport, json: bool, null: bool) -> ExitCode {
    let (done, failed) = (ExitCode::SUCCESS, ExitCode::FAILURE);
    if json {
        return print(report, true, done, failed);
    }
    let exact = null || !std::io::stdout().is_terminal();
    let mut text = Vec::new();
    for found in &report.results {
        match exact {
            true => text.extend_from_slice(found.place.exact().as_bytes()),
            false => text.extend_from_slice(found.to_string().as_bytes()),
        }
        text.push(if null { b'\0' } else { b'\n' });
    }
    let code = out::data(&text, done, failed);
    for note in report.notes() {
        out::note(format_args!("scout: {note}"));
    }
    code
}

fn request(args: FindArgs) -> Result<FindRequest, Failure> {
    let Target { host, path } = Target::parse(args.target.as_bytes())?;
    let wanted = Wanted {
        name: args.name.map(OsString::into_vec),
        contains: args.contains.map(OsString::into_vec),
        kind: args.kind,
        min_size: args.min_size,
        max_size: args.max_size,
        newer_than: args.newer_than,
        older_than: args.older_than,
        depth: args.depth,
        usual_depth: None,
        limit: Some(args.limit),
    };
    FindRequest::new(host, path, &wanted)
}
