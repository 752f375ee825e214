//! `scout check`: the effective configuration, where each value comes from, and every problem; or,
//! with `--live`, whether a running server keeps what that configuration promises.

mod claims;
mod live;
mod probe;
mod row;

use super::{SOFTWARE, fail};
use crate::config::{ConfigErrors, EXIT_CODE, Loaded};
use clap::Args;
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
    let (rows, warnings, errors) = match &loaded {
        Ok(loaded) => (loaded.explain(), loaded.warnings.as_slice(), [].as_slice()),
        Err(refused) => (Vec::new(), refused.warnings(), refused.errors()),
    };
    let warnings: Vec<String> = warnings.iter().map(ToString::to_string).collect();
    let errors: Vec<String> = errors.iter().map(ToString::to_string).collect();
    if args.json {
        let all = json!({"settings": rows, "warnings": warnings, "errors": errors});
        println!("{all:#}");
    } else {
        let width = rows.iter().map(|row| row.key.len()).max().unwrap_or(0);
        let value = rows
            .iter()
            .map(|row| row.value.chars().count())
            .max()
            .unwrap_or(0)
            .min(40);
        for row in &rows {
            println!("{:width$}  {:value$}  {}", row.key, row.value, row.origin);
        }
        for warning in &warnings {
            println!("\nwarning: {warning}");
        }
        for error in &errors {
            println!("\nerror: {error}");
        }
        if errors.is_empty() && warnings.is_empty() {
            println!("\nno problems");
        }
    }
    match errors.is_empty() {
        true => ExitCode::SUCCESS,
        false => ExitCode::from(EXIT_CODE),
    }
}
