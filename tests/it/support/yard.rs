//! Files to be copied: a place on the hosts that their account may write to, a place of this machine
//! that clients may, and content that cannot be right by chance.

use std::fs::{File, Permissions};
use std::io::{Read as _, Write as _};
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};
use std::process::Command;

use super::account::is_root;
use super::chaos::Toward;
use super::fleet::Fleet;

/// The two places. Everything in them goes with the fleet.
#[derive(Debug)]
pub(crate) struct Yard {
    /// On every host: they share the disk.
    pub(crate) there: PathBuf,
    /// On this machine.
    pub(crate) here: PathBuf,
    account: String,
}

/// A copy to be made.
pub(crate) struct Way {
    pub(crate) from: String,
    pub(crate) to: String,
    /// Where it leads, on the disk of all.
    pub(crate) place: PathBuf,
    /// Which way the content goes through what stands before the first host.
    pub(crate) toward: Toward,
}

impl Yard {
    /// Makes both below the directory of the fleet.
    pub(crate) fn new(fleet: &Fleet) -> Self {
        let yard = Self {
            there: fleet.dir().join("there"),
            here: fleet.dir().join("here"),
            account: fleet.account().name.clone(),
        };
        std::fs::create_dir(&yard.here).unwrap();
        yard.directory("");
        yard
    }

    /// A directory on the hosts that belongs to their account; the name may be empty.
    pub(crate) fn directory(&self, name: &str) -> PathBuf {
        let path = self.there.join(name);
        std::fs::create_dir_all(&path).unwrap();
        self.give(&path);
        path
    }

    /// A file on the hosts with so many bytes that follow from `seed`.
    pub(crate) fn remote(&self, name: &str, bytes: u64, seed: u64) -> PathBuf {
        let path = self.there.join(name);
        fill(&path, bytes, seed);
        self.give(&path);
        path
    }

    /// The same on this machine.
    pub(crate) fn local(&self, name: &str, bytes: u64, seed: u64) -> PathBuf {
        let path = self.here.join(name);
        fill(&path, bytes, seed);
        path
    }

    /// A copy in every direction, to places of this name: of `local` to the first host, of `remote`
    /// back from it, and of `remote` to it from the second host.
    pub(crate) fn ways(&self, local: &Path, remote: &Path, name: &str) -> [Way; 3] {
        let on = |host: &str, path: &Path| format!("{host}:{}", path.display());
        let (up, down) = (self.there.join(name), self.here.join(name));
        let over = self.there.join(format!("{name}-over"));
        [
            Way {
                from: local.display().to_string(),
                to: on("web-01", &up),
                place: up,
                toward: Toward::Server,
            },
            Way {
                from: on("web-01", remote),
                to: down.display().to_string(),
                place: down,
                toward: Toward::Client,
            },
            Way {
                from: on("web-02", remote),
                to: on("web-01", &over),
                place: over,
                toward: Toward::Server,
            },
        ]
    }

    /// Makes it belong to the account of the hosts.
    pub(crate) fn give(&self, path: &Path) {
        if is_root() {
            let status = Command::new("chown")
                .args(["-h", &self.account])
                .arg(path)
                .status();
            assert!(status.unwrap().success());
        }
    }

    /// The names in both places that begin with a dot: what copies left unfinished.
    pub(crate) fn left(&self) -> Vec<PathBuf> {
        [&self.there, &self.here]
            .into_iter()
            .flat_map(|dir| parts(dir))
            .collect()
    }
}

/// The unfinished files in a directory.
pub(crate) fn parts(dir: &Path) -> Vec<PathBuf> {
    let entries = std::fs::read_dir(dir)
        .unwrap()
        .map(|entry| entry.unwrap().path());
    entries
        .filter(|path| path.to_str().is_some_and(|path| path.ends_with(".part")))
        .collect()
}

/// Writes so many bytes that follow from `seed`, as no shorter or shifted file has them.
pub(crate) fn fill(path: &Path, bytes: u64, seed: u64) {
    let mut file = File::create(path).unwrap();
    let mut state = seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) | 1;
    let mut left = usize::try_from(bytes).unwrap();
    let mut chunk = Vec::with_capacity(1 << 20);
    while left > 0 {
        chunk.clear();
        while chunk.len() < left.min(1 << 20) {
            // xorshift64
            state ^= state << 13;
            state ^= state >> 7;
            state ^= state << 17;
            chunk.extend_from_slice(&state.to_le_bytes());
        }
        chunk.truncate(left.min(1 << 20));
        file.write_all(&chunk).unwrap();
        left -= chunk.len();
    }
}

/// Whether two files have the same bytes; false where one is missing.
pub(crate) fn same(one: &Path, other: &Path) -> bool {
    let (Ok(mut one), Ok(mut other)) = (File::open(one), File::open(other)) else {
        return false;
    };
    if one.metadata().unwrap().len() != other.metadata().unwrap().len() {
        return false;
    }
    let (mut a, mut b) = (vec![0; 1 << 20], vec![0; 1 << 20]);
    loop {
        let read = one.read(&mut a).unwrap();
        if read == 0 {
            return true;
        }
        other.read_exact(&mut b[..read]).unwrap();
        if a[..read] != b[..read] {
            return false;
        }
    }
}

/// Gives a file another mode.
pub(crate) fn chmod(path: &Path, mode: u32) {
    std::fs::set_permissions(path, Permissions::from_mode(mode)).unwrap();
}
