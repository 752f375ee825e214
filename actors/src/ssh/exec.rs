//! One command on one channel: sent, drained to its end, and stopped when its call is over.
//!
//! Both streams are always read to the end and discarded past their limit: a channel nobody reads
//! blocks every other channel of its connection. An end without the script's report is never a
//! success.

mod capture;
mod report;
mod send;
mod watch;

pub(crate) use capture::{BASE, Capture};

use super::frame::{Frame, Marker, token};
use super::{Channel, OpenError, Session, lifeline};
use crate::budget::Hold;
use crate::command::Command;
use crate::outcome::{Captured, Outcome, Stopped};
use report::Report;
use russh::{ChannelMsg, Sig};
use send::Feeder;
use std::sync::Arc;
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
    /// Whether what is left out is hashed.
    pub(crate) compared: bool,
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
    /// The host cannot feed a command's standard input.
    NoInput,
    /// The directory to run in cannot be entered.
    NoDirectory,
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
    session: &Arc<Session>,
    command: &Command,
    allowance: Allowance,
    cancel: &CancellationToken,
) -> Finished {
    let limit = Instant::now() + allowance.timeout;
    let channel = tokio::select! {
        opened = session.open() => match opened {
            Ok(channel) => channel,
            Err(error) => return unsent(error, allowance.hold),
        },
        // A channel that opens after all is closed as it is dropped.
        () = cancel.cancelled() => return never_ran(allowance.hold),
    };
    let marker = Marker::fresh();
    let mark = token();
    let script = lifeline::script(command, &marker, &mark, allowance.timeout);
    let mut running = Running {
        feeder: Feeder::start(&channel.tx, script, command.stdin().clone()),
        has_input: !command.stdin().is_empty(),
        channel,
        mark,
        out: Stream::new(&marker, allowance.max_output, allowance.compared),
        err: Stream::new(&marker, allowance.max_output, allowance.compared),
        hold: allowance.hold,
        exit: Exit::None,
    };
    let watch = Watch::new(limit);
    let watch = running.drive(session, watch, cancel).await;
    if running.never_started(&watch) {
        return unsent(OpenError::Lost, running.hold);
    }
    running.conclude(&watch)
}

/// The caller left before anything was sent: there is nothing that could still run.
fn never_ran(hold: Hold) -> Finished {
    let ended = Ended {
        outcome: Outcome::Cancelled {
            stopped: Stopped::Verified,
        },
        stdout: Captured::default(),
        stderr: Captured::default(),
        hold,
    };
    Finished {
        result: Ok(ended),
        leftover: Leftover(None),
    }
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
    fn new(marker: &Marker, cap: u64, compared: bool) -> Self {
        Self {
            frame: Frame::new(marker),
            capture: Capture::new(cap, compared),
        }
    }

    fn push(&mut self, data: &[u8], hold: &mut Hold) {
        let Self { frame, capture } = self;
        frame.push(data, |bytes| capture.push(bytes, hold));
    }
}

struct Running {
    channel: Channel,
    feeder: Feeder,
    has_input: bool,
    mark: String,
    out: Stream,
    err: Stream,
    hold: Hold,
    exit: Exit,
}

impl Running {
    /// Reads until both streams reported their end, the channel closed, or all means of stopping
    /// the command are used up. It never sends: see [`send`].
    async fn drive(
        &mut self,
        session: &Arc<Session>,
        mut watch: Watch,
        cancel: &CancellationToken,
    ) -> Watch {
        loop {
            tokio::select! {
                message = self.channel.rx.wait() => match message {
                    Some(message) => if self.take(message) { return watch },
                    None => { watch.closed(); return watch }
                },
                () = cancel.cancelled(), if !watch.is_stopping() => watch.cancelled(),
                () = sleep_until(watch.next()) => {}
            }
            let tx = &self.channel.tx;
            match watch.due(Instant::now(), self.out.frame.begin().is_some()) {
                None => {}
                Some(Alarm::EndInput) if !self.has_input => send::end_input(tx),
                // Behind input that the command leaves unread, the host does not see the end.
                Some(Alarm::EndInput) => {
                    send::end_input(tx);
                    self.kill(session);
                }
                Some(Alarm::Kill) => self.kill(session),
                Some(Alarm::GiveUp) => return watch,
            }
        }
    }

    fn kill(&self, session: &Arc<Session>) {
        // The first line of the script is the number of its process group.
        let group = self.out.frame.begin().and_then(|line| line.parse().ok());
        send::kill(session, &self.channel.tx, group, &self.mark);
    }

    /// Whether the connection ended before the host had anything that it could run.
    fn never_started(&self, watch: &Watch) -> bool {
        let silent = self.out.frame.begin().is_none() && self.exit == Exit::None;
        silent && !self.feeder.has_sent() && !watch.is_stopping()
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
            ChannelMsg::Failure => {
                self.exit = Exit::Status;
                return true;
            }
            _ => {}
        }
        if self.out.frame.begin().is_some() {
            self.feeder.begin();
        }
        let reported = |stream: &Stream| stream.frame.end().is_some();
        let stopped = self
            .out
            .frame
            .end()
            .is_some_and(|line| line.starts_with("stopped="));
        (reported(&self.out) && reported(&self.err)) || (stopped && self.exit != Exit::None)
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
        let result = if out.frame.begin() == Some("nohead") {
            Err(ExecError::NoInput)
        } else if out.frame.end() == Some("nocwd") {
            Err(ExecError::NoDirectory)
        } else if out.frame.begin().is_none() && !watch.is_stopping() && exit != Exit::None {
            let noise = [out.frame.noise(), err.frame.noise()].concat();
            let said = String::from_utf8_lossy(&noise);
            Err(ExecError::NoShell(
                said.lines().next().unwrap_or_default().to_owned(),
            ))
        } else {
            let outcome = watch.outcome(&Report::parse(out.frame.end()), &exit);
            hold.shrink_to(out.capture.weight() + err.capture.weight());
            let (stdout, stderr) = (out.capture.take(), err.capture.take());
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
