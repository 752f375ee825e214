//! What an answer says about a command's output and its end is the whole truth: what was kept, what was
//! left out, what was not text, and that an end without the host's report is no success.

use std::time::{Duration, Instant};

use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use serde_json::{Value, json};

use crate::support::client::{Client, Era, ToolResult};
use crate::support::fleet::Fleet;
use crate::support::server::TestServer;

struct Host {
    client: Client,
    _server: TestServer,
    _fleet: Fleet,
}

impl Host {
    async fn new() -> Self {
        let fleet = Fleet::start(1).await;
        let server = TestServer::builder(&fleet)
            .env("SCOUT_ROLE", "operator")
            .start()
            .await;
        Self {
            client: server.client(Era::Modern),
            _server: server,
            _fleet: fleet,
        }
    }

    async fn run(&self, line: &str, more: Value) -> ToolResult {
        let mut call = json!({"host": "web-01", "command": line});
        call.as_object_mut()
            .unwrap()
            .extend(more.as_object().cloned().unwrap_or_default());
        self.client.call_tool("run", call).await
    }

    async fn text(&self, line: &str) -> String {
        self.run(line, json!({})).await.text
    }
}

#[tokio::test]
async fn the_marks_in_the_text_are_those_people_know() {
    let host = Host::new().await;
    for (line, text) in [
        ("true", "(no output)"),
        ("echo out", "out\n"),
        ("printf out", "out"),
        ("echo err >&2", "[stderr]\nerr\n"),
        ("exit 3", "[exit code: 3]"),
        ("printf out; exit 3", "out\n[exit code: 3]"),
        (
            "printf out; printf err >&2; exit 255",
            "out\n[stderr]\nerr\n[exit code: 255]",
        ),
        ("printf out; printf err >&2", "out\n[stderr]\nerr"),
    ] {
        let result = host.run(line, json!({})).await;
        assert_eq!(result.text, text, "{line}");
        assert_eq!(result.is_error, line.contains("exit"), "{line}");
    }
    let cut = host
        .run(
            "printf 0123456789; printf abcdefghij >&2; exit 2",
            json!({"max_bytes": 4}),
        )
        .await;
    assert_eq!(
        cut.text,
        "0123\n[truncated at 4 bytes]\n[stderr]\nabcd\n[truncated at 4 bytes]\n[exit code: 2]"
    );
    assert_eq!(cut.structured["stdout_bytes"], 10);
    assert_eq!(cut.structured["stderr_bytes"], 10);
    let nothing = host.run("printf 0123", json!({"max_bytes": 0})).await;
    assert_eq!(
        (nothing.text.as_str(), &nothing.structured["truncated"]),
        ("[truncated at 0 bytes]", &json!(true))
    );
}

#[tokio::test]
async fn the_limit_is_exact_and_never_splits_a_character() {
    let host = Host::new().await;
    for (line, limit, kept, truncated) in [
        ("printf 12345", 5, "12345", false),
        ("printf 123456", 5, "12345", true),
        ("printf ''", 0, "", false),
        ("printf 'aé'", 3, "aé", false),
        ("printf 'aé'", 2, "a", true),
        ("printf 'a漢字'", 4, "a漢", true),
        ("printf 'a漢字'", 6, "a漢", true),
    ] {
        let result = host.run(line, json!({"max_bytes": limit})).await;
        assert_eq!(result.structured["stdout"], kept, "{line} at {limit}");
        assert!(
            result.structured.get("stdout_encoding").is_none(),
            "{line} at {limit} is text"
        );
        assert_eq!(
            result.structured["truncated"], truncated,
            "{line} at {limit}"
        );
        let mark = format!("[truncated at {} bytes]", kept.len());
        assert_eq!(
            result.text.contains(&mark),
            truncated,
            "{line} at {limit}: {}",
            result.text
        );
        assert!(!result.is_error, "{line}: a cut is no failure");
    }
    // At the limit the server ships with.
    for (size, truncated) in [(10_000_000_u64, false), (10_000_001, true)] {
        let result = host
            .run(&format!("head -c {size} /dev/zero | tr '\\0' x"), json!({}))
            .await;
        assert_eq!(result.structured["outcome"], "exited");
        assert_eq!(result.structured["truncated"], truncated, "{size}");
        assert_eq!(
            result.structured["stdout"].as_str().unwrap().len(),
            10_000_000
        );
    }
}

#[tokio::test]
async fn what_is_not_text_is_exact_in_base64() {
    let host = Host::new().await;
    let result = host
        .run(
            "printf '\\000\\377\\376a'; printf 'caf\\351' >&2",
            json!({}),
        )
        .await;
    let bytes = |name: &str| {
        BASE64_STANDARD
            .decode(result.structured[name].as_str().unwrap())
            .unwrap()
    };
    assert_eq!(
        (bytes("stdout"), bytes("stderr")),
        (b"\0\xff\xfea".to_vec(), b"caf\xe9".to_vec())
    );
    assert_eq!(result.structured["stdout_encoding"], "base64");
    assert_eq!(result.structured["stderr_encoding"], "base64");
    assert!(
        result.text.starts_with("(4 bytes that are not text"),
        "{}",
        result.text
    );

    let mixed = host.run("printf text; printf '\\377' >&2", json!({})).await;
    assert_eq!(mixed.structured["stdout"], "text");
    assert!(mixed.structured.get("stdout_encoding").is_none());
    assert_eq!(mixed.structured["stderr_encoding"], "base64");
    // A cut inside of what is not text anyway stays exact.
    let cut = host
        .run("printf '\\377\\377\\303\\251'", json!({"max_bytes": 3}))
        .await;
    assert_eq!(
        cut.structured["stdout"],
        BASE64_STANDARD.encode(b"\xff\xff\xc3")
    );
    assert!(cut.text.contains("[truncated at 3 bytes]"), "{}", cut.text);
}

#[tokio::test]
async fn a_flood_on_one_stream_leaves_the_other_whole() {
    let host = Host::new().await;
    let more = json!({"max_bytes": 1000});
    let result = host
        .run(
            "printf before >&2; yes | head -c 3000000; printf after >&2; exit 7",
            more.clone(),
        )
        .await;
    assert_eq!(result.structured["stderr"], "beforeafter");
    assert_eq!(result.structured["stdout"].as_str().unwrap().len(), 1000);
    assert_eq!(
        (
            &result.structured["stdout_bytes"],
            &result.structured["exit_code"]
        ),
        (&json!(3_000_000), &json!(7))
    );
    assert!(
        result
            .text
            .ends_with("\n[truncated at 1000 bytes]\n[stderr]\nbeforeafter\n[exit code: 7]")
    );
    let result = host
        .run(
            "printf before; yes | head -c 3000000 >&2; printf after",
            more,
        )
        .await;
    assert_eq!(result.structured["stdout"], "beforeafter");
    assert_eq!(result.structured["stderr_bytes"], 3_000_000);
    assert_eq!(result.structured["exit_code"], 0);
    // With no limit of the call, too: memory is divided between the streams.
    let result = host
        .run("yes | head -c 9000000; printf whole >&2", json!({}))
        .await;
    assert_eq!(result.structured["stderr"], "whole");
    assert_eq!(result.structured["truncated"], false);
}

#[tokio::test]
async fn odd_text_is_exact_for_programs_and_harmless_for_people() {
    let host = Host::new().await;
    for (line, exact, shown) in [
        ("printf 'a\\r\\nb\\r\\n'", "a\r\nb\r\n", "a\r\nb\r\n"),
        ("printf 'a\\rb'", "a\rb", "a\\u{d}b"),
        ("printf 'a\\000b'", "a\0b", "a\\u{0}b"),
        (
            "printf '\\033[2Jgone\\033]0;title\\007'",
            "\x1b[2Jgone\x1b]0;title\x07",
            "\\u{1b}[2Jgone\\u{1b}]0;title\\u{7}",
        ),
        ("printf 'a\\342\\200\\256b'", "a\u{202e}b", "a\\u{202e}b"),
        ("printf '\\302\\205'", "\u{85}", "\\u{85}"),
        (
            "printf '\\036\\036deadbeef 1\\n'",
            "\x1e\x1edeadbeef 1\n",
            "\\u{1e}\\u{1e}deadbeef 1\n",
        ),
    ] {
        let result = host.run(line, json!({})).await;
        assert_eq!(result.structured["stdout"], exact, "{line}");
        assert_eq!(result.text, shown, "{line}");
        assert_eq!(result.structured["truncated"], false, "{line}");
    }
    let long = host
        .run("head -c 8388608 /dev/zero | tr '\\0' x", json!({}))
        .await;
    let stdout = long.structured["stdout"].as_str().unwrap();
    assert!(
        stdout.len() == 8 << 20 && stdout.bytes().all(|byte| byte == b'x'),
        "{}",
        stdout.len()
    );
    assert_eq!(long.text, stdout);
}

#[tokio::test]
async fn an_end_by_signal_is_named() {
    let host = Host::new().await;
    // A child that a signal ended is its shell's business: 128 and the number (POSIX XCU §2.8.2).
    for (line, code) in [
        ("sh -c 'kill -9 $$'", 137),
        ("sh -c 'kill -TERM $$'", 143),
        ("sh -c 'kill -SEGV $$'", 139),
    ] {
        let result = host.run(line, json!({})).await;
        assert_eq!(result.structured["outcome"], "exited", "{line}");
        assert_eq!(result.structured["exit_code"], code, "{line}");
        assert!(
            result.is_error && result.text.contains(&format!("[exit code: {code}]")),
            "{line}: {}",
            result.text
        );
    }
    let start = Instant::now();
    let result = host
        .run(
            "printf before; sleep 600 & kill -9 $$; sleep 600",
            json!({}),
        )
        .await;
    assert_eq!(
        (&result.structured["outcome"], &result.structured["signal"]),
        (&json!("signaled"), &json!("KILL"))
    );
    assert!(result.is_error && result.structured.get("exit_code").is_none());
    assert_eq!(result.text, "before\n[killed by signal KILL]");
    assert!(
        start.elapsed() < Duration::from_secs(5),
        "{:?}",
        start.elapsed()
    );
    let result = host.run("kill -9 0", json!({})).await;
    assert_eq!(result.structured["outcome"], "signaled", "{}", result.text);
    assert_eq!(host.text("echo next").await, "next\n");
}

#[tokio::test]
async fn closed_and_held_outputs_are_not_the_end() {
    let host = Host::new().await;
    let start = Instant::now();
    let result = host
        .run(
            "printf before; exec >&- 2>&-; sleep 600",
            json!({"timeout_s": 1}),
        )
        .await;
    assert_eq!(result.structured["outcome"], "timed_out", "{}", result.text);
    assert_eq!(result.structured["stdout"], "before");
    assert!(result.is_error && start.elapsed() >= Duration::from_secs(1));
    let result = host.run("exec >&- 2>&-; sleep 1; exit 4", json!({})).await;
    assert_eq!(
        (
            &result.structured["outcome"],
            &result.structured["exit_code"]
        ),
        (&json!("exited"), &json!(4))
    );

    let start = Instant::now();
    let result = host
        .run("(sleep 600; echo late) & printf now", json!({}))
        .await;
    assert_eq!(
        (result.text.as_str(), &result.structured["exit_code"]),
        ("now", &json!(0))
    );
    assert!(
        start.elapsed() < Duration::from_secs(2),
        "held by a child: {:?}",
        start.elapsed()
    );
}

#[tokio::test]
async fn a_host_that_goes_away_is_no_success() {
    let fleet = Fleet::start(1).await;
    let server = TestServer::builder(&fleet)
        .env("SCOUT_ROLE", "operator")
        .start()
        .await;
    let client = server.client(Era::Modern);
    let call = json!({"host": "web-01", "command": "printf before; sleep 600"});
    let cut = async {
        tokio::time::sleep(Duration::from_secs(1)).await;
        fleet.sshd(0).kill_sessions();
    };
    let (result, ()) = tokio::join!(client.call_tool("run", call), cut);
    assert_eq!(
        result.structured["outcome"], "connection_lost",
        "{}",
        result.text
    );
    assert_eq!(result.structured["stdout"], "before");
    assert_eq!(result.structured["may_still_run"], true);
    assert!(result.is_error && result.structured.get("exit_code").is_none());
}
