//! Whether anything is left behind: of a call, and of a connection.

use super::own;
use super::site::Site;
use super::usage::{Usage, resident};

/// How often a host is used, and how many connections are made.
const TIMES: usize = 1_000;

/// How often in between the state is looked at.
const LOOKS: usize = 10;

/// One host, leased, read from, run on and given back.
pub(crate) async fn reuse() {
    println!("\nreuse: one host, leased, read from, run on and given back");
    let site = Site::behind_one(1).await;
    let (fleet, hosts) = own::fleet(&site, 1).await;
    let file = site.file();
    look("uses", async || {
        own::read(&fleet, &hosts[0], &file).await;
        own::run(&fleet, &hosts[0]).await;
    })
    .await;
}

/// Two hosts and one place: each call evicts the other host.
pub(crate) async fn churn() {
    println!(
        "\nchurn: two hosts and one place; every call connects, reads, and evicts the other host"
    );
    let site = Site::behind_one(2).await;
    let (fleet, hosts) = own::fleet(&site, 1).await;
    let (file, mut turns) = (site.file(), hosts.iter().cycle());
    look("connections", async || {
        own::read(&fleet, turns.next().unwrap(), &file).await;
    })
    .await;
}

/// Prints what is held after every tenth of the work, and how much more that is for each time since
/// the first look, when everything that is kept on purpose has been made.
async fn look(what: &str, mut work: impl AsyncFnMut()) {
    println!(
        "{what:>12}{:>12}{:>9}{:>8}{:>7}{:>10}",
        "heap KB", "blocks", "tasks", "fds", "RSS KB"
    );
    let mut looks = Vec::new();
    for tenth in 1..=LOOKS {
        for _ in 0..TIMES / LOOKS {
            work().await;
        }
        let (now, rss) = (Usage::settled().await, resident("self"));
        println!(
            "{:>12}{:>12.1}{:>9}{:>8}{:>7}{rss:>10}",
            tenth * TIMES / LOOKS,
            now.heap as f64 / 1000.0,
            now.blocks,
            now.tasks,
            now.descriptors
        );
        looks.push((now, rss));
    }
    let ((first, first_rss), (last, last_rss)) = (looks[0], looks[LOOKS - 1]);
    let times = (TIMES - TIMES / LOOKS) as f64;
    println!(
        "growth since the first look, for each: heap {:.1} bytes, {:.3} blocks, RSS {:.1} bytes",
        (last.heap - first.heap) as f64 / times,
        (last.blocks - first.blocks) as f64 / times,
        (last_rss - first_rss) as f64 * 1024.0 / times
    );
}
