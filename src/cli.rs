//! The command line: one file per command, one engine for all of them.
//!
//! Data goes to stdout, everything else to stderr. The exit codes are 0 for success, 1 for an
//! operation that failed, 2 for wrong usage, 64 for a configuration that is refused, 70 for a
//! defect; `run` gives back the remote exit code, or 255 when Scout itself failed, as `ssh` does, and
//! on many hosts 0 or 1; `diff` has the codes of diff(1); 130 is an interrupt.

mod chain;
mod check;
mod complete;
mod copy;
mod demo;
mod diff;
mod fetch;
mod find;
mod healthcheck;
mod hosts;
mod key;
mod man;
mod many;
mod out;
mod progress;
mod read;
mod remote;
mod request;
mod run;
mod runtime;
mod serve;
mod style;

use crate::config::{Config, ConfigErrors, EXIT_CODE, Environment, Loaded, Overrides, Transport};
use crate::server::ServerError;
use crate::telemetry;
use chain::Chain;
use clap::{Args, Parser, Subcommand};
use std::path::PathBuf;
use std::process::ExitCode;

/// Wrong usage, as clap has it.
const EXIT_USAGE: u8 = 2;

/// A defect of the program, or a part of it that failed: `EX_SOFTWARE` of `sysexits.h`.
const SOFTWARE: u8 = 70;

/// Safe, fast access to a fleet of SSH hosts, for agents and the people beside them.
#[derive(Debug, Parser)]
#[command(
    name = "scout",
    version = crate::VERSION,
    propagate_version = true,
    arg_required_else_help = true
)]
pub struct Cli {
    #[command(flatten)]
    global: Global,
    #[command(subcommand)]
    command: Command,
}

/// What every command takes.
#[derive(Debug, Args)]
struct Global {
    /// Read this configuration file instead of the usual one.
    #[arg(long, global = true, value_name = "FILE")]
    config: Option<PathBuf>,
    /// The ssh configuration that lists the hosts (`SCOUT_SSH_CONFIG`).
    #[arg(long, global = true, value_name = "FILE")]
    ssh_config: Option<PathBuf>,
    /// How much is logged: error, warn, info, debug, trace (`SCOUT_LOG_LEVEL`).
    #[arg(long, global = true, value_name = "LEVEL")]
    log_level: Option<String>,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Serve MCP over HTTP, with metrics on a listener of their own.
    Serve(serve::ServeArgs),
    /// Serve MCP on standard input and output, for a client that starts Scout itself.
    Stdio,
    /// Try Scout on a throwaway fleet inside this process: serve it, show a short tour, stay up.
    Demo(demo::DemoArgs),
    /// List the hosts and whether they answer.
    Hosts(hosts::HostsArgs),
    /// Print a file, or list a directory: `scout read web1:/etc/hosts`, `scout read 'web-*:/etc/hosts'`.
    Read(read::ReadArgs),
    /// Find files below a directory: `scout find web1:/etc --name '*.conf'`.
    Find(find::FindArgs),
    /// Compare two files or directories: `scout diff web1:/etc/hosts web2:/etc/hosts`.
    Diff(diff::DiffArgs),
    /// Run a command on a host, or on many: `scout run web1 -- df -h`, `scout run 'web-*' -- uptime`.
    Run(run::RunArgs),
    /// Copy files and directories: `scout copy web1:/etc/hosts .`, `scout copy app.tar web1:/tmp/`.
    Copy(copy::CopyArgs),
    /// Explain the effective configuration and every problem in it.
    Check(check::CheckArgs),
    /// Make API keys.
    #[command(subcommand)]
    Key(key::KeyCommand),
    /// Ask a running server whether it is well; for containers.
    Healthcheck(healthcheck::HealthcheckArgs),
    /// Print the script that completes commands, hosts, tags and remote paths in a shell.
    Completions(complete::CompletionsArgs),
    /// Print the manual page: `scout man | man -l -`.
    Man(man::ManArgs),
    /// Suggest what could follow; the scripts of `completions` ask this.
    #[command(hide = true)]
    Complete(complete::CompleteArgs),
}

/// Runs the program.
#[must_use]
pub fn main() -> ExitCode {
    let Cli { global, command } = Cli::parse();
    let flags = command.overrides(global.overrides());
    let command = match command {
        Command::Key(command) => return key::run(command),
        Command::Completions(args) => return complete::script(&args),
        Command::Complete(args) => return complete::suggest(args),
        Command::Man(args) => return man::run(&args),
        command => command,
    };
    let environment = Environment::of_process();
    let loaded = Config::load(&flags, &environment);
    if let Command::Check(args) = command {
        return check::run(&args, loaded);
    }
    let loaded = match loaded {
        Ok(loaded) => loaded,
        Err(errors) => return refused(&errors),
    };
    let mut log = loaded.config.log.clone();
    if let Some(level) = command.quiet()
        && global.log_level.is_none()
        && log.level == "info"
    {
        level.clone_into(&mut log.level);
    }
    let no_color = std::env::var_os("NO_COLOR").is_some_and(|value| !value.is_empty());
    let telemetry = match telemetry::init(&log, no_color) {
        Ok(telemetry) => telemetry,
        Err(error) => return fail(SOFTWARE, &error),
    };
    let runtime = match runtime::with(loaded.config.threads) {
        Ok(runtime) => runtime,
        Err(error) => return fail(SOFTWARE, &error),
    };
    for warning in &loaded.warnings {
        tracing::warn!("{warning}");
    }
    let Loaded { config, .. } = loaded;
    let code = runtime.block_on(async {
        match command {
            Command::Serve(_) if config.transport == Transport::Stdio => {
                serve::stdio(&config).await
            }
            Command::Serve(_) => serve::serve(&config).await,
            Command::Stdio => serve::stdio(&config).await,
            Command::Demo(args) => demo::run(&config, &args).await,
            Command::Hosts(args) => hosts::run(&config, args).await,
            Command::Read(args) => read::run(&config, args).await,
            Command::Find(args) => find::run(&config, args).await,
            Command::Diff(args) => diff::run(&config, args).await,
            Command::Run(args) => run::run(&config, args).await,
            Command::Copy(args) => copy::run(&config, args).await,
            Command::Healthcheck(args) => healthcheck::run(&config, &args).await,
            Command::Check(_)
            | Command::Key(_)
            | Command::Completions(_)
            | Command::Complete(_)
            | Command::Man(_) => ExitCode::SUCCESS,
        }
    });
    // A thread that still reads standard input must not keep the process.
    runtime.shutdown_background();
    telemetry.end();
    code
}

impl Command {
    /// The flags of the command as a layer, with what the command itself decides: which checks of
    /// the configuration apply depends on whether it listens, not on what was configured for
    /// `serve`.
    fn overrides(&self, flags: Overrides) -> Overrides {
        let listens_nowhere = |name| ("transport", name, Some("stdio"));
        let (key, name, transport) = match self {
            Self::Serve(args) => return args.overrides(flags),
            Self::Demo(_) => return demo::overrides(flags),
            Self::Check(_)
            | Self::Key(_)
            | Self::Completions(_)
            | Self::Complete(_)
            | Self::Man(_) => return flags,
            Self::Stdio => listens_nowhere("scout stdio"),
            Self::Hosts(_) => listens_nowhere("scout hosts"),
            Self::Read(_) => listens_nowhere("scout read"),
            Self::Find(_) => listens_nowhere("scout find"),
            Self::Diff(_) => listens_nowhere("scout diff"),
            Self::Run(_) => listens_nowhere("scout run"),
            Self::Copy(_) => listens_nowhere("scout copy"),
            Self::Healthcheck(_) => listens_nowhere("scout healthcheck"),
        };
        flags.set(key, name, transport)
    }

    /// What is logged unless anybody asked: a command that a person waits for should not talk about
    /// what it does, and what the fleet warns of is the very error that is printed.
    fn quiet(&self) -> Option<&'static str> {
        match self {
            // The tour shows a command that is slow on purpose.
            Self::Demo(_) => Some("warn,scout::metrics=error"),
            Self::Hosts(_)
            | Self::Read(_)
            | Self::Find(_)
            | Self::Diff(_)
            | Self::Run(_)
            | Self::Copy(_) => Some("warn,fleet=error"),
            _ => None,
        }
    }
}

impl Global {
    fn overrides(&self) -> Overrides {
        let ssh_config = self.ssh_config.as_ref().map(|path| path.display());
        Overrides::default()
            .file(self.config.clone())
            .set("ssh.config", "--ssh-config", ssh_config)
            .set("log.level", "--log-level", self.log_level.as_ref())
    }
}

fn refused(errors: &ConfigErrors) -> ExitCode {
    for error in errors.errors() {
        out::note(Chain(error));
    }
    ExitCode::from(EXIT_CODE)
}

fn fail(code: u8, error: &dyn std::error::Error) -> ExitCode {
    out::note(format_args!("scout: {}", Chain(error)));
    ExitCode::from(code)
}

/// The exit code of a server that did not start or did not end well.
fn server_failed(error: &ServerError) -> ExitCode {
    let code = match error {
        ServerError::Inventory(_)
        | ServerError::Local(_)
        | ServerError::Root { .. }
        | ServerError::BalancerKey { .. } => EXIT_CODE,
        ServerError::Bind { .. } => 1,
        ServerError::Fleet(_) | ServerError::Failed(_) => SOFTWARE,
    };
    fail(code, error)
}
