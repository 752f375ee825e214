//! A fleet: real hosts, one client key, and a home directory with the `ssh_config` and `known_hosts`
//! through which Scout finds them. Hosts of another making (a proxy, a hostile host) can join.

use std::net::{Ipv4Addr, SocketAddr};
use std::path::{Path, PathBuf};
use std::process::Stdio;

use futures_util::future::join_all;
use tempfile::TempDir;

use super::account::{Account, let_through};
use super::keys::{KeyPair, known_hosts_line};
use super::procs::Proc;
use super::sockets::{Block, connections_at};
use super::sshd::Sshd;
use super::sshd::config::SshdConfig;

/// Hosts under one roof. Dropping the fleet ends every host and every session.
#[derive(Debug)]
pub(crate) struct Fleet {
    sshds: Vec<Sshd>,
    entries: Vec<Entry>,
    account: Account,
    key: KeyPair,
    // Last: the hosts write to it until they are gone.
    dir: TempDir,
}

/// One alias of the `ssh_config`, and the key that `known_hosts` has for it.
#[derive(Debug, Clone)]
pub(crate) struct Entry {
    pub(crate) name: String,
    pub(crate) address: SocketAddr,
    /// `type base64`; empty for a host that `known_hosts` does not have.
    pub(crate) host_key: String,
    /// Further lines of the `Host` block.
    pub(crate) lines: Vec<String>,
}

/// What a fleet is made of, before it starts.
#[derive(Debug, Clone)]
pub(crate) struct FleetBuilder {
    configs: Vec<SshdConfig>,
    shared: Option<usize>,
    account: Option<Account>,
}

impl FleetBuilder {
    /// `n` more hosts, an `sshd` each.
    pub(crate) fn hosts(self, n: usize) -> Self {
        self.hosts_with(n, &SshdConfig::default())
    }

    /// `n` more hosts, an `sshd` each, with this configuration.
    pub(crate) fn hosts_with(mut self, n: usize, config: &SshdConfig) -> Self {
        self.configs.extend((0..n).map(|_| config.clone()));
        self
    }

    /// `n` host names behind one single `sshd`: cheap, but they stop together.
    pub(crate) fn shared(mut self, n: usize) -> Self {
        self.shared = Some(n);
        self
    }

    /// Sessions run as this account instead of the usual one.
    pub(crate) fn account(mut self, account: Account) -> Self {
        self.account = Some(account);
        self
    }

    /// Starts every host at once and returns when all of them speak.
    pub(crate) async fn start(self) -> Fleet {
        let dir = tempfile::Builder::new()
            .prefix("scout-it-")
            .tempdir()
            .unwrap();
        let_through(dir.path());
        let ssh = dir.path().join("home/.ssh");
        std::fs::create_dir_all(&ssh).unwrap();
        let key = KeyPair::ed25519(&ssh, "id_ed25519");
        let authorized = dir.path().join("authorized_keys");
        std::fs::write(&authorized, format!("{}\n", key.public)).unwrap();

        let block = Block::claim();
        let starts = self.configs.into_iter().enumerate().map(|(index, config)| {
            let place = dir.path().join(format!("sshd-{index}"));
            Sshd::start(place, block.address(index), &authorized, config)
        });
        let mut fleet = Fleet {
            sshds: join_all(starts).await,
            entries: Vec::new(),
            account: self.account.unwrap_or_else(Account::usual),
            key,
            dir,
        };
        for index in 0..fleet.sshds.len() {
            let sshd = &fleet.sshds[index];
            fleet
                .entries
                .push(Entry::new(&web(index), sshd.address(), &sshd.key().public));
        }
        if let Some(n) = self.shared {
            fleet.add_shared(n, block, &authorized).await;
        }
        fleet.write();
        fleet
    }
}

impl Entry {
    /// An alias for `address`, where this host key is expected.
    pub(crate) fn new(name: &str, address: SocketAddr, host_key: &str) -> Self {
        Self {
            name: name.into(),
            address,
            host_key: host_key.into(),
            lines: Vec::new(),
        }
    }
}

impl Fleet {
    /// `n` separately controllable hosts, `web-01` and on.
    pub(crate) async fn start(n: usize) -> Self {
        Self::builder().hosts(n).start().await
    }

    /// A fleet to be described.
    pub(crate) fn builder() -> FleetBuilder {
        FleetBuilder {
            configs: Vec::new(),
            shared: None,
            account: None,
        }
    }

    /// The `sshd` with this index, from 0. The one behind a shared fleet comes last.
    pub(crate) fn sshd(&self, index: usize) -> &Sshd {
        &self.sshds[index]
    }

    /// The same, for stopping and starting.
    pub(crate) fn sshd_mut(&mut self, index: usize) -> &mut Sshd {
        &mut self.sshds[index]
    }

    /// Every `sshd`.
    pub(crate) fn sshds(&self) -> &[Sshd] {
        &self.sshds
    }

    /// Every alias, in the order of the `ssh_config`.
    pub(crate) fn names(&self) -> Vec<String> {
        self.entries
            .iter()
            .map(|entry| entry.name.clone())
            .collect()
    }

    /// Where the alias points at.
    pub(crate) fn address(&self, name: &str) -> SocketAddr {
        self.entries
            .iter()
            .find(|entry| entry.name == name)
            .expect("an alias")
            .address
    }

    /// The account that sessions run as.
    pub(crate) fn account(&self) -> &Account {
        &self.account
    }

    /// The `HOME` for Scout; its `.ssh` has `config`, `known_hosts` and `id_ed25519`.
    pub(crate) fn home(&self) -> PathBuf {
        self.dir.path().join("home")
    }

    /// A file of `$HOME/.ssh`.
    pub(crate) fn ssh_file(&self, name: &str) -> PathBuf {
        self.home().join(".ssh").join(name)
    }

    /// A directory for files of the test, which every account may pass through.
    pub(crate) fn dir(&self) -> &Path {
        self.dir.path()
    }

    /// Takes a host of another making into the `ssh_config`. Do it before Scout reads that.
    pub(crate) fn add(&mut self, entry: Entry) {
        self.extend([entry]);
    }

    /// The same with several.
    pub(crate) fn extend(&mut self, entries: impl IntoIterator<Item = Entry>) {
        self.entries.extend(entries);
        self.write();
    }

    /// Sends the alias to another address, where the same host key is expected: a proxy in between.
    pub(crate) fn reroute(&mut self, name: &str, address: SocketAddr) {
        let entry = self
            .entries
            .iter_mut()
            .find(|entry| entry.name == name)
            .expect("an alias");
        entry.address = address;
        self.write();
    }

    /// The live processes of every session, orphans included.
    pub(crate) fn processes(&self) -> Vec<Proc> {
        self.sshds.iter().flat_map(Sshd::processes).collect()
    }

    /// TCP connections that the hosts hold at this moment.
    pub(crate) fn established(&self) -> usize {
        let hosts: Vec<_> = self.sshds.iter().map(Sshd::address).collect();
        connections_at(&hosts).len()
    }

    /// Connections that passed authentication so far.
    pub(crate) fn logins(&self) -> usize {
        self.sshds.iter().map(Sshd::logins).sum()
    }

    /// OpenSSH's own client on this fleet, as a second opinion.
    pub(crate) fn ssh(&self, name: &str, command: &str) -> tokio::process::Command {
        let mut ssh = tokio::process::Command::new("ssh");
        ssh.arg("-F").arg(self.ssh_file("config"));
        ssh.args([
            "-o",
            "BatchMode=yes",
            "-o",
            "ConnectTimeout=5",
            name,
            command,
        ]);
        ssh.stdin(Stdio::null()).kill_on_drop(true);
        ssh
    }

    async fn add_shared(&mut self, n: usize, block: Block, authorized: &Path) {
        let place = self.dir.path().join("sshd-shared");
        let everywhere = Ipv4Addr::UNSPECIFIED;
        let sshd = Sshd::start(place, everywhere, authorized, SshdConfig::default()).await;
        let first = self.sshds.len();
        for index in first..first + n {
            let address = SocketAddr::from((block.address(index), sshd.address().port()));
            self.entries
                .push(Entry::new(&web(index), address, &sshd.key().public));
        }
        self.sshds.push(sshd);
    }

    fn write(&self) {
        let known = self
            .entries
            .iter()
            .filter(|entry| !entry.host_key.is_empty());
        let known: String = known
            .map(|entry| known_hosts_line(entry.address, &entry.host_key))
            .collect();
        let blocks: String = self.entries.iter().map(|entry| self.block(entry)).collect();
        std::fs::write(self.ssh_file("known_hosts"), known).unwrap();
        std::fs::write(self.ssh_file("config"), blocks).unwrap();
    }

    fn block(&self, entry: &Entry) -> String {
        let mut lines = entry.lines.clone();
        lines.extend([
            format!("HostName {}", entry.address.ip()),
            format!("Port {}", entry.address.port()),
            format!("User {}", self.account.name),
            format!("IdentityFile {}", self.key.path.display()),
            "IdentitiesOnly yes".into(),
            format!(
                "UserKnownHostsFile {}",
                self.ssh_file("known_hosts").display()
            ),
            "GlobalKnownHostsFile /dev/null".into(),
        ]);
        format!("Host {}\n  {}\n\n", entry.name, lines.join("\n  "))
    }
}

fn web(index: usize) -> String {
    format!("web-{:02}", index + 1)
}
