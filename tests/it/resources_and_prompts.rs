//! Files, directories and the list of hosts are resources, and `prompts` beside them.
//! In both eras, and never more than the caller may see.

mod prompts;

use std::time::{Duration, Instant};

use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use serde_json::{Value, json};
use tokio::io::{AsyncReadExt, AsyncWriteExt};

use crate::support::client::{Client, Era, RpcError};
use crate::support::fleet::Fleet;
use crate::support::server::TestServer;

const ERAS: [Era; 2] = [Era::Modern, Era::Legacy];

async fn read(client: &Client, uri: &str) -> Result<Value, RpcError> {
    let reply = client.request("resources/read", json!({"uri": uri})).await;
    reply.result()
}

/// The only contents of a resource that is there.
async fn contents(client: &Client, uri: &str) -> Value {
    let mut result = read(client, uri).await.unwrap();
    let all = result["contents"].as_array().expect("contents");
    assert_eq!(all.len(), 1, "{uri}");
    assert_eq!(all[0]["uri"], uri);
    result["contents"][0].take()
}

/// Everything but letters and digits encoded.
fn encoded(path: &str) -> String {
    let coded = path.bytes().map(|byte| match byte {
        b'/' => "/".to_owned(),
        byte if byte.is_ascii_alphanumeric() => char::from(byte).to_string(),
        byte => format!("%{byte:02X}"),
    });
    coded.collect()
}

#[tokio::test]
async fn a_file_is_a_resource_with_exactly_its_bytes() {
    let fleet = Fleet::start(1).await;
    let text = "grüße\u{1b}[31m\n\ttail  ";
    let path = fleet.dir().join("a b%41 ü?x#y.txt");
    std::fs::write(&path, text).unwrap();
    let bytes: Vec<u8> = (0..=255).cycle().take(3000).collect();
    let mut image = b"\x89PNG\r\n\x1a\n".to_vec();
    image.extend_from_slice(&bytes);
    let picture = fleet.dir().join("picture");
    std::fs::write(&picture, &image).unwrap();
    let (path, picture) = (path.display().to_string(), picture.display().to_string());
    let server = TestServer::start(&fleet).await;
    for era in ERAS {
        let client = server.client(era);
        for uri in [
            format!("scout://web-01{}", encoded(&path)),
            format!("scout://web-01/{}", encoded(&path)),
            format!("scout://web-01/{}", encoded(&path).replace('/', "%2F")),
            format!("SCOUT://WEB-01{}", encoded(&path)),
            format!("web-01:/{}", encoded(&path)),
            format!("web-01://{}", encoded(&path)),
            format!("WEB-01://{}", encoded(&path)),
            format!("web-01://{}", path.replace('%', "%25")),
        ] {
            let found = contents(&client, &uri).await;
            assert_eq!(found["text"], text, "{era:?} {uri}");
            assert_eq!(found["mimeType"], "text/plain");
            assert!(found.get("_meta").is_none(), "{found}");
        }
        let found = contents(&client, &format!("scout://web-01{picture}")).await;
        assert_eq!(found["mimeType"], "image/png");
        let blob = found["blob"].as_str().expect("a blob");
        assert_eq!(BASE64_STANDARD.decode(blob).unwrap(), image);
    }
    let modern = server.client(Era::Modern);
    let result = read(&modern, &format!("scout://web-01{picture}")).await;
    assert_eq!(result.unwrap()["ttlMs"], 0);
    let metrics = server.metrics().await;
    let reads = |scheme, outcome| {
        let labels = [("scheme", scheme), ("outcome", outcome)];
        metrics.value("scout_resource_reads_total", &labels)
    };
    assert_eq!(reads("scout", "ok"), Some(11.0));
    assert_eq!(reads("host", "ok"), Some(8.0));
    assert_eq!(reads("hosts", "ok"), Some(0.0));
}

#[tokio::test]
async fn a_directory_is_its_listing_and_the_home_is_found() {
    let fleet = Fleet::start(1).await;
    let directory = fleet.dir().join("there");
    std::fs::create_dir(&directory).unwrap();
    std::fs::write(directory.join("one"), "1").unwrap();
    std::fs::write(directory.join("two\nlines"), "2").unwrap();
    let directory = directory.display().to_string();
    let server = TestServer::start(&fleet).await;
    let client = server.client(Era::Modern);
    let found = contents(&client, &format!("scout://web-01{directory}")).await;
    let listing = found["text"].as_str().expect("a text");
    let lines: Vec<_> = listing.lines().collect();
    assert_eq!(lines.len(), 2, "{listing}");
    assert!(
        lines[0].ends_with(" one") && lines[1].ends_with(" two\\nlines"),
        "{listing}"
    );
    assert_eq!(found["mimeType"], "text/plain");

    let tool = client
        .call_tool("read", json!({"host": "web-01", "path": "~"}))
        .await;
    for uri in [
        "scout://web-01/~",
        "scout://web-01/%7E/",
        "web-01://~",
        "web-01://~/",
    ] {
        assert_eq!(contents(&client, uri).await["text"], tool.text, "{uri}");
    }
    let root = contents(&client, "scout://web-01").await;
    // Names alone: `proc` has as many links as the machine has processes.
    let names = |found: &Value| {
        let lines = found["text"].as_str().expect("a text").lines();
        let name = |line: &str| line.rsplit(' ').next().map(str::to_owned);
        lines.filter_map(name).collect::<Vec<_>>()
    };
    assert_eq!(names(&root), names(&contents(&client, "web-01://").await));
    assert!(names(&root).contains(&"etc".to_owned()));
}

#[tokio::test]
async fn only_the_list_of_hosts_is_listed_and_it_is_what_the_tool_says() {
    let fleet = Fleet::builder().shared(30).start().await;
    let server = TestServer::start(&fleet).await;
    for era in ERAS {
        let client = server.client(era);
        let list = client.request("resources/list", Value::Null).await;
        let list = list.result().unwrap();
        let uris: Vec<_> = list["resources"]
            .as_array()
            .expect("a list")
            .iter()
            .map(|one| &one["uri"])
            .collect();
        assert_eq!(uris, ["hosts://list"]);
        let templates = client
            .request("resources/templates/list", Value::Null)
            .await;
        let templates = templates.result().unwrap();
        let forms: Vec<_> = templates["resourceTemplates"]
            .as_array()
            .expect("a list")
            .iter()
            .map(|one| one["uriTemplate"].as_str().expect("a template"))
            .collect();
        assert_eq!(forms[..2], ["scout://{host}/{path*}", "{host}://{path*}"]);
        // Each of the ten things that programs of a host tell, in its two forms.
        assert_eq!(forms.len(), 22, "{forms:?}");
        for form in [
            "{host}://docker",
            "docker://{host}",
            "{host}://docker/{container}/logs",
            "compose://{host}/{project}/logs",
            "{host}://zfs/snapshots",
            "zfs://{host}/{pool}/datasets",
            "syslog://{host}",
        ] {
            assert!(forms.contains(&form), "{form}: {forms:?}");
        }
        let text = contents(&client, "hosts://list").await["text"].take();
        let tool = client.call_tool("hosts", json!({})).await;
        assert_eq!(text, tool.text);
        assert!(tool.text.contains("[✓] web-30 (online)"), "{}", tool.text);
    }
    let result = read(&server.client(Era::Modern), "hosts://list").await;
    assert_eq!(result.unwrap()["ttlMs"], 30_000);
}

#[tokio::test]
async fn what_may_not_be_seen_is_as_little_there_as_what_is_not_there() {
    let fleet = Fleet::start(2).await;
    let server = TestServer::builder(&fleet)
        .env("SCOUT_BLOCKLIST", "web-02")
        .start()
        .await;
    for (era, code) in [(Era::Modern, -32602), (Era::Legacy, -32002)] {
        let client = server.client(era);
        let mut answers = Vec::new();
        for uri in [
            "web-02://etc/hosts",
            "scout://web-02/etc/hosts",
            "scout://WEB-02/etc/hosts",
            "web-99://etc/hosts",
            "scout://web-99/etc/hosts",
            "scout://web-01/no/such/file",
            "web-01://no/such/file",
            "hosts://other",
            "file:///etc/passwd",
            "scout://",
            "nonsense",
        ] {
            let error = read(&client, uri).await.expect_err(uri);
            assert_eq!(error.data, json!({"uri": uri}));
            assert_eq!(error.code, code, "{uri}");
            answers.push(error.message.replace(uri, "URI"));
        }
        answers.dedup();
        assert_eq!(answers.len(), 1, "{answers:?}");
    }
    assert_eq!(fleet.sshd(1).connections(), 0);
}

#[tokio::test]
async fn a_failure_says_what_failed_and_what_to_do() {
    let mut fleet = Fleet::start(2).await;
    fleet.sshd_mut(1).stop();
    let locked = fleet.dir().join("locked");
    std::fs::write(&locked, "x").unwrap();
    let nobody = std::os::unix::fs::PermissionsExt::from_mode(0o000);
    std::fs::set_permissions(&locked, nobody).unwrap();
    let server = TestServer::start(&fleet).await;
    for era in ERAS {
        let client = server.client(era);
        let denied = read(&client, &format!("scout://web-01{}", locked.display())).await;
        let denied = denied.expect_err("not readable");
        assert_eq!(
            (denied.code, &denied.data["code"]),
            (-32603, &json!("permission_denied"))
        );
        let dead = read(&client, "web-02://etc/hosts")
            .await
            .expect_err("stopped");
        assert_eq!(dead.code, -32603);
        assert_eq!(dead.data["outcome"], "unreachable");
        assert_eq!(dead.data["host"], "web-02");
        let sentence = dead.data["message"].as_str().expect("a sentence");
        assert!(dead.message.starts_with(sentence), "{dead:?}");
        for wrong in ["scout://web-01/a%", "scout://web-01/a%zz", "web-01://a%00"] {
            let error = read(&client, wrong).await.expect_err(wrong);
            assert_eq!(
                (error.code, &error.data["code"]),
                (-32602, &json!("invalid")),
                "{wrong}"
            );
        }
    }
}

#[tokio::test]
async fn a_file_that_was_cut_says_so() {
    let fleet = Fleet::start(1).await;
    let path = fleet.dir().join("long");
    std::fs::write(&path, "x".repeat(5000)).unwrap();
    let server = TestServer::builder(&fleet)
        .env("SCOUT_MAX_FILE_SIZE", 4096)
        .start()
        .await;
    let client = server.client(Era::Modern);
    let found = contents(&client, &format!("scout://web-01{}", path.display())).await;
    let expected = format!("{}\n\n[truncated at 4096 bytes]", "x".repeat(4096));
    assert_eq!(found["text"], expected);
    assert_eq!(found["_meta"], json!({"truncated": true, "size": 5000}));
}

/// The memory of a file stays accounted for until its last byte has left, and no longer.
#[tokio::test]
async fn a_resource_that_nobody_reads_is_still_accounted_for() {
    let fleet = Fleet::start(1).await;
    let path = fleet.dir().join("large");
    // More than the buffers of both sockets take.
    std::fs::write(&path, "x".repeat(24 << 20)).unwrap();
    let server = TestServer::builder(&fleet)
        .env("SCOUT_MAX_FILE_SIZE", "32MiB")
        .env("SCOUT_OUTPUT_BUDGET", "1GiB")
        .start()
        .await;
    let before = budget(&server).await;
    let uri = format!("scout://web-01{}", path.display());
    let body =
        json!({"jsonrpc": "2.0", "id": 1, "method": "resources/read", "params": {"uri": uri}});
    let body = body.to_string();
    let authority = server.page_url("");
    let authority = authority.trim_start_matches("http://");
    let mut slow = tokio::net::TcpStream::connect(authority).await.unwrap();
    let request = format!(
        "POST /mcp HTTP/1.1\r\nHost: {authority}\r\nContent-Type: application/json\r\nAccept: application/json\r\n\
         MCP-Protocol-Version: 2025-11-25\r\nContent-Length: {}\r\n\r\n{body}",
        body.len()
    );
    slow.write_all(request.as_bytes()).await.unwrap();
    let mut first = [0; 12];
    slow.read_exact(&mut first).await.unwrap();
    assert_eq!(&first, b"HTTP/1.1 200");
    let during = budget(&server).await - before;
    assert!(
        during >= f64::from(24 << 20),
        "{during} bytes accounted for"
    );
    drop(slow);
    let deadline = Instant::now() + Duration::from_secs(10);
    while budget(&server).await != before {
        assert!(Instant::now() < deadline, "never given back");
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
}

/// The memory accounted for while one more file is being read: the gauge is set when a read begins.
async fn budget(server: &TestServer) -> f64 {
    contents(&server.client(Era::Modern), "web-01://etc/passwd").await;
    let metrics = server.metrics().await;
    let held = metrics.value("scout_output_budget_bytes", &[]);
    held.expect("a gauge")
}
