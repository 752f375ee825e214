//! Clients reach of this machine what is below the configured directories, and nothing else: by no
//! spelling, through no link, and at no moment of a race. Without such a directory they reach nothing.

use std::os::unix::fs::symlink;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use rmcp::ClientLifecycleMode;
use serde_json::json;

use crate::support::client::{Client, Era, ToolResult};
use crate::support::fleet::Fleet;
use crate::support::sdk::SdkClient;
use crate::support::server::{TestServer, run_cli, run_cli_with, stdio_command};
use crate::support::yard::{Yard, fill, parts, same};

async fn copy(client: &Client, from: &str, to: &str) -> ToolResult {
    let arguments = json!({"from": from, "to": to, "overwrite": true});
    client.call_tool("copy", arguments).await
}

/// A fleet, and a root with something beside it that must stay secret.
struct Place {
    fleet: Fleet,
    yard: Yard,
    root: PathBuf,
    secret: PathBuf,
    source: String,
}

impl Place {
    async fn new() -> Self {
        let fleet = Fleet::start(1).await;
        let yard = Yard::new(&fleet);
        let root = yard.here.join("transfer");
        let evil = yard.here.join("transfer-evil");
        std::fs::create_dir_all(root.join("sub")).unwrap();
        std::fs::create_dir(&evil).unwrap();
        let secret = evil.join("secret");
        std::fs::write(&secret, "secret").unwrap();
        let source = format!("web-01:{}", yard.remote("source", 1000, 1).display());
        Self {
            fleet,
            yard,
            root,
            secret,
            source,
        }
    }

    async fn serve(&self, roots: &Path) -> TestServer {
        TestServer::builder(&self.fleet)
            .env("SCOUT_ROLE", "operator")
            .env("SCOUT_TRANSFER_ROOTS", roots.display())
            .start()
            .await
    }

    fn out(&self, name: &str) -> String {
        format!("web-01:{}", self.yard.there.join(name).display())
    }

    #[track_caller]
    fn nothing_happened(&self) {
        assert_eq!(std::fs::read_to_string(&self.secret).unwrap(), "secret");
        let evil: Vec<_> = std::fs::read_dir(self.secret.parent().unwrap())
            .unwrap()
            .collect();
        assert_eq!(evil.len(), 1, "{evil:?}");
        assert!(!self.yard.there.join("x").exists());
    }
}

/// Every way out that does not need a race, as paths.
fn ways_out(place: &Place) -> Vec<String> {
    let root = place.root.display().to_string();
    symlink(&place.secret, place.root.join("file")).unwrap();
    symlink("../transfer-evil", place.root.join("dir")).unwrap();
    symlink("../..", place.root.join("sub/up")).unwrap();
    symlink(".", place.root.join("self")).unwrap();
    [
        "file",
        "dir/secret",
        "sub/up/transfer-evil/secret",
        "self/self/dir/secret",
        "../transfer-evil/secret",
        "sub/../../transfer-evil/secret",
        "../transfer/../transfer-evil/secret",
    ]
    .into_iter()
    .map(|way| format!("{root}/{way}"))
    .chain([
        format!("{root}-evil/secret"),
        place.secret.display().to_string(),
        "/etc/passwd".into(),
        "/proc/self/root/etc/passwd".into(),
        format!("/proc/self/root{root}/../transfer-evil/secret"),
    ])
    .collect()
}

#[tokio::test]
async fn no_spelling_and_no_link_leads_out() {
    let place = Place::new().await;
    let server = place.serve(&place.root).await;
    let client = server.client(Era::Modern);
    let inside = place.root.join("sub/inside").display().to_string();
    let result = copy(&client, &place.source, &inside).await;
    assert!(!result.is_error, "{}", result.text);
    for way in ways_out(&place) {
        let read = copy(&client, &way, &place.out("x")).await;
        assert!(read.is_error, "{way}: {}", read.text);
        let code = read.structured["code"].as_str().unwrap().to_owned();
        assert!(
            ["local_not_allowed", "not_regular"].contains(&&*code),
            "{way}: {}",
            read.text
        );
        assert!(!read.text.contains("secret\""), "{}", read.text);
        // Writing to a link inside replaces the link itself, which stays inside.
        if !way.ends_with("transfer/file") {
            let written = copy(&client, &place.source, &way).await;
            assert!(written.is_error, "{way}: {}", written.text);
            assert_eq!(
                written.structured["code"], "local_not_allowed",
                "{way}: {}",
                written.text
            );
        }
        place.nothing_happened();
    }
    let link = place.root.join("file");
    let result = copy(&client, &place.source, &link.display().to_string()).await;
    assert!(!result.is_error, "{}", result.text);
    assert!(!link.symlink_metadata().unwrap().is_symlink());
    place.nothing_happened();
    // A tree does not take along what its links lead to.
    let tree = copy(
        &client,
        &place.root.display().to_string(),
        &place.out("tree"),
    )
    .await;
    assert!(!tree.is_error, "{}", tree.text);
    assert_eq!(
        tree.structured["files"]["skipped"], 3,
        "{}",
        tree.structured
    );
    assert!(!place.yard.there.join("tree/dir").exists());
    let pipe = place.root.join("pipe");
    nix::unistd::mkfifo(&pipe, nix::sys::stat::Mode::S_IRWXU).unwrap();
    let refused = copy(&client, &pipe.display().to_string(), &place.out("x")).await;
    assert_eq!(
        refused.structured["code"], "not_regular",
        "{}",
        refused.text
    );
}

#[tokio::test]
async fn a_root_may_be_a_link_and_is_what_it_was_at_the_start() {
    let place = Place::new().await;
    let alias = place.yard.here.join("alias");
    symlink(&place.root, &alias).unwrap();
    let server = place.serve(&alias).await;
    let client = server.client(Era::Modern);
    for (at, way) in [&alias, &place.root].into_iter().enumerate() {
        let to = way.join(format!("f{at}")).display().to_string();
        let result = copy(&client, &place.source, &to).await;
        assert!(!result.is_error, "{}", result.text);
    }
    // Turned elsewhere, the link leads to where it led when the server started.
    std::fs::remove_file(&alias).unwrap();
    symlink(place.secret.parent().unwrap(), &alias).unwrap();
    let to = alias.join("late").display().to_string();
    let result = copy(&client, &place.source, &to).await;
    assert!(!result.is_error, "{}", result.text);
    assert!(place.root.join("late").exists());
    let read = copy(
        &client,
        &alias.join("secret").display().to_string(),
        &place.out("x"),
    )
    .await;
    assert_eq!(read.structured["code"], "not_found", "{}", read.text);
    place.nothing_happened();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_directory_that_turns_into_a_link_meanwhile_is_no_way_out() {
    let place = Place::new().await;
    let server = place.serve(&place.root).await;
    let client = server.client(Era::Modern);
    let sub = place.root.join("sub");
    fill(&sub.join("secret"), 6, 5);
    let inside = std::fs::read(sub.join("secret")).unwrap();
    let over = Arc::new(AtomicBool::new(false));
    let (stop, root) = (Arc::clone(&over), place.root.clone());
    let swapper = std::thread::spawn(move || {
        let mut swaps = 0;
        while !stop.load(Ordering::Relaxed) {
            std::fs::rename(root.join("sub"), root.join("kept")).unwrap();
            symlink("../transfer-evil", root.join("sub")).unwrap();
            std::thread::yield_now();
            std::fs::remove_file(root.join("sub")).unwrap();
            std::fs::rename(root.join("kept"), root.join("sub")).unwrap();
            std::thread::park_timeout(Duration::from_micros(200));
            swaps += 1;
        }
        swaps
    });
    let (mut read, mut written) = (0, 0);
    for round in 0..150 {
        let out = format!("r{round}");
        let from = sub.join("secret").display().to_string();
        if !copy(&client, &from, &place.out(&out)).await.is_error {
            assert_eq!(std::fs::read(place.yard.there.join(&out)).unwrap(), inside);
            read += 1;
        }
        let to = sub.join("written").display().to_string();
        written += usize::from(!copy(&client, &place.source, &to).await.is_error);
        place.nothing_happened();
    }
    over.store(true, Ordering::Relaxed);
    let swaps = swapper.join().unwrap();
    eprintln!("{swaps} swaps; {read} read, {written} written of 150 each");
    assert!(swaps > 150 && read > 0);
    assert!(parts(place.secret.parent().unwrap()).is_empty());
}

#[tokio::test]
async fn without_a_root_there_is_nothing_and_the_key_is_named() {
    let place = Place::new().await;
    let server = TestServer::builder(&place.fleet)
        .env("SCOUT_ROLE", "operator")
        .start()
        .await;
    let client = server.client(Era::Modern);
    let file = place.root.join("f").display().to_string();
    for (from, to) in [
        (&place.source, &file),
        (&"/etc/hostname".to_owned(), &place.out("x")),
    ] {
        let refused = copy(&client, from, to).await;
        assert_eq!(
            refused.structured["code"], "local_not_allowed",
            "{}",
            refused.text
        );
        assert!(
            refused.text.contains("SCOUT_TRANSFER_ROOTS"),
            "{}",
            refused.text
        );
    }
    let between = copy(&client, &place.source, &place.out("y")).await;
    assert!(!between.is_error, "hosts need none: {}", between.text);

    // A client that starts Scout itself is a client like every other.
    let mut command = stdio_command(&place.fleet);
    command.env("SCOUT_ROLE", "operator");
    let client = SdkClient::stdio(command, ClientLifecycleMode::Initialize).await;
    let arguments = json!({"from": place.source, "to": file});
    let refused = client.call_tool("copy", arguments).await;
    assert_eq!(
        refused.structured["code"], "local_not_allowed",
        "{}",
        refused.text
    );
    client.close().await;
    let mut command = stdio_command(&place.fleet);
    command.env("SCOUT_ROLE", "operator");
    command.env("SCOUT_TRANSFER_ROOTS", &place.root);
    let client = SdkClient::stdio(command, ClientLifecycleMode::Initialize).await;
    let arguments = json!({"from": place.source, "to": file});
    assert!(!client.call_tool("copy", arguments).await.is_error);
    let arguments = json!({"from": place.secret, "to": place.out("x")});
    assert!(client.call_tool("copy", arguments).await.is_error);
    client.close().await;
    place.nothing_happened();
}

#[tokio::test]
async fn a_root_that_is_not_there_is_said_at_the_start_and_the_terminal_has_none() {
    let place = Place::new().await;
    let missing = place.yard.here.join("missing").display().to_string();
    let started = TestServer::builder(&place.fleet)
        .env("SCOUT_TRANSFER_ROOTS", &missing)
        .try_start()
        .await;
    let end = started.expect_err("it must not start");
    assert_eq!(end.code(), Some(64), "{}", end.stderr);
    assert!(
        end.stderr.contains(&missing) && end.stderr.contains("transfer.roots"),
        "{}",
        end.stderr
    );
    let within = Duration::from_secs(30);
    let to = place.secret.with_file_name("typed").display().to_string();
    let typed = run_cli(&place.fleet, &["copy", &place.source, &to], within).await;
    assert_eq!(typed.code(), Some(0), "{}", typed.stderr);
    assert!(same(&place.yard.there.join("source"), Path::new(&to)));
    let env = [("SCOUT_TRANSFER_ROOTS", missing.as_str())];
    let check = run_cli_with(&place.fleet, &env, &["check"], within).await;
    assert_eq!(check.code(), Some(64), "{}", check.stdout);
    assert!(
        check.stdout.contains("which cannot be opened"),
        "{}",
        check.stdout
    );
    let hosts = run_cli_with(&place.fleet, &env, &["hosts"], within).await;
    assert_eq!(hosts.code(), Some(0), "{}", hosts.stderr);
}
