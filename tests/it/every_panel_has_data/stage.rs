//! Where everything happens: a fleet of real hosts and of hosts that fail, each in its own way, and a
//! Scout whose limits are so small that they are reached.

use std::fs::Permissions;
use std::os::unix::fs::PermissionsExt as _;
use std::path::PathBuf;
use std::time::Duration;

use super::traffic::KEYS;
use crate::support::client::{Client, Era};
use crate::support::fleet::{Entry, Fleet};
use crate::support::hostile::{Auth, HostileHost, Raw, RawHost, Script};
use crate::support::keys::known_hosts_line;
use crate::support::server::{TestServer, run_cli};
use crate::support::sockets::free_port;

/// Aliases of each host that refuses: one that refused is left alone for long, and then it is the
/// turn of the next.
pub(super) const ALIASES: usize = 40;
/// Longer than this no attempt to connect lasts.
const CONNECT: &str = "3s";

/// What the test stands on.
pub(super) struct Stage {
    pub(super) server: TestServer,
    pub(super) fleet: Fleet,
    /// A directory that every account may write to.
    pub(super) open: PathBuf,
    observer: String,
    _refusing: HostileHost,
    _mute: RawHost,
}

impl Stage {
    /// Starts all of it.
    pub(super) async fn set() -> Self {
        let mut fleet = Fleet::start(6).await;
        let script = Script {
            auth: Auth::Refuse,
            ..Script::default()
        };
        let refusing = HostileHost::start(script).await;
        let mute = RawHost::start(Raw::HangUp).await;
        fleet.extend(failing(&fleet, &refusing));
        fleet.add(mute.entry("mute"));
        let (config, observer) = observer(&fleet).await;
        let open = fleet.dir().join("open");
        std::fs::create_dir(&open).unwrap();
        std::fs::set_permissions(&open, Permissions::from_mode(0o777)).unwrap();
        let server = TestServer::builder(&fleet)
            .arg("--config")
            .arg(config)
            .env("SCOUT_ROLE", "operator")
            .env("SCOUT_API_KEYS", KEYS.map(key).join(","))
            // A failure prints what the server said; that is not to bury what failed.
            .env("SCOUT_LOG_LEVEL", "error")
            .env("SCOUT_METRICS_PER_HOST", "all")
            .env("SCOUT_RATE_LIMIT_PER_MINUTE", 600)
            .env("SCOUT_RATE_LIMIT_BURST", 20)
            .env("SCOUT_MAX_POOL_SIZE", 4)
            .env("SCOUT_IDLE_TIMEOUT", "1s")
            .env("SCOUT_WARM", "web-01")
            .env("SCOUT_CONNECTION_TIMEOUT", CONNECT)
            .env("SCOUT_HOST_RUNNING", 2)
            .env("SCOUT_HOST_QUEUE", 2)
            .env("SCOUT_MAX_CONCURRENT_REQUESTS", 100)
            .env("SCOUT_MAX_CONNECTIONS", 48)
            .env("SCOUT_MAX_BODY_SIZE", "64KiB")
            .start()
            .await;
        Self {
            server,
            fleet,
            open,
            observer,
            _refusing: refusing,
            _mute: mute,
        }
    }

    /// A client with the operator's key of this name. Each has a bucket of its own at the rate limit.
    pub(super) fn operator(&self, name: &str) -> Client {
        self.server.client(Era::Modern).with_key(&key(name))
    }

    /// A client with an observer's key.
    pub(super) fn observer(&self) -> Client {
        self.server.client(Era::Modern).with_key(&self.observer)
    }
}

/// The operator's key of this name.
pub(super) fn key(name: &str) -> String {
    format!("{name}-key-of-this-test-0123456789abcdef")
}

/// Hosts that never get as far as a session: off, unknown to DNS, with another key than the known one,
/// with a revoked key, with a key that is not known, and one that takes nobody's.
fn failing(fleet: &Fleet, refusing: &HostileHost) -> Vec<Entry> {
    let off = ([127, 0, 0, 1], free_port([127, 0, 0, 1])).into();
    let real = fleet.sshd(0).address();
    let other = &fleet.sshd(1).key().public;
    let mut entries = vec![Entry::new("off", off, other)];
    let mut nameless = Entry::new("nameless", off, other);
    // The first value counts (ssh_config(5)).
    nameless.lines = vec!["HostName no-such-host.invalid".into()];
    entries.push(nameless);
    let at = known_hosts_line(real, other);
    let lists = [
        ("changed", at),
        (
            "revoked",
            format!("@revoked * {}\n", fleet.sshd(0).key().public),
        ),
        ("unknown", String::new()),
    ];
    for (name, known) in lists {
        let file = fleet.ssh_file(name);
        std::fs::write(&file, known).unwrap();
        entries.extend((0..ALIASES).map(|index| {
            let mut entry = Entry::new(&format!("{name}-{index}"), real, "");
            entry.lines = vec![format!("UserKnownHostsFile {}", file.display())];
            entry
        }));
    }
    entries.extend((0..ALIASES).map(|index| refusing.entry(&format!("refusing-{index}"))));
    entries
}

/// A configuration with an observer's key, as `scout key new` writes it; its path, and the key.
async fn observer(fleet: &Fleet) -> (String, String) {
    let made = run_cli(fleet, &["key", "new", "watcher"], Duration::from_secs(60)).await;
    let (_, toml) = made.stderr.split_once("scout.toml:").expect("instructions");
    let file = fleet.dir().join("scout.toml");
    std::fs::write(&file, toml).unwrap();
    (file.display().to_string(), made.stdout.trim().to_owned())
}
