//! What becomes of calls when replicas die, leave and come.

use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use futures_util::future::join_all;
use serde_json::{Value, json};
use tokio::task::JoinSet;

use super::{SOON, for_each_host, owned, read, replica, run, serve, until_one_connection_each};
use crate::support::balancer::Balancer;
use crate::support::client::{Client, Era};
use crate::support::eventually;
use crate::support::fleet::Fleet;
use crate::support::procs::{marker, wait_gone, wait_present};

const HOSTS: usize = 40;
/// How long a connection that nobody uses lives here.
const IDLE: u64 = 3;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_kill_costs_no_new_call_and_what_was_lost_is_unknown_and_ran_once() {
    let fleet = Fleet::builder().shared(HOSTS).start().await;
    let hosts = fleet.names();
    let replicas = (0..3).map(|_| replica(&fleet).env("SCOUT_IDLE_TIMEOUT", 600));
    let (servers, balancer) = serve(replicas.collect()).await;
    let client = balancer.client(Era::Modern);
    for answer in for_each_host(&hosts, |host| read(&client, host)).await {
        assert!(!answer.is_error, "{}", answer.text);
    }
    let [dies, others @ ..] = &servers[..] else {
        panic!("three were started");
    };
    let others: Vec<_> = others.iter().collect();
    let lost = owned(&[dies], &hosts).await.remove(0);
    let kept = owned(&others, &hosts).await;

    let marks = open_to_all(&fleet);
    let mark = |n: usize| marks.join(format!("ran-{n}"));
    let under_way = lost.iter().take(5).enumerate().map(|(n, host)| {
        let command = format!("echo x >> {}; sleep 40", mark(n).display());
        let request = client.prepare("tools/call", run(host, &command));
        tokio::spawn(async move {
            let answer = request.send().await.unwrap();
            (answer.status(), answer.json::<Value>().await.unwrap())
        })
    });
    let under_way: Vec<_> = under_way.collect();
    let begun = under_way.len();
    eventually("the commands have begun", SOON, || {
        (0..begun).all(|n| mark(n).exists())
    })
    .await;

    dies.kill9();
    dies.until_gone().await;
    // At once, while the balancer still takes it for alive.
    for answer in for_each_host(&hosts, |host| read(&client, host)).await {
        assert!(!answer.is_error, "{}", answer.text);
    }
    for answer in join_all(under_way).await {
        let (status, body) = answer.unwrap();
        assert_eq!(status, 502);
        let said = body["error"]["message"].as_str().unwrap();
        assert!(said.contains("unknown") && said.contains("nothing was repeated"));
        assert_eq!(body["id"], Value::Null);
    }
    balancer.until_up(&[2, 3]).await;
    for answer in for_each_host(&hosts, |host| read(&client, host)).await {
        assert!(!answer.is_error, "{}", answer.text);
    }
    // What belonged to the living stayed where it was.
    for (kept, now) in kept.iter().zip(owned(&others, &hosts).await) {
        assert!(
            kept.iter().all(|host| now.contains(host)),
            "{kept:?} {now:?}"
        );
    }
    for n in 0..begun {
        let ran = std::fs::read_to_string(mark(n)).unwrap();
        assert_eq!(ran, "x\n", "each ran once");
    }
}

/// A directory in which every account may write.
pub(super) fn open_to_all(fleet: &Fleet) -> PathBuf {
    use std::os::unix::fs::PermissionsExt as _;
    let dir = fleet.dir().join("marks");
    std::fs::create_dir(&dir).unwrap();
    std::fs::set_permissions(&dir, std::fs::Permissions::from_mode(0o777)).unwrap();
    dir
}

/// Callers of all hosts that never pause, until they are told to; whatever fails is kept.
struct Callers {
    stop: Arc<AtomicBool>,
    answered: Arc<AtomicUsize>,
    tasks: JoinSet<Vec<String>>,
}

impl Callers {
    fn start(balancer: &Balancer, hosts: &[String]) -> Self {
        let (stop, answered) = (Arc::default(), Arc::default());
        let mut this = Self {
            stop: Arc::clone(&stop),
            answered: Arc::clone(&answered),
            tasks: JoinSet::new(),
        };
        for n in 0..3 {
            let client = balancer.client(Era::Modern);
            let (hosts, stop, answered) =
                (hosts.to_vec(), Arc::clone(&stop), Arc::clone(&answered));
            this.tasks.spawn(async move {
                let mut failed = Vec::new();
                for host in hosts.iter().cycle().skip(n * 13) {
                    if stop.load(Ordering::SeqCst) {
                        break;
                    }
                    failed.extend(failure(&client, host).await);
                    answered.fetch_add(1, Ordering::SeqCst);
                    tokio::time::sleep(Duration::from_millis(5)).await;
                }
                failed
            });
        }
        this
    }

    /// Waits until every host was asked at least twice more.
    async fn go_round(&self) {
        let goal = self.answered.load(Ordering::SeqCst) + 6 * HOSTS;
        let began = Instant::now();
        while self.answered.load(Ordering::SeqCst) < goal {
            assert!(began.elapsed() < SOON, "the callers do not get on");
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    }

    async fn end(self) -> Vec<String> {
        self.stop.store(true, Ordering::SeqCst);
        self.tasks.join_all().await.concat()
    }
}

/// Why a call failed, if it did.
async fn failure(client: &Client, host: &str) -> Option<String> {
    let params = json!({"name": "read", "arguments": {"host": host, "path": "/etc/hostname"}});
    match client.prepare("tools/call", params).send().await {
        Err(error) => Some(format!("{host}: {error:?}")),
        Ok(answer) => {
            let status = answer.status();
            let text = answer
                .text()
                .await
                .unwrap_or_else(|error| error.to_string());
            let good = status.is_success() && !text.contains("\"isError\":true");
            (!good).then(|| format!("{host}: {status} {text}"))
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn replicas_leave_come_and_come_back_and_no_call_fails() {
    let fleet = Fleet::builder().shared(HOSTS).start().await;
    let hosts = fleet.names();
    let builder = || {
        replica(&fleet)
            .env("SCOUT_IDLE_TIMEOUT", IDLE)
            .env("SCOUT_SHUTDOWN_DELAY", 6)
    };
    let mut servers = vec![builder().start().await];
    for _ in 0..3 {
        servers.push(builder().start().await);
    }
    let ports: Vec<_> = servers.iter().map(|server| server.ports()).collect();
    // The fourth comes later; its place is known from the start.
    drop(servers.pop());
    let balancer = Balancer::start_expecting(&ports, &[1, 2, 3]).await;
    let callers = Callers::start(&balancer, &hosts);
    callers.go_round().await;
    until_one_connection_each(&fleet, HOSTS).await;

    // One drains.
    servers[0].sigterm();
    balancer.until_up(&[2, 3]).await;
    let status = servers[0].program_mut().wait_exit(SOON).await;
    assert_eq!(status.code(), Some(0));
    callers.go_round().await;
    until_one_connection_each(&fleet, HOSTS).await;

    // It comes back, and a fourth is added.
    servers[0] = builder().start_at(ports[0]).await;
    servers.push(builder().start_at(ports[3]).await);
    balancer.until_up(&[1, 2, 3, 4]).await;
    callers.go_round().await;
    until_one_connection_each(&fleet, HOSTS).await;
    let all: Vec<_> = servers.iter().collect();
    let shares: Vec<_> = owned(&all, &hosts).await.iter().map(Vec::len).collect();
    assert!(shares.iter().all(|share| *share > 0), "{shares:?}");

    let failed = callers.end().await;
    assert!(
        failed.is_empty(),
        "{} failed: {:?}",
        failed.len(),
        failed.first()
    );
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn with_no_replica_left_a_call_is_known_not_to_have_run() {
    let fleet = Fleet::start(1).await;
    let (servers, balancer) = serve(vec![replica(&fleet)]).await;
    let client = balancer.client(Era::Modern);
    assert!(!read(&client, "web-01").await.is_error);
    drop(servers);
    balancer.until_up(&[]).await;
    let answer = client
        .prepare("tools/call", run("web-01", "true"))
        .send()
        .await;
    let answer = answer.unwrap();
    assert_eq!(answer.status(), 503);
    let said = answer.text().await.unwrap();
    assert!(said.contains("not sent anywhere"), "{said}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_a_client_that_leaves_had_running_ends() {
    let fleet = Fleet::start(1).await;
    let (_servers, balancer) = serve(vec![replica(&fleet)]).await;
    for era in [Era::Modern, Era::Legacy] {
        let client = balancer.client(era);
        let mark = marker();
        let arguments =
            json!({"host": "web-01", "command": "sleep 600", "env": {"SCOUT_TEST_MARK": mark}});
        let params = json!({"name": "run", "arguments": arguments});
        let call = tokio::spawn(client.prepare("tools/call", params).send());
        wait_present(&mark, SOON).await;
        call.abort();
        wait_gone(&mark, Duration::from_secs(10)).await;
    }
}
