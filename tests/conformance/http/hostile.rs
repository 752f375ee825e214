//! The corpus of hostile requests, `hostile.jsonl`: each line an input and what must come of it.

use std::time::Duration;

use scout::http::Settings;
use serde::Deserialize;
use serde_json::{Map, Value, json};

use super::raw::{Connection, Raw};
use super::support::{TestServer, legacy};

/// One line of the corpus.
#[derive(Deserialize)]
struct Case {
    id: String,
    input: Input,
    expect: String,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Input {
    method: String,
    #[serde(default)]
    path: Option<String>,
    #[serde(default)]
    headers: Map<String, Value>,
    /// The tool the body calls.
    #[serde(default)]
    body_tool: Option<String>,
    #[serde(default)]
    slow_header_s: Option<u64>,
    #[serde(default)]
    slow_body_bps: Option<u64>,
    #[serde(default)]
    repeat_requests: Option<usize>,
}

impl Input {
    fn request(&self) -> Raw {
        let body = match &self.body_tool {
            Some(tool) => super::support::modern("tools/call", json!({ "name": tool })),
            None => legacy("ping", json!({})),
        };
        let path = self.path.as_deref().unwrap_or("/mcp");
        let mut request = Raw::post(&body).line(&format!("{} {path}", self.method));
        request = request.without("Authorization");
        if self.body_tool.is_some() {
            request = request
                .with("MCP-Protocol-Version", "2026-07-28")
                .with("Mcp-Method", "tools/call");
        }
        for (name, value) in &self.headers {
            request = request.with(name, &text(value));
        }
        request
    }
}

/// A header's value: as it stands, or a string repeated.
fn text(value: &Value) -> String {
    match value.as_str() {
        Some(text) => text.to_owned(),
        None => {
            let times = usize::try_from(value["n"].as_u64().unwrap()).unwrap();
            value["repeat"].as_str().unwrap().repeat(times)
        }
    }
}

/// What came of an input, in the words of the corpus.
async fn outcome(case: &Case, server: &TestServer) -> Vec<String> {
    let request = case.input.request();
    let mut connection = Connection::open(server.address).await;
    let response = if case.input.slow_header_s.is_some() {
        let head = request.head();
        connection.write(&head.as_bytes()[..20]).await;
        connection.response().await
    } else if case.input.slow_body_bps.is_some() {
        connection.write(request.head().as_bytes()).await;
        connection.write(&request.body[..1]).await;
        connection.response().await
    } else {
        let mut last = None;
        for n in 0..case.input.repeat_requests.unwrap_or(1) {
            let mut request = request.clone();
            for (_, value) in &mut request.headers {
                *value = value.replace("<i>", &(n % 256).to_string());
            }
            last = connection.exchange(&request).await;
            if last.as_ref().is_some_and(|last| last.status == 429) {
                break;
            }
        }
        last
    };
    let Some(response) = response else {
        return vec!["CLOSED".into()];
    };
    let mut words = vec![format!("HTTP_{}", response.status)];
    if response.body.starts_with('{') {
        words.extend(response.code().map(|code| format!("RPC_{code}")));
    }
    words
}

#[tokio::test]
async fn hostile_requests_come_to_nothing() {
    let settings = Settings {
        header_timeout: Duration::from_secs(1),
        body_timeout: Duration::from_secs(1),
        ..Settings::default()
    };
    let corpus: Vec<Case> = include_str!("hostile.jsonl")
        .lines()
        .map(|line| serde_json::from_str(line).expect(line))
        .collect();
    assert_eq!(corpus.len(), 13);
    for case in corpus {
        let server = TestServer::with(settings.clone(), 100).await;
        let words = outcome(&case, &server).await;
        let expected: Vec<&str> = case.expect.split('|').collect();
        let met = words.iter().any(|word| expected.contains(&word.as_str()));
        assert!(met, "{}: expected {}, got {words:?}", case.id, case.expect);
        assert_eq!(
            server.tools.calls.load(std::sync::atomic::Ordering::SeqCst),
            0,
            "{}",
            case.id
        );
    }
}
