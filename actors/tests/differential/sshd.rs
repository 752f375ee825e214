//! A real `sshd`, started once per connection the way inetd would, so that the client can call it
//! by any name and port without a listening socket.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::Command;

use fleet::inventory::Verdict;
use russh::keys::PublicKey;
use tempfile::TempDir;

/// A server with one host key of each type.
pub(crate) struct Sshd {
    dir: TempDir,
}

/// What became of a connection that can get no further than authentication.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Trust {
    Known,
    Unknown,
    Changed,
    Revoked,
}

impl Trust {
    pub(crate) fn of(verdict: &Verdict) -> Self {
        match verdict {
            Verdict::Known => Self::Known,
            Verdict::Unknown => Self::Unknown,
            Verdict::Changed(_) => Self::Changed,
            Verdict::Revoked(_) => Self::Revoked,
        }
    }
}

impl Sshd {
    pub(crate) fn new() -> Self {
        let dir = tempfile::tempdir().unwrap();
        // As root, sshd insists on this directory even when it serves a single connection. Where it
        // cannot be made, sshd says so itself.
        let _ = fs::create_dir_all("/run/sshd");
        let sshd = Self { dir };
        for (name, bits) in [("ed25519", "0"), ("rsa", "2048"), ("ecdsa", "256")] {
            sshd.keygen(name, name, bits);
        }
        let config = ["ed25519", "rsa", "ecdsa"]
            .map(|name| format!("HostKey {}\n", sshd.path(name).display()))
            .concat();
        fs::write(sshd.path("config"), config).unwrap();
        sshd
    }

    /// A file in the directory of the server.
    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.dir.path().join(name)
    }

    /// Makes a key pair; answers type and key as they stand on a line of known hosts.
    pub(crate) fn keygen(&self, name: &str, kind: &str, bits: &str) -> String {
        let mut command = Command::new("ssh-keygen");
        command
            .args(["-q", "-N", "", "-t", kind, "-f"])
            .arg(self.path(name));
        if bits != "0" {
            command.args(["-b", bits]);
        }
        assert!(
            command
                .status()
                .expect("`ssh-keygen` is installed")
                .success()
        );
        self.line(name)
    }

    /// Type and key of a pair made before.
    pub(crate) fn line(&self, name: &str) -> String {
        let public = fs::read_to_string(self.path(&format!("{name}.pub"))).unwrap();
        public.split(' ').take(2).collect::<Vec<_>>().join(" ")
    }

    pub(crate) fn key(&self, name: &str) -> PublicKey {
        PublicKey::from_openssh(&self.line(name)).unwrap()
    }

    /// Connects with the real client, which asks for `algorithms` or, without them, decides itself.
    /// Answers its decision about the host key and the log it wrote.
    pub(crate) fn connect(
        &self,
        known_hosts: &Path,
        host: &str,
        port: u16,
        algorithms: Option<&str>,
        options: &[&str],
    ) -> (Trust, String) {
        let sshd = ["/usr/sbin/sshd", "/usr/bin/sshd", "/usr/local/sbin/sshd"]
            .into_iter()
            .find(|path| Path::new(path).exists())
            .expect("`sshd` is installed");
        let mut command = Command::new("ssh");
        command.args(["-v", "-F", "none", "-l", "nobody", "-p", &port.to_string()]);
        let mut option = |text: String| {
            command.arg("-o").arg(text);
        };
        option(format!(
            "ProxyCommand={sshd} -i -f {}",
            self.path("config").display()
        ));
        option(format!("UserKnownHostsFile={}", known_hosts.display()));
        option("GlobalKnownHostsFile=none".to_owned());
        option("StrictHostKeyChecking=yes".to_owned());
        option("BatchMode=yes".to_owned());
        option("PreferredAuthentications=none".to_owned());
        if let Some(algorithms) = algorithms {
            option(format!("HostKeyAlgorithms={algorithms}"));
        }
        options.iter().for_each(|text| option((*text).to_owned()));
        let output = command
            .arg(host)
            .arg("true")
            .output()
            .expect("`ssh` is installed");
        let log = String::from_utf8_lossy(&output.stderr).into_owned();
        let trust = if log.contains("Permission denied") {
            Trust::Known
        } else if log.contains("REVOKED HOST KEY") {
            Trust::Revoked
        } else if log.contains("IDENTIFICATION HAS CHANGED") {
            Trust::Changed
        } else if log.contains("host key is known for") {
            Trust::Unknown
        } else {
            panic!("no decision about a host key: {log}");
        };
        (trust, log)
    }
}

/// Writes a file that only its owner may change.
pub(crate) fn write(path: &Path, text: &str) {
    fs::write(path, text).unwrap();
    fs::set_permissions(path, fs::Permissions::from_mode(0o600)).unwrap();
}
