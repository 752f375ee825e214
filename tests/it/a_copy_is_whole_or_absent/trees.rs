//! Directories: everything in them arrives, or is said not to.

use std::ffi::OsStr;
use std::os::unix::ffi::OsStrExt as _;
use std::os::unix::fs::{PermissionsExt as _, symlink};
use std::path::Path;

use super::{copy, done, failed, on, overwrite, serve};
use crate::support::account::is_root;
use crate::support::client::Era;
use crate::support::fleet::Fleet;
use crate::support::server::TestServer;
use crate::support::sshd::config::SshdConfig;
use crate::support::yard::{Yard, chmod, fill, same};

/// Names that a careless program takes for something else.
const NAMES: [&[u8]; 8] = [
    b"-rf",
    b"a b",
    b"new\nline",
    b"\xff\xfe not text",
    b"~",
    b"$(touch canary)",
    b"'quote\"",
    b"...",
];

/// What another copy has not finished: at its destination it would be cleared away.
const UNFINISHED: &str = "deep/.x.scout-0123abcd.part";

fn tree(at: &Path) {
    std::fs::create_dir_all(at.join("empty")).unwrap();
    std::fs::create_dir(at.join("deep")).unwrap();
    for (seed, name) in NAMES.into_iter().enumerate() {
        fill(
            &at.join("deep").join(OsStr::from_bytes(name)),
            10 + seed as u64,
            seed as u64,
        );
    }
    fill(&at.join("large"), 3_000_000, 77);
    fill(&at.join("none"), 0, 1);
    fill(&at.join(UNFINISHED), 10, 1);
    chmod(&at.join("large"), 0o751);
    chmod(&at.join("empty"), 0o500);
    symlink("/etc/passwd", at.join("link")).unwrap();
    nix::unistd::mkfifo(&at.join("pipe"), nix::sys::stat::Mode::S_IRWXU).unwrap();
}

fn same_tree(one: &Path, other: &Path) {
    for name in NAMES.map(OsStr::from_bytes) {
        let (one, other) = (one.join("deep").join(name), other.join("deep").join(name));
        assert!(same(&one, &other), "{name:?}");
    }
    for name in ["large", "none"] {
        assert!(same(&one.join(name), &other.join(name)), "{name}");
    }
    let mode = |path: &Path| path.metadata().unwrap().permissions().mode() & 0o7777;
    assert_eq!(mode(&other.join("large")), 0o751);
    assert_eq!(
        mode(&other.join("empty")),
        0o500,
        "an empty directory is there"
    );
    for skipped in ["link", "pipe", UNFINISHED] {
        assert!(other.join(skipped).symlink_metadata().is_err(), "{skipped}");
    }
}

#[tokio::test]
async fn a_directory_arrives_with_everything_in_it_and_a_second_time_sends_nothing() {
    let fleet = Fleet::start(2).await;
    let yard = Yard::new(&fleet);
    let server = serve(&fleet, &yard).await;
    let client = server.client(Era::Modern);
    let source = yard.here.join("tree");
    tree(&source);
    let (up, over, down) = (
        yard.there.join("up"),
        yard.there.join("over"),
        yard.here.join("down"),
    );
    for (from, to, place) in [
        (source.display().to_string(), on("web-01", &up), &up),
        (on("web-01", &up), on("web-02", &over), &over),
        (on("web-02", &over), down.display().to_string(), &down),
    ] {
        let result = copy(&client, &from, &to).await;
        let report = done(&result);
        assert_eq!(report["files"]["copied"], 10, "{report}");
        same_tree(&source, place);
        if from.starts_with('/') {
            assert_eq!(report["files"]["skipped"], 3, "{report}");
            assert_eq!(report["skipped"][0]["kind"], "symlink", "{report}");
            assert!(
                result.text.contains("[skipped] link (symlink)"),
                "{}",
                result.text
            );
        }
        // The same call is the same copy, not one that lands a level deeper.
        let again = copy(&client, &from, &to).await;
        let report = done(&again);
        assert_eq!(
            (&report["files"]["unchanged"], &report["sent_bytes"]),
            (&10.into(), &0.into())
        );
        assert!(!place.join("tree").exists());
    }
    let into = copy(
        &client,
        &source.display().to_string(),
        &format!("{}/", on("web-01", &yard.there)),
    )
    .await;
    assert_eq!(done(&into)["to"], on("web-01", &yard.there.join("tree")));
    same_tree(&source, &yard.there.join("tree"));
}

#[tokio::test]
async fn a_host_with_one_channel_is_enough() {
    let config = SshdConfig {
        max_sessions: 1,
        ..SshdConfig::default()
    };
    let fleet = Fleet::builder()
        .hosts(1)
        .hosts_with(1, &config)
        .start()
        .await;
    let yard = Yard::new(&fleet);
    let server = TestServer::builder(&fleet)
        .env("SCOUT_ROLE", "operator")
        .env("SCOUT_TRANSFER_ROOTS", yard.here.display())
        .env("SCOUT_HOST_RUNNING", 1)
        .start()
        .await;
    let client = server.client(Era::Modern);
    let source = yard.here.join("tree");
    std::fs::create_dir(&source).unwrap();
    for at in 0..4 {
        fill(&source.join(format!("f{at}")), 100_000, at);
    }
    // `web-01` may run one job by the configuration, `web-02` has one channel besides.
    let (one, two) = (yard.there.join("one"), yard.there.join("two"));
    let (to, over) = (on("web-01", &one), on("web-02", &two));
    let from = source.display().to_string();
    let (up, twice) = tokio::join!(copy(&client, &from, &to), copy(&client, &from, &over));
    done(&up);
    done(&twice);
    let same_host = copy(&client, &over, &on("web-02", &yard.there.join("three"))).await;
    done(&same_host);
    for at in 0..4 {
        let name = format!("f{at}");
        for place in [&one, &two, &yard.there.join("three")] {
            assert!(same(&source.join(&name), &place.join(&name)), "{name}");
        }
    }
}

#[tokio::test]
async fn one_file_that_fails_fails_the_copy_and_keeps_nobody_back() {
    let fleet = Fleet::start(1).await;
    let yard = Yard::new(&fleet);
    let server = serve(&fleet, &yard).await;
    let client = server.client(Era::Modern);
    let source = yard.here.join("tree");
    std::fs::create_dir(&source).unwrap();
    for (at, name) in ["a", "b", "c"].into_iter().enumerate() {
        fill(&source.join(name), 100_000, at as u64);
    }
    let target = yard.directory("t");
    let other = yard.remote("t/b", 100_000, 99);
    let kept = std::fs::read(&other).unwrap();
    let (from, to) = (source.display().to_string(), on("web-01", &target));
    let result = copy(&client, &from, &to).await;
    failed(&result, "incomplete");
    let report = &result.structured;
    assert_eq!(
        (&report["files"]["copied"], &report["files"]["failed"]),
        (&2.into(), &1.into())
    );
    assert_eq!(
        (
            &report["failures"][0]["path"],
            &report["failures"][0]["code"]
        ),
        (&"b".into(), &"exists".into())
    );
    assert!(result.text.contains("[FAILED] b: "), "{}", result.text);
    assert_eq!(std::fs::read(&other).unwrap(), kept);
    assert!(
        same(&source.join("a"), &target.join("a")) && same(&source.join("c"), &target.join("c"))
    );
    let result = overwrite(&client, &from, &to).await;
    assert_eq!(done(&result)["files"]["unchanged"], 2);
    assert!(same(&source.join("b"), &other));
    assert_eq!(yard.left(), Vec::<std::path::PathBuf>::new());
}

#[tokio::test]
async fn what_may_not_be_read_is_named_and_a_link_in_the_target_leads_nowhere() {
    let fleet = Fleet::start(1).await;
    let yard = Yard::new(&fleet);
    let server = serve(&fleet, &yard).await;
    let client = server.client(Era::Modern);
    let source = yard.directory("s/sub");
    yard.remote("s/open", 10, 1);
    yard.remote("s/sub/inner", 10, 2);
    // In the target `sub` is a link to a directory outside: nothing is written through it.
    let target = yard.here.join("t");
    let outside = yard.here.join("outside");
    std::fs::create_dir_all(&target).unwrap();
    std::fs::create_dir_all(&outside).unwrap();
    symlink(&outside, target.join("sub")).unwrap();
    let (from, to) = (
        on("web-01", source.parent().unwrap()),
        target.display().to_string(),
    );
    let result = overwrite(&client, &from, &to).await;
    failed(&result, "incomplete");
    assert_eq!(
        result.structured["failures"][0]["code"], "not_directory",
        "{}",
        result.text
    );
    assert_eq!(std::fs::read_dir(&outside).unwrap().count(), 0);
    if is_root() && !fleet.account().is_root() {
        let secret = yard.there.join("s/secret");
        fill(&secret, 10, 3);
        chmod(&secret, 0);
        let result = copy(&client, &from, &yard.here.join("u").display().to_string()).await;
        failed(&result, "incomplete");
        assert_eq!(
            result.structured["failures"][0]["code"], "permission_denied",
            "{}",
            result.text
        );
        assert_eq!(result.structured["files"]["copied"], 2);
    }
}
