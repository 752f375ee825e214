//! A copy that was cut goes on when the same call is made again: it sends what is missing and nothing
//! else, and proves the whole. What it finds is never trusted, and what nobody comes back for goes.

mod leftovers;

use std::fs::File;
use std::os::unix::fs::{FileExt as _, symlink};
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime};

use serde_json::json;

use crate::support::account::is_root;
use crate::support::chaos::{Chaos, Mode, Toward};
use crate::support::client::{Client, Era, ToolResult};
use crate::support::fleet::Fleet;
use crate::support::server::{ServerBuilder, TestServer, start_cli};
use crate::support::yard::{Way, Yard, chmod, fill, parts, same};

const BYTES: u64 = 8 << 20;
const HALF: u64 = BYTES / 2;

/// Two hosts, the first of them behind a proxy.
async fn fleet() -> (Fleet, Chaos, Yard) {
    let mut fleet = Fleet::start(2).await;
    let chaos = Chaos::before(fleet.sshd(0).address()).await;
    fleet.reroute("web-01", chaos.address());
    let yard = Yard::new(&fleet);
    (fleet, chaos, yard)
}

fn server(fleet: &Fleet, yard: &Yard) -> ServerBuilder {
    TestServer::builder(fleet)
        .env("SCOUT_ROLE", "operator")
        .env("SCOUT_TRANSFER_ROOTS", yard.here.display())
}

async fn copy(client: &Client, from: &str, to: &str) -> ToolResult {
    let arguments = json!({"from": from, "to": to});
    client.call_tool("copy", arguments).await
}

fn on(host: &str, path: &Path) -> String {
    format!("{host}:{}", path.display())
}

/// The one unfinished file of a directory, and its size once the host has written what it still held:
/// a server outlives its connection for a moment.
async fn part(dir: &Path) -> (PathBuf, u64) {
    let parts = parts(dir);
    assert_eq!(parts.len(), 1, "{parts:?}");
    let size = || std::fs::metadata(&parts[0]).unwrap().len();
    let mut last = size();
    loop {
        tokio::time::sleep(Duration::from_millis(300)).await;
        match size() {
            same if same == last => return (parts[0].clone(), same),
            more => last = more,
        }
    }
}

#[tokio::test]
async fn what_was_cut_in_the_middle_sends_only_what_is_missing() {
    let (fleet, chaos, yard) = fleet().await;
    let server = server(&fleet, &yard).start().await;
    let client = server.client(Era::Modern);
    let (local, remote) = (yard.local("a", BYTES, 1), yard.remote("a", BYTES, 2));
    let sources = [&local, &remote, &remote];
    for (way, source) in yard.ways(&local, &remote, "b").into_iter().zip(sources) {
        let Way {
            from,
            to,
            place: target,
            toward,
        } = way;
        chaos.turn(toward, HALF, Mode::Reset);
        let cut = copy(&client, &from, &to).await;
        assert!(cut.is_error, "{}", cut.text);
        assert_eq!(cut.structured["code"], "connection_lost", "{}", cut.text);
        assert!(cut.text.contains("the same call"), "{}", cut.text);
        assert!(
            !target.exists(),
            "nothing bears the name before it is whole"
        );
        let (_, there) = part(target.parent().unwrap()).await;
        assert!(
            (BYTES / 8..BYTES).contains(&there),
            "{there} bytes were there"
        );

        chaos.set(Mode::Pass);
        let before = chaos.bytes(toward);
        let whole = copy(&client, &from, &to).await;
        let wire = chaos.bytes(toward) - before;
        assert!(!whole.is_error, "{}", whole.text);
        assert!(same(source, &target));
        let report = &whole.structured;
        assert_eq!(report["resumed_at"], there, "{report}");
        assert_eq!(report["sent_bytes"], BYTES - there, "{report}");
        assert!(
            wire < BYTES - there + (256 << 10),
            "{wire} bytes for {}",
            BYTES - there
        );
        assert!(whole.text.contains("\n  Resumed at "), "{}", whole.text);
        assert!(parts(target.parent().unwrap()).is_empty());
    }
}

#[tokio::test]
async fn a_scout_that_was_killed_is_gone_on_from_by_the_next() {
    let (fleet, chaos, yard) = fleet().await;
    let source = yard.local("a", BYTES, 1);
    let target = yard.there.join("b");
    let (from, to) = (source.display().to_string(), on("web-01", &target));
    chaos.set(Mode::Rate(8 << 20));
    let mut scout = start_cli(&fleet, &["copy", &from, &to]);
    crate::support::eventually("half of it", Duration::from_secs(30), || {
        chaos.bytes(Toward::Server) > HALF
    })
    .await;
    scout.signal(nix::sys::signal::Signal::SIGKILL);
    scout.wait_exit(Duration::from_secs(5)).await;
    crate::support::eventually("the host is idle", Duration::from_secs(10), || {
        fleet.processes().is_empty()
    })
    .await;
    let (_, there) = part(&yard.there).await;
    chaos.set(Mode::Pass);
    let before = chaos.bytes(Toward::Server);
    let mut scout = start_cli(&fleet, &["copy", "--json", &from, &to]);
    let status = scout.wait_exit(Duration::from_secs(30)).await;
    assert!(status.success(), "{}", scout.stderr());
    assert!(same(&source, &target));
    let wire = chaos.bytes(Toward::Server) - before;
    assert!(
        there > BYTES / 8 && wire < BYTES - there + (256 << 10),
        "{there} {wire}"
    );
}

#[tokio::test]
async fn a_deadline_says_how_far_it_came_and_the_same_call_goes_on() {
    let (fleet, chaos, yard) = fleet().await;
    let server = server(&fleet, &yard)
        .env("SCOUT_REQUEST_TIMEOUT", "3s")
        .start()
        .await;
    let client = server.client(Era::Modern);
    let source = yard.local("a", BYTES, 1);
    let target = yard.there.join("b");
    let (from, to) = (source.display().to_string(), on("web-01", &target));
    // A connection that is being made at this rate has a deadline of its own.
    let warm = yard.local("warm", 1, 1).display().to_string();
    assert!(
        !copy(&client, &warm, &on("web-01", &yard.there))
            .await
            .is_error
    );
    chaos.set(Mode::Rate(1 << 20));
    let cut = copy(&client, &from, &to).await;
    assert!(cut.is_error, "{}", cut.text);
    assert_eq!(cut.structured["code"], "deadline_passed", "{}", cut.text);
    assert!(
        cut.text
            .contains(&format!("of {BYTES} bytes had been copied")),
        "{}",
        cut.text
    );
    chaos.set(Mode::Pass);
    let whole = copy(&client, &from, &to).await;
    assert!(!whole.is_error, "{}", whole.text);
    assert!(
        whole.structured["resumed_at"].as_u64().unwrap() > 0,
        "{}",
        whole.structured
    );
    assert!(same(&source, &target));
}

#[tokio::test]
async fn what_is_found_is_proven_and_not_trusted() {
    let (fleet, chaos, yard) = fleet().await;
    let server = server(&fleet, &yard).start().await;
    let client = server.client(Era::Modern);
    let source = yard.local("a", BYTES, 1);
    for (what, damage) in [
        (
            "another beginning",
            (|part| {
                let file = File::options().write(true).open(part).unwrap();
                file.write_at(b"damaged", 1000).unwrap();
            }) as fn(&Path),
        ),
        ("more than there is", |part| fill(part, BYTES + 1, 9)),
        ("nothing", |part| fill(part, 0, 9)),
        ("a link", |part| {
            std::fs::remove_file(part).unwrap();
            symlink(part.with_file_name("victim"), part).unwrap();
        }),
        ("a file of somebody else", |part| {
            if is_root() {
                std::os::unix::fs::chown(part, Some(0), Some(0)).unwrap();
                chmod(part, 0o666);
            } else {
                eprintln!("SKIPPED: only root gives a file to somebody else");
                fill(part, 10, 9);
            }
        }),
    ] {
        let victim = yard.remote("victim", 5, 9);
        let kept = std::fs::read(&victim).unwrap();
        let target = yard.there.join("b");
        let (from, to) = (source.display().to_string(), on("web-01", &target));
        chaos.turn(Toward::Server, HALF, Mode::Reset);
        assert!(copy(&client, &from, &to).await.is_error);
        let (part, _) = part(&yard.there).await;
        damage(&part);
        chaos.set(Mode::Pass);
        let whole = copy(&client, &from, &to).await;
        assert!(!whole.is_error, "{what}: {}", whole.text);
        assert!(same(&source, &target), "{what}");
        assert_eq!(
            whole.structured["resumed_at"],
            serde_json::Value::Null,
            "{what}: {}",
            whole.structured
        );
        assert_eq!(std::fs::read(&victim).unwrap(), kept, "{what}");
        assert!(parts(&yard.there).is_empty(), "{what}");
        std::fs::remove_file(&target).unwrap();
    }
}

#[tokio::test]
async fn a_source_that_changed_since_is_copied_from_its_beginning() {
    let (fleet, chaos, yard) = fleet().await;
    let server = server(&fleet, &yard).start().await;
    let client = server.client(Era::Modern);
    let source = yard.remote("a", BYTES, 1);
    let target = yard.here.join("b");
    let (from, to) = (on("web-01", &source), target.display().to_string());
    chaos.turn(Toward::Client, HALF, Mode::Reset);
    assert!(copy(&client, &from, &to).await.is_error);
    chaos.set(Mode::Pass);
    yard.remote("a", BYTES, 2);
    let file = File::options().write(true).open(&source).unwrap();
    file.set_modified(SystemTime::now() + Duration::from_secs(3))
        .unwrap();
    let whole = copy(&client, &from, &to).await;
    assert!(!whole.is_error, "{}", whole.text);
    assert_eq!(whole.structured["resumed_at"], serde_json::Value::Null);
    assert!(same(&source, &target));
}

#[tokio::test]
async fn a_directory_goes_on_with_the_files_that_are_missing() {
    let (fleet, chaos, yard) = fleet().await;
    let server = server(&fleet, &yard).start().await;
    let client = server.client(Era::Modern);
    let source = yard.here.join("tree");
    std::fs::create_dir(&source).unwrap();
    for at in 0..16 {
        fill(&source.join(format!("f{at:02}")), 512 << 10, at);
    }
    let target = yard.there.join("tree");
    let (from, to) = (source.display().to_string(), on("web-01", &target));
    chaos.turn(Toward::Server, HALF, Mode::Reset);
    let cut = copy(&client, &from, &to).await;
    assert!(cut.is_error, "{}", cut.text);
    assert_eq!(cut.structured["code"], "connection_lost", "{}", cut.text);
    chaos.set(Mode::Pass);
    let there = std::fs::read_dir(&target).unwrap().count() - parts(&target).len();
    assert!((1..16).contains(&there), "{there} files were there");
    let before = chaos.bytes(Toward::Server);
    let whole = copy(&client, &from, &to).await;
    assert!(!whole.is_error, "{}", whole.text);
    let report = &whole.structured;
    assert!(
        report["files"]["unchanged"].as_u64().unwrap() >= there as u64,
        "{report}"
    );
    assert_eq!(
        report["files"]["unchanged"].as_u64().unwrap()
            + report["files"]["copied"].as_u64().unwrap(),
        16
    );
    let wire = chaos.bytes(Toward::Server) - before;
    assert!(
        wire < BYTES - there as u64 * (512 << 10) + (512 << 10),
        "{wire}"
    );
    for at in 0..16 {
        let name = format!("f{at:02}");
        assert!(same(&source.join(&name), &target.join(&name)), "{name}");
    }
    assert!(parts(&target).is_empty());
}
