//! Which places of this machine a copy may name, and what such a name leads to.
//!
//! A client of the protocol is confined to the configured directories; each was opened once, at the
//! start, and everything is looked up below that descriptor. Whoever types on a terminal has the
//! rights of the account already, so the command line goes anywhere, as `scp` does.

use super::below::{is_name, one_line};
use super::beneath;
use super::failure;
use crate::ops::Failure;
use std::ffi::OsStr;
use std::io;
use std::os::fd::OwnedFd;
use std::os::unix::ffi::{OsStrExt, OsStringExt};
use std::path::{Component, Path, PathBuf};
use std::sync::Arc;

/// The key that opens places to clients, for what refuses one.
const KEY: &str = "`transfer.roots` (`SCOUT_TRANSFER_ROOTS`)";

/// The places of this machine that may be named.
#[derive(Clone, Debug)]
pub struct LocalPlaces(Bound);

#[derive(Clone, Debug)]
enum Bound {
    Within(Arc<[Root]>),
    Anywhere,
}

/// A directory that was opened at the start.
#[derive(Debug)]
struct Root {
    written: PathBuf,
    /// What it was after its links were followed, once.
    resolved: PathBuf,
    top: Arc<OwnedFd>,
}

/// A place of this machine: a descriptor, and a path that leads down from it.
#[derive(Debug, Clone)]
pub(super) struct Spot {
    pub(super) top: Arc<OwnedFd>,
    pub(super) path: Vec<u8>,
    /// The name its last part was given; none of a directory that was named as `/`, `.` or `..`.
    pub(super) name: Option<Vec<u8>>,
    /// Whether it was written as a directory, with a slash at its end.
    pub(super) slash: bool,
    /// As it was written.
    pub(super) shown: String,
}

impl LocalPlaces {
    /// No place at all.
    #[must_use]
    pub fn none() -> Self {
        Self(Bound::Within(Arc::from([])))
    }

    /// Every place the account can reach.
    #[must_use]
    pub fn anywhere() -> Self {
        Self(Bound::Anywhere)
    }

    /// Places below these directories, which are opened now.
    ///
    /// # Errors
    /// The first directory that cannot be opened, and why.
    pub fn within(roots: &[PathBuf]) -> Result<Self, (PathBuf, io::Error)> {
        let open = |written: &PathBuf| {
            let resolved = written.canonicalize()?;
            let top = Arc::new(beneath::top(&resolved)?);
            Ok(Root {
                written: written.clone(),
                resolved,
                top,
            })
        };
        let roots = roots
            .iter()
            .map(|root| open(root).map_err(|error: io::Error| (root.clone(), error)));
        Ok(Self(Bound::Within(roots.collect::<Result<_, _>>()?)))
    }

    /// Where a copy of `path` begins. Touches the disk.
    pub(super) fn source(&self, path: &Path) -> Result<Spot, Failure> {
        match &self.0 {
            Bound::Within(roots) => confined(roots, path),
            Bound::Anywhere => {
                let found = path.canonicalize();
                let found = found.map_err(|error| failure::local(path, error))?;
                spot(&found, path)
            }
        }
    }

    /// Where a copy to `path` leads. Touches the disk.
    pub(super) fn target(&self, path: &Path) -> Result<Spot, Failure> {
        match &self.0 {
            Bound::Within(roots) => confined(roots, path),
            Bound::Anywhere => {
                let failed = |error| failure::local(path, error);
                let named = path.file_name().filter(|_| !path.is_dir());
                let Some(name) = named else {
                    return spot(&path.canonicalize().map_err(failed)?, path);
                };
                let above = match path.parent() {
                    Some(above) if !above.as_os_str().is_empty() => above,
                    _ => Path::new("."),
                };
                spot(&above.canonicalize().map_err(failed)?.join(name), path)
            }
        }
    }
}

/// A place given by an absolute path that has no link left but perhaps its last part.
fn spot(found: &Path, written: &Path) -> Result<Spot, Failure> {
    let top = beneath::top(Path::new("/"));
    let top = top.map_err(|error| failure::local(Path::new("/"), error.into()))?;
    let bytes = found.as_os_str().as_bytes();
    let name = written.file_name().or(found.file_name());
    Ok(Spot {
        top: Arc::new(top),
        path: bytes.strip_prefix(b"/").unwrap_or(bytes).to_vec(),
        name: name.map(|name| name.as_bytes().to_vec()),
        slash: written.as_os_str().as_bytes().ends_with(b"/"),
        shown: one_line(written.as_os_str().as_bytes()),
    })
}

/// A place below one of the directories, by names alone: what links there are is found out by the
/// kernel when it is opened.
fn confined(roots: &[Root], path: &Path) -> Result<Spot, Failure> {
    let shown = one_line(path.as_os_str().as_bytes());
    if roots.is_empty() {
        return Err(failure::not_allowed(
            format!("no directory of this machine is open to copies, so `{shown}` is not"),
            format!("list the directories that are in {KEY}; copies between hosts need none"),
        ));
    }
    let outside = |why: &str| {
        let open: Vec<String> = roots
            .iter()
            .map(|root| format!("`{}`", one_line(root.written.as_os_str().as_bytes())))
            .collect();
        let hint = format!("open are {}, by {KEY}", open.join(", "));
        failure::not_allowed(format!("the local path `{shown}` {why}"), hint)
    };
    if !path.is_absolute() {
        return Err(outside("is relative; it must begin with `/`"));
    }
    if path.components().any(|part| part == Component::ParentDir) {
        return Err(outside("has `..`"));
    }
    if path.as_os_str().as_bytes().contains(&0) {
        return Err(outside("has a NUL"));
    }
    let below = |root: &Root| {
        let rest = path.strip_prefix(&root.written);
        let rest = rest.or_else(|_| path.strip_prefix(&root.resolved)).ok()?;
        // Once more through its parts: `a/./b` and `a//b` are `a/b`.
        let rest: PathBuf = rest.components().collect();
        Some((Arc::clone(&root.top), rest.into_os_string().into_vec()))
    };
    // The innermost one, should they lie in one another.
    let found = roots
        .iter()
        .filter_map(below)
        .min_by_key(|(_, rest)| rest.len());
    let (top, path_below) =
        found.ok_or_else(|| outside("is outside the directories for copies"))?;
    let name = path
        .file_name()
        .map(OsStr::as_bytes)
        .filter(|name| is_name(name));
    Ok(Spot {
        top,
        path: path_below,
        name: name.map(<[u8]>::to_vec),
        slash: path.as_os_str().as_bytes().ends_with(b"/"),
        shown,
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::os::unix::fs::symlink;

    #[test]
    fn only_what_lies_below_a_root_by_its_names_is_a_place() {
        let dir = tempfile::tempdir().unwrap();
        let root = dir.path().join("transfer");
        std::fs::create_dir(&root).unwrap();
        let alias = dir.path().join("alias");
        symlink(&root, &alias).unwrap();
        let places = LocalPlaces::within(std::slice::from_ref(&alias)).unwrap();
        let below = |path: PathBuf| places.source(&path).map(|spot| spot.path);
        for (path, at) in [
            (alias.join("a/b"), "a/b"),
            (root.join("a"), "a"),
            (alias.join(".//a/./b/"), "a/b"),
            (alias.clone(), ""),
        ] {
            assert_eq!(below(path).unwrap(), at.as_bytes());
        }
        for outside in [
            dir.path().join("transfer-evil/x"),
            dir.path().join("alias-evil"),
            alias.join("../x"),
            alias.join("a/../../x"),
            dir.path().into(),
            "/".into(),
            "alias/a".into(),
            "".into(),
        ] {
            let refused = below(outside.clone()).unwrap_err();
            assert_eq!(refused.code, "local_not_allowed", "{outside:?}");
            assert!(refused.hint.unwrap().contains("transfer.roots"));
        }
    }

    #[test]
    fn without_roots_there_is_no_place_and_the_key_is_named() {
        let refused = LocalPlaces::none().source(Path::new("/tmp")).unwrap_err();
        assert_eq!(refused.code, "local_not_allowed");
        assert!(refused.hint.unwrap().contains("SCOUT_TRANSFER_ROOTS"));
    }

    #[test]
    fn a_root_that_is_not_there_is_said_at_the_start() {
        let missing = PathBuf::from("/nonexistent/transfer");
        let (path, error) = LocalPlaces::within(std::slice::from_ref(&missing)).unwrap_err();
        assert_eq!((path, error.kind()), (missing, io::ErrorKind::NotFound));
    }

    #[test]
    fn a_terminal_goes_anywhere_and_through_links() {
        let dir = tempfile::tempdir().unwrap();
        let real = dir.path().canonicalize().unwrap();
        std::fs::create_dir(real.join("d")).unwrap();
        std::fs::write(real.join("d/f"), "f").unwrap();
        symlink("d", real.join("to-d")).unwrap();
        symlink("d/f", real.join("to-f")).unwrap();
        let places = LocalPlaces::anywhere();
        let at = |spot: &Spot| PathBuf::from("/").join(OsStr::from_bytes(&spot.path));
        let source = places.source(&real.join("to-f")).unwrap();
        assert_eq!(at(&source), real.join("d/f"));
        assert_eq!(source.name.as_deref(), Some(b"to-f".as_slice()));
        let target = places.target(&real.join("to-d/new")).unwrap();
        assert_eq!(at(&target), real.join("d/new"));
        // A link at the end is what is replaced, not what it leads to; a directory is entered.
        assert_eq!(
            at(&places.target(&real.join("to-f")).unwrap()),
            real.join("to-f")
        );
        assert_eq!(
            at(&places.target(&real.join("to-d")).unwrap()),
            real.join("d")
        );
        assert_eq!(
            places.source(Path::new("/nonexistent")).unwrap_err().code,
            "not_found"
        );
    }
}
