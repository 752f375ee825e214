//! The text of an `sshd_config`. Pure: what is asked for in, lines out.

use std::net::SocketAddr;
use std::path::{Path, PathBuf};

/// What one `sshd` is told. The defaults are Debian's, except where a test machine cannot follow.
#[derive(Debug, Clone)]
pub(crate) struct SshdConfig {
    /// `MaxSessions`; OpenSSH's own default is 10.
    pub(crate) max_sessions: u32,
    /// `MaxStartups`; high, so that a fleet behind one `sshd` is not throttled unless a test asks.
    pub(crate) max_startups: String,
    /// Whether there is an SFTP subsystem.
    pub(crate) sftp: bool,
    /// `ForceCommand`, when set.
    pub(crate) force_command: Option<String>,
    /// `NAME=value` for every session. `SetEnv` counts once (sshd_config(5)), and is needed for more.
    pub(crate) env: Vec<String>,
    /// Directories that its sessions see in place of others, as on a machine of its own. Needs root.
    pub(crate) mounts: Vec<(PathBuf, PathBuf)>,
    /// Any further lines. The first value of a keyword wins (sshd_config(5)), and these come first.
    pub(crate) lines: Vec<String>,
}

impl Default for SshdConfig {
    fn default() -> Self {
        Self {
            max_sessions: 10,
            max_startups: "1000".into(),
            sftp: true,
            force_command: None,
            env: Vec::new(),
            mounts: Vec::new(),
            lines: Vec::new(),
        }
    }
}

/// The files an `sshd` is given.
#[derive(Debug, Clone)]
pub(crate) struct Paths {
    pub(crate) host_key: PathBuf,
    pub(crate) authorized_keys: PathBuf,
    pub(crate) pid_file: PathBuf,
}

impl SshdConfig {
    /// The whole file. `penalties` says whether this OpenSSH knows `PerSourcePenalties` (9.8 does);
    /// they would punish loopback for what other tests did.
    pub(crate) fn render(
        &self,
        listen: SocketAddr,
        paths: &Paths,
        mark: &str,
        penalties: bool,
    ) -> String {
        let mut lines = self.lines.clone();
        lines.extend([
            format!("ListenAddress {listen}"),
            format!("HostKey {}", paths.host_key.display()),
            format!("AuthorizedKeysFile {}", paths.authorized_keys.display()),
            format!("PidFile {}", paths.pid_file.display()),
            format!("MaxSessions {}", self.max_sessions),
            format!("MaxStartups {}", self.max_startups),
            format!("SetEnv {mark} {}", self.env.join(" ")),
            "StrictModes no".into(),
            "UsePAM no".into(),
            "PermitRootLogin prohibit-password".into(),
            "PasswordAuthentication no".into(),
            "KbdInteractiveAuthentication no".into(),
            "PrintMotd no".into(),
            "PrintLastLog no".into(),
            "UseDNS no".into(),
            "LogLevel VERBOSE".into(),
        ]);
        if penalties {
            lines.push("PerSourcePenalties no".into());
        }
        if self.sftp {
            lines.push(format!("Subsystem sftp {}", sftp_server()));
        }
        if let Some(command) = &self.force_command {
            lines.push(format!("ForceCommand {command}"));
        }
        lines.join("\n") + "\n"
    }
}

/// The external server as Debian configures it (it starts through the login shell, with all its
/// noise), or the one inside `sshd` where that is not installed.
fn sftp_server() -> &'static str {
    const DEBIAN: &str = "/usr/lib/openssh/sftp-server";
    if Path::new(DEBIAN).exists() {
        DEBIAN
    } else {
        "internal-sftp"
    }
}

#[test]
fn a_further_line_comes_before_the_line_it_overrides() {
    let config = SshdConfig {
        lines: vec!["MaxSessions 2".into()],
        ..SshdConfig::default()
    };
    let paths = Paths {
        host_key: "k".into(),
        authorized_keys: "a".into(),
        pid_file: "p".into(),
    };
    let text = config.render("127.0.0.1:22".parse().unwrap(), &paths, "A=b", false);
    assert!(
        text.find("MaxSessions 2") < text.find("MaxSessions 10"),
        "{text}"
    );
    assert!(!text.contains("PerSourcePenalties"), "{text}");
}
