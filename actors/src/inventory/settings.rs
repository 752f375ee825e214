//! Everything the files say about connecting to one host, expanded and ready to use.
//!
//! Plain values: nothing here reads a file, resolves a name or holds a secret.

use std::path::PathBuf;
use std::time::Duration;

use crate::target::HostName;

/// How to reach one host and whom to believe there.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct HostSettings {
    /// The alias it is known by.
    pub name: HostName,
    /// The name or address to connect to, in lower case.
    pub hostname: String,
    /// TCP port.
    pub port: u16,
    /// Login name.
    pub user: String,
    /// Files to look for private keys in, in this order. Empty after `IdentityFile none`.
    pub identity_files: Vec<PathBuf>,
    /// Whether `identity_files` are the default ones: that one of those is missing is no news.
    pub default_identities: bool,
    /// Files with certificates for those keys.
    pub certificate_files: Vec<PathBuf>,
    /// Offer only the keys above, also when an agent holds more.
    pub identities_only: bool,
    /// The agent to ask for signatures.
    pub agent: Agent,
    /// The host to go through.
    pub jump: Option<Jump>,
    /// The user's files of known host keys; the first ones that are asked.
    pub user_known_hosts: Vec<PathBuf>,
    /// The machine's files of known host keys.
    pub global_known_hosts: Vec<PathBuf>,
    /// The name to look host keys up by, in lower case, instead of `hostname` and `port`.
    pub host_key_alias: Option<String>,
    /// `HostKeyAlgorithms` as written, with its leading `+`, `-` or `^`.
    pub host_key_algorithms: Option<String>,
    /// `StrictHostKeyChecking` as written. Recorded to be shown: an unknown key is refused
    /// whatever it says.
    pub host_key_checking: HostKeyChecking,
    /// `ConnectTimeout`; `None` when there is none.
    pub connect_timeout: Option<Duration>,
    /// `Tag`, split at commas.
    pub tags: Vec<String>,
}

impl HostSettings {
    /// The name and port under which the host's keys are recorded.
    ///
    /// A `HostKeyAlias` is looked up alone, as if on port 22, whatever the port
    /// (`get_hostfile_hostname_ipaddr` in OpenSSH's `sshconnect.c`).
    #[must_use]
    pub fn known_as(&self) -> (&str, u16) {
        match &self.host_key_alias {
            Some(alias) => (alias, 22),
            None => (&self.hostname, self.port),
        }
    }

    /// All files of known host keys, in the order they are asked.
    #[must_use]
    pub fn known_hosts(&self) -> Vec<PathBuf> {
        let all = self.user_known_hosts.iter().chain(&self.global_known_hosts);
        all.cloned().collect()
    }
}

/// Where signatures come from besides key files.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Agent {
    /// No agent is asked.
    None,
    /// The one that `SSH_AUTH_SOCK` names, if it is set.
    Environment,
    /// The one that listens on this socket.
    Socket(PathBuf),
}

/// One host on the way, itself resolved through the same files.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Jump {
    /// How to reach it; never with a jump of its own.
    pub settings: Box<HostSettings>,
}

/// The values of `StrictHostKeyChecking`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum HostKeyChecking {
    /// `ask`, the default of `ssh`.
    #[default]
    Ask,
    /// `yes`.
    Yes,
    /// `accept-new`.
    AcceptNew,
    /// `no` or `off`.
    Off,
}
