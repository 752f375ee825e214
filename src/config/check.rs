//! What only the whole configuration can show: values that are legal alone but not together.

use std::collections::BTreeMap;
use std::collections::HashMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use super::auth::{RawAuth, RawKey};
use super::balancer::{Balancer, Endpoint, NONE, RawBalancer};
use super::bind::Bind;
use super::error::{ConfigError, Problems, Warning};
use super::kind::{Held, Kind};
use super::layers::{Origin, Placed};
use super::limits::RawLimits;
use super::load::Raw;
use super::ssh::RawSsh;
use super::tags::{RawTag, Tag};
use super::{Auth, Config, KnownHosts, Limits, Ssh, Transport, path, text, units};
use crate::access::keys::{self, KeyEntry};
use crate::access::{HostScope, Role, Visible};
use fleet::inventory::Expression;

/// The raw configuration on its way to the checked one.
pub(super) struct Check<'a> {
    placed: &'a BTreeMap<String, Placed>,
    home: Option<PathBuf>,
    problems: &'a mut Problems,
}

impl<'a> Check<'a> {
    pub(super) fn new(
        placed: &'a BTreeMap<String, Placed>,
        home: Option<PathBuf>,
        problems: &'a mut Problems,
    ) -> Self {
        Self {
            placed,
            home,
            problems,
        }
    }

    /// The checked configuration; `None` if a problem says why there is none.
    pub(super) fn config(mut self, raw: Raw) -> Option<Config> {
        let limits = self.limits(raw.limits);
        let ssh = self.ssh(raw.ssh);
        let auth = self.auth(raw.auth);
        let tags = self.tags(raw.tags);
        let balancer = self.balancer(&raw.balancer);
        let config = Config {
            transport: raw.transport,
            enable_ui: raw.enable_ui,
            threads: raw.threads,
            http: raw.http.into(),
            ops: raw.ops.into(),
            metrics: raw.metrics.into(),
            balancer: balancer?,
            limits,
            ssh: ssh?,
            transfer: raw.transfer.into(),
            tags: tags?,
            auth: auth?,
            log: raw.log.into(),
        };
        self.listeners(&config);
        if config.enable_ui {
            let (origin, key) = (self.origin("enable_ui"), "enable_ui");
            self.problems.warn(Warning::NoEffect { origin, key });
        }
        if config.log.payloads {
            let origin = self.origin("log.payloads");
            self.problems.warn(Warning::PayloadsLogged { origin });
        }
        Some(config)
    }

    fn origin(&self, key: &str) -> Origin {
        self.placed
            .get(key)
            .map_or(Origin::Default, |placed| placed.origin.clone())
    }

    /// Where the last key of this name was written.
    fn origin_of_key(&self, name: &str) -> Origin {
        let named = |held: &Held| *held == Held::Text(name.into());
        let mut tables = self
            .placed
            .iter()
            .filter(|(path, _)| path.starts_with("auth.keys["));
        tables
            .rfind(|(path, placed)| path.ends_with(".name") && named(&placed.held))
            .map_or_else(
                || self.origin("auth.api_keys"),
                |(_, placed)| placed.origin.clone(),
            )
    }

    fn limits(&mut self, raw: RawLimits) -> Limits {
        let asked = Duration::from_millis(raw.command_timeout);
        let limits = Limits::from(raw);
        let show =
            |span: Duration| units::show_span(u64::try_from(span.as_millis()).unwrap_or(u64::MAX));
        if limits.command_timeout < asked {
            let (command, request) = (show(asked), show(limits.command_timeout));
            self.problems
                .warn(Warning::CommandTimeoutCut { command, request });
        }
        for (key, size) in [
            ("limits.max_output_size", limits.max_output_size),
            ("limits.max_file_size", limits.max_file_size),
        ] {
            if size > limits.output_budget {
                let budget = units::show_size(limits.output_budget);
                self.problems.error(ConfigError::Conflict {
                    origin: self.origin(key),
                    key: key.into(),
                    value: units::show_size(size).into(),
                    other: format!("all calls together may hold {budget} (`limits.output_budget`)")
                        .into(),
                    hint: "lower the one or raise the other".into(),
                });
            }
        }
        limits
    }

    fn ssh(&mut self, raw: RawSsh) -> Option<Ssh> {
        let known_hosts = if raw.known_hosts.eq_ignore_ascii_case("none") {
            let origin = self.origin("ssh.known_hosts");
            self.problems.warn(Warning::AcceptsAnyHostKey { origin });
            Some(KnownHosts::AcceptAnyKey)
        } else {
            self.path("ssh.known_hosts", &raw.known_hosts)
                .map(KnownHosts::File)
        };
        if !raw.strict_host_key_checking && known_hosts != Some(KnownHosts::AcceptAnyKey) {
            let origin = self.origin("ssh.strict_host_key_checking");
            self.problems
                .warn(Warning::AcceptsUnknownHostKeys { origin });
        }
        let config = self.path("ssh.config", &raw.config);
        // Each was read once, where it stands.
        let warm = raw.warm.iter().map(|item| Expression::parse(item).ok());
        let warm: Vec<_> = warm.collect::<Option<_>>()?;
        Some(Ssh {
            config: config?,
            known_hosts: known_hosts?,
            strict_host_key_checking: raw.strict_host_key_checking,
            connection_timeout: Duration::from_millis(raw.connection_timeout),
            connection_timeout_min: Duration::from_millis(raw.connection_timeout_min),
            keepalive: Duration::from_millis(raw.keepalive),
            idle_timeout: Duration::from_millis(raw.idle_timeout),
            warm_timeout: Duration::from_millis(raw.warm_timeout),
            warm: (!warm.is_empty()).then(|| Expression::joined(&warm)),
            max_pool_size: raw.max_pool_size,
            host_status_ttl: Duration::from_millis(raw.host_status_ttl),
        })
    }

    fn path(&mut self, key: &'static str, text: &str) -> Option<PathBuf> {
        let path = path::expand(text, self.home.as_deref().filter(|home| home.is_absolute()));
        if path.is_none() {
            let origin = self.origin(key);
            self.problems.error(ConfigError::NoHome {
                origin,
                key,
                value: text.into(),
            });
        }
        path
    }

    /// The balancer, or nothing where there is none; what is wrong where only half of it was given.
    fn balancer(&mut self, raw: &RawBalancer) -> Option<Option<Balancer>> {
        let RawBalancer { url, key_file } = raw;
        let (key, value, other, hint) = match (url.as_str(), key_file.as_str()) {
            (NONE, NONE) => return Some(None),
            (NONE, file) => (
                "balancer.key_file",
                file,
                "`balancer.url` does not say where the balancer is",
                "set it, or leave both out",
            ),
            (url, NONE) => (
                "balancer.url",
                url,
                "`balancer.key_file` does not say by which key replicas know each other",
                "`scout key new replicas` makes one",
            ),
            (url, file) => {
                // It was read once, where it stands.
                let (url, key_file) = (
                    Endpoint::parse(url).ok(),
                    self.path("balancer.key_file", file),
                );
                return Some(Some(Balancer {
                    url: url?,
                    key_file: key_file?,
                }));
            }
        };
        self.problems.error(ConfigError::Conflict {
            origin: self.origin(key),
            key: key.into(),
            value: value.into(),
            other: other.into(),
            hint: hint.into(),
        });
        None
    }

    fn auth(&mut self, raw: RawAuth) -> Option<Auth> {
        let RawAuth {
            enabled,
            role,
            api_keys,
            keys,
            allowlist,
            blocklist,
        } = raw;
        let mut entries: Vec<Option<KeyEntry>> = Vec::new();
        for (n, digest) in api_keys.iter().enumerate() {
            let digest = keys::parse_hex(digest);
            // The same raw key twice is one key.
            if api_keys
                .iter()
                .take(n)
                .any(|earlier| keys::parse_hex(earlier) == digest)
            {
                continue;
            }
            entries.push(digest.map(|digest| KeyEntry::raw(digest, role)));
        }
        for (n, key) in keys.into_iter().enumerate() {
            entries.push(self.key(n, key, role));
        }
        let entries: Vec<KeyEntry> = entries.into_iter().collect::<Option<_>>()?;
        self.no_key_twice(&entries);
        let all_if_empty = |list: &[String]| list.is_empty().then(HostScope::all);
        let allow =
            all_if_empty(&allowlist).or_else(|| self.scope("auth.allowlist", &allowlist))?;
        let block = self.scope("auth.blocklist", &blocklist)?;
        if blocklist.iter().any(|pattern| pattern == "*") {
            self.problems.warn(Warning::BlocksAll);
        }
        Some(Auth {
            enabled,
            role,
            keys: entries,
            visible: Visible { allow, block },
        })
    }

    fn tags(&mut self, raw: Vec<RawTag>) -> Option<Vec<Tag>> {
        let mut tags = Vec::new();
        for RawTag { name, hosts } in raw {
            if text::key_name(&name).is_err() {
                self.problems.error(ConfigError::Illegal {
                    origin: self.origin(&format!("tags.{name}")),
                    key: "tags".into(),
                    value: name.escape_debug().to_string().into(),
                    why: "".into(),
                    legal: Kind::Name.legal().into(),
                });
                return None;
            }
            // Each was read once, where it stands.
            let parsed = hosts.iter().map(|item| Expression::parse(item).ok());
            tags.push(Tag {
                name,
                hosts: parsed.collect::<Option<_>>()?,
            });
        }
        Some(tags)
    }

    fn key(&mut self, n: usize, raw: RawKey, role: Role) -> Option<KeyEntry> {
        let hosts = match raw.hosts {
            Some(globs) => self.scope(&format!("auth.keys[{n}].hosts"), &globs)?,
            None => HostScope::all(),
        };
        Some(KeyEntry {
            name: Arc::from(raw.name),
            digest: keys::parse_hex(&raw.sha256)?,
            role: raw.role.unwrap_or(role),
            hosts,
        })
    }

    fn scope(&mut self, key: &str, patterns: &[String]) -> Option<HostScope> {
        let refused = match HostScope::matching(patterns) {
            Ok(scope) => return Some(scope),
            Err(refused) => refused,
        };
        self.problems.error(ConfigError::Conflict {
            origin: self.origin(key),
            key: key.into(),
            value: format!("{} globs", patterns.len()).into(),
            other: refused.to_string().into(),
            hint: "write fewer or simpler ones".into(),
        });
        None
    }

    /// A name is what the audit shows, and a secret is what decides: neither may be ambiguous.
    fn no_key_twice(&mut self, entries: &[KeyEntry]) {
        let mut names = HashMap::new();
        let mut digests = HashMap::new();
        for entry in entries {
            let name = entry.name.to_string();
            let other = if names.insert(name.clone(), ()).is_some() {
                "another key has this name".to_owned()
            } else if let Some(first) = digests.insert(entry.digest, name.clone()) {
                format!("it is the same secret as `{first}`")
            } else {
                continue;
            };
            self.problems.error(ConfigError::Conflict {
                origin: self.origin_of_key(&entry.name),
                key: "auth.keys".into(),
                value: format!("a key named `{name}`").into(),
                other: other.into(),
                hint: "remove one of them".into(),
            });
        }
    }

    fn listeners(&mut self, config: &Config) {
        let Config {
            http, ops, auth, ..
        } = config;
        // Without a listener there is nobody to ask for a key.
        if config.transport == Transport::Stdio {
            return;
        }
        if !auth.enabled && !auth.keys.is_empty() {
            let (keys, role) = (auth.keys.len(), auth.role);
            let origin = self.origin("auth.enabled");
            self.problems
                .warn(Warning::KeysIgnored { keys, origin, role });
        }
        self.not_open_to_all("http.host", &http.bind, auth);
        self.not_open_to_all("ops.host", &ops.bind, auth);
        if auth.keys.is_empty() && auth.role == Role::Operator && http.bind.is_loopback() {
            self.problems.warn(Warning::OpenOperator {
                bind: http.bind.to_string(),
            });
        }
        if http.bind == ops.bind && http.bind.port() != 0 {
            self.problems.error(ConfigError::Conflict {
                origin: self.origin("ops.port"),
                key: "ops.port".into(),
                value: ops.bind.port().to_string().into(),
                other: "`http.port` is the same on the same address".into(),
                hint: "give one of them another port".into(),
            });
        }
    }

    fn not_open_to_all(&mut self, key: &'static str, bind: &Bind, auth: &Auth) {
        let (why, remedy) = match (auth.enabled, auth.keys.is_empty()) {
            _ if bind.is_loopback() => return,
            (true, false) => return,
            (false, _) => (
                "`auth.enabled` is false",
                "set it to true and configure API keys",
            ),
            (true, true) => (
                "there is no API key",
                "make a key with `scout key new NAME` and add the lines it prints (or set `SCOUT_API_KEYS`)",
            ),
        };
        let (origin, bind) = (self.origin(key), bind.to_string());
        self.problems.error(ConfigError::OpenToAll {
            origin,
            key,
            bind,
            why,
            remedy,
        });
    }
}

/// Kept apart from the I/O in [`super::file`]: bits in, verdict out.
pub(super) fn mode(path: &Path, mode: u32, holds_raw_keys: bool) -> Option<ConfigError> {
    if mode & 0o002 != 0 {
        return Some(ConfigError::Writable {
            path: path.into(),
            mode,
        });
    }
    if holds_raw_keys && mode & 0o077 != 0 {
        return Some(ConfigError::Exposed {
            path: path.into(),
            mode,
        });
    }
    None
}
