//! Layers of values and where each was written; the later layer wins.
//!
//! The merge itself is the `config` crate's: a layer is one of its sources. What it must never do
//! is convert, so a layer hands over values that already have their final type.

use std::collections::BTreeMap;
use std::fmt;
use std::path::Path;
use std::sync::Arc;

use config::{Map, Source, Value, ValueKind};

use super::error::{ConfigError, Problems};
use super::key::Key;
use super::kind::{Given, Held};
use super::tags;

/// Where a value was written.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Origin {
    /// Nowhere.
    Default,
    /// In a file, at a line counted from 1.
    File {
        /// The file.
        path: Arc<Path>,
        /// The line.
        line: usize,
    },
    /// In an environment variable.
    Variable(String),
    /// In a flag of the command line.
    Flag(String),
}

impl Origin {
    /// The kind of layer: `default`, `file`, `environment` or `flag`.
    #[must_use]
    pub fn layer(&self) -> &'static str {
        match self {
            Self::Default => "default",
            Self::File { .. } => "file",
            Self::Variable(_) => "environment",
            Self::Flag(_) => "flag",
        }
    }
}

impl fmt::Display for Origin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Default => f.write_str("default"),
            Self::File { path, line } => write!(f, "{}:{line}", path.display()),
            Self::Variable(name) | Self::Flag(name) => f.write_str(name),
        }
    }
}

/// A value as a layer wrote it.
#[derive(Debug)]
pub(super) struct Found {
    /// The path of its key.
    pub path: String,
    pub given: Given,
    pub origin: Origin,
}

/// A legal value and where it was written.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Placed {
    pub held: Held,
    pub origin: Origin,
}

/// The values of one layer, legal ones only.
#[derive(Debug, Clone, Default)]
pub(super) struct Layer(BTreeMap<String, Placed>);

impl Layer {
    /// What every key holds if nobody says anything.
    pub(super) fn defaults(problems: &mut Problems) -> Self {
        let found = Key::all().map(|key| Found {
            path: key.path.into(),
            given: Given::Text(key.default.into()),
            origin: Origin::Default,
        });
        Self::checked(found, problems)
    }

    /// Reads values by the rules of their keys; what is refused goes to `problems`.
    pub(super) fn checked(found: impl IntoIterator<Item = Found>, problems: &mut Problems) -> Self {
        let mut layer = BTreeMap::new();
        for Found {
            path,
            given,
            origin,
        } in found
        {
            let Some(key) = Key::find(&path) else {
                let near = Key::near(&path);
                problems.error(ConfigError::UnknownKey {
                    origin,
                    key: path,
                    near,
                });
                continue;
            };
            match key.kind.read(&given) {
                Ok(held) => {
                    layer.insert(path, Placed { held, origin });
                }
                Err(why) => {
                    let secret = key.kind.is_secret();
                    let value = if secret {
                        "(not shown)".into()
                    } else {
                        given.show()
                    };
                    let why = if why.is_empty() {
                        why
                    } else {
                        format!("{why}; ")
                    };
                    problems.error(ConfigError::Illegal {
                        origin,
                        key: path.into(),
                        value: value.into(),
                        why: why.into(),
                        legal: key.legal().into(),
                    });
                }
            }
        }
        Self(layer)
    }

    /// Whether it says something about `path`.
    pub(super) fn says(&self, path: &str) -> Option<&Placed> {
        self.0.get(path)
    }
}

impl Source for Layer {
    fn clone_into_box(&self) -> Box<dyn Source + Send + Sync> {
        Box::new(self.clone())
    }

    fn collect(&self) -> Result<Map<String, Value>, config::ConfigError> {
        let value = |placed: &Placed| {
            let origin = placed.origin.to_string();
            let kind = match &placed.held {
                Held::Switch(value) => ValueKind::from(*value),
                Held::Number(number) => ValueKind::from(*number),
                Held::Text(text) => ValueKind::from(text.as_str()),
                Held::List(items) => ValueKind::from(items.clone()),
            };
            Value::new(Some(&origin), kind)
        };
        // The name of a tag may hold dots, and a path would be taken apart at them.
        let (tags, others): (Vec<_>, Vec<_>) = self
            .0
            .iter()
            .partition(|(path, _)| tags::name(path).is_some());
        let mut map: Map<String, Value> = others
            .into_iter()
            .map(|(path, placed)| (path.clone(), value(placed)))
            .collect();
        let tags: Vec<Value> = tags
            .into_iter()
            .map(|(path, placed)| {
                let name = Value::new(None, tags::name(path).unwrap_or_default());
                let fields = [("name", name), ("hosts", value(placed))];
                let fields = fields.map(|(field, value)| (field.to_owned(), value));
                Value::new(None, ValueKind::Table(fields.into_iter().collect()))
            })
            .collect();
        if !tags.is_empty() {
            map.insert("tags".into(), Value::new(None, ValueKind::Array(tags)));
        }
        Ok(map)
    }
}

/// What is left after every layer has spoken.
pub(super) fn merge(layers: &[Layer]) -> Result<config::Config, config::ConfigError> {
    let mut builder = config::Config::builder();
    for layer in layers {
        builder = builder.add_source(layer.clone());
    }
    builder.build()
}

/// The last word on each key, and who said it.
pub(super) fn placed(layers: &[Layer]) -> BTreeMap<String, Placed> {
    let words = layers.iter().flat_map(|layer| layer.0.clone());
    words.collect()
}
