//! How bytes and names that are always the same go from one replica to another. Nothing is lost on the way.

use super::text::Bytes;
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use serde::{Deserialize, Serialize};
use std::borrow::Cow;

/// Bytes, exactly.
#[derive(Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum SentBytes<'a> {
    Text(Cow<'a, str>),
    Base64(String),
}

impl<'a> SentBytes<'a> {
    pub(super) fn of(bytes: &'a Bytes) -> Self {
        match bytes {
            Bytes::Text(text) => Self::Text(Cow::Borrowed(text)),
            Bytes::Binary(bytes) => Self::Base64(STANDARD.encode(bytes)),
        }
    }

    /// Nothing where the base64 is none.
    pub(super) fn bytes(self) -> Option<Bytes> {
        Some(match self {
            Self::Text(text) => Bytes::Text(text.into_owned()),
            Self::Base64(text) => Bytes::Binary(STANDARD.decode(text).ok()?),
        })
    }
}

/// The one of `known` that is this text; of another version there may be none.
pub(super) fn known(known: &[&'static str], text: &str) -> Option<&'static str> {
    known.iter().copied().find(|known| *known == text)
}
