//! What was left unfinished, by its age: it is gone on from however old it is, it goes when nobody comes
//! back for it, and what is under way is no leftover, however old its source.

use std::fs::{File, FileTimes};
use std::path::Path;
use std::time::{Duration, SystemTime};

use futures_util::future::join_all;

use super::{BYTES, HALF, copy, fleet, on, part, server};
use crate::support::chaos::Mode;
use crate::support::client::Era;
use crate::support::yard::{Way, fill, parts, same};

/// Longer than anything unfinished is kept.
const AGE: Duration = Duration::from_secs(2 * 3600);

/// Gives a file an age, as the last who read or wrote it left it.
fn age(path: &Path, then: SystemTime) {
    let file = File::options().write(true).open(path).unwrap();
    let times = FileTimes::new().set_accessed(then).set_modified(then);
    file.set_times(times).unwrap();
}

#[tokio::test]
async fn what_is_long_past_is_gone_on_from_when_it_is_asked_for() {
    let (fleet, chaos, yard) = fleet().await;
    let server = server(&fleet, &yard).start().await;
    let client = server.client(Era::Modern);
    let (local, remote) = (yard.local("a", BYTES, 1), yard.remote("a", BYTES, 2));
    let [up, down, _] = yard.ways(&local, &remote, "b");
    for way in [up, down] {
        let Way { from, to, .. } = &way;
        let dir = way.place.parent().unwrap();
        chaos.turn(way.toward, HALF, Mode::Reset);
        assert!(copy(&client, from, to).await.is_error);
        chaos.set(Mode::Pass);
        age(&part(dir).await.0, SystemTime::now() - AGE);
        let whole = copy(&client, from, to).await;
        assert!(!whole.is_error, "{}", whole.text);
        let resumed = whole.structured["resumed_at"].as_u64();
        assert!(resumed.is_some_and(|at| at > 0), "{}", whole.structured);
        assert!(parts(dir).is_empty());
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn copies_of_old_files_do_not_clear_each_other_away() {
    let (fleet, _chaos, yard) = fleet().await;
    let server = server(&fleet, &yard).start().await;
    let client = server.client(Era::Modern);
    let old = SystemTime::UNIX_EPOCH + Duration::from_secs(1_580_000_000);
    let sources = [0, 1, 2, 3].map(|at| {
        let path = yard.remote(&format!("a{at}"), 1000, at);
        age(&path, old);
        path
    });
    let target = yard.directory("target");
    let here = yard.here.join("target");
    std::fs::create_dir(&here).unwrap();
    for round in 0..25 {
        let copies = sources.iter().enumerate().map(|(at, source)| {
            let name = format!("b{round}-{at}");
            let to = match at % 2 == round % 2 {
                true => on("web-02", &target.join(name)),
                false => here.join(name).display().to_string(),
            };
            let (client, from) = (&client, on("web-02", source));
            async move { copy(client, &from, &to).await }
        });
        for result in join_all(copies).await {
            assert!(!result.is_error, "{}", result.text);
        }
    }
    assert!(same(&sources[0], &target.join("b0-0")));
    assert!(parts(&target).is_empty() && parts(&here).is_empty());
}

#[tokio::test]
async fn what_nobody_comes_back_for_goes_and_nothing_else_does() {
    let (fleet, _chaos, yard) = fleet().await;
    let server = server(&fleet, &yard).start().await;
    let client = server.client(Era::Modern);
    let old = SystemTime::now() - AGE;
    let source = yard.local("a", 10, 1);
    for dir in [&yard.there, &yard.here] {
        for (name, is_old) in [
            (".x.scout-0123abcd.part", true),
            (".y.scout-0123abcd.part", false),
            (".z.part", true),
            ("w.scout-0123abcd.part", true),
        ] {
            let path = dir.join(name);
            fill(&path, 10, 1);
            yard.give(&path);
            if is_old {
                age(&path, old);
            }
        }
    }
    assert!(
        !copy(
            &client,
            &source.display().to_string(),
            &on("web-01", &yard.there)
        )
        .await
        .is_error
    );
    let back = yard.here.join("back").display().to_string();
    assert!(
        !copy(&client, &on("web-01", &yard.there.join("a")), &back)
            .await
            .is_error
    );
    for dir in [&yard.there, &yard.here] {
        let mut left: Vec<_> = parts(dir)
            .iter()
            .map(|path| path.file_name().unwrap().to_owned())
            .collect();
        left.sort();
        assert_eq!(
            left,
            [".y.scout-0123abcd.part", ".z.part", "w.scout-0123abcd.part"],
            "{dir:?}"
        );
    }
}

#[tokio::test]
async fn a_directory_is_cleared_of_what_earlier_copies_left_in_it() {
    let (fleet, _chaos, yard) = fleet().await;
    let server = server(&fleet, &yard).start().await;
    let client = server.client(Era::Modern);
    std::fs::create_dir_all(yard.here.join("tree/deep")).unwrap();
    yard.local("tree/deep/a", 10, 1);
    let (top, deep) = (yard.directory("tree"), yard.directory("tree/deep"));
    for dir in [&top, &deep] {
        for (name, is_old) in [
            (".x.scout-0123abcd.part", true),
            (".y.scout-0123abcd.part", false),
        ] {
            let path = dir.join(name);
            fill(&path, 10, 1);
            yard.give(&path);
            if is_old {
                age(&path, SystemTime::now() - AGE);
            }
        }
    }
    let from = yard.here.join("tree").display().to_string();
    let copied = copy(&client, &from, &on("web-01", &top)).await;
    assert!(!copied.is_error, "{}", copied.text);
    assert_eq!(parts(&deep), [deep.join(".y.scout-0123abcd.part")]);
    assert_eq!(parts(&top), [top.join(".y.scout-0123abcd.part")]);
}
