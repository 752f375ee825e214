//! One session channel: the requests before its program starts, and the choice of the program.
//!
//! One `exec` or one `sftp` subsystem for each session (RFC 4254 §6.5). A terminal, a login shell,
//! variables and everything else are answered with a failure, which a client may survive.

use super::{Site, process, sftp};
use russh::server::{Handle, Msg};
use russh::{Channel, ChannelMsg};
use std::net::SocketAddr;
use std::sync::Arc;

/// Whom the session belongs to, and the host it is on.
pub(super) struct Client {
    pub(super) site: Arc<Site>,
    pub(super) peer: SocketAddr,
    pub(super) handle: Handle,
}

/// Serves a session from its opening to its end.
pub(super) async fn serve(channel: Channel<Msg>, client: Client) {
    let (mut rx, tx) = channel.split();
    let Client { site, handle, .. } = &client;
    let id = tx.id();
    loop {
        let message = tokio::select! {
            message = rx.wait() => message,
            () = site.stop.cancelled() => None,
        };
        match message {
            Some(ChannelMsg::Exec { command, .. }) => {
                let _ended = process::run(&command, &mut rx, &tx, &client).await;
                break;
            }
            Some(ChannelMsg::RequestSubsystem { name, .. }) if name == "sftp" => {
                // The connection is gone if it takes no answer, and then `rx` ends, too.
                let _sent = handle.channel_success(id).await;
                sftp::serve(&mut rx, &tx, site).await;
                break;
            }
            Some(
                ChannelMsg::RequestSubsystem { .. }
                | ChannelMsg::RequestPty { .. }
                | ChannelMsg::RequestShell { .. }
                | ChannelMsg::SetEnv { .. }
                | ChannelMsg::RequestX11 { .. },
            ) => {
                let _sent = handle.channel_failure(id).await;
            }
            Some(ChannelMsg::Close) | None => break,
            Some(_) => {}
        }
    }
    let _gone = tx.close().await;
}
