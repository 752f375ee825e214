//! The ways in which a call ends early: the client hangs up, sends `notifications/cancelled`, or set a
//! time limit. Each is one real client doing it over the wire.

use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use serde_json::{Value, json};
use tokio::io::{AsyncBufReadExt as _, AsyncWriteExt as _, BufReader};
use tokio::process::{Child, ChildStdin, ChildStdout};
use tokio::sync::Mutex;

use crate::support::client::{Client, Era};
use crate::support::fleet::Fleet;
use crate::support::server::{TestServer, stdio_command};

/// One of them.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum End {
    HangUpModern,
    HangUpLegacy,
    CancelledModern,
    CancelledLegacy,
    TimeLimit,
}

impl End {
    pub(super) const ALL: [Self; 5] = [
        Self::HangUpModern,
        Self::HangUpLegacy,
        Self::CancelledModern,
        Self::CancelledLegacy,
        Self::TimeLimit,
    ];
}

/// The clients for all of them.
pub(super) struct Ways<'a> {
    server: &'a TestServer,
    modern: Pipes,
    legacy: Pipes,
}

impl<'a> Ways<'a> {
    pub(super) async fn new(fleet: &Fleet, server: &'a TestServer) -> Self {
        Self {
            server,
            modern: Pipes::start(fleet, Era::Modern).await,
            legacy: Pipes::start(fleet, Era::Legacy).await,
        }
    }

    /// Starts the call and ends it in this way `after` a while; says whether `runs` was true just
    /// before. Panics when the call is answered before its end.
    pub(super) async fn end(
        &self,
        end: End,
        mut call: Value,
        after: Duration,
        runs: impl FnOnce() -> bool,
    ) -> bool {
        match end {
            End::HangUpModern => hang_up(&self.server.client(Era::Modern), call, after, runs).await,
            End::HangUpLegacy => hang_up(&self.server.client(Era::Legacy), call, after, runs).await,
            End::CancelledModern => self.modern.cancel(call, after, runs).await,
            End::CancelledLegacy => self.legacy.cancel(call, after, runs).await,
            End::TimeLimit => {
                call["timeout_s"] = after.max(Duration::from_millis(50)).as_secs_f64().into();
                let client = self.server.client(Era::Modern);
                let result = client.call_tool("run", call.clone()).await;
                let outcome = &result.structured;
                assert_eq!(outcome["outcome"], "timed_out", "{call}: {}", result.text);
                assert_eq!(outcome["stopped"], "verified", "{call}: {}", result.text);
                true
            }
        }
    }
}

async fn hang_up(
    client: &Client,
    call: Value,
    after: Duration,
    runs: impl FnOnce() -> bool,
) -> bool {
    let request = client.prepare("tools/call", json!({"name": "run", "arguments": call}));
    let answer = async { request.send().await.unwrap().text().await.unwrap() };
    // Dropping the answer closes its connection: nothing else runs on it.
    match tokio::time::timeout(after, answer).await {
        Err(_) => runs(),
        Ok(answer) => panic!("{call}: answered early: {answer}"),
    }
}

/// A `scout stdio`, and its two pipes. Dropping it kills it.
struct Pipes {
    era: Era,
    stdin: Mutex<ChildStdin>,
    next_id: AtomicU64,
    _child: Child,
}

impl Pipes {
    async fn start(fleet: &Fleet, era: Era) -> Self {
        let mut command = stdio_command(fleet);
        command.env("SCOUT_ROLE", "operator").kill_on_drop(true);
        command.stdin(std::process::Stdio::piped());
        command.stdout(std::process::Stdio::piped());
        command.stderr(std::process::Stdio::null());
        let mut child = command.spawn().unwrap();
        let mut stdout = BufReader::new(child.stdout.take().unwrap());
        let pipes = Self {
            era,
            stdin: Mutex::new(child.stdin.take().unwrap()),
            next_id: AtomicU64::new(1),
            _child: child,
        };
        if era == Era::Legacy {
            let hello = json!({
                "protocolVersion": era.version(), "capabilities": {}, "clientInfo": {"name": "it", "version": "1"},
            });
            pipes
                .send(json!({"jsonrpc": "2.0", "id": 0, "method": "initialize", "params": hello}))
                .await;
            let mut line = String::new();
            stdout.read_line(&mut line).await.unwrap();
            assert!(line.contains(era.version()), "{line}");
            pipes
                .send(json!({"jsonrpc": "2.0", "method": "notifications/initialized"}))
                .await;
        }
        tokio::spawn(no_answers(stdout));
        pipes
    }

    async fn cancel(&self, call: Value, after: Duration, runs: impl FnOnce() -> bool) -> bool {
        let id = self.next_id.fetch_add(1, Ordering::Relaxed);
        let params = self.era.envelope(json!({"name": "run", "arguments": call}));
        self.send(json!({"jsonrpc": "2.0", "id": id, "method": "tools/call", "params": params}))
            .await;
        tokio::time::sleep(after).await;
        let ran = runs();
        let params = json!({"requestId": id, "reason": "the test says so"});
        self.send(json!({"jsonrpc": "2.0", "method": "notifications/cancelled", "params": params}))
            .await;
        ran
    }

    async fn send(&self, message: Value) {
        let line = format!("{message}\n");
        self.stdin
            .lock()
            .await
            .write_all(line.as_bytes())
            .await
            .unwrap();
    }
}

/// Reads on, so that the pipe never fills. What is cancelled must not be answered.
async fn no_answers(mut stdout: BufReader<ChildStdout>) {
    let mut line = String::new();
    while stdout.read_line(&mut line).await.is_ok_and(|read| read > 0) {
        eprintln!("an answer to a cancelled request: {line}");
        line.clear();
    }
}
