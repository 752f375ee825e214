//! What callers hand to the task of a channel, and what they get back.

use super::exchange::NOBODY;
use crate::ssh::sftp::SftpError;
use crate::ssh::sftp::packet::{Handle, Reply, Request};
use crate::ssh::sftp::plan::{Ahead, Aim, Plan};
use bytes::{Bytes, BytesMut};
use tokio::sync::oneshot;

/// Who waits for one answer.
pub(super) type Answer = oneshot::Sender<Result<Reply, SftpError>>;

/// Something to be asked.
pub(super) enum Message {
    /// One request, whose id is still to be set, and data that follows it.
    One {
        packet: BytesMut,
        data: Bytes,
        effect: Effect,
        answer: Option<Answer>,
    },
    /// A visit to a path.
    Visit {
        path: Vec<u8>,
        aim: Aim,
        answer: oneshot::Sender<Result<Visited, SftpError>>,
    },
}

/// What a request does to the host's table of handles.
pub(super) enum Effect {
    None,
    Opens,
    Closes(Handle),
}

impl Message {
    /// A request, with room for `behind` bytes of data in the same packet of SSH.
    pub(super) fn one(request: Request<'_>, behind: usize, answer: Option<Answer>) -> Self {
        let effect = match request {
            Request::Open { .. } | Request::OpenDir(_) => Effect::Opens,
            Request::Close(handle) => Effect::Closes(Bytes::copy_from_slice(handle)),
            _ => Effect::None,
        };
        let mut packet = BytesMut::with_capacity(64 + behind);
        request.encode(NOBODY, &mut packet);
        Self::One {
            packet,
            data: Bytes::new(),
            effect,
            answer,
        }
    }

    /// Tells who asked why there will be no answer.
    pub(super) fn fail(self, error: SftpError) {
        match self {
            Self::One { answer, .. } => {
                let _caller_left = answer.map(|answer| answer.send(Err(error)));
            }
            Self::Visit { answer, .. } => drop(answer.send(Err(error))),
        }
    }
}

/// What was found at a path.
pub(in crate::ssh::sftp) struct Visited {
    /// What was asked, as far as the answers are of use.
    pub(in crate::ssh::sftp) plan: Plan,
    pub(in crate::ssh::sftp) look: Option<Reply>,
    /// Missing where the host's server stands still.
    pub(in crate::ssh::sftp) open: Option<Reply>,
    /// The answers to what was asked ahead, in order; none unless the open succeeded.
    pub(in crate::ssh::sftp) ahead: Vec<Reply>,
    /// Whether the host's server stands still: it was asked to open what is no file.
    pub(in crate::ssh::sftp) is_stuck: bool,
}

impl Visited {
    /// The handle that is still to be closed.
    pub(in crate::ssh::sftp) fn left_open(&self) -> Option<&Handle> {
        match &self.open {
            Some(Reply::Handle(handle)) if !self.plan.closes => Some(handle),
            _ => None,
        }
    }

    /// The answers of a directory.
    pub(super) fn entries(&self) -> &[Reply] {
        match self.plan.ahead {
            Ahead::Entries(_) => &self.ahead,
            _ => &[],
        }
    }
}
