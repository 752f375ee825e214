//! The corpus of hostile inputs (`data/hostile.jsonl`) through the running server: every host, target,
//! path, command and message gets the answer of its class, and none of them does anything but what its
//! bytes say. `{dir}` in an input is a directory of the host that anybody may write to.
//!
//! The classes: `OK`; `OK_LITERAL`, taken as one name, there or not; `INVALID`, refused before anything
//! is sent; `UNKNOWN_HOST`; `DENIED`, refused to this key; `NOT_FOUND`; `DENIED_BY_HOST`, the permissions of the
//! host's own account; `NOT_REGULAR`, never opened; `SANITIZED`, run, and nothing of its output reaches a
//! terminal; `TRUNCATED`; `TIMEOUT`; `HTTP_nnn` and `RPC_nnn`. Alternatives stand behind `|`.

use std::path::Path;
use std::time::{Duration, Instant};

use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use serde_json::{Value, json};

use crate::support::client::{Client, Era, Reply};
use crate::support::fleet::{Entry, Fleet};
use crate::support::server::TestServer;

const CORPUS: &str = include_str!("data/hostile.jsonl");
/// No row may take longer, but those that run into a limit of their own.
const PROMPT: Duration = Duration::from_secs(5);

/// The host of the corpus, another one that the callers may not know of, and the files it speaks of.
async fn stage() -> Fleet {
    use std::os::unix::fs::PermissionsExt as _;
    let mut fleet = Fleet::start(1).await;
    let key = fleet.sshd(0).key().public.clone();
    for name in ["web1", "dev1"] {
        fleet.add(Entry::new(name, fleet.address("web-01"), &key));
    }
    let dir = fleet.dir().join("open");
    std::fs::create_dir(&dir).unwrap();
    std::fs::set_permissions(&dir, std::fs::Permissions::from_mode(0o777)).unwrap();
    let fifo = dir.join("fifo");
    nix::unistd::mkfifo(&fifo, nix::sys::stat::Mode::from_bits_truncate(0o644)).unwrap();
    std::os::unix::net::UnixListener::bind(dir.join("unix.sock")).unwrap();
    let big = std::fs::File::create(dir.join("big_10GiB_sparse")).unwrap();
    big.set_len(10 << 30).unwrap();
    std::os::unix::fs::symlink("/", dir.join("dirlink_to_root")).unwrap();
    fleet
}

/// `repeat` and `b64` spelled out; a text as it is.
fn bytes_of(input: &Value) -> Vec<u8> {
    if let Some(base64) = input["b64"].as_str() {
        return BASE64_STANDARD.decode(base64).unwrap();
    }
    let Some(piece) = input["repeat"].as_str() else {
        return input.as_str().expect("a text").as_bytes().to_vec();
    };
    let n = usize::try_from(input["n"].as_u64().unwrap()).unwrap();
    let ends = |name: &str| input[name].as_str().unwrap_or_default().to_owned();
    (ends("pre") + &piece.repeat(n) + &ends("post")).into_bytes()
}

fn text_of(input: &Value, dir: &Path) -> String {
    let text = String::from_utf8(bytes_of(input)).unwrap();
    text.replace("{dir}", &dir.display().to_string())
}

struct Servers {
    observer: TestServer,
    operator: TestServer,
    keyed: TestServer,
}

const KEY: &str = "corpus-key-0123456789";

/// Sends the row and says what class of answer came.
async fn answer(row: &Value, servers: &Servers, dir: &Path) -> String {
    let input = &row["input"];
    let call = async |server: &TestServer, tool: &str, arguments: Value| {
        let params = json!({"name": tool, "arguments": arguments});
        // The modern era would refuse many of these for the header that repeats them.
        class(
            server
                .client(Era::Legacy)
                .request("tools/call", params)
                .await,
        )
    };
    match row["kind"].as_str().unwrap() {
        "host" => {
            let arguments = json!({"host": text_of(input, dir), "path": "/etc/hostname"});
            call(&servers.observer, "read", arguments).await
        }
        "target" => {
            let arguments = json!({"target": text_of(input, dir)});
            call(&servers.observer, "scout", arguments).await
        }
        "path" if input["b64"].is_string() => {
            let mut body = br#"{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{"name":"read","arguments":{"host":"web1","path":""#.to_vec();
            body.extend(bytes_of(input));
            body.extend(br#""}}}"#);
            class(post(&servers.observer, body).await)
        }
        "path" => {
            let arguments = json!({"host": "web1", "path": text_of(input, dir)});
            call(&servers.observer, "read", arguments).await
        }
        "command_argv" => {
            let argv = match input.as_array() {
                Some(words) => words.clone(),
                None => vec![text_of(input, dir).into()],
            };
            call(
                &servers.observer,
                "run",
                json!({"host": "web1", "argv": argv}),
            )
            .await
        }
        "command_shell" => {
            let observer = input["key"] == "K_OP";
            let server = if observer {
                &servers.observer
            } else {
                &servers.operator
            };
            let mut arguments = json!({"host": "web1", "command": text_of(&input["args"], dir)});
            if let Some(timeout) = input["timeout"].as_u64() {
                arguments["timeout_s"] = timeout.into();
            }
            call(server, "run", arguments).await
        }
        "jsonrpc" => class(post(&servers.observer, bytes_of(input)).await),
        "http" => http(input, &servers.keyed).await,
        other => panic!("no such kind: {other}"),
    }
}

async fn post(server: &TestServer, body: Vec<u8>) -> Reply {
    let headers = [
        ("Content-Type", "application/json"),
        ("Accept", "application/json, text/event-stream"),
        ("MCP-Protocol-Version", Era::Legacy.version()),
    ];
    let client = Client::new(server.url(), Era::Legacy);
    client.post(body, &headers).await
}

/// A row of kind `http`: a listing, with what the row says instead of what belongs there.
async fn http(input: &Value, server: &TestServer) -> String {
    let path = input["path"]
        .as_str()
        .unwrap_or("/mcp")
        .replace("K_OP", KEY);
    let method: reqwest::Method = input["method"].as_str().unwrap().parse().unwrap();
    let tool = input["body_tool"].as_str();
    let (name, params) = match tool {
        Some(tool) => ("tools/call", json!({"name": tool, "arguments": {}})),
        None => ("tools/list", Value::Null),
    };
    let params = Era::Modern.envelope(params);
    let mut headers = reqwest::header::HeaderMap::new();
    let mut set = |name: &str, value: &str| {
        let name: reqwest::header::HeaderName = name.parse().unwrap();
        headers.insert(name, value.parse().unwrap());
    };
    set("Accept", "application/json, text/event-stream");
    set("Content-Type", "application/json");
    for (name, value) in Era::Modern.headers(name, &params) {
        set(name, &value);
    }
    for (name, value) in input["headers"].as_object().into_iter().flatten() {
        let value = String::from_utf8(bytes_of(value)).unwrap();
        set(name, &value.replace("K_OP", KEY));
    }
    let body = json!({"jsonrpc": "2.0", "id": 1, "method": name, "params": params});
    let client = reqwest::Client::builder().no_proxy().build().unwrap();
    let request = client.request(method, server.page_url(&path));
    let request = request.headers(headers).body(body.to_string());
    class(Reply::read(request.send().await.unwrap()).await)
}

fn class(reply: Reply) -> String {
    let Some(message) = reply.frames.last() else {
        return format!("HTTP_{}", reply.status);
    };
    if let Some(code) = message["error"]["code"].as_i64() {
        // The listener's own refusals have no id, for they come before the message.
        let early = matches!(reply.status, 401 | 403 | 405 | 408 | 413 | 415 | 429 | 431);
        return if early {
            format!("HTTP_{}", reply.status)
        } else {
            format!("RPC_{code}")
        };
    }
    let result = &message["result"];
    let answer = &result["structuredContent"];
    let word = |name: &str| answer[name].as_str().unwrap_or_default();
    let text = result["content"][0]["text"].as_str().unwrap_or_default();
    let controls = |c: char| c.is_control() && !matches!(c, '\n' | '\t');
    assert!(!text.contains(controls), "not fit for a terminal: {text:?}");
    let class = match (word("outcome"), word("code")) {
        ("timed_out", _) if answer["truncated"] == true => "TRUNCATED",
        ("timed_out", _) => "TIMEOUT",
        ("exited" | "signaled", _) => "OK",
        (_, "unknown_host") => "UNKNOWN_HOST",
        ("invalid", _) => "INVALID",
        ("refused", _) => "DENIED",
        (_, "not_found") => "NOT_FOUND",
        (_, "permission_denied") => "DENIED_BY_HOST",
        (_, "not_regular") => "NOT_REGULAR",
        (_, "file_error") => "FILE_ERROR",
        ("", "") if answer["truncated"] == true => "TRUNCATED",
        ("", "") if result["isError"] != true => "OK",
        // Arguments that do not fit the schema.
        ("", "") => "INVALID",
        (_, code) => return code.to_owned(),
    };
    class.to_owned()
}

#[tokio::test]
async fn every_row_of_the_corpus_gets_the_answer_of_its_class() {
    let fleet = stage().await;
    let dir = fleet.dir().join("open");
    let builder = || TestServer::builder(&fleet).env("SCOUT_BLOCKLIST", "dev*");
    let servers = Servers {
        observer: builder().start().await,
        operator: builder().env("SCOUT_ROLE", "operator").start().await,
        keyed: builder().env("SCOUT_API_KEYS", KEY).start().await,
    };
    let before: Vec<_> = listing(&dir);
    let mut wrong = Vec::new();
    for line in CORPUS.lines() {
        let row: Value = serde_json::from_str(line).unwrap();
        let start = Instant::now();
        let class = answer(&row, &servers, &dir).await;
        let took = start.elapsed();
        let expected = row["expect"].as_str().unwrap();
        let fits = |one: &str| {
            one == class
                || one == "OK_LITERAL" && ["OK", "NOT_FOUND"].contains(&&*class)
                || one == "SANITIZED" && class == "OK"
        };
        if !expected.split('|').any(fits) {
            wrong.push(format!(
                "{class} for {}",
                line.chars().take(200).collect::<String>()
            ));
        }
        if took > PROMPT && !matches!(&*class, "TIMEOUT" | "TRUNCATED") {
            wrong.push(format!("{took:?} for {line}"));
        }
    }
    assert_eq!(listing(&dir), before, "somebody made a file");
    assert!(
        wrong.is_empty(),
        "{} rows:\n{}",
        wrong.len(),
        wrong.join("\n")
    );
}

fn listing(dir: &Path) -> Vec<String> {
    let entries = std::fs::read_dir(dir).unwrap().flatten();
    let mut names: Vec<_> = entries
        .map(|entry| entry.file_name().display().to_string())
        .collect();
    names.sort();
    names
}
