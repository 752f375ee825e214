//! One real OpenSSH `sshd` on a loopback address, under the control of a test: it can be paused,
//! stopped, killed and started again, and it says what it saw. Whatever it started ends with it.

pub(crate) mod config;

use std::fs::{File, OpenOptions};
use std::net::{Ipv4Addr, SocketAddr};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
use tokio::io::AsyncReadExt as _;
use tokio::net::TcpStream;

use super::account::is_root;
use super::keys::KeyPair;
use super::procs::{self, Proc};
use super::sockets::{established_at, free_port};
use config::{Paths, SshdConfig};

/// How long a start may take; a fleet of a hundred starts on two cores.
const START: Duration = Duration::from_secs(30);
/// The variable by which every process of a host's sessions can be found, orphans too.
const MARK: &str = "SCOUT_TEST_HOST";

/// A running `sshd`. Dropping it kills it and every session it has.
#[derive(Debug)]
pub(crate) struct Sshd {
    dir: PathBuf,
    config: SshdConfig,
    listen: SocketAddr,
    key: KeyPair,
    authorized_keys: PathBuf,
    mark: String,
    child: Option<Child>,
    /// Daemons of connections that outlived a listener of ours.
    orphans: Vec<Proc>,
    /// Local ports of our own readiness probes; they are in the log, but nobody else made them.
    probes: Vec<u16>,
}

impl Sshd {
    /// Starts an `sshd` on `ip` (unspecified: every address) with its files in `dir`.
    pub(crate) async fn start(
        dir: PathBuf,
        ip: Ipv4Addr,
        authorized_keys: &Path,
        config: SshdConfig,
    ) -> Self {
        std::fs::create_dir(&dir).unwrap();
        let key = KeyPair::ed25519(&dir, "host_key");
        let mut sshd = Self {
            listen: (ip, 0).into(),
            mark: format!("{MARK}={}", procs::marker()),
            authorized_keys: authorized_keys.into(),
            child: None,
            orphans: Vec::new(),
            probes: Vec::new(),
            dir,
            config,
            key,
        };
        sshd.launch().await;
        sshd
    }

    /// Where it listens.
    pub(crate) fn address(&self) -> SocketAddr {
        self.listen
    }

    /// Its host key.
    pub(crate) fn key(&self) -> &KeyPair {
        &self.key
    }

    /// The listener's process id. Panics while it is down.
    pub(crate) fn pid(&self) -> i32 {
        self.child
            .as_ref()
            .expect("sshd is down")
            .id()
            .cast_signed()
    }

    /// Everything it logged so far, over all its starts.
    pub(crate) fn log(&self) -> String {
        std::fs::read_to_string(self.dir.join("log")).unwrap()
    }

    /// TCP connections it accepted so far, without our own probes.
    pub(crate) fn connections(&self) -> usize {
        let ours = |line: &&str| {
            let mut words = line
                .split_whitespace()
                .skip_while(|word| *word != "port")
                .skip(1);
            let port = words.next().and_then(|port| port.parse().ok());
            port.is_some_and(|port: u16| self.probes.contains(&port))
        };
        let log = self.log();
        log.lines()
            .filter(|line| line.starts_with("Connection from"))
            .filter(|l| !ours(l))
            .count()
    }

    /// Connections that passed authentication so far.
    pub(crate) fn logins(&self) -> usize {
        self.log()
            .lines()
            .filter(|line| line.starts_with("Accepted publickey"))
            .count()
    }

    /// Authentication attempts that failed so far.
    pub(crate) fn refused_logins(&self) -> usize {
        let failed = |line: &&str| line.starts_with("Failed ") || line.contains("[preauth]");
        self.log()
            .lines()
            .filter(failed)
            .filter(|line| line.contains("authenticating user"))
            .count()
    }

    /// TCP connections it holds at this moment.
    pub(crate) fn established(&self) -> usize {
        established_at(self.listen)
    }

    /// The live processes of its sessions, orphans included; `sshd`'s own processes are not among them.
    pub(crate) fn processes(&self) -> Vec<Proc> {
        let mut all = self.below();
        for proc in procs::survivors(&self.mark) {
            if !all.iter().any(|known| known.pid == proc.pid) {
                all.push(proc);
            }
        }
        all.retain(|proc| !is_daemon(proc));
        all
    }

    /// `sshd`'s own processes behind the listener: two per logged-in connection for an account that is
    /// not root, one otherwise.
    pub(crate) fn daemons(&self) -> Vec<Proc> {
        let mut all = self.below();
        all.retain(is_daemon);
        all
    }

    /// Stops the listener in its tracks: the kernel still accepts connections, nobody speaks.
    pub(crate) fn pause(&self) {
        self.signal(Signal::SIGSTOP);
    }

    /// Stops the processes of its connections in their tracks; the listener goes on.
    pub(crate) fn pause_sessions(&self) {
        self.daemons()
            .iter()
            .for_each(|proc| proc.signal(Signal::SIGSTOP));
    }

    /// Lets the listener and every session go on.
    pub(crate) fn resume(&self) {
        self.signal(Signal::SIGCONT);
        self.daemons()
            .iter()
            .for_each(|proc| proc.signal(Signal::SIGCONT));
    }

    /// Kills the processes of its connections, as a crash would; commands they ran are left alone.
    pub(crate) fn kill_sessions(&self) {
        self.daemons()
            .iter()
            .for_each(|proc| proc.signal(Signal::SIGKILL));
    }

    /// Ends the listener; the port refuses connections from now on, and live sessions go on.
    pub(crate) fn stop(&mut self) {
        self.orphans = self.daemons();
        if let Some(mut child) = self.child.take() {
            let _ = child.kill();
            let _ = child.wait();
        }
    }

    /// Ends the listener and everything behind it.
    pub(crate) fn kill(&mut self) {
        // First with the listener, which can still reap its children; then whoever came in between.
        self.kill_behind();
        self.stop();
        self.kill_behind();
    }

    /// Starts it again on the same address, with the same key, after `stop` or `kill`.
    pub(crate) async fn restart(&mut self) {
        self.stop();
        self.launch().await;
    }

    /// Starts it again with another configuration.
    pub(crate) async fn reconfigure(&mut self, config: SshdConfig) {
        self.config = config;
        self.restart().await;
    }

    /// Starts it again with a new host key: what a reinstalled machine, or an impostor, looks like.
    pub(crate) async fn change_key(&mut self) {
        let serial = std::fs::read_dir(&self.dir).unwrap().count();
        self.key = KeyPair::ed25519(&self.dir, &format!("host_key_{serial}"));
        self.restart().await;
    }

    fn below(&self) -> Vec<Proc> {
        let mut all: Vec<_> = self
            .orphans
            .iter()
            .filter(|proc| proc.lives())
            .cloned()
            .collect();
        let mut roots: Vec<_> = all.iter().map(|proc| proc.pid).collect();
        roots.extend(self.child.as_ref().map(|_| self.pid()));
        for proc in roots.into_iter().flat_map(procs::descendants) {
            if !all.iter().any(|known| known.pid == proc.pid) {
                all.push(proc);
            }
        }
        all
    }

    fn kill_behind(&self) {
        let deadline = Instant::now() + Duration::from_secs(5);
        loop {
            let left: Vec<_> = self.daemons().into_iter().chain(self.processes()).collect();
            left.iter().for_each(|proc| proc.signal(Signal::SIGKILL));
            if left.is_empty() || Instant::now() > deadline {
                break;
            }
        }
    }

    fn signal(&self, signal: Signal) {
        kill(Pid::from_raw(self.pid()), signal).unwrap();
    }

    /// Starts the process and waits for its banner. A port that somebody took in between is replaced,
    /// unless the address is known to others already.
    async fn launch(&mut self) {
        let start = Instant::now();
        let fresh = self.listen.port() == 0;
        loop {
            if fresh {
                self.listen.set_port(free_port(self.listen.ip()));
            }
            self.child = Some(self.spawn());
            while start.elapsed() < START {
                if self.child.as_mut().unwrap().try_wait().unwrap().is_some() {
                    break;
                }
                if self.speaks().await {
                    return;
                }
                tokio::time::sleep(Duration::from_millis(10)).await;
            }
            self.stop();
            let log = self.log();
            let taken = log.contains("Address already in use");
            assert!(
                taken && start.elapsed() < START,
                "sshd at {}: {log}",
                self.listen
            );
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
    }

    fn spawn(&self) -> Child {
        let paths = Paths {
            host_key: self.key.path.clone(),
            authorized_keys: self.authorized_keys.clone(),
            pid_file: self.dir.join("pid"),
        };
        let text = self
            .config
            .render(self.listen, &paths, &self.mark, knows_penalties());
        let file = self.dir.join("sshd_config");
        std::fs::write(&file, text).unwrap();
        if is_root() {
            // Where privilege separation locks its unprivileged half in; a service manager makes it
            // at boot.
            std::fs::create_dir_all("/run/sshd").unwrap();
        }
        self.command()
            .args(["-D", "-e", "-f"])
            .arg(file)
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(append(&self.dir.join("log")))
            .spawn()
            .expect("sshd of openssh-server")
    }

    /// The program, where directories are to be seen in place of others in a mount namespace of its own.
    fn command(&self) -> Command {
        const MOUNT: &str = "while [ \"$1\" != -- ]; do mount --bind \"$1\" \"$2\" || exit; shift 2; done; shift; exec \"$@\"";
        if self.config.mounts.is_empty() {
            return Command::new(program());
        }
        let mut command = Command::new("unshare");
        command.args(["--mount", "sh", "-c", MOUNT, "sh"]);
        for (there, here) in &self.config.mounts {
            command.arg(there).arg(here);
        }
        command.arg("--").arg(program());
        command
    }

    /// Whether a banner comes. The answer belongs to our own child only while that lives, which the
    /// caller checks: somebody else's `sshd` on the port would have ended it.
    async fn speaks(&mut self) -> bool {
        let ip = if self.listen.ip().is_unspecified() {
            Ipv4Addr::LOCALHOST.into()
        } else {
            self.listen.ip()
        };
        let Ok(mut stream) = TcpStream::connect((ip, self.listen.port())).await else {
            return false;
        };
        self.probes.push(stream.local_addr().unwrap().port());
        let mut banner = [0; 4];
        let read = tokio::time::timeout(START, stream.read_exact(&mut banner)).await;
        matches!(read, Ok(Ok(_))) && &banner == b"SSH-"
    }
}

impl Drop for Sshd {
    fn drop(&mut self) {
        self.kill();
        if std::thread::panicking() {
            let log = self.log();
            let tail: Vec<_> = log.lines().rev().take(20).collect();
            eprintln!(
                "sshd {}, newest line first:\n{}",
                self.listen,
                tail.join("\n")
            );
        }
    }
}

fn is_daemon(proc: &Proc) -> bool {
    proc.name.starts_with("sshd")
}

/// Where `sshd` is, if this machine has it. Re-executing itself, it insists on an absolute path.
pub(crate) fn find() -> Option<&'static Path> {
    let places = ["/usr/sbin/sshd", "/usr/local/sbin/sshd", "/usr/bin/sshd"];
    places.map(Path::new).into_iter().find(|path| path.exists())
}

fn program() -> &'static Path {
    find().expect("sshd of openssh-server")
}

fn append(path: &Path) -> File {
    OpenOptions::new()
        .create(true)
        .append(true)
        .open(path)
        .unwrap()
}

/// Whether the OpenSSH of this machine has `PerSourcePenalties` (release notes of 9.8).
fn knows_penalties() -> bool {
    use std::sync::OnceLock;
    static KNOWS: OnceLock<bool> = OnceLock::new();
    *KNOWS.get_or_init(|| {
        let output = Command::new("ssh")
            .arg("-V")
            .output()
            .expect("ssh of openssh-client");
        let text = String::from_utf8_lossy(&output.stderr);
        let version = text.strip_prefix("OpenSSH_").unwrap_or_default();
        let mut numbers = version
            .split(|c: char| !c.is_ascii_digit())
            .map(|n| n.parse().unwrap_or(0));
        (numbers.next().unwrap_or(0), numbers.next().unwrap_or(0)) >= (9u32, 8u32)
    })
}
