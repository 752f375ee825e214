//! Which processes are left on a host. Reads `/proc`; a zombie is not a survivor, and neither is the
//! test itself nor the program under test. Never kills by name.

use std::collections::HashMap;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;

/// A live process as `/proc` shows it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Proc {
    pub(crate) pid: i32,
    pub(crate) parent: i32,
    /// One letter of proc(5): `R`, `S`, `D`, `T`; never `Z` or `X`.
    pub(crate) state: char,
    /// The kernel's name of the program, 15 bytes at most.
    pub(crate) name: String,
    /// The arguments, joined by spaces.
    pub(crate) argv: String,
    /// When it started, in clock ticks since boot: with the id, this names a process for good.
    started: u64,
}

impl Proc {
    /// Whether it still lives; another process that got the same id does not count.
    pub(crate) fn lives(&self) -> bool {
        look(self.pid).is_some_and(|now| now.started == self.started)
    }

    /// Sends a signal; a process that is gone already is fine.
    pub(crate) fn signal(&self, signal: Signal) {
        let _ = kill(Pid::from_raw(self.pid), signal);
    }
}

/// A word that no other test uses. A command that carries it can be found wherever it went.
pub(crate) fn marker() -> String {
    let mut bytes = [0; 8];
    getrandom::fill(&mut bytes).unwrap();
    format!("scoutmark{:016x}", u64::from_be_bytes(bytes))
}

/// The live processes that carry `marker` in their arguments or environment, except this one and the
/// program under test.
pub(crate) fn survivors(marker: &str) -> Vec<Proc> {
    let program = super::server::binary();
    let carries = |proc: &Proc| {
        let dir = dir_of(proc.pid);
        proc.pid != std::process::id().cast_signed()
            && std::fs::read_link(dir.join("exe")).is_ok_and(|exe| exe != program)
            && (proc.argv.contains(marker) || file_contains(&dir.join("environ"), marker))
    };
    all().into_iter().filter(carries).collect()
}

/// The live processes below `root`, without it. A process whose parent died is no longer below
/// anyone: look for such with a marker.
pub(crate) fn descendants(root: i32) -> Vec<Proc> {
    let mut below: HashMap<i32, Vec<Proc>> = HashMap::new();
    for proc in all() {
        below.entry(proc.parent).or_default().push(proc);
    }
    let mut found = Vec::new();
    let mut heads = vec![root];
    while let Some(head) = heads.pop() {
        for proc in below.remove(&head).unwrap_or_default() {
            heads.push(proc.pid);
            found.push(proc);
        }
    }
    found
}

/// Waits until nobody carries `marker`; says how long that took. Panics with the survivors.
pub(crate) async fn wait_gone(marker: &str, within: Duration) -> Duration {
    wait_until(marker, within, "survivors", |left| left.is_empty()).await
}

/// Waits until at least one process carries `marker`; says how long that took.
pub(crate) async fn wait_present(marker: &str, within: Duration) -> Duration {
    wait_until(marker, within, "nobody carries the marker", |left| {
        !left.is_empty()
    })
    .await
}

async fn wait_until(
    marker: &str,
    within: Duration,
    what: &str,
    done: impl Fn(&[Proc]) -> bool,
) -> Duration {
    let start = Instant::now();
    loop {
        let left = survivors(marker);
        if done(&left) {
            return start.elapsed();
        }
        assert!(
            start.elapsed() < within,
            "{what} after {within:?}: {left:#?}"
        );
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
}

/// Every live process of the machine.
pub(crate) fn all() -> Vec<Proc> {
    let entries = std::fs::read_dir("/proc").expect("Linux");
    let pids = entries
        .flatten()
        .filter_map(|entry| entry.file_name().to_str()?.parse().ok());
    pids.filter_map(look).collect()
}

/// The process with this id, if it lives.
pub(crate) fn look(pid: i32) -> Option<Proc> {
    let stat = std::fs::read(dir_of(pid).join("stat")).ok()?;
    let (name, state, parent, started) = parse_stat(&String::from_utf8_lossy(&stat))?;
    let argv = std::fs::read(dir_of(pid).join("cmdline")).ok()?;
    let argv = String::from_utf8_lossy(&argv)
        .trim_end_matches('\0')
        .replace('\0', " ");
    (!matches!(state, 'Z' | 'X')).then_some(Proc {
        pid,
        parent,
        state,
        name,
        argv,
        started,
    })
}

/// Name, state, parent and start of `pid (name) state parent ..`; the name may hold spaces and
/// parentheses, so the last closing one ends it. The start is field 22 (proc(5)).
fn parse_stat(stat: &str) -> Option<(String, char, i32, u64)> {
    let (head, tail) = stat.rsplit_once(')')?;
    let name = head.split_once('(')?.1.to_owned();
    let fields: Vec<_> = tail.split_whitespace().collect();
    let state = fields.first()?.chars().next()?;
    Some((
        name,
        state,
        fields.get(1)?.parse().ok()?,
        fields.get(19)?.parse().ok()?,
    ))
}

fn dir_of(pid: i32) -> PathBuf {
    PathBuf::from(format!("/proc/{pid}"))
}

fn file_contains(path: &Path, needle: &str) -> bool {
    std::fs::read(path).is_ok_and(|bytes| String::from_utf8_lossy(&bytes).contains(needle))
}

#[test]
fn a_name_with_parentheses_does_not_shift_the_fields() {
    let stat = "7 (a) b) (c) S 42 7 7 0 -1 4194560 1 0 0 0 0 0 0 0 20 0 1 0 991 2 3";
    assert_eq!(
        parse_stat(stat),
        Some(("a) b) (c".to_owned(), 'S', 42, 991))
    );
}
