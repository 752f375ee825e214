//! The engine end to end, without a transport.

use std::sync::Mutex;
use std::time::Duration;

use futures_util::future::BoxFuture;
use rmcp::model::{Implementation, JsonObject, Tool};
use serde_json::{Value, json};

use super::*;
use crate::mcp::{Answer, CallError, Offers, ToolCall};

/// One tool for every way a call can end.
#[derive(Default)]
struct Tools {
    held: Mutex<Option<Arc<()>>>,
}

impl Catalogue for Tools {
    fn implementation(&self) -> Implementation {
        Implementation::new("engine-test", "0")
    }

    fn offers(&self) -> Offers {
        Offers {
            prompts: false,
            ..Offers::default()
        }
    }

    fn tools(&self, _: &Extensions) -> Arc<[Tool]> {
        let schema = JsonObject::from_iter([("type".to_owned(), json!("object"))]);
        let names = ["ok", "panic", "hang", "arguments", "internal", "gone"];
        names
            .into_iter()
            .map(|name| Tool::new(name, name, schema.clone()))
            .collect()
    }

    fn call_tool(&self, call: ToolCall) -> BoxFuture<'_, Result<Answer, CallError>> {
        assert_ne!(call.name, "panic", "before the first await");
        Box::pin(async move {
            match call.name.as_str() {
                "ok" => {
                    let permit = Arc::new(());
                    *self.held.lock().unwrap() = Some(Arc::clone(&permit));
                    Ok(Answer::text("fine").with_hold(permit))
                }
                "hang" => std::future::pending().await,
                "arguments" => Err(CallError::Arguments("`depth` must be positive".into())),
                "internal" => Err(CallError::Internal("secret".into())),
                name => Err(CallError::UnknownTool(name.into())),
            }
        })
    }
}

async fn serve(tools: &Arc<Tools>, message: Value) -> Reply {
    let engine = Engine::new(Arc::clone(tools) as Arc<dyn Catalogue>);
    let call = Call {
        message: Message::parse(message.to_string().as_bytes()).unwrap(),
        link: Link::stdio(None),
        extensions: Extensions::new(),
        outbound: None,
        deadline: Instant::now() + Duration::from_secs(60),
    };
    engine.serve(call).await
}

fn json(reply: &Reply) -> Value {
    serde_json::from_slice(&reply.body.concat()).unwrap()
}

async fn call(tool: &str) -> Value {
    let message =
        json!({"jsonrpc": "2.0", "id": -1, "method": "tools/call", "params": {"name": tool}});
    json(&serve(&Arc::default(), message).await)
}

#[tokio::test]
async fn the_clients_id_comes_back_whatever_it_is() {
    for id in ["-9", "340282366920938463463374607431768211456", r#""a\"b""#] {
        let message = format!(r#"{{"jsonrpc":"2.0","id":{id},"method":"ping"}}"#);
        let message = serde_json::value::RawValue::from_string(message).unwrap();
        let engine = Engine::new(Arc::new(Tools::default()));
        let reply = engine
            .serve(Call {
                message: Message::parse(message.get().as_bytes()).unwrap(),
                link: Link::stdio(None),
                extensions: Extensions::new(),
                outbound: None,
                deadline: Instant::now() + Duration::from_secs(1),
            })
            .await;
        let expected = format!(r#"{{"jsonrpc":"2.0","id":{id},"result":{{}}}}"#);
        assert_eq!(String::from_utf8(reply.body.concat()).unwrap(), expected);
    }
}

#[tokio::test]
async fn a_panic_costs_one_call() {
    let reply = call("panic").await;
    assert_eq!(
        reply,
        json!({"jsonrpc": "2.0", "id": -1, "error":
        {"code": -32603, "message": "internal error"}})
    );
}

#[tokio::test]
async fn a_handler_that_outlives_its_deadline_is_answered_for() {
    tokio::time::pause();
    let started = Instant::now();
    let reply = call("hang").await;
    assert_eq!(reply["error"]["code"], -32603);
    assert_eq!(started.elapsed().as_secs(), 62);
}

#[tokio::test]
async fn every_failure_has_its_form() {
    assert_eq!(call("ok").await["result"]["isError"], false);
    let arguments = call("arguments").await;
    assert_eq!(arguments["result"]["isError"], true);
    assert_eq!(
        arguments["result"]["content"][0]["text"],
        "`depth` must be positive"
    );
    let internal = call("internal").await;
    assert_eq!(
        internal["error"],
        json!({"code": -32603, "message": "internal error"})
    );
    assert_eq!(call("no-such-tool").await["error"]["code"], -32602);
}

#[tokio::test]
async fn methods_of_what_is_not_offered_do_not_exist() {
    let list = |method| json!({"jsonrpc": "2.0", "id": 1, "method": method});
    let tools = Arc::default();
    assert_eq!(
        serve(&tools, list("prompts/list")).await.error,
        Some(-32601)
    );
    assert_eq!(serve(&tools, list("resources/list")).await.error, None);
}

#[tokio::test]
async fn what_is_held_lives_as_long_as_the_text() {
    let tools = Arc::new(Tools::default());
    let message =
        json!({"jsonrpc": "2.0", "id": 1, "method": "tools/call", "params": {"name": "ok"}});
    let reply = serve(&tools, message).await;
    let permit = tools.held.lock().unwrap().take().unwrap();
    let tail = reply.body.last().unwrap().slice(..1);
    drop(reply);
    assert_eq!(Arc::strong_count(&permit), 2, "a piece of the text is left");
    drop(tail);
    assert_eq!(Arc::strong_count(&permit), 1);
}

#[tokio::test]
async fn a_notification_has_no_reply() {
    let message = json!({"jsonrpc": "2.0", "method": "notifications/initialized"});
    let reply = serve(&Arc::default(), message).await;
    assert!(reply.is_empty());
    assert_eq!((reply.status, reply.len()), (StatusCode::ACCEPTED, 0));
}
