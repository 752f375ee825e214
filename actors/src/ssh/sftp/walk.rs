//! A directory tree, read level by level.
//!
//! Links are shown and never followed, so a tree has an end. A directory that cannot be read is
//! marked and passed over.

use super::{Sftp, SftpError};
use crate::file::{Entry, Kind, Listing, MAX_ENTRIES, MAX_ENTRY_BYTES, Node, Tree, fitting};
use futures_util::stream::{self, StreamExt};

/// Directories read at once.
const WIDTH: usize = 8;

/// A directory that was read, and what was found below each of its entries.
struct Branch {
    entry: Entry,
    below: Option<Vec<Branch>>,
    unreadable: bool,
}

/// Reads the tree below a directory that was listed down to `depth` levels.
pub(super) async fn tree(
    sftp: &Sftp,
    path: &[u8],
    listing: Listing,
    depth: usize,
) -> Result<Tree, SftpError> {
    let Listing {
        entries,
        mut truncated,
    } = listing;
    let mut count = entries.len();
    let mut bytes: usize = entries.iter().map(Entry::bytes).sum();
    // Directories still to be read: the path to each and the indices that lead to its branch.
    let mut roots = branches(entries);
    let mut level = below(&roots, path, &[]);
    for _ in 1..depth {
        let mut reads = stream::iter(level)
            .map(|(path, at)| async move { (sftp.list_path(&path).await, path, at) })
            .buffered(WIDTH);
        let mut next = Vec::new();
        while let Some((listing, path, at)) = reads.next().await {
            let Some(branch) = find(&mut roots, &at) else {
                continue;
            };
            match listing {
                Err(SftpError::Problem(_)) => branch.unreadable = true,
                Err(error) => return Err(error),
                Ok(Listing {
                    mut entries,
                    truncated: cut,
                }) => {
                    let room = MAX_ENTRIES.saturating_sub(count);
                    let fit = fitting(&entries, room, MAX_ENTRY_BYTES.saturating_sub(bytes));
                    truncated |= cut || entries.len() > fit;
                    entries.truncate(fit);
                    count += entries.len();
                    bytes += entries.iter().map(Entry::bytes).sum::<usize>();
                    let children = branches(entries);
                    next.extend(below(&children, &path, &at));
                    branch.below = Some(children);
                }
            }
        }
        level = next;
        if level.is_empty() || count >= MAX_ENTRIES || truncated {
            truncated |= !level.is_empty();
            break;
        }
    }
    let mut nodes = Vec::with_capacity(count);
    flatten(roots, 1, &mut nodes);
    Ok(Tree { nodes, truncated })
}

fn branches(entries: Vec<Entry>) -> Vec<Branch> {
    entries
        .into_iter()
        .map(|entry| Branch {
            entry,
            below: None,
            unreadable: false,
        })
        .collect()
}

/// The directories among `children`, with their paths and places.
fn below(children: &[Branch], path: &[u8], at: &[usize]) -> Vec<(Vec<u8>, Vec<usize>)> {
    let directories = children.iter().enumerate();
    directories
        .filter(|(_, child)| child.entry.attributes.kind() == Kind::Directory)
        .map(|(index, child)| {
            let path = [path, b"/", &child.entry.name].concat();
            (path, [at, &[index]].concat())
        })
        .collect()
}

fn find<'a>(mut branches: &'a mut Vec<Branch>, at: &[usize]) -> Option<&'a mut Branch> {
    let (last, way) = at.split_last()?;
    for index in way {
        branches = branches.get_mut(*index)?.below.as_mut()?;
    }
    branches.get_mut(*last)
}

fn flatten(branches: Vec<Branch>, depth: usize, nodes: &mut Vec<Node>) {
    for Branch {
        entry,
        below,
        unreadable,
    } in branches
    {
        nodes.push(Node {
            depth,
            entry,
            unreadable,
        });
        flatten(below.unwrap_or_default(), depth + 1, nodes);
    }
}
