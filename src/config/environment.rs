//! The environment as a layer: a handed-over map, so that a test needs no process of its own.
//!
//! Only [`Environment::of_process`] looks at the real one, once. Everything after it is a value.

use std::collections::BTreeMap;
use std::path::PathBuf;

use super::error::{ConfigError, Problems, Warning};
use super::key::Key;
use super::kind::Given;
use super::layers::{Found, Origin};

/// Prefixes of variables that are ours.
const PREFIXES: [&str; 2] = ["SCOUT_", "MCP_CAT_"];

/// Variables of the Python server that have no successor.
const RETIRED: [(&str, &str); 2] = [
    (
        "SCOUT_LOG_COLORS",
        "colours follow the terminal and `NO_COLOR`",
    ),
    (
        "SCOUT_INCLUDE_TRACEBACK",
        "errors always carry their causes, in the log only",
    ),
];

/// Environment variables: ours, and those that say where home is.
#[derive(Debug, Clone, Default)]
pub struct Environment {
    variables: BTreeMap<String, String>,
    not_text: Vec<String>,
}

impl Environment {
    /// The environment of this process. Where `HOME` is not set, as under a service manager, the
    /// user database says where home is.
    #[must_use]
    pub fn of_process() -> Self {
        let ours = |name: &str| {
            PREFIXES.iter().any(|p| name.starts_with(p))
                || ["HOME", "XDG_CONFIG_HOME"].contains(&name)
        };
        let mut environment = Self::default();
        for (name, value) in std::env::vars_os() {
            let Ok(name) = name.into_string() else {
                continue;
            };
            match value.into_string() {
                _ if !ours(&name) => {}
                Ok(value) => drop(environment.variables.insert(name, value)),
                Err(_) => environment.not_text.push(name),
            }
        }
        if let (None, Some(home)) = (environment.home(), std::env::home_dir())
            && let Ok(home) = home.into_os_string().into_string()
        {
            environment.variables.insert("HOME".into(), home);
        }
        environment
    }

    /// The home directory, if anybody says where it is.
    #[must_use]
    pub fn home(&self) -> Option<PathBuf> {
        self.value("HOME").map(PathBuf::from)
    }

    /// Where configuration files live: `$XDG_CONFIG_HOME`, or `~/.config`. A relative path counts
    /// as not set (XDG Base Directory Specification 0.8).
    #[must_use]
    pub fn config_home(&self) -> Option<PathBuf> {
        let named = self
            .value("XDG_CONFIG_HOME")
            .map(PathBuf::from)
            .filter(|path| path.is_absolute());
        named.or_else(|| self.home().map(|home| home.join(".config")))
    }

    fn value(&self, name: &str) -> Option<&str> {
        self.variables
            .get(name)
            .map(String::as_str)
            .filter(|value| !value.is_empty())
    }

    /// The layer of the environment.
    pub(super) fn found(&self, problems: &mut Problems) -> Vec<Found> {
        for name in &self.not_text {
            problems.error(ConfigError::NotText { name: name.clone() });
        }
        self.warn_of_strangers(problems);
        Key::all()
            .filter_map(|key| {
                let name = self.name_in_use(key, problems)?;
                Some(Found {
                    path: key.path.into(),
                    given: Given::Text(self.value(name)?.into()),
                    origin: Origin::Variable(name.into()),
                })
            })
            .collect()
    }

    fn name_in_use(&self, key: &Key, problems: &mut Problems) -> Option<&'static str> {
        let set = |name: &str| self.variables.contains_key(name);
        let names = [Some(key.variable), key.older];
        for name in names.into_iter().flatten().filter(|name| set(name)) {
            if self.value(name).is_none() {
                problems.warn(Warning::EmptyVariable { name });
                continue;
            }
            if name != key.variable {
                problems.warn(Warning::OlderName {
                    older: name,
                    name: key.variable,
                });
            }
            return Some(name);
        }
        None
    }

    fn warn_of_strangers(&self, problems: &mut Problems) {
        let known = || {
            Key::all()
                .flat_map(|key| [Some(key.variable), key.older])
                .flatten()
        };
        for name in self
            .variables
            .keys()
            .filter(|n| PREFIXES.iter().any(|p| n.starts_with(p)))
        {
            if known().any(|variable| variable == name) {
                continue;
            }
            problems.warn(match RETIRED.iter().find(|(retired, _)| retired == name) {
                Some((name, instead)) => Warning::RetiredVariable { name, instead },
                None => {
                    let near = Key::nearest(name, known().filter(|variable| !variable.is_empty()));
                    Warning::UnknownVariable {
                        name: name.clone(),
                        near,
                    }
                }
            });
        }
    }
}

impl<N: Into<String>, V: Into<String>> FromIterator<(N, V)> for Environment {
    fn from_iter<I: IntoIterator<Item = (N, V)>>(variables: I) -> Self {
        let variables = variables
            .into_iter()
            .map(|(n, v)| (n.into(), v.into()))
            .collect();
        Self {
            variables,
            not_text: Vec::new(),
        }
    }
}
