//! `scout copy`: files and directories, to a host, from one, and between two.

use super::progress::Bar;
use super::remote::{finish, print, seconds, with_ops};
use crate::config::Config;
use crate::ops::{CopyPlace, CopyRequest, LocalPlaces};
use clap::Args;
use fleet::Deadline;
use std::ffi::OsString;
use std::os::unix::ffi::OsStrExt;
use std::process::ExitCode;
use std::time::Duration;

/// Flags of `copy`.
#[derive(Debug, Args)]
pub(super) struct CopyArgs {
    /// What to copy: `host:/path`, or a path of this machine.
    from: OsString,
    /// Where to. A file goes into a directory that is there; a directory becomes what is named, and
    /// goes into it if this ends with `/`.
    to: OsString,
    /// Replace files that are there.
    #[arg(long)]
    overwrite: bool,
    /// Seconds until the copy is cut; the same command goes on from there.
    #[arg(long, value_name = "SECONDS", value_parser = seconds, default_value = "86400")]
    timeout: Duration,
    /// Print JSON.
    #[arg(long)]
    json: bool,
}

pub(super) async fn run(config: &Config, args: CopyArgs) -> ExitCode {
    let json = args.json;
    with_ops(config, async |ops, principal, _| {
        // Whoever types has the rights of the account already, as with `scp`.
        let ops = ops.clone().with_places(LocalPlaces::anywhere());
        let deadline = Deadline::within(args.timeout);
        let bar = Bar::new();
        let report = async {
            let request = CopyRequest {
                from: CopyPlace::parse(args.from.as_bytes())?,
                to: CopyPlace::parse(args.to.as_bytes())?,
                overwrite: args.overwrite,
            };
            ops.copy(principal, request, bar.progress(), deadline).await
        };
        let report = report.await;
        bar.clear();
        let printed = report.map(|report| {
            let code = ExitCode::from(u8::from(!report.is_success()));
            print(&report, json, code, ExitCode::FAILURE)
        });
        finish(printed, json, 1)
    })
    .await
}
