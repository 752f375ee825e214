//! The log of a host: the real journalctl on a real journal, and the files of log daemons, rsyslogd among
//! them, in a `/var/log` of the host's own.

use std::io::Write as _;
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::Duration;

use super::{ERAS, fleet_with, refusal, text};
use crate::support::account::is_root;
use crate::support::client::Era;
use crate::support::eventually;
use crate::support::fleet::Fleet;
use crate::support::program::Program;
use crate::support::programs::{Programs, in_path, journal_remote, libraries, rsyslogd};
use crate::support::server::TestServer;
use crate::support::sshd::config::SshdConfig;

/// A host with this `/var/log` of its own and, if wanted, journalctl.
async fn with_log(journalctl: bool, fill: impl FnOnce(&Path)) -> Fleet {
    fleet_with(|fleet| {
        let log = fleet.dir().join("log");
        std::fs::create_dir(&log).unwrap();
        fill(&log);
        let mut programs = Programs::basic(fleet.dir());
        if journalctl {
            programs = programs.link("journalctl", &in_path("journalctl").unwrap());
        }
        SshdConfig {
            env: vec![programs.env()],
            mounts: vec![(log, "/var/log".into())],
            ..SshdConfig::default()
        }
    })
    .await
}

fn can(what: Option<PathBuf>) -> bool {
    let can = is_root() && what.is_some() && in_path("journalctl").is_some();
    if !can {
        eprintln!(
            "SKIPPED: a log of a host's own needs root, journalctl, and systemd-journal-remote, which tests/run unpacks"
        );
    }
    can
}

/// A journal with these messages, where journalctl looks for the one of this machine.
fn write_journal(log: &Path, messages: impl Iterator<Item = String>) -> PathBuf {
    let machine = std::fs::read_to_string("/etc/machine-id").unwrap();
    let dir = log.join("journal").join(machine.trim());
    std::fs::create_dir_all(&dir).unwrap();
    let file = dir.join("system.journal");
    let program = journal_remote().unwrap();
    let mut command = Command::new(&program);
    if let Some(libraries) = libraries(&program) {
        command.env("LD_LIBRARY_PATH", libraries);
    }
    let mut child = command
        .arg("-o")
        .arg(&file)
        .arg("-")
        .stdin(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()
        .unwrap();
    let mut input = child.stdin.take().unwrap();
    for (at, message) in messages.enumerate() {
        let time = 1_764_000_000_000_000 + at * 1_000_000;
        // The journal export format: a field a line, an empty line behind each entry.
        write!(
            input,
            "__REALTIME_TIMESTAMP={time}\n__MONOTONIC_TIMESTAMP={at}\n_BOOT_ID=11111111111111111111111111111111\n\
             MESSAGE={message}\nSYSLOG_IDENTIFIER=app\n_PID=5\n_HOSTNAME=host\n\n"
        )
        .unwrap();
    }
    drop(input);
    assert!(child.wait().unwrap().success());
    for place in [log.join("journal"), dir] {
        std::fs::set_permissions(place, std::fs::Permissions::from_mode(0o755)).unwrap();
    }
    std::fs::set_permissions(&file, std::fs::Permissions::from_mode(0o644)).unwrap();
    file
}

#[tokio::test]
async fn the_journal_is_shown_where_there_is_one() {
    if !can(journal_remote()) {
        return;
    }
    let messages = || (0..120).map(|at| format!("entry {at} grüße"));
    let fleet = with_log(true, |log| {
        write_journal(log, messages());
        std::fs::write(log.join("syslog"), "not this\n").unwrap();
    })
    .await;
    let server = TestServer::start(&fleet).await;
    for era in ERAS {
        let client = server.client(era);
        for (uri, host) in [
            ("web-01://syslog", "web-01"),
            ("syslog://web_1", "web_1"),
            ("syslog://web_1/", "web_1"),
        ] {
            let shown = text(&client, uri).await;
            let lines: Vec<_> = shown.lines().collect();
            assert_eq!(
                lines[0],
                format!("# Syslog: {host} (journalctl)"),
                "{shown}"
            );
            assert!(
                lines[1].ends_with(" host app[5]: entry 20 grüße"),
                "{shown}"
            );
            assert!(
                lines[100].ends_with(" host app[5]: entry 119 grüße"),
                "{shown}"
            );
            assert!(!shown.contains("not this"), "{shown}");
        }
    }
}

#[tokio::test]
async fn without_a_journal_it_is_the_file_of_the_log_daemon() {
    if !can(Some(PathBuf::new())) {
        return;
    }
    let lines = || (0..120).map(|at| format!("Nov 25 10:00:00 host app[5]: line {at}\n"));
    for (name, journalctl) in [("syslog", true), ("syslog", false), ("messages", true)] {
        let fleet = with_log(journalctl, |log| {
            let text: String = lines().chain(["\u{1b}[2J\n".to_owned()]).collect();
            std::fs::write(log.join(name), text).unwrap();
        })
        .await;
        let server = TestServer::start(&fleet).await;
        let shown = text(&server.client(Era::Modern), "web-01://syslog").await;
        let last: String = lines().skip(21).collect();
        let expected = format!("# Syslog: web-01 (/var/log/{name})\n{last}\\u{{1b}}[2J\n");
        assert_eq!(shown, expected, "{name} {journalctl}");
    }
}

#[tokio::test]
async fn what_a_log_daemon_writes_is_shown() {
    if !can(Some(PathBuf::new())) {
        return;
    }
    let Some((program, modules)) = rsyslogd() else {
        return eprintln!("SKIPPED: rsyslogd is not there; tests/run unpacks it");
    };
    let mut daemon = None;
    let fleet = with_log(true, |log| {
        let (socket, config) = (log.join("socket"), log.join("rsyslog.conf"));
        let text = format!(
            "module(load=\"imuxsock\" SysSock.Use=\"off\")\ninput(type=\"imuxsock\" Socket=\"{}\")\n\
             *.* action(type=\"omfile\" file=\"{}\" template=\"RSYSLOG_FileFormat\" fileCreateMode=\"0644\")\n",
            socket.display(),
            log.join("syslog").display(),
        );
        std::fs::write(&config, text).unwrap();
        let mut command = Command::new(&program);
        command.arg("-n").arg("-f").arg(&config).arg("-M").arg(modules);
        command.arg("-i").arg(log.join("pid"));
        command.env("LD_LIBRARY_PATH", libraries(&program).unwrap());
        daemon = Some((Program::start(command), log.to_owned()));
    })
    .await;
    let (_daemon, log) = daemon.unwrap();
    let within = Duration::from_secs(10);
    eventually("rsyslogd listens", within, || log.join("socket").exists()).await;
    let lines: String = (0..120).map(|at| format!("line {at} grüße\n")).collect();
    std::fs::write(log.join("lines"), lines).unwrap();
    let mut logger = Command::new("logger");
    logger
        .arg("-u")
        .arg(log.join("socket"))
        .args(["-t", "app", "-f"]);
    assert!(logger.arg(log.join("lines")).status().unwrap().success());
    let written = || std::fs::read_to_string(log.join("syslog")).unwrap_or_default();
    eventually("120 lines are written", within, || {
        written().lines().count() >= 120
    })
    .await;
    let server = TestServer::start(&fleet).await;
    let shown = text(&server.client(Era::Modern), "web-01://syslog").await;
    let last: Vec<_> = written().lines().skip(20).map(str::to_owned).collect();
    assert_eq!(
        shown,
        format!("# Syslog: web-01 (/var/log/syslog)\n{}\n", last.join("\n"))
    );
    assert!(shown.ends_with(" app: line 119 grüße\n"), "{shown}");
}

#[tokio::test]
async fn a_host_without_a_log_says_where_it_was_looked_for() {
    if !can(Some(PathBuf::new())) {
        return;
    }
    let fleet = with_log(true, |log| {
        let locked = log.join("syslog");
        std::fs::write(&locked, "secret").unwrap();
        std::fs::set_permissions(locked, std::fs::Permissions::from_mode(0o600)).unwrap();
    })
    .await;
    let server = TestServer::start(&fleet).await;
    let (code, message) = refusal(&server.client(Era::Modern), "web-01://syslog").await;
    assert_eq!(code, "not_available");
    for part in [
        "the log of `web-01` is not available: the journal has no entries (No journal files were found.); ",
        "; `/var/log/syslog` on `web-01` ",
        "; `/var/log/messages` on `web-01` does not exist; ",
    ] {
        assert!(message.contains(part), "{message}");
    }
    assert!(!message.contains("secret"), "{message}");

    if can(journal_remote()) {
        // As systemd keeps a journal: for its own group only.
        let fleet = with_log(true, |log| {
            let file = write_journal(log, ["secret".to_owned()].into_iter());
            std::fs::set_permissions(file, std::fs::Permissions::from_mode(0o640)).unwrap();
        })
        .await;
        let server = TestServer::start(&fleet).await;
        let (code, message) = refusal(&server.client(Era::Modern), "web-01://syslog").await;
        assert_eq!(code, "not_available");
        let said = "is not available: `journalctl` on `web-01` failed with exit code 1: ";
        assert!(message.contains(said), "{message}");
    }

    let fleet = with_log(false, |_| {}).await;
    let server = TestServer::start(&fleet).await;
    let (_, message) = refusal(&server.client(Era::Modern), "web-01://syslog").await;
    assert!(
        message.contains(": `journalctl` is not installed on `web-01`, or not"),
        "{message}"
    );
}
