//! Asked to end, the server ends in order: it says that it is not ready, takes nothing new, lets what runs
//! finish within the grace, stops the rest on the hosts, closes every connection and exits with 0. Asked
//! twice, it ends at once.

use std::process::Stdio;
use std::time::{Duration, Instant};

use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
use serde_json::{Value, json};
use tokio::io::{AsyncBufReadExt as _, AsyncWriteExt as _, BufReader, Lines};
use tokio::process::{Child, ChildStdin, ChildStdout};
use tokio::task::JoinHandle;

use crate::support::client::{Era, RpcError, ToolResult};
use crate::support::eventually;
use crate::support::fleet::Fleet;
use crate::support::procs::{marker, wait_gone, wait_present};
use crate::support::server::{ServerBuilder, TestServer, stdio_command};

const SOON: Duration = Duration::from_secs(10);

fn operator(fleet: &Fleet) -> ServerBuilder {
    TestServer::builder(fleet).env("SCOUT_ROLE", "operator")
}

/// A call under way: `command` carries a marker by which its processes are found.
async fn calling(
    server: &TestServer,
    host: &str,
    command: &str,
) -> (JoinHandle<Result<ToolResult, RpcError>>, String) {
    let word = marker();
    let client = server.client(Era::Modern);
    let arguments = json!({"host": host, "command": command, "env": {"MARK": word}});
    let call = tokio::spawn(async move { client.try_call_tool("run", arguments).await });
    wait_present(&word, SOON).await;
    (call, word)
}

async fn ready(server: &TestServer) -> u16 {
    let answer = reqwest::get(server.ops_url("/readyz")).await.unwrap();
    answer.status().as_u16()
}

/// Waits until the hosts have neither a connection nor a process. `sshd` needs a moment to notice the end
/// of a connection, and to bury what it ran.
async fn left_alone(fleet: &Fleet) {
    eventually("the hosts are left alone", SOON, || {
        fleet.established() == 0 && fleet.processes().is_empty()
    })
    .await;
}

#[tokio::test]
async fn what_runs_finishes_with_its_answer_and_nothing_new_begins() {
    let fleet = Fleet::start(2).await;
    let mut server = operator(&fleet).start().await;
    assert_eq!(ready(&server).await, 200);
    let (first, _) = calling(&server, "web-01", "sleep 3; echo done").await;
    let (second, _) = calling(&server, "web-02", "sleep 3; echo done").await;
    let start = Instant::now();
    server.sigterm();
    while ready(&server).await == 200 {
        assert!(start.elapsed() < Duration::from_secs(2), "still ready");
    }
    // The listener closes in the same breath, which is not the same moment.
    while reqwest::get(server.page_url("/health")).await.is_ok() {
        let late = start.elapsed() >= Duration::from_secs(2);
        assert!(!late, "a new connection was served");
    }
    assert_eq!(ready(&server).await, 503);
    for call in [first, second] {
        let result = call.await.unwrap().expect("the answer of a call in flight");
        assert_eq!(result.structured["stdout"], "done\n", "{}", result.text);
    }
    let status = server.program_mut().wait_exit(SOON).await;
    assert_eq!(status.code(), Some(0), "{}", server.program().stderr());
    left_alone(&fleet).await;
}

#[tokio::test]
async fn calls_are_taken_until_a_balancer_has_noticed() {
    let fleet = Fleet::start(1).await;
    let mut server = operator(&fleet)
        .env("SCOUT_SHUTDOWN_DELAY", "6s")
        .start()
        .await;
    let draining = async || server.metrics().await.value("scout_draining", &[]);
    assert_eq!(draining().await, Some(0.0));
    let start = Instant::now();
    server.sigterm();
    while ready(&server).await == 200 {
        assert!(start.elapsed() < Duration::from_secs(2), "still ready");
    }
    assert_eq!(draining().await, Some(1.0));
    let arguments = json!({"host": "web-01", "command": "echo done"});
    let result = server.client(Era::Modern).call_tool("run", arguments).await;
    assert_eq!(result.text, "done\n");
    let status = server.program_mut().wait_exit(SOON).await;
    assert_eq!(status.code(), Some(0), "{}", server.program().stderr());
    assert!(start.elapsed() >= Duration::from_secs(6));
}

#[tokio::test]
async fn what_does_not_finish_within_the_grace_is_stopped_on_its_host() {
    let fleet = Fleet::start(1).await;
    let builder = operator(&fleet).env("SCOUT_SHUTDOWN_GRACE", "1s");
    let mut server = builder.start().await;
    let (call, word) = calling(&server, "web-01", "sleep 300; echo never").await;
    let (stubborn, other) = calling(&server, "web-01", "trap '' TERM; sleep 300; sleep 300").await;
    let start = Instant::now();
    server.sigterm();
    let status = server.program_mut().wait_exit(SOON).await;
    println!("ended after {:?}", start.elapsed());
    assert!(start.elapsed() >= Duration::from_secs(1));
    assert_eq!(status.code(), Some(0), "{}", server.program().stderr());
    left_alone(&fleet).await;
    for word in [word, other] {
        let took = wait_gone(&word, Duration::from_secs(4)).await;
        println!("its processes were gone {took:?} later");
    }
    for call in [call, stubborn] {
        let result = call.await.unwrap().expect("the answer of a cancelled call");
        assert!(result.is_error, "{}", result.text);
        assert_eq!(result.structured["outcome"], "cancelled");
    }
    let log = server.program().stderr();
    assert!(log.contains("cut off at the end of the grace"), "{log}");
}

#[tokio::test]
async fn a_second_signal_ends_it_at_once() {
    let fleet = Fleet::start(1).await;
    for second in [Signal::SIGTERM, Signal::SIGINT] {
        let mut server = operator(&fleet).start().await;
        let (_call, word) = calling(&server, "web-01", "sleep 300").await;
        server.sigterm();
        eventually("it heard the first", SOON, || {
            server.program().stderr().contains("shutting down")
        })
        .await;
        let start = Instant::now();
        server.program().signal(second);
        let status = server.program_mut().wait_exit(SOON).await;
        assert_eq!(status.code(), Some(130));
        assert!(start.elapsed() < Duration::from_secs(2));
        // Even so nothing outlives its call: the hosts see the lifeline end.
        wait_gone(&word, SOON).await;
    }
}

/// `scout stdio` as a child with its pipes.
struct Piped {
    child: Child,
    input: Option<ChildStdin>,
    output: Option<Lines<BufReader<ChildStdout>>>,
}

impl Piped {
    fn start(fleet: &Fleet) -> Self {
        let mut command = stdio_command(fleet);
        command
            .env("SCOUT_ROLE", "operator")
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .kill_on_drop(true);
        let mut child = command.spawn().unwrap();
        Self {
            input: child.stdin.take(),
            output: child
                .stdout
                .take()
                .map(|output| BufReader::new(output).lines()),
            child,
        }
    }

    async fn send(&mut self, id: u64, command: &str, word: &str) {
        let arguments = json!({"host": "web-01", "command": command, "env": {"MARK": word}});
        let params = Era::Modern.envelope(json!({"name": "run", "arguments": arguments}));
        let call = json!({"jsonrpc": "2.0", "id": id, "method": "tools/call", "params": params});
        let line = format!("{call}\n");
        self.input
            .as_mut()
            .unwrap()
            .write_all(line.as_bytes())
            .await
            .unwrap();
        wait_present(word, SOON).await;
    }

    async fn line(&mut self) -> Value {
        let line = tokio::time::timeout(SOON, self.output.as_mut().unwrap().next_line()).await;
        serde_json::from_str(&line.unwrap().unwrap().expect("an answer")).unwrap()
    }

    async fn code(&mut self, within: Duration) -> Option<i32> {
        let ended = tokio::time::timeout(within, self.child.wait()).await;
        ended.expect("it ends").unwrap().code()
    }

    fn terminate(&self) {
        let pid = self.child.id().unwrap().cast_signed();
        kill(Pid::from_raw(pid), Signal::SIGTERM).unwrap();
    }
}

#[tokio::test]
async fn the_end_of_input_and_a_signal_end_a_child_of_a_client_in_order() {
    let fleet = Fleet::start(1).await;
    for signalled in [false, true] {
        let mut scout = Piped::start(&fleet);
        let word = marker();
        scout.send(7, "sleep 2; echo done", &word).await;
        if signalled {
            scout.terminate();
        } else {
            drop(scout.input.take());
        }
        let answer = scout.line().await;
        assert_eq!(answer["id"], 7, "{answer}");
        let result = &answer["result"];
        assert_eq!(result["structuredContent"]["stdout"], "done\n", "{answer}");
        assert_eq!(scout.code(SOON).await, Some(0), "signalled: {signalled}");
        left_alone(&fleet).await;
    }
}

#[tokio::test]
async fn a_client_that_closes_its_end_of_the_pipe_ends_it_without_a_trace() {
    let fleet = Fleet::start(1).await;
    let mut scout = Piped::start(&fleet);
    let word = marker();
    scout.send(1, "sleep 2; echo into the void", &word).await;
    drop((scout.output.take(), scout.input.take()));
    let code = scout.code(SOON).await;
    assert!(
        code.is_some(),
        "a signal ended it: SIGPIPE is not an end in order"
    );
    wait_gone(&word, SOON).await;
    left_alone(&fleet).await;
}
