//! Completion suggests the hosts and paths there are, as many as the protocol allows, counts the rest, and
//! never makes somebody who types wait.

use std::time::{Duration, Instant};

use serde_json::{Value, json};

use crate::support::blackhole::Blackhole;
use crate::support::client::{Client, Era};
use crate::support::fleet::{Entry, Fleet};
use crate::support::server::TestServer;

const ERAS: [Era; 2] = [Era::Modern, Era::Legacy];

async fn complete(client: &Client, reference: Value, argument: [&str; 2], host: &str) -> Value {
    let [name, value] = argument;
    let params = json!({
        "ref": reference,
        "argument": {"name": name, "value": value},
        "context": {"arguments": {"host": host}},
    });
    let reply = client.request("completion/complete", params).await;
    reply.result().unwrap()["completion"].take()
}

fn template(uri: &str) -> Value {
    json!({"type": "ref/resource", "uri": uri})
}

#[tokio::test]
async fn completion_counts_all_hosts_and_sends_a_hundred() {
    let fleet = Fleet::builder().shared(120).start().await;
    let server = TestServer::builder(&fleet)
        .env("SCOUT_BLOCKLIST", "web-119")
        .start()
        .await;
    let prompt = |name| json!({"type": "ref/prompt", "name": name});
    for era in ERAS {
        let client = server.client(era);
        for (reference, argument) in [
            (prompt("slow_host"), "host"),
            (prompt("compare_hosts"), "host_b"),
            (template("scout://{host}/{path*}"), "host"),
            (template("{host}://{path*}"), "host"),
        ] {
            let found = complete(&client, reference.clone(), [argument, "web-"], "").await;
            assert_eq!(found["values"].as_array().map(Vec::len), Some(100));
            assert_eq!(
                (&found["total"], &found["hasMore"]),
                (&json!(119), &json!(true))
            );
            let found = complete(&client, reference, [argument, "web-11"], "").await;
            let values = found["values"].as_array().expect("values");
            // web-11 and web-110 to web-118; web-119 is not there.
            assert_eq!(values.len(), 10, "{values:?}");
            assert_eq!(
                (&found["total"], &found["hasMore"]),
                (&json!(10), &json!(false))
            );
        }
        for (reference, argument) in [
            (prompt("nobody_knows"), "host"),
            (prompt("slow_host"), "other"),
            (template("other://{host}"), "host"),
        ] {
            let found = complete(&client, reference, [argument, ""], "").await;
            assert_eq!(found["values"], json!([]));
        }
    }
}

#[tokio::test]
async fn completion_lists_the_directory_that_was_typed() {
    let mut fleet = Fleet::start(1).await;
    let hole = Blackhole::on([127, 0, 0, 1].into()).await;
    fleet.add(Entry::new("hole", hole.address(), ""));
    let directory = fleet.dir().join("typed");
    std::fs::create_dir_all(directory.join("abc dir")).unwrap();
    for name in ["abd%", "abé", "other"] {
        std::fs::write(directory.join(name), "").unwrap();
    }
    let directory = directory.display().to_string();
    let server = TestServer::start(&fleet).await;
    let client = server.client(Era::Modern);
    for form in ["scout://{host}/{path*}", "{host}://{path*}"] {
        for typed in [directory.as_str(), directory.trim_start_matches('/')] {
            let value = format!("{typed}/ab");
            let found = complete(&client, template(form), ["path", &value], "web-01").await;
            let expected = ["abc dir/", "abd%", "abé"].map(|name| format!("{typed}/{name}"));
            assert_eq!(found["values"], json!(expected));
            assert_eq!(
                (&found["total"], &found["hasMore"]),
                (&json!(3), &json!(false))
            );
        }
    }
    let form = || template("scout://{host}/{path*}");
    for (typed, host) in [
        ("/no/such/", "web-01"),
        ("~bob/", "web-01"),
        ("/etc/", "web-99"),
        ("/etc/", ""),
        ("/etc/passwd/", "web-01"),
    ] {
        let found = complete(&client, form(), ["path", typed], host).await;
        assert_eq!(found["values"], json!([]), "{typed} {host}");
    }
    // Nobody waits for a host that does not answer.
    let start = Instant::now();
    let found = complete(&client, form(), ["path", "/etc/"], "hole").await;
    assert_eq!(found["values"], json!([]));
    let took = start.elapsed();
    assert!(
        took >= Duration::from_secs(1) && took < Duration::from_secs(6),
        "{took:?}"
    );
}
