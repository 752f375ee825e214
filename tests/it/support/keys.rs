//! Keys of one test run, made by `ssh-keygen`. They live in the run's temporary directory and nowhere
//! else.

use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::process::Command;

/// A fresh key pair without passphrase.
#[derive(Debug, Clone)]
pub(crate) struct KeyPair {
    /// The private key, in OpenSSH's format.
    pub(crate) path: PathBuf,
    /// `type base64`, without the comment.
    pub(crate) public: String,
}

impl KeyPair {
    /// An Ed25519 pair at `dir/name` and `dir/name.pub`.
    pub(crate) fn ed25519(dir: &Path, name: &str) -> Self {
        Self::generate(dir, name, &["-t", "ed25519"])
    }

    /// A pair at `dir/name`, of the type that the arguments of `ssh-keygen` say.
    pub(crate) fn generate(dir: &Path, name: &str, kind: &[&str]) -> Self {
        let path = dir.join(name);
        let made = Command::new("ssh-keygen")
            .args(kind)
            .args(["-q", "-N", "", "-C", "scout test", "-f"])
            .arg(&path)
            .output()
            .expect("ssh-keygen of openssh-client");
        assert!(
            made.status.success(),
            "ssh-keygen: {}",
            String::from_utf8_lossy(&made.stderr)
        );
        let text = std::fs::read_to_string(path.with_extension("pub")).unwrap();
        let public = text.split(' ').take(2).collect::<Vec<_>>().join(" ");
        Self { path, public }
    }

    /// The `known_hosts` line that makes this the key of `address`.
    pub(crate) fn known_at(&self, address: SocketAddr) -> String {
        known_hosts_line(address, &self.public)
    }
}

/// One line of `known_hosts` in the bracketed form that ports need (sshd(8), SSH_KNOWN_HOSTS FILE FORMAT).
pub(crate) fn known_hosts_line(address: SocketAddr, public: &str) -> String {
    format!("[{}]:{} {public}\n", address.ip(), address.port())
}
