//! The clock of one command: when it must stop, and the steps of stopping it.
//!
//! Pure: it is told the time and what happened, and says what to do.

use super::report::Report;
use super::running::Exit;
use crate::limits::STOP_GRACE;
use crate::outcome::Outcome;
use std::time::Duration;
use tokio::time::Instant;

/// How long the host gets, beyond the grace it gives its processes, to report that they ended. With
/// [`LAST`] it makes the answer come less than two seconds after the time limit, whatever the host does.
const REPORT: Duration = Duration::from_millis(650);

/// How long a command whose script has not begun by its end gets to begin after all and to end: its
/// login shell is busy with something else, and may start the script much later.
const BEGIN: Duration = Duration::from_millis(600);

/// How long it may take to be killed.
const LAST: Duration = Duration::from_millis(250);

/// What to do now.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Alarm {
    /// End the lifeline: the host stops the command.
    EndInput,
    /// The host did not; stop it by other means.
    Kill,
    /// Nothing helped.
    GiveUp,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Why {
    TimedOut,
    Cancelled,
}

/// The state of the clock.
#[derive(Debug)]
pub(super) struct Watch {
    why: Option<Why>,
    step: u8,
    next: Instant,
    closed: bool,
}

impl Watch {
    /// A command that must be over at `limit`.
    pub(super) fn new(limit: Instant) -> Self {
        Self {
            why: None,
            step: 0,
            next: limit,
            closed: false,
        }
    }

    /// When to look again.
    pub(super) fn next(&self) -> Instant {
        self.next
    }

    /// Whether the command is being stopped.
    pub(super) fn is_stopping(&self) -> bool {
        self.why.is_some()
    }

    /// The caller left.
    pub(super) fn cancelled(&mut self) {
        if self.why.is_none() {
            self.why = Some(Why::Cancelled);
            self.next = Instant::now();
        }
    }

    /// The channel ended.
    pub(super) fn closed(&mut self) {
        self.closed = true;
    }

    /// The step that is due, if one is; `begun` says whether the script reported itself.
    pub(super) fn due(&mut self, now: Instant, begun: bool) -> Option<Alarm> {
        if now < self.next {
            return None;
        }
        self.why.get_or_insert(Why::TimedOut);
        self.step += 1;
        let (alarm, pause) = match self.step {
            1 if begun => (Alarm::EndInput, STOP_GRACE + REPORT),
            1 => (Alarm::EndInput, BEGIN),
            2 => (Alarm::Kill, LAST),
            _ => (Alarm::GiveUp, Duration::ZERO),
        };
        self.next = now + pause;
        Some(alarm)
    }

    /// The end of the command, from all that is known.
    pub(super) fn outcome(&self, report: &Report, exit: &Exit) -> Outcome {
        // It ended by itself in the moment it was to be stopped: the shell met no signal.
        if let Report {
            code: Some(code),
            swept: None,
        } = *report
        {
            return Outcome::Exited { code };
        }
        match (self.why, report.code, exit) {
            (Some(Why::TimedOut), ..) => Outcome::TimedOut {
                stopped: report.stopped(),
            },
            (Some(Why::Cancelled), ..) => Outcome::Cancelled {
                stopped: report.stopped(),
            },
            // `TERM` reached the shell, and not from here: from the limit the host keeps by itself,
            // should we have slept through ours, or from the command. Whatever the code, it was cut.
            (None, Some(_), _) => Outcome::Signaled {
                name: "TERM".into(),
            },
            // The shell itself was killed, so there is no report; its strays are ended by the
            // lifeline, which closes with the channel.
            (None, None, Exit::Signal(name)) => Outcome::Signaled { name: name.clone() },
            (None, None, _) => Outcome::ConnectionLost {
                may_still_run: true,
            },
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::outcome::Stopped;

    #[tokio::test(start_paused = true)]
    async fn stopping_escalates_and_ends() {
        let begin = Instant::now();
        let mut watch = Watch::new(begin + Duration::from_secs(2));
        assert_eq!(watch.due(Instant::now(), true), None);
        let mut steps = Vec::new();
        while steps.last() != Some(&Alarm::GiveUp) {
            tokio::time::sleep_until(watch.next()).await;
            steps.extend(watch.due(Instant::now(), true));
        }
        assert_eq!(steps, [Alarm::EndInput, Alarm::Kill, Alarm::GiveUp]);
        let late = Instant::now() - begin - Duration::from_secs(2);
        assert!(late < Duration::from_secs(2), "{late:?}");
        let unproven = watch.outcome(&Report::default(), &Exit::None);
        assert_eq!(
            unproven,
            Outcome::TimedOut {
                stopped: Stopped::Unverified
            }
        );
    }

    #[tokio::test(start_paused = true)]
    async fn only_a_report_makes_an_exit() {
        let watch = Watch::new(Instant::now());
        let report = |line| Report::parse(Some(line));
        assert_eq!(
            watch.outcome(&report("rc=3 swept="), &Exit::Signal("KILL".into())),
            Outcome::Exited { code: 3 }
        );
        assert_eq!(
            watch.outcome(&Report::default(), &Exit::Status),
            Outcome::ConnectionLost {
                may_still_run: true
            }
        );
        assert_eq!(
            watch.outcome(&Report::default(), &Exit::Signal("KILL".into())),
            Outcome::Signaled {
                name: "KILL".into()
            }
        );
    }

    #[tokio::test(start_paused = true)]
    async fn a_stop_is_verified_only_by_the_host() {
        let mut watch = Watch::new(Instant::now() + Duration::from_secs(9));
        watch.cancelled();
        assert_eq!(watch.due(Instant::now(), true), Some(Alarm::EndInput));
        let stopped =
            |line| watch.outcome(&Report::parse(Some(line)), &Exit::Signal("KILL".into()));
        assert_eq!(stopped("rc=0 swept="), Outcome::Exited { code: 0 });
        assert_eq!(
            stopped("rc=143 swept=1"),
            Outcome::Cancelled {
                stopped: Stopped::Verified
            }
        );
        assert_eq!(
            watch.outcome(&Report::nothing(), &Exit::Status),
            Outcome::Cancelled {
                stopped: Stopped::Verified
            }
        );
        assert_eq!(
            stopped("stopped=0"),
            Outcome::Cancelled {
                stopped: Stopped::Unverified
            }
        );
    }
}
