//! Two loopback hosts, as the demo starts them, and what they alone promise: who is let in, what
//! may be opened, and that nothing outlives them.

use crate::rig::{HOSTS, Rig};
use fleet::HostName;
use fleet::inventory::Local;
use fleet::loopback::{ClientKey, LoopbackHost, Options, write_config};
use std::fs;
use std::os::unix::fs::PermissionsExt;

/// A fleet on two loopback hosts.
pub(crate) async fn rig() -> Rig {
    let dir = tempfile::tempdir().unwrap();
    fs::set_permissions(dir.path(), fs::Permissions::from_mode(0o755)).unwrap();
    let home = dir.path().canonicalize().unwrap().join("home");
    fs::create_dir(&home).unwrap();
    let key = ClientKey::generate().unwrap();
    let path = dir.path().join("id_ed25519");
    key.write_to(&path).unwrap();
    let user = Local::detect().unwrap().user;
    let start = || LoopbackHost::start(Options::new(&home, key.public().clone(), &user));
    let hosts = [start().await.unwrap(), start().await.unwrap()];
    let named: Vec<_> = HOSTS
        .iter()
        .zip(&hosts)
        .map(|(name, host)| (HostName::parse(name).unwrap(), host))
        .collect();
    let config = write_config(dir.path(), &named, &path).unwrap();
    Rig::start(&config, home, (hosts, dir)).await
}
