//! A real Prometheus of the test's own: its files in a temporary directory, its port a free one. It
//! scrapes one Scout each second and evaluates the rules of this repository.

use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::{Duration, Instant};

use serde_json::Value;
use tempfile::TempDir;

use crate::support::program::Program;
use crate::support::server::TestServer;
use crate::support::sockets::free_port;

/// How long a start may take on a busy machine.
const START: Duration = Duration::from_secs(60);

/// A running Prometheus. Dropping it kills it.
#[derive(Debug)]
pub(super) struct Prometheus {
    program: Program,
    http: reqwest::Client,
    port: u16,
    // Last: the process writes to it until it is gone.
    dir: TempDir,
}

/// One series of an answer: its labels, and its value now.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Series {
    pub(super) labels: String,
    pub(super) value: f64,
}

impl Prometheus {
    /// Starts one for this server and waits until it is ready and has scraped.
    pub(super) async fn start(server: &TestServer, rules: &[PathBuf]) -> Self {
        let dir = tempfile::Builder::new()
            .prefix("scout-it-")
            .tempdir()
            .unwrap();
        let target = server.ops_url("").replace("http://", "");
        let config = dir.path().join("prometheus.yml");
        std::fs::write(&config, configuration(&target, rules)).unwrap();
        let http = reqwest::Client::builder()
            .no_proxy()
            .timeout(START)
            .build()
            .unwrap();
        let start = Instant::now();
        let (program, port) = launch(dir.path(), &config);
        let mut this = Self {
            program,
            http,
            port,
            dir,
        };
        while !this.came_up(start + START).await {
            (this.program, this.port) = launch(this.dir.path(), &config);
        }
        this
    }

    /// The series that answer `query` now.
    pub(super) async fn ask(&self, query: &str) -> Result<Vec<Series>, String> {
        let answer = self.get(&format!("query?query={}", encoded(query))).await?;
        let data = &answer["data"];
        if data["resultType"] != "vector" {
            return Err(format!("no vector but {}", data["resultType"]));
        }
        let series = data["result"].as_array().expect("a vector").iter();
        Ok(series.map(Series::from_value).collect())
    }

    /// Every rule as Prometheus itself read it.
    pub(super) async fn rules(&self) -> Result<Vec<Value>, String> {
        let answer = self.get("rules").await?;
        let groups = answer["data"]["groups"].as_array().expect("groups").iter();
        let rules = groups.flat_map(|group| group["rules"].as_array().expect("rules"));
        Ok(rules.cloned().collect())
    }

    /// Whether it is up; it is not when somebody took the port between our look and its bind.
    async fn came_up(&mut self, deadline: Instant) -> bool {
        loop {
            let scraped = self.ask("up == 1").await;
            if scraped.is_ok_and(|series| !series.is_empty()) {
                return true;
            }
            let said = self.program.stderr();
            assert!(Instant::now() < deadline, "no scrape: {said}");
            if self.program.ended().is_some() {
                assert!(said.contains("address already in use"), "it ended: {said}");
                return false;
            }
            tokio::time::sleep(Duration::from_millis(100)).await;
        }
    }

    async fn get(&self, path: &str) -> Result<Value, String> {
        let url = format!("http://127.0.0.1:{}/api/v1/{path}", self.port);
        let answer = self.http.get(url).send().await;
        let text = answer.map_err(|e| e.to_string())?.text().await;
        let text = text.map_err(|e| e.to_string())?;
        let answer: Value = serde_json::from_str(&text).map_err(|e| format!("{e}: {text}"))?;
        if answer["status"] != "success" {
            return Err(text);
        }
        Ok(answer)
    }
}

impl Series {
    fn from_value(value: &Value) -> Self {
        let number = value["value"][1].as_str().expect("a value");
        Self {
            labels: value["metric"].to_string(),
            value: number.parse().expect("a number"),
        }
    }
}

fn launch(dir: &Path, config: &Path) -> (Program, u16) {
    let port = free_port([127, 0, 0, 1]);
    let mut command = Command::new(program());
    command
        .arg(format!("--config.file={}", config.display()))
        .arg(format!(
            "--storage.tsdb.path={}",
            dir.join("data").display()
        ))
        .arg(format!("--web.listen-address=127.0.0.1:{port}"))
        .arg("--log.level=warn")
        .current_dir(dir);
    (Program::start(command), port)
}

fn program() -> PathBuf {
    let path = std::env::var_os("PATH").unwrap_or_default();
    std::env::split_paths(&path)
        .map(|dir| dir.join("prometheus"))
        .find(|file| file.exists())
        .expect("prometheus in PATH (Debian's package `prometheus`); tests/run installs it")
}

/// `scrape_timeout` is as long as the interval at most, so a slow scrape is a gap, which rates bear.
fn configuration(target: &str, rules: &[PathBuf]) -> String {
    let files: String = rules
        .iter()
        .map(|file| format!("  - {}\n", serde_json::json!(file)))
        .collect();
    format!(
        "global:\n  scrape_interval: 1s\n  scrape_timeout: 1s\n  evaluation_interval: 1s\n\
         rule_files:\n{files}\
         scrape_configs:\n  - job_name: scout\n    static_configs:\n      - targets: ['{target}']\n"
    )
}

/// Everything but letters and digits as `%XX` (RFC 3986 section 2.1).
fn encoded(text: &str) -> String {
    text.bytes()
        .map(|byte| match byte {
            b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' => char::from(byte).to_string(),
            other => format!("%{other:02X}"),
        })
        .collect()
}
