//! The files of SSH: `ssh_config` read and resolved as a whole, one host looked up in what came of
//! it, and the keys of known hosts.

use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use criterion::Criterion;
use fleet::inventory::{KnownHosts, Local, Sources, Verdict};
use fleet::{HostName, Inventory};
use russh::keys::PublicKey;
use std::fmt::Write as _;
use std::hint::black_box;
use std::path::{Path, PathBuf};
use std::process::Command;

/// Lines of a large known_hosts file.
const LINES: usize = 1_000;

pub(crate) fn benches(criterion: &mut Criterion) {
    let dir = tempfile::tempdir().unwrap();
    for hosts in [100, 1_000] {
        ssh_config(criterion, dir.path(), hosts);
    }
    let plain = dir.path().join("plain");
    let text: String = (1..=LINES).map(line).collect();
    std::fs::write(&plain, text).unwrap();
    known_hosts(criterion, "plain", &plain);
    match hashed(&plain) {
        Some(path) => known_hosts(criterion, "hashed", &path),
        None => eprintln!("left out: known_hosts/hashed needs ssh-keygen of openssh-client"),
    }
}

fn ssh_config(criterion: &mut Criterion, dir: &Path, hosts: usize) {
    let path = dir.join(format!("config-{hosts}"));
    std::fs::write(&path, config(hosts)).unwrap();
    let sources = Sources::named(&path, Local::detect().unwrap());
    criterion.bench_function(&format!("ssh_config/load/{hosts}"), |bencher| {
        bencher.iter(|| Inventory::load(black_box(&sources)).unwrap());
    });
    let inventory = Inventory::load(&sources).unwrap();
    assert_eq!(inventory.len(), hosts);
    let last = format!("host-{hosts:04}");
    criterion.bench_function(&format!("ssh_config/lookup/{hosts}"), |bencher| {
        bencher.iter(|| {
            let name = HostName::parse(black_box(&last)).unwrap();
            let entry = inventory.find(&name).unwrap();
            black_box(entry.settings().unwrap().port)
        });
    });
}

/// Hosts with lines of their own, and some lines for all of them.
fn config(hosts: usize) -> String {
    let mut text = String::new();
    for number in 1..=hosts {
        let (high, low) = (number / 250, number % 250 + 1);
        write!(
            text,
            "Host host-{number:04}\n  HostName 10.0.{high}.{low}\n  Port 2222\n  User deploy\n  \
             IdentityFile ~/.ssh/id_ed25519\n\n"
        )
        .unwrap();
    }
    text + "Host *\n  ServerAliveInterval 15\n  IdentitiesOnly yes\n"
}

/// One file, read; and in it the last host, found, and a stranger, not found.
fn known_hosts(criterion: &mut Criterion, kind: &str, path: &Path) {
    criterion.bench_function(&format!("known_hosts/{kind}/load/{LINES}"), |bencher| {
        bencher.iter(|| KnownHosts::load(black_box(&[path])).unwrap());
    });
    let known = KnownHosts::load(&[path]).unwrap();
    assert_eq!(known.malformed(), 0);
    let key = PublicKey::from_openssh(&key(LINES)).unwrap();
    let last = name(LINES);
    for (what, host, found) in [("find", &*last, true), ("miss", "stranger", false)] {
        criterion.bench_function(&format!("known_hosts/{kind}/{what}/{LINES}"), |bencher| {
            bencher.iter(|| {
                let verdict = known.check(black_box(host), 22, &key);
                assert_eq!(verdict == Verdict::Known, found);
            });
        });
    }
}

fn name(number: usize) -> String {
    format!("host-{number:04}.example.com")
}

fn line(number: usize) -> String {
    format!("{} {}\n", name(number), key(number))
}

/// A key of its own for every number. A file of known hosts holds points of a curve; this one holds
/// what looks like them, since nothing is verified here.
fn key(number: usize) -> String {
    let mut blob = Vec::new();
    let mut bytes = [7; 32];
    bytes[..8].copy_from_slice(&(number as u64).to_be_bytes());
    for part in [b"ssh-ed25519".as_slice(), &bytes] {
        blob.extend((part.len() as u32).to_be_bytes());
        blob.extend(part);
    }
    format!("ssh-ed25519 {}", BASE64_STANDARD.encode(blob))
}

/// The same lines with hashed names, as `ssh-keygen -H` leaves them.
fn hashed(plain: &Path) -> Option<PathBuf> {
    let path = plain.with_file_name("hashed");
    std::fs::copy(plain, &path).unwrap();
    let mut keygen = Command::new("ssh-keygen");
    let done = keygen.arg("-H").arg("-f").arg(&path).output();
    done.is_ok_and(|done| done.status.success()).then_some(path)
}
