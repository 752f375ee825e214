//! What a host decides about its connection: when it is made, trusted, given up and made again.
//!
//! A task that panics still sends its news, as a failure: a host that waited for it for ever would
//! look like one that is slow.

use super::link::{Admission, Epoch};
use super::prepare::Ahead;
use super::{Files, HostEvent, Msg, Reached, State, run};
use crate::error::{DialError, FleetError};
use crate::ssh::{Closed, Session};
use futures_util::FutureExt;
use ractor::ActorRef;
use std::panic::AssertUnwindSafe;
use std::sync::Arc;
use std::time::Duration;
use tokio::time::Instant;

impl State {
    /// Sees to it that there is, or will be, a connection. True if none had to be made for this.
    pub(super) fn admit(&mut self, me: &ActorRef<Msg>) -> Result<bool, FleetError> {
        let trust = self.context.limits.keepalive;
        match self.link.admit(Instant::now(), trust) {
            Admission::Ready | Admission::Wait => Ok(true),
            Admission::Probe(epoch) => {
                self.probe(me, epoch);
                Ok(true)
            }
            Admission::Dial(epoch) => {
                self.dial(me, epoch);
                Ok(false)
            }
            Admission::Refuse { error, retry_after } => Err(FleetError::Unreachable {
                host: self.name().clone(),
                error: Box::new(error),
                retry_after: Some(retry_after),
            }),
        }
    }

    /// Somebody wants a connection before there is work for it.
    pub(super) fn reach(&mut self, me: &ActorRef<Msg>, reply: Reached) {
        match self.admit(me) {
            // The work that follows is of the same call, and is not counted.
            Ok(hit) => self.context.metrics.pool_request(hit),
            Err(error) => return drop(reply.send(Err(error))),
        }
        match self.reaching.len() < self.context.limits.queued {
            true => self.reaching.push(reply),
            false => drop(reply.send(Err(run::busy(self.name(), Duration::ZERO)))),
        }
    }

    /// Tells those who wait for nothing but the connection that it is there.
    pub(super) fn tell_reached(&mut self) {
        if self.link.session().is_some() {
            for reply in self.reaching.drain(..) {
                let _heard = reply.send(Ok(()));
            }
        }
    }

    pub(super) fn dial(&mut self, me: &ActorRef<Msg>, epoch: Epoch) {
        let (dialler, settings) = (self.context.dialler.clone(), Arc::clone(&self.settings));
        let (me, paces) = (me.clone(), self.paces.clone());
        self.jobs.spawn(async move {
            let dialled = AssertUnwindSafe(dialler.dial(&settings, &paces)).catch_unwind();
            let result = dialled.await.unwrap_or_else(|_| Err(DialError::internal()));
            let _sent = me.cast(Msg::Dialled(epoch, result));
        });
        self.tell_state();
    }

    pub(super) fn probe(&mut self, me: &ActorRef<Msg>, epoch: Epoch) {
        // While probing, the link hides the session from everyone else.
        let Some(session) = self.link.probing().cloned() else {
            return;
        };
        let me = me.clone();
        self.jobs.spawn(async move {
            let alive = AssertUnwindSafe(session.is_alive()).catch_unwind();
            let alive = alive.await.unwrap_or(false);
            let _sent = me.cast(Msg::Probed(epoch, alive));
        });
    }

    pub(super) fn dialled(
        &mut self,
        me: &ActorRef<Msg>,
        epoch: Epoch,
        result: Result<(Session, Closed), DialError>,
    ) {
        let now = Instant::now();
        match result {
            Ok((session, closed)) => {
                // A session of an attempt that no longer counts closes as it is dropped.
                if self.link.connected(epoch, Arc::new(session), now).is_err() {
                    return;
                }
                self.up_since = now;
                self.files = Files::Absent;
                self.forget_shells();
                // A connection that was made for nobody has no first call to wait for.
                if self.ahead != Ahead::Due || self.waiting() > 0 {
                    self.ahead = Ahead::Nothing;
                }
                self.commands.unlearn();
                self.context.metrics.connection_up();
                let me = me.clone();
                self.watchers.spawn(async move {
                    closed.wait().await;
                    let _sent = me.cast(Msg::Lost(epoch));
                });
                tracing::info!(host = %self.name(), "connected");
                self.tell(HostEvent::Connected {
                    host: self.name().clone(),
                });
            }
            Err(error) => {
                let Some(penalty) = self.link.failed(epoch, error, now, random()) else {
                    return;
                };
                tracing::warn!(host = %self.name(), phase = penalty.error.phase.label(), error = %penalty.error, "cannot connect");
                self.refuse_waiting(&FleetError::Unreachable {
                    host: self.name().clone(),
                    error: Box::new(penalty.error.clone()),
                    retry_after: Some(penalty.until.saturating_duration_since(now)),
                });
                self.tell(HostEvent::Penalised {
                    host: self.name().clone(),
                    penalty,
                });
            }
        }
        self.tell_state();
    }

    /// A connection ended that was not asked to. Running jobs see their channels end and say so
    /// themselves; what still waits never started, and gets a new connection.
    pub(super) fn connection_ended(&mut self, me: &ActorRef<Msg>, session: Option<Arc<Session>>) {
        if session.is_none() {
            return;
        }
        tracing::warn!(host = %self.name(), "connection lost");
        self.context.metrics.connection_down(true);
        self.tell(HostEvent::Lost {
            host: self.name().clone(),
        });
        if matches!(self.files, Files::Opening) {
            self.reads_unserved();
        }
        self.files = Files::Absent;
        self.forget_shells();
        self.ahead = Ahead::Nothing;
        self.reconnect(me);
    }

    /// Calls that wait, for work or for nothing but the connection.
    fn waiting(&self) -> usize {
        self.commands.waiting() + self.reads.waiting() + self.reaching.len()
    }

    /// Dials again if anything waits.
    pub(super) fn reconnect(&mut self, me: &ActorRef<Msg>) {
        self.purge();
        if self.waiting() > 0
            && let Err(error) = self.admit(me)
        {
            self.refuse_waiting(&error);
        }
        self.tell_state();
    }
}

/// A number in `0.0..1.0` for the jitter of the backoff; its quality hardly matters.
fn random() -> f64 {
    let mut bytes = [0_u8; 4];
    match getrandom::fill(&mut bytes) {
        Ok(()) => f64::from(u32::from_le_bytes(bytes)) / (f64::from(u32::MAX) + 1.0),
        Err(_) => 0.5,
    }
}
