//! Known hosts: the same files, the same names, the same decision as the real client's.

use std::path::Path;
use std::process::Command;

use fleet::inventory::known_hosts::Marker;
use fleet::inventory::{KnownHosts, Verdict};

use crate::sshd::{Sshd, Trust, write};

/// The files, the host called, its port, and the decision about its Ed25519 key. `{ed}` `{rsa}`
/// `{ec}` are the server's keys, `{other}` and `{other-rsa}` are not; `{hash:NAME}` is a hashed name.
const CASES: &[(&str, &str, u16, Trust)] = &[
    ("", "web", 22, Trust::Unknown),
    ("web {ed}", "web", 22, Trust::Known),
    ("web {ed} a comment # x", "web", 22, Trust::Known),
    ("  web\t{ed}", "web", 22, Trust::Known),
    ("web {ed}\r", "web", 22, Trust::Known),
    ("# web {ed}", "web", 22, Trust::Unknown),
    ("db {ed}", "web", 22, Trust::Unknown),
    ("db,web {ed}", "web", 22, Trust::Known),
    ("WEB {ed}", "web", 22, Trust::Known),
    ("web {ed}", "WEB", 22, Trust::Known),
    ("*.example.com {ed}", "a.example.com", 22, Trust::Known),
    ("*.example.com {ed}", "example.com", 22, Trust::Unknown),
    ("w?b {ed}", "web", 22, Trust::Known),
    ("*,!web {ed}", "web", 22, Trust::Unknown),
    ("!web,* {ed}", "web", 22, Trust::Unknown),
    ("!db {ed}", "web", 22, Trust::Unknown),
    ("{hash:web} {ed}", "web", 22, Trust::Known),
    ("{hash:web} {ed}", "WEB", 22, Trust::Known),
    ("{hash:db} {ed}", "web", 22, Trust::Unknown),
    ("{hash:[web]:2222} {ed}", "web", 2222, Trust::Known),
    ("{hash:web} {ed}", "web", 2222, Trust::Known),
    ("|1|broken|hash {ed}\nweb {ed}", "web", 22, Trust::Known),
    ("|1|broken|hash {ed}", "web", 22, Trust::Unknown),
    // Ports.
    ("[web]:22 {ed}", "web", 22, Trust::Unknown),
    ("[web]:2222 {ed}", "web", 2222, Trust::Known),
    ("[web]:2222 {ed}", "web", 22, Trust::Unknown),
    ("[web]:2222 {ed}", "web", 2223, Trust::Unknown),
    ("[web]:* {ed}", "web", 2223, Trust::Known),
    ("web {ed}", "web", 2222, Trust::Known),
    ("web {other}", "web", 2222, Trust::Unknown),
    ("[web]:2222 {other}\nweb {ed}", "web", 2222, Trust::Changed),
    ("@revoked web {ed}", "web", 2222, Trust::Revoked),
    (
        "[web]:2222 {ed}\n@revoked web {ed}",
        "web",
        2222,
        Trust::Known,
    ),
    ("* {ed}", "web", 2222, Trust::Known),
    ("2001:db8::1 {ed}", "2001:db8::1", 22, Trust::Known),
    ("[2001:db8::1]:2222 {ed}", "2001:db8::1", 2222, Trust::Known),
    // Several keys.
    ("web {other}", "web", 22, Trust::Changed),
    ("web {other}\nweb {ed}", "web", 22, Trust::Known),
    ("web {ed}\nweb {other}", "web", 22, Trust::Known),
    ("web {rsa}", "web", 22, Trust::Changed),
    ("web {other-rsa}", "web", 22, Trust::Changed),
    ("web {rsa}\nweb {ed}", "web", 22, Trust::Known),
    ("db {other}\nweb {ed}", "web", 22, Trust::Known),
    // Markers.
    ("@revoked web {ed}", "web", 22, Trust::Revoked),
    ("web {ed}\n@revoked * {ed}", "web", 22, Trust::Revoked),
    ("@revoked * {ed}\nweb {ed}", "web", 22, Trust::Revoked),
    ("@revoked * {other}\nweb {ed}", "web", 22, Trust::Known),
    ("@revoked * {other}", "web", 22, Trust::Unknown),
    ("@revoked db {ed}\nweb {ed}", "web", 22, Trust::Known),
    ("@cert-authority * {ed}", "web", 22, Trust::Unknown),
    (
        "@cert-authority * {other}\nweb {ed}",
        "web",
        22,
        Trust::Known,
    ),
    ("@unknown web {ed}", "web", 22, Trust::Unknown),
    ("@revoked @revoked web {ed}", "web", 22, Trust::Unknown),
    // Lines that are none.
    ("web", "web", 22, Trust::Unknown),
    ("web ssh-ed25519", "web", 22, Trust::Unknown),
    ("web ssh-ed25519 AAAA\nweb {ed}", "web", 22, Trust::Known),
    ("web ssh-ed25519 AAAA", "web", 22, Trust::Unknown),
    ("web 1024 35 1234567", "web", 22, Trust::Unknown),
    (
        "web ssh-unheard AAAAC3NzaC1lZDI1NTE5",
        "web",
        22,
        Trust::Unknown,
    ),
];

/// A server and keys that are not its own.
fn sshd() -> Sshd {
    let sshd = Sshd::new();
    sshd.keygen("other", "ed25519", "0");
    sshd.keygen("other-rsa", "rsa", "2048");
    sshd
}

fn fill(sshd: &Sshd, template: &str) -> String {
    let mut text = template.to_owned();
    for (mark, name) in [
        ("{ed}", "ed25519"),
        ("{rsa}", "rsa"),
        ("{ec}", "ecdsa"),
        ("{other}", "other"),
        ("{other-rsa}", "other-rsa"),
    ] {
        text = text.replace(mark, &sshd.line(name));
    }
    while let Some(start) = text.find("{hash:") {
        let end = start + text[start..].find('}').unwrap();
        let hashed = hash(sshd, &text[start + "{hash:".len()..end]);
        text.replace_range(start..=end, &hashed);
    }
    format!("{text}\n")
}

/// The hashed form of a name, made by `ssh-keygen -H`.
fn hash(sshd: &Sshd, name: &str) -> String {
    let path = sshd.path("to-hash");
    write(&path, &format!("{name} {}\n", sshd.line("ed25519")));
    let mut command = Command::new("ssh-keygen");
    assert!(
        command
            .args(["-q", "-H", "-f"])
            .arg(&path)
            .output()
            .unwrap()
            .status
            .success()
    );
    let text = std::fs::read_to_string(path).unwrap();
    text.split(' ').next().unwrap().to_owned()
}

fn load(path: &Path) -> KnownHosts {
    KnownHosts::load(&[path]).unwrap()
}

#[test]
fn the_client_and_we_trust_the_same_keys() {
    let sshd = sshd();
    let file = sshd.path("known_hosts");
    for &(template, host, port, expected) in CASES {
        write(&file, &fill(&sshd, template));
        let (theirs, log) = sshd.connect(&file, host, port, Some("ssh-ed25519"), &[]);
        assert_eq!(
            theirs, expected,
            "client: {template:?} {host}:{port}\n{log}"
        );
        let verdict = load(&file).check(host, port, &sshd.key("ed25519"));
        assert_eq!(
            Trust::of(&verdict),
            expected,
            "{template:?} {host}:{port} {verdict:?}"
        );
    }
}

#[test]
fn rsa_and_ecdsa_keys_are_compared_like_the_client_does() {
    let sshd = sshd();
    let file = sshd.path("known_hosts");
    for (name, algorithm) in [("rsa", "rsa-sha2-512"), ("ecdsa", "ecdsa-sha2-nistp256")] {
        for template in [
            "web {rsa}",
            "web {ec}",
            "web {other-rsa}",
            "@revoked * {rsa}\nweb {ec}",
        ] {
            write(&file, &fill(&sshd, template));
            let (theirs, log) = sshd.connect(&file, "web", 22, Some(algorithm), &[]);
            let ours = load(&file).check("web", 22, &sshd.key(name));
            assert_eq!(Trust::of(&ours), theirs, "{name} {template:?}\n{log}");
        }
    }
}

#[test]
fn an_alias_is_looked_up_without_its_port() {
    let sshd = sshd();
    let file = sshd.path("known_hosts");
    let alias = ["HostKeyAlias=Alias.Example"];
    for template in [
        "alias.example {ed}",
        "[alias.example]:2222 {ed}",
        "web {ed}",
        "[web]:2222 {ed}",
        "alias.example {other}\nweb {ed}",
        "@revoked alias.example {ed}",
    ] {
        write(&file, &fill(&sshd, template));
        let (theirs, log) = sshd.connect(&file, "web", 2222, Some("ssh-ed25519"), &alias);
        let ours = load(&file).check("alias.example", 22, &sshd.key("ed25519"));
        assert_eq!(Trust::of(&ours), theirs, "{template:?}\n{log}");
    }
}

#[test]
fn the_first_algorithm_is_the_one_the_client_would_choose() {
    let sshd = sshd();
    let file = sshd.path("known_hosts");
    for (template, port) in [
        ("web {rsa}", 22),
        ("web {ec}", 22),
        ("web {ed}", 22),
        ("[web]:2222 {ec}", 2222),
        ("@revoked web {ed}\nweb {rsa}", 22),
        ("db {ed}\nweb {ec}", 22),
    ] {
        write(&file, &fill(&sshd, template));
        let (trust, log) = sshd.connect(&file, "web", port, None, &[]);
        assert_eq!(trust, Trust::Known, "{template:?}\n{log}");
        let chosen = log
            .lines()
            .find_map(|line| line.split_once("host key algorithm: "));
        let chosen = chosen.unwrap().1.trim();
        let ours = load(&file).algorithms("web", port);
        assert_eq!(
            ours.first().map(|first| first.as_str()),
            Some(chosen),
            "{template:?}"
        );
    }
    write(
        &file,
        &fill(&sshd, "@cert-authority * {ed}\n@revoked * {rsa}\ndb {ec}"),
    );
    assert!(load(&file).algorithms("web", 22).is_empty());
}

#[test]
fn the_same_lines_are_found_as_by_ssh_keygen() {
    let sshd = sshd();
    let file = sshd.path("known_hosts");
    for &(template, host, port, _) in CASES {
        let text = fill(&sshd, template);
        write(&file, &text);
        let host = host.to_ascii_lowercase();
        let name = if port == 22 {
            host.clone()
        } else {
            format!("[{host}]:{port}")
        };
        let output = Command::new("ssh-keygen")
            .args(["-F", &name, "-f"])
            .arg(&file)
            .output();
        let output = String::from_utf8(output.unwrap().stdout).unwrap();
        let theirs: Vec<(usize, Marker)> = output.lines().filter_map(found).collect();
        let recorded = load(&file).recorded(&host, port);
        let ours: Vec<_> = recorded
            .iter()
            .map(|line| (line.line, line.marker))
            .collect();
        // A line that matches and holds no key is found by `ssh-keygen -F`, which does not read
        // that far; and without a line for the port we go on to those for the name.
        let theirs: Vec<_> = theirs
            .into_iter()
            .filter(|(line, _)| holds_key(&text, *line))
            .collect();
        if !(theirs.is_empty() && port != 22) {
            assert_eq!(ours, theirs, "{template:?} {name}\n{output}");
        }
    }
}

/// Reads `# Host web found: line 3 REVOKED`.
fn found(line: &str) -> Option<(usize, Marker)> {
    let (_, rest) = line.strip_prefix("# Host ")?.split_once("found: line ")?;
    let (number, marker) = rest.trim().split_once(' ').unwrap_or((rest.trim(), ""));
    let marker = match marker.trim() {
        "" => Marker::None,
        "CA" => Marker::CertAuthority,
        "REVOKED" => Marker::Revoked,
        other => panic!("{other:?} is no marker"),
    };
    Some((number.parse().unwrap(), marker))
}

fn holds_key(text: &str, line: usize) -> bool {
    let line = text.lines().nth(line - 1).unwrap();
    line.split([' ', '\t']).any(|field| field.len() > 60)
}

/// On purpose stricter: the client looks for a space behind a marker before it looks for a tab, and
/// takes `@revoked<TAB>web` for an unknown marker. Ours is what the author of the line meant.
#[test]
fn a_revocation_written_with_a_tab_counts_though_the_client_passes_it_over() {
    let sshd = sshd();
    let file = sshd.path("known_hosts");
    write(&file, &fill(&sshd, "web {ed}\n@revoked\tweb {ed}"));
    let (theirs, log) = sshd.connect(&file, "web", 22, Some("ssh-ed25519"), &[]);
    assert!(matches!(theirs, Trust::Known | Trust::Revoked), "{log}");
    let ours = load(&file).check("web", 22, &sshd.key("ed25519"));
    assert!(matches!(ours, Verdict::Revoked(found) if found.line == 2));
}
