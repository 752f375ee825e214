//! A fleet inside this process, and the calls that bring its hosts up.

use super::site::Site;
use fleet::file::{Part, Want};
use fleet::inventory::{Local, Sources};
use fleet::{
    Bounds, Command, Deadline, Fleet, HostKeyPolicy, HostName, Inventory, Lease, Limits, Program,
    RemotePath, Settings,
};
use std::time::Duration;

/// A fleet on these hosts, with so many places.
pub(crate) async fn fleet(site: &Site, capacity: usize) -> (Fleet, Vec<HostName>) {
    let sources = Sources::named(site.fleet.ssh_file("config"), Local::detect().unwrap());
    let settings = Settings {
        inventory: Inventory::load(&sources).unwrap(),
        limits: Limits {
            capacity,
            idle_timeout: Duration::from_secs(3600),
            connect_timeout: Duration::from_secs(60),
            ..Limits::default()
        },
        host_keys: HostKeyPolicy::Check {
            files: None,
            accept_new: false,
        },
    };
    let names = site.names.iter().map(|name| HostName::parse(name).unwrap());
    (Fleet::start(settings).await.unwrap(), names.collect())
}

pub(crate) async fn lease(fleet: &Fleet, host: &HostName) -> Lease {
    fleet.lease(host, soon()).await.unwrap()
}

/// A connection, and nothing on it yet.
pub(crate) async fn reach(fleet: &Fleet, host: &HostName) {
    lease(fleet, host).await.reach(soon()).await.unwrap();
}

/// The file of 1 KB.
pub(crate) async fn read(fleet: &Fleet, host: &HostName, path: &str) {
    let part = Part::From {
        offset: 0,
        limit: 1 << 20,
    };
    let path = RemotePath::parse(path).unwrap();
    let want = Want { part, tree: None };
    lease(fleet, host)
        .await
        .read(path, want, soon())
        .await
        .unwrap();
}

/// A command that says nothing.
pub(crate) async fn run(fleet: &Fleet, host: &HostName) {
    let command = Command::new(Program::Shell("true".into())).unwrap();
    let ran = lease(fleet, host)
        .await
        .run(command, Bounds::default(), soon())
        .await;
    ran.unwrap();
}

fn soon() -> Deadline {
    Deadline::within(Duration::from_secs(120))
}
