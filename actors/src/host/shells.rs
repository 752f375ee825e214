//! What a host does with shells that wait for a call: arms them behind commands, hands them out, and
//! ends them when nobody called or their channel is needed.

use super::link::Epoch;
use super::pool::{Id, Pool, Ran, until};
use super::{Files, Msg, State};
use crate::ssh::exec::Place;
use crate::ssh::shell::{ArmError, Shell, Spare};
use crate::ssh::{OpenError, Session};
use futures_util::FutureExt;
use ractor::ActorRef;
use std::panic::AssertUnwindSafe;
use std::sync::Arc;
use tokio::time::Instant;

impl State {
    /// Where the command that has just been started is to run; nowhere yet, if there is no channel
    /// for it.
    pub(super) fn place(&mut self, in_shell: Option<Ran>) -> Option<Place> {
        if let Some(ran) = in_shell {
            let serves = |shell: &mut Box<Shell>| ran == Ran::SelfContained || !shell.is_used();
            if let Some(shell) = self.loose.take_if(serves) {
                return Some(Place::Shell(shell));
            }
            if let Some(spare) = self.shells.take(ran) {
                self.context.metrics.shells_waiting(-1.0);
                return Some(Place::Spare(spare));
            }
        }
        if self.shells.held() <= self.commands.free() {
            return Some(Place::Fresh);
        }
        if let Some(spare) = self.shells.give_up() {
            self.context.metrics.shells_waiting(-1.0);
            drop(spare);
        }
        None
    }

    /// Makes up for the shells that commands end.
    pub(super) fn arm_behind(&mut self, me: &ActorRef<Msg>, ran: Ran) {
        let Some(session) = self.link.session().cloned() else {
            return;
        };
        if self.commands.waiting() > 0 {
            return;
        }
        let running = self.commands.running();
        for _ in 0..self
            .shells
            .arm(ran, running, running + self.commands.free())
        {
            let (me, session, epoch) = (me.clone(), Arc::clone(&session), self.link.epoch());
            self.jobs.spawn(async move {
                let armed = AssertUnwindSafe(arm(&session)).catch_unwind().await;
                let _sent = me.cast(Msg::Armed(epoch, armed.unwrap_or(Err(ArmError::Odd))));
            });
        }
    }

    pub(super) fn armed(&mut self, epoch: Epoch, result: Result<Box<Shell>, ArmError>) {
        if epoch != self.link.epoch() {
            return;
        }
        match result {
            Ok(shell) => {
                self.shells.armed();
                self.loose = Some(shell);
            }
            Err(ArmError::Open(OpenError::TooMany)) => {
                let running = self.commands.running();
                self.shells.refused(running);
            }
            Err(ArmError::Open(OpenError::Lost) | ArmError::Odd) => self.shells.failed(),
        }
        self.less_crowded();
    }

    /// Lets a shell that nobody needed at once wait for a call.
    pub(super) fn keep_loose(&mut self, me: &ActorRef<Msg>) {
        let Some(shell) = self.loose.take() else {
            return;
        };
        let running = self.commands.running();
        let room = self
            .shells
            .has_room(running, running + self.commands.free());
        let until = shell
            .good_until()
            .and_then(|good| until(Instant::now(), good, self.context.limits.shell_idle))
            .filter(|_| room);
        let (spare, recall) = Spare::new();
        let id = match until {
            Some(_) => {
                self.context.metrics.shells_waiting(1.0);
                self.shells.wait(spare, shell.is_used())
            }
            // It is seen to its end all the same: it holds a channel.
            None => self.shells.end(),
        };
        let until = until.unwrap_or_else(Instant::now);
        let (me, epoch) = (me.clone(), self.link.epoch());
        self.jobs.spawn(async move {
            let waited = AssertUnwindSafe(shell.wait(until, recall)).catch_unwind();
            // One that was called for is news for nobody.
            if !waited.await.unwrap_or(false) {
                let _sent = me.cast(Msg::ShellEnded(epoch, id));
            }
        });
    }

    pub(super) fn shell_ended(&mut self, epoch: Epoch, id: Id) {
        if epoch != self.link.epoch() {
            return;
        }
        let before = self.shells.waiting();
        self.shells.ended(id);
        let gone = before - self.shells.waiting();
        self.context.metrics.shells_waiting(-(gone as f64));
        self.less_crowded();
    }

    /// A channel may be free that SFTP had to wait for.
    fn less_crowded(&mut self) {
        if matches!(self.files, Files::Crowded) {
            self.files = Files::Absent;
        }
    }

    /// Gives up every shell that waits: their channels are needed for something else.
    pub(super) fn make_way(&mut self) {
        let running = self.commands.running();
        let spares = self.shells.make_way(running);
        self.context.metrics.shells_waiting(-(spares.len() as f64));
    }

    /// The connection of the shells is gone.
    pub(super) fn forget_shells(&mut self) {
        let waiting = self.shells.waiting();
        self.context.metrics.shells_waiting(-(waiting as f64));
        self.shells = Pool::new();
        self.loose = None;
    }
}

async fn arm(session: &Session) -> Result<Box<Shell>, ArmError> {
    Shell::arm(session).await.map(Box::new)
}
