//! `scout read`: a file or a directory, on stdout.

use super::out;
use super::remote::{finish, print, with_ops};
use crate::config::Config;
use crate::ops::{DEFAULT_DEPTH, Failure, MAX_DEPTH, Range, ReadReport, ReadRequest};
use clap::Args;
use fleet::Target;
use std::ffi::OsString;
use std::io::IsTerminal;
use std::os::unix::ffi::OsStrExt;
use std::process::ExitCode;

/// Flags of `read`.
#[derive(Debug, Args)]
pub(super) struct ReadArgs {
    /// `host:/path`, `host:~/path`, or `host:` for the home directory.
    target: OsString,
    /// Only these lines of a file: `20`, `10-20`, `10-`.
    #[arg(long, value_parser = Range::parse_lines, conflicts_with_all = ["tail", "offset", "limit"])]
    lines: Option<Range>,
    /// Only the last so many lines.
    #[arg(long, conflicts_with_all = ["offset", "limit"])]
    tail: Option<u64>,
    /// Begin at this byte.
    #[arg(long)]
    offset: Option<u64>,
    /// Print at most so many bytes.
    #[arg(long)]
    limit: Option<u64>,
    /// Show the tree below a directory.
    #[arg(long)]
    tree: bool,
    /// How deep the tree goes.
    #[arg(long, requires = "tree", value_parser = depth, default_value_t = DEFAULT_DEPTH)]
    depth: usize,
    /// Print JSON.
    #[arg(long)]
    json: bool,
}

pub(super) async fn run(config: &Config, args: ReadArgs) -> ExitCode {
    let json = args.json;
    with_ops(config, async |ops, principal, deadline| {
        let report = match read_request(args) {
            Ok(request) => ops.read(principal, request, deadline).await,
            Err(failure) => Err(failure),
        };
        finish(report.map(|report| print_read(&report, json)), json, 1)
    })
    .await
}

/// A file goes out as it is, so that it can be piped; to a terminal it goes as text that cannot
/// act on it.
fn print_read(report: &ReadReport, json: bool) -> ExitCode {
    let (done, failed) = (ExitCode::SUCCESS, ExitCode::FAILURE);
    match report {
        ReadReport::File(file) if !json && !std::io::stdout().is_terminal() => {
            let code = out::data(file.content.as_bytes(), done, failed);
            if file.truncated {
                let kept = file.content.len();
                out::note(format_args!("scout: truncated after {kept} bytes"));
            }
            code
        }
        _ => print(report, json, done, failed),
    }
}

fn read_request(args: ReadArgs) -> Result<ReadRequest, Failure> {
    let Target { host, path } = Target::parse(args.target.as_bytes())?;
    let range = match (args.lines, args.tail) {
        (Some(lines), _) => lines,
        (None, Some(lines)) => Range::LastLines(lines),
        (None, None) => Range::Bytes {
            offset: args.offset.unwrap_or(0),
            limit: args.limit,
        },
    };
    Ok(ReadRequest {
        host,
        path,
        range,
        tree: args.tree.then_some(args.depth),
    })
}

fn depth(text: &str) -> Result<usize, String> {
    let depth = text.parse().ok();
    depth
        .filter(|depth| (1..=MAX_DEPTH).contains(depth))
        .ok_or_else(|| format!("the depth of a tree is 1 to {MAX_DEPTH}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_tree_has_a_depth() {
        assert_eq!(depth("1"), Ok(1));
        for wrong in ["0", "-1", "99", "x"] {
            assert!(depth(wrong).is_err(), "{wrong}");
        }
    }
}
