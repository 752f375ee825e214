//! Gathers what the files say for one host: the first value wins, key files accumulate.
//!
//! Text stays as written; expanding it is the resolver's part. The order of files and blocks is
//! all that decides (`ssh_config(5)`, DESCRIPTION).

use std::time::Duration;

use super::directive::Directive;
use super::jump::{Hop, JumpSpec};
use super::keyword::Keyword;
use super::parse::Doubt;
use super::tree::{Tree, What};
use crate::inventory::error::{Place, Problem};
use crate::inventory::pattern::{self, ListMatch};
use crate::inventory::settings::HostKeyChecking;

/// How many key files, and how many certificates, one host may have: `SSH_MAX_IDENTITY_FILES` of
/// OpenSSH.
const MAX_IDENTITIES: usize = 100;

/// How many files of known hosts of each kind: `SSH_MAX_HOSTS_FILES` of OpenSSH.
const MAX_KNOWN_HOSTS: usize = 32;

/// The values for one host.
#[derive(Debug, Default)]
pub(super) struct Merged {
    pub(super) hostname: Option<String>,
    pub(super) user: Option<String>,
    pub(super) port: Option<u16>,
    pub(super) identity_files: Vec<String>,
    pub(super) certificate_files: Vec<String>,
    pub(super) identities_only: Option<bool>,
    pub(super) agent: Option<String>,
    pub(super) user_known_hosts: Vec<String>,
    pub(super) global_known_hosts: Vec<String>,
    pub(super) host_key_alias: Option<String>,
    pub(super) host_key_algorithms: Option<String>,
    pub(super) checking: Option<HostKeyChecking>,
    pub(super) timeout: Option<Option<Duration>>,
    pub(super) tag: Option<String>,
    /// Whether a program would name host keys.
    pub(super) known_hosts_command: Option<bool>,
    /// Whether a local program would run after connecting, and whether that is permitted.
    pub(super) local_command: Option<bool>,
    pub(super) permit_local_command: Option<bool>,
    proxy: Proxy,
    unsupported: Vec<(Keyword, bool, Place)>,
    refused: Option<(String, Place)>,
    ignored: Option<(String, usize)>,
}

/// `ProxyJump` and `ProxyCommand` compete: whichever comes first shuts the other out.
#[derive(Debug, Default)]
struct Proxy {
    jump: Option<(JumpSpec, Place)>,
    /// Whether a command is to be run.
    command: Option<(bool, Place)>,
}

impl Merged {
    /// Gathers the values for `host` out of files in the order they were read.
    pub(super) fn of(trees: &[Tree], host: &str) -> Self {
        let mut merged = Self::default();
        for tree in trees {
            merged.read(tree, host);
        }
        merged
    }

    /// What forbids to use this host, independent of any value.
    pub(super) fn forbidden(&self, doubts: &[Doubt]) -> Option<Problem> {
        for doubt in doubts {
            let excused = self.ignored.as_ref().is_some_and(|(list, order)| {
                *order < doubt.order && pattern::list(&doubt.keyword, list) == ListMatch::Positive
            });
            if !excused {
                return Some(Problem::UnknownKeyword {
                    at: doubt.at.clone(),
                    keyword: doubt.keyword.clone(),
                });
            }
        }
        if let Some((reason, at)) = self.refused.clone() {
            return Some(Problem::Refused { at, reason });
        }
        if let Some((keyword, _, at)) = self.unsupported.iter().find(|(_, on, _)| *on) {
            return Some(Problem::Unsupported {
                at: at.clone(),
                keyword: keyword.name(),
            });
        }
        [
            (
                Keyword::IdentityFile,
                self.identity_files.len(),
                MAX_IDENTITIES,
            ),
            (
                Keyword::CertificateFile,
                self.certificate_files.len(),
                MAX_IDENTITIES,
            ),
            (
                Keyword::UserKnownHostsFile,
                self.user_known_hosts.len(),
                MAX_KNOWN_HOSTS,
            ),
            (
                Keyword::GlobalKnownHostsFile,
                self.global_known_hosts.len(),
                MAX_KNOWN_HOSTS,
            ),
        ]
        .into_iter()
        .find(|&(_, count, limit)| count > limit)
        .map(|(keyword, _, limit)| Problem::TooMany {
            keyword: keyword.name(),
            limit,
        })
    }

    /// The hop to go through, if any.
    pub(super) fn hop(&self) -> Result<Option<(&Hop, &Place)>, Problem> {
        match (&self.proxy.jump, &self.proxy.command) {
            (Some((JumpSpec::Through { last, hops: 1 }, at)), _) => Ok(Some((last, at))),
            (Some((JumpSpec::Through { hops, .. }, at)), _) => Err(Problem::Hops {
                at: at.clone(),
                hops: *hops,
            }),
            (_, Some((true, at))) => Err(Problem::ProxyCommand { at: at.clone() }),
            (_, _) => Ok(None),
        }
    }

    fn read(&mut self, tree: &Tree, host: &str) {
        for item in tree.applying(host).flat_map(|block| &block.items) {
            match &item.what {
                What::Set(directive) => self.set(directive, &item.at),
                What::Include(trees) => trees.iter().for_each(|tree| self.read(tree, host)),
                What::IgnoreUnknown(list, order) => {
                    first(&mut self.ignored, &(list.clone(), *order));
                }
            }
        }
    }

    fn set(&mut self, directive: &Directive, at: &Place) {
        match directive {
            Directive::HostName(value) => first(&mut self.hostname, value),
            Directive::User(value) => first(&mut self.user, value),
            Directive::Port(value) => first(&mut self.port, value),
            Directive::IdentityFile(value) => accumulate(&mut self.identity_files, value),
            Directive::CertificateFile(value) => accumulate(&mut self.certificate_files, value),
            Directive::IdentitiesOnly(value) => first(&mut self.identities_only, value),
            Directive::IdentityAgent(value) => first(&mut self.agent, value),
            Directive::ProxyJump(spec) => self.proxy.jump(spec, at),
            Directive::ProxyCommand(runs) => first(&mut self.proxy.command, &(*runs, at.clone())),
            Directive::UserKnownHosts(files) => first_list(&mut self.user_known_hosts, files),
            Directive::GlobalKnownHosts(files) => first_list(&mut self.global_known_hosts, files),
            Directive::HostKeyAlias(value) => first(&mut self.host_key_alias, value),
            Directive::HostKeyAlgorithms(value) => first(&mut self.host_key_algorithms, value),
            Directive::HostKeyChecking(value) => first(&mut self.checking, value),
            Directive::ConnectTimeout(value) => first(&mut self.timeout, value),
            Directive::Tag(value) => first(&mut self.tag, value),
            Directive::KnownHostsCommand(runs) => first(&mut self.known_hosts_command, runs),
            Directive::LocalCommand(runs) => first(&mut self.local_command, runs),
            Directive::PermitLocalCommand(value) => first(&mut self.permit_local_command, value),
            Directive::Unsupported(keyword, on) => {
                if !self
                    .unsupported
                    .iter()
                    .any(|(known, _, _)| known == keyword)
                {
                    self.unsupported.push((*keyword, *on, at.clone()));
                }
            }
            Directive::RefuseConnection(reason) => {
                first(&mut self.refused, &(reason.clone(), at.clone()));
            }
        }
    }
}

impl Proxy {
    /// `ProxyJump none` leaves room for a later `ProxyCommand`, as it does in OpenSSH since 10.1;
    /// a hop does not (`parse_jump` in `readconf.c`).
    fn jump(&mut self, spec: &JumpSpec, at: &Place) {
        if self.jump.is_some() || (self.command.is_some() && *spec != JumpSpec::None) {
            return;
        }
        if *spec != JumpSpec::None {
            self.command = Some((false, at.clone()));
        }
        self.jump = Some((spec.clone(), at.clone()));
    }
}

fn first<T: Clone>(slot: &mut Option<T>, value: &T) {
    if slot.is_none() {
        *slot = Some(value.clone());
    }
}

fn first_list(slot: &mut Vec<String>, values: &[String]) {
    if slot.is_empty() {
        slot.extend_from_slice(values);
    }
}

fn accumulate(list: &mut Vec<String>, value: &str) {
    if !list.iter().any(|known| known == value) {
        list.push(value.to_owned());
    }
}
