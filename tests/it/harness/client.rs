//! The clients say on the wire what the specification asks for, and read back what was answered.

use serde_json::{Value, json};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpListener;
use tokio::sync::mpsc;

use crate::support::client::{Client, Era, RpcError};

/// An HTTP server that gives the same answer to everybody and hands over what it was asked.
async fn canned(status: &str, kind: &str, body: &str) -> (String, mpsc::UnboundedReceiver<String>) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}/mcp", listener.local_addr().unwrap());
    let length = body.len();
    let answer = format!(
        "HTTP/1.1 {status}\r\ncontent-type: {kind}\r\ncontent-length: {length}\r\nconnection: close\r\n\r\n{body}"
    );
    let (asked, questions) = mpsc::unbounded_channel();
    tokio::spawn(async move {
        while let Ok((mut stream, _)) = listener.accept().await {
            let mut request = Vec::new();
            let mut chunk = [0; 4096];
            while !is_whole(&request) {
                let read = stream.read(&mut chunk).await.unwrap();
                request.extend_from_slice(&chunk[..read]);
            }
            stream.write_all(answer.as_bytes()).await.unwrap();
            asked.send(String::from_utf8(request).unwrap()).unwrap();
        }
    });
    (url, questions)
}

/// Whether the JSON body has come to its end.
fn is_whole(request: &[u8]) -> bool {
    let text = String::from_utf8_lossy(request);
    text.split_once("\r\n\r\n")
        .is_some_and(|(_, body)| serde_json::from_str::<Value>(body).is_ok())
}

fn body_of(request: &str) -> Value {
    serde_json::from_str(request.split_once("\r\n\r\n").unwrap().1).unwrap()
}

#[tokio::test]
async fn a_modern_tool_call_carries_its_headers_and_its_key() {
    let answer = json!({"jsonrpc": "2.0", "id": 1, "result": {
        "content": [{"type": "text", "text": "a"}, {"type": "text", "text": "b"}],
        "structuredContent": {"n": 1}, "isError": true}});
    let (url, mut asked) = canned("200 OK", "application/json", &answer.to_string()).await;
    let client = Client::new(url, Era::Modern).with_key("k1");
    let result = client
        .call_tool("read", json!({"host": "web-01", "path": "/"}))
        .await;
    assert!(result.is_error);
    assert_eq!(
        (result.text.as_str(), &result.structured),
        ("a\nb", &json!({"n": 1}))
    );

    let request = asked.recv().await.unwrap().to_lowercase();
    for header in [
        "mcp-protocol-version: 2026-07-28",
        "mcp-method: tools/call",
        "mcp-name: read",
        "mcp-param-host: web-01",
        "authorization: bearer k1",
        "accept: application/json, text/event-stream",
        "content-type: application/json",
    ] {
        assert!(
            request.contains(&format!("\r\n{header}\r\n")),
            "{header} in {request}"
        );
    }
}

#[tokio::test]
async fn a_legacy_listing_has_no_params_and_no_modern_header() {
    let answer =
        "data: {\"jsonrpc\":\"2.0\",\"id\":1,\"result\":{\"tools\":[{\"name\":\"run\"}]}}\n\n";
    let (url, mut asked) = canned("200 OK", "text/event-stream", answer).await;
    let client = Client::new(url, Era::Legacy);
    assert_eq!(client.tool_names().await, ["run"]);
    let request = asked.recv().await.unwrap();
    assert_eq!(
        body_of(&request),
        json!({"jsonrpc": "2.0", "id": 1, "method": "tools/list"})
    );
    assert!(!request.to_lowercase().contains("mcp-method"), "{request}");
}

#[tokio::test]
async fn a_refusal_keeps_its_status_and_code() {
    let answer = r#"{"jsonrpc":"2.0","id":1,"error":{"code":-32601,"message":"no such method"}}"#;
    let (url, _asked) = canned("404 Not Found", "application/json", answer).await;
    let client = Client::new(url, Era::Modern);
    let error = client
        .request("nope", Value::Null)
        .await
        .result()
        .unwrap_err();
    let message = "no such method".to_owned();
    assert_eq!(
        error,
        RpcError {
            status: 404,
            code: -32601,
            message,
            data: Value::Null
        }
    );
}
