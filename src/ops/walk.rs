//! A walk over a directory tree: depth first, entries in byte order of their names, several
//! directories read ahead. Links are seen and never followed, but for the root itself.
//!
//! It holds the directories on the way down and listings that come next, both up to a number of
//! bytes, whatever a host makes of them. The order is decided here, and does not depend on which
//! answer came first. How a directory is listed it is told.

use fleet::file::{Attributes, Kind, Listing};
use fleet::{FleetError, RemotePath};
use futures_util::future::BoxFuture;
use futures_util::stream::{FuturesUnordered, StreamExt};
use std::collections::HashMap;

/// Listings under way at once.
const WIDTH: usize = 8;

/// Listings, and bytes in all, held before nothing more is read ahead.
const AHEAD: (usize, usize) = (256, 4 << 20);

/// Bytes held of the directories on the way down; what is beyond is left out, and said to be. Seven
/// directories of 10,000 usual names in one another take as much.
const OPEN: usize = 8 << 20;

/// Lists a directory.
pub(super) type Lister<'s> =
    Box<dyn Fn(RemotePath) -> BoxFuture<'s, Result<Listing, FleetError>> + Send + Sync + 's>;

/// What a walk comes upon.
#[derive(Debug)]
pub(super) enum Step {
    /// A name in a directory.
    Entry(Entry),
    /// A directory whose entries cannot be had, and why; it was an entry before, unless it is the
    /// root.
    Unreadable(RemotePath, FleetError),
    /// A directory with more entries than one listing holds, or with entries whose paths are too
    /// long to be asked for; once for each directory. The other entries come next.
    Cut(RemotePath),
}

/// A name in a directory.
#[derive(Debug)]
pub(super) struct Entry {
    /// Where it is.
    pub(super) path: RemotePath,
    /// What it is, a link being a link.
    pub(super) attributes: Attributes,
    /// Whether it is a directory too deep to be entered.
    pub(super) closed: bool,
}

/// A walk.
pub(super) struct Walk<'s> {
    list: Lister<'s>,
    depth: usize,
    /// The directories on the way down, the innermost last.
    open: Vec<Directory>,
    /// What to enter before anything else.
    entering: Option<(RemotePath, u64)>,
    coming: FuturesUnordered<BoxFuture<'s, (u64, Result<Directory, FleetError>)>>,
    come: HashMap<u64, Result<Directory, FleetError>>,
    /// Bytes in `open`, and in `come`.
    held: (usize, usize),
    /// Bytes of the largest directory so far: what the next one may have.
    largest: usize,
    serial: u64,
}

struct Directory {
    path: RemotePath,
    entries: Vec<Node>,
    bytes: usize,
    /// Whether there is more in it than is said of it: said once.
    cut: bool,
    /// The next entry.
    at: usize,
    /// The next entry that may have to be read ahead.
    ahead: usize,
}

struct Node {
    name: Vec<u8>,
    attributes: Attributes,
    /// Set where its listing has been asked for.
    listing: Option<u64>,
}

impl<'s> Walk<'s> {
    /// A walk below `root`, which is a directory or a link to one, down to `depth`.
    pub(super) fn new(list: Lister<'s>, root: RemotePath, depth: usize) -> Self {
        let mut walk = Self {
            list,
            depth,
            open: Vec::new(),
            entering: None,
            coming: FuturesUnordered::new(),
            come: HashMap::new(),
            held: (0, 0),
            largest: 0,
            serial: 0,
        };
        let listing = walk.ask(root.clone());
        walk.entering = Some((root, listing));
        walk
    }

    /// The next thing there is, or nothing at the end.
    ///
    /// # Errors
    /// What ended the walk early: the deadline, or the connection. A directory that cannot be read
    /// ends nothing.
    pub(super) async fn next(&mut self) -> Result<Option<Step>, FleetError> {
        if let Some((path, listing)) = self.entering.take() {
            match self.listing(listing).await {
                Ok(mut directory) => {
                    directory.cut_to(OPEN.saturating_sub(self.held.0));
                    self.held.0 += directory.bytes;
                    let cut = directory.cut;
                    self.open.push(directory);
                    if cut {
                        return Ok(Some(Step::Cut(path)));
                    }
                }
                Err(error @ FleetError::File(_)) => {
                    return Ok(Some(Step::Unreadable(path, error)));
                }
                Err(error) => return Err(error),
            }
        }
        loop {
            let depth = self.open.len();
            let Some(directory) = self.open.last_mut() else {
                return Ok(None);
            };
            let Some(node) = directory.entries.get(directory.at) else {
                self.held.0 = self.held.0.saturating_sub(directory.bytes);
                self.open.pop();
                continue;
            };
            directory.at += 1;
            let (attributes, listing) = (node.attributes, node.listing);
            let path = match directory.path.join(&node.name) {
                Ok(path) => path,
                // Longer than a path may be: nobody can name what is there.
                Err(_) if directory.cut => continue,
                Err(_) => {
                    directory.cut = true;
                    return Ok(Some(Step::Cut(directory.path.clone())));
                }
            };
            let is_directory = attributes.kind() == Kind::Directory;
            let closed = is_directory && depth >= self.depth;
            if is_directory && !closed {
                let listing = listing.unwrap_or_else(|| self.ask(path.clone()));
                self.entering = Some((path.clone(), listing));
                self.look_ahead();
            }
            return Ok(Some(Step::Entry(Entry {
                path,
                attributes,
                closed,
            })));
        }
    }

    /// Asks for a directory.
    fn ask(&mut self, path: RemotePath) -> u64 {
        self.serial += 1;
        let (serial, listing) = (self.serial, (self.list)(path.clone()));
        self.coming.push(Box::pin(async move {
            let listing = listing.await;
            (serial, listing.map(|listing| Directory::new(path, listing)))
        }));
        serial
    }

    /// Waits for a directory that was asked for.
    async fn listing(&mut self, wanted: u64) -> Result<Directory, FleetError> {
        loop {
            if let Some(directory) = self.come.remove(&wanted) {
                let bytes = directory.as_ref().map_or(0, |directory| directory.bytes);
                self.held.1 = self.held.1.saturating_sub(bytes);
                return directory;
            }
            // What was asked for is under way until it is taken.
            let Some((serial, directory)) = self.coming.next().await else {
                return Err(FleetError::ShuttingDown);
            };
            if let Ok(directory) = &directory {
                self.held.1 += directory.bytes;
                self.largest = self.largest.max(directory.bytes);
            }
            self.come.insert(serial, directory);
            self.look_ahead();
        }
    }

    /// Asks for the directories that come next, the nearest first.
    fn look_ahead(&mut self) {
        let (listings, bytes) = AHEAD;
        for level in (0..self.open.len()).rev() {
            // The entries of the root are at depth 1.
            if level + 1 >= self.depth {
                continue;
            }
            while self.coming.len() < WIDTH
                && self.come.len() < listings
                && self.held.1 + (self.coming.len() + 1) * self.largest <= bytes
                && let Some(directory) = self.open.get_mut(level)
                && let Some((at, path)) = directory.next_unread()
            {
                let listing = self.ask(path);
                let directory = self.open.get_mut(level);
                if let Some(node) = directory.and_then(|directory| directory.entries.get_mut(at)) {
                    node.listing = Some(listing);
                }
            }
        }
    }
}

impl Node {
    fn bytes(&self) -> usize {
        size_of::<Self>() + self.name.len()
    }
}

impl Directory {
    fn new(path: RemotePath, listing: Listing) -> Self {
        let node = |entry: fleet::file::Entry| Node {
            name: entry.name,
            attributes: entry.attributes,
            listing: None,
        };
        let entries: Vec<Node> = listing.entries.into_iter().map(node).collect();
        Self {
            path,
            bytes: entries.iter().map(Node::bytes).sum(),
            entries,
            cut: listing.truncated,
            at: 0,
            ahead: 0,
        }
    }

    /// Leaves out what is behind the first entries that have so many bytes.
    fn cut_to(&mut self, room: usize) {
        if self.bytes <= room {
            return;
        }
        let mut bytes = 0;
        let fits = |node: &&Node| {
            bytes += node.bytes();
            bytes <= room
        };
        let fitting = self.entries.iter().take_while(fits).count();
        self.entries.truncate(fitting);
        self.entries.shrink_to_fit();
        self.bytes = self.entries.iter().map(Node::bytes).sum();
        self.cut = true;
    }

    /// The next directory in it that nobody asked for.
    fn next_unread(&mut self) -> Option<(usize, RemotePath)> {
        self.ahead = self.ahead.max(self.at);
        while let Some(node) = self.entries.get(self.ahead) {
            let at = self.ahead;
            self.ahead += 1;
            let unread = node.attributes.kind() == Kind::Directory && node.listing.is_none();
            if let (true, Ok(path)) = (unread, self.path.join(&node.name)) {
                return Some((at, path));
            }
        }
        None
    }
}

#[cfg(test)]
mod tests;
