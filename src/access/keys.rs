//! API keys: made, stored as digests, compared in constant time.
//!
//! A raw key exists in two moments only: when it is made and when it is presented. Neither this
//! module nor its errors and `Debug` output keep or show one.

use std::fmt;
use std::sync::Arc;

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use sha2::{Digest, Sha256};
use subtle::{Choice, ConditionallySelectable, ConstantTimeEq};

use super::{HostScope, Principal, Role};

/// The least characters of a raw key: with fewer it can be guessed online.
pub const MIN_RAW_KEY: usize = 16;

/// The longest key worth hashing, in bytes; a longer one matches nothing.
const MAX_PRESENTED: usize = 1024;

/// One key as it is stored: who, what, where, and the SHA-256 of the secret.
///
/// A random secret of 256 bits needs no slow hash: nobody finds it by trying.
#[derive(Clone, PartialEq, Eq)]
pub struct KeyEntry {
    /// How logs name its owner.
    pub name: Arc<str>,
    /// SHA-256 of the secret.
    pub digest: [u8; 32],
    /// What the owner may do.
    pub role: Role,
    /// Where.
    pub hosts: HostScope,
}

impl KeyEntry {
    /// A key of which only the digest is known: it is named after it and sees every host.
    #[must_use]
    pub fn raw(digest: [u8; 32], role: Role) -> Self {
        let hex = hex(&digest);
        let name = format!("key-{}", hex.get(..8).unwrap_or(&hex));
        Self {
            name: name.into(),
            digest,
            role,
            hosts: HostScope::all(),
        }
    }
}

impl fmt::Debug for KeyEntry {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self {
            name,
            role,
            hosts,
            digest: _,
        } = self;
        let mut shown = f.debug_struct("KeyEntry");
        shown
            .field("name", name)
            .field("role", role)
            .field("hosts", hosts)
            .finish_non_exhaustive()
    }
}

/// All keys that open the door.
#[derive(Debug, Clone, Default)]
pub struct KeyRing {
    entries: Vec<([u8; 32], Principal)>,
}

impl KeyRing {
    /// A ring of these keys. An empty one opens for nobody.
    #[must_use]
    pub fn new(entries: impl IntoIterator<Item = KeyEntry>) -> Self {
        let owner = |entry: KeyEntry| {
            let KeyEntry {
                name,
                digest,
                role,
                hosts,
            } = entry;
            (digest, Principal { name, role, hosts })
        };
        Self {
            entries: entries.into_iter().map(owner).collect(),
        }
    }

    /// Whether there is no key at all.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.entries.is_empty()
    }

    /// How many keys there are.
    #[must_use]
    pub fn len(&self) -> usize {
        self.entries.len()
    }

    /// The owner of this name.
    #[must_use]
    pub fn named(&self, name: &str) -> Option<&Principal> {
        let mut owners = self.entries.iter().map(|(_, owner)| owner);
        owners.find(|owner| &*owner.name == name)
    }

    /// The owner of a presented key.
    ///
    /// The time it takes tells nothing about any stored key: digests are compared, never secrets,
    /// each in constant time, all of them always.
    #[must_use]
    pub fn authenticate(&self, presented: &str) -> Option<Principal> {
        let sane = Choice::from(u8::from(presented.len() <= MAX_PRESENTED));
        let presented = digest(presented.get(..MAX_PRESENTED).unwrap_or(presented));
        let mut found = Choice::from(0);
        let mut at = 0_u64;
        for (n, (stored, _)) in (0_u64..).zip(&self.entries) {
            let same = stored.ct_eq(&presented);
            at = u64::conditional_select(&at, &n, same);
            found |= same;
        }
        if bool::from(found & sane) {
            let (_, owner) = self.entries.get(usize::try_from(at).ok()?)?;
            return Some(owner.clone());
        }
        None
    }
}

/// A key that was just made. The only value that ever holds a secret, to be shown once.
pub struct NewKey {
    /// The owner's name.
    pub name: String,
    /// What the client presents: `scout_` and 43 characters of base64url.
    pub secret: String,
    /// What the configuration stores, in hex.
    pub sha256: String,
}

impl NewKey {
    /// The lines that make the configuration know it.
    #[must_use]
    pub fn toml(&self, role: Role) -> String {
        let Self { name, sha256, .. } = self;
        format!("[[auth.keys]]\nname = \"{name}\"\nsha256 = \"{sha256}\"\nrole = \"{role}\"\n")
    }
}

impl fmt::Debug for NewKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("NewKey")
            .field("name", &self.name)
            .finish_non_exhaustive()
    }
}

/// Why no key was made.
#[derive(Debug, thiserror::Error)]
pub enum KeyError {
    /// The name could not stand in a log or a file as it is.
    #[error("`{}` cannot name a key; use at most 64 letters, digits, `.`, `_` and `-`", name.escape_debug())]
    Name {
        /// The name.
        name: String,
    },
    /// The system has no randomness to give.
    #[error("the system gave no random bytes; try again")]
    Random(#[source] getrandom::Error),
}

/// Makes a key of 32 random bytes.
///
/// # Errors
/// [`KeyError`]: a name that is none, or no randomness.
pub fn generate(name: &str) -> Result<NewKey, KeyError> {
    let mut random = [0; 32];
    if !is_key_name(name) {
        return Err(KeyError::Name { name: name.into() });
    }
    getrandom::fill(&mut random).map_err(KeyError::Random)?;
    let secret = format!("scout_{}", URL_SAFE_NO_PAD.encode(random));
    let sha256 = hex(&digest(&secret));
    Ok(NewKey {
        name: name.into(),
        secret,
        sha256,
    })
}

/// Whether a text can name a key: it stands in logs, labels and files as it is.
#[must_use]
pub fn is_key_name(text: &str) -> bool {
    let legal = |c: char| c.is_ascii_alphanumeric() || "._-".contains(c);
    !text.is_empty() && text.len() <= 64 && text.chars().all(legal)
}

/// The SHA-256 of a secret.
#[must_use]
pub fn digest(secret: &str) -> [u8; 32] {
    Sha256::digest(secret).into()
}

/// Bytes as lower-case hexadecimal digits.
#[must_use]
pub fn hex(bytes: &[u8; 32]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

/// The bytes of exactly 64 hexadecimal digits.
#[must_use]
pub fn parse_hex(text: &str) -> Option<[u8; 32]> {
    let digits: Vec<u8> = text
        .chars()
        .map(|c| c.to_digit(16).and_then(|d| u8::try_from(d).ok()))
        .collect::<Option<_>>()?;
    let bytes: Vec<u8> = digits
        .chunks_exact(2)
        .map(|pair| pair.iter().fold(0, |n, d| n * 16 + d))
        .collect();
    if digits.len() == 64 {
        bytes.try_into().ok()
    } else {
        None
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn entry(name: &str, secret: &str) -> KeyEntry {
        let hosts = HostScope::matching(["web-*"]).unwrap();
        KeyEntry {
            name: name.into(),
            digest: digest(secret),
            role: Role::Operator,
            hosts,
        }
    }

    #[test]
    fn every_key_opens_for_its_owner_and_nothing_else_opens() {
        let ring = KeyRing::new(["a", "b", "c"].map(|n| entry(n, &format!("secret-of-{n}"))));
        for name in ["a", "b", "c"] {
            let owner = ring.authenticate(&format!("secret-of-{name}")).unwrap();
            assert_eq!((&*owner.name, owner.role), (name, Role::Operator));
            assert!(owner.hosts.contains("web-1") && !owner.hosts.contains("db-1"));
        }
        for wrong in [
            "",
            "a",
            "secret-of-",
            "secret-of-a ",
            "SECRET-OF-A",
            "secret-of-d",
        ] {
            assert_eq!(ring.authenticate(wrong), None, "{wrong:?}");
        }
        assert_eq!(
            ring.authenticate(&hex(&digest("secret-of-a"))),
            None,
            "a digest is no key"
        );
        assert_eq!(KeyRing::default().authenticate(""), None);
    }

    #[test]
    fn a_long_key_is_not_its_beginning() {
        let long = "k".repeat(MAX_PRESENTED);
        let ring = KeyRing::new([entry("a", &long)]);
        assert!(ring.authenticate(&long).is_some());
        assert!(ring.authenticate(&format!("{long}k")).is_none());
    }

    #[test]
    fn a_new_key_opens_what_its_digest_was_stored_in() {
        let (one, two) = (generate("laptop").unwrap(), generate("laptop").unwrap());
        assert_ne!(one.secret, two.secret);
        assert_eq!((one.secret.len(), &one.secret[..6]), (49, "scout_"));
        let digest = parse_hex(&one.sha256).unwrap();
        let ring = KeyRing::new([KeyEntry {
            digest,
            ..entry("laptop", "")
        }]);
        assert!(ring.authenticate(&one.secret).is_some());
        assert!(ring.authenticate(&two.secret).is_none());
        for bad in ["", "a b", "a\"b", "a\nb", &"a".repeat(65)] {
            assert!(generate(bad).is_err(), "{bad:?}");
        }
    }

    #[test]
    fn nothing_that_is_printed_holds_a_secret_or_a_digest() {
        let key = generate("laptop").unwrap();
        let stored = KeyEntry::raw(digest(&key.secret), Role::Observer);
        let printed = format!("{key:?} {stored:?} {}", key.toml(Role::Observer));
        assert!(!printed.contains(&key.secret), "{printed}");
        assert!(!format!("{stored:?}").contains(&key.sha256));
        assert_eq!(*stored.name, format!("key-{}", &key.sha256[..8]));
    }

    #[test]
    fn hexadecimal_digits_are_read_back_and_nothing_else_is() {
        let bytes = digest("x");
        assert_eq!(parse_hex(&hex(&bytes)), Some(bytes));
        assert_eq!(parse_hex(&hex(&bytes).to_uppercase()), Some(bytes));
        for bad in [
            "",
            "0",
            &"0".repeat(63),
            &"0".repeat(65),
            &"0".repeat(66),
            &"g".repeat(64),
        ] {
            assert_eq!(parse_hex(bad), None, "{bad}");
        }
    }
}
