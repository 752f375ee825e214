//! One connection: who is let in, and what may be opened.
//!
//! The callbacks of russh decide and hand over; the work of a session is a task of its own, which
//! gets every request from russh as well. A request is answered in its callback, because russh
//! remembers of the last one only whether it wants an answer. A terminal, a login shell and
//! variables are refused here, forwarding and agents by russh's defaults.

use super::{Site, session};
use crate::ssh::sever::Severable;
use russh::keys::PublicKey;
use russh::server::{
    Auth, ChannelOpenHandle, Config, Handler, Msg, PublicKeyOffer, Session, VerifiedPublicKey,
    run_stream,
};
use russh::{Channel, ChannelId, ChannelOpenFailure, Pty};
use std::collections::HashSet;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;
use tokio::net::TcpStream;
use tokio::sync::{Semaphore, oneshot};

/// Sessions at once on one connection (`MaxSessions`, `sshd_config(5)`).
const SESSIONS: usize = 10;

/// How long a client may take to log in.
const LOGIN_GRACE: Duration = Duration::from_secs(20);

/// The handler of one connection.
pub(super) struct Connection {
    site: Arc<Site>,
    peer: SocketAddr,
    sessions: Arc<Semaphore>,
    /// The sessions that have their program.
    started: HashSet<ChannelId>,
    /// Present until somebody has logged in.
    login: Option<oneshot::Sender<()>>,
}

impl Connection {
    /// Serves a client until it leaves, fails to log in, or the host stops.
    pub(super) async fn serve(
        config: Arc<Config>,
        stream: TcpStream,
        peer: SocketAddr,
        site: Arc<Site>,
    ) {
        let cut = site.stop.child_token();
        let _end = cut.clone().drop_guard();
        // A missing NODELAY costs time, not correctness.
        let _slower = stream.set_nodelay(true);
        let (login, logged_in) = oneshot::channel();
        let handler = Self {
            site,
            peer,
            sessions: Arc::new(Semaphore::new(SESSIONS)),
            started: HashSet::new(),
            login: Some(login),
        };
        let late = tokio::time::sleep(LOGIN_GRACE);
        let stranger = async move {
            tokio::select! {
                () = late => {}
                Ok(()) = logged_in => std::future::pending().await,
            }
        };
        let conversation = async {
            match run_stream(config, Severable::new(stream, &cut), handler).await {
                Ok(session) => session.await,
                Err(error) => Err(error),
            }
        };
        tokio::select! {
            ended = conversation => {
                if let Err(error) = ended {
                    tracing::debug!(%peer, %error, "loopback connection ended");
                }
            }
            () = stranger => tracing::debug!(%peer, "nobody logged in"),
        }
    }

    /// Answers the request for a program; a session has one.
    fn begin(
        &mut self,
        channel: ChannelId,
        is_known: bool,
        connection: &mut Session,
    ) -> Result<(), russh::Error> {
        if is_known && self.started.insert(channel) {
            connection.channel_success(channel)
        } else {
            connection.channel_failure(channel)
        }
    }

    fn lets_in(&self, user: &str, key: &PublicKey) -> Auth {
        let known = key.key_data() == self.site.authorized.key_data();
        if known && user == self.site.user {
            Auth::Accept
        } else {
            Auth::reject()
        }
    }
}

impl Handler for Connection {
    type Error = russh::Error;

    async fn auth_publickey_offered(
        &mut self,
        user: &str,
        offer: PublicKeyOffer<'_>,
    ) -> Result<Auth, russh::Error> {
        Ok(self.lets_in(user, offer.public_key))
    }

    async fn auth_publickey(
        &mut self,
        user: &str,
        key: VerifiedPublicKey<'_>,
    ) -> Result<Auth, russh::Error> {
        Ok(self.lets_in(user, key.public_key))
    }

    async fn auth_succeeded(&mut self, _: &mut Session) -> Result<(), russh::Error> {
        if let Some(login) = self.login.take() {
            let _waiting = login.send(());
        }
        Ok(())
    }

    async fn channel_open_session(
        &mut self,
        channel: Channel<Msg>,
        reply: ChannelOpenHandle,
        connection: &mut Session,
    ) -> Result<(), russh::Error> {
        // sshd answers one session too many in this way (`server_input_channel_open`, serverloop.c).
        let Ok(place) = Arc::clone(&self.sessions).try_acquire_owned() else {
            reply.reject(ChannelOpenFailure::ConnectFailed).await;
            return Ok(());
        };
        let client = session::Client {
            site: Arc::clone(&self.site),
            peer: self.peer,
            handle: connection.handle(),
        };
        self.site.tasks.spawn(async move {
            session::serve(channel, client).await;
            drop(place);
        });
        reply.accept().await;
        Ok(())
    }

    async fn exec_request(
        &mut self,
        channel: ChannelId,
        _: &[u8],
        connection: &mut Session,
    ) -> Result<(), russh::Error> {
        self.begin(channel, true, connection)
    }

    async fn subsystem_request(
        &mut self,
        channel: ChannelId,
        name: &str,
        connection: &mut Session,
    ) -> Result<(), russh::Error> {
        self.begin(channel, name == session::SFTP, connection)
    }

    async fn channel_close(
        &mut self,
        channel: ChannelId,
        _: &mut Session,
    ) -> Result<(), russh::Error> {
        self.started.remove(&channel);
        Ok(())
    }

    async fn pty_request(
        &mut self,
        channel: ChannelId,
        _: &str,
        _: u32,
        _: u32,
        _: u32,
        _: u32,
        _: &[(Pty, u32)],
        connection: &mut Session,
    ) -> Result<(), russh::Error> {
        connection.channel_failure(channel)
    }

    async fn shell_request(
        &mut self,
        channel: ChannelId,
        connection: &mut Session,
    ) -> Result<(), russh::Error> {
        connection.channel_failure(channel)
    }

    async fn env_request(
        &mut self,
        channel: ChannelId,
        _: &str,
        _: &str,
        connection: &mut Session,
    ) -> Result<(), russh::Error> {
        connection.channel_failure(channel)
    }

    async fn x11_request(
        &mut self,
        channel: ChannelId,
        _: bool,
        _: &str,
        _: &str,
        _: u32,
        connection: &mut Session,
    ) -> Result<(), russh::Error> {
        connection.channel_failure(channel)
    }
}
