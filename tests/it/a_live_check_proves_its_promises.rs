//! `scout check --live` says of a good server that it is good, and of a server without the checks that
//! it has none. What it did not see it does not call kept.

use std::time::Duration;

use serde_json::Value;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpListener;

use crate::support::fleet::Fleet;
use crate::support::program::Finished;
use crate::support::server::{TestServer, run_cli_with};

const KEY: &str = "an-api-key-of-this-test";
const WITHIN: Duration = Duration::from_secs(60);

async fn check(fleet: &Fleet, url: &str, env: &[(&str, &str)], more: &[&str]) -> Finished {
    let args = [&["check", "--live", url, "--json"], more].concat();
    run_cli_with(fleet, env, &args, WITHIN).await
}

/// The verdict of every promise.
fn verdicts(end: &Finished) -> Vec<(String, String)> {
    let report: Value = serde_json::from_str(&end.stdout)
        .unwrap_or_else(|error| panic!("{error}: {} {}", end.stdout, end.stderr));
    let text = |row: &Value, name: &str| row[name].as_str().expect("a text").to_owned();
    let rows = report["checks"].as_array().expect("checks").iter();
    rows.map(|row| (text(row, "what"), text(row, "verdict")))
        .collect()
}

fn with<'a>(verdicts: &'a [(String, String)], verdict: &str) -> Vec<&'a str> {
    let those = verdicts.iter().filter(|(_, found)| found == verdict);
    those.map(|(what, _)| what.as_str()).collect()
}

/// Answers 200 to everything, and reads nothing.
async fn yes_man() -> String {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    tokio::spawn(async move {
        while let Ok((mut stream, _)) = listener.accept().await {
            tokio::spawn(async move {
                let answer = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n{}";
                let _ = stream.write_all(answer).await;
                // Until the client has gone: closing with bytes unread would reset the answer.
                let mut sink = vec![0; 1 << 16];
                while let Ok(1..) = stream.read(&mut sink).await {}
            });
        }
    });
    url
}

#[tokio::test]
async fn a_good_server_with_keys_keeps_every_promise() {
    let fleet = Fleet::start(0).await;
    let server = TestServer::builder(&fleet)
        .env("SCOUT_API_KEYS", KEY)
        .env("SCOUT_RATE_LIMIT_PER_MINUTE", 600)
        .env("SCOUT_RATE_LIMIT_BURST", 30)
        .start()
        .await;
    let env = [
        ("SCOUT_API_KEYS", KEY),
        ("SCOUT_RATE_LIMIT_PER_MINUTE", "600"),
        ("SCOUT_RATE_LIMIT_BURST", "30"),
        ("A_KEY", KEY),
    ];
    let all = ["--key-env", "A_KEY", "--rate-limit"];
    let end = check(&fleet, &server.page_url(""), &env, &all).await;
    assert_eq!(end.code(), Some(0), "{}", end.stdout);
    let all = verdicts(&end);
    assert_eq!(with(&all, "kept").len(), all.len(), "{all:?}");
    assert_eq!(all.len(), 11, "{all:?}");

    // Without the key the same server is not blamed, and what needs one is not called kept.
    let end = check(&fleet, &server.page_url(""), &env, &["--rate-limit"]).await;
    assert_eq!(end.code(), Some(0), "{}", end.stdout);
    let some = verdicts(&end);
    let unproven = [
        "a valid key",
        "a body that is announced too large",
        "a body that turns out too large",
        "more requests than the rate",
    ];
    assert_eq!(with(&some, "unproven"), unproven);
    for end in [&end.stdout, &end.stderr] {
        assert!(!end.contains(KEY), "{end}");
    }
}

#[tokio::test]
async fn a_server_without_checks_is_found_out() {
    let fleet = Fleet::start(0).await;
    let url = yes_man().await;
    let env = [("SCOUT_API_KEYS", KEY), ("A_KEY", KEY)];
    let all = ["--key-env", "A_KEY", "--rate-limit"];
    let end = check(&fleet, &url, &env, &all).await;
    assert_eq!(end.code(), Some(1), "{}", end.stdout);
    let all = verdicts(&end);
    assert_eq!(
        with(&all, "kept"),
        ["GET /health", "the key that was given"]
    );
    let broken = [
        "a foreign Host name",
        "a page of another site",
        "a page without an origin",
        "no key",
        "a wrong key",
        "a key in the URL",
        "a body that is announced too large",
        "a body that turns out too large",
        "more requests than the rate",
    ];
    assert_eq!(with(&all, "broken"), broken);
}

/// One promise at a time is broken, by a server with other settings than those that are checked.
#[tokio::test]
async fn each_single_promise_can_be_found_broken() {
    let fleet = Fleet::start(0).await;
    let server = TestServer::builder(&fleet)
        .env("SCOUT_MAX_BODY_SIZE", "8MiB")
        .start()
        .await;
    let url = server.page_url("");
    let broken = async |env: &[(&str, &str)], more: &[&str]| {
        let end = check(&fleet, &url, env, more).await;
        assert_eq!(end.code(), Some(1), "{}", end.stdout);
        let all = verdicts(&end);
        with(&all, "broken").join(", ")
    };
    let bodies = "a body that is announced too large, a body that turns out too large";
    assert_eq!(broken(&[], &[]).await, bodies);
    let same_body = ("SCOUT_MAX_BODY_SIZE", "8MiB");
    assert_eq!(
        broken(&[same_body], &["--rate-limit"]).await,
        "more requests than the rate"
    );
    let keys = [same_body, ("SCOUT_API_KEYS", KEY)];
    assert_eq!(broken(&keys, &[]).await, "no key, a wrong key");
}

#[tokio::test]
async fn what_cannot_be_asked_is_an_error_and_not_a_verdict() {
    let fleet = Fleet::start(0).await;
    for url in ["https://localhost", "localhost:8000", "nonsense"] {
        let end = check(&fleet, url, &[], &[]).await;
        assert_eq!((end.code(), end.stdout.as_str()), (Some(2), ""), "{url}");
    }
    let gone = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}", gone.local_addr().unwrap());
    drop(gone);
    let end = check(&fleet, &url, &[], &[]).await;
    assert_eq!(end.code(), Some(1));
    assert_eq!(with(&verdicts(&end), "broken"), ["GET /health"]);
}
