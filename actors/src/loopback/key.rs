//! The keys of a loopback host and of its one client: made in memory, for one use.
//!
//! A private key leaves this file in one way, into a file only its owner can read. It is never
//! part of a message or of `Debug` output.

use russh::keys::ssh_key::LineEnding;
use russh::keys::ssh_key::private::{Ed25519Keypair, KeypairData};
use russh::keys::{HashAlg, PrivateKey, PublicKey};
use std::fmt;
use std::fs::OpenOptions;
use std::io::Write;
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};

/// Why a key could not be made or written.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum KeyError {
    /// The operating system gave no random numbers.
    #[error("no key can be made: the operating system gives no random numbers ({0})")]
    Random(String),
    /// The key could not be encoded.
    #[error("the key cannot be encoded")]
    Encode(#[from] russh::keys::ssh_key::Error),
    /// The file could not be written.
    #[error("the private key cannot be written to `{}`; it must not exist yet", .path.display())]
    Write {
        /// The file.
        path: PathBuf,
        /// Why not.
        source: std::io::Error,
    },
}

/// A fresh ed25519 key.
pub(super) fn fresh() -> Result<PrivateKey, KeyError> {
    let mut seed = [0_u8; 32];
    getrandom::fill(&mut seed).map_err(|error| KeyError::Random(error.to_string()))?;
    let pair = KeypairData::from(Ed25519Keypair::from_seed(&seed));
    Ok(PrivateKey::new(pair, "")?)
}

/// The key pair of a client.
pub struct ClientKey(PrivateKey);

impl ClientKey {
    /// Makes a fresh ed25519 key pair.
    ///
    /// # Errors
    /// [`KeyError::Random`].
    pub fn generate() -> Result<Self, KeyError> {
        fresh().map(Self)
    }

    /// The public half.
    #[must_use]
    pub fn public(&self) -> &PublicKey {
        self.0.public_key()
    }

    /// Writes the private key, unencrypted, to a new file with mode 0600. Blocks.
    ///
    /// # Errors
    /// [`KeyError::Write`], also when there is a file already.
    pub fn write_to(&self, path: impl AsRef<Path>) -> Result<(), KeyError> {
        let path = path.as_ref();
        let text = self.0.to_openssh(LineEnding::LF)?;
        private_file(path, text.as_bytes()).map_err(|source| KeyError::Write {
            path: path.to_owned(),
            source,
        })
    }
}

impl fmt::Debug for ClientKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let fingerprint = self.public().fingerprint(HashAlg::Sha256).to_string();
        f.debug_tuple("ClientKey").field(&fingerprint).finish()
    }
}

/// Writes a new file that only its owner can read, from its first moment on.
pub(super) fn private_file(path: &Path, bytes: &[u8]) -> std::io::Result<()> {
    let mut options = OpenOptions::new();
    let mut file = options
        .write(true)
        .create_new(true)
        .mode(0o600)
        .open(path)?;
    file.write_all(bytes)
}

#[cfg(test)]
mod tests {
    use super::*;
    use russh::keys::load_secret_key;
    use std::os::unix::fs::PermissionsExt;

    #[test]
    fn a_key_is_written_once_and_for_its_owner_alone() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("key");
        let key = ClientKey::generate().unwrap();
        key.write_to(&path).unwrap();
        let mode = std::fs::metadata(&path).unwrap().permissions().mode();
        assert_eq!(mode & 0o7777, 0o600);
        let read = load_secret_key(&path, None).unwrap();
        assert_eq!(read.public_key().key_data(), key.public().key_data());
        assert!(matches!(key.write_to(&path), Err(KeyError::Write { .. })));
        let other = ClientKey::generate().unwrap();
        assert_ne!(other.public().key_data(), key.public().key_data());
        let shown = format!("{key:?}");
        assert!(shown.contains("SHA256") && shown.len() < 200, "{shown}");
    }
}
