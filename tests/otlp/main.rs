//! Traces leave for a collector that speaks OTLP over HTTP, with what they should have and nothing that
//! is secret; and a collector that is not there changes nothing.

#[cfg(test)]
mod tests {
    use std::io::{Read as _, Write as _};
    use std::net::TcpListener;
    use std::process::{Child, Command, Stdio};
    use std::sync::mpsc;
    use std::time::{Duration, Instant};

    const KEY: &str = "key-of-the-trace-test-0123456789";
    const SOON: Duration = Duration::from_secs(60);

    /// A collector: whatever is posted to it, and where.
    fn collector() -> (u16, mpsc::Receiver<(String, Vec<u8>)>) {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let port = listener.local_addr().unwrap().port();
        let (send, receive) = mpsc::channel();
        std::thread::spawn(move || {
            for stream in listener.incoming() {
                let mut stream = stream.unwrap();
                let mut all = Vec::new();
                let mut piece = [0; 4096];
                let (head, length) = loop {
                    let n = stream.read(&mut piece).unwrap();
                    all.extend_from_slice(&piece[..n]);
                    let Some(end) = all.windows(4).position(|w| w == b"\r\n\r\n") else {
                        continue;
                    };
                    let head = String::from_utf8(all[..end].to_vec()).unwrap();
                    let length = head.lines().find_map(|line| {
                        let (name, value) = line.split_once(": ")?;
                        name.eq_ignore_ascii_case("content-length")
                            .then(|| value.parse::<usize>().unwrap())
                    });
                    break (head, end + 4 + length.unwrap());
                };
                while all.len() < length {
                    let n = stream.read(&mut piece).unwrap();
                    all.extend_from_slice(&piece[..n]);
                }
                let ok = b"HTTP/1.1 200 OK\r\ncontent-length: 0\r\nconnection: close\r\n\r\n";
                stream.write_all(ok).unwrap();
                let path = head.split(' ').nth(1).unwrap().to_owned();
                if send.send((path, all)).is_err() {
                    return;
                }
            }
        });
        (port, receive)
    }

    struct Scout {
        child: Child,
        port: u16,
        _dir: tempfile::TempDir,
    }

    impl Drop for Scout {
        fn drop(&mut self) {
            let _gone = self.child.kill();
            let _reaped = self.child.wait();
        }
    }

    fn free_port() -> u16 {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        listener.local_addr().unwrap().port()
    }

    /// A server with one host, to which nothing leads, that sends traces to this port.
    fn scout(collector: u16) -> Scout {
        let dir = tempfile::tempdir().unwrap();
        let config = dir.path().join("ssh_config");
        std::fs::write(&config, "Host web-01\n  HostName 127.0.0.1\n  Port 1\n").unwrap();
        let port = free_port();
        let child = Command::new(env!("CARGO_BIN_EXE_scout"))
            .arg("serve")
            .env_clear()
            .env("HOME", dir.path())
            .env("SCOUT_SSH_CONFIG", &config)
            .env("SCOUT_API_KEYS", KEY)
            .env("SCOUT_HTTP_PORT", port.to_string())
            .env("SCOUT_OPS_PORT", free_port().to_string())
            .env(
                "OTEL_EXPORTER_OTLP_ENDPOINT",
                format!("http://127.0.0.1:{collector}"),
            )
            .env("OTEL_BSP_SCHEDULE_DELAY", "200")
            .stdout(Stdio::null())
            .stderr(Stdio::inherit())
            .spawn()
            .unwrap();
        let began = Instant::now();
        while std::net::TcpStream::connect(("127.0.0.1", port)).is_err() {
            assert!(began.elapsed() < SOON, "it does not listen");
            std::thread::sleep(Duration::from_millis(20));
        }
        Scout {
            child,
            port,
            _dir: dir,
        }
    }

    async fn call(scout: &Scout) -> String {
        let client = reqwest::Client::builder().no_proxy().build().unwrap();
        let body = serde_json::json!({
            "jsonrpc": "2.0", "id": 1, "method": "tools/call",
            "params": {"name": "read", "arguments": {"host": "web-01", "path": "/a-secret-path"}},
        });
        let request = client
            .post(format!("http://127.0.0.1:{}/mcp", scout.port))
            .bearer_auth(KEY)
            .header("Accept", "application/json, text/event-stream")
            .header("MCP-Protocol-Version", "2025-11-25")
            .json(&body);
        request.send().await.unwrap().text().await.unwrap()
    }

    /// SIGTERM, and the code of the end.
    fn end(scout: &mut Scout) -> Option<i32> {
        let pid = nix::unistd::Pid::from_raw(i32::try_from(scout.child.id()).unwrap());
        nix::sys::signal::kill(pid, nix::sys::signal::Signal::SIGTERM).unwrap();
        let began = Instant::now();
        loop {
            if let Some(status) = scout.child.try_wait().unwrap() {
                return status.code();
            }
            assert!(began.elapsed() < SOON, "it does not end");
            std::thread::sleep(Duration::from_millis(20));
        }
    }

    fn has(bytes: &[u8], text: &str) -> bool {
        bytes
            .windows(text.len())
            .any(|part| part == text.as_bytes())
    }

    #[tokio::test]
    async fn a_call_is_a_trace_and_says_nothing_secret() {
        let (port, sent) = collector();
        let mut scout = scout(port);
        assert!(call(&scout).await.contains("unreachable"));
        assert_eq!(end(&mut scout), Some(0));
        let mut all = Vec::new();
        while let Ok((path, body)) = sent.recv_timeout(Duration::from_millis(500)) {
            assert_eq!(path, "/v1/traces");
            all.extend(body);
        }
        for text in [
            "service.name",
            "scout",
            "rpc",
            "tools/call",
            "tool",
            "web-01",
        ] {
            assert!(has(&all, text), "no `{text}` in the trace");
        }
        for text in [KEY, "a-secret-path"] {
            assert!(!has(&all, text), "`{text}` is in the trace");
        }
    }

    #[tokio::test]
    async fn a_collector_that_is_not_there_changes_nothing() {
        let mut scout = scout(free_port());
        assert!(call(&scout).await.contains("unreachable"));
        assert_eq!(end(&mut scout), Some(0));
    }
}
