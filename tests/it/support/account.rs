//! The account that sessions log in to. Never root unless a test asks for it: `sshd` refuses signals
//! for root logins, so a test as root would prove less. An ordinary user tests as themselves.

use std::path::{Path, PathBuf};
use std::process::Command;

use nix::unistd::{Uid, User};

/// Serialises account creation between test processes; `useradd` refuses instead of waiting.
const LOCK: &str = "/tmp/scout-test-accounts.lock";

/// An account of this machine that a test host lets in.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Account {
    pub(crate) name: String,
    pub(crate) home: PathBuf,
}

impl Account {
    /// The usual account: `scout-t1` with `/bin/sh` for root, otherwise whoever runs the tests.
    pub(crate) fn usual() -> Self {
        if is_root() {
            Self::with_shell("scout-t1", "/bin/sh")
        } else {
            Self::current()
        }
    }

    /// Whoever runs the tests; root, if that is root.
    pub(crate) fn current() -> Self {
        let user = User::from_uid(Uid::current())
            .unwrap()
            .expect("the current user has an entry");
        Self {
            name: user.name,
            home: user.dir,
        }
    }

    /// The account `name` with this login shell, created when it is missing. Needs root.
    ///
    /// The password is `*`: nothing matches it, yet the account is not locked; `sshd` without PAM
    /// refuses a locked one whatever the key (sshd(8), LOGIN PROCESS).
    pub(crate) fn with_shell(name: &str, shell: &str) -> Self {
        assert!(
            is_root(),
            "creating `{name}` needs root; use Account::current()"
        );
        assert!(
            name.starts_with("scout-t"),
            "`{name}`: test accounts are named scout-t*"
        );
        let script = r#"
            getent passwd "$1" >/dev/null || useradd -m -p '*' -s "$2" "$1" || exit
            [ "$(getent passwd "$1" | cut -d: -f7)" = "$2" ] || usermod -s "$2" "$1""#;
        let made = Command::new("flock")
            .args([LOCK, "sh", "-c", script, "account", name, shell])
            .output()
            .expect("flock of util-linux");
        assert!(
            made.status.success(),
            "useradd {name}: {}",
            String::from_utf8_lossy(&made.stderr)
        );
        let user = User::from_name(name).unwrap().expect("just created");
        Self {
            name: user.name,
            home: user.dir,
        }
    }

    /// Whether sessions of this account run as root.
    pub(crate) fn is_root(&self) -> bool {
        self.name == "root"
    }
}

/// Whether the tests run as root.
pub(crate) fn is_root() -> bool {
    Uid::current().is_root()
}

/// Lets every account pass through `dir` without listing it: `sshd` reads the authorised keys as the
/// user who logs in.
pub(crate) fn let_through(dir: &Path) {
    use std::os::unix::fs::PermissionsExt as _;
    std::fs::set_permissions(dir, std::fs::Permissions::from_mode(0o711)).unwrap();
}
