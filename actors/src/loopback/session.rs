//! One session channel, from its opening to its end: the choice of its program.
//!
//! One command or one SFTP server for each session (RFC 4254 §6.5). The requests themselves are
//! answered by the [connection](super::connection).

use super::{Site, process, sftp};
use russh::server::{Handle, Msg};
use russh::{Channel, ChannelMsg};
use std::net::SocketAddr;
use std::sync::Arc;

/// The one subsystem there is.
pub(super) const SFTP: &str = "sftp";

/// Whom the session belongs to, and the host it is on.
pub(super) struct Client {
    pub(super) site: Arc<Site>,
    pub(super) peer: SocketAddr,
    pub(super) handle: Handle,
}

/// Serves a session from its opening to its end.
pub(super) async fn serve(channel: Channel<Msg>, client: Client) {
    let (mut rx, tx) = channel.split();
    loop {
        let message = tokio::select! {
            message = rx.wait() => message,
            () = client.site.stop.cancelled() => None,
        };
        match message {
            Some(ChannelMsg::Exec { command, .. }) => {
                // What is left to say is said to a connection that may be gone.
                let _told = process::run(&command, &mut rx, &tx, &client).await;
                break;
            }
            Some(ChannelMsg::RequestSubsystem { name, .. }) if name == SFTP => {
                sftp::serve(&mut rx, &tx, &client.site).await;
                break;
            }
            Some(ChannelMsg::Close) | None => break,
            Some(_) => {}
        }
    }
    let _gone = tx.close().await;
}
