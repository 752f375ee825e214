//! Real hosts with the same few things to look at, and `scout serve` in front of them.
//!
//! The hosts are those of the black-box tests: real `sshd` processes on loopback addresses, which end
//! with the value.

use super::support::client::Era;
use super::support::fleet::{Entry, Fleet};
use super::support::server::{ServerBuilder, TestServer};
use super::support::sshd;
use serde_json::{Value, json};
use std::net::SocketAddr;
use std::path::PathBuf;

/// Bytes of the file that is read.
const FILE: usize = 1024;

/// Names in the directory that is listed.
const NAMES: usize = 20;

/// A fleet, and what lies on each of its hosts.
pub(crate) struct Site {
    pub(crate) fleet: Fleet,
    pub(crate) names: Vec<String>,
    shelf: PathBuf,
}

impl Site {
    /// Whether there can be real hosts here; says what is missing otherwise.
    pub(crate) fn possible() -> bool {
        let possible = sshd::find().is_some();
        if !possible {
            eprintln!(
                "left out: real hosts need sshd (openssh-server) and ssh-keygen (openssh-client)"
            );
        }
        possible
    }

    /// Hosts with an `sshd` each.
    pub(crate) async fn start(hosts: usize) -> Self {
        Self::furnish(Fleet::start(hosts).await)
    }

    /// One `sshd` behind many names: every name is a connection of its own.
    pub(crate) async fn behind_one(names: usize) -> Self {
        let mut fleet = Fleet::start(1).await;
        let address = fleet.sshd(0).address();
        // The key of the address is known by its first name already.
        let more = (2..=names).map(|number| Entry::new(&format!("web-{number:02}"), address, ""));
        fleet.extend(more);
        Self::furnish(fleet)
    }

    fn furnish(fleet: Fleet) -> Self {
        let shelf = fleet.dir().join("shelf");
        std::fs::create_dir_all(shelf.join("names")).unwrap();
        std::fs::write(shelf.join("file"), "0123456789abcde\n".repeat(FILE / 16)).unwrap();
        for number in 0..NAMES {
            std::fs::write(shelf.join(format!("names/file-{number:02}")), "").unwrap();
        }
        Self {
            names: fleet.names(),
            fleet,
            shelf,
        }
    }

    /// A file of 1 KB, on every host.
    pub(crate) fn file(&self) -> String {
        self.shelf.join("file").display().to_string()
    }

    /// A directory with 20 names, on every host.
    pub(crate) fn directory(&self) -> String {
        self.shelf.join("names").display().to_string()
    }

    /// A server that keeps every connection it makes.
    pub(crate) fn server(&self) -> ServerBuilder {
        TestServer::builder(&self.fleet)
            .env("SCOUT_MAX_POOL_SIZE", self.names.len().max(100))
            .env("SCOUT_IDLE_TIMEOUT", 3600)
    }
}

/// Where the server listens.
pub(crate) fn address(server: &TestServer) -> SocketAddr {
    let url = server.url();
    let authority = url
        .strip_prefix("http://")
        .and_then(|url| url.split('/').next());
    authority.unwrap().parse().unwrap()
}

/// A whole `tools/call` as it goes over the wire, from a client of the current protocol.
pub(crate) fn request(server: &TestServer, tool: &str, arguments: Value) -> Vec<u8> {
    let params = Era::Modern.envelope(json!({"name": tool, "arguments": arguments}));
    let mut head = format!(
        "POST /mcp HTTP/1.1\r\nHost: {}\r\nContent-Type: application/json\r\n\
         Accept: application/json, text/event-stream\r\n",
        address(server)
    );
    for (name, value) in Era::Modern.headers("tools/call", &params) {
        head.push_str(&format!("{name}: {value}\r\n"));
    }
    let message = json!({"jsonrpc": "2.0", "id": 1, "method": "tools/call", "params": params});
    let body = message.to_string();
    format!("{head}Content-Length: {}\r\n\r\n{body}", body.len()).into_bytes()
}
