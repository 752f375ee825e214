//! Heap, descriptors and tasks for every idle host, as it is brought up step by step.

use super::own;
use super::site::Site;
use super::usage::{Usage, resident};
use fleet::{Fleet, HostName};
use futures_util::StreamExt as _;
use std::future::Future;

/// Hosts that are brought up at the same time.
const AT_ONCE: usize = 32;

pub(crate) async fn report(sizes: &[usize]) {
    println!(
        "\nheap: for each idle host of a fleet inside this process, less what the fleet has without it"
    );
    println!(
        "{:>6}  {:<28}{:>9}{:>9}{:>8}{:>7}{:>10}",
        "hosts", "", "heap KB", "blocks", "tasks", "fds", "RSS KB"
    );
    for &hosts in sizes {
        let site = Site::behind_one(hosts).await;
        of(&site, hosts).await;
    }
}

async fn of(site: &Site, hosts: usize) {
    let (fleet, names) = own::fleet(site, hosts).await;
    let (before, rss) = (Usage::settled().await, resident("self"));
    let row = async |what: &str| {
        let now = Usage::settled().await;
        let each = |now: i64, before: i64| (now - before) as f64 / hosts as f64;
        println!(
            "{hosts:>6}  {what:<28}{:>9.1}{:>9.0}{:>8.2}{:>7.2}{:>10.1}",
            each(now.heap, before.heap) / 1000.0,
            each(now.blocks, before.blocks),
            each(now.tasks, before.tasks),
            each(now.descriptors, before.descriptors),
            each(resident("self"), rss),
        );
    };
    on_each(&names, |host| own::reach(&fleet, host)).await;
    row("connected").await;
    let file = site.file();
    on_each(&names, |host| own::read(&fleet, host, &file)).await;
    row("and has read a file").await;
    on_each(&names, |host| own::run(&fleet, host)).await;
    row("and has run a command").await;
    // Queues and buffers have their size from the busiest moment.
    for _ in 0..2 {
        on_each(&names, |host| busy(&fleet, host, &file)).await;
    }
    row("and has had eight at once").await;
    fleet
        .shutdown(fleet::Deadline::within(std::time::Duration::from_secs(10)))
        .await;
    drop(fleet);
    let after = Usage::settled().await;
    println!(
        "{hosts:>6}  {:<28}{:>9.1}",
        "after the end of the fleet",
        (after.heap - before.heap) as f64 / 1000.0 / hosts as f64
    );
}

async fn busy(fleet: &Fleet, host: &HostName, file: &str) {
    futures_util::future::join_all((0..8).map(|_| own::read(fleet, host, file))).await;
}

async fn on_each<'a, F: Future<Output = ()>>(
    hosts: &'a [HostName],
    work: impl Fn(&'a HostName) -> F,
) {
    let all = futures_util::stream::iter(hosts).map(work);
    all.buffer_unordered(AT_ONCE).collect::<Vec<()>>().await;
}
