//! What a visit is proven not to have begun by, and that visits take no place from clients. A proxy that
//! is not ours has no real part here: what it says is said by a listener of the test.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use futures_util::future::join_all;
use serde_json::json;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpListener;

use super::broadcasts::{knowing, serve_one};
use super::{SOON, read, replica};
use crate::support::client::Era;
use crate::support::eventually;
use crate::support::fleet::Fleet;

/// Says 503 with these headers to whoever comes; where, and how often.
async fn unavailable(headers: &'static str) -> (u16, Arc<AtomicUsize>) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = listener.local_addr().unwrap().port();
    let asked = Arc::new(AtomicUsize::new(0));
    let count = Arc::clone(&asked);
    tokio::spawn(async move {
        while let Ok((mut stream, _)) = listener.accept().await {
            let mut request = vec![0; 1 << 16];
            let _read = stream.read(&mut request).await;
            count.fetch_add(1, Ordering::SeqCst);
            let answer = format!(
                "HTTP/1.1 503 Service Unavailable\r\n{headers}connection: close\r\ncontent-length: 4\r\n\r\ngone"
            );
            let _written = stream.write_all(answer.as_bytes()).await;
        }
    });
    (port, asked)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn only_what_is_proven_not_to_have_begun_is_asked_again() {
    let fleet = Fleet::builder().shared(1).start().await;
    for (headers, state, code, times) in [
        // A proxy that lost what it sent says the same as one that sent nothing.
        ("", "connection_lost", "connection_lost", 1),
        (
            "retry-after: 1\r\n",
            "connection_lost",
            "connection_lost",
            1,
        ),
        (
            "scout-not-begun: true\r\n",
            "unreachable",
            "replica_unreachable",
            4,
        ),
        (
            "scout-not-begun: true\r\nretry-after: 1\r\n",
            "refused",
            "replica_busy",
            4,
        ),
    ] {
        let (port, asked) = unavailable(headers).await;
        let server = knowing(&fleet, replica(&fleet), port).start().await;
        let call = json!({"hosts": "web-01", "command": "true"});
        let answer = server
            .client(Era::Modern)
            .call_tool("broadcast", call)
            .await;
        let group = &answer.structured["groups"][0];
        assert_eq!(
            (&group["state"], &group["code"]),
            (&json!(state), &json!(code)),
            "{headers}"
        );
        assert_eq!(asked.load(Ordering::SeqCst), times, "{headers}");
    }
    assert_eq!(fleet.logins(), 0);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn visits_take_no_place_from_clients() {
    let fleet = Fleet::builder().shared(4).start().await;
    let builder = replica(&fleet).env("SCOUT_MAX_CONCURRENT_REQUESTS", 4);
    let (_server, balancer) = serve_one(&fleet, builder).await;
    let client = balancer.client(Era::Modern);
    let asked = balancer.client(Era::Modern);
    let broadcast = tokio::spawn(async move {
        let call = json!({"hosts": "all", "command": "sleep 5"});
        asked.call_tool("broadcast", call).await
    });
    eventually("four hosts are visited", SOON, || {
        let running = fleet.processes();
        running.iter().filter(|proc| proc.argv == "sleep 5").count() == 4
    })
    .await;
    for answer in join_all((0..3).map(|_| read(&client, "web-01"))).await {
        assert!(!answer.is_error, "{}", answer.text);
    }
    let answer = broadcast.await.unwrap();
    assert!(!answer.is_error, "{}", answer.text);
}
