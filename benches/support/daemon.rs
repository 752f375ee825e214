//! A server under measurement, Scout or another: a process of its own whose log goes to a file, as a
//! service manager has it, and costs the bench nothing.

use std::fs::File;
use std::io::{Error, Result};
use std::net::SocketAddr;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use super::client::{Connection, get};
use super::real::exposition::Samples;
use super::real::fleet::Fleet;
use super::real::server::binary;
use super::real::sockets::free_port;

const START: Duration = Duration::from_secs(30);

/// A running server that answers at `/mcp` and `/health`. Dropping it kills it.
#[derive(Debug)]
pub(crate) struct Daemon {
    child: Child,
    address: SocketAddr,
    ops: SocketAddr,
    start: Duration,
}

impl Daemon {
    /// `scout serve` for this fleet as it is shipped, without the rate limit and with these variables.
    pub(crate) async fn scout(fleet: &Fleet, env: &[(&str, &str)]) -> Result<Self> {
        let mut command = Command::new(binary());
        command.arg("serve").env_clear().envs(env.iter().copied());
        Self::start(command, fleet, "scout").await
    }

    /// A server that is configured by Scout's variables; `name` is that of its log.
    pub(crate) async fn start(mut command: Command, fleet: &Fleet, name: &str) -> Result<Self> {
        let [address, ops] = [(); 2].map(|()| free_port([127, 0, 0, 1]));
        let log = File::create(fleet.dir().join(format!("{name}.log")))?;
        let path = std::env::var_os("PATH").unwrap_or_default();
        command
            .env("PATH", path)
            .env("HOME", fleet.home())
            .env("SCOUT_HTTP_HOST", "127.0.0.1")
            .env("SCOUT_HTTP_PORT", address.to_string())
            .env("SCOUT_OPS_PORT", ops.to_string())
            .env("SCOUT_RATE_LIMIT_PER_MINUTE", "0")
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(log);
        let start = Instant::now();
        let mut this = Self {
            child: command.spawn()?,
            address: SocketAddr::from(([127, 0, 0, 1], address)),
            ops: SocketAddr::from(([127, 0, 0, 1], ops)),
            start: Duration::ZERO,
        };
        while !this.healthy().await {
            let ended = this.child.try_wait()?.is_some();
            if ended || start.elapsed() > START {
                let log = fleet.dir().join(format!("{name}.log"));
                return Err(Error::other(format!(
                    "{name} did not start: {}",
                    tail(&log)
                )));
            }
            tokio::time::sleep(Duration::from_millis(2)).await;
        }
        this.start = start.elapsed();
        Ok(this)
    }

    /// Where the MCP endpoint is.
    pub(crate) fn address(&self) -> SocketAddr {
        self.address
    }

    /// How long it took until it answered.
    pub(crate) fn start_time(&self) -> Duration {
        self.start
    }

    /// The process id.
    pub(crate) fn pid(&self) -> i32 {
        self.child.id().cast_signed()
    }

    /// Scout's metrics at this moment.
    pub(crate) async fn metrics(&self) -> Result<Samples> {
        let mut connection = Connection::open(self.ops).await?;
        let answer = connection.exchange(&get(self.ops, "/metrics")).await?;
        Ok(Samples::parse(&String::from_utf8_lossy(answer.body)))
    }

    async fn healthy(&self) -> bool {
        let Ok(mut connection) = Connection::open(self.address).await else {
            return false;
        };
        let health = connection.exchange(&get(self.address, "/health")).await;
        health.is_ok_and(|answer| answer.status == 200)
    }
}

impl Drop for Daemon {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

fn tail(log: &Path) -> String {
    let text = std::fs::read_to_string(log).unwrap_or_default();
    let lines: Vec<_> = text.lines().collect();
    lines[lines.len().saturating_sub(15)..].join("\n")
}
