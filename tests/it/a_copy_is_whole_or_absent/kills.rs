//! Somebody is killed at a random moment of a copy that replaces a file: Scout, or the host's side of
//! the connection. Whenever that is, the file is the old one or the whole new one.

use std::path::{Path, PathBuf};
use std::time::Duration;

use super::on;
use crate::support::fleet::Fleet;
use crate::support::server::{binary, start_cli};
use crate::support::yard::{Yard, same};

/// What is copied: long enough on its way to be met there.
const BYTES: u64 = 8 << 20;

/// How often: all of it with the release binary, which is what people get.
fn rounds() -> usize {
    let built_for_release = std::env::var_os("SCOUT_TEST_BINARY").is_some();
    if built_for_release { 200 } else { 40 }
}

/// A number from 0 to 1 that no run shares with another.
fn random() -> f64 {
    let mut bytes = [0; 4];
    getrandom::fill(&mut bytes).unwrap();
    f64::from(u32::from_be_bytes(bytes)) / f64::from(u32::MAX)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn whoever_is_killed_when_the_file_is_the_old_one_or_the_whole_new_one() {
    let fleet = Fleet::start(1).await;
    let yard = Yard::new(&fleet);
    // Two versions, and copies of them to compare with.
    let versions: [(PathBuf, PathBuf); 2] = [1, 2].map(|seed| {
        (
            yard.local(&format!("v{seed}"), BYTES, seed),
            yard.remote(&format!("v{seed}"), BYTES, seed),
        )
    });
    let targets = [
        yard.remote("target", BYTES, 1),
        yard.local("target", BYTES, 1),
    ];
    let mut whole = Duration::MAX;
    for _ in 0..3 {
        let took = time(&fleet, &versions[1].0, &on("web-01", &targets[0])).await;
        whole = whole.min(took);
    }
    let (mut killed, mut replaced) = (0, 0);
    for round in 0..rounds() {
        let upload = round % 2 == 0;
        let target = if upload { &targets[0] } else { &targets[1] };
        let before = usize::from(same(target, &versions[1].0));
        let (local, remote) = &versions[1 - before];
        let (from, to) = match upload {
            true => (local.display().to_string(), on("web-01", target)),
            false => (on("web-01", remote), target.display().to_string()),
        };
        let mut scout = start_cli(&fleet, &["copy", "--overwrite", &from, &to]);
        // Nothing is sent in the first quarter, and much is closed in the last.
        let moment = whole.mul_f64(0.25) + whole.mul_f64(0.9).mul_f64(random());
        tokio::time::sleep(moment).await;
        if round % 4 < 2 {
            scout.signal(nix::sys::signal::Signal::SIGKILL);
        } else {
            fleet.sshd(0).kill_sessions();
            fleet
                .sshd(0)
                .processes()
                .iter()
                .for_each(|proc| proc.signal(nix::sys::signal::Signal::SIGKILL));
        }
        let status = scout.wait_exit(Duration::from_secs(60)).await;
        // What a killed Scout had sent may still be worked on; a rename could be among it.
        crate::support::eventually("the host is idle", Duration::from_secs(10), || {
            fleet.processes().is_empty()
        })
        .await;
        let is = |version: usize| same(target, &versions[version].0);
        let (old, new) = (is(before), is(1 - before));
        assert!(
            old || new,
            "round {round}: {target:?} is neither, after {moment:?}, {status}"
        );
        assert!(
            new || !status.success(),
            "round {round}: success, and the file is the old one"
        );
        killed += usize::from(!status.success());
        replaced += usize::from(new);
        // How long a copy takes depends on what else the machine does by now: the moments follow it, so
        // that about as many come too late as in time.
        whole = whole.mul_f64(if status.success() { 0.9 } else { 1.08 });
    }
    eprintln!(
        "{} rounds, the last of about {whole:?}: {killed} killed, {replaced} replaced",
        rounds()
    );
    assert!(
        killed > rounds() / 4 && replaced > 0,
        "the moments were no moments"
    );
    // What was left is gone on from, or begun anew: the next copy is whole.
    for (from, to, place) in [
        (
            versions[1].0.display().to_string(),
            on("web-01", &targets[0]),
            &targets[0],
        ),
        (
            on("web-01", &versions[1].1),
            targets[1].display().to_string(),
            &targets[1],
        ),
    ] {
        let mut scout = start_cli(&fleet, &["copy", "--overwrite", &from, &to]);
        let status = scout.wait_exit(Duration::from_secs(60)).await;
        assert!(status.success(), "{}", scout.stderr());
        assert!(same(place, &versions[1].0));
    }
}

/// How long the copy takes when nobody is killed.
async fn time(fleet: &Fleet, from: &Path, to: &str) -> Duration {
    let began = std::time::Instant::now();
    let from = from.display().to_string();
    let mut scout = start_cli(fleet, &["copy", "--overwrite", &from, to]);
    let status = scout.wait_exit(Duration::from_secs(60)).await;
    assert!(status.success(), "{:?}: {}", binary(), scout.stderr());
    began.elapsed()
}
