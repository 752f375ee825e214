//! A comparison shows every difference there is: what `patch` makes of it is the other file, line ends
//! and bytes included; what is no text is compared whole; what could not be compared is never called
//! the same.

mod directories;

use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use serde_json::{Value, json};
use sha2::{Digest as _, Sha256};

use crate::support::client::{Client, Era, ToolResult};
use crate::support::fleet::Fleet;
use crate::support::forest::{self, Dice, open_directory};
use crate::support::server::{TestServer, run_cli};

struct Site {
    fleet: Fleet,
    server: TestServer,
}

impl Site {
    async fn new() -> Self {
        let fleet = Fleet::start(2).await;
        let server = TestServer::start(&fleet).await;
        Self { fleet, server }
    }

    fn client(&self) -> Client {
        self.server.client(Era::Legacy)
    }

    fn file(&self, name: &str, content: impl AsRef<[u8]>) -> PathBuf {
        let path = self.fleet.dir().join(name);
        std::fs::write(&path, content).unwrap();
        path
    }

    fn directory(&self, name: &str) -> PathBuf {
        let path = self.fleet.dir().join(name);
        open_directory(&path);
        path
    }
}

async fn try_diff(client: &Client, old: &Path, new: &Path) -> ToolResult {
    let arguments = json!({
        "host": "web-01", "path": old, "other": format!("web-02:{}", new.display()),
    });
    client.call_tool("diff", arguments).await
}

async fn diff(client: &Client, old: &Path, new: &Path) -> ToolResult {
    let result = try_diff(client, old, new).await;
    assert!(
        !result.is_error,
        "a difference is no error: {}",
        result.text
    );
    result
}

/// The difference as it is, whatever its bytes.
fn exact(report: &Value) -> Vec<u8> {
    match report["diff_base64"].as_str() {
        Some(base64) => BASE64_STANDARD.decode(base64).unwrap(),
        None => report["diff"]
            .as_str()
            .unwrap_or_default()
            .as_bytes()
            .to_vec(),
    }
}

fn patched(dir: &Path, old: &[u8], difference: &[u8]) -> Vec<u8> {
    use std::io::Write as _;
    let file = dir.join("patched");
    std::fs::write(&file, old).unwrap();
    let mut patch = Command::new("patch")
        .args([
            "--quiet",
            "--posix",
            "--unified",
            "--fuzz=0",
            "--binary",
            "--no-backup-if-mismatch",
        ])
        .arg(&file)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .expect("patch");
    patch.stdin.take().unwrap().write_all(difference).unwrap();
    let output = patch.wait_with_output().unwrap();
    let text = String::from_utf8_lossy(difference);
    assert!(
        output.status.success(),
        "{}\n{text}",
        String::from_utf8_lossy(&output.stdout)
    );
    std::fs::read(&file).unwrap_or_default()
}

#[tokio::test]
async fn patch_makes_the_one_file_of_the_other() {
    let site = Site::new().await;
    let client = site.client();
    let seed = forest::seed();
    println!("seed {seed}");
    let mut dice = Dice::new(seed);
    let text = |dice: &mut Dice| -> Vec<u8> {
        let lines: [&[u8]; 7] = [b"one", b"two", b"", b"caf\xe9", b"cr\r", b"--- x", b"\\"];
        let mut text = Vec::new();
        for _ in 0..dice.below(30) {
            text.extend_from_slice(dice.of::<&[u8]>(&lines));
            text.push(b'\n');
        }
        text.truncate(text.len() - dice.below(2).min(text.len()));
        text
    };
    for _ in 0..25 {
        let (one, other) = (text(&mut dice), text(&mut dice));
        let (old, new) = (site.file("old", &one), site.file("new", &other));
        let result = diff(&client, &old, &new).await;
        assert_eq!(result.structured["same"], one == other);
        let difference = exact(&result.structured);
        assert_eq!(patched(site.fleet.dir(), &one, &difference), other);
        // As many lines change as the program of the machine finds: no fewer would do.
        let program = Command::new("diff")
            .arg("-ua")
            .arg(&old)
            .arg(&new)
            .output()
            .unwrap();
        let changes = |text: &[u8]| {
            let lines = text.split(|&b| b == b'\n').skip(2);
            lines
                .filter(|line| line.starts_with(b"+") || line.starts_with(b"-"))
                .count()
        };
        assert_eq!(changes(&difference), changes(&program.stdout));
        let code = program.status.code();
        let [a, b] = [(&old, "web-01"), (&new, "web-02")]
            .map(|(path, host)| format!("{host}:{}", path.display()));
        let cli = run_cli(&site.fleet, &["diff", &a, &b], Duration::from_secs(30)).await;
        assert_eq!(cli.code(), code, "{}", cli.stderr);
    }
}

#[tokio::test]
async fn texts_are_shown_as_people_know_it() {
    let site = Site::new().await;
    let client = site.client();
    let old = site.file("hosts-1", "127.0.0.1 localhost\n10.0.0.1 db\n");
    let new = site.file("hosts-2", "127.0.0.1 localhost\n10.0.0.2 db\n");
    let shown = diff(&client, &old, &new).await;
    let expected = format!(
        "--- web-01:{}\n+++ web-02:{}\n@@ -1,2 +1,2 @@\n 127.0.0.1 localhost\n-10.0.0.1 db\n+10.0.0.2 db",
        old.display(),
        new.display()
    );
    assert_eq!(shown.text, expected);
    assert_eq!(
        (&shown.structured["added"], &shown.structured["removed"]),
        (&json!(1), &json!(1))
    );
    let same = diff(&client, &old, &old).await;
    assert_eq!(
        same.text,
        format!(
            "Files are identical:\n  web-01:{0}\n  web-02:{0}",
            old.display()
        )
    );

    let content = async |content: &str| {
        let arguments = json!({"host": "web-01", "path": old, "content": content, "context": 0});
        client.call_tool("diff", arguments).await
    };
    let met = content("127.0.0.1 localhost\n10.0.0.1 db\n").await;
    assert_eq!(
        met.text,
        format!("File matches expected content: {}", old.display())
    );
    let empty = content("").await;
    let expected = format!(
        "--- expected\n+++ {}\n@@ -0,0 +1,2 @@\n+127.0.0.1 localhost\n+10.0.0.1 db",
        old.display()
    );
    assert_eq!(empty.text, expected, "an empty content is one");

    // Only the ends of lines differ, or only the last newline is missing: still to be seen.
    let crlf = site.file("crlf", "a\r\nb\r\n");
    let lf = site.file("lf", "a\nb\n");
    let ends = diff(&client, &crlf, &lf).await;
    assert!(
        ends.text
            .contains("-a\\r\n-b\\r\n+a\n+b\n[only line endings differ: CRLF / LF]"),
        "{}",
        ends.text
    );
    assert!(ends.structured["diff"].as_str().unwrap().contains("-a\r\n"));
    let open = site.file("open", "a\nb");
    let newline = diff(&client, &lf, &open).await;
    assert!(
        newline
            .text
            .ends_with(" a\n-b\n+b\n\\ No newline at end of file"),
        "{}",
        newline.text
    );
    let latin = site.file("latin", b"caf\xe9\n");
    let bytes = diff(&client, &lf, &latin).await;
    assert!(
        bytes.text.contains("+caf\\xe9\n[bytes that are not UTF-8"),
        "{}",
        bytes.text
    );
}

#[tokio::test]
async fn what_is_no_text_is_compared_whole() {
    let site = Site::new().await;
    let client = site.client();
    let sum = |bytes: &[u8]| -> String {
        let sum = Sha256::digest(bytes);
        sum.iter().map(|byte| format!("{byte:02x}")).collect()
    };
    let (one, other) = (b"\0one".as_slice(), b"\0two!".as_slice());
    let (old, new) = (site.file("bin-1", one), site.file("bin-2", other));
    let binary = diff(&client, &old, &new).await;
    let expected = format!(
        "differ: web-01:{} 4 bytes, sha256 {}; web-02:{} 5 bytes, sha256 {}\n[binary: compared by size and SHA-256]",
        old.display(),
        sum(one),
        new.display(),
        sum(other)
    );
    assert_eq!(binary.text, expected);
    assert!(diff(&client, &old, &old).await.structured["same"] == true);

    // Fifty mebibytes that differ in one byte, and two that do not.
    let mut large: Vec<u8> = (0..50_u32 << 18)
        .flat_map(|n| n.wrapping_mul(2_654_435_761).to_be_bytes())
        .collect();
    let first = site.file("large-1", &large);
    let twin = site.file("large-2", &large);
    *large.last_mut().unwrap() ^= 1;
    let second = site.file("large-3", &large);
    let began = Instant::now();
    let twins = diff(&client, &first, &twin).await;
    assert_eq!(twins.structured["same"], true, "{}", twins.text);
    let differ = diff(&client, &first, &second).await;
    println!("two pairs of 50 MiB: {:?}", began.elapsed());
    assert_eq!(differ.structured["same"], false);
    assert_eq!(differ.structured["new"]["sha256"], sum(&large));
    assert!(
        differ
            .text
            .ends_with("[too large for a difference of lines: compared by size and SHA-256]")
    );
    // A text that is cut is not compared as if it were whole.
    let text = "line\n".repeat(1 << 18);
    let long = site.file("long-1", &text);
    let longer = site.file("long-2", text.clone() + "more\n");
    let cut = diff(&client, &long, &longer).await;
    assert_eq!(cut.structured["same"], false, "{}", cut.text);
    let expected = json!({"host": "web-01", "path": long, "content": text});
    assert_eq!(
        client.call_tool("diff", expected).await.structured["same"],
        true
    );
}

#[tokio::test]
async fn two_hosts_are_compared_over_one_connection_at_a_time() {
    let fleet = Fleet::start(2).await;
    let server = TestServer::builder(&fleet)
        .env("SCOUT_MAX_POOL_SIZE", 1)
        .start()
        .await;
    let client = server.client(Era::Legacy);
    let began = Instant::now();
    for path in ["/etc/hostname", "/etc/ssh"] {
        let result = diff(&client, Path::new(path), Path::new(path)).await;
        assert!(
            result.text.contains("identical") || path == "/etc/ssh",
            "{}",
            result.text
        );
    }
    assert!(
        began.elapsed() < Duration::from_secs(20),
        "{:?}",
        began.elapsed()
    );
}

#[tokio::test]
async fn a_host_out_of_reach_of_a_key_is_compared_with_nothing() {
    let fleet = Fleet::start(2).await;
    let server = TestServer::builder(&fleet)
        .env("SCOUT_BLOCKLIST", "web-02")
        .start()
        .await;
    let client = server.client(Era::Legacy);
    for (host, other) in [
        ("web-01", "web-02"),
        ("web-02", "web-01"),
        ("web-01", "nowhere"),
    ] {
        let arguments = json!({"host": host, "path": "/etc/hostname", "other": format!("{other}:/etc/hostname")});
        let result = client.call_tool("diff", arguments).await;
        assert!(
            result.is_error && result.structured["code"] == "unknown_host",
            "{}",
            result.text
        );
        assert_eq!(result.structured["hint"], "available: web-01");
    }
    let neither = json!({"host": "web-01", "path": "/etc/hostname"});
    assert_eq!(
        client.call_tool("diff", neither).await.structured["code"],
        "invalid"
    );
}
