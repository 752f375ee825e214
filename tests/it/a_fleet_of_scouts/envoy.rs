//! The same behind a real Envoy, for clients of the newest revision.

use serde_json::{Value, json};

use super::{SOON, for_each_host, owned, read, replica, run};
use crate::support::envoy::Envoy;
use crate::support::eventually;
use crate::support::fleet::Fleet;
use crate::support::server::TestServer;
use crate::support::sockets::free_port;

const HOSTS: usize = 40;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn each_host_has_one_owner_and_a_loss_is_told_as_it_is() {
    let Some(binary) = Envoy::binary() else {
        eprintln!("SKIPPED: there is no Envoy; SCOUT_TEST_ENVOY names one");
        return;
    };
    let fleet = Fleet::builder().shared(HOSTS).start().await;
    let hosts = fleet.names();
    let port = free_port([127, 0, 0, 1]);
    let builder = replica(&fleet).env("SCOUT_IDLE_TIMEOUT", 600);
    let servers = super::broadcasts::replicas(&fleet, builder, port).await;
    let ports: Vec<_> = servers.iter().map(TestServer::ports).collect();
    let ports = ports.try_into().expect("three replicas");
    let envoy = Envoy::start(binary, fleet.dir(), port, ports).await;
    let client = envoy.client();

    let all = json!({"hosts": "all", "path": "/etc/hostname"});
    let answer = client.call_tool("broadcast", all.clone()).await;
    assert!(!answer.is_error, "{}", answer.text);
    for answer in for_each_host(&hosts, |host| read(&client, host)).await {
        assert!(!answer.is_error, "{}", answer.text);
    }
    assert_eq!(fleet.logins(), HOSTS);
    let [dies, others @ ..] = &servers[..] else {
        panic!("three were started");
    };
    let others: Vec<_> = others.iter().collect();
    let lost = owned(&[dies], &hosts).await.remove(0);
    let kept = owned(&others, &hosts).await;
    assert!(!lost.is_empty() && lost.len() < HOSTS, "{lost:?}");

    let mark = super::losses::open_to_all(&fleet).join("ran");
    let command = format!("echo x >> {}; sleep 40", mark.display());
    let under_way = tokio::spawn(client.prepare("tools/call", run(&lost[0], &command)).send());
    eventually("the command has begun", SOON, || mark.exists()).await;
    dies.kill9();
    dies.until_gone().await;
    for answer in for_each_host(&hosts, |host| read(&client, host)).await {
        assert!(!answer.is_error, "{}", answer.text);
    }
    let answer = under_way.await.unwrap().unwrap();
    assert_eq!(answer.status(), 502);
    let said: Value = answer.json().await.unwrap();
    let said = said["error"]["message"].as_str().unwrap().to_owned();
    assert!(
        said.contains("unknown") && said.contains("nothing was repeated"),
        "{said}"
    );
    envoy.until_healthy(2).await;

    let answer = client.call_tool("broadcast", all).await;
    assert!(!answer.is_error, "{}", answer.text);
    for (kept, now) in kept.iter().zip(owned(&others, &hosts).await) {
        assert!(
            kept.iter().all(|host| now.contains(host)),
            "{kept:?} {now:?}"
        );
    }
    let ran = std::fs::read_to_string(mark).unwrap();
    assert_eq!(ran, "x\n", "it ran once");
}
