//! `scout healthcheck`: asks a running server whether it is well, without curl in the image.

use crate::config::Config;
use clap::Args;
use std::io;
use std::process::ExitCode;
use std::time::Duration;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

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
    let asked = tokio::time::timeout(PATIENCE, status(host, bind.port(), path)).await;
    let problem = match asked {
        Ok(Ok(status)) if status.contains(" 200 ") => return ExitCode::SUCCESS,
        Ok(Ok(status)) => format!("answered `{}`", status.trim().escape_debug()),
        Ok(Err(error)) => error.to_string(),
        Err(_) => format!("no answer within {} s", PATIENCE.as_secs()),
    };
    eprintln!("scout: http://{bind}{path}: {problem}");
    ExitCode::FAILURE
}

/// The first line of the answer to a GET.
async fn status(host: &str, port: u16, path: &str) -> io::Result<String> {
    let mut stream = TcpStream::connect((host, port)).await?;
    let request = format!("GET {path} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n");
    stream.write_all(request.as_bytes()).await?;
    let mut answer = Vec::new();
    stream.take(4096).read_to_end(&mut answer).await?;
    let text = String::from_utf8_lossy(&answer);
    Ok(text.lines().next().unwrap_or_default().to_owned())
}
