//! The real hosts are real: OpenSSH's own client logs in, and what the harness counts is what happened.

use std::time::Duration;

use crate::support::account::Account;
use crate::support::blackhole::Blackhole;
use crate::support::eventually;
use crate::support::fleet::{Entry, Fleet};
use crate::support::procs::{marker, wait_gone, wait_present};
use crate::support::sockets::Block;
use crate::support::sshd::config::SshdConfig;

const SOON: Duration = Duration::from_secs(10);

async fn ssh(fleet: &Fleet, name: &str, command: &str) -> (Option<i32>, String) {
    let output = fleet.ssh(name, command).output().await.unwrap();
    let text = [output.stdout, output.stderr].concat();
    (
        output.status.code(),
        String::from_utf8_lossy(&text).trim().to_owned(),
    )
}

#[tokio::test]
async fn each_host_counts_its_own_connections() {
    let fleet = Fleet::start(2).await;
    assert_eq!(fleet.names(), ["web-01", "web-02"]);
    let account = fleet.account().name.clone();
    assert_eq!(
        ssh(&fleet, "web-01", "id -un").await,
        (Some(0), account.clone())
    );
    assert_eq!(ssh(&fleet, "web-01", "exit 7").await.0, Some(7));
    assert_eq!(ssh(&fleet, "web-02", "id -un").await, (Some(0), account));
    let counted = |index: usize| (fleet.sshd(index).connections(), fleet.sshd(index).logins());
    assert_eq!((counted(0), counted(1)), ((2, 2), (1, 1)));
}

#[tokio::test]
async fn a_live_connection_and_its_processes_are_seen_while_they_last() {
    let fleet = Fleet::start(2).await;
    let mark = marker();
    let mut session = fleet.ssh("web-01", &format!("exec sh -c ': {mark}; sleep 600; :'"));
    let session = session.spawn().unwrap();
    // The client's own arguments carry the marker too; the host's processes are told apart.
    eventually("the remote shell and its sleep", SOON, || {
        fleet.sshd(0).processes().len() == 2
    })
    .await;
    assert_eq!(
        (fleet.sshd(0).established(), fleet.sshd(1).established()),
        (1, 0)
    );
    assert!(!fleet.sshd(0).daemons().is_empty());
    assert_eq!(fleet.sshd(1).processes(), []);

    drop(session);
    eventually("the connection ends", SOON, || fleet.established() == 0).await;
    // OpenSSH leaves a command without a terminal alone when its connection goes away.
    assert_eq!(fleet.sshd(0).processes().len(), 2);
    drop(fleet);
    wait_gone(&mark, SOON).await;
}

#[tokio::test]
async fn whatever_a_session_left_behind_ends_with_the_fleet() {
    let mut fleet = Fleet::start(1).await;
    let mark = marker();
    let left = format!("MARK={mark} setsid sleep 600 >/dev/null 2>&1 </dev/null &");
    assert_eq!(ssh(&fleet, "web-01", &left).await.0, Some(0));
    wait_present(&mark, SOON).await;
    assert_eq!(fleet.sshd(0).processes().len(), 1);
    // Not even a listener that was stopped before loses sight of it.
    fleet.sshd_mut(0).stop();
    assert_eq!(fleet.sshd(0).processes().len(), 1);
    drop(fleet);
    wait_gone(&mark, Duration::ZERO).await;
}

#[tokio::test]
async fn a_stopped_listener_leaves_its_sessions_and_comes_back_at_the_same_address() {
    let mut fleet = Fleet::start(1).await;
    let address = fleet.sshd(0).address();
    let mut session = fleet.ssh("web-01", "echo ready; sleep 2; echo done");
    let session = session
        .stdout(std::process::Stdio::piped())
        .spawn()
        .unwrap();
    eventually("a login", SOON, || fleet.logins() == 1).await;
    eventually("a command", SOON, || !fleet.sshd(0).processes().is_empty()).await;

    fleet.sshd_mut(0).stop();
    let (code, text) = ssh(&fleet, "web-01", "true").await;
    assert_eq!(code, Some(255));
    assert!(text.contains("Connection refused"), "{text}");
    assert_eq!(
        session.wait_with_output().await.unwrap().stdout,
        b"ready\ndone\n"
    );

    fleet.sshd_mut(0).restart().await;
    assert_eq!(fleet.sshd(0).address(), address);
    assert_eq!(ssh(&fleet, "web-01", "true").await.0, Some(0));
    assert_eq!(fleet.logins(), 2);
}

#[tokio::test]
async fn a_paused_host_accepts_and_does_not_speak() {
    let fleet = Fleet::start(1).await;
    fleet.sshd(0).pause();
    let (code, text) = ssh(&fleet, "web-01", "true").await;
    assert_eq!(code, Some(255));
    assert!(text.contains("timed out during banner exchange"), "{text}");
    fleet.sshd(0).resume();
    assert_eq!(ssh(&fleet, "web-01", "true").await.0, Some(0));
}

#[tokio::test]
async fn killed_sessions_break_the_connection() {
    let fleet = Fleet::start(1).await;
    let session = fleet.ssh("web-01", "sleep 600").spawn().unwrap();
    eventually("a command", SOON, || !fleet.sshd(0).processes().is_empty()).await;
    fleet.sshd(0).kill_sessions();
    let output = tokio::time::timeout(SOON, session.wait_with_output())
        .await
        .unwrap()
        .unwrap();
    assert_eq!(output.status.code(), Some(255));
    assert_eq!(fleet.established(), 0);
}

#[tokio::test]
async fn a_changed_key_is_refused_by_a_strict_client() {
    let mut fleet = Fleet::start(1).await;
    assert_eq!(ssh(&fleet, "web-01", "true").await.0, Some(0));
    fleet.sshd_mut(0).change_key().await;
    let (code, text) = ssh(&fleet, "web-01", "true").await;
    assert_eq!(code, Some(255));
    assert!(
        text.contains("REMOTE HOST IDENTIFICATION HAS CHANGED"),
        "{text}"
    );
    assert_eq!(fleet.logins(), 1);
}

#[tokio::test]
async fn a_configuration_of_its_own_holds_for_one_host() {
    let forced = SshdConfig {
        force_command: Some("echo forced".into()),
        ..SshdConfig::default()
    };
    let bare = SshdConfig {
        sftp: false,
        ..SshdConfig::default()
    };
    let builder = Fleet::builder()
        .hosts_with(1, &forced)
        .hosts_with(1, &bare)
        .hosts(1);
    let fleet = builder.start().await;
    assert_eq!(ssh(&fleet, "web-01", "true").await.1, "forced");
    let sftp = |name: &'static str| {
        let mut command = tokio::process::Command::new("sftp");
        command
            .arg("-F")
            .arg(fleet.ssh_file("config"))
            .args(["-b", "/dev/null", name]);
        async move { command.output().await.unwrap().status.success() }
    };
    assert!(!sftp("web-02").await);
    assert!(sftp("web-03").await);
}

#[tokio::test]
async fn a_hundred_names_can_stand_behind_one_sshd() {
    let fleet = Fleet::builder().shared(100).start().await;
    assert_eq!(fleet.names().len(), 100);
    for name in ["web-01", "web-57", "web-100"] {
        let (code, text) = ssh(&fleet, name, "echo $SSH_CONNECTION").await;
        assert_eq!(code, Some(0), "{text}");
        let server = text.split(' ').nth(2).unwrap();
        assert_eq!(server, fleet.address(name).ip().to_string());
    }
    assert_eq!(fleet.logins(), 3);
}

#[tokio::test]
async fn the_account_can_be_chosen() {
    let fleet = Fleet::builder()
        .hosts(1)
        .account(Account::current())
        .start()
        .await;
    let (_, name) = ssh(&fleet, "web-01", "id -un").await;
    assert_eq!(name, Account::current().name);
}

#[tokio::test]
async fn a_connect_into_the_blackhole_neither_succeeds_nor_fails() {
    let hole = Blackhole::on(Block::claim().address(0)).await;
    let mut fleet = Fleet::start(0).await;
    fleet.add(Entry::new("gone", hole.address(), ""));
    let connect = tokio::net::TcpStream::connect(hole.address());
    assert!(
        tokio::time::timeout(Duration::from_secs(3), connect)
            .await
            .is_err()
    );
    let (code, text) = ssh(&fleet, "gone", "true").await;
    assert_eq!(code, Some(255));
    assert!(text.contains("Connection timed out"), "{text}");
}
