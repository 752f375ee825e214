//! The peers that are servers: the same requests, sent by the same client.

use std::io::Result;

use futures_util::future::join_all;
use serde_json::{Value, json};
use tokio::sync::Mutex;

use super::cell::{Cell, Op, Outcome, repeat};
use crate::kit::daemon::Daemon;
use crate::kit::mcp::{Call, Client};

/// A server and the clients it has had so far: they are kept, as a real client keeps its connection.
#[derive(Debug)]
pub(crate) struct Web {
    server: Daemon,
    clients: Vec<Mutex<Client>>,
}

impl Web {
    pub(crate) async fn new(server: Daemon) -> Result<Self> {
        let first = Client::open(server.address()).await?;
        Ok(Self {
            server,
            clients: vec![Mutex::new(first)],
        })
    }

    /// The server itself.
    pub(crate) fn server(&self) -> &Daemon {
        &self.server
    }

    /// Does the work of a cell with as many clients as it has callers.
    pub(crate) async fn measure(&mut self, cell: &Cell) -> Result<Outcome> {
        let callers = cell.callers.unwrap_or(1);
        while self.clients.len() < callers {
            let client = Client::open(self.server.address()).await?;
            self.clients.push(Mutex::new(client));
        }
        for client in self.clients.iter().take(callers) {
            client.lock().await.reconnect().await?;
        }
        let caller = async |client: &Mutex<Client>| {
            let call = prepare(&*client.lock().await, cell);
            repeat(cell.time, async || client.lock().await.call(&call).await).await
        };
        let callers = self.clients.iter().take(callers).map(caller);
        Ok(Outcome::join(join_all(callers).await))
    }
}

/// The tool `scout`, which both servers have, with the same parameters.
fn prepare(client: &Client, cell: &Cell) -> Call {
    let place = cell.place();
    let at = |host: &String| format!("{host}:{}", place.display());
    let mut arguments: Value = match cell.callers {
        Some(_) => json!({"target": at(&cell.hosts[0])}),
        None => json!({"targets": cell.hosts.iter().map(at).collect::<Vec<_>>()}),
    };
    if cell.op == Op::Run {
        arguments["query"] = "wc -c note-00.txt".into();
    }
    let count = cell.hosts.len();
    match cell.callers {
        Some(_) => client.tool("scout", &arguments, cell.expected()),
        None => client.tool(
            "scout",
            &arguments,
            &format!("{count}/{count} hosts succeeded"),
        ),
    }
}
