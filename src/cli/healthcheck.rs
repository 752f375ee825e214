//! `scout healthcheck`: asks a running server whether it is well, without curl in the image.

use super::fetch;
use crate::config::Config;
use clap::Args;
use std::process::ExitCode;
use std::time::Duration;

/// How long the answer may take.
const PATIENCE: Duration = Duration::from_secs(3);

/// Flags of `healthcheck`.
#[derive(Debug, Args)]
pub(super) struct HealthcheckArgs {
    /// Ask whether new work is accepted (`/readyz` of the operations listener) instead of whether
    /// the server answers (`/health`).
    #[arg(long)]
    ready: bool,
}

pub(super) async fn run(config: &Config, args: &HealthcheckArgs) -> ExitCode {
    let (bind, path) = match args.ready {
        true => (&config.ops.bind, "/readyz"),
        false => (&config.http.bind, "/health"),
    };
    // A server that listens everywhere is asked on this machine.
    let host = match bind.host() {
        "0.0.0.0" => "127.0.0.1",
        "::" => "::1",
        host => host,
    };
    let problem = match fetch::get(host, bind.port(), path, PATIENCE).await {
        Ok(answer) if answer.status() == 200 => return ExitCode::SUCCESS,
        Ok(answer) => format!("answered {}", answer.status()),
        Err(error) => error.to_string(),
    };
    eprintln!("scout: http://{bind}{path}: {problem}");
    ExitCode::FAILURE
}
