//! The hostile hosts do what their script says, and a well-behaved script is a host like any other.

use std::process::Output;
use std::sync::Arc;
use std::time::{Duration, Instant};

use tokio::io::AsyncReadExt as _;
use tokio::net::TcpStream;
use tokio::time::timeout;

use crate::support::eventually;
use crate::support::fleet::Fleet;
use crate::support::hostile::{
    Auth, Closing, Ending, Exec, HostileHost, Opens, Raw, RawHost, Script, Sftp,
};

const SOON: Duration = Duration::from_secs(10);
const SILENCE: Duration = Duration::from_millis(500);

async fn fleet_with(script: Script) -> (Fleet, HostileHost) {
    let host = HostileHost::start(script).await;
    let mut fleet = Fleet::start(0).await;
    fleet.add(host.entry("bad"));
    (fleet, host)
}

async fn ssh(fleet: &Fleet, command: &str) -> Option<Output> {
    let mut ssh = fleet.ssh("bad", command);
    timeout(SILENCE + Duration::from_secs(1), ssh.output())
        .await
        .ok()
        .map(Result::unwrap)
}

async fn exit_code(script: Script, command: &str) -> Option<i32> {
    let (fleet, _host) = fleet_with(script).await;
    ssh(&fleet, command).await.expect("an end").status.code()
}

fn running(exec: Exec) -> Script {
    Script {
        exec,
        ..Script::default()
    }
}

#[tokio::test]
async fn the_default_script_is_a_host_like_any_other() {
    let (fleet, host) = fleet_with(Script::default()).await;
    let mut command = fleet.ssh("bad", "cat; echo oops >&2; exit 3");
    command.stdin(std::process::Stdio::null());
    let output = command.output().await.unwrap();
    assert_eq!(output.status.code(), Some(3));
    assert_eq!(String::from_utf8_lossy(&output.stderr), "oops\n");
    assert_eq!((host.seen().connections(), host.seen().execs()), (1, 1));
    eventually("everything is closed", SOON, || {
        (host.seen().live(), host.seen().channels()) == (0, 0)
    })
    .await;
}

#[tokio::test]
async fn a_missing_status_and_a_second_one_are_visible_to_a_client() {
    // OpenSSH's client starts from -1 and lets the last status win.
    assert_eq!(
        exit_code(running(Exec::Run(Ending::NoStatus)), "exit 3").await,
        Some(255)
    );
    assert_eq!(
        exit_code(running(Exec::Run(Ending::TwoStatuses)), "exit 3").await,
        Some(0)
    );
}

#[tokio::test]
async fn an_exec_can_be_left_hanging() {
    for exec in [Exec::Unanswered, Exec::Silent, Exec::Run(Ending::Never)] {
        let (fleet, host) = fleet_with(running(exec)).await;
        assert!(ssh(&fleet, "echo never").await.is_none(), "{exec:?} ended");
        assert_eq!(host.seen().execs(), 1, "{exec:?}");
    }
}

#[tokio::test]
async fn a_flood_does_not_end() {
    let (fleet, _host) = fleet_with(running(Exec::Flood)).await;
    let mut command = fleet.ssh("bad", "true");
    let mut child = command
        .stdout(std::process::Stdio::piped())
        .spawn()
        .unwrap();
    let mut first = vec![0; 16 << 20];
    let read = child.stdout.take().unwrap().read_exact(&mut first).await;
    assert_eq!(read.unwrap(), 16 << 20);
}

#[tokio::test]
async fn authentication_is_refused_or_never_answered() {
    let (fleet, host) = fleet_with(Script {
        auth: Auth::Refuse,
        ..Script::default()
    })
    .await;
    let output = ssh(&fleet, "true").await.expect("an end");
    assert_eq!(output.status.code(), Some(255));
    assert!(String::from_utf8_lossy(&output.stderr).contains("Permission denied"));
    assert_eq!(host.seen().execs(), 0);

    let (fleet, host) = fleet_with(Script {
        auth: Auth::Stall,
        ..Script::default()
    })
    .await;
    assert!(ssh(&fleet, "true").await.is_none());
    assert!(host.seen().auths() >= 1);
}

#[tokio::test]
async fn channels_towards_a_client_are_tried_and_its_refusals_counted() {
    let opens = Opens::EachKind(3);
    let (fleet, host) = fleet_with(Script {
        opens,
        ..Script::default()
    })
    .await;
    assert!(
        ssh(&fleet, "sleep 0.3")
            .await
            .expect("an end")
            .status
            .success()
    );
    // OpenSSH's client lets nobody in unless forwarding was asked for.
    eventually("all refused", SOON, || host.seen().refused_opens() == 12).await;
    assert_eq!(host.seen().accepted_opens(), 0);
}

#[tokio::test]
async fn one_channel_more_than_allowed_is_refused() {
    let none = Script {
        max_sessions: Some(0),
        ..Script::default()
    };
    assert_eq!(exit_code(none, "true").await, Some(255));
    let one = Script {
        max_sessions: Some(1),
        ..Script::default()
    };
    assert_eq!(exit_code(one, "true").await, Some(0));
}

#[tokio::test]
async fn a_hanging_close_holds_the_connection() {
    let closing = Closing::Hang(SILENCE);
    let (fleet, host) = fleet_with(Script {
        closing,
        ..running(Exec::Silent)
    })
    .await;
    let config = Arc::new(russh::client::Config::default());
    let mut client = russh::client::connect(config, host.address(), Trusting)
        .await
        .unwrap();
    let key = russh::keys::load_secret_key(fleet.ssh_file("id_ed25519"), None).unwrap();
    let key = russh::keys::PrivateKeyWithHashAlg::new(Arc::new(key), None);
    assert!(
        client
            .authenticate_publickey("anybody", key)
            .await
            .unwrap()
            .success()
    );

    let first = client.channel_open_session().await.unwrap();
    first.exec(true, "true").await.unwrap();
    eventually("the exec", SOON, || host.seen().execs() == 1).await;
    let start = Instant::now();
    first.close().await.unwrap();
    client.channel_open_session().await.unwrap();
    assert!(start.elapsed() >= SILENCE, "{:?}", start.elapsed());
}

/// A client that believes any host.
struct Trusting;

impl russh::client::Handler for Trusting {
    type Error = russh::Error;

    async fn check_server_key(
        &mut self,
        _key: &russh::keys::PublicKeyOrCertificate,
    ) -> Result<bool, Self::Error> {
        Ok(true)
    }
}

#[tokio::test]
async fn the_lies_of_sftp_reach_a_client() {
    let cases = [
        (Sftp::Missing, Some("Connection closed")),
        (Sftp::Silent, None),
        (Sftp::WrongIds, Some("ID mismatch")),
        (Sftp::Oversized, Some("too long")),
        (Sftp::Garbage, Some("too long")),
        (Sftp::Endless, None),
    ];
    for (lie, expected) in cases {
        let (fleet, host) = fleet_with(Script {
            sftp: lie,
            ..Script::default()
        })
        .await;
        let mut command = tokio::process::Command::new("sftp");
        let batch = fleet.dir().join("batch");
        std::fs::write(&batch, "ls /\n").unwrap();
        command
            .arg("-F")
            .arg(fleet.ssh_file("config"))
            .arg("-b")
            .arg(batch)
            .arg("bad");
        command.kill_on_drop(true);
        let output = timeout(SILENCE + Duration::from_secs(1), command.output()).await;
        let text = output
            .ok()
            .map(|output| String::from_utf8_lossy(&output.unwrap().stderr).into_owned());
        match expected {
            None => assert_eq!(text, None, "{lie:?} ended"),
            Some(part) => assert!(
                text.as_ref().is_some_and(|t| t.contains(part)),
                "{lie:?}: {text:?}"
            ),
        }
        assert!(
            lie != Sftp::Endless || host.seen().sftp_requests() > 100,
            "{lie:?}"
        );
    }
}

/// The first bytes of a raw host, as many as come before it falls silent.
async fn first_bytes(raw: Raw, most: usize) -> (Vec<u8>, bool) {
    let host = RawHost::start(raw).await;
    let mut stream = TcpStream::connect(host.address()).await.unwrap();
    let mut bytes = Vec::new();
    let mut chunk = [0; 4096];
    while bytes.len() < most {
        match timeout(SILENCE, stream.read(&mut chunk)).await {
            Ok(Ok(read @ 1..)) => bytes.extend_from_slice(&chunk[..read]),
            Ok(_) => return (bytes, true),
            Err(_) => return (bytes, false),
        }
    }
    (bytes, false)
}

#[tokio::test]
async fn raw_hosts_stop_where_they_say() {
    assert_eq!(first_bytes(Raw::Mute, 1).await, (Vec::new(), false));
    assert_eq!(first_bytes(Raw::HangUp, 1).await, (Vec::new(), true));
    let (banner, ended) = first_bytes(Raw::BannerThenSilence, 100).await;
    assert_eq!(
        (banner.as_slice(), ended),
        (&b"SSH-2.0-OpenSSH_9.2\r\n"[..], false)
    );
    let (huge, ended) = first_bytes(Raw::HugeBanner, 2 << 20).await;
    assert_eq!(
        (huge.len(), huge.contains(&b'\n'), ended),
        (1 << 20, false, false)
    );
    let (lines, _) = first_bytes(Raw::EndlessPreBanner, 10_000).await;
    assert!(lines.len() >= 10_000 && !String::from_utf8_lossy(&lines).contains("SSH-"));
}

#[tokio::test]
async fn a_client_gets_past_the_kexinit_of_a_raw_host_and_no_further() {
    let host = RawHost::start(Raw::KexInitThenSilence).await;
    let mut fleet = Fleet::start(0).await;
    fleet.add(host.entry("raw"));
    let mut ssh = tokio::process::Command::new("ssh");
    ssh.args(["-vv", "-F"]).arg(fleet.ssh_file("config"));
    ssh.args(["-o", "BatchMode=yes", "raw", "true"])
        .kill_on_drop(true);
    ssh.stderr(std::process::Stdio::piped());
    let mut child = ssh.spawn().unwrap();
    let mut stderr = child.stderr.take().unwrap();
    let mut text = Vec::new();
    let reading = async {
        let mut chunk = [0; 4096];
        while let Ok(read @ 1..) = stderr.read(&mut chunk).await {
            text.extend_from_slice(&chunk[..read]);
        }
    };
    assert!(
        timeout(Duration::from_secs(1), reading).await.is_err(),
        "the client ended"
    );
    let text = String::from_utf8_lossy(&text);
    assert!(text.contains("SSH2_MSG_KEXINIT received"), "{text}");
    assert!(text.contains("expecting SSH2_MSG_KEX_ECDH_REPLY"), "{text}");
}
