//! A whole read, against a host that changes and a server that misbehaves.
//!
//! `PROPTEST_CASES` sets how many histories are tried.

use super::model::{Change, Handles, Host, Thing, names, path};
use crate::error::FileProblem;
use crate::file::{Part, Want};
use crate::ssh::sftp::{Looked, SftpError};
use futures_util::future::join_all;
use proptest::prelude::*;
use std::collections::BTreeMap;

const STAT: u8 = 17;
const OPEN: u8 = 3;
const CLOSE: u8 = 4;
const READ: u8 = 5;
const OPENDIR: u8 = 11;
const READDIR: u8 = 12;

fn all(limit: u64) -> Want {
    Want {
        part: Part::From { offset: 0, limit },
        tree: None,
    }
}

fn file(bytes: &[u8]) -> Option<Thing> {
    Some(Thing::File(bytes.to_vec(), true))
}

/// Reads, and gives back what went out for it.
async fn asked(host: &Host, name: u8, want: Want) -> Vec<Vec<u8>> {
    tokio::task::yield_now().await;
    host.bursts();
    assert!(host.sftp.read(&path(name), &want).await.is_ok());
    // What is closed behind the answer has gone out by the next burst.
    tokio::task::yield_now().await;
    host.bursts()
}

/// A host whose handles have been proven.
async fn proven() -> Host {
    let host = Host::start(true);
    let missing = host.sftp.read(b"/0", &all(1)).await;
    assert!(missing.is_err());
    host
}

#[tokio::test]
async fn a_file_takes_two_exchanges_and_one_once_it_is_known() {
    let host = proven().await;
    host.change(Change::Put(b'f', file(b"content")));
    let first = asked(&host, b'f', all(50)).await;
    let look = vec![STAT, OPENDIR, READDIR, READDIR, CLOSE];
    assert_eq!(first, [look, vec![OPEN, READ, CLOSE]]);
    let known = asked(&host, b'f', all(50)).await;
    assert_eq!(known, [[STAT, OPEN, READ, CLOSE]]);
    let tail = Want {
        part: Part::Tail { limit: 3 },
        tree: None,
    };
    assert_eq!(asked(&host, b'f', tail).await, [[STAT, OPEN, READ, CLOSE]]);
    host.change(Change::Put(b'f', file(&[7; 350])));
    // It has grown: nothing of the first answer is of use.
    assert_eq!(asked(&host, b'f', all(900)).await.len(), 2);
    let known = asked(&host, b'f', all(900)).await;
    assert_eq!(known, [[STAT, OPEN, READ, READ, READ, READ, CLOSE]]);
    assert_eq!(host.open(), 0);
}

#[tokio::test]
async fn a_small_directory_takes_one_exchange_and_a_large_one_no_more_than_it_must() {
    let host = proven().await;
    host.change(Change::Put(b's', Some(Thing::Directory(9))));
    host.change(Change::Put(b'm', Some(Thing::Directory(99))));
    host.change(Change::Put(b'l', Some(Thing::Directory(400))));
    let small = [STAT, OPENDIR, READDIR, READDIR, CLOSE];
    assert_eq!(asked(&host, b's', all(1)).await, [&small[..]]);
    assert_eq!(asked(&host, b's', all(1)).await, [&small[..]]);
    let exchanges = |bursts: Vec<Vec<u8>>| bursts.iter().filter(|b| **b != [CLOSE]).count();
    assert_eq!(exchanges(asked(&host, b'm', all(1)).await), 2);
    assert_eq!(asked(&host, b'm', all(1)).await.len(), 1);
    assert_eq!(exchanges(asked(&host, b'l', all(1)).await), 4);
    assert_eq!(exchanges(asked(&host, b'l', all(1)).await), 3);
    assert_eq!(host.open(), 0);
}

#[tokio::test]
async fn a_file_that_tells_no_size_is_read_to_where_it_ends() {
    let host = proven().await;
    host.change(Change::Put(
        b'p',
        Some(Thing::File(b"proc".to_vec(), false)),
    ));
    let exchanges = |bursts: Vec<Vec<u8>>| bursts.iter().filter(|b| **b != [CLOSE]).count();
    assert_eq!(exchanges(asked(&host, b'p', all(50)).await), 3);
    assert_eq!(exchanges(asked(&host, b'p', all(50)).await), 2);
}

#[tokio::test]
async fn without_handles_foretold_a_known_file_takes_two_exchanges() {
    let host = Host::start(false);
    host.change(Change::Put(b'f', file(b"content")));
    let exchanges = |bursts: Vec<Vec<u8>>| bursts.iter().filter(|b| **b != [CLOSE]).count();
    assert_eq!(exchanges(asked(&host, b'f', all(50)).await), 3);
    assert_eq!(exchanges(asked(&host, b'f', all(50)).await), 2);
    assert_eq!(host.open(), 0);
}

#[tokio::test]
async fn a_server_of_another_kind_is_found_out_and_asked_the_plain_way_from_then_on() {
    let host = proven().await;
    host.change(Change::Put(b'f', file(b"content")));
    asked(&host, b'f', all(50)).await;
    host.change(Change::Handles(Handles::NeverTwice));
    for _ in 0..2 {
        let Ok(Looked::File { bytes, .. }) = host.sftp.read(&path(b'f'), &all(50)).await else {
            panic!("it is a file");
        };
        assert_eq!(bytes, b"content");
    }
    let known = asked(&host, b'f', all(50)).await;
    assert_eq!(known[..2], [vec![STAT, OPEN], vec![READ]]);
    assert_eq!(host.open(), 0);
}

#[tokio::test]
async fn a_known_file_that_became_a_fifo_costs_the_channel_and_nothing_else() {
    let host = proven().await;
    host.change(Change::Put(b'f', file(b"content")));
    host.change(Change::Put(b'g', file(b"other")));
    asked(&host, b'f', all(50)).await;
    host.change(Change::Put(b'f', Some(Thing::Fifo)));
    let (blocked, beside) = (path(b'f'), path(b'g'));
    let want = all(50);
    let reads = [
        host.sftp.read(&blocked, &want),
        host.sftp.read(&beside, &want),
    ];
    let read = join_all(reads).await;
    let errors: Vec<_> = read.into_iter().map(|read| read.err()).collect();
    assert_eq!(errors, [Some(SftpError::Blocked), Some(SftpError::Lost)]);
    assert!(!host.sftp.is_open());
    // One that was never seen is not opened at all.
    let host = proven().await;
    host.change(Change::Put(b'f', Some(Thing::Fifo)));
    let fifo = FileProblem::NotRegular("fifo");
    let read = host.sftp.read(&path(b'f'), &all(50)).await;
    assert_eq!(read.err(), Some(SftpError::Problem(fifo)));
    assert!(host.sftp.is_open());
}

/// What happens.
#[derive(Debug, Clone)]
enum Event {
    Change(Change),
    /// Reads at the same time.
    Read(Vec<(u8, Part)>),
}

fn thing() -> impl Strategy<Value = Option<Thing>> {
    prop_oneof![
        6 => (proptest::collection::vec(any::<u8>(), 0..1_200), any::<bool>())
            .prop_map(|(bytes, sized)| Some(Thing::File(bytes, sized))),
        2 => (0_usize..300).prop_map(|entries| Some(Thing::Directory(entries))),
        1 => Just(Some(Thing::Fifo)),
        1 => Just(None),
    ]
}

fn part() -> impl Strategy<Value = Part> {
    prop_oneof![
        3 => (0_u64..1_500, 0_u64..1_500).prop_map(|(offset, limit)| Part::From { offset, limit }),
        1 => (0_u64..1_500).prop_map(|limit| Part::Tail { limit }),
        4 => Just(Part::From { offset: 0, limit: 2_000 }),
    ]
}

fn event() -> impl Strategy<Value = Event> {
    let name = b'a'..b'f';
    let change = prop_oneof![
        12 => (name.clone(), thing()).prop_map(|(name, thing)| Change::Put(name, thing)),
        1 => Just(Change::Handles(Handles::NeverTwice)),
        1 => Just(Change::Handles(Handles::FirstFreedFirst)),
        1 => Just(Change::Handles(Handles::Odd)),
        2 => (0_usize..20).prop_map(Change::Turns),
        1 => (90_usize..200).prop_map(Change::Gives),
    ];
    prop_oneof![
        2 => change.prop_map(Event::Change),
        5 => proptest::collection::vec((name, part()), 1..6).prop_map(Event::Read),
    ]
}

/// What a read has to find.
fn expected(thing: Option<&Thing>, part: Part) -> Result<(Vec<u8>, bool), FileProblem> {
    match (thing, part) {
        (None, _) => Err(FileProblem::Missing),
        (Some(Thing::Fifo), _) => Err(FileProblem::NotRegular("fifo")),
        (Some(Thing::Directory(entries)), _) => Ok((names(*entries).flatten().collect(), false)),
        (Some(Thing::File(bytes, _)), Part::From { offset, limit }) => {
            let left = bytes.get(offset as usize..).unwrap_or_default();
            let kept = left.len().min(limit as usize);
            Ok((left[..kept].to_vec(), kept < left.len()))
        }
        (Some(Thing::File(bytes, is_sized)), Part::Tail { limit }) => {
            let size = if *is_sized { bytes.len() } else { 0 };
            let from = size.saturating_sub(limit as usize);
            let kept = (bytes.len() - from).min(limit as usize);
            Ok((bytes[from..][..kept].to_vec(), from + kept < bytes.len()))
        }
    }
}

fn found(looked: Looked) -> (Vec<u8>, bool) {
    match looked {
        Looked::File { bytes, more, .. } => (bytes, more),
        Looked::Directory(listing) => {
            let names = listing.entries.into_iter().flat_map(|entry| entry.name);
            (names.collect(), listing.truncated)
        }
        Looked::Tree(_) => panic!("no tree was asked for"),
    }
}

async fn live(events: Vec<Event>, hopes: bool) {
    let mut things: BTreeMap<u8, Thing> = BTreeMap::new();
    let mut host = Host::start(hopes);
    for event in events {
        match event {
            Event::Change(change) => {
                if let Change::Put(name, thing) = change.clone() {
                    match thing {
                        Some(thing) => drop(things.insert(name, thing)),
                        None => drop(things.remove(&name)),
                    }
                }
                host.change(change);
            }
            Event::Read(reads) => {
                let read = reads.iter().map(async |(name, part)| {
                    let want = Want {
                        part: *part,
                        tree: None,
                    };
                    host.sftp.read(&path(*name), &want).await.map(found)
                });
                let results = join_all(read).await;
                for ((name, part), result) in reads.iter().zip(&results) {
                    let thing = things.get(name);
                    let expected = expected(thing, *part).map_err(SftpError::Problem);
                    let given_up = !host.sftp.is_open()
                        && match result {
                            Err(SftpError::Blocked) => thing == Some(&Thing::Fifo),
                            Err(error) => *error == SftpError::Lost,
                            Ok(_) => false,
                        };
                    assert!(given_up || *result == expected, "{result:?} {expected:?}");
                }
                if !host.sftp.is_open() {
                    let fifo = |(name, _): &(u8, Part)| things.get(name) == Some(&Thing::Fifo);
                    assert!(reads.iter().any(fifo), "it was given up for nothing");
                    host = Host::start(hopes);
                    for (name, thing) in &things {
                        host.change(Change::Put(*name, Some(thing.clone())));
                    }
                }
            }
        }
    }
    // What was left open is closed behind the answers.
    for _ in 0..3 {
        let _looked = host.sftp.read(b"/!", &all(1)).await;
    }
    assert_eq!(host.open(), 0, "every handle was closed");
}

proptest! {
    #[test]
    fn a_read_is_exact_whatever_happens_and_however_the_server_misbehaves(
        events in proptest::collection::vec(event(), 0..60),
        hopes in any::<bool>(),
    ) {
        let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
        runtime.block_on(live(events, hopes));
    }
}
