//! `scout hosts`, `scout read` and `scout run`: the tools from a terminal, with the same engine
//! and the same limits, and the rights of whoever owns the ssh configuration.

use super::{out, server_failed};
use crate::access::{Principal, Role};
use crate::config::Config;
use crate::ops::{
    DEFAULT_DEPTH, Failure, HostsRequest, MAX_DEPTH, Ops, Range, ReadReport, ReadRequest,
    RunReport, RunRequest,
};
use crate::server::Backend;
use clap::Args;
use fleet::{Bounds, Deadline, HostName, Outcome, Program, RemotePath, Target};
use serde::Serialize;
use std::fmt::Display;
use std::io::{IsTerminal, Read as _};
use std::process::ExitCode;
use std::time::Duration;

/// What `run` exits with when there is no remote exit code, as `ssh` does.
const SCOUT_FAILED: u8 = 255;

/// How long the connections may take to close behind a command.
const CLOSING: Duration = Duration::from_secs(2);

/// Flags of `hosts`.
#[derive(Debug, Args)]
pub(super) struct HostsArgs {
    /// Only hosts whose name matches one of these globs, separated by commas.
    filter: Option<String>,
    /// Do not find out who is online.
    #[arg(long)]
    no_probe: bool,
    /// Print JSON.
    #[arg(long)]
    json: bool,
}

/// Flags of `read`.
#[derive(Debug, Args)]
pub(super) struct ReadArgs {
    /// `host:/path`, `host:~/path`, or `host:` for the home directory.
    target: String,
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

/// Flags of `run`.
#[derive(Debug, Args)]
pub(super) struct RunArgs {
    /// The host.
    host: String,
    /// The command. One word is a line for `/bin/sh`; several are a program and its arguments,
    /// which no shell interprets.
    #[arg(required = true, trailing_var_arg = true, allow_hyphen_values = true)]
    command: Vec<String>,
    /// The directory to run in.
    #[arg(long)]
    cwd: Option<String>,
    /// A variable to set: `--env NAME=VALUE`.
    #[arg(long = "env", value_name = "NAME=VALUE", value_parser = variable)]
    env: Vec<(String, String)>,
    /// Seconds until the command is stopped.
    #[arg(long, value_name = "SECONDS", value_parser = seconds)]
    timeout: Option<Duration>,
    /// Feed this command's standard input, which must be UTF-8 text, to the remote one.
    #[arg(long)]
    stdin: bool,
    /// Print JSON.
    #[arg(long)]
    json: bool,
}

pub(super) async fn hosts(config: &Config, args: HostsArgs) -> ExitCode {
    let request = HostsRequest {
        filter: args.filter,
        probe: !args.no_probe,
    };
    with_ops(config, async |ops, principal, _| {
        let report = ops.hosts(principal, request).await;
        let printed =
            report.map(|report| print(&report, args.json, ExitCode::SUCCESS, ExitCode::FAILURE));
        finish(printed, args.json, 1)
    })
    .await
}

pub(super) async fn read(config: &Config, args: ReadArgs) -> ExitCode {
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

pub(super) async fn run(config: &Config, args: RunArgs) -> ExitCode {
    let json = args.json;
    with_ops(config, async |ops, principal, deadline| {
        let report = match run_request(args) {
            Ok(request) => ops.run(principal, request, deadline).await,
            Err(failure) => Err(failure),
        };
        finish(
            report.map(|report| print_run(&report, json)),
            json,
            SCOUT_FAILED,
        )
    })
    .await
}

/// Starts a fleet for one operation, and ends it behind it.
async fn with_ops(
    config: &Config,
    operation: impl AsyncFnOnce(&Ops, &Principal, Deadline) -> ExitCode,
) -> ExitCode {
    let backend = match Backend::start(config).await {
        Ok(backend) => backend,
        Err(error) => return server_failed(&error),
    };
    let principal = Principal::anonymous(Role::Operator);
    let ops = backend.ops.clone();
    let deadline = Deadline::within(config.limits.request_timeout);
    let code = tokio::select! {
        code = operation(&ops, &principal, deadline) => code,
        // The call is dropped, which stops what runs on the host; the stop below waits for it.
        _interrupt = tokio::signal::ctrl_c() => ExitCode::from(130),
    };
    backend.stop(CLOSING).await;
    code
}

fn finish(result: Result<ExitCode, Failure>, json: bool, code: u8) -> ExitCode {
    let code = ExitCode::from(code);
    result.unwrap_or_else(|failure| {
        if json {
            return print(&failure, true, code, code);
        }
        let text = failure.to_string();
        out::note(format_args!(
            "scout: {}",
            text.trim_start_matches("Error: ")
        ));
        code
    })
}

/// Prints a report and gives back `code`, or `failed` when it could not be written.
fn print<T: Serialize + Display>(
    report: &T,
    json: bool,
    code: ExitCode,
    failed: ExitCode,
) -> ExitCode {
    let text = match json {
        true => serde_json::to_string_pretty(report).unwrap_or_else(|error| error.to_string()),
        false => report.to_string(),
    };
    out::data(format!("{text}\n").as_bytes(), code, failed)
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

/// Output goes to where the command wrote it; what Scout has to say goes to stderr behind it.
fn print_run(report: &RunReport, json: bool) -> ExitCode {
    let code = ExitCode::from(match report.outcome() {
        Outcome::Exited { code } => *code,
        _ => SCOUT_FAILED,
    });
    let failed = ExitCode::from(SCOUT_FAILED);
    if json {
        return print(report, true, code, failed);
    }
    let (stdout, stderr) = (report.stdout(), report.stderr());
    let code = if std::io::stdout().is_terminal() {
        let code = out::data(stdout.to_string().as_bytes(), code, failed);
        out::raw_note(stderr.to_string().as_bytes());
        code
    } else {
        let code = out::data(stdout.as_bytes(), code, failed);
        out::raw_note(stderr.as_bytes());
        code
    };
    for (stream, kept, total) in report.cuts() {
        out::note(format_args!(
            "scout: {stream} truncated at {kept} of {total} bytes"
        ));
    }
    if !matches!(report.outcome(), Outcome::Exited { .. })
        && let Some(ending) = report.ending()
    {
        out::note(format_args!("scout: {ending}"));
    }
    code
}

fn read_request(args: ReadArgs) -> Result<ReadRequest, Failure> {
    let Target { host, path } = Target::parse(&args.target)?;
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

fn run_request(args: RunArgs) -> Result<RunRequest, Failure> {
    let program = match <[String; 1]>::try_from(args.command) {
        Ok([line]) => Program::Shell(line),
        Err(words) => Program::Argv(words),
    };
    let stdin = args.stdin.then(standard_input).transpose()?;
    Ok(RunRequest {
        host: HostName::parse(&args.host)?,
        program,
        cwd: args.cwd.as_deref().map(RemotePath::parse).transpose()?,
        env: args.env,
        stdin,
        bounds: Bounds {
            timeout: args.timeout,
            max_bytes: None,
        },
    })
}

/// All of standard input. It travels as a text, as in a tool call.
fn standard_input() -> Result<String, Failure> {
    let mut bytes = Vec::new();
    std::io::stdin()
        .read_to_end(&mut bytes)
        .map_err(|error| Failure::invalid(format!("cannot read standard input: {error}")))?;
    String::from_utf8(bytes).map_err(|_| {
        Failure::invalid(
            "standard input is not UTF-8, and `--stdin` carries text only; send it as base64 and decode it on the host",
        )
    })
}

fn depth(text: &str) -> Result<usize, String> {
    let depth = text.parse().ok();
    depth
        .filter(|depth| (1..=MAX_DEPTH).contains(depth))
        .ok_or_else(|| format!("the depth of a tree is 1 to {MAX_DEPTH}"))
}

fn variable(pair: &str) -> Result<(String, String), String> {
    let (name, value) = pair.split_once('=').ok_or("it is not `NAME=VALUE`")?;
    Ok((name.to_owned(), value.to_owned()))
}

/// A time limit: more than 0 seconds, at most a day.
fn seconds(text: &str) -> Result<Duration, String> {
    let seconds: Option<f64> = text.parse().ok();
    seconds
        .filter(|s| *s > 0.0 && *s <= 86_400.0)
        .map(Duration::from_secs_f64)
        .ok_or_else(|| "it is more than 0 and at most 86400 seconds".to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_value_is_what_its_flag_can_hold() {
        assert_eq!(variable("A=b=c"), Ok(("A".into(), "b=c".into())));
        assert!(variable("A").is_err());
        assert_eq!(seconds("0.5"), Ok(Duration::from_millis(500)));
        for wrong in ["0", "-1", "NaN", "inf", "86401", "1s", ""] {
            assert!(seconds(wrong).is_err(), "{wrong}");
        }
        assert_eq!(depth("1"), Ok(1));
        for wrong in ["0", "-1", "99", "x"] {
            assert!(depth(wrong).is_err(), "{wrong}");
        }
    }
}
