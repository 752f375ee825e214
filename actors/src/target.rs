//! Names of hosts and places on them, parsed once at the door.
//!
//! A [`HostName`] is an alias of the inventory, never an address typed by a client, so nothing
//! that could be an option, a shell word or a user name fits into it. What a path means is decided
//! on the host; here it is only split off.

use std::fmt;
use std::sync::Arc;

/// The longest host name accepted, in bytes: the limit of a DNS name (RFC 1035 §2.3.4).
pub const MAX_HOST_NAME: usize = 253;

/// The longest path accepted, in bytes: `PATH_MAX` of Linux (`limits.h`).
pub const MAX_PATH: usize = 4096;

/// The alias of a host in the inventory.
///
/// Letters, digits, `.`, `_` and `-`, beginning with a letter or digit, at most
/// [`MAX_HOST_NAME`] bytes. Cheap to clone. Case is kept and matters, as in `ssh_config(5)`.
#[derive(Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct HostName(Arc<str>);

impl HostName {
    /// Parses an alias.
    ///
    /// # Errors
    /// [`TargetError::EmptyHost`], [`TargetError::LongHost`] or [`TargetError::HostCharacter`].
    pub fn parse(text: &str) -> Result<Self, TargetError> {
        if text.is_empty() {
            return Err(TargetError::EmptyHost);
        }
        if text.len() > MAX_HOST_NAME {
            return Err(TargetError::LongHost { bytes: text.len() });
        }
        let legal = |(at, c): (usize, char)| {
            c.is_ascii_alphanumeric() || (at > 0 && matches!(c, '.' | '_' | '-'))
        };
        match text.char_indices().find(|&(at, c)| !legal((at, c))) {
            Some((at, c)) => Err(TargetError::HostCharacter { at, c }),
            None => Ok(Self(text.into())),
        }
    }

    /// The alias as text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for HostName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl fmt::Debug for HostName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:?}", &*self.0)
    }
}

impl std::borrow::Borrow<str> for HostName {
    fn borrow(&self) -> &str {
        &self.0
    }
}

/// Why a text is not a target.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum TargetError {
    /// Nothing stands where a host name should.
    #[error("the host name is empty")]
    EmptyHost,
    /// Longer than a DNS name can be.
    #[error("the host name has {bytes} bytes; at most {MAX_HOST_NAME} are allowed")]
    LongHost {
        /// Its length.
        bytes: usize,
    },
    /// A character no alias of ours can hold.
    #[error(
        "the host name has the character {c:?} at position {at}; letters, digits, `.`, `_` and `-` are allowed, beginning with a letter or digit"
    )]
    HostCharacter {
        /// Byte offset in the name.
        at: usize,
        /// The character.
        c: char,
    },
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_holds_nothing_that_could_be_an_option_or_a_shell_word() {
        for bad in [
            "",
            "-oProxyCommand=x",
            "a;b",
            "a b",
            "a\nb",
            "root@a",
            "a:22",
            "../a",
            "*",
            "$(x)",
            "wеb1",
        ] {
            assert!(HostName::parse(bad).is_err(), "{bad:?}");
        }
        for good in ["a", "web-1", "WEB_1.example.com", "10.0.0.1"] {
            assert_eq!(HostName::parse(good).unwrap().as_str(), good);
        }
        assert!(HostName::parse(&"a".repeat(254)).is_err());
    }
}
