//! A result as text: written once, into the buffer that is sent, or ready from an earlier request.
//!
//! `MethodResponse` of jsonrpsee (0.26) copies a text that is ready, and reads whatever it holds once
//! more to see that it is JSON. So results travel beside it, in its extensions.

use std::io::{self, Write};
use std::sync::{Arc, PoisonError, RwLock};

use bytes::Bytes;
use jsonrpsee::MethodResponse;
use serde::Serialize;

use super::answer::Hold;
use super::dispatch::MAX_RESPONSE;
use super::era::Version;

/// Room for a text to begin with: most answers fit.
const ROOM: usize = 4 << 10;

/// Texts of lists that are kept: four versions of a few lists, where those depend on the caller.
const KEPT: usize = 32;

/// The text of a result, and the brace that closes the response it stands in.
#[derive(Debug, Clone)]
pub(super) struct Written(Bytes);

impl Written {
    /// Writes `result`. The text lives as long as what is held, and the other way round.
    ///
    /// Fails when it does not fit into a response, or does not serialise.
    pub(super) fn new<T: Serialize>(result: &T, hold: Hold) -> serde_json::Result<Self> {
        let mut text = Bounded(Vec::with_capacity(ROOM));
        serde_json::to_writer(&mut text, result)?;
        let Bounded(mut text) = text;
        text.push(b'}');
        Ok(Self(match hold.is_empty() {
            true => Bytes::from(text),
            false => Bytes::from_owner(Held { text, _hold: hold }),
        }))
    }

    /// A response that carries it. Whatever else it says means nothing.
    pub(super) fn carried(self) -> MethodResponse {
        let mut response = MethodResponse::notification();
        response.extensions_mut().insert(self);
        response
    }

    /// What `response` carries.
    pub(super) fn taken_from(response: &mut MethodResponse) -> Option<Self> {
        response.extensions_mut().remove()
    }

    /// The response to the request whose id has this text.
    pub(super) fn into_response(self, id: &str) -> Vec<Bytes> {
        let head = [r#"{"jsonrpc":"2.0","id":"#, id, r#","result":"#].concat();
        vec![Bytes::from(head), self.0]
    }
}

/// A text of bounded length.
struct Bounded(Vec<u8>);

impl Write for Bounded {
    fn write(&mut self, piece: &[u8]) -> io::Result<usize> {
        self.write_all(piece).map(|()| piece.len())
    }

    fn write_all(&mut self, piece: &[u8]) -> io::Result<()> {
        if self.0.len() + piece.len() > MAX_RESPONSE {
            return Err(io::ErrorKind::FileTooLarge.into());
        }
        self.0.extend_from_slice(piece);
        Ok(())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// A text and what must not be let go before it.
struct Held {
    text: Vec<u8>,
    _hold: Hold,
}

impl AsRef<[u8]> for Held {
    fn as_ref(&self) -> &[u8] {
        &self.text
    }
}

/// Lists that have been written, by the list itself: a catalogue that gives the same one again, or
/// the same one to callers of the same rights, has it written once for each version.
#[derive(Debug)]
pub(super) struct Lists<T>(RwLock<Vec<Known<T>>>);

#[derive(Debug)]
struct Known<T> {
    list: Arc<[T]>,
    version: Version,
    written: Written,
}

impl<T> Default for Lists<T> {
    fn default() -> Self {
        Self(RwLock::new(Vec::new()))
    }
}

impl<T> Lists<T> {
    /// The text of `list` for `version`, which `write` makes if nobody asked for it before.
    pub(super) fn written<E>(
        &self,
        list: &Arc<[T]>,
        version: Version,
        write: impl FnOnce() -> Result<Written, E>,
    ) -> Result<Written, E> {
        // A list that is kept here is not freed, so its place in memory is its identity.
        let is_it = |known: &&Known<T>| known.version == version && Arc::ptr_eq(&known.list, list);
        let all = self.0.read().unwrap_or_else(PoisonError::into_inner);
        if let Some(known) = all.iter().find(is_it) {
            return Ok(known.written.clone());
        }
        drop(all);
        let written = write()?;
        let mut all = self.0.write().unwrap_or_else(PoisonError::into_inner);
        if all.len() >= KEPT {
            all.remove(0);
        }
        all.push(Known {
            list: Arc::clone(list),
            version,
            written: written.clone(),
        });
        Ok(written)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn text(written: Written) -> String {
        String::from_utf8(written.into_response("7").concat()).unwrap()
    }

    #[test]
    fn a_result_becomes_a_response() {
        let written = Written::new(&["a"], Hold::default()).unwrap();
        let response = text(written);
        assert_eq!(response, r#"{"jsonrpc":"2.0","id":7,"result":["a"]}"#);
    }

    #[test]
    fn what_does_not_serialise_is_an_error() {
        let keys = std::collections::BTreeMap::from([(vec![1], 1)]);
        assert!(Written::new(&keys, Hold::default()).is_err());
    }

    #[test]
    fn a_list_is_written_once_for_each_version() {
        let lists = Lists::default();
        let (one, other): (Arc<[u8]>, Arc<[u8]>) = (Arc::new([1]), Arc::new([1]));
        let mut times = 0;
        let mut ask = |list: &Arc<[u8]>, version| {
            let written = lists.written(list, version, || {
                times += 1;
                Written::new(&(times, list), Hold::default())
            });
            text(written.unwrap())
        };
        let first = ask(&one, Version::V20260728);
        assert_eq!(ask(&one, Version::V20260728), first);
        assert_ne!(ask(&one, Version::V20250618), first);
        assert_ne!(ask(&other, Version::V20260728), first);
        for _ in 0..KEPT {
            ask(&Arc::from([2]), Version::V20260728);
        }
        assert_ne!(ask(&one, Version::V20260728), first, "forgotten by now");
    }
}
