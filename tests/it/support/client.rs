//! A client that speaks JSON-RPC by hand over HTTP, in either era of MCP, so that a test sees the very
//! status, headers and frames. It follows the specification; for breaking it there is `post`.

mod envelope;
mod reply;

use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use serde_json::{Value, json};

pub(crate) use envelope::Era;
pub(crate) use reply::{Reply, RpcError, ToolResult};

/// No call of a test may take longer.
const DEADLINE: Duration = Duration::from_secs(120);

/// A client for one endpoint.
#[derive(Debug)]
pub(crate) struct Client {
    http: reqwest::Client,
    url: String,
    era: Era,
    key: Option<String>,
    next_id: AtomicU64,
}

impl Client {
    /// A client for the MCP endpoint at `url`.
    pub(crate) fn new(url: impl Into<String>, era: Era) -> Self {
        let http = reqwest::Client::builder()
            .no_proxy()
            .timeout(DEADLINE)
            .build()
            .unwrap();
        Self {
            http,
            url: url.into(),
            era,
            key: None,
            next_id: AtomicU64::new(1),
        }
    }

    /// The same client with an API key, sent as a bearer token.
    pub(crate) fn with_key(mut self, key: &str) -> Self {
        self.key = Some(key.into());
        self
    }

    /// The HTTP client underneath, for requests that are not MCP.
    pub(crate) fn http(&self) -> &reqwest::Client {
        &self.http
    }

    /// `initialize` and its notification, as a legacy client begins; the answer of the server.
    pub(crate) async fn initialize(&self) -> Value {
        let params = json!({
            "protocolVersion": self.era.version(),
            "capabilities": {},
            "clientInfo": envelope::client_info(),
        });
        let answer = self.request("initialize", params).await.result().unwrap();
        let status = self.notify("notifications/initialized", Value::Null).await;
        assert_eq!(status, 202, "an accepted notification (streamable HTTP)");
        answer
    }

    /// Sends a request and reads everything up to its response.
    pub(crate) async fn request(&self, method: &str, params: Value) -> Reply {
        let response = self.prepare(method, params).send().await;
        Reply::read(response.unwrap_or_else(|e| panic!("{method}: {e:?}"))).await
    }

    /// A request that is ready to be sent: for tests that leave before the answer, or expect none.
    pub(crate) fn prepare(&self, method: &str, params: Value) -> reqwest::RequestBuilder {
        let id = self.next_id.fetch_add(1, Ordering::Relaxed);
        let (headers, mut body) = self.message(method, params);
        body["id"] = id.into();
        self.builder(&headers).json(&body)
    }

    /// Sends a notification; the HTTP status is the answer.
    pub(crate) async fn notify(&self, method: &str, params: Value) -> u16 {
        let (headers, body) = self.message(method, params);
        self.builder(&headers)
            .json(&body)
            .send()
            .await
            .unwrap()
            .status()
            .as_u16()
    }

    /// Posts any bytes with any further headers: for everything the specification forbids.
    pub(crate) async fn post(&self, body: impl Into<Vec<u8>>, headers: &[(&str, &str)]) -> Reply {
        let mut request = self.http.post(&self.url).body(body.into());
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        Reply::read(request.send().await.unwrap()).await
    }

    /// Calls a tool; panics when the protocol itself refuses.
    pub(crate) async fn call_tool(&self, name: &str, arguments: Value) -> ToolResult {
        let result = self.try_call_tool(name, arguments.clone()).await;
        result.unwrap_or_else(|error| panic!("{name} {arguments}: {error:?}"))
    }

    /// Calls a tool; a refusal by the protocol is an error, a failed tool is a result.
    pub(crate) async fn try_call_tool(
        &self,
        name: &str,
        arguments: Value,
    ) -> Result<ToolResult, RpcError> {
        let params = json!({"name": name, "arguments": arguments});
        self.request("tools/call", params)
            .await
            .result()
            .map(ToolResult::from_value)
    }

    /// The names of the tools that the server lists.
    pub(crate) async fn tool_names(&self) -> Vec<String> {
        let list = self
            .request("tools/list", Value::Null)
            .await
            .result()
            .unwrap();
        let tools = list["tools"].as_array().expect("a list of tools");
        tools
            .iter()
            .map(|tool| tool["name"].as_str().expect("a name").to_owned())
            .collect()
    }

    /// Headers and body of a message without an id. Legacy clients send no empty params.
    fn message(&self, method: &str, params: Value) -> (Vec<(&'static str, String)>, Value) {
        let params = self.era.envelope(params);
        let headers = self.era.headers(method, &params);
        let mut body = json!({"jsonrpc": "2.0", "method": method});
        if !params.is_null() {
            body["params"] = params;
        }
        (headers, body)
    }

    fn builder(&self, headers: &[(&'static str, String)]) -> reqwest::RequestBuilder {
        let mut request = self.http.post(&self.url);
        request = request.header("Accept", "application/json, text/event-stream");
        for (name, value) in headers {
            request = request.header(*name, value);
        }
        if let Some(key) = &self.key {
            request = request.bearer_auth(key);
        }
        request
    }
}
