//! Packets cut from the stream of a channel, however it arrives in pieces. Pure.

use crate::ssh::sftp::packet::Malformed;
use bytes::{Buf, Bytes, BytesMut};

/// The longest packet taken: what OpenSSH sends at most (sftp-common.h, `SFTP_MAX_MSG_LENGTH`).
const MAX_PACKET: usize = 256 * 1024;

/// What has arrived and was not taken yet.
#[derive(Debug, Default)]
pub(super) struct Frames {
    /// The beginning of a packet whose rest is still to come.
    begun: BytesMut,
    /// What came last, and belongs behind that. Whole packets are cut from here without a copy.
    fresh: Bytes,
}

impl Frames {
    /// Takes what arrived.
    pub(super) fn push(&mut self, data: Bytes) {
        if self.begun.is_empty() && self.fresh.is_empty() {
            self.fresh = data;
        } else {
            let fresh = std::mem::take(&mut self.fresh);
            self.begun.extend_from_slice(&fresh);
            self.begun.extend_from_slice(&data);
        }
    }

    /// The next packet that is whole, without its length.
    pub(super) fn next(&mut self) -> Result<Option<Bytes>, Malformed> {
        if !self.begun.is_empty() {
            let Some(length) = length(&self.begun)? else {
                return Ok(None);
            };
            if self.begun.len() < 4 + length {
                self.begun.reserve(4 + length - self.begun.len());
                return Ok(None);
            }
            let mut whole = std::mem::take(&mut self.begun).freeze();
            whole.advance(4);
            let packet = whole.split_to(length);
            self.fresh = whole;
            return Ok(Some(packet));
        }
        match length(&self.fresh)? {
            Some(length) if self.fresh.len() >= 4 + length => {
                self.fresh.advance(4);
                Ok(Some(self.fresh.split_to(length)))
            }
            _ => {
                // What is left must not keep the memory of all that came with it.
                self.begun = BytesMut::from(&std::mem::take(&mut self.fresh)[..]);
                Ok(None)
            }
        }
    }
}

fn length(bytes: &[u8]) -> Result<Option<usize>, Malformed> {
    let Some(mut field) = bytes.get(..4) else {
        return Ok(None);
    };
    match field.get_u32() as usize {
        length if length > MAX_PACKET => Err(Malformed("a packet is longer than 256 KiB")),
        length => Ok(Some(length)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn framed(packets: &[Vec<u8>]) -> Vec<u8> {
        let frame = |packet: &Vec<u8>| [&(packet.len() as u32).to_be_bytes(), &packet[..]].concat();
        packets.iter().flat_map(frame).collect()
    }

    proptest! {
        #[test]
        fn packets_are_the_same_however_they_arrive(
            packets in proptest::collection::vec(proptest::collection::vec(any::<u8>(), 0..300), 0..20),
            cuts in proptest::collection::vec(1_usize..400, 1..60),
            patient in any::<bool>(),
        ) {
            let stream = framed(&packets);
            let (mut frames, mut taken, mut at) = (Frames::default(), Vec::new(), 0);
            for cut in cuts.iter().cycle() {
                let piece = &stream[at..stream.len().min(at + cut)];
                at += piece.len();
                frames.push(Bytes::copy_from_slice(piece));
                // Whoever reads takes what is there now or later.
                while !patient && let Some(packet) = frames.next().unwrap() {
                    taken.push(packet.to_vec());
                }
                if at == stream.len() {
                    break;
                }
            }
            while let Some(packet) = frames.next().unwrap() {
                taken.push(packet.to_vec());
            }
            prop_assert_eq!(taken, packets);
            prop_assert!(frames.begun.is_empty() && frames.fresh.is_empty());
        }
    }

    #[test]
    fn a_length_is_checked_before_it_is_used() {
        let mut frames = Frames::default();
        frames.push(Bytes::from_static(&[0, 4, 0, 1]));
        assert!(frames.next().is_err());
        let mut frames = Frames::default();
        frames.push(Bytes::from_static(&[0, 4]));
        assert_eq!(frames.next(), Ok(None));
        frames.push(Bytes::from_static(&[0, 0]));
        assert_eq!(frames.next(), Ok(None));
        frames.push(Bytes::from_static(&[0]));
        assert_eq!(frames.next(), Ok(None));
    }
}
