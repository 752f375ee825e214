//! What came back: one JSON body, or an event stream with frames before the response.

use serde_json::Value;

/// One HTTP answer, read to its end.
#[derive(Debug)]
pub(crate) struct Reply {
    pub(crate) status: u16,
    pub(crate) headers: reqwest::header::HeaderMap,
    pub(crate) text: String,
    /// The JSON-RPC messages in the order they came; the response is the last.
    pub(crate) frames: Vec<Value>,
}

/// A JSON-RPC error with the HTTP status it came with.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct RpcError {
    pub(crate) status: u16,
    pub(crate) code: i64,
    pub(crate) message: String,
    pub(crate) data: Value,
}

/// What a tool answered.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct ToolResult {
    pub(crate) is_error: bool,
    /// The text blocks, joined by line ends.
    pub(crate) text: String,
    /// `structuredContent`, or null.
    pub(crate) structured: Value,
    /// The result as it came.
    pub(crate) raw: Value,
}

impl Reply {
    /// Reads an answer to its end.
    pub(crate) async fn read(response: reqwest::Response) -> Self {
        let status = response.status().as_u16();
        let headers = response.headers().clone();
        let kind = headers
            .get("content-type")
            .and_then(|kind| kind.to_str().ok());
        let streamed = kind.is_some_and(|kind| kind.starts_with("text/event-stream"));
        let text = response.text().await.unwrap();
        let frames = if streamed {
            events(&text)
        } else {
            serde_json::from_str(&text).into_iter().collect()
        };
        Self {
            status,
            headers,
            text,
            frames,
        }
    }

    /// The header with this name.
    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        self.headers.get(name).and_then(|value| value.to_str().ok())
    }

    /// The result of the request, or its error. Panics when the answer is neither.
    pub(crate) fn result(self) -> Result<Value, RpcError> {
        let Self {
            status,
            text,
            mut frames,
            ..
        } = self;
        let mut last = frames
            .pop()
            .unwrap_or_else(|| panic!("no message, {status}: {text}"));
        if let Some(result) = last.get_mut("result") {
            return Ok(result.take());
        }
        let error = last
            .get("error")
            .unwrap_or_else(|| panic!("no response, {status}: {text}"));
        Err(RpcError {
            status,
            code: error["code"].as_i64().expect("a code"),
            message: error["message"].as_str().expect("a message").to_owned(),
            data: error["data"].clone(),
        })
    }
}

impl ToolResult {
    /// Takes a `CallToolResult` apart.
    pub(crate) fn from_value(raw: Value) -> Self {
        let blocks = raw["content"].as_array().expect("content of a tool result");
        let texts: Vec<_> = blocks
            .iter()
            .filter_map(|block| block["text"].as_str())
            .collect();
        Self {
            is_error: raw["isError"].as_bool().unwrap_or(false),
            text: texts.join("\n"),
            structured: raw["structuredContent"].clone(),
            raw,
        }
    }
}

/// The JSON messages of an event stream: `data` lines of one event belong together, an event without
/// data (the priming event of 2025-11-25) is none.
fn events(stream: &str) -> Vec<Value> {
    let stream = stream.replace("\r\n", "\n");
    let data = stream.split("\n\n").map(|event| {
        let lines = event.lines().filter_map(|line| line.strip_prefix("data:"));
        lines
            .map(|line| line.strip_prefix(' ').unwrap_or(line))
            .collect::<Vec<_>>()
            .join("\n")
    });
    data.filter(|data| !data.is_empty())
        .map(|data| serde_json::from_str(&data).unwrap())
        .collect()
}

#[test]
fn frames_come_before_the_response() {
    let stream = "id: 1\nretry: 5000\ndata: \n\n: alive\n\nevent: message\r\ndata: {\"method\":\"x\"}\r\n\r\n\
                  data: {\"id\":1,\ndata: \"result\":{}}\n\n";
    let frames = events(stream);
    assert_eq!(frames.len(), 2);
    assert_eq!(frames[0]["method"], "x");
    assert!(frames[1]["result"].is_object());
}
