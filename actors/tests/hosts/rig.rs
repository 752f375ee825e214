//! A running fleet with two hosts, and the short ways of asking it that the promises use.
//!
//! It knows nothing of what kind of hosts they are.

use fleet::inventory::{Local, Sources};
use fleet::{
    Bounds, Command, Deadline, Execution, Fleet, FleetError, HostKeyPolicy, HostName, Inventory,
    Limits, Outcome, Program, RemotePath, Settings,
    file::{Found, Part, Want},
};
use std::any::Any;
use std::path::{Path, PathBuf};
use std::time::Duration;

/// The hosts every rig has.
pub(crate) const HOSTS: [&str; 2] = ["one", "two"];

/// A fleet on two hosts.
pub(crate) struct Rig {
    pub(crate) fleet: Fleet,
    /// A directory every account can read, for things to be read.
    pub(crate) shelf: PathBuf,
    /// The home directory of the account that logs in.
    pub(crate) home: PathBuf,
    /// The hosts themselves, and the files around them, while the test runs.
    _keep: Box<dyn Any + Send + Sync>,
}

impl Rig {
    /// Starts a fleet on the hosts of a configuration, with host keys checked.
    pub(crate) async fn start(config: &Path, home: PathBuf, keep: impl Any + Send + Sync) -> Self {
        let sources = Sources::named(config, Local::detect().unwrap());
        let fleet = Fleet::start(Settings {
            inventory: Inventory::load(&sources).unwrap(),
            limits: Limits::default(),
            host_keys: HostKeyPolicy::Check {
                files: None,
                accept_new: false,
            },
        })
        .await
        .unwrap();
        let shelf = config.parent().unwrap().join("shelf");
        std::fs::create_dir(&shelf).unwrap();
        Self {
            fleet,
            shelf,
            home,
            _keep: Box::new(keep),
        }
    }

    /// Runs a command on one of the hosts.
    pub(crate) async fn run_on(
        &self,
        host: &str,
        command: Command,
        bounds: Bounds,
    ) -> Result<Execution, FleetError> {
        let deadline = Deadline::within(Duration::from_secs(20));
        let host = HostName::parse(host).unwrap();
        let lease = self.fleet.lease(&host, deadline).await?;
        lease.run(command, bounds, deadline).await
    }

    /// Runs a command on the first host.
    pub(crate) async fn run(&self, command: Command) -> Execution {
        let ran = self.run_on(HOSTS[0], command, Bounds::default()).await;
        ran.unwrap()
    }

    /// Reads on the first host.
    pub(crate) async fn read_as(
        &self,
        path: impl AsRef<str>,
        want: Want,
    ) -> Result<Found, FleetError> {
        let deadline = Deadline::within(Duration::from_secs(20));
        let host = HostName::parse(HOSTS[0]).unwrap();
        let lease = self.fleet.lease(&host, deadline).await?;
        let path = RemotePath::parse(path.as_ref()).unwrap();
        lease.read(path, want, deadline).await
    }

    /// Reads the beginning of a file, or lists a directory.
    pub(crate) async fn read(&self, path: impl AsRef<str>) -> Result<Found, FleetError> {
        self.read_as(path, start(1 << 20)).await
    }

    /// A path on the shelf, as text.
    pub(crate) fn shelved(&self, name: &str) -> String {
        self.shelf.join(name).to_str().unwrap().to_owned()
    }
}

/// The first `limit` bytes of a file, or the listing of a directory.
pub(crate) fn start(limit: u64) -> Want {
    Want {
        part: Part::From { offset: 0, limit },
        tree: None,
    }
}

/// A command line.
pub(crate) fn shell(line: &str) -> Command {
    Command::new(Program::Shell(line.into())).unwrap()
}

/// A program with arguments.
pub(crate) fn argv(words: &[&str]) -> Command {
    let words = words.iter().map(|&word| word.into()).collect();
    Command::new(Program::Argv(words)).unwrap()
}

/// Standard output and standard error as text.
pub(crate) fn text(ran: &Execution) -> (String, String) {
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    (text(&ran.stdout.bytes), text(&ran.stderr.bytes))
}

/// The end of a command that ended by itself.
pub(crate) fn exited(code: u8) -> Outcome {
    Outcome::Exited { code }
}
