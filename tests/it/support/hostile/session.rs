//! The server side of one connection to a hostile host: russh's server, with the answers of a script.

use std::collections::HashMap;
use std::future::pending;
use std::process::Stdio;
use std::sync::Arc;
use std::sync::atomic::Ordering;

use bytes::Bytes;
use russh::server::{ChannelOpenHandle, Handle, Handler, Msg, VerifiedPublicKey};
use russh::{Channel, ChannelId, ChannelOpenFailure, MethodSet};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::process::{Child, ChildStdin, Command};

use super::answers::{Auth, Closing, Ending, Exec, Opens, Script, Sftp};
use super::sftp::SftpLiar;
use super::{Counted, Seen};

/// One connection.
pub(super) struct Session {
    script: Script,
    seen: Arc<Seen>,
    channels: HashMap<ChannelId, Open>,
}

/// One session channel and what runs on it.
struct Open {
    _counted: Counted,
    stdin: Option<ChildStdin>,
    sftp: Option<SftpLiar>,
}

impl Session {
    pub(super) fn new(script: Script, seen: Arc<Seen>) -> Self {
        Self {
            script,
            seen,
            channels: HashMap::new(),
        }
    }

    async fn authenticate(&self) -> Result<russh::server::Auth, russh::Error> {
        self.seen.auths.fetch_add(1, Ordering::SeqCst);
        match self.script.auth {
            Auth::Accept => Ok(russh::server::Auth::Accept),
            Auth::Refuse => Ok(russh::server::Auth::Reject {
                proceed_with_methods: Some(MethodSet::empty()),
                partial_success: false,
            }),
            Auth::Stall => pending().await,
        }
    }

    fn run(&mut self, id: ChannelId, command: &[u8], ending: Ending, handle: Handle) {
        let mut child = Command::new("/bin/sh")
            .arg("-c")
            .arg(String::from_utf8_lossy(command).as_ref())
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .kill_on_drop(true)
            .spawn()
            .unwrap();
        if let Some(open) = self.channels.get_mut(&id) {
            open.stdin = child.stdin.take();
        }
        tokio::spawn(report(child, id, ending, handle));
    }
}

impl Handler for Session {
    type Error = russh::Error;

    async fn auth_none(&mut self, _user: &str) -> Result<russh::server::Auth, Self::Error> {
        self.seen.auths.fetch_add(1, Ordering::SeqCst);
        match self.script.auth {
            Auth::Stall => pending().await,
            _ => Ok(russh::server::Auth::reject()),
        }
    }

    async fn auth_publickey(
        &mut self,
        _user: &str,
        _key: VerifiedPublicKey<'_>,
    ) -> Result<russh::server::Auth, Self::Error> {
        self.authenticate().await
    }

    async fn auth_succeeded(
        &mut self,
        session: &mut russh::server::Session,
    ) -> Result<(), Self::Error> {
        if let Opens::EachKind(n) = self.script.opens {
            tokio::spawn(open_towards(session.handle(), n, Arc::clone(&self.seen)));
        }
        Ok(())
    }

    async fn channel_open_session(
        &mut self,
        channel: Channel<Msg>,
        reply: ChannelOpenHandle,
        _session: &mut russh::server::Session,
    ) -> Result<(), Self::Error> {
        if self.script.hangs_up {
            return Err(russh::Error::Disconnect);
        }
        if self
            .script
            .max_sessions
            .is_some_and(|most| self.channels.len() >= most)
        {
            // What OpenSSH answers past MaxSessions.
            reply.reject(ChannelOpenFailure::ConnectFailed).await;
            return Ok(());
        }
        let counted = Counted::new(Arc::clone(&self.seen), |seen| &seen.channels);
        self.channels.insert(
            channel.id(),
            Open {
                _counted: counted,
                stdin: None,
                sftp: None,
            },
        );
        reply.accept().await;
        Ok(())
    }

    async fn exec_request(
        &mut self,
        channel: ChannelId,
        command: &[u8],
        session: &mut russh::server::Session,
    ) -> Result<(), Self::Error> {
        self.seen.execs.fetch_add(1, Ordering::SeqCst);
        if self.script.exec == Exec::Unanswered {
            return Ok(());
        }
        session.channel_success(channel)?;
        match self.script.exec {
            Exec::Run(ending) => self.run(channel, command, ending, session.handle()),
            Exec::Flood => drop(tokio::spawn(flood(channel, session.handle()))),
            Exec::Claim(status) => {
                if let Some(status) = status {
                    session.exit_status_request(channel, status)?;
                }
                session.eof(channel)?;
                session.close(channel)?;
            }
            Exec::Silent | Exec::Unanswered => {}
        }
        Ok(())
    }

    async fn subsystem_request(
        &mut self,
        channel: ChannelId,
        name: &str,
        session: &mut russh::server::Session,
    ) -> Result<(), Self::Error> {
        if name != "sftp" || self.script.sftp == Sftp::Missing {
            return session.channel_failure(channel);
        }
        if let Some(open) = self.channels.get_mut(&channel) {
            open.sftp = Some(SftpLiar::new(self.script.sftp));
        }
        session.channel_success(channel)
    }

    async fn data(
        &mut self,
        channel: ChannelId,
        data: &[u8],
        session: &mut russh::server::Session,
    ) -> Result<(), Self::Error> {
        let Some(open) = self.channels.get_mut(&channel) else {
            return Ok(());
        };
        if let Some(sftp) = &mut open.sftp {
            let (requests, answer) = sftp.feed(data);
            self.seen
                .sftp_requests
                .fetch_add(requests, Ordering::SeqCst);
            if !answer.is_empty() {
                session.data(channel, answer)?;
            }
        } else if let Some(stdin) = &mut open.stdin {
            // A command that reads no more is no fault of the connection.
            let _ = stdin.write_all(data).await;
        }
        Ok(())
    }

    async fn channel_eof(
        &mut self,
        channel: ChannelId,
        session: &mut russh::server::Session,
    ) -> Result<(), Self::Error> {
        let Some(open) = self.channels.get_mut(&channel) else {
            return Ok(());
        };
        open.stdin = None;
        if open.sftp.is_some() && self.script.sftp != Sftp::Silent {
            // Liars end like everybody else: sftp-server exits at the end of its input.
            session.exit_status_request(channel, 0)?;
            session.eof(channel)?;
            session.close(channel)?;
        }
        Ok(())
    }

    async fn channel_close(
        &mut self,
        channel: ChannelId,
        _session: &mut russh::server::Session,
    ) -> Result<(), Self::Error> {
        if let Closing::Hang(long) = self.script.closing {
            tokio::time::sleep(long).await;
        }
        self.channels.remove(&channel);
        Ok(())
    }
}

/// Hands the output over and ends as the script says. Errors mean that the client is gone.
async fn report(mut child: Child, id: ChannelId, ending: Ending, handle: Handle) -> Result<(), ()> {
    let (Some(mut stdout), Some(mut stderr)) = (child.stdout.take(), child.stderr.take()) else {
        return Err(());
    };
    let (mut out, mut err) = ([0; 16 * 1024], [0; 16 * 1024]);
    let (mut out_open, mut err_open) = (true, true);
    while out_open || err_open {
        tokio::select! {
            read = stdout.read(&mut out), if out_open => match read.unwrap_or(0) {
                0 => out_open = false,
                n => handle.data(id, Bytes::copy_from_slice(&out[..n])).await.map_err(drop)?,
            },
            read = stderr.read(&mut err), if err_open => match read.unwrap_or(0) {
                0 => err_open = false,
                n => handle.extended_data(id, 1, Bytes::copy_from_slice(&err[..n])).await.map_err(drop)?,
            },
        }
    }
    // A shell that a signal ended is reported as shells report it; exit-signal is OpenSSH's part.
    let status = child.wait().await.map_err(drop)?;
    let code = status.code().unwrap_or(255).unsigned_abs();
    match ending {
        Ending::Never => return Ok(()),
        Ending::NoStatus => {}
        Ending::Status => handle.exit_status_request(id, code).await?,
        Ending::TwoStatuses => {
            handle.exit_status_request(id, code).await?;
            handle.exit_status_request(id, 0).await?;
        }
    }
    handle.eof(id).await?;
    handle.close(id).await
}

async fn flood(id: ChannelId, handle: Handle) {
    let piece = Bytes::from(vec![b'y'; 32 * 1024]);
    while handle.data(id, piece.clone()).await.is_ok() {}
}

/// Tries to open `n` channels of each kind towards the client and counts what it says.
async fn open_towards(handle: Handle, n: usize, seen: Arc<Seen>) {
    for _ in 0..n {
        let attempts = [
            handle.channel_open_session().await,
            handle.channel_open_agent().await,
            handle
                .channel_open_forwarded_tcpip("127.0.0.1", 22, "127.0.0.1", 4022)
                .await,
            handle.channel_open_x11("127.0.0.1", 4022).await,
        ];
        for attempt in attempts {
            match attempt {
                Ok(_) => seen.accepted.fetch_add(1, Ordering::SeqCst),
                Err(russh::Error::ChannelOpenFailure(_)) => {
                    seen.refused.fetch_add(1, Ordering::SeqCst)
                }
                Err(_) => return,
            };
        }
    }
}
