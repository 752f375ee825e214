//! The peers that are programs: `ssh`, a process for each call over one shared connection per host, and
//! asyncssh, driven by a small Python program that does the work of a cell at a time.

use std::io::{Error, Result};
use std::path::{Path, PathBuf};
use std::process::Stdio;

use futures_util::future::join_all;
use serde_json::json;
use tokio::io::{AsyncBufReadExt as _, AsyncWriteExt as _, BufReader, Lines};
use tokio::process::{Child, ChildStdin, ChildStdout, Command};

use super::cell::{Cell, Outcome, repeat};
use crate::kit::real::fleet::Fleet;

/// `ssh` with `ControlMaster`.
#[derive(Debug)]
pub(crate) struct Ssh {
    config: PathBuf,
    sockets: tempfile::TempDir,
    hosts: Vec<String>,
}

impl Ssh {
    pub(crate) fn new(fleet: &Fleet) -> Result<Self> {
        Ok(Self {
            config: fleet.ssh_file("config"),
            // A path of a socket has 108 bytes at most (unix(7)), so it is a short one.
            sockets: tempfile::Builder::new().prefix("mux").tempdir_in("/tmp")?,
            hosts: fleet.names(),
        })
    }

    pub(crate) async fn measure(&self, cell: &Cell) -> Outcome {
        let command = cell.command();
        match cell.callers {
            Some(callers) => {
                let caller = || {
                    repeat(cell.time, || {
                        self.call(&cell.hosts[0], &command, cell.expected())
                    })
                };
                Outcome::join(join_all((0..callers).map(|_| caller())).await)
            }
            None => {
                let all = async || {
                    let calls = cell.hosts.iter();
                    let calls = calls.map(|host| self.call(host, &command, cell.expected()));
                    join_all(calls).await.into_iter().collect::<Result<()>>()
                };
                repeat(cell.time, all).await
            }
        }
    }

    async fn call(&self, host: &str, command: &str, expected: &str) -> Result<()> {
        let output = self
            .ssh(&["-o", "ControlMaster=auto", host, command])
            .output();
        let output = output.await?;
        let text = String::from_utf8_lossy(&output.stdout);
        match output.status.success() && text.contains(expected) {
            true => Ok(()),
            false => Err(Error::other(format!("{}: {text}", output.status))),
        }
    }

    fn ssh(&self, args: &[&str]) -> Command {
        let mut ssh = Command::new("ssh");
        let socket = self.sockets.path().join("%n");
        ssh.arg("-F").arg(&self.config).arg("-S").arg(socket);
        ssh.args(["-o", "ControlPersist=600", "-o", "BatchMode=yes"])
            .args(args);
        // The shared connection goes on in the background and would keep a pipe open.
        ssh.stdin(Stdio::null()).stderr(Stdio::null());
        ssh
    }

    /// Ends the shared connections.
    pub(crate) async fn close(self) {
        for host in &self.hosts {
            if self.sockets.path().join(host).exists() {
                let _ = self.ssh(&["-O", "exit", host]).output().await;
            }
        }
    }
}

/// asyncssh, in one of its two ways to do things.
#[derive(Debug)]
pub(crate) struct Asyncssh {
    child: Child,
    orders: ChildStdin,
    answers: Lines<BufReader<ChildStdout>>,
}

impl Asyncssh {
    /// `how` is `run` or `sftp`.
    pub(crate) fn start(python: &Path, fleet: &Fleet, how: &str) -> Result<Self> {
        let program = concat!(
            env!("CARGO_MANIFEST_DIR"),
            "/benches/compare/asyncssh_peer.py"
        );
        let mut command = Command::new(python);
        command.arg(program).arg(fleet.ssh_file("config")).arg(how);
        command
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .kill_on_drop(true);
        let mut child = command.spawn()?;
        let pipes = child.stdin.take().zip(child.stdout.take());
        let (orders, answers) = pipes.ok_or_else(|| Error::other("no pipes"))?;
        Ok(Self {
            child,
            orders,
            answers: BufReader::new(answers).lines(),
        })
    }

    pub(crate) async fn measure(&mut self, cell: &Cell) -> Result<Outcome> {
        let order = json!({
            "op": cell.op,
            "callers": cell.callers,
            "hosts": cell.hosts,
            "path": cell.place(),
            "command": cell.command(),
            "expected": cell.expected(),
            "seconds": cell.time.as_secs_f64(),
        });
        self.orders
            .write_all(format!("{order}\n").as_bytes())
            .await?;
        let answer = self.answers.next_line().await?;
        let answer = answer.ok_or_else(|| Error::other("the asyncssh program ended"))?;
        Ok(serde_json::from_str(&answer)?)
    }

    /// Ends it in order.
    pub(crate) async fn close(self) {
        let Self {
            mut child, orders, ..
        } = self;
        drop(orders);
        let _ = child.wait().await;
    }
}
