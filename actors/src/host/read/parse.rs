//! What the script for hosts without SFTP printed, as what was found. Pure.

use crate::error::{FileProblem, one_line};
use crate::file::{
    Attributes, Entry, Kind, Listing, MAX_ENTRIES, MAX_ENTRY_BYTES, Node, Part, Tree, Want, fitting,
};
use crate::ssh::sftp::Looked;

/// The longest name taken, as over SFTP.
const MAX_NAME: usize = 1024;

/// Reads what was printed. `is_cut` says that more was, which was not kept.
pub(super) fn looked(
    printed: &[u8],
    complaint: &[u8],
    is_cut: bool,
    want: &Want,
) -> Result<Looked, FileProblem> {
    let Some((head, rest)) = split(printed) else {
        return Err(problem(complaint));
    };
    let there = Record::parse(head).ok_or(ODD)?;
    match there.attributes.kind() {
        // Whatever could not be read is told there, and what was printed is then not all.
        Kind::File if !complaint.is_empty() => Err(problem(complaint)),
        Kind::File => {
            let begins = std::str::from_utf8(there.name).ok();
            let begins = begins.and_then(|at| at.parse().ok()).ok_or(ODD)?;
            Ok(content(rest, begins, is_cut, want.part, there.attributes))
        }
        Kind::Directory => {
            let (nodes, is_cut) = nodes(rest, is_cut, want.tree.unwrap_or(1))?;
            Ok(match want.tree {
                Some(_) => Looked::Tree(Tree {
                    nodes,
                    truncated: is_cut,
                }),
                None => Looked::Directory(Listing {
                    entries: nodes.into_iter().map(|node| node.entry).collect(),
                    truncated: is_cut,
                }),
            })
        }
        kind => Err(FileProblem::NotRegular(kind.label())),
    }
}

const ODD: FileProblem = FileProblem::Protocol("its shell printed something else than it was told");

/// Why nothing was printed, by what the host's own programs say in the C locale (strerror(3)).
pub(super) fn problem(complaint: &[u8]) -> FileProblem {
    let said = String::from_utf8_lossy(complaint);
    let has = |what: &str| said.to_lowercase().contains(what);
    if has("permission denied") || has("not permitted") {
        FileProblem::Denied
    } else if said.trim().is_empty()
        || ["no such file", "nonexistent", "not a directory", "too many"]
            .iter()
            .any(|what| has(what))
    {
        FileProblem::Missing
    } else {
        FileProblem::Other(one_line(&said))
    }
}

/// The bytes that were asked for, of those that were printed.
fn content(
    printed: &[u8],
    begins: u64,
    is_cut: bool,
    part: Part,
    attributes: Attributes,
) -> Looked {
    let (offset, limit) = match part {
        Part::From { offset, limit } => (offset, limit),
        Part::Tail { limit } => {
            // The script begins where the size says, or at the block that is in.
            let from = attributes.size.unwrap_or(0).saturating_sub(limit);
            (from.max(begins), limit)
        }
    };
    let ahead = usize::try_from(offset.saturating_sub(begins)).unwrap_or(usize::MAX);
    let bytes = printed.get(ahead..).unwrap_or_default();
    let kept = bytes
        .len()
        .min(usize::try_from(limit).unwrap_or(usize::MAX));
    Looked::File {
        more: bytes.len() > kept || is_cut,
        bytes: bytes.get(..kept).unwrap_or_default().to_vec(),
        offset,
        attributes,
    }
}

/// The entries below a directory, those of each directory in byte order of their names and behind
/// it; and whether there are more.
fn nodes(
    mut printed: &[u8],
    mut is_cut: bool,
    depth: usize,
) -> Result<(Vec<Node>, bool), FileProblem> {
    let mut found: Vec<(&[u8], Node)> = Vec::new();
    let mut ended: Option<u32> = None;
    while !printed.is_empty() {
        let Some((record, rest)) = split(printed) else {
            is_cut = true;
            break;
        };
        printed = rest;
        if let Some(code) = record.strip_prefix(b"end ") {
            ended = std::str::from_utf8(code)
                .ok()
                .and_then(|code| code.parse().ok());
            break;
        }
        let record = Record::parse(record).ok_or(ODD)?;
        let way = record.name.split(|byte| *byte == b'/');
        let name = way.clone().next_back().unwrap_or_default();
        let is_name = |name: &[u8]| {
            !name.is_empty() && name.len() <= MAX_NAME && !matches!(name, b"." | b"..")
        };
        if !way.clone().all(is_name) || way.count() != record.depth || record.depth > depth {
            return Err(ODD);
        }
        let node = Node {
            depth: record.depth,
            entry: Entry {
                name: name.to_vec(),
                attributes: record.attributes,
                long: Vec::new(),
            },
            unreadable: record.is_unreadable && record.depth < depth,
        };
        found.push((record.name, node));
    }
    // `find` fails where it could not go, which is marked; if nothing is, or something ended it,
    // there may be more.
    let is_marked = found.iter().any(|(_, node)| node.unreadable);
    is_cut |= match ended {
        Some(0) => false,
        Some(code) => code >= 128 || !is_marked,
        None => true,
    };
    let way = |name: &'_ [u8]| {
        name.split(|byte| *byte == b'/')
            .map(<[u8]>::to_vec)
            .collect()
    };
    found.sort_by_cached_key(|(name, _)| -> Vec<Vec<u8>> { way(name) });
    let mut nodes: Vec<Node> = found.into_iter().map(|(_, node)| node).collect();
    let fit = nodes.len().min(MAX_ENTRIES);
    let mut bytes = MAX_ENTRY_BYTES;
    let fits = |node: &&Node| {
        let one = std::slice::from_ref(&node.entry);
        let is_in = fitting(one, 1, bytes) == 1;
        bytes = bytes.saturating_sub(node.entry.bytes());
        is_in
    };
    let fit = nodes.iter().take(fit).take_while(fits).count();
    is_cut |= fit < nodes.len();
    nodes.truncate(fit);
    Ok((nodes, is_cut))
}

/// One thing, as the script tells of it.
struct Record<'a> {
    is_unreadable: bool,
    depth: usize,
    attributes: Attributes,
    name: &'a [u8],
}

impl<'a> Record<'a> {
    fn parse(record: &'a [u8]) -> Option<Self> {
        let mut fields = record.splitn(9, |byte| *byte == b' ');
        let mut field = || fields.next();
        let flag = field()?;
        let mut text = || field().and_then(|field| std::str::from_utf8(field).ok());
        let depth = text()?.parse().ok()?;
        let mode = mode(text()?, text()?);
        let (size, time) = (text()?.parse().ok(), text()?);
        // `find` prints fractions of seconds.
        let modified = time.split('.').next().and_then(|whole| whole.parse().ok());
        let owner = text()?.parse().ok().zip(text()?.parse().ok());
        let attributes = Attributes {
            size,
            owner,
            mode,
            modified,
            accessed: None,
        };
        Some(Self {
            is_unreadable: flag == b"u",
            depth,
            attributes,
            name: fields.next()?,
        })
    }
}

/// A mode: whole and hexadecimal (`x`), as a line of `ls` begins (`L`), or as the letter of the type
/// with the permissions in octal.
fn mode(how: &str, mode: &str) -> Option<u32> {
    let permissions = u32::from_str_radix(mode, 8);
    let of_type = |letter: char| match letter {
        '-' | 'f' => Some(0o100_000),
        'd' => Some(0o040_000),
        'l' => Some(0o120_000),
        'p' => Some(0o010_000),
        's' => Some(0o140_000),
        'b' => Some(0o060_000),
        'c' => Some(0o020_000),
        _ => None,
    };
    match how {
        "x" => u32::from_str_radix(mode, 16).ok(),
        "L" => {
            let letters = mode.chars().skip(1).take(9);
            let bits = letters.fold(0, |bits, letter| {
                (bits << 1) | u32::from(!matches!(letter, '-' | 'S' | 'T'))
            });
            let special = [(3, 0o4000), (6, 0o2000), (9, 0o1000)].map(|(at, bit)| {
                let letter = mode.chars().nth(at).unwrap_or('-');
                if matches!(letter, 's' | 'S' | 't' | 'T') {
                    bit
                } else {
                    0
                }
            });
            let special: u32 = special.iter().sum();
            Some(of_type(mode.chars().next()?)? | bits | special)
        }
        letter => Some(of_type(letter.chars().next()?)? | permissions.ok()?),
    }
}

fn split(printed: &[u8]) -> Option<(&[u8], &[u8])> {
    let end = printed.iter().position(|byte| *byte == 0)?;
    Some((printed.get(..end)?, printed.get(end + 1..)?))
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const ALL: Want = Want {
        part: Part::From {
            offset: 0,
            limit: 4,
        },
        tree: None,
    };

    fn tree(depth: usize) -> Want {
        Want {
            tree: Some(depth),
            ..ALL
        }
    }

    #[test]
    fn a_file_is_the_bytes_that_were_asked_for() {
        let printed = b"- 0 x 81a4 10 77 1 2 4096\0..3456789";
        let part = Part::From {
            offset: 4098,
            limit: 4,
        };
        let want = Want { part, ..ALL };
        let Ok(Looked::File {
            bytes,
            offset,
            more,
            attributes,
        }) = looked(printed, b"", false, &want)
        else {
            panic!("it is a file");
        };
        assert_eq!((&bytes[..], offset, more), (&b"3456"[..], 4098, true));
        assert_eq!(attributes.mode, Some(0o100_644));
        assert_eq!(
            (attributes.modified, attributes.owner),
            (Some(77), Some((1, 2)))
        );
    }

    #[test]
    fn a_tree_is_in_order_whatever_order_it_came_in() {
        let printed = b"- 0 x 41ed 1 1 0 0 .\0- 1 f 600 1 1.5 0 0 b\0u 1 d 700 1 1.5 0 0 a\0\
            - 2 l 777 1 ? 0 0 a/x y\n\xff\0- 1 L crw-rw-rw- 1, ? 0 0 c\0end 1\0";
        let Ok(Looked::Tree(found)) = looked(printed, b"", false, &tree(2)) else {
            panic!("it is a tree");
        };
        let names: Vec<_> = found
            .nodes
            .iter()
            .map(|n| (n.depth, &n.entry.name[..]))
            .collect();
        assert_eq!(
            names,
            [(1, &b"a"[..]), (2, b"x y\n\xff"), (1, b"b"), (1, b"c")]
        );
        assert_eq!(found.nodes[3].entry.attributes.kind(), Kind::CharDevice);
        let deeper = looked(printed, b"", false, &tree(1)).err();
        assert_eq!(deeper, Some(ODD), "it is asked for one level");
        assert!(found.nodes[0].unreadable && !found.truncated);
        assert_eq!(found.nodes[1].entry.attributes.kind(), Kind::Symlink);
        for (end, is_cut) in [
            ("end 0\0", false),
            ("end 1\0", true),
            ("end 137\0", true),
            ("", true),
        ] {
            let printed = format!("- 0 x 41ed 1 1 0 0 .\0- 1 f 600 1 1 0 0 b\0{end}");
            match looked(printed.as_bytes(), b"", false, &tree(1)) {
                Ok(Looked::Tree(tree)) => assert_eq!(tree.truncated, is_cut, "{end}"),
                _ => panic!("it is a tree"),
            }
        }
        let Ok(Looked::Tree(cut)) = looked(&printed[..60], b"", false, &tree(2)) else {
            panic!("it is a tree");
        };
        assert!(cut.truncated && cut.nodes.len() == 1);
    }

    #[test]
    fn the_host_says_why_there_is_nothing() {
        let why = |complaint: &[u8]| looked(b"", complaint, false, &ALL).err().unwrap();
        assert_eq!(
            why(b"ls: /x: No such file or directory"),
            FileProblem::Missing
        );
        assert_eq!(
            why(b"sh: 9: cannot open x: Permission denied"),
            FileProblem::Denied
        );
        assert_eq!(
            why(b"ls: x: Input/output error\n"),
            FileProblem::Other("ls: x: Input/output error".into())
        );
        let fifo = looked(b"- 0 x 11a4 0 1 0 0 .\0", b"", false, &ALL).err();
        assert_eq!(fifo, Some(FileProblem::NotRegular("fifo")));
    }

    #[test]
    fn a_mode_is_read_however_it_is_written() {
        assert_eq!(mode("x", "81a4"), Some(0o100_644));
        assert_eq!(mode("d", "1777"), Some(0o041_777));
        assert_eq!(mode("L", "-rwsr-xr--+"), Some(0o104_754));
        assert_eq!(mode("L", "drwxrwxrwt"), Some(0o041_777));
        assert_eq!((mode("L", "?"), mode("x", "?")), (None, None));
    }

    proptest! {
        #[test]
        fn nothing_that_a_shell_prints_breaks_the_reader(printed in proptest::collection::vec(any::<u8>(), 0..300), depth in 0_usize..4) {
            let head = b"- 0 x 41ed 1 1 0 0 .\0- 1 f ".to_vec();
            let _ = looked(&printed, &printed, false, &tree(depth));
            let _ = looked(&[head, printed].concat(), b"", true, &tree(depth));
        }
    }
}
