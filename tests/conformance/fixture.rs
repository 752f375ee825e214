//! A server with the tools, resources and prompts the official conformance suite asks for.
//!
//! Serves them through the same engine and the same HTTP shell as the program, so that what the
//! suite says about this server it says about the protocol layer. Prints its URL and serves until
//! SIGTERM.
//!
//! usage: `mcp-fixture [ADDRESS]`

mod fixture {
    pub(crate) mod catalogue;
}

use std::net::SocketAddr;
use std::process::ExitCode;
use std::sync::Arc;
use std::time::Duration;

use fixture::catalogue::Fixtures;
use scout::http::{Open, Server, Settings, Surroundings};
use scout::mcp::Engine;
use tokio::signal::unix::{SignalKind, signal};
use tokio_util::sync::CancellationToken;

#[tokio::main]
async fn main() -> ExitCode {
    match serve().await {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            #[expect(clippy::print_stderr, reason = "a program's last word")]
            {
                eprintln!("mcp-fixture: {error}");
            }
            ExitCode::FAILURE
        }
    }
}

async fn serve() -> Result<(), Box<dyn std::error::Error>> {
    let address = std::env::args()
        .nth(1)
        .unwrap_or_else(|| "127.0.0.1:0".to_owned());
    let address: SocketAddr = address.parse()?;
    let engine = Engine::new(Arc::new(Fixtures));
    let surroundings = Surroundings {
        gate: Arc::new(Open),
        observer: Arc::new(()),
    };
    let server = Server::bind(address, engine, surroundings, Settings::default()).await?;
    #[expect(
        clippy::print_stdout,
        reason = "the script that starts it reads the URL"
    )]
    {
        println!("http://{}/mcp", server.local_addr());
    }
    let shutdown = CancellationToken::new();
    let mut terminate = signal(SignalKind::terminate())?;
    let stop = shutdown.clone();
    tokio::spawn(async move {
        terminate.recv().await;
        stop.cancel();
    });
    server.run(shutdown, Duration::from_secs(2)).await;
    Ok(())
}
