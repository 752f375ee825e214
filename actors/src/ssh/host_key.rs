//! russh's callbacks: the judgement of the host key, and the refusal of everything a host may try
//! to open towards us.
//!
//! Strict as `StrictHostKeyChecking=yes` (`ssh_config(5)`): any answer but a match is a refusal,
//! and it falls before a byte of authentication is sent.

use crate::error::{HostKeyProblem, Phase};
use crate::inventory::known_hosts::{KnownHosts, Recorded, Verdict};
use russh::client::{ChannelOpenHandle, Handler, Msg, Session};
use russh::keys::{HashAlg, PublicKeyOrCertificate};
use russh::{Channel, ChannelOpenFailure, Names};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU8, AtomicU64, Ordering};
use std::time::Duration;
use tokio::sync::oneshot;
use tokio::time::Instant;

/// How OpenSSH identifies itself.
const OPENSSH: &[u8] = b"SSH-2.0-OpenSSH_";

/// How far an attempt to connect has come; written by the dialler and the sensor, read when the
/// deadline strikes.
#[derive(Debug, Default)]
pub(super) struct Progress {
    phase: AtomicU8,
    judging_us: AtomicU64,
    is_openssh: AtomicBool,
}

impl Progress {
    pub(super) fn enter(&self, phase: Phase) {
        self.phase.store(phase as u8, Ordering::Relaxed);
    }

    pub(super) fn phase(&self) -> Phase {
        let at = usize::from(self.phase.load(Ordering::Relaxed));
        Phase::ALL.get(at).copied().unwrap_or(Phase::Auth)
    }

    /// Time spent on the decision about the host key.
    pub(super) fn judging(&self) -> Duration {
        Duration::from_micros(self.judging_us.load(Ordering::Relaxed))
    }

    /// Whether the host's identification is OpenSSH's (`compat_banner`, compat.c).
    pub(super) fn is_openssh(&self) -> bool {
        self.is_openssh.load(Ordering::Relaxed)
    }
}

/// Whose key is expected.
pub(super) enum Trust {
    /// The key on file under this name and port; any key where none is, if `accept_new`.
    Known {
        files: Arc<KnownHosts>,
        name: String,
        port: u16,
        accept_new: bool,
    },
    /// Any key: host key checking is turned off.
    Anything,
}

/// What ended a connection, as russh hands it back.
#[derive(Debug, thiserror::Error)]
pub(super) enum Broken {
    #[error(transparent)]
    HostKey(#[from] HostKeyProblem),
    #[error(transparent)]
    Ssh(#[from] russh::Error),
}

/// The handler of one connection.
pub(super) struct Sensor {
    pub(super) trust: Trust,
    pub(super) progress: Arc<Progress>,
    /// Dropped with the handler, which is how the end of the connection is noticed.
    #[expect(dead_code, reason = "held for the moment it is dropped")]
    pub(super) alive: oneshot::Sender<()>,
}

impl Sensor {
    fn judge(&self, shown: &PublicKeyOrCertificate) -> Result<(), HostKeyProblem> {
        let Trust::Known {
            files,
            name,
            port,
            accept_new,
        } = &self.trust
        else {
            return Ok(());
        };
        let PublicKeyOrCertificate::PublicKey { key, .. } = shown else {
            return Err(HostKeyProblem::Certificate);
        };
        let fingerprint = key.fingerprint(HashAlg::Sha256).to_string();
        match files.check(name, *port, key) {
            Verdict::Known => Ok(()),
            Verdict::Unknown if *accept_new => Ok(()),
            Verdict::Unknown => Err(HostKeyProblem::Unknown {
                fingerprint,
                algorithm: key.algorithm().to_string(),
            }),
            Verdict::Changed(others) => Err(HostKeyProblem::Changed {
                fingerprint,
                recorded: others.first().map(place).unwrap_or_default(),
            }),
            Verdict::Revoked(line) => Err(HostKeyProblem::Revoked {
                fingerprint,
                recorded: place(&line),
            }),
        }
    }
}

fn place(recorded: &Recorded) -> String {
    format!("`{}` line {}", recorded.file.display(), recorded.line)
}

/// Answers a channel the host wants to open. We ask for no forwarding of any kind, so a host that
/// opens one is broken or hostile (RFC 4254 §7.2); russh would accept them all by default.
async fn refuse(reply: ChannelOpenHandle) -> Result<(), Broken> {
    reply
        .reject(ChannelOpenFailure::AdministrativelyProhibited)
        .await;
    Ok(())
}

impl Handler for Sensor {
    type Error = Broken;

    async fn check_server_key(&mut self, shown: &PublicKeyOrCertificate) -> Result<bool, Broken> {
        self.progress.enter(Phase::HostKey);
        let began = Instant::now();
        let judged = self.judge(shown);
        let took = u64::try_from(began.elapsed().as_micros()).unwrap_or(u64::MAX);
        self.progress.judging_us.store(took, Ordering::Relaxed);
        judged?;
        self.progress.enter(Phase::Kex);
        Ok(true)
    }

    async fn kex_done(
        &mut self,
        _: Option<&[u8]>,
        _: &Names,
        session: &mut Session,
    ) -> Result<(), Broken> {
        let is_openssh = session.remote_sshid().starts_with(OPENSSH);
        self.progress
            .is_openssh
            .store(is_openssh, Ordering::Relaxed);
        Ok(())
    }

    async fn server_channel_open_forwarded_tcpip(
        &mut self,
        _: Channel<Msg>,
        _: &str,
        _: u32,
        _: &str,
        _: u32,
        reply: ChannelOpenHandle,
        _: &mut Session,
    ) -> Result<(), Broken> {
        refuse(reply).await
    }

    async fn server_channel_open_forwarded_streamlocal(
        &mut self,
        _: Channel<Msg>,
        _: &str,
        reply: ChannelOpenHandle,
        _: &mut Session,
    ) -> Result<(), Broken> {
        refuse(reply).await
    }

    async fn server_channel_open_agent_forward(
        &mut self,
        _: Channel<Msg>,
        reply: ChannelOpenHandle,
        _: &mut Session,
    ) -> Result<(), Broken> {
        refuse(reply).await
    }

    async fn server_channel_open_session(
        &mut self,
        _: Channel<Msg>,
        reply: ChannelOpenHandle,
        _: &mut Session,
    ) -> Result<(), Broken> {
        refuse(reply).await
    }

    async fn server_channel_open_direct_tcpip(
        &mut self,
        _: Channel<Msg>,
        _: &str,
        _: u32,
        _: &str,
        _: u32,
        reply: ChannelOpenHandle,
        _: &mut Session,
    ) -> Result<(), Broken> {
        refuse(reply).await
    }

    async fn server_channel_open_direct_streamlocal(
        &mut self,
        _: Channel<Msg>,
        _: &str,
        reply: ChannelOpenHandle,
        _: &mut Session,
    ) -> Result<(), Broken> {
        refuse(reply).await
    }

    async fn server_channel_open_x11(
        &mut self,
        _: Channel<Msg>,
        _: &str,
        _: u32,
        reply: ChannelOpenHandle,
        _: &mut Session,
    ) -> Result<(), Broken> {
        refuse(reply).await
    }
}
