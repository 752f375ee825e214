//! The TCP connection under an SSH connection.

use std::net::SocketAddr;
use std::time::Duration;
use tokio::net::TcpStream;
use tokio::time::Instant;

/// How long written bytes may stay unacknowledged before the kernel gives the connection up
/// (`TCP_USER_TIMEOUT`, `tcp(7)`): keepalives cannot notice a peer that stopped reading.
const USER_TIMEOUT: Duration = Duration::from_secs(20);

/// Connects to the first address that answers. Each gets its share of the time that is left, so
/// that one that swallows packets (IPv6 without a route, often) does not use up the others'.
pub(super) async fn connect(
    addresses: &[SocketAddr],
    until: Instant,
) -> std::io::Result<TcpStream> {
    let mut failed = std::io::ErrorKind::NotFound.into();
    for (address, rest) in addresses.iter().zip((1..=addresses.len()).rev()) {
        let left = until.saturating_duration_since(Instant::now());
        let share = left / u32::try_from(rest).unwrap_or(u32::MAX);
        match tokio::time::timeout(share, TcpStream::connect(address)).await {
            Ok(Ok(stream)) => return prepared(stream),
            Ok(Err(error)) => failed = error,
            // The deadline over all phases ends with the last one's share, and says so better.
            Err(_) if rest == 1 => std::future::pending().await,
            Err(_) => failed = std::io::ErrorKind::TimedOut.into(),
        }
    }
    Err(failed)
}

fn prepared(stream: TcpStream) -> std::io::Result<TcpStream> {
    // Nagle against the host's delayed acknowledgements costs 40 ms on every command.
    stream.set_nodelay(true)?;
    #[cfg(target_os = "linux")]
    socket2::SockRef::from(&stream).set_tcp_user_timeout(Some(USER_TIMEOUT))?;
    Ok(stream)
}
