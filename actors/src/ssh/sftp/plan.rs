//! What goes out in one breath to find out what is at a path, and to read it.
//!
//! A look at the path always comes first, and nothing is opened as a file that was not just seen
//! to be one: opening a FIFO can block the host's server for ever, and opening a device can have an
//! effect. A directory is opened as one, which fails on anything else. Pure.

use super::gather::{Gather, Round};
use super::packet::{FX_EOF, Reply};
use super::seen::Known;
use crate::file::{Attributes, Kind, Part};

/// Requests for the entries of a directory that go out before it is known to be one: one that
/// meets most directories whole (OpenSSH gives 100 entries at once), and one that meets the end.
pub(super) const FEW: u32 = 2;

/// As many of them go out at once where a directory is known to be large.
pub(super) const MANY: u32 = 16;

/// What a visit to a path is for.
#[derive(Debug, Clone, Copy)]
pub(super) enum Aim {
    /// To see what is there, and to have this part of it should it be a file.
    Look { part: Part, chunk: u32 },
    /// To have these bytes of what was just seen to be a regular file.
    File {
        round: Round,
        /// Whether they should be all that is needed.
        closes: bool,
        /// Whether its size did not tell where it ends.
        is_unsized: bool,
    },
    /// To have the entries of what was just seen to be a directory, by this many requests.
    Directory { requests: u32, closes: bool },
}

/// As what a path is opened.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Opens {
    File,
    Directory,
}

/// What is asked of the handle foretold.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Ahead {
    Nothing,
    Reads(Round),
    Entries(u32),
}

/// The requests of one visit, in this order: a look, an open, what is asked ahead, a close.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Plan {
    pub(super) looks: bool,
    pub(super) opens: Opens,
    pub(super) ahead: Ahead,
    pub(super) closes: bool,
}

impl Plan {
    /// What to send, going by what was seen there before and whether the handle is foretold.
    pub(super) fn new(aim: Aim, known: Option<Known>, is_foretold: bool) -> Self {
        let (looks, opens, ahead, closes) = match (aim, known) {
            (Aim::Look { part, chunk }, Some(Known::File(size))) => {
                let gather = Gather::new(part, size, chunk);
                let ahead = Ahead::Reads(gather.round());
                (true, Opens::File, ahead, gather.ends_with_next())
            }
            // Where its end begins, only its size tells.
            (
                Aim::Look {
                    part: Part::Tail { .. },
                    ..
                },
                Some(Known::Unsized),
            ) => (true, Opens::File, Ahead::Nothing, false),
            (Aim::Look { part, chunk }, Some(Known::Unsized)) => {
                let ahead = Ahead::Reads(Gather::new(part, 0, chunk).round());
                (true, Opens::File, ahead, false)
            }
            (Aim::Look { .. }, Some(Known::Directory(requests))) => {
                let ahead = Ahead::Entries(requests.clamp(1, MANY));
                (true, Opens::Directory, ahead, requests <= MANY)
            }
            (Aim::Look { .. }, None) => (true, Opens::Directory, Ahead::Entries(FEW), true),
            (Aim::File { round, closes, .. }, _) => {
                (false, Opens::File, Ahead::Reads(round), closes)
            }
            (Aim::Directory { requests, closes }, _) => {
                let ahead = Ahead::Entries(requests);
                (false, Opens::Directory, ahead, closes)
            }
        };
        Self {
            looks,
            opens,
            ahead: match is_foretold {
                true => ahead,
                false => Ahead::Nothing,
            },
            closes: closes && is_foretold,
        }
    }

    /// How many answers there will be. Nobody waits for that to the close.
    pub(super) fn answers(&self) -> u32 {
        let ahead = match self.ahead {
            Ahead::Nothing => 0,
            Ahead::Reads(round) => round.count,
            Ahead::Entries(requests) => requests,
        };
        u32::from(self.looks) + 1 + ahead
    }

    /// Whether the host's server may stand still in the middle of it, now that the look at the
    /// path has been answered.
    pub(super) fn may_block(&self, there: &Attributes) -> bool {
        let harmless = matches!(there.kind(), Kind::File | Kind::Directory);
        self.looks && self.opens == Opens::File && !harmless
    }
}

/// What to remember of a path now that there is an answer to a look at it.
pub(super) fn known(there: &Attributes, before: Option<Known>, ahead: &[Reply]) -> Option<Known> {
    match (there.kind(), there.size) {
        (Kind::File, None | Some(0)) => Some(Known::Unsized),
        (Kind::File, Some(_)) if before == Some(Known::Unsized) => before,
        (Kind::File, Some(size)) => Some(Known::File(size)),
        (Kind::Directory, _) => match (known_directory(ahead), before) {
            (None, Some(Known::Directory(_))) => before,
            (None, _) => Some(Known::Directory(FEW)),
            (known, _) => known,
        },
        _ => None,
    }
}

/// What to remember of a directory that was asked for its entries, if it was.
pub(super) fn known_directory(ahead: &[Reply]) -> Option<Known> {
    let asked = u32::try_from(ahead.len()).ok().filter(|asked| *asked > 0)?;
    let is_end = |reply: &Reply| matches!(reply, Reply::Status { code: FX_EOF, .. });
    let requests = match ahead.iter().position(is_end) {
        Some(end) => u32::try_from(end).unwrap_or(MANY) + 1,
        None => (asked * 4).min(MANY + 1),
    };
    Some(Known::Directory(requests))
}

#[cfg(test)]
mod tests {
    use super::*;

    const LOOK: Aim = Aim::Look {
        part: Part::From {
            offset: 0,
            limit: 1000,
        },
        chunk: 100,
    };

    #[test]
    fn nothing_is_opened_as_a_file_that_was_not_seen_as_one() {
        for is_foretold in [true, false] {
            for known in [None, Some(Known::Directory(1)), Some(Known::Directory(99))] {
                let plan = Plan::new(LOOK, known, is_foretold);
                assert_eq!((plan.opens, plan.looks), (Opens::Directory, true));
            }
            for known in [Known::File(1), Known::Unsized] {
                let plan = Plan::new(LOOK, Some(known), is_foretold);
                assert_eq!((plan.opens, plan.looks), (Opens::File, true));
            }
        }
    }

    #[test]
    fn without_a_handle_nothing_is_asked_of_one() {
        for known in [None, Some(Known::File(9)), Some(Known::Directory(3))] {
            let plan = Plan::new(LOOK, known, false);
            assert_eq!((plan.ahead, plan.closes), (Ahead::Nothing, false));
            assert_eq!(plan.answers(), 2);
        }
    }

    #[test]
    fn what_is_large_or_of_no_size_stays_open() {
        let closes = |known| Plan::new(LOOK, Some(known), true).closes;
        assert!(closes(Known::File(799)) && closes(Known::Directory(MANY)));
        assert!(!closes(Known::File(800)) && !closes(Known::Unsized));
        assert!(!closes(Known::Directory(MANY + 1)));
        let answers = |known| Plan::new(LOOK, known, true).answers();
        assert_eq!((answers(Some(Known::File(9))), answers(None)), (3, 4));
        assert_eq!(answers(Some(Known::Directory(99))), 2 + MANY);
    }

    #[test]
    fn what_is_remembered_is_what_the_host_said_last() {
        let there = |mode, size| Attributes {
            mode: Some(mode),
            size: Some(size),
            ..Attributes::default()
        };
        let (file, directory) = (there(0o100_644, 7), there(0o040_755, 7));
        assert_eq!(known(&file, None, &[]), Some(Known::File(7)));
        assert_eq!(
            known(&file, Some(Known::Unsized), &[]),
            Some(Known::Unsized)
        );
        assert_eq!(known(&there(0o100_644, 0), None, &[]), Some(Known::Unsized));
        assert_eq!(known(&there(0o010_644, 0), Some(Known::File(7)), &[]), None);
        assert_eq!(
            known(&Attributes::default(), Some(Known::File(7)), &[]),
            None
        );
        let names = Reply::Names(bytes::Bytes::new());
        let end = Reply::Status {
            code: FX_EOF,
            message: String::new(),
        };
        let ended = [names.clone(), end.clone(), end];
        let more = [names.clone(), names];
        let requests = |before, ahead| known(&directory, before, ahead);
        assert_eq!(requests(None, &ended), Some(Known::Directory(2)));
        assert_eq!(requests(None, &more), Some(Known::Directory(8)));
        let large = Some(Known::Directory(17));
        assert_eq!(requests(large, &[]), large);
        assert_eq!(requests(None, &[]), Some(Known::Directory(FEW)));
    }

    #[test]
    fn only_what_is_opened_blindly_can_block() {
        let fifo = Attributes {
            mode: Some(0o010_644),
            ..Attributes::default()
        };
        let blocks = |known| Plan::new(LOOK, known, true).may_block(&fifo);
        assert!(blocks(Some(Known::File(9))) && !blocks(None));
        assert!(!blocks(Some(Known::Directory(2))));
    }
}
