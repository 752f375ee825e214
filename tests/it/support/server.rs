//! The built binary as its users run it: `scout serve` on loopback with a fleet behind it, and the
//! command line. The environment is empty but for what is named here.

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::process::Command;
use std::time::{Duration, Instant};

use nix::sys::signal::Signal;

use super::client::{Client, Era};
use super::exposition::Samples;
use super::fleet::Fleet;
use super::program::{Finished, Program};
use super::sockets::free_port;

/// How long a start may take on a busy machine.
const START: Duration = Duration::from_secs(20);

/// A running `scout serve`. Dropping it kills it.
#[derive(Debug)]
pub(crate) struct TestServer {
    program: Program,
    http: u16,
    ops: u16,
}

/// What a server is started with.
#[derive(Debug, Clone)]
pub(crate) struct ServerBuilder {
    env: BTreeMap<String, String>,
    args: Vec<String>,
}

impl ServerBuilder {
    /// Sets a variable. The rate limit is off unless a test sets it: tests call faster than people.
    pub(crate) fn env(mut self, name: &str, value: impl ToString) -> Self {
        self.env.insert(name.into(), value.to_string());
        self
    }

    /// Takes a variable back, so that the program's own default holds.
    pub(crate) fn without(mut self, name: &str) -> Self {
        self.env.remove(name);
        self
    }

    /// Adds an argument behind `serve`.
    pub(crate) fn arg(mut self, arg: impl ToString) -> Self {
        self.args.push(arg.to_string());
        self
    }

    /// Starts it and waits until `/health` answers.
    pub(crate) async fn start(self) -> TestServer {
        self.try_start().await.unwrap_or_else(|end| {
            panic!("`scout serve` ended with {}: {}", end.status, end.stderr);
        })
    }

    /// The same, at the ports of one that has ended.
    pub(crate) async fn start_at(self, (http, ops): (u16, u16)) -> TestServer {
        let server = TestServer {
            program: Program::start(self.command(http, ops)),
            http,
            ops,
        };
        let up = server.come_up(Instant::now() + START).await;
        up.unwrap_or_else(|end| panic!("`scout serve` ended with {}: {}", end.status, end.stderr))
    }

    /// The same, for a server that is expected not to come up.
    pub(crate) async fn try_start(self) -> Result<TestServer, Finished> {
        let start = Instant::now();
        loop {
            let (http, ops) = (free_port([127, 0, 0, 1]), free_port([127, 0, 0, 1]));
            let server = TestServer {
                program: Program::start(self.command(http, ops)),
                http,
                ops,
            };
            match server.come_up(start + START).await {
                // Somebody took the port between our look and its bind.
                Err(end) if end.stderr.contains("in use") && start.elapsed() < START => {}
                end => return end,
            }
        }
    }

    fn command(&self, http: u16, ops: u16) -> Command {
        let mut command = scout(&self.env);
        command
            .env("SCOUT_HTTP_PORT", http.to_string())
            .env("SCOUT_OPS_PORT", ops.to_string());
        command.arg("serve").args(&self.args);
        command
    }
}

impl TestServer {
    /// A server for this fleet with the defaults it is shipped with, but for the rate limit.
    pub(crate) async fn start(fleet: &Fleet) -> Self {
        Self::builder(fleet).start().await
    }

    /// A server to be described.
    pub(crate) fn builder(fleet: &Fleet) -> ServerBuilder {
        let env = env_of(fleet);
        ServerBuilder {
            env,
            args: Vec::new(),
        }
        .env("SCOUT_RATE_LIMIT_PER_MINUTE", 0)
    }

    /// The ports of its two listeners: for clients, for operators.
    pub(crate) fn ports(&self) -> (u16, u16) {
        (self.http, self.ops)
    }

    /// The MCP endpoint.
    pub(crate) fn url(&self) -> String {
        format!("http://127.0.0.1:{}/mcp", self.http)
    }

    /// Where the main listener is.
    pub(crate) fn address(&self) -> SocketAddr {
        SocketAddr::from(([127, 0, 0, 1], self.http))
    }

    /// A page of the main listener, such as `/health`.
    pub(crate) fn page_url(&self, path: &str) -> String {
        format!("http://127.0.0.1:{}{path}", self.http)
    }

    /// A page of the operations listener, such as `/readyz`.
    pub(crate) fn ops_url(&self, path: &str) -> String {
        format!("http://127.0.0.1:{}{path}", self.ops)
    }

    /// A client without a key, speaking as in this era.
    pub(crate) fn client(&self, era: Era) -> Client {
        Client::new(self.url(), era)
    }

    /// The process, for its output, memory, threads and file descriptors.
    pub(crate) fn program(&self) -> &Program {
        &self.program
    }

    /// The same, for awaiting its end.
    pub(crate) fn program_mut(&mut self) -> &mut Program {
        &mut self.program
    }

    /// Asks it to end in order.
    pub(crate) fn sigterm(&self) {
        self.program.signal(Signal::SIGTERM);
    }

    /// Ends it at once, with no chance to clean up.
    pub(crate) fn kill9(&self) {
        self.program.signal(Signal::SIGKILL);
    }

    /// Waits until nobody can connect to one that was killed. Until then the kernel still takes calls for
    /// it, which die with it.
    pub(crate) async fn until_gone(&self) {
        let start = Instant::now();
        while tokio::net::TcpStream::connect(self.address()).await.is_ok() {
            assert!(start.elapsed() < START, "it outlives its death");
            tokio::time::sleep(Duration::from_millis(2)).await;
        }
    }

    /// The metrics at this moment.
    pub(crate) async fn metrics(&self) -> Samples {
        let page = get(self.ops_url("/metrics")).await.unwrap();
        assert!(page.status().is_success(), "/metrics: {}", page.status());
        Samples::parse(&page.text().await.unwrap())
    }

    async fn come_up(mut self, deadline: Instant) -> Result<Self, Finished> {
        loop {
            if self.program.ended().is_some() {
                return Err(self.program.finish(START).await);
            }
            let health = get(self.page_url("/health")).await;
            if health.is_ok_and(|answer| answer.status().is_success()) {
                return Ok(self);
            }
            assert!(Instant::now() < deadline, "no /health within {START:?}");
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
    }
}

/// Fetches a page of this machine, whatever proxy the environment names.
async fn get(url: String) -> reqwest::Result<reqwest::Response> {
    let client = reqwest::Client::builder()
        .no_proxy()
        .timeout(START)
        .build()?;
    client.get(url).send().await
}

/// Runs the command line on this fleet to its end.
pub(crate) async fn run_cli(fleet: &Fleet, args: &[&str], within: Duration) -> Finished {
    run_cli_with(fleet, &[], args, within).await
}

/// The same, with these variables.
pub(crate) async fn run_cli_with(
    fleet: &Fleet,
    env: &[(&str, &str)],
    args: &[&str],
    within: Duration,
) -> Finished {
    let mut command = scout(&env_of(fleet));
    command.envs(env.iter().copied()).args(args);
    Program::start(command).finish(within).await
}

/// Starts the command line on this fleet, for what is killed on the way.
pub(crate) fn start_cli(fleet: &Fleet, args: &[&str]) -> Program {
    let mut command = scout(&env_of(fleet));
    command.args(args);
    Program::start(command)
}

/// The command line on this fleet, for arguments and output that are no text.
pub(crate) fn cli(fleet: &Fleet) -> tokio::process::Command {
    scout(&env_of(fleet)).into()
}

/// `scout stdio` on this fleet, for a client that starts it itself.
pub(crate) fn stdio_command(fleet: &Fleet) -> tokio::process::Command {
    let mut command = scout(&env_of(fleet));
    command.arg("stdio").env("SCOUT_RATE_LIMIT_PER_MINUTE", "0");
    command.into()
}

/// The program under test: `SCOUT_TEST_BINARY` where that is set (`tests/run` names the release build),
/// otherwise what cargo built beside this test.
pub(crate) fn binary() -> PathBuf {
    std::env::var_os("SCOUT_TEST_BINARY")
        .map_or_else(|| PathBuf::from(env!("CARGO_BIN_EXE_scout")), PathBuf::from)
}

/// The program under test, with these variables and `PATH` only. Coverage runs keep the variable that
/// says where the profile goes.
fn scout(env: &BTreeMap<String, String>) -> Command {
    let mut command = Command::new(binary());
    command.env_clear().envs(env).env("RUST_BACKTRACE", "1");
    for name in ["PATH", "LLVM_PROFILE_FILE"] {
        command.envs(std::env::var_os(name).map(|value| (name, value)));
    }
    command
}

fn env_of(fleet: &Fleet) -> BTreeMap<String, String> {
    let home = fleet.home().display().to_string();
    // Tests look for processes that must be gone; a shell that waits for a call would be one for long.
    BTreeMap::from(
        [("HOME", home), ("SCOUT_SHELL_IDLE", "2s".into())]
            .map(|(name, value)| (name.to_owned(), value)),
    )
}
