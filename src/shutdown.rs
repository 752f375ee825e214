//! From signals to an orderly end.

use tokio::signal::unix::{Signal, SignalKind, signal};
use tokio_util::sync::CancellationToken;

/// What SIGHUP means to a command.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Hangup {
    /// The terminal or the client has gone: the same as SIGTERM.
    Ends,
    /// By custom of daemons, to read the configuration again. That is not supported, so it is said
    /// and nothing changes.
    IsNoReload,
}

/// Cancels `token` at the first SIGTERM or SIGINT, and at SIGHUP if that [ends](Hangup::Ends) it; the
/// second ends the process at once with 130, as a shell reports an interrupt.
///
/// # Errors
/// The signal handlers cannot be installed.
pub fn on_signal(token: CancellationToken, hangup: Hangup) -> std::io::Result<()> {
    let mut signals = Signals {
        terminate: signal(SignalKind::terminate())?,
        interrupt: signal(SignalKind::interrupt())?,
        hangup: signal(SignalKind::hangup())?,
        meaning: hangup,
    };
    tokio::spawn(async move {
        let which = signals.next().await;
        tracing::info!(
            signal = which,
            "shutting down; a second signal ends at once"
        );
        token.cancel();
        signals.next().await;
        std::process::exit(130);
    });
    Ok(())
}

struct Signals {
    terminate: Signal,
    interrupt: Signal,
    hangup: Signal,
    meaning: Hangup,
}

impl Signals {
    /// The next that ends the process.
    async fn next(&mut self) -> &'static str {
        loop {
            tokio::select! {
                _ = self.terminate.recv() => return "SIGTERM",
                _ = self.interrupt.recv() => return "SIGINT",
                _ = self.hangup.recv() => match self.meaning {
                    Hangup::Ends => return "SIGHUP",
                    Hangup::IsNoReload => tracing::warn!(
                        "SIGHUP: reloading is not supported and nothing has changed; restart to read the configuration again"
                    ),
                },
            }
        }
    }
}
