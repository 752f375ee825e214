//! A search finds what the host's own `find` finds, whatever the names are made of; what it did not
//! look at it says, and nothing that it comes upon makes it wait.

mod limits;

use std::collections::BTreeMap;
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::symlink;
use std::path::Path;
use std::process::Command;
use std::time::{Duration, Instant};

use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use serde_json::{Value, json};

use crate::support::account::is_root;
use crate::support::client::{Client, Era, ToolResult};
use crate::support::fleet::Fleet;
use crate::support::forest::{self, Dice, HOSTILE, at, open_directory};
use crate::support::server::{TestServer, run_cli};
use crate::support::sshd::config::SshdConfig;

async fn find(client: &Client, dir: &Path, mut what: Value) -> ToolResult {
    what["host"] = "web-01".into();
    what["path"] = dir.to_str().unwrap().into();
    let result = client.call_tool("find", what.clone()).await;
    assert!(!result.is_error, "{what}: {}", result.text);
    result
}

/// The exact paths of the results, in their order.
fn paths(result: &ToolResult) -> Vec<Vec<u8>> {
    let results = result.structured["results"].as_array().unwrap();
    results.iter().map(exact).collect()
}

fn exact(found: &Value) -> Vec<u8> {
    match found["path_base64"].as_str() {
        Some(base64) => BASE64_STANDARD.decode(base64).unwrap(),
        None => found["path"].as_str().unwrap().as_bytes().to_vec(),
    }
}

/// What `find` finds, in byte order of the names, depth first.
fn by_program(dir: &Path, args: &[&str]) -> Vec<Vec<u8>> {
    let output = Command::new("find")
        .arg(dir)
        .args(["-mindepth", "1"])
        .args(args)
        .arg("-print0")
        .env("LC_ALL", "C.UTF-8")
        .output()
        .unwrap();
    let mut found: Vec<Vec<u8>> = output
        .stdout
        .split(|&b| b == 0)
        .map(<[u8]>::to_vec)
        .collect();
    found.retain(|path| !path.is_empty());
    found.sort_by(|a, b| a.split(|&b| b == b'/').cmp(b.split(|&b| b == b'/')));
    found
}

#[tokio::test]
async fn random_trees_are_searched_as_find_searches_them() {
    let fleet = Fleet::start(1).await;
    let server = TestServer::start(&fleet).await;
    let client = server.client(Era::Legacy);
    let seed = forest::seed();
    println!("seed {seed}");
    let mut dice = Dice::new(seed);
    let mut seen = 0;
    for n in 0..6 {
        let dir = fleet.dir().join(format!("tree-{n}"));
        forest::grow(&dir, &mut dice, 120);
        for _ in 0..8 {
            let depth = (1 + dice.below(6)).to_string();
            let name = *dice.of(&[
                "*", "*.rs", "-*", ".*", "?", "*[0-9]*", "*\n*", "[!a-z]*", "\\*", "*é*",
            ]);
            let (kind, letter) = *dice.of(&[
                ("file", "f"),
                ("directory", "d"),
                ("symlink", "l"),
                ("other", "p"),
            ]);
            let mut what = json!({"depth": depth.parse::<u32>().unwrap(), "limit": 10_000});
            let mut args = vec!["-maxdepth", &depth];
            if dice.below(2) == 0 {
                what["name"] = name.into();
                args.extend(["-name", name]);
            }
            if dice.below(2) == 0 {
                what["kind"] = kind.into();
                args.extend(["-type", letter]);
            }
            if dice.below(4) == 0 {
                what["min_size"] = "5".into();
                what["max_size"] = "9B".into();
                args.extend(["-type", "f", "-size", "+4c", "-size", "-10c"]);
            }
            let result = find(&client, &dir, what.clone()).await;
            assert_eq!(result.structured["complete"], true, "{}", result.text);
            let found = paths(&result);
            assert_eq!(found, by_program(&dir, &args), "{what} {args:?}");
            seen += found.len();
        }
    }
    assert!(seen > 200, "{seen}");
}

#[tokio::test]
async fn a_text_is_found_in_the_lines_that_hold_it() {
    let plain = Fleet::start(1).await;
    let server = TestServer::start(&plain).await;
    contents_are_counted(&plain, &server.client(Era::Modern)).await;
}

#[tokio::test]
async fn a_host_without_a_shell_is_searched_all_the_same() {
    let config = SshdConfig {
        force_command: Some("internal-sftp".into()),
        // One channel is all there is.
        max_sessions: 1,
        ..SshdConfig::default()
    };
    let fleet = Fleet::builder().hosts_with(1, &config).start().await;
    let server = TestServer::start(&fleet).await;
    contents_are_counted(&fleet, &server.client(Era::Modern)).await;
}

async fn contents_are_counted(fleet: &Fleet, client: &Client) {
    let seed = forest::seed();
    println!("seed {seed}");
    let mut dice = Dice::new(seed);
    let dir = fleet.dir().join("texts");
    forest::grow(&dir, &mut dice, 150);
    let began = Instant::now();
    let every: [&str; 6] = ["TODO", "-e", ".*", "a", "x\r", "nowhere at all"];
    for text in every {
        let result = find(client, &dir, json!({"contains": text, "limit": 10_000})).await;
        assert_eq!(result.structured["complete"], true, "{}", result.text);
        let results = result.structured["results"].as_array().unwrap();
        let found: Vec<_> = results
            .iter()
            .map(|found| (exact(found), found["matches"].as_u64().unwrap()))
            .collect();
        let counted = by_program(&dir, &["-type", "f"])
            .into_iter()
            .filter_map(|path| {
                let bytes = std::fs::read(std::ffi::OsStr::from_bytes(&path)).unwrap();
                let lines = bytes.split(|&b| b == b'\n');
                let count = lines
                    .filter(|line| line.windows(text.len()).any(|w| w == text.as_bytes()))
                    .count();
                (count > 0).then_some((path, count as u64))
            });
        assert_eq!(found, counted.collect::<Vec<_>>(), "{text:?}");
    }
    // Nobody waits for a channel that they hold themselves.
    assert!(
        began.elapsed() < Duration::from_secs(40),
        "{:?}",
        began.elapsed()
    );
    let none = find(client, &dir, json!({"contains": "nowhere at all"})).await;
    let expected = format!(
        "No files matching '*' and holding 'nowhere at all' found in {}",
        dir.display()
    );
    assert_eq!(none.text, expected);
}

#[tokio::test]
async fn what_is_found_can_be_read_back_whatever_its_name() {
    let fleet = Fleet::start(1).await;
    let server = TestServer::start(&fleet).await;
    let client = server.client(Era::Legacy);
    let dir = fleet.dir().join("names");
    open_directory(&dir);
    for name in HOSTILE {
        std::fs::write(at(&dir, name), name).unwrap();
    }
    let result = find(&client, &dir, json!({})).await;
    let results = result.structured["results"].as_array().unwrap();
    assert_eq!(results.len(), HOSTILE.len());
    assert_eq!(
        result.text.lines().count(),
        HOSTILE.len(),
        "a line each: {}",
        result.text
    );
    assert!(!result.text.contains(|c: char| c.is_control() && c != '\n'));
    let mut read = BTreeMap::new();
    for found in results {
        let mut arguments = json!({"host": "web-01"});
        match found["path_base64"].as_str() {
            Some(base64) => arguments["path_base64"] = base64.into(),
            None => arguments["path"] = found["path"].clone(),
        }
        let file = client.call_tool("read", arguments).await.structured;
        let content = file["content"].as_str().unwrap();
        let content = match file["encoding"].as_str() {
            Some("base64") => BASE64_STANDARD.decode(content).unwrap(),
            _ => content.as_bytes().to_vec(),
        };
        read.insert(exact(found), content);
        if let Some(uri) = found["uri"].as_str() {
            let contents = client
                .request("resources/read", json!({"uri": uri}))
                .await
                .result();
            let contents = &contents.unwrap()["contents"][0];
            let content = contents["text"]
                .as_str()
                .map(|text| text.as_bytes().to_vec());
            let content = content.unwrap_or_else(|| {
                BASE64_STANDARD
                    .decode(contents["blob"].as_str().unwrap())
                    .unwrap()
            });
            assert!(exact(found).ends_with(&content), "{uri}");
        }
    }
    for name in HOSTILE {
        assert_eq!(read[at(&dir, name).as_os_str().as_bytes()], name);
    }
    // The command line gives the bytes themselves.
    let target = format!("web-01:{}", dir.display());
    let finished = run_cli(
        &fleet,
        &["find", &target, "-0", "--name", "*line"],
        Duration::from_secs(30),
    )
    .await;
    assert_eq!(finished.stdout, format!("{}/new\nline\0", dir.display()));
    let both = json!({"host": "web-01", "path": "/", "path_base64": "Lw=="});
    assert!(client.call_tool("read", both).await.is_error);
}

#[tokio::test]
async fn nothing_it_comes_upon_makes_it_wait() {
    let fleet = Fleet::start(1).await;
    let server = TestServer::start(&fleet).await;
    let client = server.client(Era::Legacy);
    let dir = fleet.dir().join("traps");
    open_directory(&dir);
    for name in ["loop", "up"] {
        symlink(if name == "loop" { "loop" } else { ".." }, dir.join(name)).unwrap();
    }
    nix::unistd::mkfifo(
        &dir.join("fifo"),
        nix::sys::stat::Mode::from_bits_truncate(0o666),
    )
    .unwrap();
    std::os::unix::net::UnixListener::bind(dir.join("socket")).unwrap();
    if is_root() {
        let device = Command::new("mknod")
            .arg(dir.join("tty"))
            .args(["c", "5", "0"])
            .status();
        assert!(device.unwrap().success());
    }
    std::fs::write(dir.join("file"), "TODO\n").unwrap();
    let began = Instant::now();
    let found = find(&client, &dir, json!({"contains": "TODO"})).await;
    assert_eq!(found.text, format!("{}/file (1 line)", dir.display()));
    let all = find(&client, &dir, json!({"kind": "other"})).await;
    let expected = ["fifo", "socket", "tty"]
        .into_iter()
        .take(if is_root() { 3 } else { 2 });
    let expected: Vec<_> = expected
        .map(|name| dir.join(name).display().to_string())
        .collect();
    assert_eq!(all.text, expected.join("\n"));
    // Files of the kernel that wait when they are read say that they are empty.
    let kernel = find(
        &client,
        Path::new("/proc/sys/kernel"),
        json!({"contains": "Linux", "depth": 1}),
    )
    .await;
    assert!(kernel.structured["results"].as_array().unwrap().is_empty());
    // A link as the place to search is followed, a link below is not.
    let link = fleet.dir().join("link");
    symlink(&dir, &link).unwrap();
    let through = find(&client, &link, json!({"name": "file"})).await;
    assert_eq!(through.text, link.join("file").display().to_string());
    // A file is searched itself.
    let one = find(&client, &dir.join("file"), json!({"contains": "TODO"})).await;
    assert_eq!(one.structured["results"][0]["matches"], 1);
    assert!(
        began.elapsed() < Duration::from_secs(20),
        "{:?}",
        began.elapsed()
    );
}
