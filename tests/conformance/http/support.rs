//! A server for tests: a catalogue whose tools can be watched, a gate with one key.

use std::net::{Ipv4Addr, SocketAddr};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering::SeqCst};
use std::time::Duration;

use futures_util::future::BoxFuture;
use http::Extensions;
use rmcp::model::{Implementation, Tool};
use scout::http::{
    Caller, Denied, Drained, Gate, Observer, Refusal, Server, Settings, Surroundings,
};
use scout::mcp::{Answer, CallError, Catalogue, Engine, ToolCall};
use serde_json::{Value, json};
use tokio::sync::{Notify, watch};
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;

/// The key the gate knows.
pub(crate) const KEY: &str = "K_OP";

/// What can be seen of the tools.
#[derive(Default)]
pub(crate) struct Tools {
    /// Calls of any tool.
    pub(crate) calls: AtomicUsize,
    /// Told when `wait` or `steps` has begun.
    pub(crate) started: Notify,
    /// Lets one of them go on.
    pub(crate) go: Notify,
    /// Calls that were dropped before their end.
    pub(crate) dropped: watch::Sender<usize>,
}

impl Tools {
    /// Waits until a call was dropped.
    pub(crate) async fn was_dropped(&self) {
        let mut dropped = self.dropped.subscribe();
        let waiting = dropped.wait_for(|count| *count > 0);
        tokio::time::timeout(Duration::from_secs(5), waiting)
            .await
            .expect("a drop")
            .unwrap();
    }
}

struct Running<'a>(&'a Tools, bool);

impl Drop for Running<'_> {
    fn drop(&mut self) {
        if !self.1 {
            self.0.dropped.send_modify(|count| *count += 1);
        }
    }
}

impl Catalogue for Tools {
    fn implementation(&self) -> Implementation {
        Implementation::new("http-test", "0")
    }

    fn tools(&self, _: &Extensions) -> Arc<[Tool]> {
        let schema = json!({"type": "object", "properties": {"host": {"type": "string"}}});
        let schema = schema.as_object().unwrap();
        let names = ["exec", "read", "wait", "steps", "large", "whoami"];
        names
            .into_iter()
            .map(|name| Tool::new(name, name, schema.clone()))
            .collect()
    }

    fn call_tool(&self, call: ToolCall) -> BoxFuture<'_, Result<Answer, CallError>> {
        Box::pin(async move {
            self.calls.fetch_add(1, SeqCst);
            let mut running = Running(self, false);
            match call.name.as_str() {
                "wait" => {
                    self.started.notify_one();
                    self.go.notified().await;
                }
                "steps" => {
                    call.context.progress.report(1.0, Some(2.0), None);
                    self.started.notify_one();
                    self.go.notified().await;
                    call.context.progress.report(2.0, Some(2.0), None);
                }
                "large" => {
                    running.1 = true;
                    return Ok(Answer::text("x".repeat(32 << 20)));
                }
                "whoami" => {
                    let peer = call.context.extensions.get::<SocketAddr>();
                    let name = call.context.extensions.get::<Arc<str>>();
                    running.1 = true;
                    return Ok(Answer::text(format!("{name:?} {}", peer.is_some())));
                }
                _ => {}
            }
            running.1 = true;
            Ok(Answer::text("done"))
        })
    }
}

/// Knows [`KEY`]; admits so many requests.
struct OneKey {
    budget: AtomicUsize,
}

impl Gate for OneKey {
    fn authenticate(&self, presented: Option<&str>, peer: SocketAddr) -> Result<Caller, Denied> {
        match presented {
            None => Err(Denied::Missing),
            Some(KEY) => {
                let mut caller = Caller::named("op", peer);
                caller.extensions.insert::<Arc<str>>("op".into());
                Ok(caller)
            }
            Some(_) => Err(Denied::Invalid),
        }
    }

    fn admit<'a>(&'a self, _: &'a Caller) -> BoxFuture<'a, Result<(), Refusal>> {
        let admitted = self
            .budget
            .fetch_update(SeqCst, SeqCst, |left| left.checked_sub(1));
        let retry_after = Duration::from_millis(1500);
        Box::pin(async move {
            admitted
                .map(drop)
                .map_err(|_| Refusal::TooMany { retry_after })
        })
    }
}

/// Every request that was reported, as `method status`.
#[derive(Default)]
pub(crate) struct Seen(std::sync::Mutex<Vec<String>>);

impl Seen {
    pub(crate) fn all(&self) -> Vec<String> {
        self.0.lock().unwrap().clone()
    }
}

impl Observer for Seen {
    fn on_request(&self, method: &'static str, status: u16, _: Duration) {
        self.0.lock().unwrap().push(format!("{method} {status}"));
    }
}

/// A running server.
pub(crate) struct TestServer {
    pub(crate) address: SocketAddr,
    pub(crate) tools: Arc<Tools>,
    pub(crate) seen: Arc<Seen>,
    pub(crate) shutdown: CancellationToken,
    pub(crate) ended: JoinHandle<Drained>,
}

impl TestServer {
    pub(crate) async fn start() -> Self {
        Self::with(Settings::default(), usize::MAX).await
    }

    pub(crate) async fn with(settings: Settings, budget: usize) -> Self {
        let tools = Arc::new(Tools::default());
        let seen = Arc::new(Seen::default());
        let engine = Engine::new(Arc::clone(&tools) as Arc<dyn Catalogue>);
        let gate = Arc::new(OneKey {
            budget: AtomicUsize::new(budget),
        });
        let observer = Arc::clone(&seen) as Arc<dyn Observer>;
        let surroundings = Surroundings { gate, observer };
        let any = SocketAddr::from((Ipv4Addr::LOCALHOST, 0));
        let server = Server::bind(any, engine, surroundings, settings)
            .await
            .unwrap();
        let (address, shutdown) = (server.local_addr(), CancellationToken::new());
        let ended = tokio::spawn(server.run(shutdown.clone(), Duration::from_secs(1)));
        Self {
            address,
            tools,
            seen,
            shutdown,
            ended,
        }
    }
}

/// A request of the older versions.
pub(crate) fn legacy(method: &str, params: Value) -> Value {
    json!({"jsonrpc": "2.0", "id": 1, "method": method, "params": params})
}

/// A legacy call of a tool, with progress if it has any.
pub(crate) fn call(tool: &str) -> Value {
    legacy(
        "tools/call",
        json!({"name": tool, "_meta": {"progressToken": 1}}),
    )
}

/// `params` with the envelope of 2026-07-28.
pub(crate) fn modern(method: &str, mut params: Value) -> Value {
    params["_meta"] = json!({
        "io.modelcontextprotocol/protocolVersion": "2026-07-28",
        "io.modelcontextprotocol/clientCapabilities": {},
    });
    legacy(method, params)
}
