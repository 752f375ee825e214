//! From layers to a checked configuration, or to everything that is wrong with them.
//!
//! The steps are: read each layer, refuse what is illegal where it stands, merge, check what only
//! the whole can show. Loading looks at one file and changes nothing; it can be repeated at any
//! time, and a failed one leaves whatever was loaded before as it is.

use std::collections::BTreeMap;
use std::path::PathBuf;

use serde::Deserialize;

use super::auth::RawAuth;
use super::balancer::RawBalancer;
use super::check::Check;
use super::environment::Environment;
use super::error::{ConfigError, ConfigErrors, Problems, Warning};
use super::file::ConfigFile;
use super::http::RawHttp;
use super::layers::{self, Layer, Origin, Placed};
use super::limits::RawLimits;
use super::log::RawLog;
use super::metrics::RawMetrics;
use super::ops::RawOps;
use super::overrides::Overrides;
use super::ssh::RawSsh;
use super::tags::RawTag;
use super::transfer::RawTransfer;
use super::{Config, Transport};

/// A configuration, what is worth saying about it, and who said what.
#[derive(Debug, Clone)]
pub struct Loaded {
    /// The configuration.
    pub config: Config,
    /// What somebody should know; log each at WARN.
    pub warnings: Vec<Warning>,
    /// The file that was read, if any: the one to watch.
    pub file: Option<PathBuf>,
    pub(super) placed: BTreeMap<String, Placed>,
}

impl Loaded {
    /// Where the value of a key was written; `None` if there is no such key.
    #[must_use]
    pub fn origin(&self, key: &str) -> Option<&Origin> {
        self.placed.get(key).map(|placed| &placed.origin)
    }
}

impl Config {
    /// Reads all layers.
    ///
    /// # Errors
    /// Everything that is wrong, at once. The program ends with [`EXIT_CODE`](super::EXIT_CODE).
    pub fn load(flags: &Overrides, env: &Environment) -> Result<Loaded, ConfigErrors> {
        let mut problems = Problems::default();
        let file = ConfigFile::open(flags, env).unwrap_or_else(|error| {
            problems.error(error);
            None
        });
        let found = file
            .as_ref()
            .map(|file| file.found(&mut problems))
            .unwrap_or_default();
        let from_file = Layer::checked(found, &mut problems);
        if let Some(file) = &file {
            file.check_mode(&from_file, &mut problems);
        }
        let found = env.found(&mut problems);
        let layers = [
            Layer::defaults(&mut problems),
            from_file,
            Layer::checked(found, &mut problems),
            Layer::checked(flags.found(), &mut problems),
        ];
        let placed = layers::placed(&layers);
        if problems.has_errors() {
            return Err(problems.into_errors(placed));
        }
        let config = match raw(&layers) {
            Ok(raw) => Check::new(&placed, env.home(), &mut problems).config(raw),
            Err(error) => {
                problems.error(error);
                None
            }
        };
        match config {
            Some(config) if !problems.has_errors() => Ok(Loaded {
                config,
                warnings: problems.into_warnings(),
                file: file.map(|file| file.path),
                placed,
            }),
            _ => Err(problems.into_errors(placed)),
        }
    }
}

/// Every key, typed; lists may be empty, nothing else is missing.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Raw {
    pub transport: Transport,
    pub enable_ui: bool,
    pub threads: usize,
    pub http: RawHttp,
    pub ops: RawOps,
    pub metrics: RawMetrics,
    pub balancer: RawBalancer,
    pub limits: RawLimits,
    pub ssh: RawSsh,
    pub transfer: RawTransfer,
    pub tags: Vec<RawTag>,
    pub auth: RawAuth,
    pub log: RawLog,
}

fn raw(layers: &[Layer]) -> Result<Raw, ConfigError> {
    let merged = layers::merge(layers).map_err(ConfigError::Merge)?;
    merged.try_deserialize().map_err(ConfigError::Merge)
}
