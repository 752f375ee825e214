//! Whether a host's key is the one that was recorded for it.
//!
//! The format and the decision are those of OpenSSH (`sshd(8)`, SSH_KNOWN_HOSTS FILE FORMAT;
//! `check_host_key` in its `sshconnect.c`), with strict checking. Nothing here ever records a key,
//! and no key is accepted because a file could not be read.

mod line;
mod names;

pub use line::Marker;

use std::fs::File;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use russh::keys::ssh_key::{Fingerprint, HashAlg};
use russh::keys::{Algorithm, PublicKey};

use self::line::{Line, Parsed};
use self::names::recorded_as;
use super::ssh_config::read::{MAX_FILE, Unread, bounded};

/// The keys of some files, in the order of files and lines.
#[derive(Debug, Clone, Default)]
pub struct KnownHosts {
    lines: Vec<(Arc<Path>, usize, Line)>,
    malformed: usize,
}

impl KnownHosts {
    /// Reads files. One that does not exist holds no keys.
    ///
    /// # Errors
    /// [`KnownHostsError`] when a file exists and cannot be read: it might hold the key that tells
    /// an impostor from the host.
    pub fn load<P: AsRef<Path>>(files: &[P]) -> Result<Self, KnownHostsError> {
        let mut known = Self::default();
        for path in files.iter().map(AsRef::as_ref) {
            let failed = |source| KnownHostsError::Read {
                path: path.to_owned(),
                source,
            };
            let bytes = match File::open(path) {
                Ok(file) => bounded(file).map_err(|error| match error {
                    Unread::Failed(source) => failed(source),
                    Unread::TooLarge => KnownHostsError::TooLarge {
                        path: path.to_owned(),
                        limit: MAX_FILE,
                    },
                })?,
                Err(error) if error.kind() == io::ErrorKind::NotFound => continue,
                Err(error) => return Err(failed(error)),
            };
            known.add(path, &bytes);
        }
        Ok(known)
    }

    /// Decides about the key a host shows. `host` is the name or address connected to, or its
    /// `HostKeyAlias` with port 22; case does not matter.
    ///
    /// On a port other than 22 the keys of `[host]:port` count; if there are none, those of `host`
    /// alone may confirm the key or revoke it, but not contradict it, since they may be those of
    /// another server there (as `check_host_key` does).
    pub fn check(&self, host: &str, port: u16, key: &PublicKey) -> Verdict {
        let full = recorded_as(host, port);
        let bare = recorded_as(host, 22);
        match self.verdict(&full, key) {
            Verdict::Unknown if full != bare => match self.verdict(&bare, key) {
                Verdict::Changed(_) => Verdict::Unknown,
                verdict => verdict,
            },
            verdict => verdict,
        }
    }

    /// The algorithms of the keys recorded for a host, to be asked for first: a server that shows
    /// a key of another type than the recorded one looks like an impostor.
    ///
    /// An RSA key stands for its two SHA-2 signatures (RFC 8332), never for SHA-1.
    #[must_use]
    pub fn algorithms(&self, host: &str, port: u16) -> Vec<Algorithm> {
        let mut found: Vec<Algorithm> = Vec::new();
        for recorded in self.recorded(host, port) {
            if recorded.marker != Marker::None {
                continue;
            }
            let signatures = match recorded.algorithm {
                Algorithm::Rsa { .. } => [HashAlg::Sha512, HashAlg::Sha256]
                    .map(|hash| Algorithm::Rsa { hash: Some(hash) })
                    .to_vec(),
                other => vec![other],
            };
            for algorithm in signatures {
                if !found.contains(&algorithm) {
                    found.push(algorithm);
                }
            }
        }
        found
    }

    /// Every line about a host: those of `[host]:port`, or if there are none those of `host`.
    #[must_use]
    pub fn recorded(&self, host: &str, port: u16) -> Vec<Recorded> {
        let about = |name: &str| self.about(name).map(Recorded::of).collect::<Vec<_>>();
        let lines = about(&recorded_as(host, port));
        match lines.is_empty() {
            true => about(&recorded_as(host, 22)),
            false => lines,
        }
    }

    /// How many lines were not understood and passed over.
    #[must_use]
    pub fn malformed(&self) -> usize {
        self.malformed
    }

    fn add(&mut self, path: &Path, bytes: &[u8]) {
        let file: Arc<Path> = path.into();
        for (number, text) in (1..).zip(bytes.split(|&c| c == b'\n')) {
            match line::parse(text) {
                Parsed::Nothing => {}
                Parsed::Malformed => self.malformed += 1,
                Parsed::Line(line) => self.lines.push((Arc::clone(&file), number, *line)),
            }
        }
    }

    fn about(&self, name: &str) -> impl Iterator<Item = &(Arc<Path>, usize, Line)> {
        self.lines
            .iter()
            .filter(move |(_, _, line)| line.names.fit(name))
    }

    /// The decision for one recorded name. Revocation beats everything; a key among those recorded
    /// is known; any other recorded key, of whatever type, means that the key has changed
    /// (`check_hostkeys_by_key_or_type` in OpenSSH's `hostfile.c`).
    fn verdict(&self, name: &str, key: &PublicKey) -> Verdict {
        let mut known = false;
        let mut others = Vec::new();
        for found in self.about(name) {
            let (_, _, line) = found;
            // The comments of two equal keys may differ.
            let same = line.key.key_data() == key.key_data();
            match line.marker {
                Marker::Revoked if same => return Verdict::Revoked(Recorded::of(found)),
                Marker::None if same => known = true,
                Marker::None => others.push(Recorded::of(found)),
                Marker::Revoked | Marker::CertAuthority => {}
            }
        }
        match (known, others.is_empty()) {
            (true, _) => Verdict::Known,
            (false, true) => Verdict::Unknown,
            (false, false) => Verdict::Changed(others),
        }
    }
}

/// The decision about a host's key.
#[derive(Debug, Clone, PartialEq, Eq)]
#[must_use]
pub enum Verdict {
    /// It is recorded: go on.
    Known,
    /// Nothing is recorded for this host: refuse, and say how to record it.
    Unknown,
    /// Other keys are recorded for this host, at least one: refuse, loudly.
    Changed(Vec<Recorded>),
    /// It is recorded as revoked: refuse, loudly.
    Revoked(Recorded),
}

/// A recorded key and where it stands.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Recorded {
    /// The file.
    pub file: Arc<Path>,
    /// The line, from 1.
    pub line: usize,
    /// What the key is good for.
    pub marker: Marker,
    /// Its type.
    pub algorithm: Algorithm,
    /// Its SHA-256 fingerprint; shown as `SHA256:…`.
    pub fingerprint: Fingerprint,
}

impl Recorded {
    fn of((file, number, line): &(Arc<Path>, usize, Line)) -> Self {
        Self {
            file: Arc::clone(file),
            line: *number,
            marker: line.marker,
            algorithm: line.key.algorithm(),
            fingerprint: line.key.fingerprint(HashAlg::Sha256),
        }
    }
}

/// Why known hosts cannot be told.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum KnownHostsError {
    /// A file cannot be read.
    #[error("cannot read the known hosts in `{}`; check who may read it", path.display())]
    Read {
        /// The file.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
    /// Larger than any list of known hosts is.
    #[error("`{}` is larger than {limit} bytes; is it the right file?", path.display())]
    TooLarge {
        /// The file.
        path: PathBuf,
        /// The most that is read, in bytes.
        limit: u64,
    },
}

#[cfg(test)]
mod tests;
