//! Broadcasts that go to each host through the balancer: the same answers, from whoever owns the host.

use std::os::unix::fs::PermissionsExt as _;
use std::time::{Duration, Instant};

use futures_util::future::join_all;
use serde_json::{Value, json};

use super::{SOON, for_each_host, owned, read, replica};
use crate::support::balancer::Balancer;
use crate::support::client::Era;
use crate::support::eventually;
use crate::support::fleet::Fleet;
use crate::support::server::{ServerBuilder, TestServer, run_cli_with};
use crate::support::sockets::free_port;

const KEY: &str = "key-of-the-replicas-0123456789";

/// A replica that knows a balancer at `port`.
pub(super) fn knowing(fleet: &Fleet, builder: ServerBuilder, port: u16) -> ServerBuilder {
    let key = fleet.dir().join("replicas.key");
    std::fs::write(&key, format!("{KEY}\n")).unwrap();
    std::fs::set_permissions(&key, std::fs::Permissions::from_mode(0o600)).unwrap();
    builder
        .env("SCOUT_BALANCER_URL", format!("http://127.0.0.1:{port}/mcp"))
        .env("SCOUT_BALANCER_KEY_FILE", key.display())
}

/// Three of them.
pub(super) async fn replicas(fleet: &Fleet, builder: ServerBuilder, port: u16) -> Vec<TestServer> {
    let builder = knowing(fleet, builder, port);
    join_all((0..3).map(|_| builder.clone().start())).await
}

/// Three, with the balancer.
async fn serve(fleet: &Fleet, builder: ServerBuilder) -> (Vec<TestServer>, Balancer) {
    let port = free_port([127, 0, 0, 1]);
    let servers = replicas(fleet, builder, port).await;
    let ports: Vec<_> = servers.iter().map(TestServer::ports).collect();
    let balancer = Balancer::start_at(port, &ports, &[1, 2, 3]).await;
    (servers, balancer)
}

/// One, with the balancer.
pub(super) async fn serve_one(fleet: &Fleet, builder: ServerBuilder) -> (TestServer, Balancer) {
    let port = free_port([127, 0, 0, 1]);
    let server = knowing(fleet, builder, port).start().await;
    let balancer = Balancer::start_at(port, &[server.ports()], &[1]).await;
    (server, balancer)
}

/// What differs from one time to another is taken out: how long it took, and when files changed.
fn timeless(mut value: Value) -> Value {
    match &mut value {
        Value::Object(map) => {
            for name in ["duration_ms", "modified", "size"] {
                map.remove(name);
            }
            map.values_mut()
                .for_each(|value| *value = timeless(value.take()));
        }
        Value::Array(items) => items
            .iter_mut()
            .for_each(|value| *value = timeless(value.take())),
        _ => {}
    }
    value
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_broadcast_asks_the_owners_and_answers_as_if_it_were_one() {
    const HOSTS: usize = 60;
    let fleet = Fleet::builder().shared(HOSTS).start().await;
    let hosts = fleet.names();
    let (servers, balancer) = serve(&fleet, replica(&fleet).env("SCOUT_IDLE_TIMEOUT", 600)).await;
    let client = balancer.client(Era::Modern);
    let answer = client
        .call_tool(
            "broadcast",
            json!({"hosts": "all", "path": "/etc/hostname"}),
        )
        .await;
    assert!(!answer.is_error, "{}", answer.text);
    assert_eq!(answer.structured["succeeded"], HOSTS);
    assert_eq!(fleet.logins(), HOSTS);
    let servers: Vec<&TestServer> = servers.iter().collect();
    let owners = owned(&servers, &hosts).await;
    assert!(
        owners.iter().all(|owned| owned.len() > HOSTS / 6),
        "{owners:?}"
    );

    let works = [
        json!({"path": "/etc/hostname"}),
        json!({"path": "/etc/passwd", "tail": 2}),
        json!({"path": "/etc/ssh"}),
        json!({"path": "/etc/ssh", "tree": true}),
        json!({"path": "/nowhere"}),
        json!({"path": "/bin/true", "max_bytes": 4096}),
        json!({"command": "echo out; echo err >&2; exit 3"}),
        json!({"command": "printf 'a\\377b'"}),
        json!({"command": "yes scout | head -c 100000", "max_bytes": 1000}),
        json!({"argv": ["sh", "-c", "cat; echo $A; pwd"], "env": {"A": "b c"}, "stdin": "in", "cwd": "/tmp"}),
        json!({"command": "sleep 60", "timeout_s": 0.5}),
        json!({"command": "kill -KILL $$"}),
        json!({"command": "true", "cwd": "/nowhere"}),
    ];
    let one = replica(&fleet).start().await;
    let alone = one.client(Era::Modern);
    for work in &works {
        let mut arguments = work.clone();
        arguments["hosts"] = "web-0[1-4]".into();
        let (here, there) = tokio::join!(
            alone.call_tool("broadcast", arguments.clone()),
            client.call_tool("broadcast", arguments),
        );
        assert_eq!(here.is_error, there.is_error, "{work}: {}", there.text);
        assert_eq!(
            timeless(here.structured),
            timeless(there.structured),
            "{work}"
        );
        // Texts say how long it took.
        let without_digits = |text: String| text.replace(|c: char| c.is_ascii_digit(), "");
        assert_eq!(
            without_digits(here.text),
            without_digits(there.text),
            "{work}"
        );
    }
    drop(one);
    for answer in for_each_host(&hosts, |host| read(&client, host)).await {
        assert!(!answer.is_error, "{}", answer.text);
    }
    assert_eq!(owned(&servers, &hosts).await, owners);
    eventually("each host has one connection", SOON, || {
        fleet.established() == HOSTS
    })
    .await;
    let mut answered = 0.0;
    for server in servers {
        let outcome = [("outcome", "answered")];
        let shown = server.metrics().await;
        answered += shown.value("scout_balancer_calls_total", &outcome).unwrap();
    }
    assert_eq!(answered as usize, HOSTS + 4 * works.len());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_a_lost_replica_worked_on_is_unknown_and_ran_once() {
    const HOSTS: usize = 12;
    let fleet = Fleet::builder().shared(HOSTS).start().await;
    let hosts = fleet.names();
    let (servers, balancer) = serve(&fleet, replica(&fleet).env("SCOUT_IDLE_TIMEOUT", 600)).await;
    let client = balancer.client(Era::Modern);
    for answer in for_each_host(&hosts, |host| read(&client, host)).await {
        assert!(!answer.is_error, "{}", answer.text);
    }
    let lost = owned(&[&servers[0]], &hosts).await.remove(0);
    assert!(!lost.is_empty() && lost.len() < HOSTS, "{lost:?}");
    let marks = super::losses::open_to_all(&fleet);
    let mark = |host: &str| marks.join(host);
    // Each host knows itself by its port alone, so the mark is named by who asks.
    let asked = servers[1].client(Era::Modern);
    let targets: Vec<_> = hosts
        .iter()
        .map(|host| {
            std::fs::create_dir(mark(host)).unwrap();
            std::fs::set_permissions(mark(host), std::fs::Permissions::from_mode(0o777)).unwrap();
            format!("{host}:{}", mark(host).display())
        })
        .collect();
    let broadcast = tokio::spawn(async move {
        let command = "echo x >> ran; while [ ! -e ../go ]; do sleep 0.1; done";
        let arguments = json!({"targets": targets, "command": command, "timeout_s": 30});
        asked.call_tool("broadcast", arguments).await
    });
    eventually("every command has begun", SOON, || {
        hosts.iter().all(|host| mark(host).join("ran").exists())
    })
    .await;
    servers[0].kill9();
    tokio::time::sleep(Duration::from_millis(500)).await;
    std::fs::write(marks.join("go"), "").unwrap();
    let answer = broadcast.await.unwrap();
    assert!(answer.is_error);
    for entry in answer.structured["hosts"].as_array().unwrap() {
        let host = entry["host"].as_str().unwrap().to_owned();
        let state = if lost.contains(&host) {
            "connection_lost"
        } else {
            "ok"
        };
        assert_eq!(entry["state"], state, "{host}: {}", answer.text);
        let ran = std::fs::read_to_string(mark(&host).join("ran")).unwrap();
        assert_eq!(ran, "x\n", "{host} ran once");
    }
    assert!(
        answer.text.contains("nothing was repeated"),
        "{}",
        answer.text
    );

    // With the dead one out, its hosts are answered by others.
    balancer.until_up(&[2, 3]).await;
    let again = json!({"hosts": "all", "path": "/etc/hostname"});
    let again = servers[1]
        .client(Era::Modern)
        .call_tool("broadcast", again)
        .await;
    assert!(!again.is_error, "{}", again.text);

    // Without any, nothing is sent to a host.
    drop(balancer);
    let nobody = json!({"hosts": "web-0[1-2]", "command": "true"});
    let nobody = servers[1]
        .client(Era::Modern)
        .call_tool("broadcast", nobody)
        .await;
    assert_eq!(
        nobody.structured["states"],
        json!({"unreachable": 2}),
        "{}",
        nobody.text
    );
    assert!(
        nobody.text.contains("nothing was done on the host"),
        "{}",
        nobody.text
    );
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn replicas_act_with_the_rights_of_the_caller_and_have_none_themselves() {
    const LAPTOP: &str = "key-of-the-laptop-0123456789";
    let fleet = Fleet::builder().shared(12).start().await;
    let config = fleet.dir().join("scout.toml");
    let digest = {
        use sha2::Digest as _;
        let sum = sha2::Sha256::digest(LAPTOP);
        sum.iter()
            .map(|byte| format!("{byte:02x}"))
            .collect::<String>()
    };
    let text = format!(
        "[[auth.keys]]\nname = \"laptop\"\nsha256 = \"{digest}\"\nrole = \"observer\"\nhosts = [\"web-0*\"]\n"
    );
    std::fs::write(&config, text).unwrap();
    let builder = replica(&fleet)
        .arg("--config")
        .arg(config.display())
        .env("SCOUT_RATE_LIMIT_PER_MINUTE", 1)
        .env("SCOUT_RATE_LIMIT_BURST", 5);
    let (servers, balancer) = serve(&fleet, builder).await;

    // One request of the caller, nine of a replica, at a rate of one each minute.
    let laptop = balancer.client(Era::Modern).with_key(LAPTOP);
    let argv = json!({"hosts": "all", "argv": ["head", "-n", "1", "/etc/hostname"]});
    let answer = laptop.call_tool("broadcast", argv).await;
    assert!(!answer.is_error, "{}", answer.text);
    assert_eq!(answer.structured["succeeded"], 9, "{}", answer.text);
    let hidden = json!({"hosts": "web-01,web-10", "path": "/etc/hostname"});
    let hidden = laptop.call_tool("broadcast", hidden).await;
    assert!(
        hidden.is_error && !hidden.text.contains("replica"),
        "{}",
        hidden.text
    );

    let visit = |caller: &str, host: &str, line: &str| {
        let run = json!({"line": line, "argv": null, "cwd": null, "env": [], "stdin": null, "timeout_ms": null});
        json!({"host": host, "caller": caller, "visit": {"path": null, "work": {"run": run},
            "max_bytes": null, "most": 1000, "bulk": true, "span_ms": 5000}})
    };
    // A client has no such tool, whoever it is.
    let refused = laptop
        .try_call_tool("visit", visit("laptop", "web-01", "ls"))
        .await;
    assert!(refused.is_err());
    let replica = servers[0].client(Era::Modern).with_key(KEY);
    assert_eq!(replica.tool_names().await, ["visit"]);
    let reading = json!({"host": "web-01", "path": "/etc/hostname"});
    assert!(replica.try_call_tool("read", reading).await.is_err());
    let uri = json!({"uri": "scout://web-01/etc/hostname"});
    assert!(
        replica
            .request("resources/read", uri)
            .await
            .result()
            .is_err()
    );
    // Who is asked decides again: for the caller, its hosts and its role.
    let as_laptop = async |host: &str, line: &str| {
        let answer = replica
            .call_tool("visit", visit("laptop", host, line))
            .await;
        answer.structured.to_string()
    };
    assert!(
        as_laptop("web-01", "ls /")
            .await
            .contains("\"state\":\"ok\"")
    );
    assert!(as_laptop("web-10", "ls /").await.contains("unknown_host"));
    assert!(
        as_laptop("web-01", "touch /tmp/x")
            .await
            .contains("command_refused")
    );
    let nobody = replica
        .call_tool("visit", visit("root", "web-01", "ls"))
        .await;
    assert!(
        nobody.is_error && nobody.text.contains("no caller"),
        "{}",
        nobody.text
    );
}

/// An owner holds its answer until whoever asked has read it, and may be the same process.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn large_answers_of_one_process_do_not_wait_for_each_other() {
    let fleet = Fleet::builder().shared(6).start().await;
    // More than sockets and HAProxy take on the way, and each more than half of what bulk work may have.
    let builder = replica(&fleet)
        .env("SCOUT_OUTPUT_BUDGET", "256MiB")
        .env("SCOUT_MAX_OUTPUT_SIZE", "30MB");
    let (_servers, balancer) = serve(&fleet, builder).await;
    let client = balancer.client(Era::Modern);
    let large = json!({"hosts": "all", "command": "yes scout | head -c 25000000", "max_bytes": 25_000_000, "deadline_s": 50});
    let began = Instant::now();
    let answer = client.call_tool("broadcast", large).await;
    let took = began.elapsed();
    assert!(!answer.is_error, "{}", answer.structured["states"]);
    assert_eq!(answer.structured["states"], json!({"ok": 6}));
    assert!(took < Duration::from_secs(40), "{took:?}");
    eprintln!("answered after {took:?}");
}

#[tokio::test]
async fn a_key_that_others_have_is_refused() {
    let fleet = Fleet::builder().shared(1).start().await;
    let key = fleet.dir().join("replicas.key");
    std::fs::write(&key, KEY).unwrap();
    std::fs::set_permissions(&key, std::fs::Permissions::from_mode(0o644)).unwrap();
    let end = replica(&fleet)
        .env("SCOUT_BALANCER_URL", "http://127.0.0.1:1/mcp")
        .env("SCOUT_BALANCER_KEY_FILE", key.display())
        .try_start()
        .await
        .expect_err("it must not start");
    assert_eq!(end.status.code(), Some(64), "{}", end.stderr);
    assert!(
        end.stderr.contains("replicas.key") && end.stderr.contains("chmod o="),
        "{}",
        end.stderr
    );
    assert!(!end.stderr.contains(KEY));
    let env = [
        ("SCOUT_BALANCER_URL", "http://127.0.0.1:1/mcp"),
        ("SCOUT_BALANCER_KEY_FILE", key.to_str().unwrap()),
    ];
    let checked = run_cli_with(&fleet, &env, &["check"], SOON).await;
    assert_eq!(checked.status.code(), Some(64), "{}", checked.stdout);
    let said = format!("{}{}", checked.stdout, checked.stderr);
    assert!(said.contains("chmod o=") && !said.contains(KEY), "{said}");

    std::fs::set_permissions(&key, std::fs::Permissions::from_mode(0o600)).unwrap();
    let env = [env[0], env[1], ("SCOUT_API_KEYS", KEY)];
    let checked = run_cli_with(&fleet, &env, &["check"], SOON).await;
    assert_eq!(checked.status.code(), Some(64), "{}", checked.stdout);
    let said = format!("{}{}", checked.stdout, checked.stderr);
    assert!(
        said.contains("the key of the client") && !said.contains(KEY),
        "{said}"
    );
}
