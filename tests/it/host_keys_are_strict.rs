//! Scout talks to a host only when its key is the one on file, as `ssh -o StrictHostKeyChecking=yes`
//! does, and a refusal comes before a single byte of authentication. The two ways to be laxer are said
//! aloud, and one of them still refuses a changed key.

use std::path::Path;
use std::process::Command;

use serde_json::json;

use crate::support::client::{Era, ToolResult};
use crate::support::fleet::{Entry, Fleet};
use crate::support::hostile::{HostileHost, Script};
use crate::support::keys::KeyPair;
use crate::support::server::TestServer;
use crate::support::sshd::config::SshdConfig;

/// A host with an Ed25519 and an RSA key, `both`, and the same without the first, `rsa`. Every case is an
/// alias with a known_hosts file of its own.
struct Stage {
    fleet: Fleet,
    rsa: KeyPair,
    other: KeyPair,
    _keys: tempfile::TempDir,
}

/// Alias, the host behind it, its known_hosts file, and the code of the refusal (none: it is let in).
/// `{at}` is the address as known_hosts has it, `{ip}` without the port, `{ed}` and `{rsa}` are the host's
/// keys, `{other}` is nobody's.
type Case = (&'static str, usize, &'static str, Option<&'static str>);

const UNKNOWN: Option<&str> = Some("host_key_unknown");
const CHANGED: Option<&str> = Some("host_key_changed");
const REVOKED: Option<&str> = Some("host_key_revoked");

const CASES: [Case; 17] = [
    ("known", 0, "{at} {ed}", None),
    ("known-of-two", 0, "{at} {other}\n{at} {ed}", None),
    ("known-by-pattern", 0, "[127.*]:* {ed}", None),
    ("known-without-port", 0, "{ip} {ed}", None),
    ("known-by-hash", 0, "HASH {at} {ed}", None),
    ("empty", 0, "", UNKNOWN),
    ("elsewhere", 0, "[{ip}]:1 {ed}", UNKNOWN),
    ("commented-out", 0, "# {at} {ed}", UNKNOWN),
    ("hash-of-another", 0, "HASH [127.0.0.9]:9 {ed}", UNKNOWN),
    ("changed", 0, "{at} {other}", CHANGED),
    ("changed-by-hash", 0, "HASH {at} {other}", CHANGED),
    ("negated", 0, "*,!{at},!{ip} {ed}", UNKNOWN),
    ("revoked", 0, "@revoked * {ed}\n{at} {ed}", REVOKED),
    (
        "revoked-behind",
        0,
        "{at} {ed}\n@revoked {at} {ed}",
        REVOKED,
    ),
    // The key on file is asked for first, so a host with several shows the one that can be verified.
    ("rsa-on-file", 0, "{at} {rsa}", None),
    // A host that suddenly has no key of the kind on file is not a new host.
    ("ed-on-file", 1, "{at} {ed}", CHANGED),
    ("rsa-shown", 1, "{at} {rsa}", None),
];

impl Stage {
    async fn set() -> Self {
        let keys = tempfile::Builder::new()
            .prefix("scout-it-")
            .tempdir()
            .unwrap();
        let rsa = KeyPair::generate(keys.path(), "rsa", &["-t", "rsa", "-b", "2048"]);
        let other = KeyPair::ed25519(keys.path(), "other");
        let key_line = format!("HostKey {}", rsa.path.display());
        let both = SshdConfig {
            lines: vec![key_line.clone()],
            ..SshdConfig::default()
        };
        let only_rsa = SshdConfig {
            lines: vec![
                key_line,
                "HostKeyAlgorithms rsa-sha2-512,rsa-sha2-256".into(),
            ],
            ..SshdConfig::default()
        };
        let builder = Fleet::builder()
            .hosts_with(1, &both)
            .hosts_with(1, &only_rsa);
        let mut stage = Self {
            fleet: builder.start().await,
            rsa,
            other,
            _keys: keys,
        };
        for (alias, host, text, _) in CASES {
            stage.add(alias, host, text);
        }
        stage
    }

    fn add(&mut self, alias: &str, host: usize, text: &str) {
        let address = self.fleet.sshd(host).address();
        let file = self.fleet.dir().join(format!("known-{alias}"));
        let (hashed, text) = match text.strip_prefix("HASH ") {
            Some(text) => (true, text),
            None => (false, text),
        };
        let at = format!("[{}]:{}", address.ip(), address.port());
        let text = text
            .replace("{at}", &at)
            .replace("{ip}", &address.ip().to_string())
            .replace("{ed}", &self.fleet.sshd(host).key().public)
            .replace("{rsa}", &self.rsa.public)
            .replace("{other}", &self.other.public);
        std::fs::write(&file, text + "\n").unwrap();
        if hashed {
            hash(&file);
        }
        let mut entry = Entry::new(alias, address, "");
        entry.lines = vec![format!("UserKnownHostsFile {}", file.display())];
        self.fleet.add(entry);
    }

    fn refused_logins(&self) -> usize {
        let sshds = self.fleet.sshds().iter();
        sshds.map(|sshd| sshd.refused_logins()).sum()
    }
}

fn hash(file: &Path) {
    let hashed = Command::new("ssh-keygen")
        .args(["-H", "-f"])
        .arg(file)
        .output()
        .unwrap();
    assert!(hashed.status.success());
    let text = std::fs::read_to_string(file).unwrap();
    assert!(text.starts_with("|1|"), "{text}");
}

async fn read(server: &TestServer, host: &str) -> ToolResult {
    let client = server.client(Era::Modern);
    let arguments = json!({"host": host, "path": "/etc/hostname"});
    client.call_tool("read", arguments).await
}

fn check(alias: &str, expected: Option<&str>, result: &ToolResult) {
    let answer = &result.structured;
    let Some(code) = expected else {
        assert!(!result.is_error, "{alias}: {}", result.text);
        return;
    };
    assert!(result.is_error, "{alias}: {}", result.text);
    assert_eq!(answer["outcome"], "unreachable", "{alias}: {answer}");
    assert_eq!(answer["phase"], "host_key", "{alias}: {answer}");
    assert_eq!(answer["code"], code, "{alias}: {answer}");
    assert!(result.text.contains("SHA256:"), "{alias}: {}", result.text);
    assert!(answer["hint"].is_string(), "{alias}: {answer}");
}

#[tokio::test]
async fn a_key_that_is_not_on_file_is_refused_before_authentication() {
    let stage = Stage::set().await;
    let server = TestServer::start(&stage.fleet).await;
    let mut accepted = 0;
    for (alias, _, _, expected) in CASES {
        check(alias, expected, &read(&server, alias).await);
        accepted += usize::from(expected.is_none());
        let after = (stage.fleet.logins(), stage.refused_logins());
        assert_eq!(after, (accepted, 0), "{alias}: logins, refused logins");
    }
    // The differential truth for the cases of this file: OpenSSH's own client on the same aliases.
    for (alias, _, _, expected) in CASES {
        let mut ssh = stage.fleet.ssh(alias, "true");
        let decided = ssh
            .arg("-oStrictHostKeyChecking=yes")
            .output()
            .await
            .unwrap();
        assert_eq!(decided.status.success(), expected.is_none(), "ssh {alias}");
    }
}

#[tokio::test]
async fn an_impostor_sees_no_authentication_at_all() {
    let impostor = HostileHost::start(Script::default()).await;
    let mut fleet = Fleet::start(1).await;
    let wrong = fleet.sshd(0).key().public.clone();
    fleet.add(Entry::new("impostor", impostor.address(), &wrong));
    fleet.add(Entry::new("stranger", impostor.address(), ""));
    let mut unreadable = Entry::new("unreadable", impostor.address(), "");
    unreadable.lines = vec![format!("UserKnownHostsFile {}", fleet.dir().display())];
    fleet.add(unreadable);
    let server = TestServer::start(&fleet).await;
    check("impostor", CHANGED, &read(&server, "impostor").await);
    // The file is shared, so the address has a key on file here too.
    check("stranger", CHANGED, &read(&server, "stranger").await);
    let result = read(&server, "unreadable").await;
    assert_eq!(
        (
            &result.structured["outcome"],
            &result.structured["phase"],
            result.is_error
        ),
        (&json!("unreachable"), &json!("host_key"), true),
        "{}",
        result.text
    );
    let seen = impostor.seen();
    assert_eq!((seen.auths(), seen.execs()), (0, 0));
    assert!(seen.connections() >= 2);
}

#[tokio::test]
async fn laxer_settings_are_said_aloud_and_a_changed_key_stays_refused() {
    let stage = Stage::set().await;
    let builder = TestServer::builder(&stage.fleet);
    let server = builder
        .env("SCOUT_STRICT_HOST_KEY_CHECKING", "false")
        .start()
        .await;
    check("empty", None, &read(&server, "empty").await);
    check("changed", CHANGED, &read(&server, "changed").await);
    check("ed-on-file", CHANGED, &read(&server, "ed-on-file").await);
    check("revoked", REVOKED, &read(&server, "revoked").await);
    assert_eq!(stage.refused_logins(), 0);
    let log = server.program().stderr();
    assert!(log.contains("unknown host keys are accepted"), "{log}");
    drop(server);

    let builder = TestServer::builder(&stage.fleet).env("SCOUT_KNOWN_HOSTS", "none");
    let server = builder.start().await;
    for alias in ["empty", "changed", "revoked"] {
        check(alias, None, &read(&server, alias).await);
    }
    let log = server.program().stderr();
    let loud = log
        .lines()
        .any(|line| line.contains("WARN") && line.contains("HOST KEYS ARE NOT CHECKED"));
    assert!(loud, "{log}");
    drop(server);

    // A file named for Scout replaces those of the ssh configuration.
    let file = stage.fleet.dir().join("known-empty");
    let builder = TestServer::builder(&stage.fleet).env("SCOUT_KNOWN_HOSTS", file.display());
    let server = builder.start().await;
    check("known", UNKNOWN, &read(&server, "known").await);
}
