//! Sessions over in-memory pipes.

use std::sync::Arc;

use futures_util::future::BoxFuture;
use rmcp::model::{Implementation, JsonObject, Tool};
use serde_json::{Value, json};
use tokio::io::{AsyncBufReadExt, AsyncWriteExt, BufReader, DuplexStream};
use tokio::sync::Notify;
use tokio::task::JoinHandle;

use super::*;
use crate::mcp::{Answer, CallError, Catalogue, ToolCall};

/// `wait` runs until `go`; `version` tells the version of the call; `steps` reports progress.
#[derive(Default)]
struct Tools {
    started: Notify,
    go: Notify,
    stopped: Arc<Notify>,
}

impl Catalogue for Tools {
    fn implementation(&self) -> Implementation {
        Implementation::new("stdio-test", "0")
    }

    fn tools(&self, _: &Extensions) -> Arc<[Tool]> {
        let schema = JsonObject::from_iter([("type".to_owned(), json!("object"))]);
        let tool = |name: &'static str| Tool::new(name, name, schema.clone());
        Arc::from(["wait", "version", "steps"].map(tool))
    }

    fn call_tool(&self, call: ToolCall) -> BoxFuture<'_, Result<Answer, CallError>> {
        Box::pin(async move {
            match call.name.as_str() {
                "wait" => {
                    let mut dropped = DroppedEarly(Some(Arc::clone(&self.stopped)));
                    self.started.notify_one();
                    self.go.notified().await;
                    dropped.0 = None;
                }
                "steps" => (1..=3).for_each(|n| call.context.progress.report(n.into(), None, None)),
                _ => {}
            }
            Ok(Answer::text(call.context.version.as_str()))
        })
    }
}

struct DroppedEarly(Option<Arc<Notify>>);

impl Drop for DroppedEarly {
    fn drop(&mut self) {
        if let Some(notify) = self.0.take() {
            notify.notify_one();
        }
    }
}

/// The client's side.
struct Client {
    to: DuplexStream,
    from: tokio::io::Lines<BufReader<DuplexStream>>,
    server: JoinHandle<io::Result<()>>,
    tools: Arc<Tools>,
}

impl Client {
    fn start(settings: Settings) -> Self {
        let (to, input) = tokio::io::duplex(1 << 16);
        let (output, from) = tokio::io::duplex(1 << 16);
        let tools = Arc::new(Tools::default());
        let engine = Engine::new(Arc::clone(&tools) as Arc<dyn Catalogue>);
        let shutdown = CancellationToken::new();
        let server = tokio::spawn(serve(
            engine,
            Extensions::new(),
            input,
            output,
            settings,
            shutdown,
        ));
        Self {
            to,
            from: BufReader::new(from).lines(),
            server,
            tools,
        }
    }

    async fn send(&mut self, message: &Value) {
        self.raw(format!("{message}\n").as_bytes()).await;
    }

    async fn raw(&mut self, bytes: &[u8]) {
        self.to.write_all(bytes).await.unwrap();
    }

    async fn call(&mut self, id: Value, tool: &str) {
        let params = json!({"name": tool, "_meta": {"progressToken": "t"}});
        self.send(&json!({"jsonrpc": "2.0", "id": id, "method": "tools/call", "params": params}))
            .await;
    }

    async fn read(&mut self) -> Value {
        let line = tokio::time::timeout(Duration::from_secs(30), self.from.next_line());
        let line = line.await.expect("an answer").unwrap().expect("a line");
        serde_json::from_str(&line).unwrap()
    }

    /// Closes the input and reads the rest.
    async fn end(mut self) -> (Vec<Value>, io::Result<()>) {
        drop(self.to);
        let mut rest = Vec::new();
        while let Ok(Some(line)) = self.from.next_line().await {
            rest.push(serde_json::from_str(&line).unwrap());
        }
        (rest, self.server.await.unwrap())
    }
}

#[tokio::test]
async fn a_fast_request_overtakes_a_slow_one() {
    let mut client = Client::start(Settings::default());
    client.call(json!("slow"), "wait").await;
    client.call(json!(-2), "version").await;
    assert_eq!(client.read().await["id"], -2);
    client.tools.go.notify_one();
    assert_eq!(client.read().await["id"], "slow");
}

#[tokio::test]
async fn the_agreed_version_is_remembered() {
    let mut client = Client::start(Settings::default());
    let text = |reply: Value| reply["result"]["content"][0]["text"].clone();
    client.call(json!(1), "version").await;
    assert_eq!(text(client.read().await), "2025-11-25");
    let params = json!({"protocolVersion": "2025-06-18", "capabilities": {}});
    client
        .send(&json!({"jsonrpc": "2.0", "id": 2, "method": "initialize", "params": params}))
        .await;
    assert_eq!(
        client.read().await["result"]["protocolVersion"],
        "2025-06-18"
    );
    client.call(json!(3), "version").await;
    assert_eq!(text(client.read().await), "2025-06-18");
}

#[tokio::test]
async fn progress_comes_before_the_answer() {
    let mut client = Client::start(Settings::default());
    client.call(json!(1), "steps").await;
    for n in 1..=3 {
        let sent = client.read().await;
        assert_eq!(
            (&sent["method"], &sent["params"]["progress"]),
            (&json!("notifications/progress"), &json!(f64::from(n)))
        );
    }
    assert_eq!(client.read().await["id"], 1);
}

#[tokio::test]
async fn a_cancelled_request_stops_and_is_not_answered() {
    let mut client = Client::start(Settings::default());
    client.call(json!(1), "wait").await;
    client.tools.started.notified().await;
    let cancel = |id: Value| json!({"jsonrpc": "2.0", "method": "notifications/cancelled", "params": {"requestId": id}});
    client.send(&cancel(json!("1"))).await;
    client.send(&cancel(json!(1))).await;
    client.tools.stopped.notified().await;
    client.call(json!(2), "version").await;
    assert_eq!(client.read().await["id"], 2);
    assert!(client.end().await.0.is_empty());
}

#[tokio::test]
async fn garbage_is_answered_and_survived() {
    let mut client = Client::start(Settings {
        line: 1000,
        ..Settings::default()
    });
    client.raw(b"not json\n").await;
    assert_eq!(
        client.read().await,
        json!({"jsonrpc": "2.0", "error":
        {"code": -32700, "message": "not valid JSON in UTF-8"}})
    );
    client.raw(b"[1]\n\xff\xfe\n").await;
    assert_eq!(client.read().await["error"]["code"], -32600);
    assert_eq!(client.read().await["error"]["code"], -32700);
    client.raw(&[b'x'; 5000]).await;
    client.raw(b"\n").await;
    assert_eq!(client.read().await["error"]["code"], -32700);
    client.call(json!(1), "version").await;
    assert_eq!(client.read().await["id"], 1);
}

#[tokio::test]
async fn requests_are_bounded_and_ids_unique() {
    let mut client = Client::start(Settings {
        requests: 2,
        ..Settings::default()
    });
    client.call(json!(1), "wait").await;
    client.call(json!(1), "wait").await;
    let twice = client.read().await;
    assert_eq!(
        (&twice["id"], &twice["error"]["code"]),
        (&json!(1), &json!(-32600))
    );
    client.call(json!(2), "wait").await;
    client.call(json!(3), "version").await;
    let full = client.read().await;
    assert_eq!(
        (&full["id"], &full["error"]["code"]),
        (&json!(3), &json!(-32603))
    );
}

#[tokio::test]
async fn the_end_of_input_drains_what_runs() {
    let mut client = Client::start(Settings::default());
    client.call(json!(1), "wait").await;
    client.call(json!(2), "version").await;
    assert_eq!(client.read().await["id"], 2);
    client.tools.go.notify_one();
    let (rest, ended) = client.end().await;
    assert_eq!(rest.len(), 1);
    assert_eq!(rest[0]["id"], 1);
    assert!(ended.is_ok());
}

#[tokio::test]
async fn draining_has_an_end() {
    tokio::time::pause();
    let mut client = Client::start(Settings::default());
    client.call(json!(1), "wait").await;
    client.call(json!(2), "version").await;
    client.read().await;
    let stopped = Arc::clone(&client.tools.stopped);
    let started = tokio::time::Instant::now();
    let (rest, ended) = client.end().await;
    assert!(rest.is_empty() && ended.is_ok());
    assert_eq!(started.elapsed().as_secs(), 5);
    stopped.notified().await;
}

#[tokio::test]
async fn a_client_that_stops_reading_ends_the_session() {
    tokio::time::pause();
    let settings = Settings {
        line: 100_000,
        ..Settings::default()
    };
    let mut client = Client::start(settings);
    let method = "x".repeat(90_000);
    client
        .send(&json!({"jsonrpc": "2.0", "id": 1, "method": method}))
        .await;
    let ended = client.server.await.unwrap();
    assert_eq!(ended.unwrap_err().kind(), io::ErrorKind::TimedOut);
}
