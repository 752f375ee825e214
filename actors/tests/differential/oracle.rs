//! What `ssh -G` says about a host, and the comparison with what the inventory says.

use std::collections::HashMap;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

use fleet::inventory::{Agent, HostKeyChecking, HostSettings, Local, Problem};
use fleet::target::HostName;

/// A variable that both sides see. No test may set one in its own process.
pub(crate) const VARIABLE: (&str, &str) = ("SCOUT_TEST_KEYS", "/srv/keys");

/// The account of the test, with the environment the client gets.
pub(crate) fn local() -> Local {
    Local {
        variable: |name| (name == VARIABLE.0).then(|| VARIABLE.1.to_owned()),
        ..Local::detect().unwrap()
    }
}

/// The answer of `ssh -G`: every value of every keyword, in order.
#[derive(Debug)]
pub(crate) struct Answer {
    values: HashMap<String, Vec<String>>,
    identities: Vec<String>,
}

impl Answer {
    fn one(&self, keyword: &str) -> Option<&str> {
        self.all(keyword).first().map(String::as_str)
    }

    fn all(&self, keyword: &str) -> &[String] {
        self.values.get(keyword).map_or(&[], Vec::as_slice)
    }
}

fn ssh(config: &Path) -> Command {
    let mut command = Command::new("ssh");
    command
        .env_clear()
        .env("PATH", std::env::var_os("PATH").unwrap());
    command.env(VARIABLE.0, VARIABLE.1).arg("-F").arg(config);
    command
}

/// Asks the client. `Err` is its complaint.
pub(crate) fn ask(config: &Path, host: &str, options: &[String]) -> Result<Answer, String> {
    let output = ssh(config).arg("-G").args(options).arg(host).output();
    let output = output.expect("`ssh` is installed");
    if !output.status.success() {
        return Err(String::from_utf8_lossy(&output.stderr).into_owned());
    }
    let mut values: HashMap<String, Vec<String>> = HashMap::new();
    for line in String::from_utf8(output.stdout).unwrap().lines() {
        let (keyword, value) = line.split_once(' ').unwrap_or((line, ""));
        values
            .entry(keyword.to_owned())
            .or_default()
            .push(value.to_owned());
    }
    let identities = identities(config, host, &values["identityfile"]);
    Ok(Answer { values, identities })
}

/// The key files with everything expanded. `-G` shows them as written, so where more than `~` is to
/// be expanded a connection to a program that says nothing is begun: it logs the names.
fn identities(config: &Path, host: &str, written: &[String]) -> Vec<String> {
    let home = local().home;
    if !written.iter().any(|name| name.contains(['%', '$'])) {
        let named = written
            .iter()
            .filter(|name| !name.eq_ignore_ascii_case("none"));
        let absolute = named.map(|name| name.replacen('~', home.to_str().unwrap(), 1));
        return absolute.collect();
    }
    let output = ssh(config)
        .args(["-v", "-o", "ProxyCommand=true", "-o", "BatchMode=yes", host])
        .output()
        .unwrap();
    let log = String::from_utf8_lossy(&output.stderr).into_owned();
    let lines = log
        .lines()
        .filter_map(|line| line.strip_prefix("debug1: identity file "));
    let names = lines.filter_map(|line| Some(line.split_once(" type ")?.0.to_owned()));
    names.filter(|name| !name.ends_with("-cert")).collect()
}

/// Asserts that the inventory agrees with the client about one host.
pub(crate) fn compare(
    config: &Path,
    host: &str,
    answer: &Answer,
    ours: Result<&HostSettings, &Problem>,
) {
    let context = || {
        let seen = ["hostname", "user", "port", "proxyjump", "proxycommand"];
        let seen = seen.map(|keyword| answer.all(keyword));
        format!("{}, {host}: {seen:?} against {ours:?}", config.display())
    };
    if answer.one("proxycommand").is_some() {
        assert!(
            matches!(ours, Err(Problem::ProxyCommand { .. })),
            "{}",
            context()
        );
        return;
    }
    let jump = answer.one("proxyjump");
    if jump.is_some_and(|jump| jump.contains(',')) {
        assert!(matches!(ours, Err(Problem::Hops { .. })), "{}", context());
        return;
    }
    let hop = jump.map(|jump| hop(config, jump));
    match &hop {
        Some((name, _)) if HostName::parse(name).is_err() => {
            assert!(
                matches!(ours, Err(Problem::JumpName { .. })),
                "{}",
                context()
            );
            return;
        }
        Some((_, Err(_))) => {
            let refused = matches!(ours, Err(Problem::Jump { .. } | Problem::SecondHop { .. }));
            assert!(refused, "{}", context());
            return;
        }
        Some((_, Ok(hop))) if hop.one("proxyjump").is_some() => {
            assert!(
                matches!(ours, Err(Problem::SecondHop { .. })),
                "{}",
                context()
            );
            return;
        }
        Some((_, Ok(hop))) if hop.one("proxycommand").is_some() => {
            assert!(matches!(ours, Err(Problem::Jump { .. })), "{}", context());
            return;
        }
        _ => {}
    }
    let ours = ours.unwrap_or_else(|_| panic!("{}", context()));
    match (&ours.jump, &hop) {
        (None, None) => {}
        (Some(jump), Some((name, Ok(answer)))) => {
            assert_eq!(jump.settings.name.as_str(), name, "{host}");
            values(name, answer, &jump.settings);
        }
        (ours, theirs) => panic!("{host}: jump {ours:?} against {theirs:?}"),
    }
    values(host, answer, ours);
}

/// What the client says about the hop of `[user@]host[:port]`, asked as it asks itself.
fn hop(config: &Path, jump: &str) -> (String, Result<Answer, String>) {
    let (user, address) = match jump.rsplit_once('@') {
        Some((user, address)) => (Some(user), address),
        None => (None, jump),
    };
    let (host, port) = match address.rsplit_once(':') {
        Some((host, port)) if !port.ends_with(']') => (host, Some(port)),
        _ => (address, None),
    };
    let host = host.trim_start_matches('[').trim_end_matches(']');
    let option = |flag: &str, value: Option<&str>| {
        value.map_or(Vec::new(), |value| vec![flag.to_owned(), value.to_owned()])
    };
    let options = [option("-l", user), option("-p", port)].concat();
    (host.to_owned(), ask(config, host, &options))
}

fn values(host: &str, answer: &Answer, ours: &HostSettings) {
    let theirs = |keyword: &str| answer.one(keyword).unwrap_or_default().to_owned();
    // The client leaves the case of an IPv6 address alone when that is all it would change.
    let hostname = theirs("hostname").to_ascii_lowercase();
    assert_eq!(ours.hostname, hostname, "{host}: hostname");
    assert_eq!(ours.user, theirs("user"), "{host}: user");
    assert_eq!(ours.port.to_string(), theirs("port"), "{host}: port");
    // Kinds of keys that come and go with versions are not looked for here.
    let usable = |name: &&String| {
        let gone = ["id_xmss", "id_dsa", "id_mldsa44_ed25519"];
        !ours.default_identities || !gone.iter().any(|gone| name.ends_with(gone))
    };
    let identities: Vec<PathBuf> = answer
        .identities
        .iter()
        .filter(usable)
        .map(PathBuf::from)
        .collect();
    assert_eq!(ours.identity_files, identities, "{host}: identityfile");
    let only = if ours.identities_only { "yes" } else { "no" };
    assert_eq!(only, theirs("identitiesonly"), "{host}: identitiesonly");
    let joined = |files: &[PathBuf]| {
        let files: Vec<_> = files.iter().map(|file| file.to_str().unwrap()).collect();
        if files.is_empty() {
            "none".to_owned()
        } else {
            files.join(" ")
        }
    };
    let user = joined(&ours.user_known_hosts);
    assert_eq!(
        user,
        theirs("userknownhostsfile"),
        "{host}: userknownhostsfile"
    );
    let global = joined(&ours.global_known_hosts);
    assert_eq!(
        global,
        theirs("globalknownhostsfile"),
        "{host}: globalknownhostsfile"
    );
    let alias = ours.host_key_alias.clone().unwrap_or_default();
    assert_eq!(alias, theirs("hostkeyalias"), "{host}: hostkeyalias");
    let timeout = match ours.connect_timeout {
        None => "none".to_owned(),
        Some(timeout) => timeout.as_secs().to_string(),
    };
    assert_eq!(timeout, theirs("connecttimeout"), "{host}: connecttimeout");
    let checking = match ours.host_key_checking {
        HostKeyChecking::Ask => "ask",
        HostKeyChecking::Yes => "true",
        HostKeyChecking::AcceptNew => "accept-new",
        HostKeyChecking::Off => "false",
    };
    assert_eq!(
        checking,
        theirs("stricthostkeychecking"),
        "{host}: stricthostkeychecking"
    );
    let home = local().home;
    let certificates = answer.all("certificatefile").iter();
    let certificates: Vec<PathBuf> = certificates
        .map(|name| name.replacen('~', home.to_str().unwrap(), 1).into())
        .collect();
    assert_eq!(
        ours.certificate_files, certificates,
        "{host}: certificatefile"
    );
    let agent = match answer.one("identityagent") {
        None | Some("SSH_AUTH_SOCK") => Agent::Environment,
        Some("none") => Agent::None,
        Some(name) if name == format!("${}", VARIABLE.0) => Agent::Socket(VARIABLE.1.into()),
        Some(path) => Agent::Socket(path.into()),
    };
    assert_eq!(ours.agent, agent, "{host}: identityagent");
    assert!(
        ours.connect_timeout
            .is_none_or(|timeout| timeout > Duration::ZERO)
    );
}
