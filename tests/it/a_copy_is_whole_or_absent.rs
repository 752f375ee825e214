//! A copy is the whole file or none: in every direction, whatever it is called, whoever dies in the
//! middle of it. What was there before stays until the new one is complete and proven, and stays for
//! good unless it was to be replaced.

mod disks;
mod hostile;
mod kills;
mod large;
mod meanwhile;
mod servers;
mod told;
mod trees;
mod twins;

use std::os::unix::fs::{MetadataExt as _, PermissionsExt as _};
use std::path::Path;
use std::time::{Duration, SystemTime};

use serde_json::{Value, json};

use crate::support::account::is_root;
use crate::support::client::{Client, Era, ToolResult};
use crate::support::fleet::Fleet;
use crate::support::server::TestServer;
use crate::support::yard::{Way, Yard, chmod, fill, same};

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
    for Way { from, to, .. } in yard.ways(&here, &there, "x") {
        let refused = copy(&client, &from, &to).await;
        failed(&refused, "refused");
        assert!(refused.text.contains("operator"), "{}", refused.text);
    }
    for way in yard.ways(&here, &there, "x") {
        assert!(!way.place.exists());
    }
}
