//! What is wrong with a configuration, and what is only worth saying.
//!
//! Every message names the place, the key, the value and what would be legal. None holds a secret.

use std::collections::BTreeMap;
use std::fmt;
use std::io;
use std::path::PathBuf;

use super::layers::{Origin, Placed};

/// One reason not to start.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ConfigError {
    /// The file is not there, or not readable.
    #[error("the configuration file `{}` cannot be read; check the path and its permissions", path.display())]
    Unreadable {
        /// The file.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
    /// The file is no TOML.
    #[error("`{}:{line}` is no TOML: {why}", path.display())]
    Syntax {
        /// The file.
        path: PathBuf,
        /// The line, counted from 1.
        line: usize,
        /// What the parser said.
        why: String,
    },
    /// A key that does not exist.
    #[error("{origin}: there is no key `{}`{}", key.escape_debug(), meant(*near))]
    UnknownKey {
        /// Where it was written.
        origin: Origin,
        /// The key.
        key: String,
        /// The key that was probably meant.
        near: Option<&'static str>,
    },
    /// A value its key cannot hold.
    #[error("{origin}: `{key}` cannot be `{value}`: {why}legal is {legal}")]
    Illegal {
        /// Where it was written.
        origin: Origin,
        /// The key.
        key: Box<str>,
        /// The value, if it may be shown.
        value: Box<str>,
        /// What is wrong with it, ending in a separator if there is anything to say.
        why: Box<str>,
        /// What would be right.
        legal: Box<str>,
    },
    /// A table that lacks a field.
    #[error("{origin}: `{table}` has no `{field}`; `scout key new NAME` prints a complete table")]
    Missing {
        /// Where the table begins.
        origin: Origin,
        /// The table.
        table: String,
        /// The field.
        field: &'static str,
    },
    /// A file with raw keys that others can read.
    #[error(
        "`{}` holds raw API keys and its mode is {mode:04o}, so others can read them; run `chmod 600 {}`, or keep digests in `[[auth.keys]]` instead",
        path.display(), path.display()
    )]
    Exposed {
        /// The file.
        path: PathBuf,
        /// Its permission bits.
        mode: u32,
    },
    /// A file that everybody can change.
    #[error("`{}` can be changed by everybody (mode {mode:04o}), and who changes it decides what Scout does; run `chmod o-w {}`", path.display(), path.display())]
    Writable {
        /// The file.
        path: PathBuf,
        /// Its permission bits.
        mode: u32,
    },
    /// A listener that others can reach, without keys.
    #[error(
        "{origin}: `{key}` is `{bind}`, which others can reach, but {why}; bind `127.0.0.1`, or {remedy}"
    )]
    OpenToAll {
        /// Where the address was written.
        origin: Origin,
        /// The key of the address.
        key: &'static str,
        /// The address.
        bind: String,
        /// Why whoever reaches it gets in.
        why: &'static str,
        /// What would keep them out.
        remedy: &'static str,
    },
    /// Values that are legal alone but not together.
    #[error("{origin}: `{key}` is {value}, but {other}; {hint}")]
    Conflict {
        /// Where the first was written.
        origin: Origin,
        /// Its key.
        key: Box<str>,
        /// Its value.
        value: Box<str>,
        /// What stands against it.
        other: Box<str>,
        /// What to do.
        hint: Box<str>,
    },
    /// A `~` while nobody says where home is.
    #[error(
        "{origin}: `{key}` is `{value}`, but `HOME` is not set; set it, or write the whole path"
    )]
    NoHome {
        /// Where the path was written.
        origin: Origin,
        /// Its key.
        key: &'static str,
        /// The path.
        value: String,
    },
    /// A variable that is not text.
    #[error("the environment variable `{name}` is not UTF-8; set it again or unset it")]
    NotText {
        /// The variable.
        name: String,
    },
    /// The layers do not fit together, which no value can bring about.
    #[error("the layers of the configuration do not fit together")]
    Merge(#[source] config::ConfigError),
}

/// Everything that is wrong; at least one thing.
#[derive(Debug)]
pub struct ConfigErrors {
    errors: Vec<ConfigError>,
    warnings: Vec<Warning>,
    /// The values that are legal where they stand.
    pub(super) placed: BTreeMap<String, Placed>,
}

impl ConfigErrors {
    /// The reasons not to start, in the order they were found.
    #[must_use]
    pub fn errors(&self) -> &[ConfigError] {
        &self.errors
    }

    /// What was worth saying besides.
    #[must_use]
    pub fn warnings(&self) -> &[Warning] {
        &self.warnings
    }
}

impl fmt::Display for ConfigErrors {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (n, error) in self.errors.iter().enumerate() {
            if n > 0 {
                f.write_str("\n")?;
            }
            error.fmt(f)?;
        }
        Ok(())
    }
}

impl std::error::Error for ConfigErrors {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        self.errors.first().and_then(std::error::Error::source)
    }
}

/// Something that does not stop a start but that somebody should know.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum Warning {
    /// A variable of ours that means nothing.
    #[error("the environment variable `{name}` means nothing to Scout{}", meant(*near))]
    UnknownVariable {
        /// The variable.
        name: String,
        /// The one that was probably meant.
        near: Option<&'static str>,
    },
    /// A variable that once meant something.
    #[error("the environment variable `{name}` means nothing any more: {instead}")]
    RetiredVariable {
        /// The variable.
        name: &'static str,
        /// What takes its place.
        instead: &'static str,
    },
    /// A variable under its older name.
    #[error("the environment variable `{older}` is the older name of `{name}`; rename it")]
    OlderName {
        /// The name it has.
        older: &'static str,
        /// The name it should have.
        name: &'static str,
    },
    /// A variable that is set to nothing.
    #[error("the environment variable `{name}` is set but empty, which counts as not set")]
    EmptyVariable {
        /// The variable.
        name: &'static str,
    },
    /// Commands may not outlast their request.
    #[error(
        "`limits.command_timeout` is {command}, longer than `limits.request_timeout`; commands are stopped after {request}"
    )]
    CommandTimeoutCut {
        /// What was asked for.
        command: String,
        /// What takes effect.
        request: String,
    },
    /// Host keys are not checked.
    #[error(
        "HOST KEYS ARE NOT CHECKED ({origin}: `ssh.known_hosts` is `none`): anybody between Scout and a host can read and change everything; use this on a throwaway network only"
    )]
    AcceptsAnyHostKey {
        /// Where it was written.
        origin: Origin,
    },
    /// Unknown host keys are accepted.
    #[error(
        "unknown host keys are accepted ({origin}: `ssh.strict_host_key_checking` is false); only a changed key is noticed"
    )]
    AcceptsUnknownHostKeys {
        /// Where it was written.
        origin: Origin,
    },
    /// Keys are configured and not asked for.
    #[error(
        "{keys} API keys are configured but not asked for ({origin}: `auth.enabled` is false): every local user is `{role}`"
    )]
    KeysIgnored {
        /// How many.
        keys: usize,
        /// Where they were turned off.
        origin: Origin,
        /// What everybody is instead.
        role: crate::access::Role,
    },
    /// Every local user has the shell.
    #[error(
        "no API key is configured and `auth.role` is `operator`: every user of this machine can run commands on every host through {bind}"
    )]
    OpenOperator {
        /// The listener.
        bind: String,
    },
    /// The log may hold what files and commands hold.
    #[error(
        "what libraries log of the bytes they carry is let through ({origin}: `log.payloads` is true), secrets included; Scout itself logs none of it"
    )]
    PayloadsLogged {
        /// Where it was written.
        origin: Origin,
    },
    /// A key that is read and does nothing.
    #[error("{origin}: `{key}` has no effect in this version")]
    NoEffect {
        /// Where it was written.
        origin: Origin,
        /// The key.
        key: &'static str,
    },
    /// A pattern of the blocklist hides the whole fleet.
    #[error("`auth.blocklist` has `*`, so no host exists for clients")]
    BlocksAll,
}

/// What the stages of loading have to say, collected so that one run shows all of it.
#[derive(Debug, Default)]
pub(super) struct Problems {
    errors: Vec<ConfigError>,
    warnings: Vec<Warning>,
}

impl Problems {
    pub(super) fn error(&mut self, error: ConfigError) {
        self.errors.push(error);
    }

    pub(super) fn warn(&mut self, warning: Warning) {
        self.warnings.push(warning);
    }

    pub(super) fn into_errors(self, placed: BTreeMap<String, Placed>) -> ConfigErrors {
        ConfigErrors {
            errors: self.errors,
            warnings: self.warnings,
            placed,
        }
    }

    pub(super) fn into_warnings(self) -> Vec<Warning> {
        self.warnings
    }

    pub(super) fn has_errors(&self) -> bool {
        !self.errors.is_empty()
    }
}

fn meant(near: Option<&str>) -> String {
    near.map(|near| format!("; did you mean `{near}`?"))
        .unwrap_or_default()
}
