//! `scout hosts`: which hosts there are and who is online.

use super::remote::{finish, print, with_ops};
use crate::config::Config;
use crate::ops::HostsRequest;
use clap::Args;
use std::process::ExitCode;

/// Flags of `hosts`.
#[derive(Debug, Args)]
pub(super) struct HostsArgs {
    /// Only the hosts this selects: names, `web-*`, `web-[01-18]`, `@tag` or `all`, with commas
    /// between them; `!` excludes. With `--no-probe` it is a preview that asks no host.
    #[arg(value_name = "EXPRESSION")]
    filter: Option<String>,
    /// Do not find out who is online.
    #[arg(long)]
    no_probe: bool,
    /// Print JSON.
    #[arg(long)]
    json: bool,
}

pub(super) async fn run(config: &Config, args: HostsArgs) -> ExitCode {
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
