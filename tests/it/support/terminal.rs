//! A terminal of its own for the program under test: a window of tmux, whose screen can be looked at
//! while the program runs and when it has ended.

use std::path::PathBuf;
use std::process::{Command, Output};
use std::time::{Duration, Instant};

use tempfile::TempDir;

use super::fleet::Fleet;
use super::server::binary;

/// Between two looks at the screen.
const STEP: Duration = Duration::from_millis(50);

/// Runs a program, keeps its exit code in a file, and the window open behind it. An interrupt is for the
/// program alone.
const SCRIPT: &str = r#"trap : INT; code=$1; shift; "$@"; echo $? >"$code"; exec sleep 600"#;

/// A window with one program in it. Dropping it ends both.
#[derive(Debug)]
pub(crate) struct Terminal {
    dir: TempDir,
}

impl Terminal {
    /// Starts the program under test on this fleet, in a window of 100 columns and 50 lines.
    pub(crate) fn run(fleet: &Fleet, env: &[(&str, &str)], args: &[&str]) -> Self {
        let dir = tempfile::tempdir().unwrap();
        let settings = dir.path().join("tmux.conf");
        std::fs::write(&settings, "set -g status off\n").unwrap();
        let terminal = Self { dir };
        let mut tmux = terminal.tmux();
        tmux.arg("-f").arg(settings);
        tmux.args(["new-session", "-d", "-x", "100", "-y", "50"]);
        tmux.args(["env", "-i", "TERM=screen", "PATH=/usr/bin:/bin"]);
        tmux.arg(format!("HOME={}", fleet.home().display()));
        tmux.args(env.iter().map(|(name, value)| format!("{name}={value}")));
        tmux.args(["sh", "-c", SCRIPT, "terminal"])
            .arg(terminal.code());
        tmux.arg(binary()).args(args);
        expect(tmux.output().expect("tmux"));
        terminal
    }

    /// The screen as text.
    pub(crate) fn screen(&self) -> String {
        self.captured(&["capture-pane", "-p"])
    }

    /// The screen with the sequences that set text off.
    pub(crate) fn painted(&self) -> String {
        self.captured(&["capture-pane", "-p", "-e"])
    }

    /// Presses keys, by their names in tmux(1).
    pub(crate) fn press(&self, keys: &str) {
        self.captured(&["send-keys", keys]);
    }

    /// The exit code of the program, once it has ended.
    pub(crate) fn exit_code(&self) -> Option<i32> {
        let code = std::fs::read_to_string(self.code()).ok()?;
        code.strip_suffix('\n')?.parse().ok()
    }

    /// Looks at the screen until it shows what is waited for; panics with the last look.
    pub(crate) async fn shows(&self, within: Duration, what: impl Fn(&str) -> bool) -> String {
        let start = Instant::now();
        loop {
            let screen = self.screen();
            if what(&screen) {
                return screen;
            }
            assert!(start.elapsed() < within, "not within {within:?}:\n{screen}");
            tokio::time::sleep(STEP).await;
        }
    }

    /// Waits for the end of the program; its exit code and the last screen.
    pub(crate) async fn ends(&self, within: Duration) -> (i32, String) {
        let start = Instant::now();
        loop {
            if let Some(code) = self.exit_code() {
                return (code, self.screen());
            }
            assert!(start.elapsed() < within, "still runs:\n{}", self.screen());
            tokio::time::sleep(STEP).await;
        }
    }

    fn captured(&self, args: &[&str]) -> String {
        expect(self.tmux().args(args).output().expect("tmux"))
    }

    fn code(&self) -> PathBuf {
        self.dir.path().join("code")
    }

    fn tmux(&self) -> Command {
        let mut tmux = Command::new("tmux");
        tmux.arg("-S").arg(self.dir.path().join("socket"));
        tmux.env_remove("TMUX");
        tmux
    }
}

impl Drop for Terminal {
    fn drop(&mut self) {
        let _ = self.tmux().arg("kill-server").output();
    }
}

fn expect(output: Output) -> String {
    let stderr = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "tmux: {stderr}");
    String::from_utf8_lossy(&output.stdout).into_owned()
}
