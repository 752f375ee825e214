//! The order of a walk, and what is left out of it, over trees that are made up.

use super::*;
use fleet::HostName;
use fleet::error::{FileError, FileProblem};
use proptest::prelude::*;
use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

/// A tree: directories by path, each with names and whether they are directories.
type Tree = BTreeMap<String, Vec<(String, bool)>>;

/// Directories of random shapes; a name with an `x` cannot be read.
fn trees() -> impl Strategy<Value = Tree> {
    prop::collection::vec(
        (prop::collection::vec("[a-c.]{1,2}x?", 1..5), any::<bool>()),
        0..40,
    )
    .prop_map(|paths| {
        let mut tree = Tree::from([("/r".to_owned(), Vec::new())]);
        for (names, ends_in_directory) in paths {
            let mut at = "/r".to_owned();
            for (depth, name) in names.iter().enumerate() {
                let is_directory = depth + 1 < names.len() || ends_in_directory;
                let Some(entries) = tree.get_mut(&at) else {
                    break;
                };
                match entries.iter().find(|(found, _)| found == name) {
                    Some((_, false)) => break,
                    Some(_) => {}
                    None => entries.push((name.clone(), is_directory)),
                }
                at = format!("{at}/{name}");
                if is_directory {
                    tree.entry(at.clone()).or_default();
                }
            }
        }
        tree.values_mut().for_each(|entries| entries.sort());
        tree
    })
}

fn lister(tree: &Tree, asked: Arc<AtomicUsize>) -> Lister<'static> {
    let tree = tree.clone();
    Box::new(move |path| {
        let nth = asked.fetch_add(1, Ordering::Relaxed) as u64;
        let entries = tree.get(&path.to_string()).cloned();
        Box::pin(async move {
            tokio::time::sleep(Duration::from_millis(nth * 7 % 11)).await;
            if path.as_bytes().ends_with(b"x") {
                return Err(FleetError::File(FileError {
                    host: HostName::parse("h").unwrap(),
                    path,
                    problem: FileProblem::Denied,
                }));
            }
            let entry = |(name, is_directory): (String, bool)| fleet::file::Entry {
                name: name.into_bytes(),
                attributes: Attributes {
                    mode: Some(if is_directory { 0o040_755 } else { 0o100_644 }),
                    ..Attributes::default()
                },
                long: Vec::new(),
            };
            Ok(Listing {
                entries: entries.unwrap().into_iter().map(entry).collect(),
                truncated: false,
            })
        })
    })
}

#[tokio::test(start_paused = true)]
async fn a_directory_with_names_too_long_is_cut_once() {
    let long = "a".repeat(fleet::target::MAX_PATH);
    let names = [&*long, "b", &*format!("{long}b"), "c"];
    let names = names.map(|name| (name.to_owned(), false));
    let tree = Tree::from([("/r".to_owned(), names.to_vec())]);
    let root = RemotePath::parse("/r").unwrap();
    let mut walk = Walk::new(lister(&tree, Arc::default()), root, 3);
    let mut found = Vec::new();
    while let Some(step) = walk.next().await.unwrap() {
        found.push(match step {
            Step::Entry(entry) => entry.path.to_string(),
            Step::Unreadable(path, _) => format!("{path} unreadable"),
            Step::Cut(path) => format!("{path} cut"),
        });
    }
    assert_eq!(found, ["/r cut", "/r/b", "/r/c"]);
}

fn expected(tree: &Tree, at: &str, left: usize, found: &mut Vec<String>) {
    for (name, is_directory) in &tree[at] {
        let path = format!("{at}/{name}");
        let closed = *is_directory && left == 1;
        found.push(format!("{path}{}", if closed { " closed" } else { "" }));
        match (*is_directory && !closed, name.ends_with('x')) {
            (true, true) => found.push(format!("{path} unreadable")),
            (true, false) => expected(tree, &path, left - 1, found),
            (false, _) => {}
        }
    }
}

/// A host in whose every directory are as many names, as long ones, as a listing can have.
fn bloated() -> Lister<'static> {
    Box::new(|_| {
        let entry = |at: usize| fleet::file::Entry {
            name: format!("{at:01000}").into_bytes(),
            attributes: Attributes {
                mode: Some(0o040_755),
                ..Attributes::default()
            },
            long: Vec::new(),
        };
        Box::pin(async move {
            Ok(Listing {
                entries: (0..4000).map(entry).collect(),
                truncated: false,
            })
        })
    })
}

#[tokio::test]
async fn a_host_decides_nothing_about_memory() {
    let mut walk = Walk::new(bloated(), RemotePath::parse("/").unwrap(), 32);
    let mut cut = 0;
    for _ in 0..40 {
        let step = walk.next().await.unwrap().unwrap();
        cut += usize::from(matches!(step, Step::Cut(_)));
        let (open, ahead) = walk.held;
        // At first nobody knows how large they are.
        let most = AHEAD.1 + (WIDTH + 1) * walk.largest;
        assert!(open <= OPEN && ahead <= most, "{open} {ahead}");
    }
    assert!(cut > 0, "and what was left out is said");
}

proptest! {
    #[test]
    fn the_order_is_that_of_the_tree_whatever_comes_first(tree in trees(), depth in 1_usize..6) {
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_time()
            .start_paused(true)
            .build()
            .unwrap();
        let asked = Arc::new(AtomicUsize::new(0));
        let found = runtime.block_on(async {
            let root = RemotePath::parse("/r").unwrap();
            let mut walk = Walk::new(lister(&tree, Arc::clone(&asked)), root, depth);
            let mut found = Vec::new();
            while let Some(step) = walk.next().await.unwrap() {
                found.push(match step {
                    Step::Entry(entry) if entry.closed => format!("{} closed", entry.path),
                    Step::Entry(entry) => entry.path.to_string(),
                    Step::Unreadable(path, _) => format!("{path} unreadable"),
                    Step::Cut(path) => format!("{path} cut"),
                });
            }
            assert_eq!(walk.held, (0, 0));
            found
        });
        let mut all = Vec::new();
        expected(&tree, "/r", depth, &mut all);
        prop_assert_eq!(found, all);
        prop_assert!(asked.load(Ordering::Relaxed) <= tree.len(), "each directory once");
    }
}
