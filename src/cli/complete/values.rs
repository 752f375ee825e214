//! What only the configuration and the hosts themselves can say: names, tags, remote paths.

use super::super::remote::with_ops;
use crate::access::{Principal, Role};
use crate::completion::{PATIENCE, paths_below};
use crate::config::{Config, Environment, Overrides};
use crate::server;
use clap_complete::CompletionCandidate;
use clap_complete::engine::{PathCompleter, ValueCompleter};
use fleet::{Deadline, HostName};
use std::collections::BTreeSet;
use std::ffi::{OsStr, OsString};
use std::path::PathBuf;
use std::process::ExitCode;

/// Where suggestions come from: the configuration that the typed command would have.
#[derive(Debug, Clone)]
pub(super) struct Values(Overrides);

/// What hosts there are for whoever types.
#[derive(Default)]
struct Known {
    hosts: Vec<String>,
    tags: BTreeSet<String>,
}

impl Values {
    /// The values for a command of these words: two flags say which configuration is read.
    pub(super) fn of(words: &[OsString]) -> Self {
        let value = |flag: &str| {
            let mut words = words.iter().filter_map(|word| word.to_str());
            words.find_map(|word| word.strip_prefix(flag)?.strip_prefix('='))
        };
        let behind = |flag: &str| {
            let at = words.iter().position(|word| word == flag)?;
            words.get(at + 1)?.to_str()
        };
        let find = |flag: &str| value(flag).or_else(|| behind(flag)).map(str::to_owned);
        let flags = Overrides::default()
            .file(find("--config").map(PathBuf::from))
            .set("ssh.config", "--ssh-config", find("--ssh-config"))
            // What is not served is not refused for where it would listen.
            .set("transport", "scout complete", Some("stdio"));
        Self(flags)
    }

    /// Terms of a host expression, behind the last comma.
    pub(super) fn hosts(&self, word: &OsStr) -> Vec<CompletionCandidate> {
        let Some(word) = word.to_str() else {
            return Vec::new();
        };
        let (before, term) = word.split_at(word.rfind(',').map_or(0, |comma| comma + 1));
        let (sign, begun) = match term.strip_prefix('!') {
            Some(begun) => ("!", begun),
            None => ("", term),
        };
        let known = self.known();
        let tags = known
            .tags
            .iter()
            .map(|tag| (format!("@{tag}"), "hosts with this tag"));
        let all = [("all".to_owned(), "every host")];
        let named = known.hosts.iter().map(|host| (host.clone(), ""));
        let terms = named.chain(tags).chain(all);
        let fitting = terms.filter(|(term, _)| term.starts_with(begun));
        fitting
            .map(|(term, help)| {
                let help = (!help.is_empty()).then(|| help.into());
                CompletionCandidate::new(format!("{before}{sign}{term}")).help(help)
            })
            .collect()
    }

    /// A host with its colon, and behind that a path on it.
    pub(super) fn targets(&self, word: &OsStr) -> Vec<CompletionCandidate> {
        let Some(word) = word.to_str() else {
            return Vec::new();
        };
        match word.split_once(':') {
            Some((host, path)) => match HostName::parse(host) {
                Ok(host) => self.paths(&host, path),
                Err(_) => Vec::new(),
            },
            None => {
                let hosts = self.known().hosts.into_iter();
                let hosts = hosts.filter(|host| host.starts_with(word));
                hosts.map(|host| (host + ":").into()).collect()
            }
        }
    }

    /// A target, or a file of this machine.
    pub(super) fn targets_and_files(&self, word: &OsStr) -> Vec<CompletionCandidate> {
        let mut found = self.targets(word);
        if found.is_empty() || !word.to_string_lossy().contains(':') {
            found.extend(PathCompleter::any().complete(word));
        }
        found
    }

    fn known(&self) -> Known {
        let mut known = Known::default();
        let Some(config) = self.config() else {
            return known;
        };
        let somebody = Principal::anonymous(Role::Operator);
        let Ok(inventory) = server::inventory(&config) else {
            return known;
        };
        for entry in inventory.iter() {
            let name = entry.name().as_str();
            if config.auth.visible.to(&somebody, name) {
                known.hosts.push(name.to_owned());
                known.tags.extend(entry.tags().iter().cloned());
            }
        }
        known
    }

    fn paths(&self, host: &HostName, typed: &str) -> Vec<CompletionCandidate> {
        if !typed.starts_with(['/', '~']) {
            let begins = ["/", "~/"].iter().filter(|_| typed.is_empty());
            return begins.map(|path| format!("{host}:{path}").into()).collect();
        }
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .build();
        let (Some(config), Ok(runtime)) = (self.config(), runtime) else {
            return Vec::new();
        };
        let mut found = Vec::new();
        runtime.block_on(with_ops(&config, async |ops, principal, _| {
            let deadline = Deadline::within(PATIENCE);
            let paths = paths_below(ops, principal, host.clone(), typed, deadline).await;
            found = paths.map_or_else(Vec::new, |(paths, _)| paths);
            ExitCode::SUCCESS
        }));
        runtime.shutdown_background();
        let paths = found.into_iter();
        paths.map(|path| format!("{host}:{path}").into()).collect()
    }

    fn config(&self) -> Option<Config> {
        let loaded = Config::load(&self.0, &Environment::of_process()).ok()?;
        Some(loaded.config)
    }
}
