//! Tells the program which revision it is built from: `SCOUT_REVISION` of the environment, else what
//! git says of this directory, else nothing, as in an unpacked archive.

use std::path::{Path, PathBuf};
use std::process::Command;

fn main() {
    println!("cargo:rerun-if-env-changed=SCOUT_REVISION");
    println!("cargo:rerun-if-changed=build.rs");
    let given = std::env::var("SCOUT_REVISION").ok();
    let revision = given
        .map(|revision| revision.trim().chars().take(12).collect())
        .filter(|revision: &String| !revision.is_empty())
        .or_else(|| {
            watch_head();
            git(&["rev-parse", "--short=12", "HEAD"])
        })
        .unwrap_or_else(|| "unknown".to_owned());
    println!("cargo:rustc-env=SCOUT_REVISION={revision}");
}

/// Runs again when another commit is checked out or made. Both files move then: `HEAD` on a switch,
/// the log of `HEAD` on either.
fn watch_head() {
    for file in ["HEAD", "logs/HEAD"] {
        let found = git(&["rev-parse", "--git-path", file]).map(PathBuf::from);
        if let Some(path) = found.filter(|path: &PathBuf| Path::exists(path)) {
            println!("cargo:rerun-if-changed={}", path.display());
        }
    }
}

/// What git says of the directory of this package; nothing where there is no git, or where a
/// repository around it is not its own.
fn git(arguments: &[&str]) -> Option<String> {
    let here = std::env::var_os("CARGO_MANIFEST_DIR")?;
    if !Path::new(&here).join(".git").exists() {
        return None;
    }
    let output = Command::new("git")
        .arg("-C")
        .arg(&here)
        .args(arguments)
        .output()
        .ok()?;
    let text = String::from_utf8(output.stdout).ok()?;
    (output.status.success() && !text.trim().is_empty()).then(|| text.trim().to_owned())
}
