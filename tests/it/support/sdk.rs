//! The official Rust SDK as a client: what a user's program does, over HTTP and over a child's pipes.
//! It negotiates by itself; nothing of the wire is visible here.

use rmcp::model::{CallToolRequestParams, CallToolResult};
use rmcp::service::RunningService;
use rmcp::transport::{StreamableHttpClientTransport, TokioChildProcess};
use rmcp::{ClientLifecycleMode, ClientServiceExt, RoleClient};
use serde_json::Value;

use super::client::ToolResult;

/// A connected SDK client.
#[derive(Debug)]
pub(crate) struct SdkClient(RunningService<RoleClient, ()>);

impl SdkClient {
    /// Connects over streamable HTTP.
    pub(crate) async fn http(url: &str, mode: ClientLifecycleMode) -> Self {
        let transport = StreamableHttpClientTransport::from_uri(url);
        Self(().serve_with_lifecycle(transport, mode).await.unwrap())
    }

    /// Starts `command` and talks to it over its pipes.
    pub(crate) async fn stdio(command: tokio::process::Command, mode: ClientLifecycleMode) -> Self {
        let transport = TokioChildProcess::new(command).unwrap();
        Self(().serve_with_lifecycle(transport, mode).await.unwrap())
    }

    /// The names of all tools, over all pages.
    pub(crate) async fn tool_names(&self) -> Vec<String> {
        let tools = self.0.list_all_tools().await.unwrap();
        tools
            .into_iter()
            .map(|tool| tool.name.into_owned())
            .collect()
    }

    /// Calls a tool; a refusal by the protocol panics.
    pub(crate) async fn call_tool(&self, name: &'static str, arguments: Value) -> ToolResult {
        let Value::Object(arguments) = arguments else {
            panic!("arguments are an object")
        };
        let params = CallToolRequestParams::new(name).with_arguments(arguments);
        let result: CallToolResult = self.0.call_tool(params).await.unwrap();
        ToolResult::from_value(serde_json::to_value(result).unwrap())
    }

    /// Says goodbye and waits until the transport is closed.
    pub(crate) async fn close(self) {
        self.0.cancel().await.unwrap();
    }
}
