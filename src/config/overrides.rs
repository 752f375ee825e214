//! The flags of the command line as a layer. Which flags there are is the command line's business.

use std::path::{Path, PathBuf};

use super::kind::Given;
use super::layers::{Found, Origin};

/// What the command line says over the file and the environment.
#[derive(Debug, Clone, Default)]
pub struct Overrides {
    file: Option<PathBuf>,
    values: Vec<(String, String, String)>,
}

impl Overrides {
    /// Reads this file instead of looking for one; it must exist.
    #[must_use]
    pub fn file(mut self, path: Option<PathBuf>) -> Self {
        self.file = path;
        self
    }

    /// Sets the key at `path`, such as `http.port`, to what `flag` was given, if it was.
    #[must_use]
    pub fn set(mut self, path: &str, flag: &str, value: Option<impl ToString>) -> Self {
        let value = value.map(|value| (path.into(), flag.into(), value.to_string()));
        self.values.extend(value);
        self
    }

    pub(super) fn named_file(&self) -> Option<&Path> {
        self.file.as_deref()
    }

    pub(super) fn found(&self) -> Vec<Found> {
        let found = |(path, flag, value): &(String, String, String)| Found {
            path: path.clone(),
            given: Given::Text(value.clone()),
            origin: Origin::Flag(flag.clone()),
        };
        self.values.iter().map(found).collect()
    }
}
