//! A throwaway fleet for a first look: real SSH hosts inside this process, on loopback.
//!
//! Everything lives in a private directory that goes away with the value: fresh keys, an ssh
//! configuration, and a home directory for each host with a few files to look at. Commands run as
//! the current user, below that directory. Nothing of the user's own SSH setup is read.

use fleet::HostName;
use fleet::loopback::{ClientKey, LoopbackHost, Options, write_config};
use std::io;
use std::path::{Path, PathBuf};
use tempfile::TempDir;

/// The most hosts of one demo.
pub const MAX_HOSTS: usize = 50;

/// Why there is no demo.
#[derive(Debug, thiserror::Error)]
#[error("the demo cannot start")]
pub struct DemoError(#[source] Box<dyn std::error::Error + Send + Sync>);

/// The fleet. Dropping it stops the hosts and removes the directory.
pub struct Demo {
    hosts: Vec<(HostName, LoopbackHost)>,
    config: PathBuf,
    dir: TempDir,
}

impl Demo {
    /// Starts `count` hosts, `web-01` and on.
    ///
    /// # Errors
    /// No directory, or no port.
    pub async fn start(count: usize) -> Result<Self, DemoError> {
        let dir = tempfile::Builder::new()
            .prefix("scout-demo-")
            .tempdir()
            .map_err(failed)?;
        let key = ClientKey::generate().map_err(failed)?;
        let key_file = dir.path().join("id_ed25519");
        key.write_to(&key_file).map_err(failed)?;
        let mut hosts = Vec::new();
        for number in 1..=count.clamp(1, MAX_HOSTS) {
            let name = HostName::parse(&format!("web-{number:02}")).map_err(failed)?;
            let home = dir.path().join(name.as_str());
            furnish(&home, number).map_err(failed)?;
            let options = Options::new(home, key.public().clone(), "demo");
            hosts.push((name, LoopbackHost::start(options).await.map_err(failed)?));
        }
        let entries: Vec<_> = hosts
            .iter()
            .map(|(name, host)| (name.clone(), host))
            .collect();
        let config = write_config(dir.path(), &entries, &key_file).map_err(failed)?;
        Ok(Self { hosts, config, dir })
    }

    /// The ssh configuration that lists the hosts.
    #[must_use]
    pub fn ssh_config(&self) -> &Path {
        &self.config
    }

    /// The keys the hosts are known by.
    #[must_use]
    pub fn known_hosts(&self) -> PathBuf {
        self.dir.path().join("known_hosts")
    }

    /// Stops the hosts and their commands.
    pub async fn stop(self) {
        for (_, host) in self.hosts {
            host.stop().await;
        }
    }
}

/// Puts a few files into a home: a configuration that differs on one host, a log, and a pipe that
/// nobody writes to.
fn furnish(home: &Path, number: usize) -> io::Result<()> {
    let workers = if number == 3 { 2 } else { 8 };
    let log: String = (0..200)
        .map(|line| match line % 50 {
            17 => format!("{line:03} ERROR upstream timed out\n"),
            _ => format!("{line:03} INFO request served\n"),
        })
        .collect();
    std::fs::create_dir_all(home.join("app/conf"))?;
    std::fs::create_dir_all(home.join("app/logs"))?;
    std::fs::write(
        home.join("app/conf/app.toml"),
        format!("workers = {workers}\nport = 8080\n"),
    )?;
    std::fs::write(home.join("app/logs/app.log"), log)?;
    nix::unistd::mkfifo(&home.join("app/pipe"), nix::sys::stat::Mode::S_IRWXU)?;
    Ok(())
}

fn failed(error: impl std::error::Error + Send + Sync + 'static) -> DemoError {
    DemoError(Box::new(error))
}
