//! One command: a process group of its own, its three streams on a channel, and its end reported.
//!
//! As with sshd, the end of the channel's input is the end of the command's, and the end of the
//! connection closes all three streams but kills nothing: what then happens is the command's
//! business. Only the stop of the host kills. Output is read no faster than the client takes it.

mod group;

use super::session::Client;
use bytes::{Bytes, BytesMut};
use futures_util::future::BoxFuture;
use group::{Group, name};
use russh::server::Msg;
use russh::{ChannelMsg, ChannelReadHalf, ChannelWriteHalf, Sig};
use std::collections::VecDeque;
use std::ffi::OsStr;
use std::os::unix::ffi::OsStrExt;
use std::os::unix::process::ExitStatusExt;
use std::process::{ExitStatus, Stdio};
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWriteExt};
use tokio::process::{Child, ChildStdin, Command};

/// Input the command has not read yet, in bytes, before the connection is read no further. The
/// other sessions of the connection then wait, too; memory is what must not grow.
const BACKLOG: usize = 4 << 20;

/// Output read at once, in bytes.
const PIECE: usize = 32 << 10;

/// The status of a command whose shell did not start, as of one that a shell does not find.
const NO_SHELL: u32 = 127;

/// What a command is told about its surroundings. All else of this process's environment stays
/// here: it may hold secrets.
const PASSED_ON: [&str; 5] = ["LANG", "LC_ALL", "PATH", "TMPDIR", "TZ"];

/// Runs a command to its end; `Err` when the connection ended first.
pub(super) async fn run(
    command: &[u8],
    rx: &mut ChannelReadHalf,
    tx: &ChannelWriteHalf<Msg>,
    client: &Client,
) -> Result<(), ()> {
    let mut child = match spawn(command, client) {
        Ok(child) => child,
        Err(error) => {
            let why = format!("no shell can be started: {error}\n");
            tx.extended_data_bytes(1, why).await.map_err(drop)?;
            tx.eof().await.map_err(drop)?;
            return tx.exit_status(NO_SHELL).await.map_err(drop);
        }
    };
    let group = Group::of(&child);
    let mut input = Input::new(child.stdin.take());
    let (out, err) = (child.stdout.take(), child.stderr.take());
    let mut output: BoxFuture<'_, ()> = Box::pin(async {
        tokio::join!(pump(out, tx, None), pump(err, tx, Some(1)));
    });
    let (mut flowing, mut connected) = (true, true);
    // The leader is reaped behind its output. Until then its number stays taken, so that no
    // signal to the group can reach somebody else.
    let status = loop {
        tokio::select! {
            () = &mut output, if flowing => flowing = false,
            status = child.wait(), if !flowing => break status,
            () = input.feed() => {}
            message = rx.wait(), if connected && input.has_room() => match message {
                Some(ChannelMsg::Data { data }) => input.push(data),
                Some(ChannelMsg::Eof) => input.end(),
                Some(ChannelMsg::Signal { signal }) => group.signal(&signal),
                Some(ChannelMsg::Close) | None => {
                    input = Input::new(None);
                    output = Box::pin(std::future::pending());
                    (flowing, connected) = (false, false);
                }
                Some(_) => {}
            },
            () = client.site.stop.cancelled() => {
                connected = false;
                group.signal(&Sig::KILL);
                break child.wait().await;
            }
        }
    };
    group.reaped();
    if !connected {
        return Err(());
    }
    tx.eof().await.map_err(drop)?;
    report(status.map_err(drop)?, tx, client).await
}

fn spawn(command: &[u8], client: &Client) -> std::io::Result<Child> {
    let site = &client.site;
    let (peer, own) = (client.peer, site.addr);
    let connection = format!("{} {} {} {}", peer.ip(), peer.port(), own.ip(), own.port());
    Command::new("/bin/sh")
        .arg("-c")
        .arg(OsStr::from_bytes(command))
        .current_dir(&site.home)
        .env_clear()
        .envs(
            PASSED_ON
                .iter()
                .filter_map(|name| Some((name, std::env::var_os(name)?))),
        )
        .env("HOME", &site.home)
        .env("PWD", &site.home)
        .env("USER", &site.user)
        .env("LOGNAME", &site.user)
        .env("SHELL", "/bin/sh")
        .env("SSH_CONNECTION", connection)
        .process_group(0)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
}

/// Sends a stream to its end, as the window of the client allows.
async fn pump(
    stream: Option<impl AsyncRead + Unpin>,
    tx: &ChannelWriteHalf<Msg>,
    ext: Option<u32>,
) {
    let Some(mut stream) = stream else { return };
    let mut piece = BytesMut::new();
    loop {
        piece.reserve(PIECE);
        match stream.read_buf(&mut piece).await {
            Ok(0) | Err(_) => return,
            Ok(_) => {}
        }
        let bytes = piece.split().freeze();
        let sent = match ext {
            None => tx.data_bytes(bytes).await,
            Some(ext) => tx.extended_data_bytes(ext, bytes).await,
        };
        if sent.is_err() {
            return;
        }
    }
}

/// The end of the command, as sshd tells it (RFC 4254 §6.10).
async fn report(status: ExitStatus, tx: &ChannelWriteHalf<Msg>, client: &Client) -> Result<(), ()> {
    match (status.code(), status.signal()) {
        (Some(code), _) => tx.exit_status(code.unsigned_abs()).await.map_err(drop),
        (None, signal) => {
            let (name, core) = (name(signal.unwrap_or(0)), status.core_dumped());
            let handle = &client.handle;
            handle
                .exit_signal_request(tx.id(), name, core, String::new(), String::new())
                .await
        }
    }
}

/// What the command has still to read.
struct Input {
    stdin: Option<ChildStdin>,
    waiting: VecDeque<Bytes>,
    bytes: usize,
    ended: bool,
}

impl Input {
    fn new(stdin: Option<ChildStdin>) -> Self {
        Self {
            stdin,
            waiting: VecDeque::new(),
            bytes: 0,
            ended: false,
        }
    }

    fn has_room(&self) -> bool {
        self.bytes < BACKLOG
    }

    /// Takes bytes; those for a command that reads no more are dropped.
    fn push(&mut self, data: Bytes) {
        if self.stdin.is_some() && !data.is_empty() {
            self.bytes += data.len();
            self.waiting.push_back(data);
        }
    }

    fn end(&mut self) {
        self.ended = true;
    }

    /// Writes a piece, and closes the stream behind the last one. Never ends when there is
    /// nothing to do. Nothing is lost when this is dropped halfway.
    async fn feed(&mut self) {
        let Some(stdin) = &mut self.stdin else {
            return std::future::pending().await;
        };
        let Some(front) = self.waiting.front_mut() else {
            if self.ended {
                self.stdin = None;
                return;
            }
            return std::future::pending().await;
        };
        match stdin.write(front).await {
            Ok(written) => {
                self.bytes -= written;
                let _gone = front.split_to(written);
                if front.is_empty() {
                    self.waiting.pop_front();
                }
            }
            Err(_) => *self = Self::new(None),
        }
    }
}
