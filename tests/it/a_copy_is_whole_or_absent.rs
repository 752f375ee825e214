//! A copy is the whole file or none: in every direction, whatever it is called, whoever dies in the
//! middle of it. What was there before stays until the new one is complete and proven, and stays for
//! good unless it was to be replaced.

mod hostile;
mod kills;
mod large;
mod servers;
mod trees;
mod twins;

use std::os::unix::fs::{MetadataExt as _, PermissionsExt as _};
use std::path::Path;
use std::process::Command;
use std::time::{Duration, SystemTime};

use serde_json::{Value, json};

use crate::support::account::is_root;
use crate::support::chaos::{Chaos, Mode, Toward};
use crate::support::client::{Client, Era, ToolResult};
use crate::support::fleet::Fleet;
use crate::support::server::{TestServer, run_cli};
use crate::support::yard::{Yard, chmod, fill, parts, same};

const PATIENCE: Duration = Duration::from_secs(60);

/// A server whose clients may write, and whose place of this machine is the yard's.
async fn serve(fleet: &Fleet, yard: &Yard) -> TestServer {
    TestServer::builder(fleet)
        .env("SCOUT_ROLE", "operator")
        .env("SCOUT_TRANSFER_ROOTS", yard.here.display())
        .start()
        .await
}

fn on(host: &str, path: &Path) -> String {
    format!("{host}:{}", path.display())
}

async fn copy(client: &Client, from: &str, to: &str) -> ToolResult {
    let arguments = json!({"from": from, "to": to});
    client.call_tool("copy", arguments).await
}

async fn overwrite(client: &Client, from: &str, to: &str) -> ToolResult {
    let arguments = json!({"from": from, "to": to, "overwrite": true});
    client.call_tool("copy", arguments).await
}

#[track_caller]
fn done(result: &ToolResult) -> &Value {
    assert!(!result.is_error, "{}", result.text);
    &result.structured
}

#[track_caller]
fn failed(result: &ToolResult, code: &str) {
    assert!(result.is_error, "{}", result.text);
    assert_eq!(result.structured["code"], code, "{}", result.text);
}

#[tokio::test]
async fn every_byte_arrives_in_every_direction_with_its_mode_and_time() {
    let fleet = Fleet::start(2).await;
    let yard = Yard::new(&fleet);
    let server = serve(&fleet, &yard).await;
    let client = server.client(Era::Modern);
    let then = SystemTime::UNIX_EPOCH + Duration::from_secs(1_234_567_890);
    for (at, bytes) in [0, 1, 65_537, 5_000_011].into_iter().enumerate() {
        let source = yard.local(&format!("a{at}"), bytes, 7);
        chmod(&source, 0o640);
        let file = std::fs::File::options().write(true).open(&source).unwrap();
        file.set_modified(then).unwrap();
        let (one, two, back) = (
            yard.there.join(format!("b{at}")),
            yard.there.join(format!("c{at}")),
            yard.here.join(format!("d{at}")),
        );
        for (from, to, direction, place) in [
            (
                source.display().to_string(),
                on("web-01", &one),
                "upload",
                &one,
            ),
            (on("web-01", &one), on("web-02", &two), "host_to_host", &two),
            (
                on("web-02", &two),
                back.display().to_string(),
                "download",
                &back,
            ),
            (
                on("web-01", &one),
                on("web-01", &yard.there.join(format!("e{at}"))),
                "host_to_host",
                &yard.there.join(format!("e{at}")),
            ),
        ] {
            let result = copy(&client, &from, &to).await;
            let report = done(&result);
            assert_eq!(report["direction"], direction);
            assert_eq!(report["bytes"], bytes, "{report}");
            assert_eq!(report["sent_bytes"], bytes, "{report}");
            assert_eq!(report["to"], to);
            assert_eq!(report["sha256"].as_str().unwrap().len(), 64);
            assert!(same(&source, place), "{from} {to}");
            let metadata = std::fs::metadata(place).unwrap();
            assert_eq!(metadata.permissions().mode() & 0o7777, 0o640, "{to}");
            assert_eq!(metadata.mtime(), 1_234_567_890, "{to}");
        }
    }
    assert_eq!(yard.left(), Vec::<std::path::PathBuf>::new());
}

#[tokio::test]
async fn what_is_there_stays_unless_it_is_to_be_replaced() {
    let fleet = Fleet::start(1).await;
    let yard = Yard::new(&fleet);
    let server = serve(&fleet, &yard).await;
    let client = server.client(Era::Modern);
    let new = yard.local("new", 100_000, 1);
    let old = yard.remote("old", 5, 2);
    let kept = std::fs::read(&old).unwrap();
    let (from, to) = (new.display().to_string(), on("web-01", &old));
    let refused = copy(&client, &from, &to).await;
    failed(&refused, "exists");
    assert!(refused.text.contains("overwrite"), "{}", refused.text);
    assert_eq!(std::fs::read(&old).unwrap(), kept);
    let report = overwrite(&client, &from, &to).await;
    assert_eq!(done(&report)["replaced"], true);
    assert!(same(&new, &old));

    let here = yard.local("here", 5, 3);
    failed(
        &copy(&client, &to, &here.display().to_string()).await,
        "exists",
    );
    done(&overwrite(&client, &to, &here.display().to_string()).await);
    assert!(same(&new, &here));

    // A link is replaced itself; what it leads to is not touched.
    let link = yard.there.join("link");
    std::os::unix::fs::symlink(&old, &link).unwrap();
    let other = yard.local("other", 10, 4);
    let to = on("web-01", &link);
    failed(
        &copy(&client, &other.display().to_string(), &to).await,
        "exists",
    );
    done(&overwrite(&client, &other.display().to_string(), &to).await);
    assert!(same(&other, &link) && same(&new, &old));
    assert!(!link.symlink_metadata().unwrap().is_symlink());

    // A directory is entered, never replaced.
    let inside = yard.directory("d");
    let report = copy(&client, &from, &on("web-01", &inside)).await;
    assert_eq!(done(&report)["to"], on("web-01", &inside.join("new")));
    let blocked = yard.directory("d2/new");
    let result = overwrite(&client, &from, &on("web-01", blocked.parent().unwrap())).await;
    failed(&result, "exists");
    let result = copy(
        &client,
        &from,
        &format!("{}/", on("web-01", &yard.there.join("none"))),
    )
    .await;
    failed(&result, "not_found");
    assert_eq!(yard.left(), Vec::<std::path::PathBuf>::new());
}

#[tokio::test]
async fn what_appears_meanwhile_stays() {
    let mut fleet = Fleet::start(1).await;
    let yard = Yard::new(&fleet);
    let slow = Chaos::before(fleet.sshd(0).address()).await;
    fleet.reroute("web-01", slow.address());
    let server = serve(&fleet, &yard).await;
    let client = server.client(Era::Modern);
    let (local, remote) = (yard.local("a", 3 << 20, 1), yard.remote("a", 3 << 20, 2));
    let (there, here) = (yard.there.join("new"), yard.here.join("new"));
    slow.set(Mode::Rate(6 << 20));
    for (from, to, place, toward) in [
        (
            local.display().to_string(),
            on("web-01", &there),
            &there,
            Toward::Server,
        ),
        (
            on("web-01", &remote),
            here.display().to_string(),
            &here,
            Toward::Client,
        ),
    ] {
        let begun = slow.bytes(toward);
        let appear = async {
            while slow.bytes(toward) < begun + (1 << 20) {
                tokio::time::sleep(Duration::from_millis(5)).await;
            }
            std::fs::write(place, "somebody else's").unwrap();
        };
        let (result, ()) = tokio::join!(copy(&client, &from, &to), appear);
        failed(&result, "exists");
        assert_eq!(std::fs::read_to_string(place).unwrap(), "somebody else's");
    }
    assert_eq!(yard.left(), Vec::<std::path::PathBuf>::new());
}

#[tokio::test]
async fn what_cannot_be_copied_says_why_and_leaves_nothing() {
    let fleet = Fleet::start(1).await;
    let yard = Yard::new(&fleet);
    let server = serve(&fleet, &yard).await;
    let client = server.client(Era::Modern);
    let source = yard.local("a", 300_000, 1);
    let from = source.display().to_string();
    let missing = yard.there.join("missing");
    failed(
        &copy(
            &client,
            &on("web-01", &missing),
            &yard.here.join("x").display().to_string(),
        )
        .await,
        "not_found",
    );
    failed(
        &copy(
            &client,
            &yard.here.join("none").display().to_string(),
            &on("web-01", &missing),
        )
        .await,
        "not_found",
    );
    let result = copy(&client, &from, &on("web-01", &missing.join("deep"))).await;
    failed(&result, "not_found");
    failed(&copy(&client, &from, "nowhere:/x").await, "unknown_host");
    failed(
        &copy(&client, &from, &yard.here.join("b").display().to_string()).await,
        "invalid",
    );
    let pipe = yard.there.join("pipe");
    nix::unistd::mkfifo(&pipe, nix::sys::stat::Mode::S_IRWXU).unwrap();
    failed(
        &copy(
            &client,
            &on("web-01", &pipe),
            &yard.here.join("x").display().to_string(),
        )
        .await,
        "not_regular",
    );
    if fleet.account().is_root() || !is_root() {
        eprintln!("SKIPPED: what is denied to the account of the hosts");
    } else {
        let secret = yard.there.join("secret");
        fill(&secret, 10, 1);
        chmod(&secret, 0o600);
        let result = copy(
            &client,
            &on("web-01", &secret),
            &yard.here.join("x").display().to_string(),
        )
        .await;
        failed(&result, "permission_denied");
        failed(
            &copy(&client, &from, "web-01:/etc/scout-test").await,
            "permission_denied",
        );
    }
    assert!(!yard.here.join("x").exists());
    assert_eq!(yard.left(), Vec::<std::path::PathBuf>::new());
}

#[tokio::test]
async fn an_observer_copies_nothing() {
    let fleet = Fleet::start(2).await;
    let yard = Yard::new(&fleet);
    let server = TestServer::builder(&fleet)
        .env("SCOUT_TRANSFER_ROOTS", yard.here.display())
        .start()
        .await;
    let client = server.client(Era::Modern);
    let (there, here) = (yard.remote("a", 5, 1), yard.local("b", 5, 1));
    for (from, to) in [
        (on("web-01", &there), on("web-02", &yard.there.join("x"))),
        (
            on("web-01", &there),
            yard.here.join("x").display().to_string(),
        ),
        (
            here.display().to_string(),
            on("web-01", &yard.there.join("x")),
        ),
    ] {
        let refused = copy(&client, &from, &to).await;
        failed(&refused, "refused");
        assert!(refused.text.contains("operator"), "{}", refused.text);
    }
    assert!(!yard.there.join("x").exists() && !yard.here.join("x").exists());
}

#[tokio::test]
async fn a_source_that_changes_is_no_copy() {
    let mut fleet = Fleet::start(1).await;
    let yard = Yard::new(&fleet);
    let slow = Chaos::before(fleet.sshd(0).address()).await;
    fleet.reroute("web-01", slow.address());
    let server = serve(&fleet, &yard).await;
    let client = server.client(Era::Modern);
    done(
        &copy(
            &client,
            &yard.local("warm", 1, 1).display().to_string(),
            &on("web-01", &yard.there),
        )
        .await,
    );
    slow.set(Mode::Rate(6 << 20));
    let old = yard.local("old", 7, 9);
    for (what, seed) in [("longer", 1), ("shorter", 2), ("another", 3)] {
        let source = yard.remote(what, 4 << 20, seed);
        let from = on("web-01", &source);
        let begun = slow.bytes(Toward::Client);
        let change = async {
            while slow.bytes(Toward::Client) < begun + (1 << 20) {
                tokio::time::sleep(Duration::from_millis(5)).await;
            }
            let file = std::fs::File::options().write(true).open(&source).unwrap();
            match what {
                "longer" => file.set_len((4 << 20) + 1).unwrap(),
                "shorter" => file.set_len(3 << 20).unwrap(),
                _ => {
                    std::os::unix::fs::FileExt::write_at(&file, b"changed", 10).unwrap();
                    file.set_modified(SystemTime::now() + Duration::from_secs(5))
                        .unwrap();
                }
            }
        };
        let to = old.display().to_string();
        let (result, ()) = tokio::join!(overwrite(&client, &from, &to), change);
        failed(&result, "source_changed");
        assert_eq!(std::fs::metadata(&old).unwrap().len(), 7, "{what}");
    }
    assert_eq!(yard.left(), Vec::<std::path::PathBuf>::new());
}

#[tokio::test]
async fn a_full_disk_keeps_what_it_had() {
    if !is_root() {
        eprintln!("SKIPPED: only root mounts a small disk");
        return;
    }
    let fleet = Fleet::start(1).await;
    let yard = Yard::new(&fleet);
    let small = yard.directory("small");
    let tiny = yard.here.join("tiny");
    std::fs::create_dir(&tiny).unwrap();
    let (_there, _here) = (Mounted::small(&small), Mounted::small(&tiny));
    chmod(&small, 0o777);
    let server = serve(&fleet, &yard).await;
    let client = server.client(Era::Modern);
    for (old, from, dir) in [
        (
            small.join("old"),
            yard.local("big", 4 << 20, 1).display().to_string(),
            &small,
        ),
        (
            tiny.join("old"),
            on("web-01", &yard.remote("big", 4 << 20, 2)),
            &tiny,
        ),
    ] {
        fill(&old, 1000, 5);
        yard.give(&old);
        let kept = std::fs::read(&old).unwrap();
        let to = match dir == &small {
            true => on("web-01", &old),
            false => old.display().to_string(),
        };
        let result = overwrite(&client, &from, &to).await;
        failed(&result, "no_space");
        assert_eq!(std::fs::read(&old).unwrap(), kept);
        assert_eq!(
            parts(dir),
            Vec::<std::path::PathBuf>::new(),
            "room is given back"
        );
    }
}

/// A file system of one MiB in memory, until it is dropped.
struct Mounted(std::path::PathBuf);

impl Mounted {
    fn small(at: &Path) -> Self {
        let mut mount = Command::new("mount");
        mount
            .args(["-t", "tmpfs", "-o", "size=1m", "tmpfs"])
            .arg(at);
        assert!(mount.status().unwrap().success());
        Self(at.into())
    }
}

impl Drop for Mounted {
    fn drop(&mut self) {
        let _ = Command::new("umount").arg("-l").arg(&self.0).status();
    }
}

#[tokio::test]
async fn a_client_that_asks_hears_how_far_it_is() {
    let mut fleet = Fleet::start(1).await;
    let yard = Yard::new(&fleet);
    let slow = Chaos::before(fleet.sshd(0).address()).await;
    fleet.reroute("web-01", slow.address());
    let server = serve(&fleet, &yard).await;
    let source = yard.local("a", 6 << 20, 1);
    slow.set(Mode::Rate(4 << 20));
    for era in [Era::Modern, Era::Legacy] {
        let client = server.client(era);
        if matches!(era, Era::Legacy) {
            client.initialize().await;
        }
        let to = on("web-01", &yard.there.join(format!("{era:?}")));
        let params = json!({
            "name": "copy",
            "arguments": {"from": source.display().to_string(), "to": to},
            "_meta": {"progressToken": "t"},
        });
        let reply = client.request("tools/call", params).await;
        let steps: Vec<_> = reply
            .frames
            .iter()
            .filter(|frame| frame["method"] == "notifications/progress")
            .map(|frame| frame["params"].clone())
            .collect();
        assert!((2..=40).contains(&steps.len()), "{era:?}: {steps:?}");
        let numbers: Vec<_> = steps
            .iter()
            .map(|step| step["progress"].as_f64().unwrap())
            .collect();
        assert!(numbers.is_sorted(), "{numbers:?}");
        let all = f64::from(6 << 20);
        assert_eq!(steps.last().unwrap()["progress"], all);
        assert_eq!(steps.last().unwrap()["total"], all);
        assert_eq!(steps.last().unwrap()["message"], format!("{era:?}"));
        assert!(!ToolResult::from_value(reply.result().unwrap()).is_error);
    }
}

#[tokio::test]
async fn the_command_line_copies_as_scp_does() {
    let fleet = Fleet::start(1).await;
    let yard = Yard::new(&fleet);
    let source = yard.local("a b", 70_000, 1);
    let run = async |args: &[&str]| {
        let mut all = vec!["copy"];
        all.extend(args);
        run_cli(&fleet, &all, PATIENCE).await
    };
    let (from, to) = (
        source.display().to_string(),
        format!("{}/", on("web-01", &yard.there)),
    );
    let up = run(&[&from, &to]).await;
    assert_eq!(up.code(), Some(0), "{}", up.stderr);
    assert!(up.stdout.starts_with("✓ Uploaded "), "{}", up.stdout);
    assert!(up.stdout.contains("\n  Size: 68.36 KB"), "{}", up.stdout);
    assert_eq!(up.stderr, "", "no progress where nobody watches");
    let copied = yard.there.join("a b");
    assert!(same(&source, &copied));
    let back = yard.here.join("back").display().to_string();
    let down = run(&[&on("web-01", &copied), &back, "--json"]).await;
    let report: Value = serde_json::from_str(&down.stdout).unwrap();
    assert_eq!(
        (&report["outcome"], down.code()),
        (&json!("copied"), Some(0))
    );
    let again = run(&[&on("web-01", &copied), &back, "--json"]).await;
    let report: Value = serde_json::from_str(&again.stdout).unwrap();
    assert_eq!((&report["code"], again.code()), (&json!("exists"), Some(1)));
    assert_eq!(
        run(&[&on("web-01", &copied), &back, "--overwrite"])
            .await
            .code(),
        Some(0)
    );
    let both = run(&["/etc/hosts", "/tmp/x"]).await;
    assert!(
        both.stderr.contains("one must be on a host"),
        "{}",
        both.stderr
    );
}
