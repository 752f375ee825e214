//! A real HAProxy with the configuration this project ships, in front of servers of a test.

use std::path::Path;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use super::client::{Client, Era};
use super::exposition::Samples;
use super::program::Program;
use super::sockets::free_port;

/// How long a start, or a change of a server's state, may take on a busy machine.
const SOON: Duration = Duration::from_secs(60);

/// A running HAProxy. Dropping it kills it.
#[derive(Debug)]
pub(crate) struct Balancer {
    program: Program,
    port: u16,
    status: u16,
}

impl Balancer {
    /// One for servers at these ports (for clients, for operators), at most four.
    pub(crate) async fn start(servers: &[(u16, u16)]) -> Self {
        let all: Vec<_> = (1..=servers.len()).collect();
        Self::start_expecting(servers, &all).await
    }

    /// The same where only some of them, numbered from 1, are there already.
    pub(crate) async fn start_expecting(servers: &[(u16, u16)], there: &[usize]) -> Self {
        Self::start_at(free_port([127, 0, 0, 1]), servers, there).await
    }

    /// The same at a port that the servers were told before.
    pub(crate) async fn start_at(port: u16, servers: &[(u16, u16)], there: &[usize]) -> Self {
        let status = free_port([127, 0, 0, 1]);
        let mut command = Command::new("haproxy");
        command
            .arg("-f")
            .arg(configuration())
            .env("SCOUT_BIND", format!("127.0.0.1:{port}"))
            .env("SCOUT_STATUS", format!("127.0.0.1:{status}"))
            .stdin(Stdio::null());
        for (n, (http, ops)) in (1..).zip(servers) {
            command.env(format!("SCOUT_{n}"), format!("127.0.0.1:{http}"));
            command.env(format!("SCOUT_{n}_OPS"), ops.to_string());
        }
        let this = Self {
            program: Program::start(command),
            port,
            status,
        };
        this.until_up(there).await;
        this
    }

    /// A client of all of them.
    pub(crate) fn client(&self, era: Era) -> Client {
        Client::new(self.url(), era)
    }

    /// The MCP endpoint.
    pub(crate) fn url(&self) -> String {
        format!("http://127.0.0.1:{}/mcp", self.port)
    }

    /// Waits until it takes exactly these servers, numbered from 1, for alive.
    pub(crate) async fn until_up(&self, expected: &[usize]) {
        let began = Instant::now();
        loop {
            let up = self.up().await;
            if up.as_deref() == Some(expected) {
                return;
            }
            assert!(
                began.elapsed() < SOON,
                "{up:?} are up and not {expected:?}: {}",
                self.program.stderr()
            );
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
    }

    async fn up(&self) -> Option<Vec<usize>> {
        let client = reqwest::Client::builder().no_proxy().build().unwrap();
        let url = format!("http://127.0.0.1:{}/metrics", self.status);
        let shown = client.get(url).send().await.ok()?.text().await.ok()?;
        let shown = Samples::parse(&shown);
        let is_up = |n: &usize| {
            let server = format!("s{n}");
            let labels = [("proxy", "scout"), ("server", &*server), ("state", "UP")];
            shown.value("haproxy_server_status", &labels) == Some(1.0)
        };
        Some((1..=4).filter(is_up).collect())
    }
}

/// The file that is shipped.
fn configuration() -> std::path::PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("deploy/haproxy.cfg")
}
