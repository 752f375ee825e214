//! `scout run`: a command on a host, with its output and exit code as if it ran here; or on many
//! hosts, with one answer.

use super::many::{self, ManyArgs};
use super::out;
use super::remote::{SCOUT_FAILED, finish, print, seconds, with_ops};
use crate::access::Principal;
use crate::config::Config;
use crate::ops::{Failure, Ops, RunReport, RunRequest, Work};
use clap::Args;
use clap::builder::{OsStringValueParser, TypedValueParser};
use fleet::command::MAX_STDIN;
use fleet::{Bounds, HostName, Outcome, Program, RemotePath};
use std::ffi::{OsStr, OsString};
use std::io::{IsTerminal, Read as _};
use std::os::unix::ffi::OsStrExt;
use std::process::ExitCode;
use std::time::Duration;

/// Flags of `run`.
#[derive(Debug, Args)]
pub(super) struct RunArgs {
    /// The host, or an expression for many: `web-*`, `web-[01-18],@db,!web-07`, `all`.
    host: String,
    /// The command. One word is a line for `/bin/sh`; several are a program and its arguments,
    /// which no shell interprets.
    #[arg(required = true, trailing_var_arg = true, allow_hyphen_values = true)]
    command: Vec<OsString>,
    /// The directory to run in.
    #[arg(long)]
    cwd: Option<OsString>,
    /// A variable to set: `--env NAME=VALUE`.
    #[arg(long = "env", value_name = "NAME=VALUE", value_parser = OsStringValueParser::new().try_map(variable))]
    env: Vec<(String, OsString)>,
    /// Seconds until the command is stopped.
    #[arg(long, value_name = "SECONDS", value_parser = seconds)]
    timeout: Option<Duration>,
    /// Feed this command's standard input, which must be UTF-8 text, to the remote one.
    #[arg(long)]
    stdin: bool,
    /// Print JSON.
    #[arg(long)]
    json: bool,
    #[command(flatten)]
    many: ManyArgs,
}

pub(super) async fn run(config: &Config, args: RunArgs) -> ExitCode {
    let json = args.json;
    // Before anything is started: whoever types has time, and may give up.
    let stdin = args.stdin.then(standard_input).transpose();
    if !many::is_single(&args.host) || args.many.is_asked_for() {
        return on_many(config, args, stdin).await;
    }
    with_ops(config, async |ops, principal, deadline| {
        let deadline = args.many.bound(deadline);
        let report = match run_request(args, stdin) {
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

/// The same command on every host of an expression.
async fn on_many(
    config: &Config,
    args: RunArgs,
    stdin: Result<Option<String>, Failure>,
) -> ExitCode {
    let RunArgs {
        host: hosts,
        command,
        cwd,
        env,
        timeout,
        json,
        many,
        stdin: _,
    } = args;
    let work = |ops: &Ops, principal: &Principal| {
        let places = ops.places(principal, &hosts, None)?;
        let work = Work::Run {
            program: program(command),
            cwd: directory(cwd)?,
            env,
            stdin: stdin?,
            timeout,
        };
        Ok((places, work))
    };
    many.run(config, json, SCOUT_FAILED, work).await
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

fn run_request(
    args: RunArgs,
    stdin: Result<Option<String>, Failure>,
) -> Result<RunRequest, Failure> {
    Ok(RunRequest {
        host: HostName::parse(&args.host)?,
        program: program(args.command),
        cwd: directory(args.cwd)?,
        env: args.env,
        stdin: stdin?,
        bounds: Bounds {
            timeout: args.timeout,
            ..Bounds::default()
        },
    })
}

/// One word is a line for the shell.
fn program(command: Vec<OsString>) -> Program {
    match <[OsString; 1]>::try_from(command) {
        Ok([line]) => Program::Shell(line),
        Err(words) => Program::Argv(words),
    }
}

fn directory(path: Option<OsString>) -> Result<Option<RemotePath>, Failure> {
    let path = path.map(|path| RemotePath::parse(path.as_bytes()));
    Ok(path.transpose()?)
}

/// All of standard input, and of what is too much no more than tells so. It travels as a text, as in a
/// tool call.
fn standard_input() -> Result<String, Failure> {
    let mut bytes = Vec::new();
    std::io::stdin()
        .take(MAX_STDIN as u64 + 1)
        .read_to_end(&mut bytes)
        .map_err(|error| Failure::invalid(format!("cannot read standard input: {error}")))?;
    String::from_utf8(bytes).map_err(|_| {
        Failure::invalid(
            "standard input is not UTF-8, and `--stdin` carries text only; send it as base64 and decode it on the host",
        )
    })
}

fn variable(pair: OsString) -> Result<(String, OsString), String> {
    let pair = pair.as_bytes();
    let equals = memchr::memchr(b'=', pair).ok_or("it is not `NAME=VALUE`")?;
    let (name, value) = (&pair[..equals], &pair[equals + 1..]);
    let value = OsStr::from_bytes(value).to_owned();
    Ok((String::from_utf8_lossy(name).into_owned(), value))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_variable_has_a_name_and_a_value() {
        assert_eq!(variable("A=b=c".into()), Ok(("A".into(), "b=c".into())));
        assert!(variable("A".into()).is_err());
    }
}
