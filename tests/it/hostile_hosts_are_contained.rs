//! A host that lets Scout in and then breaks the protocol costs its caller a bounded wait and a plain
//! error: no channel of its own is accepted, no end without a report is a success, nothing it sends
//! fills the memory, and no name it invents becomes a path.

mod transfers;

use std::path::PathBuf;
use std::time::{Duration, Instant};

use futures_util::future::join_all;
use serde_json::{Value, json};

use crate::support::client::{Era, ToolResult};
use crate::support::eventually;
use crate::support::fleet::Fleet;
use crate::support::hostile::{Ending, Exec, HostileHost, Opens, Script, Sftp};
use crate::support::server::TestServer;

const SOON: Duration = Duration::from_secs(10);
/// `SCOUT_REQUEST_TIMEOUT` of these tests: the deadline of every call.
const DEADLINE: Duration = Duration::from_secs(8);
const MARGIN: Duration = Duration::from_secs(2);

/// A server with one hostile host per script, `bad-0` and on, beside one good one.
struct Stage {
    fleet: Fleet,
    hosts: Vec<HostileHost>,
    server: TestServer,
    /// The directory of this machine that is open to copies.
    here: PathBuf,
}

impl Stage {
    async fn set(scripts: &[Script]) -> Self {
        let mut fleet = Fleet::start(1).await;
        let mut hosts = Vec::new();
        for (index, script) in scripts.iter().enumerate() {
            let host = HostileHost::start(*script).await;
            fleet.add(host.entry(&format!("bad-{index}")));
            hosts.push(host);
        }
        let here = fleet.dir().join("here");
        std::fs::create_dir(&here).unwrap();
        let builder = TestServer::builder(&fleet)
            .env("SCOUT_TRANSFER_ROOTS", here.display())
            .env("SCOUT_ROLE", "operator")
            .env("SCOUT_REQUEST_TIMEOUT", DEADLINE.as_secs())
            .env("SCOUT_COMMAND_TIMEOUT", 2);
        let server = builder.start().await;
        Self {
            fleet,
            hosts,
            server,
            here,
        }
    }

    async fn call(&self, tool: &str, arguments: Value) -> ToolResult {
        let start = Instant::now();
        let client = self.server.client(Era::Modern);
        let result = client.call_tool(tool, arguments).await;
        let took = start.elapsed();
        println!("{took:?} {tool} {}", brief(&result.structured));
        assert!(took < DEADLINE + MARGIN, "{took:?}: {}", result.text);
        result
    }

    async fn run(&self, index: usize, command: &str) -> ToolResult {
        let arguments = json!({"host": format!("bad-{index}"), "command": command});
        self.call("run", arguments).await
    }

    async fn read(&self, index: usize, path: &str) -> ToolResult {
        let arguments = json!({"host": format!("bad-{index}"), "path": path});
        self.call("read", arguments).await
    }

    /// The server is as well as before: the good host answers, and nothing was a defect of its own.
    async fn is_well(&self) {
        let arguments = json!({"host": "web-01", "path": "/etc/hostname"});
        let result = self.call("read", arguments).await;
        assert!(!result.is_error, "{}", result.text);
        let log = self.server.program().stderr();
        assert!(!log.contains("panicked"), "{log}");
        assert_eq!(self.fleet.logins(), 1, "the good host is connected once");
    }
}

fn brief(value: &Value) -> String {
    value.to_string().chars().take(300).collect()
}

fn running(exec: Exec) -> Script {
    Script {
        exec,
        ..Script::default()
    }
}

fn lying(sftp: Sftp) -> Script {
    Script {
        sftp,
        ..Script::default()
    }
}

#[tokio::test]
async fn no_channel_that_a_host_opens_is_accepted() {
    let stage = Stage::set(&[Script {
        opens: Opens::EachKind(25),
        ..Script::default()
    }])
    .await;
    let result = stage.run(0, "echo here").await;
    assert_eq!(result.structured["stdout"], "here\n", "{}", result.text);
    let seen = stage.hosts[0].seen();
    eventually("each of them was answered", SOON, || {
        seen.refused_opens() + seen.accepted_opens() == 100
    })
    .await;
    assert_eq!(seen.accepted_opens(), 0);
    stage.is_well().await;
}

/// What each script does to `echo partial; exit 3`: the outcome or code that the caller sees. The word of
/// the script that ran counts, not the channel's: a channel can be ended by anybody in between.
#[tokio::test]
async fn an_end_without_an_honest_report_is_no_success() {
    let expected: [(Script, &[&str]); 10] = [
        (running(Exec::Run(Ending::NoStatus)), &["exited"]),
        (running(Exec::Run(Ending::TwoStatuses)), &["exited"]),
        (running(Exec::Run(Ending::Never)), &["exited"]),
        (running(Exec::Claim(None)), &["connection_lost"]),
        (running(Exec::Claim(Some(0))), &["no_shell"]),
        (running(Exec::Unanswered), &["timed_out"]),
        (running(Exec::Silent), &["timed_out"]),
        (running(Exec::Flood), &["timed_out"]),
        (
            Script {
                max_sessions: Some(0),
                ..Script::default()
            },
            &["host_busy"],
        ),
        (
            Script {
                hangs_up: true,
                ..Script::default()
            },
            &["connection_lost"],
        ),
    ];
    let stage = Stage::set(&expected.map(|(script, _)| script)).await;
    let before = stage.server.program().rss_mib();
    let calls = (0..expected.len()).map(|index| stage.run(index, "echo partial; exit 3"));
    let results = join_all(calls).await;
    for (index, (script, words)) in expected.iter().enumerate() {
        let result = &results[index];
        let answer = &result.structured;
        assert!(result.is_error, "{script:?}: {}", result.text);
        let said = |word: &&&str| answer["outcome"] == **word || answer["code"] == **word;
        assert!(words.iter().any(|word| said(&word)), "{script:?}: {answer}");
        if words == &["timed_out"] {
            // Neither does a flood keep the steps of stopping it from each other.
            let took = answer["duration_ms"].as_u64().unwrap();
            assert!(took < 8_000, "{script:?}: {took} ms for a limit of 2 s");
        }
        if words == &["exited"] {
            assert_eq!(answer["exit_code"], 3, "{script:?}: {answer}");
        }
    }
    let grown = stage.server.program().rss_mib() - before;
    assert!(grown < 64.0, "{grown} MiB for one flood");
    // Neither a host without channels nor one that hangs up is asked without end.
    let connections = |index: usize| stage.hosts[index].seen().connections();
    assert_eq!((connections(8), connections(9)), (1, 3));
    stage.is_well().await;
}

#[tokio::test]
async fn a_lying_sftp_server_is_bounded_in_time_and_size() {
    const CUT: &[&str] = &["remote_protocol_error"];
    let expected: [(Sftp, &[&str]); 7] = [
        // Its shell is honest, and this machine's own: it tells what is really there.
        (Sftp::Missing, &["directory", "not_found"]),
        (Sftp::Silent, &["sftp_silent"]),
        (Sftp::Garbage, &["sftp_silent"]),
        (Sftp::WrongIds, CUT),
        (Sftp::Oversized, CUT),
        (Sftp::Endless, &["directory"]),
        (Sftp::BadNames, CUT),
    ];
    let stage = Stage::set(&expected.map(|(sftp, _)| lying(sftp))).await;
    let before = stage.server.program().rss_mib();
    let results = join_all((0..7).map(|index| stage.read(index, "/srv"))).await;
    for ((sftp, words), result) in expected.iter().zip(&results) {
        let answer = &result.structured;
        let said = |word: &&str| answer["code"] == *word || answer["kind"] == *word;
        assert!(words.iter().any(said), "{sftp:?}: {}", brief(answer));
        let is_found = matches!(sftp, Sftp::Endless) || answer["kind"] == "directory";
        assert_eq!(result.is_error, !is_found, "{sftp:?}");
    }
    let endless = &results[5].structured;
    assert_eq!(endless["truncated"], true);
    let entries = endless["entries"].as_array().unwrap().len();
    assert!((1000..=20_000).contains(&entries), "{entries}");
    let asked = stage.hosts[5].seen().sftp_requests();
    assert!(asked < 2 * entries + 200, "{asked} for {entries} entries");
    let grown = stage.server.program().rss_mib() - before;
    assert!(grown < 64.0, "{grown} MiB");
    // The same for a file; here the liar gives a handle where there must be none.
    for (index, (sftp, words)) in expected.iter().enumerate() {
        let answer = stage.read(index, "/srv/a.txt").await.structured;
        let words = if *sftp == Sftp::Endless { &CUT } else { words };
        let said = words.iter().any(|word| answer["code"] == *word);
        assert!(said, "{sftp:?}: {}", brief(&answer));
    }
    stage.is_well().await;
}
