//! Turns the values gathered for one host into settings: defaults, expansion, the jump host.
//!
//! Pure. A host whose settings would have to be guessed gets none, and a reason instead.

use std::net::IpAddr;
use std::path::PathBuf;

use super::merge::Merged;
use super::parse::Doubt;
use super::tokens::{self, Tokens};
use super::tree::Tree;
use super::value;
use crate::inventory::error::{ExpansionError, Problem};
use crate::inventory::local::Local;
use crate::inventory::settings::{Agent, HostSettings, Jump};
use crate::target::HostName;

/// The key files tried when none is named, in the order of `ssh`. Of those that only some versions
/// know (`id_xmss`, `id_dsa`, post-quantum ones) none can be used here.
const DEFAULT_IDENTITIES: [&str; 5] = [
    "id_rsa",
    "id_ecdsa",
    "id_ecdsa_sk",
    "id_ed25519",
    "id_ed25519_sk",
];

/// The machine's files of known hosts when none is named.
const GLOBAL_KNOWN_HOSTS: [&str; 2] = ["/etc/ssh/ssh_known_hosts", "/etc/ssh/ssh_known_hosts2"];

/// What resolving reads.
#[derive(Debug, Clone, Copy)]
pub(super) struct Resolver<'a> {
    pub(super) trees: &'a [Tree],
    pub(super) doubts: &'a [Doubt],
    pub(super) local: &'a Local,
}

/// A resolved host, with remarks about what was passed over.
#[derive(Debug)]
pub(crate) struct Resolved {
    pub(crate) outcome: Result<HostSettings, Problem>,
    pub(crate) tags: Vec<String>,
    pub(crate) remarks: Vec<&'static str>,
}

impl Resolver<'_> {
    /// Resolves a host of the inventory.
    pub(super) fn host(&self, name: &HostName) -> Resolved {
        let merged = Merged::of(self.trees, name.as_str());
        let mut remarks = Vec::new();
        if merged.known_hosts_command == Some(true) {
            remarks.push("`KnownHostsCommand` is never run; only files of known hosts count");
        }
        if merged.local_command == Some(true) && merged.permit_local_command == Some(true) {
            remarks.push("`LocalCommand` is never run");
        }
        Resolved {
            tags: tags(&merged),
            outcome: self.settings(name, merged, None, None),
            remarks,
        }
    }

    /// Applies defaults and expands. `user` and `port` are those a `ProxyJump` gives, which count
    /// before any file, like options on a command line.
    fn settings(
        &self,
        name: &HostName,
        merged: Merged,
        user: Option<&str>,
        port: Option<u16>,
    ) -> Result<HostSettings, Problem> {
        if let Some(problem) = merged.forbidden(self.doubts) {
            return Err(problem);
        }
        let hop = merged.hop()?;
        let argument = name.as_str();
        let hostname = match &merged.hostname {
            None => argument.to_owned(),
            Some(text) => tokens::host_name(text, argument).map_err(expansion("HostName", text))?,
        };
        let hostname = canonical(&hostname);
        let host_key_alias = merged
            .host_key_alias
            .as_deref()
            .map(str::to_ascii_lowercase);
        let mut tokens = Tokens {
            argument,
            host: &hostname,
            port: port.or(merged.port).unwrap_or(22),
            user: None,
            key_alias: host_key_alias.as_deref().unwrap_or(argument),
            jump: hop.map_or("", |(hop, _)| hop.host.as_str()),
            local: self.local,
        };
        // OpenSSH expands tokens in `User` since 10.1.
        let user = match (user, &merged.user) {
            (Some(given), _) => given.to_owned(),
            (None, Some(text)) => tokens.expand(text).map_err(expansion("User", text))?,
            (None, None) => self.local.user.clone(),
        };
        tokens.user = Some(&user);
        let paths = |keyword, list: &[String]| -> Result<Vec<PathBuf>, Problem> {
            let named = list.iter().filter(|text| !value::is_none(text));
            named
                .map(|text| {
                    let path = tokens.expand_path(text).map_err(expansion(keyword, text))?;
                    Ok(PathBuf::from(path))
                })
                .collect()
        };
        let home = |names: &[&str]| -> Vec<PathBuf> {
            let dir = self.local.ssh_dir();
            names.iter().map(|name| dir.join(name)).collect()
        };
        let default_identities = merged.identity_files.is_empty();
        let identity_files = match default_identities {
            true => home(&DEFAULT_IDENTITIES),
            false => paths("IdentityFile", &merged.identity_files)?,
        };
        let user_known_hosts = match &merged.user_known_hosts[..] {
            [] => home(&["known_hosts", "known_hosts2"]),
            named => paths("UserKnownHostsFile", named)?,
        };
        // No token and no `~` is replaced in these.
        let global_known_hosts = match &merged.global_known_hosts[..] {
            [] => GLOBAL_KNOWN_HOSTS.map(PathBuf::from).to_vec(),
            [only] if value::is_none(only) => Vec::new(),
            named => named.iter().map(PathBuf::from).collect(),
        };
        let certificate_files = paths("CertificateFile", &merged.certificate_files)?;
        let agent = match &merged.agent {
            None => Agent::Environment,
            Some(text) => {
                let expanded = tokens.expand_path(text);
                agent(
                    &expanded.map_err(expansion("IdentityAgent", text))?,
                    self.local,
                )
            }
        };
        let port = tokens.port;
        let jump = match hop {
            None => None,
            Some((hop, at)) => {
                let jump = HostName::parse(&hop.host).map_err(|_| Problem::JumpName {
                    at: at.clone(),
                    hop: hop.host.clone(),
                })?;
                // The comparison of `ssh` (`jumphost loop via` in its `ssh.c`), before the jump
                // host's own configuration is looked at.
                let same_port = hop.port.unwrap_or(22) == port;
                if hop.host == hostname && same_port && hop.user.as_ref().unwrap_or(&user) == &user
                {
                    return Err(Problem::JumpLoop {
                        hop: hop.host.clone(),
                    });
                }
                Some(self.jump(&jump, hop.user.as_deref(), hop.port)?)
            }
        };
        Ok(HostSettings {
            name: name.clone(),
            port,
            identity_files,
            default_identities,
            certificate_files,
            identities_only: merged.identities_only.unwrap_or(false),
            agent,
            jump,
            user_known_hosts,
            global_known_hosts,
            tags: tags(&merged),
            host_key_algorithms: merged.host_key_algorithms,
            host_key_checking: merged.checking.unwrap_or_default(),
            connect_timeout: merged
                .timeout
                .flatten()
                .filter(|timeout| !timeout.is_zero()),
            user,
            hostname,
            host_key_alias,
        })
    }

    /// Resolves the host to go through, by the same files: `ssh` starts itself again for it.
    fn jump(&self, hop: &HostName, user: Option<&str>, port: Option<u16>) -> Result<Jump, Problem> {
        let merged = Merged::of(self.trees, hop.as_str());
        let wrap = |source| Problem::Jump {
            hop: hop.to_string(),
            source: Box::new(source),
        };
        if matches!(merged.hop(), Ok(Some(_)) | Err(Problem::Hops { .. })) {
            return Err(Problem::SecondHop {
                hop: hop.to_string(),
            });
        }
        let settings = self.settings(hop, merged, user, port).map_err(wrap)?;
        Ok(Jump {
            settings: Box::new(settings),
        })
    }
}

/// The name to connect to: in lower case, addresses in their shortest form, as `ssh` writes them
/// before it looks for host keys.
fn canonical(hostname: &str) -> String {
    match hostname.parse::<IpAddr>() {
        Ok(address) => address.to_string(),
        Err(_) => hostname.to_ascii_lowercase(),
    }
}

/// The meaning of `IdentityAgent` once expanded.
fn agent(text: &str, local: &Local) -> Agent {
    match text.strip_prefix('$').filter(|name| !name.starts_with('{')) {
        // A variable that is not set leaves no agent at all, not the usual one.
        Some(name) => (local.variable)(name).map_or(Agent::None, |path| Agent::Socket(path.into())),
        None if text == "none" => Agent::None,
        None if text == "SSH_AUTH_SOCK" => Agent::Environment,
        None => Agent::Socket(text.into()),
    }
}

fn tags(merged: &Merged) -> Vec<String> {
    let list = merged.tag.as_deref().unwrap_or_default();
    let tags = list.split(',').map(str::trim).filter(|tag| !tag.is_empty());
    tags.map(str::to_owned).collect()
}

fn expansion(keyword: &'static str, text: &str) -> impl FnOnce(ExpansionError) -> Problem {
    let value = text.to_owned();
    move |source| Problem::Expansion {
        keyword,
        value,
        source,
    }
}
