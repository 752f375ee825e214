//! All that is below a directory, as far as it is compared.

use crate::ops::sftp;
use crate::ops::walk::{Step, Walk};
use fleet::file::Kind;
use fleet::target::MAX_PATH;
use fleet::{Deadline, FileSession, FleetError, Lease, RemotePath};
use futures_util::stream::{self, StreamExt, TryStreamExt};
use std::cmp::Ordering;
use std::collections::BTreeSet;

/// How deep directories are compared.
pub(super) const MAX_DEPTH: usize = 32;

/// The most names below one of them, and bytes of their paths and of where the links among them lead.
const MAX_NAMES: (usize, usize) = (50_000, 8 << 20);

/// Links asked for at once.
const LINKS: usize = 16;

/// A path below the directory, by its names: in this order a directory comes right before what is in
/// it, as the walk has it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Relative(Vec<u8>);

impl Relative {
    /// The path as bytes.
    pub(super) fn as_bytes(&self) -> &[u8] {
        &self.0
    }

    /// Whether it is somewhere below `above`.
    pub(super) fn is_below(&self, above: &Self) -> bool {
        let rest = self.0.strip_prefix(above.as_bytes());
        above.0.is_empty() || rest.is_some_and(|rest| rest.starts_with(b"/"))
    }

    /// The directory it is in.
    pub(super) fn parent(&self) -> Self {
        let end = memchr::memrchr(b'/', &self.0).unwrap_or(0);
        Self(self.0.get(..end).unwrap_or_default().to_vec())
    }

    fn names(&self) -> impl Iterator<Item = &[u8]> {
        self.0.split(|&byte| byte == b'/')
    }

    #[cfg(test)]
    pub(super) fn new(path: &str) -> Self {
        Self(path.as_bytes().to_vec())
    }
}

impl Ord for Relative {
    fn cmp(&self, other: &Self) -> Ordering {
        self.names().cmp(other.names())
    }
}

impl PartialOrd for Relative {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

/// What is at a path.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Item {
    pub(super) below: Relative,
    pub(super) kind: Kind,
    pub(super) size: Option<u64>,
    /// Where it leads, of a link.
    pub(super) link: Option<Vec<u8>>,
}

/// What was seen of one side.
#[derive(Debug, Default)]
pub(super) struct Survey {
    /// In the order of their paths.
    pub(super) items: Vec<Item>,
    /// Directories and links that could not be read.
    pub(super) unreadable: BTreeSet<Relative>,
    /// Directories of which not every name is known.
    pub(super) cut: BTreeSet<Relative>,
    /// Directories too deep to be entered.
    pub(super) closed: BTreeSet<Relative>,
    /// Whether it ended before its end: nothing is known behind the last item.
    pub(super) stopped: bool,
    /// Bytes of paths and of where links lead.
    pub(super) bytes: usize,
}

impl Survey {
    /// Looks at everything below `root`.
    ///
    /// # Errors
    /// What kept the host from answering, or the root from being read.
    pub(super) async fn of(
        lease: &Lease,
        root: &RemotePath,
        deadline: Deadline,
    ) -> Result<Self, FleetError> {
        let session = lease.files(deadline).await?;
        let mut survey = Self::default();
        let mut walk = Walk::new(sftp::lister(&session), root.clone(), MAX_DEPTH);
        loop {
            let step = match walk.next().await {
                Ok(Some(step)) => step,
                Ok(None) => break,
                Err(FleetError::DeadlinePassed { .. }) => {
                    survey.stopped = true;
                    break;
                }
                Err(error) => return Err(error),
            };
            match step {
                Step::Entry(entry) => {
                    let below = below(root, &entry.path);
                    if survey.items.len() == MAX_NAMES.0 || !survey.fits(below.as_bytes()) {
                        survey.stopped = true;
                        break;
                    }
                    if entry.closed {
                        survey.closed.insert(below.clone());
                    }
                    survey.items.push(Item {
                        below,
                        kind: entry.attributes.kind(),
                        size: entry.attributes.size,
                        link: None,
                    });
                }
                Step::Unreadable(at, error) if at == *root => return Err(error),
                Step::Unreadable(at, _) => {
                    survey.unreadable.insert(below(root, &at));
                }
                Step::Cut(at) => {
                    survey.cut.insert(below(root, &at));
                }
            }
        }
        drop(walk);
        survey.follow(&session, root).await?;
        Ok(survey)
    }

    /// Finds out where the links lead.
    async fn follow(&mut self, session: &FileSession, root: &RemotePath) -> Result<(), FleetError> {
        let links = self.items.iter().enumerate();
        let links = links.filter(|(_, item)| item.kind == Kind::Symlink);
        let links: Vec<_> = links
            .filter_map(|(at, item)| Some((at, root.join(item.below.as_bytes()).ok()?)))
            .collect();
        let read = links
            .into_iter()
            .map(async |(at, path)| match session.read_link(&path).await {
                Ok(link) => Ok((at, Some(link))),
                Err(FleetError::File(_)) => Ok((at, None)),
                Err(error) => Err(error),
            });
        let mut read = stream::iter(read).buffered(LINKS);
        loop {
            match read.try_next().await {
                Ok(Some((at, link))) => {
                    if !self.note(at, link) {
                        self.stopped = true;
                        return Ok(());
                    }
                }
                Ok(None) => return Ok(()),
                Err(FleetError::DeadlinePassed { .. }) => {
                    self.stopped = true;
                    return Ok(());
                }
                Err(error) => return Err(error),
            }
        }
    }

    /// Notes where a link leads, if that is known. What is longer than a path leads nowhere, and a
    /// host may say a lot of it: that is a link that cannot be read. False when there is no room
    /// for more.
    fn note(&mut self, at: usize, link: Option<Vec<u8>>) -> bool {
        let link = link.filter(|link| link.len() <= MAX_PATH);
        if link.as_ref().is_some_and(|link| !self.fits(link)) {
            return false;
        }
        if let Some(item) = self.items.get_mut(at) {
            if link.is_none() {
                self.unreadable.insert(item.below.clone());
            }
            item.link = link;
        }
        true
    }

    /// Counts bytes that are about to be kept. False when they are too many.
    fn fits(&mut self, more: &[u8]) -> bool {
        self.bytes += more.len();
        self.bytes <= MAX_NAMES.1
    }
}

/// What stands behind the root.
fn below(root: &RemotePath, path: &RemotePath) -> Relative {
    let rest = path.as_bytes().strip_prefix(root.as_bytes());
    let rest = rest.unwrap_or(path.as_bytes());
    Relative(rest.strip_prefix(b"/").unwrap_or(rest).to_vec())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paths_are_in_the_order_of_a_walk() {
        let mut paths = ["a.b", "a/b", "a", "b", "a/b/c", "a-"].map(Relative::new);
        paths.sort();
        assert_eq!(
            paths,
            ["a", "a/b", "a/b/c", "a-", "a.b", "b"].map(Relative::new)
        );
        let [a, b] = ["a", "a/b"].map(Relative::new);
        assert!(b.is_below(&a) && !Relative::new("a.b").is_below(&a) && !a.is_below(&a));
        assert!(a.is_below(&Relative::new("")));
        assert_eq!((b.parent(), a.parent()), (a, Relative::new("")));
    }

    #[test]
    fn a_host_cannot_say_more_of_its_links_than_there_is_room_for() {
        let link = |nth: usize| Item {
            below: Relative::new(&nth.to_string()),
            kind: Kind::Symlink,
            size: None,
            link: None,
        };
        let mut survey = Survey {
            items: (0..3000).map(link).collect(),
            ..Survey::default()
        };
        assert!(survey.note(0, Some(vec![b'x'; MAX_PATH + 1])));
        assert!(survey.note(1, None));
        assert_eq!(survey.items[0].link, None);
        assert_eq!(survey.unreadable.len(), 2, "both are said");
        let taken = (2..3000).take_while(|&at| survey.note(at, Some(vec![b'x'; MAX_PATH])));
        assert_eq!(taken.count(), MAX_NAMES.1 / MAX_PATH);
        let kept = survey.items.iter().filter_map(|item| item.link.as_ref());
        assert_eq!(kept.map(Vec::len).sum::<usize>(), MAX_NAMES.1);
        assert_eq!(survey.unreadable.len(), 2, "the others are unknown");
    }

    #[test]
    fn what_is_below_a_root_has_no_slash_in_front() {
        let path = |path: &str| RemotePath::parse(path).unwrap();
        for root in ["/a", "/a/"] {
            let found = path(root).join("b/c").unwrap();
            assert_eq!(below(&path(root), &found), Relative::new("b/c"));
        }
        assert_eq!(below(&path("/"), &path("/etc")), Relative::new("etc"));
        assert_eq!(below(&path("~"), &path("~/x")), Relative::new("x"));
    }
}
