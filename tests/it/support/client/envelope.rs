//! What a request looks like in each era: the `_meta` envelope and the headers that mirror the body.
//! Pure.

use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use serde_json::{Value, json};

/// Which MCP a client speaks.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Era {
    /// 2026-07-28: stateless, every request says who and which version.
    Modern,
    /// 2025-11-25: `initialize` first, the version in a header afterwards.
    Legacy,
}

impl Era {
    /// The protocol version it names.
    pub(crate) fn version(self) -> &'static str {
        match self {
            Self::Modern => "2026-07-28",
            Self::Legacy => "2025-11-25",
        }
    }

    /// The parameters as they go out; `Null` means none, which only the legacy era allows.
    pub(crate) fn envelope(self, params: Value) -> Value {
        if self == Self::Legacy {
            return params;
        }
        let mut params = if params.is_null() { json!({}) } else { params };
        let meta = [
            (
                "io.modelcontextprotocol/protocolVersion",
                json!(self.version()),
            ),
            ("io.modelcontextprotocol/clientInfo", client_info()),
            ("io.modelcontextprotocol/clientCapabilities", json!({})),
        ];
        for (key, value) in meta {
            params["_meta"][key] = value;
        }
        params
    }

    /// The headers that repeat the body for proxies (streamable HTTP, 2026-07-28). `Mcp-Param-Host`
    /// goes with every tool call that has a `host`: all of Scout's schemas ask for it.
    pub(crate) fn headers(self, method: &str, params: &Value) -> Vec<(&'static str, String)> {
        if method == "initialize" {
            return Vec::new();
        }
        let mut headers = vec![("MCP-Protocol-Version", self.version().to_owned())];
        if self == Self::Legacy {
            return headers;
        }
        headers.push(("Mcp-Method", method.to_owned()));
        let name = match method {
            "tools/call" | "prompts/get" => params["name"].as_str(),
            "resources/read" => params["uri"].as_str(),
            _ => None,
        };
        headers.extend(name.map(|name| ("Mcp-Name", header_value(name))));
        let host = params["arguments"]["host"]
            .as_str()
            .filter(|_| method == "tools/call");
        headers.extend(host.map(|host| ("Mcp-Param-Host", header_value(host))));
        headers
    }
}

/// How this client introduces itself.
pub(crate) fn client_info() -> Value {
    json!({"name": "scout-it", "version": "1"})
}

/// A value as it may stand in a header: in the base64 form of the specification unless it is visible
/// ASCII without spaces at its edges and does not look like that form already.
pub(crate) fn header_value(value: &str) -> String {
    let plain = value.bytes().all(|byte| matches!(byte, b' '..=b'~'));
    if plain && value.trim() == value && !value.starts_with("=?base64?") {
        return value.to_owned();
    }
    format!("=?base64?{}?=", BASE64_STANDARD.encode(value))
}

#[test]
fn a_modern_call_says_everything_twice() {
    let call = json!({"name": "read", "arguments": {"host": "wéb", "path": "/"}});
    let params = Era::Modern.envelope(call);
    let meta = &params["_meta"];
    assert_eq!(
        meta["io.modelcontextprotocol/protocolVersion"],
        "2026-07-28"
    );
    assert!(meta["io.modelcontextprotocol/clientCapabilities"].is_object());
    let headers = Era::Modern.headers("tools/call", &params);
    let expected = [
        ("MCP-Protocol-Version", "2026-07-28"),
        ("Mcp-Method", "tools/call"),
        ("Mcp-Name", "read"),
        ("Mcp-Param-Host", "=?base64?d8OpYg==?="),
    ];
    assert_eq!(
        headers,
        expected.map(|(name, value)| (name, value.to_owned()))
    );
}

#[test]
fn a_legacy_call_names_its_version_only_after_the_handshake() {
    assert_eq!(Era::Legacy.envelope(Value::Null), Value::Null);
    assert_eq!(Era::Legacy.headers("initialize", &Value::Null), []);
    let after = Era::Legacy.headers("tools/list", &Value::Null);
    assert_eq!(after, [("MCP-Protocol-Version", "2025-11-25".to_owned())]);
}
