//! Two loopback hosts, as the demo starts them, and what they alone promise: who is let in, what
//! may be opened, and that nothing outlives them. The judges are OpenSSH's own clients.

use crate::processes::{mark, until};
use crate::rig::{HOSTS, Rig, argv};
use fleet::inventory::Local;
use fleet::loopback::{ClientKey, LoopbackHost, Options, write_config};
use fleet::{Bounds, HostName, Outcome};
use std::fs;
use std::io::Write;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};
use std::time::Duration;
use tempfile::TempDir;

/// Two hosts and the files that lead to them.
struct Site {
    hosts: [LoopbackHost; 2],
    home: PathBuf,
    config: PathBuf,
    dir: TempDir,
}

async fn site() -> Site {
    let dir = tempfile::tempdir().unwrap();
    fs::set_permissions(dir.path(), fs::Permissions::from_mode(0o755)).unwrap();
    let home = dir.path().canonicalize().unwrap().join("home");
    fs::create_dir(&home).unwrap();
    let key = ClientKey::generate().unwrap();
    let path = dir.path().join("id_ed25519");
    key.write_to(&path).unwrap();
    let user = Local::detect().unwrap().user;
    let start = || LoopbackHost::start(Options::new(&home, key.public().clone(), &user));
    let hosts = [start().await.unwrap(), start().await.unwrap()];
    let name = |name: &&str| HostName::parse(name).unwrap();
    let named: Vec<_> = HOSTS.iter().map(name).zip(&hosts).collect();
    let config = write_config(dir.path(), &named, &path).unwrap();
    Site {
        hosts,
        home,
        config,
        dir,
    }
}

/// A fleet on two loopback hosts.
pub(crate) async fn rig() -> Rig {
    let Site {
        hosts,
        home,
        config,
        dir,
    } = site().await;
    Rig::start(&config, home, (hosts, dir)).await
}

impl Site {
    /// Runs one of OpenSSH's clients with the configuration that was written.
    async fn client(&self, program: &str, args: &[&str], input: &str) -> (Option<i32>, String) {
        let mut command = Command::new(program);
        command.arg("-F").arg(&self.config).args(args);
        let ended = finish(command, input.to_owned()).await;
        let text = [ended.stdout, ended.stderr].concat();
        let text = String::from_utf8_lossy(&text).into_owned();
        (ended.status.code(), text)
    }

    async fn ssh(&self, args: &[&str]) -> (Option<i32>, String) {
        self.client("ssh", args, "").await
    }
}

async fn finish(mut command: Command, input: String) -> Output {
    let run = move || {
        let piped = command.stdin(Stdio::piped()).stdout(Stdio::piped());
        let mut child = piped.stderr(Stdio::piped()).spawn().unwrap();
        // A client that was refused has closed it.
        let _refused = child.stdin.take().unwrap().write_all(input.as_bytes());
        child.wait_with_output().unwrap()
    };
    tokio::task::spawn_blocking(run).await.unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn openssh_runs_commands_with_their_streams_and_ends() {
    let site = site().await;
    let (code, text) = site.ssh(&["one", "echo hi; pwd; exit 3"]).await;
    let home = site.home.display();
    assert_eq!((code, text), (Some(3), format!("hi\n{home}\n")));
    let (code, text) = site.client("ssh", &["two", "cat; echo end"], "in\n").await;
    assert_eq!((code, &*text), (Some(0), "in\nend\n"));
    let (code, _) = site.ssh(&["one", "kill -9 $$"]).await;
    assert_eq!(code, Some(255), "killed by a signal, ssh(1), EXIT STATUS");
    let (_, text) = site.ssh(&["one", "env"]).await;
    assert!(
        text.contains("SSH_CONNECTION=127.0.0.1 ") && !text.contains("CARGO"),
        "{text}"
    );
    let (code, text) = site.ssh(&["one", "yes | head -c 5000000 | cksum"]).await;
    assert!(code == Some(0) && text.ends_with(" 5000000\n"), "{text}");
    let (_, text) = site.ssh(&["one", "yes | head -c 5000000"]).await;
    assert_eq!(text.len(), 5_000_000);
}

#[tokio::test(flavor = "multi_thread")]
async fn only_the_one_key_of_the_one_user_is_let_in() {
    let site = site().await;
    let denied = |(code, text): (Option<i32>, String)| {
        let refused = text.contains("(publickey)") || text.contains("Too many");
        assert!(code == Some(255) && refused, "{code:?} {text}");
    };
    denied(site.ssh(&["-l", "somebody", "one", "true"]).await);
    denied(
        site.ssh(&["-o", "PreferredAuthentications=password", "one", "true"])
            .await,
    );
    denied(
        site.ssh(&["-o", "PubkeyAuthentication=no", "one", "true"])
            .await,
    );
    let other = site.dir.path().join("other");
    ClientKey::generate().unwrap().write_to(&other).unwrap();
    let known = format!(
        "UserKnownHostsFile={}",
        site.dir.path().join("known_hosts").display()
    );
    let port = site.hosts[0].addr().port().to_string();
    let stranger = |key: &Path| {
        let mut command = Command::new("ssh");
        command.args([
            "-F",
            "none",
            "-o",
            &known,
            "-o",
            "IdentitiesOnly=yes",
            "-o",
            "IdentityAgent=none",
        ]);
        command
            .args(["-p", &port, "-l", site.hosts[0].user(), "-i"])
            .arg(key);
        command.args(["127.0.0.1", "true"]);
        finish(command, String::new())
    };
    let ended = stranger(&other).await;
    denied((
        ended.status.code(),
        String::from_utf8_lossy(&ended.stderr).into_owned(),
    ));
    let ended = stranger(&site.dir.path().join("id_ed25519")).await;
    assert!(ended.status.success(), "{ended:?}");
    // The other way round: a host that is not the one on file is not spoken to.
    let port = site.hosts[1].addr().port().to_string();
    let (code, text) = site
        .ssh(&["-o", "HostKeyAlias=elsewhere", "-p", &port, "one", "true"])
        .await;
    assert!(
        code == Some(255) && text.contains("verification failed"),
        "{text}"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn nothing_is_forwarded_and_there_is_no_terminal_and_no_login_shell() {
    let site = site().await;
    let port = site.hosts[1].addr().port();
    let (code, text) = site.ssh(&["-W", &format!("127.0.0.1:{port}"), "one"]).await;
    assert!(code == Some(255) && text.contains("prohibited"), "{text}");
    let back = format!("0:127.0.0.1:{port}");
    let (code, text) = site
        .ssh(&["-o", "ExitOnForwardFailure=yes", "-NR", &back, "one"])
        .await;
    assert!(
        code == Some(255) && text.contains("forwarding failed"),
        "{text}"
    );
    let (code, text) = site.ssh(&["one"]).await;
    assert!(
        code == Some(255) && text.contains("shell request failed"),
        "{text}"
    );
    let (_, text) = site.ssh(&["-tt", "one", "true"]).await;
    assert!(text.contains("PTY allocation request failed"), "{text}");
    let (code, text) = site
        .ssh(&["-o", "SetEnv=SECRET=1", "one", "echo [$SECRET]"])
        .await;
    assert_eq!((code, &*text), (Some(0), "[]\n"));
    let (code, text) = site.ssh(&["-s", "one", "netconf"]).await;
    assert!(
        code == Some(255) && text.contains("subsystem request failed"),
        "{text}"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn openssh_sftp_moves_files_both_ways() {
    let site = site().await;
    fs::write(site.home.join("a file"), vec![b'x'; 300_000]).unwrap();
    fs::create_dir(site.home.join("dir")).unwrap();
    let got = site.dir.path().join("got");
    let batch = async |lines: &str| site.client("sftp", &["-b", "-", "one"], lines).await;
    let lines = format!("pwd\nls -l\nget \"a file\" {}\n", got.display());
    let (code, text) = batch(&lines).await;
    assert_eq!(code, Some(0), "{text}");
    let home = format!("Remote working directory: {}", site.home.display());
    assert!(text.contains(&home) && text.contains("300000"), "{text}");
    assert!(text.contains("drwx"), "{text}");
    assert_eq!(fs::read(&got).unwrap(), vec![b'x'; 300_000]);
    fs::write(&got, vec![b'y'; 700_000]).unwrap();
    let lines = format!(
        "put -p {} new\nrename new \"a file\"\nmkdir d\nchmod 700 d\nrename d e\nrmdir dir\n",
        got.display()
    );
    let (code, text) = batch(&lines).await;
    assert_eq!(code, Some(0), "{text}");
    assert_eq!(
        fs::read(site.home.join("a file")).unwrap(),
        vec![b'y'; 700_000]
    );
    let mode = fs::metadata(site.home.join("e")).unwrap().permissions();
    assert_eq!(mode.mode() & 0o777, 0o700);
    let (code, text) = batch("rm \"a file\"\nrmdir e\n").await;
    assert_eq!(code, Some(0), "{text}");
    assert_eq!(fs::read_dir(&site.home).unwrap().count(), 0);
    for (line, says) in [
        ("rm a", "No such file"),
        ("symlink a b", "peration unsupported"),
        ("put /etc/passwd no/way", "No such file"),
    ] {
        let (code, text) = batch(&format!("{line}\n")).await;
        assert!(code == Some(1) && text.contains(says), "{line}: {text}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn ten_sessions_fit_on_a_connection_and_the_eleventh_is_refused() {
    let site = site().await;
    let socket = site.dir.path().join("mux");
    let socket = socket.to_str().unwrap();
    let mark = mark();
    let line = format!("sleep {mark}");
    let shared = |line: &str| {
        let mut command = Command::new("ssh");
        command
            .arg("-F")
            .arg(&site.config)
            .args(["-S", socket, "one", line]);
        command
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::piped());
        command
    };
    let mut master = Command::new("ssh");
    master
        .arg("-F")
        .arg(&site.config)
        .args(["-S", socket, "-MN", "one"]);
    let master = master.spawn().unwrap();
    while !Path::new(socket).exists() {
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    let ten: Vec<_> = (0..10).map(|_| shared(&line).spawn().unwrap()).collect();
    until(&mark, 10, Duration::from_secs(5)).await;
    let eleventh = finish(shared("true"), String::new()).await;
    let text = String::from_utf8_lossy(&eleventh.stderr).into_owned();
    assert!(text.contains("Session open refused by peer"), "{text}");
    // One that ends makes room.
    let mut kill = Command::new("pkill");
    kill.args(["-o", "-xf", &line]);
    assert!(finish(kill, String::new()).await.status.success());
    until(&mark, 9, Duration::from_secs(5)).await;
    let again = finish(shared("exit 7"), String::new()).await;
    assert_eq!(again.status.code(), Some(7), "{again:?}");
    // Leaving kills nothing that does not heed the end of its input, as with sshd; the end of
    // the host does.
    for mut client in ten.into_iter().chain([master]) {
        client.kill().unwrap();
        client.wait().unwrap();
    }
    tokio::time::sleep(Duration::from_millis(200)).await;
    until(&mark, 9, Duration::ZERO).await;
    let [one, _two] = site.hosts;
    one.stop().await;
    until(&mark, 0, Duration::from_secs(1)).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_host_that_stops_takes_its_commands_along_and_its_callers_hear_of_it() {
    let Site {
        hosts,
        home,
        config,
        dir,
    } = site().await;
    let [one, two] = hosts;
    let rig = Rig::start(&config, home, (two, dir)).await;
    let mark = mark();
    let call = rig.run_on(HOSTS[0], argv(&["sleep", &mark]), Bounds::default());
    let stop = async {
        until(&mark, 1, Duration::from_secs(5)).await;
        drop(one);
        until(&mark, 0, Duration::from_secs(3)).await;
    };
    let (ran, ()) = tokio::join!(call, stop);
    assert!(matches!(
        ran.unwrap().outcome,
        Outcome::ConnectionLost { .. }
    ));
    let again = rig
        .run_on(HOSTS[0], argv(&["true"]), Bounds::default())
        .await;
    assert_eq!(again.unwrap_err().code(), "unreachable");
    let other = rig
        .run_on(HOSTS[1], argv(&["true"]), Bounds::default())
        .await;
    assert!(other.unwrap().outcome.is_success());
}
