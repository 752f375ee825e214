//! Random directory trees and texts, for comparing Scout with the programs of the machine. Seeded, so
//! that a failure can be seen again; the seed is printed by the test that fails.

use std::ffi::OsStr;
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::{PermissionsExt, symlink};
use std::path::{Path, PathBuf};

/// Names that break what takes them for anything else than bytes.
pub(crate) const HOSTILE: [&[u8]; 25] = [
    b"-",
    b"-delete",
    b"--help",
    b"-e",
    b" ",
    b"a b",
    b"tab\there",
    b"new\nline",
    b"\n",
    b"end\n",
    b"re\rturn",
    b"x:1\ny",
    b"'",
    b"\"quoted\"",
    b"$(id)",
    b"`id`",
    b"${HOME}",
    b"*",
    b"[a]",
    b"back\\slash",
    b"%s%n",
    "\u{202e}gnp".as_bytes(),
    "ä漢🦀".as_bytes(),
    b"\xff\xfe",
    b"latin-\xe9",
];

/// A generator of numbers (Knuth's MMIX), good enough for shapes.
pub(crate) struct Dice(u64);

impl Dice {
    pub(crate) fn new(seed: u64) -> Self {
        Self(seed.wrapping_mul(0x9e37_79b9_7f4a_7c15))
    }

    /// A number below `below`.
    pub(crate) fn below(&mut self, below: usize) -> usize {
        self.0 = self
            .0
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(1_442_695_040_888_963_407);
        usize::try_from(self.0 >> 33).unwrap() % below
    }

    /// One of these.
    pub(crate) fn of<'a, T>(&mut self, all: &'a [T]) -> &'a T {
        &all[self.below(all.len())]
    }
}

/// A seed nobody chose.
pub(crate) fn seed() -> u64 {
    getrandom::u64().unwrap()
}

/// The path of a name of any bytes in a directory.
pub(crate) fn at(dir: &Path, name: &[u8]) -> PathBuf {
    dir.join(OsStr::from_bytes(name))
}

/// A directory that every account may enter and list.
pub(crate) fn open_directory(dir: &Path) {
    std::fs::create_dir_all(dir).unwrap();
    std::fs::set_permissions(dir, std::fs::Permissions::from_mode(0o755)).unwrap();
}

/// Grows a tree below `dir`, with about so many names: files with lines, directories, links that lead
/// back up, and pipes.
pub(crate) fn grow(dir: &Path, dice: &mut Dice, names: usize) {
    open_directory(dir);
    let mut directories = vec![dir.to_owned()];
    for n in 0..names {
        let parent = dice.of(&directories).clone();
        let name = match dice.below(2) {
            0 => dice.of(&HOSTILE).to_vec(),
            _ => format!(
                "{}{}.{}",
                dice.of(&["a", "B", ".h", "long-name"]),
                n,
                dice.of(&["rs", "log", "c"])
            )
            .into_bytes(),
        };
        let path = at(&parent, &name);
        if path.symlink_metadata().is_ok() {
            continue;
        }
        match dice.below(10) {
            0..4 => {
                open_directory(&path);
                // A search goes ten levels down unless it is told otherwise.
                if path.components().count() < dir.components().count() + 9 {
                    directories.push(path);
                }
            }
            4 => symlink(dice.of(&["..", ".", "/", "nowhere", "../.."]), &path).unwrap(),
            5 => {
                nix::unistd::mkfifo(&path, nix::sys::stat::Mode::from_bits_truncate(0o644)).unwrap()
            }
            _ => std::fs::write(&path, text(dice)).unwrap(),
        }
    }
}

/// A few lines of a few words; sometimes none, sometimes bytes.
pub(crate) fn text(dice: &mut Dice) -> Vec<u8> {
    let words: [&[u8]; 8] = [
        b"a", b"TODO", b"-e", b"", b".*", b"caf\xe9", b"x\r", b"a\0b",
    ];
    let mut text = Vec::new();
    for _ in 0..dice.below(8) {
        text.extend_from_slice(dice.of::<&[u8]>(&words));
        text.extend_from_slice(dice.of::<&[u8]>(&[b"\n", b"\n", b" "]));
    }
    text
}
