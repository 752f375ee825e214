//! From signals to an orderly end.

use tokio::signal::unix::{Signal, SignalKind, signal};
use tokio_util::sync::CancellationToken;

/// Cancels `token` at the first SIGTERM or SIGINT; the second ends the process at once with 130,
/// as a shell reports an interrupt.
///
/// # Errors
/// The signal handlers cannot be installed.
pub fn on_signal(token: CancellationToken) -> std::io::Result<()> {
    let mut terminate = signal(SignalKind::terminate())?;
    let mut interrupt = signal(SignalKind::interrupt())?;
    tokio::spawn(async move {
        let which = next(&mut terminate, &mut interrupt).await;
        tracing::info!(
            signal = which,
            "shutting down; a second signal ends at once"
        );
        token.cancel();
        next(&mut terminate, &mut interrupt).await;
        std::process::exit(130);
    });
    Ok(())
}

async fn next(terminate: &mut Signal, interrupt: &mut Signal) -> &'static str {
    tokio::select! {
        _ = terminate.recv() => "SIGTERM",
        _ = interrupt.recv() => "SIGINT",
    }
}
