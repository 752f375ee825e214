//! Copies beside each other: of the same to the same place, which has two hosts and many spellings;
//! and of different things with too few connections for all.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use futures_util::future::join_all;

use super::{copy, done, on, overwrite, serve};
use crate::support::client::Era;
use crate::support::fleet::Fleet;
use crate::support::server::TestServer;
use crate::support::yard::{Yard, same};

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn copies_that_do_not_know_of_each_other_never_show_a_part() {
    let fleet = Fleet::start(2).await;
    let yard = Yard::new(&fleet);
    let server = serve(&fleet, &yard).await;
    let client = server.client(Era::Modern);
    let source = yard.local("a", 3_000_000, 1);
    let target = yard.there.join("b");
    let over = Arc::new(AtomicBool::new(false));
    let (stop, one, other) = (Arc::clone(&over), source.clone(), target.clone());
    let watcher = std::thread::spawn(move || {
        let mut seen = 0;
        while !stop.load(Ordering::Relaxed) {
            if other.exists() {
                seen += 1;
                assert!(same(&one, &other), "a part of it has the name");
            }
        }
        seen
    });
    let from = source.display().to_string();
    let (mut whole, mut met) = (0, 0);
    for round in 0..6 {
        let copies = (0..4).map(|at| {
            let spelled = yard.there.join("./".repeat(at)).join("b");
            let to = on(if at % 2 == 0 { "web-01" } else { "web-02" }, &spelled);
            let (client, from) = (&client, &from);
            async move { overwrite(client, from, &to).await }
        });
        let before = whole;
        for result in join_all(copies).await {
            match result.is_error {
                false => whole += 1,
                true => {
                    let code = &result.structured["code"];
                    assert_eq!(code, "copy_running", "{}", result.text);
                    met += 1;
                }
            }
        }
        assert!(whole > before, "one of them was the first of round {round}");
    }
    over.store(true, Ordering::Relaxed);
    let seen = watcher.join().unwrap();
    println!("{whole} whole, {met} met another; looked at {seen} times");
    assert!(met > 0 && seen > 0 && same(&source, &target));
    assert_eq!(yard.left(), Vec::<std::path::PathBuf>::new());
}

#[tokio::test]
async fn copies_between_hosts_do_not_wait_for_each_other_s_place_in_the_pool() {
    let fleet = Fleet::start(4).await;
    let yard = Yard::new(&fleet);
    let server = TestServer::builder(&fleet)
        .env("SCOUT_ROLE", "operator")
        .env("SCOUT_MAX_POOL_SIZE", 2)
        .env("SCOUT_REQUEST_TIMEOUT", "20s")
        .start()
        .await;
    let client = server.client(Era::Modern);
    let source = yard.remote("a", 100_000, 1);
    for round in 0..3 {
        let copies = [("web-01", "web-02"), ("web-03", "web-04")].map(|(from, to)| {
            let target = yard.there.join(format!("{to}-{round}"));
            let (from, to) = (on(from, &source), on(to, &target));
            let client = &client;
            async move { copy(client, &from, &to).await }
        });
        for result in join_all(copies).await {
            done(&result);
        }
    }
}
