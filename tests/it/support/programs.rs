//! Programs that a host has: real ones of this machine, or of the packages that `tests/run` unpacks into
//! `tests/.cache/programs`, and scripts that say what a real one said.

use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};

/// What the script that runs a command, and a login, need from the path.
const BASICS: [&str; 11] = [
    "awk", "cat", "grep", "head", "id", "ls", "sh", "sleep", "tail", "test", "true",
];

/// A directory of programs that is the whole path of a host, but for what Scout itself adds.
#[derive(Debug)]
pub(crate) struct Programs {
    dir: PathBuf,
}

impl Programs {
    /// The basics, in a directory below `dir`.
    pub(crate) fn basic(dir: &Path) -> Self {
        let dir = dir.join("bin");
        std::fs::create_dir(&dir).unwrap();
        for name in BASICS {
            let place = in_path(name).unwrap_or_else(|| panic!("`{name}` is not installed"));
            std::os::unix::fs::symlink(place, dir.join(name)).unwrap();
        }
        Self { dir }
    }

    /// Adds a program that lies elsewhere, as a copy that every account can reach.
    pub(crate) fn with(self, name: &str, place: &Path) -> Self {
        std::fs::copy(place, self.dir.join(name)).unwrap();
        self
    }

    /// Adds a program where every account can reach it: with the libraries beside it, it cannot be copied.
    pub(crate) fn link(self, name: &str, place: &Path) -> Self {
        std::os::unix::fs::symlink(place, self.dir.join(name)).unwrap();
        self
    }

    /// Adds a file beside the programs.
    pub(crate) fn file(self, name: &str, text: &str) -> Self {
        std::fs::write(self.place(name), text).unwrap();
        self
    }

    /// Where a program or file is.
    pub(crate) fn place(&self, name: &str) -> PathBuf {
        self.dir.join(name)
    }

    /// Adds a script for `sh`.
    pub(crate) fn script(self, name: &str, script: &str) -> Self {
        let place = self.dir.join(name);
        std::fs::write(&place, format!("#!/bin/sh\n{script}\n")).unwrap();
        std::fs::set_permissions(&place, std::fs::Permissions::from_mode(0o755)).unwrap();
        self
    }

    /// The variable.
    pub(crate) fn env(&self) -> String {
        format!("PATH={}", self.dir.display())
    }
}

/// Where this machine has a program.
pub(crate) fn in_path(name: &str) -> Option<PathBuf> {
    let path = std::env::var_os("PATH")?;
    std::env::split_paths(&path)
        .map(|dir| dir.join(name))
        .find(|place| place.is_file())
}

/// A file of the unpacked packages.
pub(crate) fn unpacked(path: &str) -> Option<PathBuf> {
    let place = Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("tests/.cache/programs")
        .join(path);
    place.is_file().then_some(place)
}

/// The docker command line.
pub(crate) fn docker() -> Option<PathBuf> {
    in_path("docker").or_else(|| unpacked("usr/bin/docker"))
}

/// The compose plugin of docker, version 2.
pub(crate) fn compose() -> Option<PathBuf> {
    const PLUGIN: &str = "libexec/docker/cli-plugins/docker-compose";
    let installed = ["/usr", "/usr/local"].map(|prefix| Path::new(prefix).join(PLUGIN));
    let mut installed = installed.into_iter().filter(|place| place.is_file());
    installed
        .next()
        .or_else(|| unpacked(&format!("usr/{PLUGIN}")))
}

/// What turns text into a journal.
pub(crate) fn journal_remote() -> Option<PathBuf> {
    let installed = PathBuf::from("/lib/systemd/systemd-journal-remote");
    let installed = Some(installed).filter(|place| place.is_file());
    installed
        .or_else(|| unpacked("lib/systemd/systemd-journal-remote"))
        .or_else(|| unpacked("usr/lib/systemd/systemd-journal-remote"))
}

/// A log daemon of the unpacked packages, and where its modules are.
pub(crate) fn rsyslogd() -> Option<(PathBuf, PathBuf)> {
    let program = unpacked("usr/sbin/rsyslogd")?;
    let modules = libraries(&program)?.join("rsyslog");
    Some((program, modules))
}

/// Where a program of the unpacked packages has its libraries.
pub(crate) fn libraries(program: &Path) -> Option<PathBuf> {
    let root = program.ancestors().find(|dir| dir.ends_with("programs"))?;
    Some(root.join(format!("usr/lib/{}-linux-gnu", std::env::consts::ARCH)))
}
