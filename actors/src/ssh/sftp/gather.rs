//! The bytes of a part of a file, from what is to be asked for to the answer.
//!
//! A part is asked for in rounds: as many requests at once as the size of the file promises. The
//! size only guides; the end is where the host says it is. Pure.

use super::packet::{FX_EOF, Malformed, Reply};
use super::{SftpError, refused};
use crate::file::Part;

/// Requests of one read under way at once.
const AHEAD: u64 = 8;

/// Memory taken for a part before any of it is there, at most.
const ROOM: u64 = 1 << 20;

/// Requests that go out together: from `offset` on, `count` of them with `chunk` bytes each, and
/// no more than `want` in all.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Round {
    pub(super) offset: u64,
    want: u64,
    chunk: u32,
    pub(super) count: u32,
}

impl Round {
    /// Where each request begins, and how much it asks for.
    pub(super) fn requests(self) -> impl Iterator<Item = (u64, u32)> {
        let chunk = u64::from(self.chunk);
        (0..u64::from(self.count)).map(move |n| {
            let at = n * chunk;
            let length = self.want.saturating_sub(at).min(chunk);
            (
                self.offset.saturating_add(at),
                u32::try_from(length).unwrap_or(self.chunk),
            )
        })
    }
}

/// A part of a file being read.
#[derive(Debug)]
pub(super) struct Gather {
    offset: u64,
    limit: u64,
    size: u64,
    chunk: u32,
    bytes: Vec<u8>,
    is_ended: bool,
}

impl Gather {
    /// A part of a file whose size is said to be `size`, asked for in pieces of `chunk` bytes.
    pub(super) fn new(part: Part, size: u64, chunk: u32) -> Self {
        let (offset, limit) = match part {
            Part::From { offset, limit } => (offset, limit),
            Part::Tail { limit } => (size.saturating_sub(limit), limit),
        };
        Self {
            offset,
            limit,
            size,
            chunk,
            bytes: Vec::new(),
            is_ended: false,
        }
    }

    /// Where the part begins.
    pub(super) fn offset(&self) -> u64 {
        self.offset
    }

    /// What is to be asked for next.
    pub(super) fn round(&self) -> Round {
        let have = self.bytes.len() as u64;
        // One byte past the limit tells whether the file goes on.
        let want = self.limit.saturating_add(1).saturating_sub(have);
        let chunk = u64::from(self.chunk);
        // As many as the size promises, the last of which meets the end.
        let count = (self.promised() / chunk + 1).min(want.div_ceil(chunk));
        Round {
            offset: self.offset.saturating_add(have),
            want,
            chunk: self.chunk,
            count: u32::try_from(count.min(AHEAD)).unwrap_or(1),
        }
    }

    /// Whether the next round is the last one, should the size be true.
    pub(super) fn ends_with_next(&self) -> bool {
        self.size > 0 && self.promised() / u64::from(self.chunk) < AHEAD
    }

    /// What is still to come of the part, going by the size.
    fn promised(&self) -> u64 {
        let part = self.size.saturating_sub(self.offset).min(self.limit);
        part.saturating_sub(self.bytes.len() as u64)
    }

    /// Takes the answers to a round.
    pub(super) fn take(
        &mut self,
        round: Round,
        replies: impl IntoIterator<Item = Reply>,
    ) -> Result<(), SftpError> {
        if self.bytes.capacity() == 0 {
            let room = self.promised().min(ROOM);
            self.bytes.reserve(usize::try_from(room).unwrap_or(0));
        }
        for ((_, length), reply) in round.requests().zip(replies) {
            match reply {
                Reply::Data(data) if data.is_empty() || data.len() > length as usize => {
                    return Err(Malformed("it sent another amount than was asked for").into());
                }
                Reply::Data(data) => {
                    self.bytes.extend_from_slice(&data);
                    // Behind a gap the rest of this round is of no use; it is asked for again.
                    if data.len() < length as usize {
                        let at = self.offset.saturating_add(self.bytes.len() as u64);
                        self.is_ended = at == self.size;
                        return Ok(());
                    }
                }
                Reply::Status { code: FX_EOF, .. } => {
                    self.is_ended = true;
                    return Ok(());
                }
                other => return Err(refused(other)),
            }
        }
        Ok(())
    }

    /// Whether all of the part is there.
    pub(super) fn is_complete(&self) -> bool {
        self.is_ended || self.bytes.len() as u64 > self.limit
    }

    /// The bytes of the part, and whether the file goes on behind them.
    pub(super) fn finish(mut self) -> (Vec<u8>, bool) {
        let limit = usize::try_from(self.limit).unwrap_or(usize::MAX);
        let more = self.bytes.len() > limit;
        self.bytes.truncate(limit);
        (self.bytes, more)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use bytes::Bytes;
    use proptest::prelude::*;

    fn eof() -> Reply {
        Reply::Status {
            code: FX_EOF,
            message: String::new(),
        }
    }

    /// What a host with this file answers that gives no more than `most` at once.
    fn answer(file: &[u8], (offset, length): (u64, u32), most: usize) -> Reply {
        let left = file.get(offset as usize..).unwrap_or_default();
        match &left[..left.len().min(length as usize).min(most)] {
            [] => eof(),
            data => Reply::Data(Bytes::copy_from_slice(data)),
        }
    }

    /// Reads a part; also says in how many rounds.
    fn read(file: &[u8], part: Part, said: u64, most: usize) -> (Vec<u8>, bool, usize) {
        let mut gather = Gather::new(part, said, 100);
        let mut rounds = 0;
        while !gather.is_complete() {
            rounds += 1;
            let round = gather.round();
            let replies = round.requests().map(|request| answer(file, request, most));
            gather.take(round, replies).unwrap();
        }
        let (bytes, more) = gather.finish();
        (bytes, more, rounds)
    }

    proptest! {
        #[test]
        fn a_part_is_exact_whatever_size_is_said_and_however_little_is_given(
            file in proptest::collection::vec(any::<u8>(), 0..2_000),
            offset in 0_u64..2_500,
            limit in 0_u64..2_500,
            lie in 0_u64..3_000,
            truly in any::<bool>(),
            most in 1_usize..200,
        ) {
            // A host that gives less than there is ends nowhere by accident: it says the true size.
            let (said, most) = if truly { (file.len() as u64, most) } else { (lie, 100) };
            let (bytes, more, _) = read(&file, Part::From { offset, limit }, said, most);
            let left = file.get(offset as usize..).unwrap_or_default();
            let kept = left.len().min(limit as usize);
            prop_assert_eq!(&bytes[..], &left[..kept]);
            prop_assert_eq!(more, left.len() > kept);
            if truly {
                let (bytes, more, _) = read(&file, Part::Tail { limit }, said, most);
                prop_assert_eq!(&bytes[..], &file[file.len() - file.len().min(limit as usize)..]);
                prop_assert!(!more);
            }
        }

        #[test]
        fn one_round_is_enough_where_it_is_said_to_be(size in 1_usize..1_200, offset in 0_u64..1_300, limit in 0_u64..1_200) {
            let file = vec![7; size];
            let part = Part::From { offset, limit };
            let gather = Gather::new(part, size as u64, 100);
            let (_, _, rounds) = read(&file, part, size as u64, 100);
            prop_assert_eq!(gather.ends_with_next(), rounds == 1);
        }
    }

    #[test]
    fn a_small_file_takes_one_request_and_an_unsized_one_is_asked_for_its_end() {
        let all = Part::From {
            offset: 0,
            limit: 5_000,
        };
        let requests = |size| Gather::new(all, size, 100).round().count;
        assert_eq!(
            [requests(0), requests(99), requests(100), requests(350)],
            [1, 1, 2, 4]
        );
        assert_eq!(requests(4_000), 8);
        assert!(!Gather::new(all, 0, 100).ends_with_next());
        assert_eq!(
            read(b"content", all, 0, 100),
            (b"content".to_vec(), false, 2)
        );
        assert_eq!(read(b"", all, 0, 100), (Vec::new(), false, 1));
        assert_eq!(read(b"content", all, 4096, 100).2, 2);
    }

    #[test]
    fn no_answer_is_longer_or_emptier_than_it_may_be() {
        let all = Part::From {
            offset: 0,
            limit: 50,
        };
        for data in [&[0_u8; 52][..], b""] {
            let mut gather = Gather::new(all, 10, 100);
            let round = gather.round();
            let taken = gather.take(round, [Reply::Data(Bytes::copy_from_slice(data))]);
            assert!(taken.is_err());
        }
        let mut gather = Gather::new(all, 10, 100);
        let round = gather.round();
        let odd = Reply::Status {
            code: 4,
            message: "no".into(),
        };
        assert!(gather.take(round, [odd]).is_err());
    }
}
