//! Nothing a command started lives on after its call: however the call ends, whatever the command does
//! to stay, and also when Scout itself is killed in the middle. A zombie is not alive.
//!
//! Processes are found by a variable that every call sets, and below `sshd`; both are read from `/proc`,
//! not asked of Scout.

mod commands;
mod ends;

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use futures_util::future::join_all;
use nix::unistd::{Pid, getpgid};
use serde_json::{Value, json};
use tokio::task::JoinSet;

use crate::support::account::{Account, is_root};
use crate::support::client::{Client, Era};
use crate::support::eventually;
use crate::support::fleet::Fleet;
use crate::support::procs::{Proc, marker, survivors, wait_gone};
use crate::support::server::TestServer;
use commands::{STUBBORN, command};
use ends::{End, Ways};

/// How long what a call started may live after it.
const GONE: Duration = Duration::from_secs(3);

/// How much later than its time limit a call may be answered.
const LATE: Duration = Duration::from_secs(2);

/// The accounts to prove it for: `sshd` before OpenSSH 10 refuses to signal sessions of root.
fn accounts() -> Vec<Account> {
    let mut accounts = vec![Account::usual()];
    if is_root() {
        accounts.push(Account::current());
    } else {
        eprintln!("SKIPPED: sessions as root, because the tests do not run as root");
    }
    accounts
}

async fn fleet(hosts: usize, account: Account) -> Fleet {
    Fleet::builder().hosts(hosts).account(account).start().await
}

/// A server whose callers have the shell, with every host connected.
async fn operator(fleet: &Fleet, env: &[(&str, &str)]) -> TestServer {
    let mut builder = TestServer::builder(fleet).env("SCOUT_ROLE", "operator");
    for (name, value) in env {
        builder = builder.env(name, value);
    }
    let server = builder.start().await;
    let client = server.client(Era::Modern);
    join_all(fleet.names().iter().map(|host| connect(&client, host))).await;
    server
}

async fn connect(client: &Client, host: &str) {
    let call = json!({"host": host, "command": "true"});
    let result = client.call_tool("run", call).await;
    assert!(!result.is_error, "{}", result.text);
}

/// Waits until the hosts run nothing; says how long that took.
async fn emptied(fleet: &Fleet) -> Duration {
    let start = Instant::now();
    loop {
        let left = fleet.processes();
        if left.is_empty() {
            return start.elapsed();
        }
        assert!(start.elapsed() < GONE, "left after {GONE:?}: {left:#?}");
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
}

/// A call of `run` whose processes carry `mark`. Little output is kept: this is not about output.
fn call(host: &str, line: &str, mark: &str) -> Value {
    json!({"host": host, "command": line, "env": {"SCOUT_TEST_MARK": mark}, "max_bytes": 1000})
}

/// A small generator (xorshift), so that a failure can be repeated from the seed it prints.
pub(crate) struct Dice(u64);

impl Dice {
    /// From `SCOUT_TEST_SEED`, or fresh.
    fn new() -> Self {
        let given = std::env::var("SCOUT_TEST_SEED")
            .ok()
            .and_then(|seed| seed.parse().ok());
        let seed = given.unwrap_or_else(|| {
            let mut bytes = [0; 8];
            getrandom::fill(&mut bytes).unwrap();
            u64::from_be_bytes(bytes) | 1
        });
        eprintln!("SCOUT_TEST_SEED={seed}");
        Self(seed)
    }

    fn below(&mut self, n: u64) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        self.0 % n
    }
}

/// What became of one random call.
struct Trial {
    end: End,
    what: String,
    /// Whether its processes were there when it was ended.
    ran: bool,
    gone: Duration,
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn two_hundred_random_ends_leave_no_process() {
    const WORKERS: usize = 4;
    let trials = match std::env::var("SCOUT_TEST_TRIALS") {
        Ok(trials) => trials.parse().expect("a number in SCOUT_TEST_TRIALS"),
        Err(_) => 200,
    };
    let fleet = fleet(WORKERS, Account::usual()).await;
    let server = operator(&fleet, &[]).await;
    let ways = Ways::new(&fleet, &server).await;
    let mut dice = Dice::new();
    let mut plans = vec![Vec::new(); WORKERS];
    for trial in 0..trials {
        plans[trial % WORKERS].push((
            dice.below(1 << 32),
            dice.below(1 << 32),
            dice.below(1 << 32),
        ));
    }
    let workers = plans.into_iter().zip(fleet.names()).map(|(plan, host)| {
        let ways = &ways;
        async move {
            let mut trials = Vec::new();
            for (end, what, pause) in plan {
                trials
                    .push(trial(ways, &host, end, what, Duration::from_millis(pause % 500)).await);
            }
            trials
        }
    });
    let done: Vec<Trial> = join_all(workers).await.into_iter().flatten().collect();

    // A call that was ended before it started must not start later.
    tokio::time::sleep(GONE).await;
    assert_eq!(fleet.processes(), [], "left after everything");
    let mut table = BTreeMap::<(End, String), (usize, Duration)>::new();
    for trial in &done {
        let row = table.entry((trial.end, trial.what.clone())).or_default();
        *row = (row.0 + 1, row.1.max(trial.gone));
    }
    eprintln!("{table:#?}");
    let ran = done.iter().filter(|trial| trial.ran).count();
    assert!(
        ran * 2 > done.len(),
        "only {ran} of {} calls ran when they were ended",
        done.len()
    );
    for end in End::ALL {
        assert!(
            done.iter().any(|trial| trial.end == end),
            "never ended by {end:?}"
        );
    }
}

async fn trial(ways: &Ways<'_>, host: &str, end: u64, what: u64, pause: Duration) -> Trial {
    let end = End::ALL[usize::try_from(end).unwrap() % End::ALL.len()];
    let (what, line) = command(what);
    let mark = marker();
    // Half a second covers the whole life of a call: its queue, its channel, its script, its processes.
    let ran = ways
        .end(end, call(host, line, &mark), pause, || {
            !survivors(&mark).is_empty()
        })
        .await;
    let gone = wait_gone(&mark, GONE).await;
    Trial {
        end,
        what: what.into(),
        ran,
        gone,
    }
}

/// Runs a line that does not end until the answer is in time and proven by the host. What it started is
/// gone each time; only the proof may be late, where the machine has a second's work waiting for each
/// process, and Scout says then that it has none.
async fn cut_in_time(client: &Client, host: &str, what: &str, line: &str) {
    let mut tries = Vec::new();
    for _ in 0..3 {
        let mark = marker();
        let mut arguments = call(host, line, &mark);
        arguments["timeout_s"] = 1.into();
        let start = Instant::now();
        let result = client.call_tool("run", arguments).await;
        let took = start.elapsed();
        assert!(result.is_error, "{what}");
        let said = &result.structured;
        assert_eq!(said["outcome"], "timed_out", "{what}: {}", result.text);
        // `verified` means now, but for the kernel's own time to bury the killed.
        let gone = wait_gone(&mark, GONE).await;
        let stopped = said["stopped"].as_str().unwrap().to_owned();
        let proven = stopped == "verified" && took <= Duration::from_secs(1) + LATE;
        tries.push((stopped, took, gone));
        if proven {
            eprintln!("{what}: stopped, answered after, gone after another: {tries:?}");
            return;
        }
    }
    panic!("{what} on {host} was never proven to be stopped in time: {tries:?}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_time_limit_ends_everything_in_time_and_says_so() {
    for account in accounts() {
        eprintln!("root: {}", account.is_root());
        let fleet = fleet(2, account).await;
        let server = operator(&fleet, &[]).await;
        let client = server.client(Era::Modern);
        let names = fleet.names();
        for pair in commands::ALL.chunks(4) {
            let calls = pair
                .iter()
                .enumerate()
                .map(|(at, (what, line))| cut_in_time(&client, &names[at % 2], what, line));
            join_all(calls).await;
        }
        emptied(&fleet).await;
    }
}

#[tokio::test]
async fn what_a_command_leaves_in_its_group_ends_with_it_and_delays_nothing() {
    let fleet = fleet(1, Account::usual()).await;
    let server = operator(&fleet, &[]).await;
    let client = server.client(Era::Modern);
    for line in [
        "(sleep 600 &); echo done",
        "sleep 600 & echo done",
        "nohup sleep 600 >/dev/null 2>&1 & echo done",
        "sh -c 'trap \"\" TERM HUP; sleep 600; sleep 600' >/dev/null 2>&1 & echo done",
    ] {
        let mark = marker();
        let start = Instant::now();
        let result = client.call_tool("run", call("web-01", line, &mark)).await;
        let took = start.elapsed();
        assert_eq!(result.structured["exit_code"], 0, "{line}: {}", result.text);
        assert_eq!(result.text, "done\n", "{line}");
        assert!(
            took < Duration::from_secs(2),
            "{line}: answered after {took:?}"
        );
        let gone = wait_gone(&mark, GONE).await;
        let emptied = emptied(&fleet).await;
        eprintln!("{line}: answered after {took:?}, gone after {gone:?} and {emptied:?}");
    }
    emptied(&fleet).await;
}

#[tokio::test]
async fn a_daemon_that_a_command_started_on_purpose_lives_on() {
    let fleet = fleet(1, Account::usual()).await;
    let server = operator(&fleet, &[]).await;
    let client = server.client(Era::Modern);
    for line in [
        // The pause: a session that is still being made would end with the group.
        "setsid -f sleep 600; sleep 0.3; echo done",
        "setsid -f sleep 600 >/dev/null 2>&1 </dev/null; sleep 0.3; echo done",
    ] {
        let mark = marker();
        let start = Instant::now();
        let result = client.call_tool("run", call("web-01", line, &mark)).await;
        let took = start.elapsed();
        assert_eq!(result.text, "done\n", "{line}");
        assert!(took < Duration::from_secs(2), "{line}: {took:?}");
        tokio::time::sleep(Duration::from_secs(1)).await;
        let daemons = survivors(&mark);
        assert_eq!(daemons.len(), 1, "{line}: {daemons:?}");
        for daemon in daemons {
            daemon.signal(nix::sys::signal::Signal::SIGKILL);
        }
        wait_gone(&mark, GONE).await;
    }
}

/// Eight commands that stay as long as they can, running on one host; the answers, should they come.
async fn eight(server: &TestServer, fleet: &Fleet, mark: &str) -> JoinSet<()> {
    let client = server.client(Era::Modern);
    let mut calls = JoinSet::new();
    for at in 0..8 {
        let call = call("web-01", STUBBORN[at % STUBBORN.len()].1, mark);
        let request = client.prepare("tools/call", json!({"name": "run", "arguments": call}));
        calls.spawn(async move { drop(request.send().await.map(|answer| answer.bytes())) });
    }
    eventually("eight running commands", Duration::from_secs(20), || {
        let all = fleet.processes();
        let scripts = all
            .iter()
            .filter(|proc| all.iter().any(|child| child.parent == proc.pid));
        scripts
            .filter(|proc| proc.argv == "/bin/sh -s" && leads(proc))
            .count()
            == 8
            && survivors(mark).len() >= 8
    })
    .await;
    calls
}

/// Whether it is the leader of its process group, as only the script of a call is.
fn leads(proc: &Proc) -> bool {
    let pid = Pid::from_raw(proc.pid);
    getpgid(Some(pid)).is_ok_and(|group| group == pid)
}

#[tokio::test]
async fn killing_scout_ends_what_it_ran() {
    for account in accounts() {
        let root = account.is_root();
        let fleet = fleet(1, account).await;
        let server = operator(&fleet, &[]).await;
        let mark = marker();
        let calls = eight(&server, &fleet, &mark).await;
        assert_eq!(calls.len(), 8, "none is answered yet");
        server.kill9();
        let took = emptied(&fleet).await;
        assert_eq!(survivors(&mark), []);
        eprintln!("root {root}: gone {took:?} after SIGKILL");
    }
}

#[tokio::test]
async fn a_shutdown_ends_what_does_not_end_by_itself() {
    for account in accounts() {
        let root = account.is_root();
        let fleet = fleet(1, account).await;
        let mut server = operator(&fleet, &[("SCOUT_SHUTDOWN_GRACE", "1s")]).await;
        let mark = marker();
        let _calls = eight(&server, &fleet, &mark).await;
        server.sigterm();
        let begun = Instant::now();
        let status = server
            .program_mut()
            .wait_exit(Duration::from_secs(10))
            .await;
        let ended = begun.elapsed();
        assert_eq!(status.code(), Some(0));
        assert!(
            ended >= Duration::from_secs(1),
            "the grace was not given: {ended:?}"
        );
        let took = emptied(&fleet).await;
        assert_eq!(survivors(&mark), []);
        eprintln!("root {root}: ended {ended:?} after SIGTERM, processes gone {took:?} later");
    }
}
