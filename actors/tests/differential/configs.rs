//! Lays configurations out on disk twice: as they are, and with absolute `Include` names for the
//! client, whose relative names would begin in the real `~/.ssh`.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};

use fleet::inventory::{Inventory, InventoryError, Sources};
use fleet::target::HostName;
use tempfile::TempDir;

use crate::oracle;

/// A set of configuration files.
pub(crate) struct Configs {
    dir: TempDir,
}

impl Configs {
    pub(crate) fn new() -> Self {
        Self {
            dir: tempfile::tempdir().unwrap(),
        }
    }

    /// Writes one file for both sides.
    pub(crate) fn write(&self, name: &Path, text: &[u8]) {
        let theirs = self.dir.path().join("theirs");
        for (path, text) in [
            (self.ours().join(name), text.to_vec()),
            (theirs.join(name), absolute(text, &theirs)),
        ] {
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(&path, text).unwrap();
            fs::set_permissions(&path, fs::Permissions::from_mode(0o644)).unwrap();
        }
    }

    pub(crate) fn ours(&self) -> PathBuf {
        self.dir.path().join("ours")
    }

    pub(crate) fn theirs(&self, name: &Path) -> PathBuf {
        self.dir.path().join("theirs").join(name)
    }

    pub(crate) fn load(&self, name: &Path) -> Result<Inventory, InventoryError> {
        let sources = Sources {
            include_base: self.ours(),
            ..Sources::named(self.ours().join(name), oracle::local())
        };
        Inventory::load(&sources)
    }

    /// Compares both sides on some hosts. Answers how many of them both could resolve.
    pub(crate) fn compare(&self, name: &Path, hosts: &[&str]) -> usize {
        let inventory = self.load(name);
        let mut agreed = 0;
        for host in hosts {
            let answer = oracle::ask(&self.theirs(name), host, &[]);
            match (&inventory, answer) {
                (Ok(inventory), Ok(answer)) => {
                    let entry = inventory.find(&HostName::parse(host).unwrap()).unwrap();
                    let ours = entry.settings().map(AsRef::as_ref).map_err(AsRef::as_ref);
                    oracle::compare(&self.theirs(name), host, &answer, ours);
                    agreed += 1;
                }
                (Err(_), Err(_)) => {}
                (Ok(inventory), Err(complaint)) => {
                    let entry = inventory.find(&HostName::parse(host).unwrap()).unwrap();
                    assert!(
                        entry.settings().is_err(),
                        "{}, {host}: {complaint}",
                        name.display()
                    );
                }
                (Err(error), Ok(_)) => panic!("{}, {host}: {error}", name.display()),
            }
        }
        agreed
    }
}

/// Prefixes relative names on `Include` lines.
fn absolute(text: &[u8], base: &Path) -> Vec<u8> {
    let line = |line: &[u8]| {
        let Ok(text) = std::str::from_utf8(line) else {
            return line.to_vec();
        };
        let trimmed = text.trim_start();
        if !trimmed.to_ascii_lowercase().starts_with("include ") {
            return line.to_vec();
        }
        let names = trimmed["include ".len()..].split_whitespace().map(|name| {
            match name.trim_start_matches('"').chars().next() {
                Some('/' | '~' | '$') | None => name.to_owned(),
                Some(_) => name.replacen(
                    name.trim_matches('"'),
                    &format!("{}/{}", base.display(), name.trim_matches('"')),
                    1,
                ),
            }
        });
        let names: Vec<_> = names.collect();
        format!("Include {}", names.join(" ")).into_bytes()
    };
    let lines: Vec<_> = text.split(|&c| c == b'\n').map(line).collect();
    lines.join(&b'\n')
}
