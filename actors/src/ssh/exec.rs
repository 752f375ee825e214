//! One command on one channel: sent, drained to its end, and stopped when its call is over.
//!
//! Both streams are always read to the end and discarded past their limit: a channel nobody reads
//! blocks every other channel of its connection. An end without the script's report is never a
//! success.

mod capture;
mod watch;

pub(crate) use capture::{BASE, Capture};

use super::frame::{Frame, Marker, token};
use super::{Channel, OpenError, Session, lifeline};
use crate::budget::Hold;
use crate::command::Command;
use crate::outcome::{Captured, Outcome, Stopped};
use bytes::Bytes;
use russh::{ChannelMsg, Sig};
use std::pin::pin;
use std::time::Duration;
use tokio::time::{Instant, sleep_until};
use tokio_util::sync::CancellationToken;
use watch::{Alarm, Watch};

/// How long a channel may stay open after the script's report: its processes are being killed.
const LINGER: Duration = Duration::from_secs(2);

/// What a command may use.
pub(crate) struct Allowance {
    /// From the start of the command.
    pub(crate) timeout: Duration,
    /// Bytes kept of each stream.
    pub(crate) max_output: u64,
    /// Memory already reserved; grows with the output.
    pub(crate) hold: Hold,
}

/// How the work on the channel ended.
pub(crate) struct Ended {
    pub(crate) outcome: Outcome,
    pub(crate) stdout: Captured,
    pub(crate) stderr: Captured,
    pub(crate) hold: Hold,
}

/// Why there is no outcome: the command was never started.
#[derive(Debug)]
pub(crate) enum ExecError {
    /// Nothing was sent that a host could run; the memory reserved comes back.
    Open(OpenError, Hold),
    /// The host ran something else than our script, and said this.
    NoShell(String),
}

/// A finished command.
pub(crate) struct Finished {
    pub(crate) result: Result<Ended, ExecError>,
    pub(crate) leftover: Leftover,
}

/// A channel whose command is over but which may still have to be seen to its end.
pub(crate) struct Leftover(Option<Channel>);

impl Leftover {
    /// Sees the channel to its end, so that its place on the host is free again. The answer does
    /// not wait for this.
    pub(crate) async fn settle(self) {
        let Some(mut channel) = self.0 else { return };
        let closed = async { while channel.rx.wait().await.is_some() {} };
        let _in_time = tokio::time::timeout(LINGER, closed).await;
        channel.tx.close().await;
    }
}

/// Runs a command to its end, whatever that is.
pub(crate) async fn run(
    session: &Session,
    command: &Command,
    allowance: Allowance,
    cancel: &CancellationToken,
) -> Finished {
    let channel = match session.open().await {
        Ok(channel) => channel,
        Err(error) => return unsent(error, allowance.hold),
    };
    let marker = Marker::fresh();
    let mark = token();
    let script = lifeline::script(command, &marker, &mark, allowance.timeout);
    let mut running = Running {
        channel,
        mark,
        out: Stream::new(&marker, allowance.max_output),
        err: Stream::new(&marker, allowance.max_output),
        hold: allowance.hold,
        stdin: Some(command.stdin().clone()).filter(|bytes| !bytes.is_empty()),
        leader: None,
        exit: Exit::None,
    };
    if running.start(&script).await.is_err() {
        return unsent(OpenError::Lost, running.hold);
    }
    let watch = Watch::new(Instant::now() + allowance.timeout);
    let watch = running.drive(session, watch, cancel).await;
    running.conclude(&watch)
}

fn unsent(why: OpenError, hold: Hold) -> Finished {
    Finished {
        result: Err(ExecError::Open(why, hold)),
        leftover: Leftover(None),
    }
}

/// What sshd said about the end of the shell.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Exit {
    None,
    Status,
    Signal(String),
}

struct Stream {
    frame: Frame,
    capture: Capture,
}

impl Stream {
    fn new(marker: &Marker, cap: u64) -> Self {
        Self {
            frame: Frame::new(marker),
            capture: Capture::new(cap),
        }
    }

    fn push(&mut self, data: &[u8], hold: &mut Hold) {
        let Self { frame, capture } = self;
        frame.push(data, |bytes| capture.push(bytes, hold));
    }
}

struct Running {
    channel: Channel,
    mark: String,
    out: Stream,
    err: Stream,
    hold: Hold,
    stdin: Option<Bytes>,
    /// The process group on the host, once the script reported it.
    leader: Option<u32>,
    exit: Exit,
}

impl Running {
    async fn start(&mut self, script: &str) -> Result<(), russh::Error> {
        let tx = self.channel.tx.half().ok_or(russh::Error::SendError)?;
        tx.exec(true, lifeline::REQUEST).await?;
        tx.data_bytes(Bytes::copy_from_slice(script.as_bytes()))
            .await
    }

    /// Reads until both streams reported their end, the channel closed, or all means of stopping
    /// the command are used up.
    async fn drive(
        &mut self,
        session: &Session,
        mut watch: Watch,
        cancel: &CancellationToken,
    ) -> Watch {
        loop {
            tokio::select! {
                message = self.channel.rx.wait() => match message {
                    Some(message) => {
                        if self.take(message) { return watch }
                        self.feed().await;
                    }
                    None => { watch.closed(); return watch }
                },
                () = cancel.cancelled(), if !watch.is_stopping() => watch.cancelled(),
                () = sleep_until(watch.next()) => {}
            }
            match watch.due(Instant::now()) {
                None => {}
                Some(Alarm::EndInput) => self.end_input().await,
                Some(Alarm::Kill) => {
                    if let Some(tx) = self.channel.tx.half() {
                        let _sent = tx.signal(Sig::KILL).await;
                    }
                    let killing = kill(session, self.leader, self.mark.clone());
                    if self.drain_during(killing).await {
                        return watch;
                    }
                }
                Some(Alarm::GiveUp) => {
                    self.channel.tx.close().await;
                    return watch;
                }
            }
        }
    }

    /// Takes one message; true when nothing more is to come that matters.
    fn take(&mut self, message: ChannelMsg) -> bool {
        match message {
            ChannelMsg::Data { data } => self.out.push(&data, &mut self.hold),
            ChannelMsg::ExtendedData { data, ext: 1 } => self.err.push(&data, &mut self.hold),
            ChannelMsg::ExitStatus { .. } => self.exit = Exit::Status,
            ChannelMsg::ExitSignal { signal_name, .. } => {
                self.exit = Exit::Signal(signal(&signal_name));
            }
            // The exec request itself was refused.
            ChannelMsg::Failure => self.exit = Exit::Status,
            _ => {}
        }
        let reported = |stream: &Stream| stream.frame.end().is_some();
        let stopped = self
            .out
            .frame
            .end()
            .is_some_and(|line| line.starts_with("stopped="));
        (reported(&self.out) && reported(&self.err)) || (stopped && self.exit != Exit::None)
    }

    /// Sends standard input once the shell has read the whole script; before, it could take our
    /// bytes for script.
    async fn feed(&mut self) {
        if !self.out.frame.begun() {
            return;
        }
        if let (Some(stdin), Some(tx)) = (self.stdin.take(), self.channel.tx.half()) {
            let _sent = tx.data_bytes(stdin).await;
        }
    }

    async fn end_input(&self) {
        if let Some(tx) = self.channel.tx.half() {
            let _sent = tx.eof().await;
        }
    }

    /// Goes on reading while `work` is done; true when nothing more is to come that matters. A
    /// command that floods would otherwise hold up its own end, and every other channel.
    async fn drain_during(&mut self, work: impl Future<Output = ()>) -> bool {
        let mut work = pin!(work);
        let mut over = false;
        loop {
            tokio::select! {
                () = &mut work => return over,
                Some(message) = self.channel.rx.wait() => over |= self.take(message),
            }
        }
    }

    fn conclude(self, watch: &Watch) -> Finished {
        let Self {
            channel,
            mut out,
            mut err,
            mut hold,
            exit,
            ..
        } = self;
        out.frame.finish(|bytes| out.capture.push(bytes, &mut hold));
        err.frame.finish(|bytes| err.capture.push(bytes, &mut hold));
        let result = if !out.frame.begun() && !watch.is_stopping() && exit != Exit::None {
            let noise = [out.frame.noise(), err.frame.noise()].concat();
            let said = String::from_utf8_lossy(&noise);
            Err(ExecError::NoShell(
                said.lines().next().unwrap_or_default().to_owned(),
            ))
        } else {
            let outcome = watch.outcome(&Report::parse(out.frame.end()), &exit);
            let (stdout, stderr) = (out.capture.take(), err.capture.take());
            hold.shrink_to((stdout.bytes.len() + stderr.bytes.len()) as u64);
            Ok(Ended {
                outcome,
                stdout,
                stderr,
                hold,
            })
        };
        Finished {
            result,
            leftover: Leftover(Some(channel)),
        }
    }
}

/// The watchers on the host did not end the command, and sshd refuses signals for root before
/// OpenSSH 10: kills it through a channel of our own.
async fn kill(session: &Session, leader: Option<u32>, mark: String) {
    let Ok(second) = session.open().await else {
        return;
    };
    if let Some(tx) = second.tx.half() {
        let group = leader
            .map(|pid| format!("kill -KILL -{pid}; "))
            .unwrap_or_default();
        let sweep = format!(
            "exec /bin/sh -c '{group}for p in $(grep -lsF SCOUT_CALL={mark} /proc/[0-9]*/environ); do p=${{p#/proc/}}; kill -KILL \"${{p%/environ}}\"; done'"
        );
        let _sent = tx.exec(false, sweep).await;
    }
    let mut rx = second.rx;
    let _in_time =
        tokio::time::timeout(LINGER / 2, async { while rx.wait().await.is_some() {} }).await;
}

/// The last line of the script on standard output.
#[derive(Debug, Default, PartialEq, Eq)]
struct Report {
    code: Option<u8>,
    /// Whether strays were searched for: nothing when there was no need.
    swept: Option<bool>,
}

impl Report {
    fn parse(line: Option<&str>) -> Self {
        let mut report = Self::default();
        for word in line.unwrap_or_default().split(' ') {
            match word.split_once('=') {
                Some(("rc", code)) => report.code = code.parse().ok(),
                Some(("swept" | "stopped", swept)) => {
                    report.swept = match swept {
                        "1" => Some(true),
                        "0" => Some(false),
                        _ => None,
                    };
                }
                _ => {}
            }
        }
        report
    }

    fn stopped(&self) -> Stopped {
        match self.swept {
            Some(true) => Stopped::Verified,
            _ => Stopped::Unverified,
        }
    }
}

/// A signal's name without `SIG` (RFC 4254 §6.10).
fn signal(signal: &Sig) -> String {
    match signal {
        Sig::Custom(name) => name
            .chars()
            .filter(char::is_ascii_alphanumeric)
            .take(16)
            .collect(),
        known => format!("{known:?}"),
    }
}
