//! SFTP servers that are set up in another way, and files that are not what they say.

use super::{copy, done, failed, on, overwrite, serve};
use crate::support::chaos::{Chaos, Mode, Toward};
use crate::support::client::Era;
use crate::support::fleet::Fleet;
use crate::support::sshd::config::SshdConfig;
use crate::support::yard::{Yard, parts, same};

/// A host whose SFTP server is started with these options.
async fn fleet(options: &str) -> Fleet {
    const DEBIAN: &str = "/usr/lib/openssh/sftp-server";
    let program = match std::path::Path::new(DEBIAN).exists() {
        true => DEBIAN,
        false => "internal-sftp",
    };
    let config = SshdConfig {
        sftp: false,
        lines: vec![format!("Subsystem sftp {program} {options}")],
        ..SshdConfig::default()
    };
    Fleet::builder().hosts_with(1, &config).start().await
}

#[tokio::test]
async fn where_nothing_can_be_replaced_that_is_said_before_anything_is_sent() {
    let mut fleet = fleet("-P posix-rename").await;
    let yard = Yard::new(&fleet);
    let wire = Chaos::before(fleet.sshd(0).address()).await;
    fleet.reroute("web-01", wire.address());
    let server = serve(&fleet, &yard).await;
    let client = server.client(Era::Modern);
    let source = yard.local("a", 4 << 20, 1);
    let from = source.display().to_string();
    let old = yard.remote("old", 5, 2);
    let kept = std::fs::read(&old).unwrap();
    let before = wire.bytes(Toward::Server);
    let refused = overwrite(&client, &from, &on("web-01", &old)).await;
    failed(&refused, "unsupported_by_host");
    let sent = wire.bytes(Toward::Server) - before;
    assert!(sent < 1 << 20, "{sent} bytes were sent in vain");
    assert_eq!(std::fs::read(&old).unwrap(), kept);
    let new = yard.there.join("new");
    let report = overwrite(&client, &from, &on("web-01", &new)).await;
    assert_eq!(done(&report)["replaced"], false);
    assert!(same(&source, &new));
    // One file of a tree that is in the way does not keep the others back.
    let tree = yard.here.join("tree");
    std::fs::create_dir(&tree).unwrap();
    for name in ["tree/f1", "tree/f2", "tree/f3"] {
        yard.local(name, 10, 3);
    }
    let there = yard.directory("tree");
    yard.remote("tree/f1", 5, 4);
    let tree = tree.display().to_string();
    let report = overwrite(&client, &tree, &on("web-01", &there)).await;
    failed(&report, "incomplete");
    assert_eq!(report.structured["files"]["copied"], 2, "{}", report.text);
    assert_eq!(yard.left(), Vec::<std::path::PathBuf>::new());
}

#[tokio::test]
async fn where_the_home_is_not_the_accounts_a_copy_goes_on_all_the_same() {
    let mut fleet = fleet("-d /").await;
    let yard = Yard::new(&fleet);
    let chaos = Chaos::before(fleet.sshd(0).address()).await;
    fleet.reroute("web-01", chaos.address());
    let server = serve(&fleet, &yard).await;
    let client = server.client(Era::Modern);
    let source = yard.local("a", 8 << 20, 1);
    let (from, target) = (source.display().to_string(), yard.there.join("b"));
    let to = on("web-01", &target);
    chaos.turn(Toward::Server, 4 << 20, Mode::Reset);
    failed(&copy(&client, &from, &to).await, "connection_lost");
    chaos.set(Mode::Pass);
    let whole = copy(&client, &from, &to).await;
    let resumed = done(&whole)["resumed_at"].as_u64();
    assert!(resumed.is_some_and(|at| at > 0), "{}", whole.structured);
    assert!(same(&source, &target));
    assert!(parts(&yard.there).is_empty(), "nor is a probe left");
}

#[tokio::test]
async fn a_file_that_does_not_say_its_size_is_told_from_one_that_changed() {
    let fleet = Fleet::start(1).await;
    let yard = Yard::new(&fleet);
    let server = serve(&fleet, &yard).await;
    let client = server.client(Era::Modern);
    let to = yard.here.join("version").display().to_string();
    let refused = copy(&client, "web-01:/proc/version", &to).await;
    failed(&refused, "size_unknown");
    assert!(refused.text.contains("read it"), "{}", refused.text);
    assert_eq!(yard.left(), Vec::<std::path::PathBuf>::new());
}
