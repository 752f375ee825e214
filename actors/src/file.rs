//! What is found at a path: words shared by the SFTP client and everyone above it.

use crate::budget::Hold;
use std::sync::Arc;

/// The most entries one listing or tree returns.
pub const MAX_ENTRIES: usize = 10_000;

/// The most bytes of names and descriptions one listing or tree returns; 10,000 usual entries take
/// a third of it.
pub const MAX_ENTRY_BYTES: usize = 4 << 20;

/// What kind of thing a path names, by the file type bits of its mode (`inode(7)`).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// A regular file.
    File,
    /// A directory.
    Directory,
    /// A symbolic link, as seen in a listing; reading follows it.
    Symlink,
    /// A named pipe.
    Fifo,
    /// A socket.
    Socket,
    /// A block device.
    BlockDevice,
    /// A character device.
    CharDevice,
    /// The host did not say.
    Unknown,
}

impl Kind {
    /// All of them.
    pub const ALL: [Self; 8] = [
        Self::File,
        Self::Directory,
        Self::Symlink,
        Self::Fifo,
        Self::Socket,
        Self::BlockDevice,
        Self::CharDevice,
        Self::Unknown,
    ];

    /// The kind encoded in a mode.
    #[must_use]
    pub fn of_mode(mode: u32) -> Self {
        match mode & 0o170_000 {
            0o100_000 => Self::File,
            0o040_000 => Self::Directory,
            0o120_000 => Self::Symlink,
            0o010_000 => Self::Fifo,
            0o140_000 => Self::Socket,
            0o060_000 => Self::BlockDevice,
            0o020_000 => Self::CharDevice,
            _ => Self::Unknown,
        }
    }

    /// The stable name.
    #[must_use]
    pub fn label(self) -> &'static str {
        match self {
            Self::File => "file",
            Self::Directory => "directory",
            Self::Symlink => "symlink",
            Self::Fifo => "fifo",
            Self::Socket => "socket",
            Self::BlockDevice => "block device",
            Self::CharDevice => "character device",
            Self::Unknown => "unknown",
        }
    }

    /// The letter `ls -l` begins a line with.
    #[must_use]
    pub fn letter(self) -> char {
        match self {
            Self::File => '-',
            Self::Directory => 'd',
            Self::Symlink => 'l',
            Self::Fifo => 'p',
            Self::Socket => 's',
            Self::BlockDevice => 'b',
            Self::CharDevice => 'c',
            Self::Unknown => '?',
        }
    }
}

/// Attributes as far as the host gave them.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Attributes {
    /// Size in bytes. Zero for many files under `/proc`, whatever they hold.
    pub size: Option<u64>,
    /// User and group number.
    pub owner: Option<(u32, u32)>,
    /// File type and permission bits.
    pub mode: Option<u32>,
    /// Last modification, in seconds since 1970 UTC.
    pub modified: Option<u32>,
    /// Last access, in seconds since 1970 UTC.
    pub accessed: Option<u32>,
}

/// The times of a file in seconds since 1970 UTC. The protocol sets both or none.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Times {
    /// Last access.
    pub accessed: u32,
    /// Last modification.
    pub modified: u32,
}

impl Attributes {
    /// The kind, if the mode is known.
    #[must_use]
    pub fn kind(&self) -> Kind {
        self.mode.map_or(Kind::Unknown, Kind::of_mode)
    }
}

/// One name in a directory.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Entry {
    /// The name as the host has it; any bytes but `/` and NUL.
    pub name: Vec<u8>,
    /// What it is, without following links.
    pub attributes: Attributes,
    /// The host's own `ls -l` line, where it sends one (OpenSSH does).
    pub long: Vec<u8>,
}

impl Entry {
    /// Bytes of its name and description.
    pub(crate) fn bytes(&self) -> usize {
        self.name.len() + self.long.len()
    }
}

/// How many of `entries` fit into what is left of the bounds: `count` entries and `bytes`.
pub(crate) fn fitting(entries: &[Entry], count: usize, mut bytes: usize) -> usize {
    let fits = |entry: &&Entry| match bytes.checked_sub(entry.bytes()) {
        Some(left) => {
            bytes = left;
            true
        }
        None => false,
    };
    entries.iter().take(count).take_while(fits).count()
}

/// A directory's entries, without `.` and `..`, in byte order of their names.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Listing {
    /// The entries.
    pub entries: Vec<Entry>,
    /// Whether there were more than [`MAX_ENTRIES`] or [`MAX_ENTRY_BYTES`].
    pub truncated: bool,
}

/// A node of a directory tree, in depth-first order.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Node {
    /// How far below the root; entries of the root itself have 1.
    pub depth: usize,
    /// The entry.
    pub entry: Entry,
    /// Set where a directory could not be read.
    pub unreadable: bool,
}

/// A directory tree.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Tree {
    /// The nodes.
    pub nodes: Vec<Node>,
    /// Whether something was left out for being more than [`MAX_ENTRIES`] or [`MAX_ENTRY_BYTES`].
    pub truncated: bool,
}

/// Which part of a file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Part {
    /// At most `limit` bytes from `offset`.
    From {
        /// First byte.
        offset: u64,
        /// Number of bytes.
        limit: u64,
    },
    /// The last `limit` bytes.
    Tail {
        /// Number of bytes.
        limit: u64,
    },
}

/// What a read wants, should the path be a file or a directory.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Want {
    /// Of a file.
    pub part: Part,
    /// Of a directory: its tree down to this depth, instead of its listing.
    pub tree: Option<usize>,
}

/// A part of a file.
#[derive(Debug)]
pub struct Content {
    /// Its bytes.
    pub bytes: Vec<u8>,
    /// Where in the file they begin.
    pub offset: u64,
    /// Whether the file goes on behind them.
    pub more: bool,
    /// The file's attributes when the read began.
    pub attributes: Attributes,
    /// The memory accounted for.
    pub hold: Arc<Hold>,
}

/// What was at the path.
#[derive(Debug)]
pub enum Found {
    /// A regular file.
    File(Content),
    /// A directory, and the memory accounted for.
    Directory(Listing, Arc<Hold>),
    /// A directory as a tree, and the memory accounted for.
    Tree(Tree, Arc<Hold>),
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_listing_is_bound_by_its_bytes_as_by_its_number() {
        let entry = |long: usize| Entry {
            name: vec![b'n'],
            attributes: Attributes::default(),
            long: vec![b'l'; long],
        };
        let entries = [entry(9), entry(9), entry(10), entry(0)];
        assert_eq!(fitting(&entries, 9, usize::MAX), 4);
        assert_eq!((fitting(&entries, 9, 20), fitting(&entries, 1, 20)), (2, 1));
        assert_eq!(
            fitting(&entries, 9, 30),
            2,
            "nothing is left out in between"
        );
    }
}
