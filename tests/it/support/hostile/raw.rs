//! Hosts that accept a TCP connection and never become an SSH server. They write by hand what RFC 4253
//! sections 4.2 and 7.1 describe, or stop short of it.

use std::net::{Ipv4Addr, SocketAddr};
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};
use tokio::task::{JoinHandle, JoinSet};

use super::{Counted, Seen};
use crate::support::fleet::Entry;

/// What the host says instead of SSH.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Raw {
    /// Nothing at all.
    Mute,
    /// A banner and nothing more: the client waits for the key exchange.
    BannerThenSilence,
    /// Lines before the banner, which RFC 4253 section 4.2 allows, for ever, one each millisecond.
    EndlessPreBanner,
    /// 1 MiB of banner without an end.
    HugeBanner,
    /// Banner and KEXINIT, and nothing more.
    KexInitThenSilence,
    /// A FIN in place of a banner: what `MaxStartups` and `PerSourcePenalties` look like.
    HangUp,
}

/// A running host of this kind.
#[derive(Debug)]
pub(crate) struct RawHost {
    address: SocketAddr,
    seen: Arc<Seen>,
    accepting: JoinHandle<()>,
}

impl RawHost {
    /// Starts one on a free port of 127.0.0.1.
    pub(crate) async fn start(raw: Raw) -> Self {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.unwrap();
        let address = listener.local_addr().unwrap();
        let seen = Arc::new(Seen::default());
        let accepting = tokio::spawn(accept(listener, raw, Arc::clone(&seen)));
        Self {
            address,
            seen,
            accepting,
        }
    }

    /// Where it listens.
    pub(crate) fn address(&self) -> SocketAddr {
        self.address
    }

    /// Its alias for a fleet. It never shows a host key; the one named here is nobody's.
    pub(crate) fn entry(&self, name: &str) -> Entry {
        Entry::new(name, self.address, NOBODYS_KEY)
    }

    /// What it saw so far.
    pub(crate) fn seen(&self) -> &Seen {
        &self.seen
    }
}

impl Drop for RawHost {
    fn drop(&mut self) {
        self.accepting.abort();
    }
}

/// A well-formed Ed25519 key of 32 zero bytes.
const NOBODYS_KEY: &str =
    "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA";

async fn accept(listener: TcpListener, raw: Raw, seen: Arc<Seen>) {
    let mut connections = JoinSet::new();
    while let Ok((stream, _)) = listener.accept().await {
        seen.connections.fetch_add(1, Ordering::SeqCst);
        let live = Counted::new(Arc::clone(&seen), |seen| &seen.live);
        connections.spawn(async move {
            let _live = live;
            speak(stream, raw).await;
        });
    }
}

/// Plays the part until the client hangs up.
async fn speak(mut stream: TcpStream, raw: Raw) {
    let said = match raw {
        Raw::HangUp => return,
        Raw::Mute => Ok(()),
        Raw::BannerThenSilence => stream.write_all(BANNER).await,
        Raw::HugeBanner => stream.write_all(&[b'S'; 1 << 20]).await,
        Raw::EndlessPreBanner => endless_lines(&mut stream).await,
        Raw::KexInitThenSilence => stream.write_all(&[BANNER, &kexinit()].concat()).await,
    };
    if said.is_ok() {
        listen(&mut stream).await;
    }
}

const BANNER: &[u8] = b"SSH-2.0-OpenSSH_9.2\r\n";

async fn endless_lines(stream: &mut TcpStream) -> std::io::Result<()> {
    loop {
        stream.write_all(b"this is not the banner yet\r\n").await?;
        tokio::time::sleep(Duration::from_millis(1)).await;
    }
}

/// Reads and forgets until the other side ends.
async fn listen(stream: &mut TcpStream) {
    let mut chunk = [0; 4096];
    while let Ok(1..) = stream.read(&mut chunk).await {}
}

/// A KEXINIT packet that any client of today can agree with (RFC 4253 sections 6 and 7.1).
fn kexinit() -> Vec<u8> {
    const LISTS: [&str; 10] = [
        "curve25519-sha256,ecdh-sha2-nistp256",
        "ssh-ed25519",
        "aes256-gcm@openssh.com,aes256-ctr",
        "aes256-gcm@openssh.com,aes256-ctr",
        "hmac-sha2-256",
        "hmac-sha2-256",
        "none",
        "none",
        "",
        "",
    ];
    const SSH_MSG_KEXINIT: u8 = 20;
    let mut payload = vec![SSH_MSG_KEXINIT];
    payload.extend([7; 16]);
    for list in LISTS {
        payload.extend((list.len() as u32).to_be_bytes());
        payload.extend(list.as_bytes());
    }
    // No guessed packet follows; the last four bytes are reserved.
    payload.extend([0; 5]);
    let padding = 4 + (8 - (5 + payload.len() + 4) % 8) % 8;
    let mut packet = ((1 + payload.len() + padding) as u32)
        .to_be_bytes()
        .to_vec();
    packet.push(padding as u8);
    packet.extend(payload);
    packet.extend(vec![0; padding]);
    packet
}
