//! One call on many hosts is one answer: equal answers are said once, those that differ stand out, every
//! host has a state, and what is down delays nobody.

use std::time::{Duration, Instant};

use serde_json::{Value, json};

use crate::support::blackhole::Blackhole;
use crate::support::client::{Client, Era, ToolResult};
use crate::support::fleet::{Entry, Fleet};
use crate::support::server::TestServer;
use crate::support::sockets::free_port;

async fn operator(fleet: &Fleet) -> TestServer {
    TestServer::builder(fleet)
        .env("SCOUT_ROLE", "operator")
        .start()
        .await
}

async fn broadcast(client: &Client, arguments: Value) -> ToolResult {
    client.call_tool("broadcast", arguments).await
}

/// A command line that does something else on some hosts, told apart by the address they were reached at.
fn odd(fleet: &Fleet, exceptions: &[(&str, &str)], otherwise: &str) -> String {
    let arms = exceptions.iter().map(|(host, command)| {
        let ip = fleet.address(host).ip();
        format!("*' {ip} '*) {command} ;; ")
    });
    let arms: String = arms.collect();
    format!("case \"$SSH_CONNECTION\" in {arms} *) {otherwise} ;; esac")
}

/// The group in which this host is.
fn group_of<'a>(result: &'a ToolResult, host: &str) -> &'a Value {
    let groups = result.structured["groups"].as_array().expect("groups");
    let has = |group: &&Value| group["hosts"].as_array().unwrap().contains(&json!(host));
    let mut found = groups.iter().filter(has);
    let group = found
        .next()
        .unwrap_or_else(|| panic!("{host} is in no group: {}", result.text));
    assert!(found.next().is_none(), "{host} is in two groups");
    group
}

/// Three hosts that cannot be reached, each for a reason of its own: `web-98` shows another key than is
/// on file, nobody listens at `web-99`, and nothing comes back from `web-100`.
async fn with_three_dead(fleet: &mut Fleet, changed: usize) -> Blackhole {
    fleet.sshd_mut(changed).change_key().await;
    let key = fleet.sshd(0).key().public.clone();
    let nobody = ([127, 0, 0, 1], free_port([127, 0, 0, 1])).into();
    fleet.add(Entry::new(&format!("web-{:02}", changed + 2), nobody, &key));
    let hole = Blackhole::on([127, 0, 0, 1].into()).await;
    fleet.add(Entry::new(
        &format!("web-{:02}", changed + 3),
        hole.address(),
        &key,
    ));
    hole
}

#[tokio::test]
async fn a_hundred_hosts_answer_by_the_deadline_and_what_differs_stands_out() {
    let start = Instant::now();
    let mut fleet = Fleet::start(98).await;
    eprintln!("98 hosts started in {:?}", start.elapsed());
    let _hole = with_three_dead(&mut fleet, 97).await;
    let server = TestServer::builder(&fleet)
        .env("SCOUT_ROLE", "operator")
        .env("SCOUT_CONNECTION_TIMEOUT", 8)
        .start()
        .await;
    let client = server.client(Era::Modern);
    let exceptions = [
        ("web-07", "printf 'one\\ntwo\\nodd\\n'"),
        ("web-42", "echo broken; echo why >&2; exit 3"),
    ];
    let command = odd(&fleet, &exceptions, "printf 'one\\ntwo\\nthree\\n'");
    let start = Instant::now();
    let arguments = json!({"hosts": "all", "command": command, "deadline_s": 30});
    let result = broadcast(&client, arguments).await;
    let cold = start.elapsed();
    println!("{}", result.text);
    let start = Instant::now();
    let arguments = json!({"hosts": "all,!web-98,!web-99,!web-100", "command": command});
    let again = broadcast(&client, arguments).await;
    eprintln!(
        "100 hosts, 3 of them dead: {cold:?}; the 97 again: {:?}",
        start.elapsed()
    );
    println!("{}", again.text);
    println!(
        "{}",
        serde_json::to_string_pretty(&again.structured["hosts"]).unwrap()
    );
}
