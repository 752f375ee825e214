//! What is under way on a channel: which answer belongs to whom, and what the answers teach.
//!
//! Requests get their ids here, in the order in which they are sent, and so this is the one place
//! that knows the host's table of handles. It sends nothing itself: bytes go out through a buffer
//! it is given, and packets come in one by one.

use super::message::{Answer, Effect, Message, Visited};
use super::visit::UnderWay;
use crate::ssh::sftp::SftpError;
use crate::ssh::sftp::handles::Handles;
use crate::ssh::sftp::packet::{Handle, Malformed, Reply, Request};
use crate::ssh::sftp::plan::{self, Aim, Opens, Plan};
use crate::ssh::sftp::seen::{Known, Seen};
use bytes::{Bytes, BytesMut};
use std::collections::VecDeque;
use tokio::sync::oneshot;
use tokio::time::Instant;

/// The id of requests nobody waits for.
pub(super) const NOBODY: u32 = 0;

/// All that is under way.
pub(super) struct Exchange {
    next: u32,
    /// In the order of their ids.
    waiting: VecDeque<Waiting>,
    handles: Handles,
    seen: Seen,
}

/// Who waits for the answers to the ids from `first` on.
struct Waiting {
    first: u32,
    who: Who,
}

enum Who {
    One { opens: bool, answer: Answer },
    Visit(Box<UnderWay>),
}

/// What becomes of the channel.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Next {
    GoesOn,
    /// The server stands still, and will not answer.
    IsStuck,
}

impl Exchange {
    /// Nothing is under way. Handles are foretold if there are `hopes` of that.
    pub(super) fn new(hopes: bool, now: Instant) -> Self {
        Self {
            next: NOBODY + 1,
            waiting: VecDeque::new(),
            handles: Handles::new(hopes),
            seen: Seen::new(now),
        }
    }

    /// Writes what is asked to `out`; gives back data that goes out behind it.
    pub(super) fn ask(&mut self, message: Message, out: &mut BytesMut, now: Instant) -> Bytes {
        match message {
            Message::One {
                mut packet,
                data,
                effect,
                answer,
            } => {
                if let Some(answer) = answer {
                    let id = self.ids(1);
                    // Behind the length and the kind (draft §3).
                    if let Some(field) = packet.get_mut(5..9) {
                        field.copy_from_slice(&id.to_be_bytes());
                    }
                    let opens = matches!(effect, Effect::Opens);
                    if opens {
                        self.handles.opening(id);
                    }
                    let who = Who::One { opens, answer };
                    self.waiting.push_back(Waiting { first: id, who });
                }
                if let Effect::Closes(handle) = effect {
                    self.handles.closing(&handle);
                }
                match out.is_empty() {
                    true => *out = packet,
                    false => out.extend_from_slice(&packet),
                }
                data
            }
            // Who has left needs nothing to be asked.
            Message::Visit { answer, .. } if answer.is_closed() => Bytes::new(),
            Message::Visit { path, aim, answer } => {
                self.visit(path, aim, answer, out, now);
                Bytes::new()
            }
        }
    }

    fn visit(
        &mut self,
        path: Vec<u8>,
        aim: Aim,
        answer: oneshot::Sender<Result<Visited, SftpError>>,
        out: &mut BytesMut,
        now: Instant,
    ) {
        let known = self.seen.recall(&path, now);
        if let (Aim::File { is_unsized, .. }, Some(_)) = (aim, known)
            && is_unsized
        {
            self.seen.remember(&path, Known::Unsized, now);
        }
        let foretold = self.handles.predict();
        let plan = Plan::new(aim, known, foretold.is_some());
        let first = self.ids(plan.answers());
        let visit = UnderWay::send(path, plan, foretold, answer, first, out);
        if !plan.closes {
            self.handles.opening(visit.open_id(first));
        }
        let who = Who::Visit(Box::new(visit));
        self.waiting.push_back(Waiting { first, who });
    }

    /// Takes an answer. What has to be sent because of it is written to `out`.
    pub(super) fn answer(
        &mut self,
        id: u32,
        reply: Reply,
        out: &mut BytesMut,
        now: Instant,
    ) -> Result<Next, Malformed> {
        const UNASKED: Malformed = Malformed("an answer has an id nobody asked with");
        if id == NOBODY {
            return Ok(Next::GoesOn);
        }
        let at = self.find(id).ok_or(UNASKED)?;
        let Some(Waiting { first, who }) = self.waiting.get_mut(at) else {
            return Err(UNASKED);
        };
        let nth = id.wrapping_sub(*first);
        match who {
            Who::One { opens, .. } => {
                if nth > 0 {
                    return Err(UNASKED);
                }
                if *opens {
                    self.handles.opened(id, given(&reply));
                }
            }
            Who::Visit(visit) => {
                if nth == visit.nth_of_open() {
                    match visit.is_closed() {
                        // Only the handle foretold is closed behind it.
                        true if !visit.is_foretold(&reply) => self.handles.distrust(),
                        true => {}
                        false => self.handles.opened(id, given(&reply)),
                    }
                }
                visit.take(nth, reply).ok_or(UNASKED)?;
                if visit.is_stuck() {
                    self.finish(at, out, now);
                    return Ok(Next::IsStuck);
                }
                if !visit.is_whole() {
                    return Ok(Next::GoesOn);
                }
                self.finish(at, out, now);
                return Ok(Next::GoesOn);
            }
        }
        if let Some(Waiting {
            who: Who::One { answer, .. },
            ..
        }) = self.waiting.remove(at)
            // What was opened for a caller who has left is closed again.
            && let Err(Ok(Reply::Handle(handle))) = answer.send(Ok(reply))
        {
            self.close(&handle, out);
        }
        Ok(Next::GoesOn)
    }

    /// Answers a visit that has all it will get.
    fn finish(&mut self, at: usize, out: &mut BytesMut, now: Instant) {
        let Some(Waiting {
            who: Who::Visit(visit),
            ..
        }) = self.waiting.remove(at)
        else {
            return;
        };
        let (path, answer, visited) = visit.finish();
        self.learn(&path, &visited, now);
        if let Err(Ok(visited)) = answer.send(Ok(visited))
            && let Some(handle) = visited.left_open()
        {
            self.close(handle, out);
        }
    }

    fn learn(&mut self, path: &[u8], visited: &Visited, now: Instant) {
        let before = self.seen.recall(path, now);
        let known = match &visited.look {
            Some(Reply::Attributes(there)) => plan::known(there, before, visited.entries()),
            Some(_) => None,
            // It was looked at a moment ago.
            None if before.is_none() || visited.plan.opens == Opens::File => return,
            None => plan::known_directory(visited.entries()).or(before),
        };
        match known {
            Some(known) => self.seen.remember(path, known, now),
            None => self.seen.forget(path),
        }
    }

    fn close(&mut self, handle: &Handle, out: &mut BytesMut) {
        self.handles.closing(handle);
        Request::Close(handle).encode(NOBODY, out);
    }

    /// Tells everybody who waits why there will be no answer.
    pub(super) fn fail(&mut self, error: &SftpError) {
        for Waiting { who, .. } in self.waiting.drain(..) {
            let _caller_left = match who {
                Who::One { answer, .. } => answer.send(Err(error.clone())).is_ok(),
                Who::Visit(visit) => visit.fail(error.clone()),
            };
        }
    }

    /// The first of `count` ids in a row.
    fn ids(&mut self, count: u32) -> u32 {
        if self.next.checked_add(count).is_none() {
            self.next = NOBODY + 1;
        }
        let first = self.next;
        self.next += count;
        first
    }

    /// Who waits for the answer to `id`, perhaps.
    fn find(&self, id: u32) -> Option<usize> {
        // Ids go round, so what counts is how far one is from the oldest.
        let oldest = self.waiting.front()?.first;
        let age = |id: u32| id.wrapping_sub(oldest);
        let behind = self
            .waiting
            .partition_point(|waiting| age(waiting.first) <= age(id));
        behind.checked_sub(1)
    }
}

fn given(reply: &Reply) -> Option<&[u8]> {
    match reply {
        Reply::Handle(handle) => Some(handle),
        _ => None,
    }
}
