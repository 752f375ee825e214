//! What is promised of a read.

use crate::rig::{Rig, start};
use fleet::error::FileProblem;
use fleet::file::{Content, Found, Kind, Listing, Part, Tree, Want};
use fleet::{FleetError, HostName};
use std::fs;
use std::os::unix::fs::{PermissionsExt, symlink};
use std::process::Command as Process;
use std::time::{Duration, Instant};

fn content(found: Result<Found, FleetError>) -> Content {
    match found.unwrap() {
        Found::File(content) => content,
        other => panic!("{other:?}"),
    }
}

fn listing(found: Result<Found, FleetError>) -> Listing {
    match found.unwrap() {
        Found::Directory(listing, _) => listing,
        other => panic!("{other:?}"),
    }
}

fn problem(found: Result<Found, FleetError>) -> FileProblem {
    match found.unwrap_err() {
        FleetError::File(error) => error.problem,
        other => panic!("{other:?}"),
    }
}

fn part(part: Part) -> Want {
    Want { part, tree: None }
}

pub(crate) async fn a_file_is_read_whole_in_part_and_from_its_end(rig: &Rig) {
    let path = rig.shelved("a 'file'");
    fs::write(&path, b"0123456789").unwrap();
    fs::set_permissions(&path, fs::Permissions::from_mode(0o644)).unwrap();
    let whole = content(rig.read(&path).await);
    assert_eq!(
        (whole.bytes.as_slice(), whole.more),
        (&b"0123456789"[..], false)
    );
    assert_eq!(whole.attributes.size, Some(10));
    assert_eq!(whole.attributes.mode, Some(0o100_644));
    let from = Part::From {
        offset: 3,
        limit: 4,
    };
    let middle = content(rig.read_as(&path, part(from)).await);
    assert_eq!((middle.bytes.as_slice(), middle.offset), (&b"3456"[..], 3));
    assert!(middle.more);
    let tail = content(rig.read_as(&path, part(Part::Tail { limit: 4 })).await);
    assert_eq!((tail.bytes.as_slice(), tail.offset), (&b"6789"[..], 6));
    let beyond = Part::From {
        offset: 99,
        limit: 4,
    };
    let beyond = content(rig.read_as(&path, part(beyond)).await);
    assert!(beyond.bytes.is_empty() && !beyond.more);
    let empty = rig.shelved("empty");
    fs::write(&empty, b"").unwrap();
    assert!(content(rig.read(&empty).await).bytes.is_empty());
    // The size of such a file is 0, whatever it holds.
    let proc = content(rig.read("/proc/self/status").await);
    assert!(proc.bytes.starts_with(b"Name:"));
}

pub(crate) async fn a_large_file_arrives_unchanged(rig: &Rig) {
    let path = rig.shelved("large");
    let bytes: Vec<u8> = (0..3_000_000_u32).map(|n| (n % 249) as u8).collect();
    fs::write(&path, &bytes).unwrap();
    let first = content(rig.read(&path).await);
    assert!(first.more && first.bytes == bytes[..1 << 20]);
    let from = Part::From {
        offset: 2_500_001,
        limit: 1 << 20,
    };
    let last = content(rig.read_as(&path, part(from)).await);
    assert!(!last.more && last.bytes == bytes[2_500_001..]);
    // As much as is read at first, and more.
    for limit in [256 << 10, (256 << 10) + 1, 1 << 20] {
        let tail = content(rig.read_as(&path, part(Part::Tail { limit })).await);
        assert_eq!(tail.offset, 3_000_000 - limit);
        assert!(tail.bytes == bytes[3_000_000 - limit as usize..]);
        let head = content(
            rig.read_as(&path, part(Part::From { offset: 0, limit }))
                .await,
        );
        assert!(head.more && head.bytes == bytes[..limit as usize]);
    }
    let reads = (0..16).map(|_| rig.read(&path));
    for read in futures_util::future::join_all(reads).await {
        assert!(content(read).bytes == bytes[..1 << 20]);
    }
}

pub(crate) async fn a_directory_is_listed_with_kinds_and_links(rig: &Rig) {
    let dir = rig.shelf.join("dir");
    fs::create_dir_all(dir.join("sub")).unwrap();
    fs::write(dir.join("b.txt"), b"12345").unwrap();
    fs::write(dir.join("a\n*"), b"").unwrap();
    symlink("b.txt", dir.join("link")).unwrap();
    symlink("nowhere", dir.join("dangling")).unwrap();
    mkfifo(&dir.join("fifo"));
    let found = listing(rig.read(dir.to_str().unwrap()).await);
    let kinds: Vec<_> = found
        .entries
        .iter()
        .map(|entry| {
            (
                String::from_utf8_lossy(&entry.name).into_owned(),
                entry.attributes.kind(),
            )
        })
        .collect();
    let expected = [
        ("a\n*", Kind::File),
        ("b.txt", Kind::File),
        ("dangling", Kind::Symlink),
        ("fifo", Kind::Fifo),
        ("link", Kind::Symlink),
        ("sub", Kind::Directory),
    ];
    assert_eq!(kinds, expected.map(|(name, kind)| (name.to_owned(), kind)));
    let file = &found.entries[1];
    assert_eq!(file.attributes.size, Some(5));
    let long = String::from_utf8_lossy(&file.long).into_owned();
    assert!(long.starts_with("-rw") && long.ends_with("b.txt"), "{long}");
    let linked = content(rig.read(dir.join("link").to_str().unwrap()).await);
    assert_eq!(linked.bytes, b"12345");
    let many = rig.shelf.join("many");
    fs::create_dir(&many).unwrap();
    for n in 0..1500 {
        fs::write(many.join(format!("{n:04}")), b"").unwrap();
    }
    let found = listing(rig.read(many.to_str().unwrap()).await);
    let names = found
        .entries
        .iter()
        .map(|e| String::from_utf8_lossy(&e.name).into_owned());
    assert!(names.eq((0..1500).map(|n| format!("{n:04}"))) && !found.truncated);
}

pub(crate) async fn a_tree_is_read_to_its_depth(rig: &Rig) {
    let root = rig.shelf.join("tree");
    fs::create_dir_all(root.join("a/b/c")).unwrap();
    fs::write(root.join("a/b/deep"), b"").unwrap();
    fs::write(root.join("top"), b"").unwrap();
    symlink("..", root.join("a/loop")).unwrap();
    let tree = async |depth| {
        let want = Want {
            tree: Some(depth),
            ..start(1)
        };
        match rig.read_as(root.to_str().unwrap(), want).await.unwrap() {
            Found::Tree(
                Tree {
                    nodes,
                    truncated: false,
                },
                _,
            ) => nodes,
            other => panic!("{other:?}"),
        }
    };
    let shape = |nodes: Vec<fleet::file::Node>| -> Vec<(usize, String)> {
        let name = |node: fleet::file::Node| {
            (
                node.depth,
                String::from_utf8_lossy(&node.entry.name).into_owned(),
            )
        };
        nodes.into_iter().map(name).collect()
    };
    let own = |list: &[(usize, &str)]| -> Vec<(usize, String)> {
        list.iter()
            .map(|&(depth, name)| (depth, name.to_owned()))
            .collect()
    };
    assert_eq!(shape(tree(1).await), own(&[(1, "a"), (1, "top")]));
    let all = [
        (1, "a"),
        (2, "b"),
        (3, "c"),
        (3, "deep"),
        (2, "loop"),
        (1, "top"),
    ];
    assert_eq!(shape(tree(9).await), own(&all));
}

pub(crate) async fn the_home_directory_is_where_the_account_lives(rig: &Rig) {
    let name = format!("scout-test-{}", std::process::id());
    let file = rig.home.join(&name);
    fs::write(&file, b"at home").unwrap();
    fs::set_permissions(&file, fs::Permissions::from_mode(0o644)).unwrap();
    let read = rig.read(format!("~/{name}")).await;
    let home = rig.read("~").await;
    let ran = rig
        .run(crate::rig::shell(&format!("pwd; cat ./{name}")))
        .await;
    fs::remove_file(&file).unwrap();
    assert_eq!(content(read).bytes, b"at home");
    let listed = listing(home);
    assert!(listed.entries.iter().any(|e| e.name == name.as_bytes()));
    let expected = format!("{}\nat home", rig.home.display());
    assert_eq!(crate::rig::text(&ran).0, expected);
}

pub(crate) async fn a_path_that_cannot_be_read_says_why(rig: &Rig) {
    let missing = rig.shelved("missing");
    assert_eq!(problem(rig.read(&missing).await), FileProblem::Missing);
    symlink("missing", rig.shelf.join("broken")).unwrap();
    assert_eq!(
        problem(rig.read(rig.shelved("broken")).await),
        FileProblem::Missing
    );
    assert_eq!(
        problem(rig.read("/dev/null").await),
        FileProblem::NotRegular("character device")
    );
    let secret = rig.shelved("secret");
    fs::write(&secret, b"s").unwrap();
    fs::set_permissions(&secret, fs::Permissions::from_mode(0o000)).unwrap();
    let whoami = rig.run(crate::rig::argv(&["id", "-u"])).await;
    let read = rig.read(&secret).await;
    match crate::rig::text(&whoami).0.trim() {
        "0" => assert_eq!(content(read).bytes, b"s"),
        _ => assert_eq!(problem(read), FileProblem::Denied),
    }
    let deadline = fleet::Deadline::within(Duration::from_secs(5));
    let stranger = HostName::parse("stranger").unwrap();
    let refused = rig.fleet.lease(&stranger, deadline).await.err().unwrap();
    assert_eq!(refused.code(), "unknown_host");
}

pub(crate) async fn a_fifo_is_refused_at_once(rig: &Rig) {
    let fifo = rig.shelf.join("pipe");
    mkfifo(&fifo);
    let began = Instant::now();
    let read = rig.read(fifo.to_str().unwrap()).await;
    assert_eq!(problem(read), FileProblem::NotRegular("fifo"));
    assert!(began.elapsed() < Duration::from_secs(2));
    // And the server is not stuck with it.
    assert!(rig.read("/").await.is_ok());
}

fn mkfifo(path: &std::path::Path) {
    assert!(Process::new("mkfifo").arg(path).status().unwrap().success());
}
