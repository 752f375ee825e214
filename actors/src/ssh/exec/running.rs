//! A command under way: what is sent, what comes back, and what is made of it.

use super::report::Report;
use super::send::{self, Feeder};
use super::watch::{Alarm, Watch};
use super::{Allowance, Capture, Ended, ExecError, Finished, Leftover};
use crate::budget::Hold;
use crate::command::Command;
use crate::metrics::{ShellInUse, ShellUse};
use crate::outcome::Outcome;
use crate::ssh::frame::{Frame, Marker, token};
use crate::ssh::lifeline::{self, Terms, Then};
use crate::ssh::shell::Shell;
use crate::ssh::{Channel, Session};
use russh::{ChannelMsg, Sig};
use std::sync::Arc;
use tokio::time::{Instant, sleep_until};
use tokio_util::sync::CancellationToken;

/// What sshd said about the end of the shell.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Exit {
    None,
    Status,
    Signal(String),
}

struct Stream {
    frame: Frame,
    capture: Capture,
}

impl Stream {
    fn new(frame: Frame, allowance: &Allowance) -> Self {
        Self {
            frame,
            capture: Capture::new(allowance.max_output, allowance.compared),
        }
    }

    fn push(&mut self, data: &[u8], hold: &mut Hold) {
        let Self { frame, capture } = self;
        frame.push(data, |bytes| capture.push(bytes, hold));
    }
}

pub(super) struct Running {
    shell: Shell,
    /// Whether the shell was armed before.
    armed: bool,
    /// Whether it may serve another call.
    reuse: bool,
    feeder: Feeder,
    has_input: bool,
    mark: String,
    out: Stream,
    err: Stream,
    allowance: Allowance,
    _in_use: ShellInUse,
    exit: Exit,
    /// Whether the host closed the channel, behind everything it had to say.
    closed: bool,
}

impl Running {
    /// A command on a channel of its own.
    pub(super) fn alone(channel: Channel, command: &Command, allowance: Allowance) -> Self {
        Self::start(Shell::unarmed(channel), false, command, allowance)
    }

    /// A command in a shell that waited for it.
    pub(super) fn in_shell(shell: Shell, command: &Command, allowance: Allowance) -> Self {
        Self::start(shell, true, command, allowance)
    }

    fn start(mut shell: Shell, armed: bool, command: &Command, allowance: Allowance) -> Self {
        let (marker, mark) = (Marker::fresh(), token());
        let (timeout, has_input) = (allowance.timeout, !command.stdin().is_empty());
        let reuse = allowance.reuse && command.is_self_contained() && !has_input;
        let clocked = shell.clock.is_some();
        let then = match reuse {
            true => Then::Wait {
                clock: !shell.clock_serves(timeout),
            },
            false => Then::End,
        };
        if then == (Then::Wait { clock: true }) {
            shell.clock = Some(Instant::now() + lifeline::clock(timeout));
        }
        let script = lifeline::script(
            command,
            &Terms {
                marker: &marker,
                mark: &mark,
                timeout,
                armed,
                clocked,
                then,
            },
        );
        let kind = match (armed, shell.uses) {
            (false, _) => ShellUse::Fresh,
            (true, 0) => ShellUse::Armed,
            (true, _) => ShellUse::Reused,
        };
        let request = (!armed).then_some(lifeline::REQUEST);
        let errors = match armed {
            true => Frame::opened(&marker),
            false => Frame::new(&marker),
        };
        Self {
            feeder: Feeder::start(&shell.channel.tx, request, script, command.stdin().clone()),
            has_input,
            shell,
            armed,
            reuse,
            mark,
            out: Stream::new(Frame::new(&marker), &allowance),
            err: Stream::new(errors, &allowance),
            _in_use: allowance.metrics.shell_used(kind),
            allowance,
            exit: Exit::None,
            closed: false,
        }
    }

    /// Reads until both streams reported their end, the channel closed, or all means of stopping
    /// the command are used up. It never sends: see [`send`].
    pub(super) async fn drive(
        &mut self,
        session: &Arc<Session>,
        mut watch: Watch,
        cancel: &CancellationToken,
    ) -> Watch {
        loop {
            tokio::select! {
                message = self.shell.channel.rx.wait() => match message {
                    Some(message) => if self.take(message) { return watch },
                    None => { watch.closed(); return watch }
                },
                () = cancel.cancelled(), if !watch.is_stopping() => watch.cancelled(),
                () = sleep_until(watch.next()) => {}
            }
            let tx = &self.shell.channel.tx;
            // A shell that waited has its login behind it: it begins as soon as it has a turn.
            let begins = self.armed || self.out.frame.begin().is_some();
            match watch.due(Instant::now(), begins) {
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
        send::kill(session, &self.shell.channel.tx, self.group(), &self.mark);
    }

    /// The process group: the first line of the script is its number.
    fn group(&self) -> Option<u32> {
        let begin = self.out.frame.begin();
        begin.map_or(self.shell.group, |line| line.parse().ok())
    }

    /// Whether the host never had anything that it could run: the whole script had not left before
    /// the connection ended, or a shell that was armed ended without beginning it. What a shell wrote
    /// before its end comes before the end of its channel.
    pub(super) fn never_started(&self, watch: &Watch) -> bool {
        let silent = self.out.frame.begin().is_none() && !watch.is_stopping();
        let unsent = self.exit == Exit::None && !self.feeder.has_sent();
        silent && (unsent || (self.armed && self.closed))
    }

    /// What the command would have used.
    pub(super) fn into_allowance(self) -> Allowance {
        self.allowance
    }

    /// Takes one message; true when nothing more is to come that matters.
    fn take(&mut self, message: ChannelMsg) -> bool {
        match message {
            ChannelMsg::Data { data } => self.out.push(&data, &mut self.allowance.hold),
            ChannelMsg::ExtendedData { data, ext: 1 } => {
                self.err.push(&data, &mut self.allowance.hold);
            }
            ChannelMsg::ExitStatus { .. } => self.exit = Exit::Status,
            ChannelMsg::ExitSignal { signal_name, .. } => {
                self.exit = Exit::Signal(signal(&signal_name));
            }
            // The exec request itself was refused.
            ChannelMsg::Failure => {
                self.exit = Exit::Status;
                return true;
            }
            ChannelMsg::Close => self.closed = true,
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

    /// Whether the shell waits for the next call: its command ended by itself, and nothing else has
    /// happened to it.
    fn is_free(&self, watch: &Watch, outcome: &Outcome) -> bool {
        let quiet = |stream: &Stream| stream.frame.end().is_some() && stream.frame.is_clean();
        let clean = match self.armed {
            true => quiet(&self.out) && quiet(&self.err),
            // Before its first call the login may have said something.
            false => !self.out.frame.is_spilt() && !self.err.frame.is_spilt(),
        };
        let whole = self.exit == Exit::None && !self.closed && !watch.is_stopping();
        self.reuse && clean && whole && matches!(outcome, Outcome::Exited { .. })
    }

    pub(super) fn conclude(mut self, watch: &Watch) -> Finished {
        let hold = &mut self.allowance.hold;
        for Stream { frame, capture } in [&mut self.out, &mut self.err] {
            frame.finish(|bytes| capture.push(bytes, hold));
        }
        let (out, err) = (&self.out.frame, &self.err.frame);
        let refused = if out.begin() == Some("nohead") {
            Some(ExecError::NoInput)
        } else if out.end() == Some("nocwd") {
            Some(ExecError::NoDirectory)
        } else if out.begin().is_none() && !watch.is_stopping() && self.exit != Exit::None {
            let noise = [out.noise(), err.noise()].concat();
            let said = String::from_utf8_lossy(&noise);
            Some(ExecError::NoShell(
                said.lines().next().unwrap_or_default().to_owned(),
            ))
        } else {
            None
        };
        if let Some(error) = refused {
            return Finished {
                result: Err(error),
                leftover: Leftover::Channel(self.shell.channel),
            };
        }
        let report = match out.begin() {
            // Its shell ended without beginning it: there is nothing that could still run.
            None if self.closed && watch.is_stopping() => Report::nothing(),
            _ => Report::parse(out.end()),
        };
        let outcome = watch.outcome(&report, &self.exit);
        let free = self.is_free(watch, &outcome);
        let group = self.group();
        let Self {
            mut shell,
            mut out,
            mut err,
            allowance,
            ..
        } = self;
        let mut hold = allowance.hold;
        hold.shrink_to(out.capture.weight() + err.capture.weight());
        let ended = Ended {
            outcome,
            stdout: out.capture.take(),
            stderr: err.capture.take(),
            hold,
        };
        shell.uses += 1;
        shell.group = group;
        Finished {
            result: Ok(ended),
            leftover: match free {
                true => Leftover::Shell(shell),
                false => Leftover::Channel(shell.channel),
            },
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
