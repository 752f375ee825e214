//! Loading as a whole: which layer wins, what is refused and how, and the example file.

mod example;
mod keys;
mod layers;
mod refusals;
mod tags;
mod together;

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::PathBuf;

use super::{Config, ConfigErrors, Environment, Loaded, Overrides};

/// A configuration file in a directory of its own, gone with the value.
struct Scratch {
    _dir: tempfile::TempDir,
    path: PathBuf,
}

impl Scratch {
    fn new(text: &str, mode: u32) -> Self {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("scout.toml");
        fs::write(&path, text).unwrap();
        fs::set_permissions(&path, fs::Permissions::from_mode(mode)).unwrap();
        Self { _dir: dir, path }
    }
}

/// An environment with a home, in which no configuration file is found.
fn env(variables: &[(&str, &str)]) -> Environment {
    [("HOME", "/nonexistent/home")]
        .iter()
        .chain(variables)
        .copied()
        .collect()
}

fn load(file: &str, variables: &[(&str, &str)]) -> Result<Loaded, ConfigErrors> {
    let file = Scratch::new(file, 0o600);
    Config::load(
        &Overrides::default().file(Some(file.path.clone())),
        &env(variables),
    )
}

/// The one line of what is refused, the path of the file shortened.
fn refusal(file: &str, variables: &[(&str, &str)]) -> String {
    let text = load(file, variables).expect_err(file).to_string();
    match text.find("scout.toml") {
        Some(at) => text[at..].to_owned(),
        None => text,
    }
}
