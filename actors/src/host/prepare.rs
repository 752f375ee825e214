//! What a host gets ready for calls that have not come yet: the connection, if the registry wants it
//! warm, and behind it, or behind the first call of any connection, what its callers use: the SFTP
//! channel where they read files.
//!
//! Nothing here is in the way of a call. What a call needs itself it opens itself; a channel that was
//! opened ahead and that no read has used yet is given up for a command that finds none.

use super::{Files, HostEvent, Msg, State};
use crate::ssh::Session;
use crate::ssh::sftp::{Sftp, SftpError};
use futures_util::FutureExt;
use ractor::ActorRef;
use std::panic::AssertUnwindSafe;
use std::sync::Arc;
use tokio::time::Instant;

/// How far the current connection is prepared for what follows its first call.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(super) enum Ahead {
    /// It has not served yet.
    #[default]
    Nothing,
    /// It has: now is the time.
    Due,
    /// The SFTP channel was asked for, and no read has used it.
    Asked,
    /// Done with: it is used, or was given up.
    Over,
}

impl State {
    /// The registry wants the host warm.
    pub(super) fn prepare(&mut self, me: &ActorRef<Msg>) {
        if let Some(epoch) = self.link.warm(Instant::now()) {
            self.dial(me, epoch);
        }
        self.served();
        // Whatever comes of it: the registry waits for a word.
        self.tell_state();
    }

    /// The connection served its first call, or there is none that could be delayed.
    pub(super) fn served(&mut self) {
        if self.ahead == Ahead::Nothing {
            self.ahead = Ahead::Due;
        }
    }

    /// Opens what the next calls will need. This is the place for all that is opened ahead.
    pub(super) fn look_ahead(&mut self, me: &ActorRef<Msg>) {
        if self.ahead != Ahead::Due {
            return;
        }
        let Some(session) = self.link.session().cloned() else {
            return;
        };
        self.ahead = match self.files {
            Files::Absent if self.is_read => Ahead::Asked,
            _ => Ahead::Over,
        };
        if self.ahead == Ahead::Asked {
            self.files = Files::Opening;
            let (me, epoch) = (me.clone(), self.link.epoch());
            self.jobs.spawn(async move {
                let opened = AssertUnwindSafe(open(&session)).catch_unwind();
                let opened = opened.await.unwrap_or(Err(SftpError::Lost));
                let _sent = me.cast(Msg::FilesOpened(epoch, opened));
            });
        }
    }

    /// Whether SFTP was asked for ahead, and nobody has asked for it since: then its failure is
    /// nobody's.
    pub(super) fn is_for_nobody(&self) -> bool {
        self.ahead == Ahead::Asked && self.reads.waiting() == 0
    }

    /// A read has the SFTP channel.
    pub(super) fn files_used(&mut self) {
        self.ahead = Ahead::Over;
        if !self.is_read {
            self.is_read = true;
            self.tell(HostEvent::Read {
                host: self.name().clone(),
            });
        }
    }

    /// A command found no channel: gives up one that was opened ahead and has not been used. False
    /// if there is none.
    pub(super) fn give_up_ahead(&mut self) -> bool {
        let spare = self.is_for_nobody() && matches!(self.files, Files::Open(_));
        if spare {
            (self.files, self.ahead) = (Files::Absent, Ahead::Over);
        }
        spare
    }
}

/// One attempt: a host that has no channel to spare is not pressed.
async fn open(session: &Arc<Session>) -> Result<Sftp, SftpError> {
    Sftp::open(session).await
}
