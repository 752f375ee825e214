//! Where a host's connection stands, as a pure state machine.
//!
//! It is told what happened and at what time, and says what to do; it holds the session while
//! there is one, and does nothing with it. Every attempt has an [`Epoch`], and news of an earlier
//! one changes nothing.

use super::backoff;
use crate::error::DialError;
use std::time::Duration;
use tokio::time::Instant;

/// The number of a connection attempt of one host, from 1.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Default)]
pub(crate) struct Epoch(u64);

/// What a host remembers of failed connections while it has none.
#[derive(Debug, Clone)]
pub(crate) struct Penalty {
    /// Failures in a row.
    pub(crate) failures: u32,
    /// When the host may be dialled again.
    pub(crate) until: Instant,
    /// The last failure.
    pub(crate) error: DialError,
}

/// The connection of one host. `S` is the session.
#[derive(Debug)]
pub(crate) struct Link<S> {
    state: State<S>,
    epoch: Epoch,
}

#[derive(Debug)]
enum State<S> {
    Idle,
    Dialling {
        failures: u32,
        /// Whether any call waits for it, or did.
        wanted: bool,
    },
    Up {
        session: S,
        last_used: Instant,
        probing: bool,
    },
    Backoff(Penalty),
}

/// What to do with a call that has just come in.
#[derive(Debug)]
pub(crate) enum Admission {
    /// The connection is up.
    Ready,
    /// It is being made or checked; the call waits.
    Wait,
    /// Start an attempt with this epoch; the call waits.
    Dial(Epoch),
    /// The connection has been silent: ask for a sign of life; the call waits.
    Probe(Epoch),
    /// The host failed a moment ago.
    Refuse {
        error: DialError,
        retry_after: Duration,
    },
}

impl<S> Link<S> {
    /// A link that remembers an earlier penalty.
    pub(crate) fn new(penalty: Option<Penalty>) -> Self {
        let state = penalty.map_or(State::Idle, State::Backoff);
        Self {
            state,
            epoch: Epoch::default(),
        }
    }

    /// The session, while the connection is up and trusted to be alive.
    pub(crate) fn session(&self) -> Option<&S> {
        match &self.state {
            State::Up {
                session,
                probing: false,
                ..
            } => Some(session),
            _ => None,
        }
    }

    /// The session that is being probed.
    pub(crate) fn probing(&self) -> Option<&S> {
        match &self.state {
            State::Up {
                session,
                probing: true,
                ..
            } => Some(session),
            _ => None,
        }
    }

    /// The number of the current attempt.
    pub(crate) fn epoch(&self) -> Epoch {
        self.epoch
    }

    /// A word for the state.
    pub(crate) fn label(&self) -> &'static str {
        match self.state {
            State::Idle => "idle",
            State::Dialling { .. } => "connecting",
            State::Up { .. } => "connected",
            State::Backoff(_) => "backoff",
        }
    }

    /// A call came in. A connection that was silent for longer than `trust` is probed first.
    pub(crate) fn admit(&mut self, now: Instant, trust: Duration) -> Admission {
        match &mut self.state {
            State::Up { probing: true, .. } => Admission::Wait,
            State::Dialling { wanted, .. } => {
                *wanted = true;
                Admission::Wait
            }
            State::Up {
                last_used, probing, ..
            } => {
                if now.saturating_duration_since(*last_used) <= trust {
                    return Admission::Ready;
                }
                *probing = true;
                Admission::Probe(self.epoch)
            }
            State::Backoff(penalty) if now < penalty.until => Admission::Refuse {
                error: penalty.error.clone(),
                retry_after: penalty.until - now,
            },
            State::Backoff(penalty) => {
                let failures = penalty.failures;
                Admission::Dial(self.dial(failures, true))
            }
            State::Idle => Admission::Dial(self.dial(0, true)),
        }
    }

    /// A connection is to be there before any call comes: starts an attempt with this epoch if
    /// nothing speaks against it.
    pub(crate) fn warm(&mut self, now: Instant) -> Option<Epoch> {
        match &self.state {
            State::Idle => Some(self.dial(0, false)),
            State::Backoff(penalty) if now >= penalty.until => {
                let failures = penalty.failures;
                Some(self.dial(failures, false))
            }
            _ => None,
        }
    }

    /// The connection did something.
    pub(crate) fn used(&mut self, now: Instant) {
        if let State::Up { last_used, .. } = &mut self.state {
            *last_used = now;
        }
    }

    /// An attempt succeeded; false if it is not the current one, and the session is to be closed.
    pub(crate) fn connected(&mut self, epoch: Epoch, session: S, now: Instant) -> Result<(), S> {
        match self.state {
            State::Dialling { .. } if epoch == self.epoch => {
                self.state = State::Up {
                    session,
                    last_used: now,
                    probing: false,
                };
                Ok(())
            }
            _ => Err(session),
        }
    }

    /// An attempt failed; gives back the penalty if it is the current one. One that no call wanted
    /// is not held against the next that comes.
    pub(crate) fn failed(
        &mut self,
        epoch: Epoch,
        error: DialError,
        now: Instant,
        random: f64,
    ) -> Option<Penalty> {
        match self.state {
            State::Dialling { failures, wanted } if epoch == self.epoch => {
                let failures = failures + 1;
                let until = match wanted {
                    true => now + backoff::pause(failures, &error, random),
                    false => now,
                };
                let penalty = Penalty {
                    failures,
                    until,
                    error,
                };
                self.state = State::Backoff(penalty.clone());
                Some(penalty)
            }
            _ => None,
        }
    }

    /// The answer to a probe. Gives back the session if the connection is dead.
    pub(crate) fn probed(&mut self, epoch: Epoch, alive: bool, now: Instant) -> Option<S> {
        if epoch != self.epoch {
            return None;
        }
        match &mut self.state {
            State::Up {
                last_used, probing, ..
            } if alive => {
                (*last_used, *probing) = (now, false);
                None
            }
            _ => self.lost(epoch),
        }
    }

    /// The connection ended. Gives back the session if it was the current one.
    pub(crate) fn lost(&mut self, epoch: Epoch) -> Option<S> {
        if epoch != self.epoch || !matches!(self.state, State::Up { .. }) {
            return None;
        }
        self.take()
    }

    /// Takes the session out, whatever the state.
    pub(crate) fn take(&mut self) -> Option<S> {
        match std::mem::replace(&mut self.state, State::Idle) {
            State::Up { session, .. } => Some(session),
            _ => None,
        }
    }

    fn dial(&mut self, failures: u32, wanted: bool) -> Epoch {
        self.epoch = Epoch(self.epoch.0 + 1);
        self.state = State::Dialling { failures, wanted };
        self.epoch
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::error::{DialFailure, Phase};

    const TRUST: Duration = Duration::from_secs(15);

    fn refused() -> DialError {
        DialError {
            phase: Phase::Tcp,
            cause: DialFailure::Io("refused".into()),
            hop: None,
        }
    }

    fn up(now: Instant) -> (Link<u8>, Epoch) {
        let mut link = Link::new(None);
        let Admission::Dial(epoch) = link.admit(now, TRUST) else {
            panic!("an idle link dials")
        };
        link.connected(epoch, 7, now).unwrap();
        (link, epoch)
    }

    #[test]
    fn the_first_call_dials_and_the_others_wait_for_it() {
        let now = Instant::now();
        let mut link: Link<u8> = Link::new(None);
        assert!(matches!(link.admit(now, TRUST), Admission::Dial(_)));
        assert!(matches!(link.admit(now, TRUST), Admission::Wait));
    }

    #[test]
    fn a_failure_is_remembered_until_its_time_and_counted_after_it() {
        let now = Instant::now();
        let mut link: Link<u8> = Link::new(None);
        let Admission::Dial(first) = link.admit(now, TRUST) else {
            panic!()
        };
        let penalty = link.failed(first, refused(), now, 1.0).unwrap();
        assert!(matches!(link.admit(now, TRUST), Admission::Refuse { .. }));
        let Admission::Dial(second) = link.admit(penalty.until, TRUST) else {
            panic!()
        };
        assert_eq!(
            link.failed(second, refused(), now, 1.0).unwrap().failures,
            2
        );
        let mut reborn: Link<u8> = Link::new(Some(penalty));
        assert!(matches!(reborn.admit(now, TRUST), Admission::Refuse { .. }));
    }

    #[test]
    fn the_failure_of_an_attempt_for_nobody_is_counted_and_not_held_against_a_call() {
        let now = Instant::now();
        let mut link: Link<u8> = Link::new(None);
        let first = link.warm(now).unwrap();
        assert_eq!(link.warm(now), None, "it is under way");
        let penalty = link.failed(first, refused(), now, 1.0).unwrap();
        assert_eq!((penalty.failures, penalty.until), (1, now));
        let second = link.warm(now).unwrap();
        assert!(matches!(link.admit(now, TRUST), Admission::Wait));
        let penalty = link.failed(second, refused(), now, 1.0).unwrap();
        assert_eq!(penalty.failures, 2);
        assert!(penalty.until > now, "a call waited for this one");
        assert_eq!(link.warm(now), None, "it is left alone");
    }

    #[test]
    fn news_of_an_earlier_connection_changes_nothing() {
        let now = Instant::now();
        let (mut link, old) = up(now);
        assert_eq!(link.lost(old), Some(7));
        let Admission::Dial(new) = link.admit(now, TRUST) else {
            panic!()
        };
        assert_eq!(link.connected(old, 8, now), Err(8));
        link.connected(new, 9, now).unwrap();
        assert_eq!(link.lost(old), None);
        assert_eq!(link.probed(old, false, now), None);
        assert_eq!(link.session(), Some(&9));
    }

    #[test]
    fn a_silent_connection_is_probed_before_it_is_trusted() {
        let now = Instant::now();
        let (mut link, epoch) = up(now);
        assert!(matches!(link.admit(now + TRUST, TRUST), Admission::Ready));
        let later = now + TRUST * 2;
        assert!(matches!(link.admit(later, TRUST), Admission::Probe(_)));
        assert_eq!(link.session(), None);
        assert!(matches!(link.admit(later, TRUST), Admission::Wait));
        assert_eq!(link.probed(epoch, true, later), None);
        assert!(matches!(link.admit(later, TRUST), Admission::Ready));
        let much_later = later + TRUST * 2;
        assert!(matches!(link.admit(much_later, TRUST), Admission::Probe(_)));
        assert_eq!(link.probed(epoch, false, much_later), Some(7));
        assert!(matches!(link.admit(much_later, TRUST), Admission::Dial(_)));
    }
}
