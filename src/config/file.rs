//! The file as a layer: found, read, and taken apart with the line of every value.
//!
//! A file may hold secrets, so an error repeats the parser's sentence and never the text it stands
//! in.

use std::fs::File;
use std::io::Read;
use std::ops::Range;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use toml::Spanned;
use toml::de::{DeTable, DeValue};

use super::check;
use super::environment::Environment;
use super::error::{ConfigError, Problems};
use super::kind::{Given, Held};
use super::layers::{Found, Layer, Origin};
use super::overrides::Overrides;

/// The most a configuration file may hold, in bytes.
const MAX_FILE: u64 = 1 << 20;

/// A configuration file, read.
#[derive(Debug)]
pub(super) struct ConfigFile {
    pub path: PathBuf,
    pub text: String,
    /// Its permission bits.
    pub mode: u32,
}

impl ConfigFile {
    /// The file named by a flag, which must exist; else the one in the configuration home, which
    /// need not.
    pub(super) fn open(flags: &Overrides, env: &Environment) -> Result<Option<Self>, ConfigError> {
        if let Some(path) = flags.named_file() {
            return Self::read(path).map(Some);
        }
        let Some(path) = env.config_home().map(|home| home.join("scout/scout.toml")) else {
            return Ok(None);
        };
        match Self::read(&path) {
            Err(ConfigError::Unreadable { source, .. })
                if source.kind() == std::io::ErrorKind::NotFound =>
            {
                Ok(None)
            }
            other => other.map(Some),
        }
    }

    fn read(path: &Path) -> Result<Self, ConfigError> {
        let unreadable = |source| ConfigError::Unreadable {
            path: path.into(),
            source,
        };
        let mut text = String::new();
        let file = File::open(path).map_err(unreadable)?;
        let mode = file.metadata().map_err(unreadable)?.mode() & 0o7777;
        let read = file
            .take(MAX_FILE + 1)
            .read_to_string(&mut text)
            .map_err(unreadable)?;
        if read as u64 > MAX_FILE {
            return Err(unreadable(std::io::Error::other("larger than 1 MiB")));
        }
        Ok(Self {
            path: path.into(),
            text,
            mode,
        })
    }

    /// Whether its permissions fit what it holds.
    pub(super) fn check_mode(&self, layer: &Layer, problems: &mut Problems) {
        let raw_keys = layer
            .says("auth.api_keys")
            .is_some_and(|keys| keys.held != Held::List(vec![]));
        if let Some(error) = check::mode(&self.path, self.mode, raw_keys) {
            problems.error(error);
        }
    }

    /// The layer of the file.
    pub(super) fn found(&self, problems: &mut Problems) -> Vec<Found> {
        let lines = Lines {
            path: Arc::from(self.path.as_path()),
            text: &self.text,
        };
        let (table, errors) = DeTable::parse_recoverable(&self.text);
        for error in &errors {
            problems.error(ConfigError::Syntax {
                path: self.path.clone(),
                line: error.span().map_or(1, |span| lines.line(span)),
                why: error.message().to_owned(),
            });
        }
        let mut found = Vec::new();
        if errors.is_empty() {
            walk("", table.get_ref(), &lines, &mut found, problems);
        }
        found
    }
}

/// Turns spans into places.
struct Lines<'a> {
    path: Arc<Path>,
    text: &'a str,
}

impl Lines<'_> {
    fn line(&self, span: Range<usize>) -> usize {
        let before = self.text.get(..span.start).unwrap_or(self.text);
        1 + before.bytes().filter(|byte| *byte == b'\n').count()
    }

    fn origin(&self, span: Range<usize>) -> Origin {
        Origin::File {
            path: Arc::clone(&self.path),
            line: self.line(span),
        }
    }
}

fn walk(
    prefix: &str,
    table: &DeTable<'_>,
    lines: &Lines<'_>,
    found: &mut Vec<Found>,
    problems: &mut Problems,
) {
    for (name, value) in table {
        let path = if prefix.is_empty() {
            name.get_ref().to_string()
        } else {
            format!("{prefix}.{}", name.get_ref())
        };
        match value.get_ref() {
            // A table below a tag is refused as its value.
            DeValue::Table(inner) if prefix != "tags" => {
                walk(&path, inner, lines, found, problems);
            }
            DeValue::Array(items) if path == "auth.keys" => {
                for (n, item) in items.iter().enumerate() {
                    key_table(&format!("{path}[{n}]"), item, lines, found, problems);
                }
            }
            other => found.push(Found {
                path,
                given: given(other),
                origin: lines.origin(name.span()),
            }),
        }
    }
}

fn key_table(
    path: &str,
    item: &Spanned<DeValue<'_>>,
    lines: &Lines<'_>,
    found: &mut Vec<Found>,
    problems: &mut Problems,
) {
    let origin = lines.origin(item.span());
    let DeValue::Table(table) = item.get_ref() else {
        found.push(Found {
            path: "auth.keys".into(),
            given: given(item.get_ref()),
            origin,
        });
        return;
    };
    for field in ["name", "sha256"] {
        if !table.iter().any(|(name, _)| name.get_ref() == field) {
            let origin = origin.clone();
            problems.error(ConfigError::Missing {
                origin,
                table: path.into(),
                field,
            });
        }
    }
    walk(path, table, lines, found, problems);
}

fn given(value: &DeValue<'_>) -> Given {
    match value {
        DeValue::String(text) => Given::Text(text.to_string()),
        DeValue::Boolean(value) => Given::Switch(*value),
        DeValue::Integer(number) => i64::from_str_radix(number.as_str(), number.radix())
            .map_or(Given::Foreign("a number out of range"), |n| {
                Given::Number(n.to_string())
            }),
        DeValue::Float(number) => Given::Number(number.as_str().to_owned()),
        DeValue::Array(items) => {
            let text = |item: &Spanned<DeValue<'_>>| item.get_ref().as_str().map(str::to_owned);
            items.iter().map(text).collect::<Option<_>>().map_or(
                Given::Foreign("a list of other things than texts"),
                Given::List,
            )
        }
        DeValue::Datetime(_) => Given::Foreign("a date"),
        DeValue::Table(_) => Given::Foreign("a table"),
    }
}
