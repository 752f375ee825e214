//! Tool calls as an MCP client of 2025-06-18 makes them, which Scout and the Python server both speak.
//! A call is prepared once and sent many times; its answer counts only when it holds the text that the
//! caller says it must hold.

use std::io::{Error, Result};
use std::net::SocketAddr;

use memchr::memmem;
use serde_json::{Value, json};

use super::client::{Connection, post};

const VERSION: &str = "2025-06-18";

/// One client of one server: its own connection, and its own session where the server keeps some.
#[derive(Debug)]
pub(crate) struct Client {
    address: SocketAddr,
    connection: Connection,
    session: Option<String>,
}

/// A prepared call.
#[derive(Debug, Clone)]
pub(crate) struct Call {
    request: Vec<u8>,
    expected: String,
}

impl Client {
    /// A client that has shaken hands.
    pub(crate) async fn open(address: SocketAddr) -> Result<Self> {
        let connection = Connection::open(address).await?;
        let mut client = Self {
            address,
            connection,
            session: None,
        };
        let hello = json!({
            "protocolVersion": VERSION,
            "capabilities": {},
            "clientInfo": {"name": "scout-bench", "version": "1"},
        });
        let hello = client.message("initialize", Some(1), &hello);
        let answer = client.connection.exchange(&hello).await?;
        if answer.status != 200 {
            return Err(Error::other(format!("initialize: {}", answer.head)));
        }
        client.session = answer.header("mcp-session-id").map(str::to_owned);
        let ready = client.message("notifications/initialized", None, &json!({}));
        client.connection.exchange(&ready).await?;
        Ok(client)
    }

    /// Connects again and keeps the session: a server may have closed a connection that was idle.
    pub(crate) async fn reconnect(&mut self) -> Result<()> {
        self.connection = Connection::open(self.address).await?;
        Ok(())
    }

    /// The call of a tool, whose answer holds `expected`.
    pub(crate) fn tool(&self, name: &str, arguments: &Value, expected: &str) -> Call {
        let params = json!({"name": name, "arguments": arguments});
        Call {
            request: self.message("tools/call", Some(2), &params),
            expected: expected.to_owned(),
        }
    }

    /// Makes the call. An answer that is an error, or is not what was expected, is an error.
    pub(crate) async fn call(&mut self, call: &Call) -> Result<()> {
        let answer = self.connection.exchange(&call.request).await?;
        let failed = memmem::find(answer.body, b"\"isError\":true").is_some();
        let found = memmem::find(answer.body, call.expected.as_bytes()).is_some();
        if answer.status == 200 && found && !failed {
            return Ok(());
        }
        let body = String::from_utf8_lossy(answer.body);
        let body: String = body.chars().take(2000).collect();
        Err(Error::other(format!("{}: {body}", answer.status)))
    }

    fn message(&self, method: &str, id: Option<u64>, params: &Value) -> Vec<u8> {
        let mut body = json!({"jsonrpc": "2.0", "method": method, "params": params});
        if let Some(id) = id {
            body["id"] = id.into();
        }
        let mut headers = Vec::new();
        if method != "initialize" {
            headers.push(("MCP-Protocol-Version", VERSION));
        }
        headers.extend(self.session.as_deref().map(|id| ("Mcp-Session-Id", id)));
        post(self.address, &headers, &body.to_string())
    }
}
