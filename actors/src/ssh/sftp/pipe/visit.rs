//! One visit to a path, from the packets it sends to the answers it gets.

use super::exchange::NOBODY;
use super::message::Visited;
use crate::ssh::sftp::SftpError;
use crate::ssh::sftp::handles;
use crate::ssh::sftp::packet::{Access, Change, Reply, Request};
use crate::ssh::sftp::plan::{Ahead, Opens, Plan};
use bytes::BytesMut;
use tokio::sync::oneshot;

/// Who waits for what was found.
pub(super) type Answer = oneshot::Sender<Result<Visited, SftpError>>;

/// A visit whose answers are under way.
pub(super) struct UnderWay {
    path: Vec<u8>,
    plan: Plan,
    foretold: Option<[u8; 4]>,
    replies: Vec<Option<Reply>>,
    missing: usize,
    answer: Answer,
}

impl UnderWay {
    /// Writes the packets of a visit, whose ids begin with `first`. What is asked of the handle
    /// foretold is only written where there is one.
    pub(super) fn send(
        path: Vec<u8>,
        plan: Plan,
        foretold: Option<u32>,
        answer: Answer,
        first: u32,
        out: &mut BytesMut,
    ) -> Self {
        let mut id = first;
        let mut put = |request: Request<'_>| {
            request.encode(id, out);
            id += 1;
        };
        if plan.looks {
            put(Request::Stat(&path));
        }
        put(match plan.opens {
            Opens::Directory => Request::OpenDir(&path),
            Opens::File => Request::Open {
                path: &path,
                access: Access::Read,
                change: Change::default(),
            },
        });
        let foretold = foretold.map(handles::handle);
        if let Some(handle) = &foretold {
            match plan.ahead {
                Ahead::Nothing => {}
                Ahead::Entries(requests) => {
                    (0..requests).for_each(|_| put(Request::ReadDir(handle)));
                }
                Ahead::Reads(round) => {
                    for (offset, length) in round.requests() {
                        put(Request::Read {
                            handle,
                            offset,
                            length,
                        });
                    }
                }
            }
            if plan.closes {
                Request::Close(handle).encode(NOBODY, out);
            }
        }
        let answers = plan.answers() as usize;
        Self {
            path,
            plan,
            foretold,
            replies: (0..answers).map(|_| None).collect(),
            missing: answers,
            answer,
        }
    }

    /// Which of the answers is that to the open.
    pub(super) fn nth_of_open(&self) -> u32 {
        u32::from(self.plan.looks)
    }

    /// The id of the open.
    pub(super) fn open_id(&self, first: u32) -> u32 {
        first + self.nth_of_open()
    }

    /// Whether it closes what it opens.
    pub(super) fn is_closed(&self) -> bool {
        self.plan.closes
    }

    /// Whether the answer to the open is as foretold: that handle, or none.
    pub(super) fn is_foretold(&self, opened: &Reply) -> bool {
        match (opened, &self.foretold) {
            (Reply::Handle(handle), Some(foretold)) => handle[..] == foretold[..],
            (Reply::Handle(_), None) => false,
            _ => true,
        }
    }

    /// Takes the `nth` answer; nothing if there is no such answer to come.
    pub(super) fn take(&mut self, nth: u32, reply: Reply) -> Option<()> {
        let place = self.replies.get_mut(nth as usize)?;
        if place.is_some() {
            return None;
        }
        *place = Some(reply);
        self.missing -= 1;
        Some(())
    }

    /// Whether every answer is there.
    pub(super) fn is_whole(&self) -> bool {
        self.missing == 0
    }

    /// Whether the host's server may stand still with it.
    pub(super) fn is_stuck(&self) -> bool {
        match self.replies.first() {
            Some(Some(Reply::Attributes(there))) => self.plan.may_block(there),
            _ => false,
        }
    }

    /// What was found. Answers by a handle that was not the one foretold are about something
    /// else, and are left out here: what was opened is then still open.
    pub(super) fn finish(self) -> (Vec<u8>, Answer, Visited) {
        let is_stuck = self.is_stuck();
        let mut plan = self.plan;
        let mut replies = self.replies.into_iter();
        let look = match plan.looks {
            true => replies.next().flatten(),
            false => None,
        };
        let open = replies.next().flatten();
        let mut ahead: Vec<Reply> = replies.flatten().collect();
        let foretold = self.foretold.as_ref().map(|handle| &handle[..]);
        if let Some(Reply::Handle(handle)) = &open
            && Some(&handle[..]) != foretold
        {
            (plan.ahead, plan.closes) = (Ahead::Nothing, false);
        }
        if plan.ahead == Ahead::Nothing || !matches!(open, Some(Reply::Handle(_))) {
            ahead.clear();
        }
        let visited = Visited {
            plan,
            look,
            open,
            ahead,
            is_stuck,
        };
        (self.path, self.answer, visited)
    }

    /// Tells the caller why there is no answer; false if it has left.
    pub(super) fn fail(self, error: SftpError) -> bool {
        self.answer.send(Err(error)).is_ok()
    }
}
