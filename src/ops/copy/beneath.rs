//! Opening what is below a directory of this machine, and nothing else: the kernel keeps the bound.
//!
//! Every path is looked up anew from the directory's descriptor, with no symbolic link followed on
//! the way (`openat2(2)`, `RESOLVE_BENEATH`). So it does not matter what else changes the tree at
//! the same time: what is opened is below the directory at that moment, or nothing is.

use rustix::fs::{CWD, Mode, OFlags, openat};
use rustix::io::Errno;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::path::Path;

/// Opens the directory itself, following whatever its path has in links.
pub(super) fn top(path: &Path) -> Result<OwnedFd, Errno> {
    let flags = OFlags::RDONLY | OFlags::DIRECTORY | OFlags::CLOEXEC;
    openat(CWD, path, flags, Mode::empty())
}

/// Opens what is at `path` below `top`; an empty path is the directory itself.
pub(super) fn open(
    top: BorrowedFd<'_>,
    path: &[u8],
    flags: OFlags,
    mode: Mode,
) -> Result<OwnedFd, Errno> {
    let path: &[u8] = if path.is_empty() { b"." } else { path };
    let flags = flags | OFlags::CLOEXEC;
    match resolve(top, path, flags, mode) {
        // A kernel before 5.6, or a container that does not let the call through.
        Err(Errno::NOSYS | Errno::PERM) => step_by_step(top, path, flags, mode),
        opened => opened,
    }
}

/// The directory that `path` is in, and its name there.
pub(super) fn parent<'p>(
    top: BorrowedFd<'_>,
    path: &'p [u8],
) -> Result<(OwnedFd, &'p [u8]), Errno> {
    let cut = memchr::memrchr(b'/', path);
    let (above, name) = match cut {
        Some(cut) => (path.get(..cut), path.get(cut + 1..)),
        None => (None, Some(path)),
    };
    let name = name.filter(|name| super::below::is_name(name));
    let directory = open(top, above.unwrap_or_default(), WAY, Mode::empty())?;
    Ok((directory, name.ok_or(Errno::INVAL)?))
}

/// A directory to go through needs no right to be listed.
#[cfg(target_os = "linux")]
const WAY: OFlags = OFlags::PATH.union(OFlags::DIRECTORY);
#[cfg(not(target_os = "linux"))]
const WAY: OFlags = OFlags::RDONLY.union(OFlags::DIRECTORY);

#[cfg(target_os = "linux")]
fn resolve(top: BorrowedFd<'_>, path: &[u8], flags: OFlags, mode: Mode) -> Result<OwnedFd, Errno> {
    use rustix::fs::ResolveFlags as Resolve;
    let resolve = Resolve::BENEATH | Resolve::NO_SYMLINKS | Resolve::NO_MAGICLINKS;
    let mut tries = 8;
    loop {
        match rustix::fs::openat2(top, path, flags, mode, resolve) {
            // Something was renamed meanwhile, and the kernel could not be sure (openat2(2)).
            Err(Errno::AGAIN) if tries > 0 => tries -= 1,
            opened => return opened,
        }
    }
}

#[cfg(not(target_os = "linux"))]
fn resolve(_: BorrowedFd<'_>, _: &[u8], _: OFlags, _: Mode) -> Result<OwnedFd, Errno> {
    Err(Errno::NOSYS)
}

/// The same where the kernel does not do it in one call: name by name, no link followed, never up.
fn step_by_step(
    top: BorrowedFd<'_>,
    path: &[u8],
    flags: OFlags,
    mode: Mode,
) -> Result<OwnedFd, Errno> {
    let (above, last) = match memchr::memrchr(b'/', path) {
        Some(cut) => path.split_at(cut),
        None => (b"".as_slice(), path),
    };
    let last = last.strip_prefix(b"/").unwrap_or(last);
    let mut directory = top.try_clone_to_owned().map_err(|_| Errno::MFILE)?;
    let step = WAY | OFlags::NOFOLLOW | OFlags::CLOEXEC;
    for name in above
        .split(|byte| *byte == b'/')
        .filter(|name| !name.is_empty())
    {
        if name == b".." {
            return Err(Errno::XDEV);
        }
        directory = openat(directory.as_fd(), name, step, Mode::empty())?;
    }
    match last {
        b".." => Err(Errno::XDEV),
        last => openat(directory.as_fd(), last, flags | OFlags::NOFOLLOW, mode),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::os::unix::fs::symlink;

    type Opener = fn(BorrowedFd<'_>, &[u8], OFlags, Mode) -> Result<OwnedFd, Errno>;

    #[test]
    fn nothing_outside_is_reached_in_either_way() {
        let dir = tempfile::tempdir().unwrap();
        let root = dir.path().join("root");
        std::fs::create_dir_all(root.join("a/b")).unwrap();
        std::fs::create_dir(dir.path().join("root-evil")).unwrap();
        std::fs::write(dir.path().join("secret"), "s").unwrap();
        std::fs::write(root.join("a/b/f"), "f").unwrap();
        symlink("../secret", root.join("out")).unwrap();
        symlink("..", root.join("a/up")).unwrap();
        symlink("a", root.join("alias")).unwrap();
        let top = top(&root).unwrap();
        let ways: [Opener; 2] = [open, step_by_step];
        for way in ways {
            let open =
                |path: &str| way(top.as_fd(), path.as_bytes(), OFlags::RDONLY, Mode::empty());
            for inside in ["a/b/f", "a", "a/b"] {
                assert!(open(inside).is_ok(), "{inside}");
            }
            for outside in [
                "out",
                "../secret",
                "a/../../secret",
                "a/up/up/secret",
                "a/up/a/b/f",
                "alias/b/f",
                "..",
                "../root-evil",
            ] {
                assert!(open(outside).is_err(), "{outside}");
            }
        }
        let absolute = dir.path().join("secret");
        let absolute = absolute.as_os_str().as_encoded_bytes();
        assert!(open(top.as_fd(), absolute, OFlags::RDONLY, Mode::empty()).is_err());
    }

    #[test]
    fn a_directory_that_becomes_a_link_meanwhile_leads_nowhere() {
        let dir = tempfile::tempdir().unwrap();
        let root = dir.path().join("root");
        std::fs::create_dir_all(root.join("d")).unwrap();
        std::fs::create_dir(dir.path().join("outside")).unwrap();
        std::fs::write(root.join("d/f"), "inside").unwrap();
        std::fs::write(dir.path().join("outside/f"), "outside").unwrap();
        let top = top(&root).unwrap();
        let over = std::sync::Arc::new(std::sync::atomic::AtomicBool::new(false));
        let (stop, place) = (over.clone(), root.clone());
        let swapper = std::thread::spawn(move || {
            while !stop.load(std::sync::atomic::Ordering::Relaxed) {
                std::fs::rename(place.join("d"), place.join("kept")).unwrap();
                symlink("../outside", place.join("d")).unwrap();
                std::fs::remove_file(place.join("d")).unwrap();
                std::fs::rename(place.join("kept"), place.join("d")).unwrap();
            }
        });
        for _ in 0..20_000 {
            let Ok(file) = open(top.as_fd(), b"d/f", OFlags::RDONLY, Mode::empty()) else {
                continue;
            };
            let mut text = String::new();
            std::io::Read::read_to_string(&mut std::fs::File::from(file), &mut text).unwrap();
            assert_eq!(text, "inside");
        }
        over.store(true, std::sync::atomic::Ordering::Relaxed);
        swapper.join().unwrap();
        // On a busy machine a rename may come between each time; without one it leads there.
        assert!(open(top.as_fd(), b"d/f", OFlags::RDONLY, Mode::empty()).is_ok());
    }
}
