//! `scout check`: the effective configuration, where each value comes from, and every problem; or,
//! with `--live`, whether a running server keeps what that configuration promises.

mod claims;
mod live;
mod probe;
mod report;
mod row;

use super::{SOFTWARE, fail, out};
use crate::config::{ConfigErrors, EXIT_CODE, Loaded};
use clap::Args;
use report::Report;
use serde_json::json;
use std::process::ExitCode;

/// Flags of `check`.
#[derive(Debug, Args)]
pub(super) struct CheckArgs {
    /// Print JSON.
    #[arg(long)]
    json: bool,
    /// Prove on the server at this URL that its checks refuse what this configuration says they
    /// refuse, such as `http://127.0.0.1:8000`.
    #[arg(long, value_name = "URL")]
    live: Option<String>,
    /// The environment variable that holds a valid API key, for what can only be tried with one.
    #[arg(long, value_name = "VAR", requires = "live")]
    key_env: Option<String>,
    /// Also try the rate limit, which uses up what this caller may send in the next minute.
    #[arg(long, requires = "live")]
    rate_limit: bool,
}

pub(super) fn run(args: &CheckArgs, loaded: Result<Loaded, ConfigErrors>) -> ExitCode {
    if let (Some(url), Ok(loaded)) = (&args.live, &loaded) {
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .build();
        return match runtime {
            Ok(runtime) => runtime.block_on(live::run(args, url, &loaded.config)),
            Err(error) => fail(SOFTWARE, &error),
        };
    }
    let report = Report::of(&loaded);
    let text = match args.json {
        true => format!("{:#}\n", json!(report)),
        false => report.to_string(),
    };
    let code = match report.errors.is_empty() {
        true => ExitCode::SUCCESS,
        false => ExitCode::from(EXIT_CODE),
    };
    out::data(text.as_bytes(), code, ExitCode::FAILURE)
}
