//! `scout healthcheck`: asks a running server whether it is well, without curl in the image.

use super::out;
use super::request::Request;
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
    let request = Request::get(path, "localhost");
    let problem = match request.send((host, bind.port()), PATIENCE).await {
        Ok(response) if response.status == 200 => return ExitCode::SUCCESS,
        Ok(response) => format!("answered {}", response.status),
        Err(error) => error.to_string(),
    };
    out::note(format_args!("scout: http://{bind}{path}: {problem}"));
    ExitCode::FAILURE
}
