//! Hosts that lie in every answer: a copy from or to one ends in time, is never called a success, and
//! puts nothing outside its destination.

use std::time::{Duration, Instant};

use futures_util::future::join_all;

use super::{on, overwrite};
use crate::support::client::Era;
use crate::support::fleet::Fleet;
use crate::support::hostile::{HostileHost, Script, Sftp};
use crate::support::server::TestServer;
use crate::support::yard::{Yard, fill};

const DEADLINE: Duration = Duration::from_secs(4);

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn no_lie_of_a_host_makes_a_copy() {
    let lies = [
        Sftp::Missing,
        Sftp::Silent,
        Sftp::Endless,
        Sftp::BadNames,
        Sftp::WrongIds,
        Sftp::Oversized,
        Sftp::Garbage,
    ];
    join_all(lies.map(believe)).await;
}

/// Copies from and to one such host, on a server of its own.
async fn believe(lie: Sftp) {
    let script = Script {
        sftp: lie,
        ..Script::default()
    };
    let host = HostileHost::start(script).await;
    let mut fleet = Fleet::start(1).await;
    fleet.add(host.entry("bad"));
    let yard = Yard::new(&fleet);
    let root = yard.here.join("root");
    std::fs::create_dir(&root).unwrap();
    let server = TestServer::builder(&fleet)
        .env("SCOUT_ROLE", "operator")
        .env("SCOUT_TRANSFER_ROOTS", root.display())
        .env("SCOUT_REQUEST_TIMEOUT", DEADLINE.as_secs())
        .start()
        .await;
    let source = root.join("source");
    fill(&source, 300_000, 1);
    let idle = server.program().rss_mib();
    let here = |name: &str| root.join(name).display().to_string();
    let calls = [
        ("bad:/a.file".to_owned(), here("file")),
        ("bad:/dir".to_owned(), here("dir")),
        (source.display().to_string(), "bad:/new.file".to_owned()),
        (
            "bad:/a.file".to_owned(),
            on("web-01", &yard.there.join("f")),
        ),
    ];
    let server = &server;
    let results = join_all(calls.map(|(from, to)| async move {
        let start = Instant::now();
        let result = overwrite(&server.client(Era::Modern), &from, &to).await;
        (from, to, result, start.elapsed())
    }));
    for (from, to, result, took) in results.await {
        eprintln!(
            "{lie:?} {from}: {} after {took:?}",
            result.structured["code"]
        );
        assert!(result.is_error, "{lie:?} {from} {to}: {}", result.text);
        // Far beyond it, and not endless: other tests have the processors as well.
        let late = took > DEADLINE + Duration::from_secs(15);
        assert!(!late, "{lie:?} {from} {to}: {took:?}");
    }
    let grown = server.program().rss_mib() - idle;
    assert!(grown < 64.0, "{lie:?}: {grown:.0} MiB more");
    // Beside the root is nothing new, and in it only what bears the name of a destination.
    assert_eq!(std::fs::read_dir(&yard.here).unwrap().count(), 1);
    for entry in std::fs::read_dir(&root).unwrap() {
        let name = entry.unwrap().file_name().into_string().unwrap();
        let known = ["source", "dir", ".file."];
        assert!(
            known.iter().any(|known| name.starts_with(known)),
            "{lie:?}: {name}"
        );
    }
    let log = server.program().stderr();
    assert!(!log.contains("panicked"), "{lie:?}: {log}");
}
