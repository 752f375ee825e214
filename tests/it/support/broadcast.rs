//! Asking many hosts at once, and finding one's way in the answer.

use serde_json::{Value, json};

use super::blackhole::Blackhole;
use super::client::{Client, ToolResult};
use super::fleet::{Entry, Fleet};
use super::server::TestServer;
use super::sockets::free_port;

/// A server on which commands may be shell lines.
pub(crate) async fn operator(fleet: &Fleet) -> TestServer {
    TestServer::builder(fleet)
        .env("SCOUT_ROLE", "operator")
        .start()
        .await
}

/// Calls the tool.
pub(crate) async fn broadcast(client: &Client, arguments: Value) -> ToolResult {
    client.call_tool("broadcast", arguments).await
}

/// A command line that does something else on some hosts, told apart by the address they were reached
/// at.
pub(crate) fn odd(fleet: &Fleet, exceptions: &[(&str, &str)], otherwise: &str) -> String {
    let arms = exceptions.iter().map(|(host, command)| {
        let ip = fleet.address(host).ip();
        format!("*' {ip} '*) {command} ;; ")
    });
    let arms: String = arms.collect();
    format!("case \"$SSH_CONNECTION\" in {arms} *) {otherwise} ;; esac")
}

/// The one group in which this host is.
pub(crate) fn group_of<'a>(result: &'a ToolResult, host: &str) -> &'a Value {
    let groups = result.structured["groups"].as_array().expect("groups");
    let has = |group: &&Value| group["hosts"].as_array().unwrap().contains(&json!(host));
    let found: Vec<_> = groups.iter().filter(has).collect();
    assert_eq!(found.len(), 1, "groups of {host}: {}", result.text);
    found[0]
}

/// The states of the hosts named here, in that order.
pub(crate) fn states<'a>(result: &'a ToolResult, hosts: &[&str]) -> Vec<&'a str> {
    let all = result.structured["hosts"].as_array().expect("hosts");
    let state = |name: &&str| {
        let host = all.iter().find(|host| host["host"] == **name);
        host.expect("a host of the answer")["state"]
            .as_str()
            .unwrap()
    };
    hosts.iter().map(state).collect()
}

/// Makes three hosts at the end of a fleet such that none can be reached, each for a reason of its own:
/// the last `sshd` shows another key than is on file, nobody listens where the next one should be, and
/// nothing comes back from the third. Gives back their names.
pub(crate) async fn three_dead(fleet: &mut Fleet) -> ([String; 3], Blackhole) {
    let last = fleet.sshds().len() - 1;
    fleet.sshd_mut(last).change_key().await;
    let names = [1, 2, 3].map(|more| format!("web-{:02}", last + more));
    let key = fleet.sshd(0).key().public.clone();
    let nobody = ([127, 0, 0, 1], free_port([127, 0, 0, 1])).into();
    fleet.add(Entry::new(&names[1], nobody, &key));
    let hole = Blackhole::on([127, 0, 0, 1].into()).await;
    fleet.add(Entry::new(&names[2], hole.address(), &key));
    (names, hole)
}
