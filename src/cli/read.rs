//! `scout read`: a file or a directory, on stdout; or on many hosts, with one answer.

use super::many::{self, ManyArgs};
use super::out;
use super::remote::{finish, print, with_ops};
use crate::access::Principal;
use crate::config::Config;
use crate::ops::{DEFAULT_DEPTH, Failure, MAX_DEPTH, Ops, Range, ReadReport, ReadRequest, Work};
use clap::Args;
use fleet::{Target, target};
use std::ffi::{OsStr, OsString};
use std::io::IsTerminal;
use std::os::unix::ffi::OsStrExt;
use std::process::ExitCode;

/// What `read` exits with when there is nothing to print.
const READ_FAILED: u8 = 1;

/// Flags of `read`.
#[derive(Debug, Args)]
pub(super) struct ReadArgs {
    /// `host:/path`, `host:~/path`, or `host:` for the home directory. An expression may stand for the
    /// host: `web-*:/etc/hosts`.
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
    #[command(flatten)]
    many: ManyArgs,
}

pub(super) async fn run(config: &Config, args: ReadArgs) -> ExitCode {
    let json = args.json;
    if args.many.is_asked_for() || !is_single(&args.target) {
        return on_many(config, args).await;
    }
    with_ops(config, async |ops, principal, deadline| {
        let deadline = args.many.bound(deadline);
        let report = match read_request(args) {
            Ok(request) => ops.read(principal, request, deadline).await,
            Err(failure) => Err(failure),
        };
        finish(
            report.map(|report| print_read(&report, json)),
            json,
            READ_FAILED,
        )
    })
    .await
}

/// Whether no more than one host is meant; what is no target at all is none for many either.
fn is_single(target: &OsStr) -> bool {
    target::split(target.as_bytes())
        .is_none_or(|(host, _)| many::is_single(&String::from_utf8_lossy(host)))
}

/// The same path on every host of an expression.
async fn on_many(config: &Config, args: ReadArgs) -> ExitCode {
    let work = Work::Read {
        range: range(&args),
        tree: tree(&args),
    };
    let ReadArgs {
        target, json, many, ..
    } = args;
    let places = |ops: &Ops, principal: &Principal| {
        let places = ops.targets(principal, [target.as_bytes()])?;
        Ok((places, work))
    };
    many.run(config, json, READ_FAILED, places).await
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
    Ok(ReadRequest {
        host,
        path,
        range: range(&args),
        tree: tree(&args),
    })
}

fn range(args: &ReadArgs) -> Range {
    match (args.lines, args.tail) {
        (Some(lines), _) => lines,
        (None, Some(lines)) => Range::LastLines(lines),
        (None, None) => Range::Bytes {
            offset: args.offset.unwrap_or(0),
            limit: args.limit,
        },
    }
}

fn tree(args: &ReadArgs) -> Option<usize> {
    args.tree.then_some(args.depth)
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
