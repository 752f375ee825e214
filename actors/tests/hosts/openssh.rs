//! Two real OpenSSH servers, started for one test, each with keys of its own.
//!
//! They run in the foreground on free ports of the loopback interface and end with the rig. What
//! they need: `/usr/sbin/sshd`, `ssh-keygen`, and for a second account the right to make one.

use crate::rig::{HOSTS, Rig};
use fleet::inventory::Local;
use std::fs;
use std::net::{Ipv4Addr, TcpListener, TcpStream};
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::OnceLock;
use std::time::{Duration, Instant};

/// The ordinary account that is made where the tests run as the superuser.
const PLAIN: &str = "scout-t1";

/// Whose account the hosts let in.
#[derive(Clone, Copy)]
pub(crate) enum Account {
    /// The one that runs the tests.
    Own,
    /// One without privileges; the same, if the tests have none.
    Plain,
}

/// Ends the server when dropped. Its connections end with the fleet's.
struct Sshd(Child);

impl Drop for Sshd {
    fn drop(&mut self) {
        let _gone = self.0.kill();
        let _reaped = self.0.wait();
    }
}

/// A fleet on two servers.
pub(crate) async fn rig(account: Account) -> Rig {
    rig_with(account, "").await
}

/// A fleet on two servers with more lines in their configuration.
pub(crate) async fn rig_with(account: Account, lines: &str) -> Rig {
    let (user, home) = login(account);
    let dir = tempfile::tempdir().unwrap();
    fs::set_permissions(dir.path(), fs::Permissions::from_mode(0o755)).unwrap();
    let key = keygen(&dir.path().join("client"));
    let authorized = dir.path().join("authorized");
    fs::copy(key.with_extension("pub"), &authorized).unwrap();
    let mut config = String::new();
    let mut known = String::new();
    let servers = HOSTS.map(|host| {
        let (sshd, port, public) = start(dir.path(), host, &authorized, lines);
        known.push_str(&format!("[127.0.0.1]:{port} {public}"));
        config.push_str(&format!(
            "Host {host}\n HostName 127.0.0.1\n Port {port}\n User {user}\n \
             IdentityFile {}\n IdentitiesOnly yes\n IdentityAgent none\n \
             UserKnownHostsFile {}\n GlobalKnownHostsFile none\n",
            key.display(),
            dir.path().join("known_hosts").display(),
        ));
        sshd
    });
    let file = dir.path().join("config");
    fs::write(&file, config).unwrap();
    fs::write(dir.path().join("known_hosts"), known).unwrap();
    Rig::start(&file, home, (servers, dir)).await
}

fn start(dir: &Path, name: &str, authorized: &Path, lines: &str) -> (Sshd, u16, String) {
    let key = keygen(&dir.join(format!("host_{name}")));
    let public = fs::read_to_string(key.with_extension("pub")).unwrap();
    // A superuser's sshd wants its privilege separation directory (sshd(8), FILES).
    if nix::unistd::geteuid().is_root() {
        fs::create_dir_all("/run/sshd").unwrap();
    }
    // No subsystem may be there twice.
    let sftp = match lines.contains("Subsystem") {
        true => "",
        false => "Subsystem sftp internal-sftp\n",
    };
    for _ in 0..5 {
        let free = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
        let port = free.local_addr().unwrap().port();
        drop(free);
        let config = dir.join(format!("sshd_{name}"));
        let text = format!(
            "ListenAddress 127.0.0.1\nPort {port}\nHostKey {}\nPidFile none\nStrictModes no\n\
             UsePAM no\nPermitRootLogin prohibit-password\nPasswordAuthentication no\n\
             KbdInteractiveAuthentication no\nAuthorizedKeysFile {}\nMaxStartups 100\n\
             PrintMotd no\nUseDNS no\n{sftp}{lines}",
            key.display(),
            authorized.display()
        );
        fs::write(&config, text).unwrap();
        let log = fs::File::create(dir.join(format!("log_{name}"))).unwrap();
        let child = Command::new("/usr/sbin/sshd")
            .args(["-D", "-e", "-f"])
            .arg(&config)
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(log)
            .spawn()
            .expect("the tests need OpenSSH's server: install `openssh-server`");
        let mut sshd = Sshd(child);
        if listens(&mut sshd.0, port) {
            return (sshd, port, public);
        }
    }
    let log = fs::read_to_string(dir.join(format!("log_{name}")));
    panic!("sshd does not start: {log:?}");
}

/// Waits until the port is open; false if the server ended, as it does when the port was taken.
fn listens(sshd: &mut Child, port: u16) -> bool {
    let began = Instant::now();
    while sshd.try_wait().unwrap().is_none() {
        if TcpStream::connect((Ipv4Addr::LOCALHOST, port)).is_ok() {
            return true;
        }
        assert!(began.elapsed() < Duration::from_secs(5), "sshd is silent");
        #[expect(clippy::disallowed_methods, reason = "before the test begins")]
        std::thread::sleep(Duration::from_millis(5));
    }
    false
}

fn keygen(path: &Path) -> PathBuf {
    let status = Command::new("ssh-keygen")
        .args(["-q", "-t", "ed25519", "-N", "", "-C", "", "-f"])
        .arg(path)
        .status();
    assert!(status.unwrap().success());
    path.to_owned()
}

/// Login name and home directory.
fn login(account: Account) -> (String, PathBuf) {
    let own = Local::detect().unwrap();
    if matches!(account, Account::Own) || own.uid != 0 {
        return (own.user, own.home);
    }
    static MADE: OnceLock<()> = OnceLock::new();
    MADE.get_or_init(|| {
        if (own.home_of)(PLAIN).is_none() {
            let made = Command::new("useradd")
                .args(["-m", "-p", "*", PLAIN])
                .status();
            assert!(made.unwrap().success());
        }
    });
    let home = (own.home_of)(PLAIN).expect("the account was just made");
    (PLAIN.into(), home)
}
