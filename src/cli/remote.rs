//! What the commands that work on hosts share: the tools from a terminal, with the same engine and
//! the same limits, and the rights of whoever owns the ssh configuration.

use super::style::Colours;
use super::{out, server_failed};
use crate::access::{Principal, Role};
use crate::config::Config;
use crate::ops::{Failure, Ops};
use crate::server::Backend;
use fleet::Deadline;
use serde::Serialize;
use std::fmt::Display;
use std::process::ExitCode;
use std::time::Duration;
use tokio_util::sync::CancellationToken;

/// What `run` exits with when there is no remote exit code, as `ssh` does.
pub(super) const SCOUT_FAILED: u8 = 255;

/// What a command that was interrupted exits with: 128 and the number of the signal, as in a shell.
const INTERRUPTED: u8 = 130;

/// How long the connections may take to close behind a command.
const CLOSING: Duration = Duration::from_secs(2);

/// Starts a fleet for one operation, and ends it behind it.
pub(super) async fn with_ops(
    config: &Config,
    operation: impl AsyncFnOnce(&Ops, &Principal, Deadline) -> ExitCode,
) -> ExitCode {
    with_fleet(config, async |ops, principal, deadline| {
        tokio::select! {
            code = operation(ops, principal, deadline) => code,
            // The call is dropped, which stops what runs on the host; the end of the fleet waits
            // for it.
            _interrupt = tokio::signal::ctrl_c() => ExitCode::from(INTERRUPTED),
        }
    })
    .await
}

/// The same for an operation that has something to say when it is interrupted: it is told, and comes
/// to its end by itself. A second interrupt does not wait for that.
pub(super) async fn with_ops_to_the_end(
    config: &Config,
    operation: impl AsyncFnOnce(&Ops, &Principal, Deadline, CancellationToken) -> ExitCode,
) -> ExitCode {
    let stop = CancellationToken::new();
    with_fleet(config, async |ops, principal, deadline| {
        let interrupts = async {
            let _first = tokio::signal::ctrl_c().await;
            stop.cancel();
            let _second = tokio::signal::ctrl_c().await;
        };
        tokio::select! {
            code = operation(ops, principal, deadline, stop.clone()) => match stop.is_cancelled() {
                true => ExitCode::from(INTERRUPTED),
                false => code,
            },
            () = interrupts => ExitCode::from(INTERRUPTED),
        }
    })
    .await
}

async fn with_fleet(
    config: &Config,
    operation: impl AsyncFnOnce(&Ops, &Principal, Deadline) -> ExitCode,
) -> ExitCode {
    let backend = match Backend::start(config).await {
        Ok(backend) => backend,
        Err(error) => return server_failed(&error),
    };
    let principal = Principal::anonymous(Role::Operator);
    let deadline = Deadline::within(config.limits.request_timeout);
    let code = operation(&backend.ops, &principal, deadline).await;
    backend.stop(CLOSING).await;
    code
}

pub(super) fn finish(result: Result<ExitCode, Failure>, json: bool, code: u8) -> ExitCode {
    let code = ExitCode::from(code);
    result.unwrap_or_else(|failure| {
        if json {
            return print(&failure, true, code, code);
        }
        let text = failure.to_string();
        let name = Colours::of(&std::io::stderr()).failed("scout:");
        out::note(format_args!(
            "{name} {}",
            text.trim_start_matches("Error: ")
        ));
        code
    })
}

/// Prints a report and gives back `code`, or `failed` when it could not be written.
pub(super) fn print<T: Serialize + Display>(
    report: &T,
    json: bool,
    code: ExitCode,
    failed: ExitCode,
) -> ExitCode {
    let text = match json {
        true => serde_json::to_string_pretty(report).unwrap_or_else(|error| error.to_string()),
        false => report.to_string(),
    };
    out::data(format!("{text}\n").as_bytes(), code, failed)
}

/// A time limit: more than 0 seconds, at most a day.
pub(super) fn seconds(text: &str) -> Result<Duration, String> {
    let seconds: Option<f64> = text.parse().ok();
    seconds
        .filter(|s| *s > 0.0 && *s <= 86_400.0)
        .map(Duration::from_secs_f64)
        .ok_or_else(|| "it is more than 0 and at most 86400 seconds".to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_time_limit_is_a_number_of_seconds() {
        assert_eq!(seconds("0.5"), Ok(Duration::from_millis(500)));
        for wrong in ["0", "-1", "NaN", "inf", "86401", "1s", ""] {
            assert!(seconds(wrong).is_err(), "{wrong}");
        }
    }
}
