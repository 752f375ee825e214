//! A shell on a host that waits for a call: a channel on which the script's functions are known and
//! which has reported itself, so that a call on it costs one exchange.
//!
//! It is armed before there is a call, or left over from one whose program leaves nothing behind. While
//! it waits it must be silent: whatever it says, it is given up.

use super::exec::LINGER;
use super::frame::{Frame, Marker};
use super::{Channel, OpenError, Session, lifeline};
use russh::ChannelMsg;
use std::time::Duration;
use tokio::sync::oneshot;
use tokio::time::{Instant, sleep_until, timeout};

/// How long a shell may take to report itself. Its login shell may be busy with start-up files.
const ARMING: Duration = Duration::from_secs(5);

/// How many calls one shell serves.
const USES: u32 = 1000;

/// How old a shell may be that serves a call.
const AGE: Duration = Duration::from_secs(600);

/// How long before the clock on the host ends a shell it is used no more.
const MARGIN: Duration = Duration::from_secs(5);

/// A shell that waits for a call.
pub(crate) struct Shell {
    pub(super) channel: Channel,
    /// Its process group, once it has told it.
    pub(super) group: Option<u32>,
    /// Calls it has served.
    pub(super) uses: u32,
    /// When it began.
    pub(super) since: Instant,
    /// When the clock on the host ends it, if one was started.
    pub(super) clock: Option<Instant>,
}

/// Why no shell was armed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum ArmError {
    Open(OpenError),
    /// It did not report itself.
    Odd,
}

impl Shell {
    /// Starts a shell and waits until it has reported itself.
    pub(crate) async fn arm(session: &Session) -> Result<Self, ArmError> {
        let since = Instant::now();
        let mut channel = session.open().await.map_err(ArmError::Open)?;
        let marker = Marker::fresh();
        let (mut out, mut err) = (Frame::new(&marker), Frame::new(&marker));
        let Some(tx) = channel.tx.half() else {
            return Err(ArmError::Odd);
        };
        let send = async {
            let _sent = tx.exec(true, lifeline::REQUEST).await;
            let _sent = tx.data_bytes(lifeline::arming(&marker)).await;
            std::future::pending::<()>().await;
        };
        let report = async {
            while let Some(message) = channel.rx.wait().await {
                match message {
                    ChannelMsg::Data { data } => out.push(&data, |_| {}),
                    ChannelMsg::ExtendedData { data, ext: 1 } => err.push(&data, |_| {}),
                    ChannelMsg::Failure | ChannelMsg::Eof | ChannelMsg::Close => return None,
                    _ => {}
                }
                if let (Some(line), Some(_)) = (out.begin(), err.begin()) {
                    return line.parse::<u32>().ok();
                }
            }
            None
        };
        // Sending may wait for the reading of this very channel, so the two go on side by side.
        let group = tokio::select! {
            group = timeout(ARMING, report) => group.ok().flatten(),
            () = send => None,
        };
        let Some(group) = group else {
            end(channel).await;
            return Err(ArmError::Odd);
        };
        Ok(Self {
            group: Some(group),
            since,
            ..Self::unarmed(channel)
        })
    }

    /// What becomes of a channel when its first call begins with the functions.
    pub(super) fn unarmed(channel: Channel) -> Self {
        Self {
            channel,
            group: None,
            uses: 0,
            since: Instant::now(),
            clock: None,
        }
    }

    /// Whether a program ran in it.
    pub(crate) fn is_used(&self) -> bool {
        self.uses > 0
    }

    /// Until when it may wait for its next call, if it may at all.
    pub(crate) fn good_until(&self) -> Option<Instant> {
        let clock = self.clock.and_then(|clock| clock.checked_sub(MARGIN));
        let age = self.since + AGE;
        (self.uses < USES).then(|| clock.map_or(age, |clock| clock.min(age)))
    }

    /// Whether the clock that runs on the host is good enough for a call of this length.
    pub(super) fn clock_serves(&self, call: Duration) -> bool {
        let left = self
            .clock
            .map(|clock| clock.saturating_duration_since(Instant::now()));
        left.is_some_and(|left| lifeline::clock_serves(left, call))
    }

    /// Waits with the shell until it is called for, which is true then. Ends it when it says anything,
    /// when nobody can call for it any more, and at `until`.
    pub(crate) async fn wait(mut self, until: Instant, recall: Recall) -> bool {
        let mut recall = recall.0;
        loop {
            tokio::select! {
                biased;
                message = self.channel.rx.wait() => match message {
                    Some(ChannelMsg::WindowAdjusted { .. } | ChannelMsg::Success) => {}
                    _ => break,
                },
                called = &mut recall => match called {
                    Ok(caller) => match oneshot::Sender::send(caller, self) {
                        Ok(()) => return true,
                        Err(back) => {
                            self = back;
                            break;
                        }
                    },
                    Err(_) => break,
                },
                () = sleep_until(until) => break,
            }
        }
        // Who calls for it from here on must not wait for its end.
        drop(recall);
        self.end().await;
        false
    }

    /// Ends it and sees its channel to its end.
    pub(crate) async fn end(self) {
        end(self.channel).await;
    }
}

/// Ends the input of a shell and waits for the host to close the channel, so that its place is free
/// again: of a channel that we close first, russh says nothing any more.
async fn end(mut channel: Channel) {
    let eof = channel.tx.half().map(|tx| async move { tx.eof().await });
    let ended = async {
        if let Some(eof) = eof {
            let _sent = eof.await;
        }
        while channel.rx.wait().await.is_some() {}
    };
    let _in_time = timeout(LINGER, ended).await;
    channel.tx.close().await;
}

/// Where a waiting shell hears that it is called for.
pub(crate) struct Recall(oneshot::Receiver<oneshot::Sender<Shell>>);

/// The right to a shell that waits elsewhere. Dropping it ends the shell.
pub(crate) struct Spare(oneshot::Sender<oneshot::Sender<Shell>>);

impl Spare {
    /// The right, and what the shell must listen to.
    pub(crate) fn new() -> (Self, Recall) {
        let (call, recall) = oneshot::channel();
        (Self(call), Recall(recall))
    }

    /// The shell, unless it has ended meanwhile.
    pub(crate) async fn take(self) -> Option<Shell> {
        let (caller, shell) = oneshot::channel();
        self.0.send(caller).ok()?;
        shell.await.ok()
    }
}
