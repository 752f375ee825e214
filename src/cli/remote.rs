//! `scout hosts`, `scout read` and `scout run`: the tools from a terminal, with the same engine
//! and the same limits, and the rights of whoever owns the ssh configuration.

use super::server_failed;
use crate::access::{Principal, Role};
use crate::config::Config;
use crate::ops::{
    DEFAULT_DEPTH, Failure, HostsRequest, Ops, Range, ReadReport, ReadRequest, RunReport,
    RunRequest,
};
use crate::server::Backend;
use clap::Args;
use fleet::{Bounds, Deadline, HostName, Outcome, Program, RemotePath, Target};
use serde::Serialize;
use std::fmt::Display;
use std::io::{IsTerminal, Read as _, Write as _};
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
    #[arg(long, conflicts_with_all = ["tail", "offset", "limit"])]
    lines: Option<String>,
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
    #[arg(long, requires = "tree", default_value_t = DEFAULT_DEPTH)]
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
    #[arg(long = "env", value_name = "NAME=VALUE")]
    env: Vec<String>,
    /// Seconds until the command is stopped.
    #[arg(long, value_name = "SECONDS")]
    timeout: Option<f64>,
    /// Feed this command's standard input to the remote one.
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
        finish(report.map(|report| print(&report, args.json)), args.json, 1)
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
    result.unwrap_or_else(|failure| {
        match json {
            true => print(&failure, true),
            false => {
                eprintln!(
                    "scout: {}",
                    failure.to_string().trim_start_matches("Error: ")
                );
                ExitCode::from(code)
            }
        };
        ExitCode::from(code)
    })
}

fn print<T: Serialize + Display>(report: &T, json: bool) -> ExitCode {
    let text = match json {
        true => serde_json::to_string_pretty(report).unwrap_or_else(|error| error.to_string()),
        false => report.to_string(),
    };
    write_out(format!("{text}\n").as_bytes())
}

/// A file goes out as it is, so that it can be piped; to a terminal it goes as text that cannot
/// act on it.
fn print_read(report: &ReadReport, json: bool) -> ExitCode {
    match report {
        ReadReport::File(file) if !json && !std::io::stdout().is_terminal() => {
            let code = write_out(file.content.as_bytes());
            if file.truncated {
                eprintln!("scout: truncated after {} bytes", file.content.len());
            }
            code
        }
        _ => print(report, json),
    }
}

fn print_run(report: &RunReport, json: bool) -> ExitCode {
    let code = match report.outcome() {
        Outcome::Exited { code } => *code,
        Outcome::Signaled { .. } => SCOUT_FAILED,
        _ => SCOUT_FAILED,
    };
    if json {
        print(report, true);
        return ExitCode::from(code);
    }
    if std::io::stdout().is_terminal() {
        write_out(report.stdout().to_string().as_bytes());
        eprint!("{}", report.stderr());
    } else {
        write_out(report.stdout().as_bytes());
        let _shown = std::io::stderr().write_all(report.stderr().as_bytes());
    }
    if let Some(ending) = report
        .ending()
        .filter(|_| !matches!(report.outcome(), Outcome::Exited { .. }))
    {
        eprintln!("scout: {ending}");
    }
    ExitCode::from(code)
}

/// A reader that has seen enough and closed the pipe is no failure.
fn write_out(bytes: &[u8]) -> ExitCode {
    let mut out = std::io::stdout().lock();
    match out.write_all(bytes).and_then(|()| out.flush()) {
        Err(error) if error.kind() != std::io::ErrorKind::BrokenPipe => {
            eprintln!("scout: cannot write: {error}");
            ExitCode::FAILURE
        }
        _ => ExitCode::SUCCESS,
    }
}

fn read_request(args: ReadArgs) -> Result<ReadRequest, Failure> {
    let Target { host, path } = Target::parse(&args.target)?;
    let range = match (args.lines, args.tail) {
        (Some(lines), _) => Range::parse_lines(&lines).map_err(Failure::invalid)?,
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
    let variable = |pair: &String| match pair.split_once('=') {
        Some((name, value)) => Ok((name.to_owned(), value.to_owned())),
        None => Err(Failure::invalid(format!(
            "`--env {pair}` is not `NAME=VALUE`"
        ))),
    };
    let timeout = match args.timeout {
        Some(s) if !(s > 0.0 && s <= 86_400.0) => {
            return Err(Failure::invalid("`--timeout` must be more than 0 seconds"));
        }
        timeout => timeout.map(Duration::from_secs_f64),
    };
    let stdin = match args.stdin {
        false => None,
        true => {
            let mut text = String::new();
            std::io::stdin()
                .read_to_string(&mut text)
                .map_err(|error| {
                    Failure::invalid(format!("cannot read standard input: {error}"))
                })?;
            Some(text)
        }
    };
    Ok(RunRequest {
        host: HostName::parse(&args.host)?,
        program,
        cwd: args.cwd.as_deref().map(RemotePath::parse).transpose()?,
        env: args.env.iter().map(variable).collect::<Result<_, _>>()?,
        stdin,
        bounds: Bounds {
            timeout,
            max_bytes: None,
        },
    })
}
