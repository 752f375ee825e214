//! What becomes of files on their way when the host, the connection or the fleet fails them, and
//! how much of them is ever under way. It takes looking into a server's processes, so the host is
//! OpenSSH.

use crate::openssh::{Account, rig, rig_with};
use crate::rig::{HOSTS, Rig, shell};
use crate::transfers::remote;
use bytes::Bytes;
use fleet::{Bounds, Deadline, FileSession, FleetError, HostName, RemotePath};
use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
use std::fs;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

/// What is under way at most, in one direction for one file.
const WINDOW: u64 = 4 << 20;

async fn session(rig: &Rig, span: Duration) -> Result<FileSession, FleetError> {
    let deadline = Deadline::within(span);
    let host = HostName::parse(HOSTS[0]).unwrap();
    let lease = rig.fleet.lease(&host, deadline).await?;
    lease.files(deadline).await
}

async fn patient(rig: &Rig) -> FileSession {
    session(rig, Duration::from_secs(20)).await.unwrap()
}

/// A large file without content.
fn sparse(rig: &Rig) -> (PathBuf, RemotePath) {
    let path = rig.shelf.join("sparse");
    fs::File::create(&path).unwrap().set_len(256 << 20).unwrap();
    (path.clone(), remote(path))
}

/// The process that has a file open, which is the server of the session that opened it.
fn server_of(path: &Path) -> Pid {
    let path = path.canonicalize().unwrap();
    let processes = fs::read_dir("/proc").unwrap().flatten();
    let mut ids = processes.filter_map(|entry| entry.file_name().to_str()?.parse::<i32>().ok());
    let has_it = |id: &i32| {
        let open = fs::read_dir(format!("/proc/{id}/fd")).into_iter().flatten();
        let mut links = open
            .flatten()
            .filter_map(|fd| fs::read_link(fd.path()).ok());
        links.any(|link| link == path)
    };
    Pid::from_raw(ids.find(has_it).expect("a server has it open"))
}

/// The process that serves the whole connection: the parent of a session's server.
fn parent_of(process: Pid) -> Pid {
    let status = fs::read_to_string(format!("/proc/{process}/status")).unwrap();
    let line = status.lines().find_map(|line| line.strip_prefix("PPid:"));
    Pid::from_raw(line.unwrap().trim().parse().unwrap())
}

/// A process that stands still until this is dropped.
struct Stopped(Pid);

impl Stopped {
    fn now(process: Pid) -> Self {
        kill(process, Signal::SIGSTOP).unwrap();
        Self(process)
    }
}

impl Drop for Stopped {
    fn drop(&mut self) {
        let _gone = kill(self.0, Signal::SIGCONT);
    }
}

fn is_lost<T>(done: Result<T, FleetError>) -> bool {
    matches!(done, Err(FleetError::ConnectionLost { .. }))
}

#[tokio::test(flavor = "multi_thread")]
async fn a_lost_connection_ends_every_transfer_at_once() {
    let rig = rig(Account::Own).await;
    let (source, path) = sparse(&rig);
    let files = patient(&rig).await;
    let mut reader = files.open(&path).await.unwrap();
    let target = remote(rig.shelf.join("target"));
    let mut writer = files.create(&target, 0o600).await.unwrap();
    reader.next().await.unwrap();
    writer.write(Bytes::from_static(b"1")).await.unwrap();
    let server = server_of(&source);
    let still = Stopped::now(server);
    let cut = async {
        tokio::time::sleep(Duration::from_millis(100)).await;
        kill(parent_of(server), Signal::SIGKILL).unwrap();
        Instant::now()
    };
    let read = async {
        loop {
            match reader.next().await {
                Ok(chunk) => assert!(chunk.is_some()),
                Err(error) => return Err::<(), _>(error),
            }
        }
    };
    let write = async {
        loop {
            match writer.write(Bytes::from(vec![0; 1 << 20])).await {
                Ok(()) => {}
                Err(error) => return Err::<(), _>(error),
            }
        }
    };
    let (cut, read, write, stat) = tokio::join!(cut, read, write, files.stat(&path));
    drop(still);
    assert!(is_lost(read) && is_lost(write) && is_lost(stat));
    assert!(cut.elapsed() < Duration::from_secs(2));
    assert!(is_lost(writer.finish().await), "and it stays so");
    assert!(is_lost(files.stat(&path).await));
    let again = patient(&rig).await;
    assert!(again.stat(&path).await.is_ok(), "the next one is connected");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_server_that_stands_still_is_waited_for_until_the_deadline() {
    let rig = rig(Account::Own).await;
    let (source, path) = sparse(&rig);
    let span = Duration::from_secs(4);
    // Connected before, so that the time is that of the session alone.
    rig.run(shell("true")).await;
    let began = Instant::now();
    let files = session(&rig, span).await.unwrap();
    let reader = files.open(&path).await.unwrap();
    let _still = Stopped::now(server_of(&source));
    let passed = files.stat(&path).await;
    assert!(
        matches!(passed, Err(FleetError::DeadlinePassed { .. })),
        "{passed:?}"
    );
    assert!(began.elapsed() >= span && began.elapsed() < 2 * span);
    drop(reader);
    // It is over for the session and for nothing else.
    let passed = files.list(&remote(&rig.shelf)).await;
    assert!(matches!(passed, Err(FleetError::DeadlinePassed { .. })));
    assert_eq!(crate::rig::text(&rig.run(shell("echo on")).await).0, "on\n");
}

#[tokio::test(flavor = "multi_thread")]
async fn shutting_down_ends_every_transfer() {
    let rig = rig(Account::Own).await;
    let (source, path) = sparse(&rig);
    let files = patient(&rig).await;
    let _reader = files.open(&path).await.unwrap();
    let _still = Stopped::now(server_of(&source));
    let down = async {
        tokio::time::sleep(Duration::from_millis(100)).await;
        let began = Instant::now();
        let soon = Deadline::within(Duration::from_millis(200));
        rig.fleet.shutdown(soon).await;
        began
    };
    let (began, stat) = tokio::join!(down, files.stat(&path));
    assert!(matches!(stat, Err(FleetError::ShuttingDown)), "{stat:?}");
    assert!(began.elapsed() < Duration::from_secs(5));
}

#[tokio::test(flavor = "multi_thread")]
async fn no_more_of_a_file_is_under_way_than_the_window() {
    let rig = rig(Account::Own).await;
    let (source, path) = sparse(&rig);
    let files = patient(&rig).await;
    let mut reader = files.open(&path).await.unwrap();
    let first = reader.next().await.unwrap().unwrap();
    let server = server_of(&source);
    // Nobody takes any more, so what the server has read comes to a stand.
    let read = || {
        let counters = fs::read_to_string(format!("/proc/{server}/io")).unwrap();
        let line = counters
            .lines()
            .find_map(|line| line.strip_prefix("rchar: "));
        line.unwrap().parse::<u64>().unwrap()
    };
    tokio::time::sleep(Duration::from_millis(300)).await;
    let most = first.len() as u64 + WINDOW + (1 << 20);
    assert!(read() < most, "{} of {most}", read());
    // The server takes no more, so what is accepted comes to a stand.
    let target = remote(rig.shelf.join("target"));
    let mut writer = files.create(&target, 0o600).await.unwrap();
    let _still = Stopped::now(server);
    let mut accepted = 0;
    let piece = Bytes::from(vec![0; 100_000]);
    loop {
        let write = writer.write(piece.clone());
        match tokio::time::timeout(Duration::from_millis(500), write).await {
            Ok(written) => written.unwrap(),
            Err(_) => break,
        }
        accepted += piece.len() as u64;
    }
    assert!(accepted > WINDOW / 2 && accepted <= WINDOW, "{accepted}");
}

#[tokio::test(flavor = "multi_thread")]
async fn where_channels_are_few_sessions_and_commands_take_turns() {
    let rig = rig_with(Account::Own, "MaxSessions 2\n").await;
    let path = remote(&rig.shelf);
    let once = async || {
        let files = patient(&rig).await;
        assert!(files.stat(&path).await.is_ok());
    };
    let run = async || {
        let ran = rig.run_on(HOSTS[0], shell("echo on"), Bounds::default());
        assert_eq!(crate::rig::text(&ran.await.unwrap()).0, "on\n");
    };
    let sessions = futures_util::future::join_all((0..20).map(|_| once()));
    let commands = futures_util::future::join_all((0..5).map(|_| run()));
    tokio::join!(sessions, commands);
    for _ in 0..20 {
        once().await;
    }
    assert!(rig.read(rig.shelf.to_str().unwrap()).await.is_ok());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_host_without_sftp_says_so() {
    let rig = rig_with(Account::Own, "ForceCommand /bin/false\n").await;
    let refused = session(&rig, Duration::from_secs(5)).await.err().unwrap();
    assert_eq!(refused.code(), "no_sftp");
}

#[tokio::test(flavor = "multi_thread")]
async fn who_leaves_while_a_channel_opens_keeps_nothing() {
    // It is the login shell that runs it (sshd_config(5)).
    let server = "Subsystem sftp sleep 1; exec /usr/lib/openssh/sftp-server\n";
    let rig = rig_with(Account::Own, server).await;
    rig.run(shell("true")).await;
    // One for each of the commands a host runs at a time.
    let leaving = (0..8).map(|_| {
        let opening = session(&rig, Duration::from_secs(60));
        tokio::time::timeout(Duration::from_millis(300), opening)
    });
    for left in futures_util::future::join_all(leaving).await {
        let left = left.map(|opened| opened.map(drop));
        assert!(left.is_err(), "it takes a second to open: {left:?}");
    }
    let began = Instant::now();
    let ran = rig.run(shell("echo on")).await;
    assert_eq!(crate::rig::text(&ran).0, "on\n");
    assert!(began.elapsed() < Duration::from_secs(8));
}
