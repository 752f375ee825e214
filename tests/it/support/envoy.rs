//! A real Envoy with the configuration this project ships, at the addresses of a test.

use std::ffi::OsString;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::{Duration, Instant};

use super::client::{Client, Era};
use super::program::Program;
use super::sockets::free_port;

/// How long a start, or a change of a server's state, may take on a busy machine.
const SOON: Duration = Duration::from_secs(60);

/// A running Envoy. Dropping it kills it.
#[derive(Debug)]
pub(crate) struct Envoy {
    program: Program,
    port: u16,
    admin: u16,
}

impl Envoy {
    /// The program, where there is one: `SCOUT_TEST_ENVOY` names it.
    pub(crate) fn binary() -> Option<OsString> {
        std::env::var_os("SCOUT_TEST_ENVOY")
    }

    /// One at `port` for three servers at these ports (for clients, for operators), with its
    /// configuration in `dir`.
    pub(crate) async fn start(
        binary: OsString,
        dir: &Path,
        port: u16,
        servers: [(u16, u16); 3],
    ) -> Self {
        let admin = free_port([127, 0, 0, 1]);
        let shipped = Path::new(env!("CARGO_MANIFEST_DIR")).join("deploy/envoy.yaml");
        let mut text = std::fs::read_to_string(shipped).unwrap();
        let mut put = |from: String, to: String| {
            assert_eq!(text.matches(&from).count(), 1, "{from}");
            text = text.replace(&from, &to);
        };
        put(
            "address: 0.0.0.0, port_value: 8080".into(),
            format!("address: 127.0.0.1, port_value: {port}"),
        );
        put("port_value: 9901".into(), format!("port_value: {admin}"));
        for (n, (http, ops)) in (1..).zip(servers) {
            put(format!("port_value: 800{n}"), format!("port_value: {http}"));
            put(format!("port_value: 946{n}"), format!("port_value: {ops}"));
        }
        let config: PathBuf = dir.join("envoy.yaml");
        std::fs::write(&config, text).unwrap();
        let mut command = Command::new(binary);
        command
            .args([
                "--concurrency",
                "1",
                "--disable-hot-restart",
                "-l",
                "error",
                "-c",
            ])
            .arg(config);
        let this = Self {
            program: Program::start(command),
            port,
            admin,
        };
        this.until_healthy(3).await;
        // Changes of health are told to the workers a second at a time (`update_merge_window`).
        tokio::time::sleep(Duration::from_secs(2)).await;
        this
    }

    /// A client of all of them.
    pub(crate) fn client(&self) -> Client {
        Client::new(format!("http://127.0.0.1:{}/mcp", self.port), Era::Modern)
    }

    /// Waits until it takes exactly so many servers for healthy.
    pub(crate) async fn until_healthy(&self, expected: usize) {
        let client = reqwest::Client::builder().no_proxy().build().unwrap();
        let url = format!("http://127.0.0.1:{}/clusters", self.admin);
        let began = Instant::now();
        loop {
            let shown = async { client.get(&url).send().await.ok()?.text().await.ok() };
            let healthy = shown
                .await
                .map(|text| text.matches("::health_flags::healthy").count());
            if healthy == Some(expected) {
                return;
            }
            assert!(
                began.elapsed() < SOON,
                "{healthy:?} of {expected} are healthy: {}",
                self.program.stderr()
            );
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
    }
}
