//! `scout serve` and `scout stdio`.

use super::{SOFTWARE, fail, server_failed};
use crate::config::{Config, Overrides};
use crate::metrics;
use crate::server::{Server, serve_stdio};
use crate::shutdown::{self, Hangup};
use clap::Args;
use std::process::ExitCode;
use tokio_util::sync::CancellationToken;

/// Flags of `serve`.
#[derive(Debug, Args)]
pub(super) struct ServeArgs {
    /// The address clients connect to (`SCOUT_HTTP_HOST`).
    #[arg(long, value_name = "ADDRESS")]
    host: Option<String>,
    /// The port clients connect to; 0 takes a free one (`SCOUT_HTTP_PORT`).
    #[arg(long, value_name = "PORT")]
    port: Option<u16>,
    /// The port of the operations listener; 0 takes a free one (`SCOUT_OPS_PORT`).
    #[arg(long, value_name = "PORT")]
    ops_port: Option<u16>,
}

impl ServeArgs {
    /// The flags as a layer of the configuration.
    pub(super) fn overrides(&self, flags: Overrides) -> Overrides {
        flags
            .set("http.host", "--host", self.host.as_ref())
            .set("http.port", "--port", self.port)
            .set("ops.port", "--ops-port", self.ops_port)
    }
}

pub(super) async fn serve(config: &Config) -> ExitCode {
    let recorder = match metrics::install() {
        Ok(recorder) => recorder,
        Err(error) => return fail(SOFTWARE, &error),
    };
    let stop = CancellationToken::new();
    if let Err(error) = shutdown::on_signal(stop.clone(), Hangup::IsNoReload) {
        return fail(SOFTWARE, &error);
    }
    let server = match Server::bind(config, recorder).await {
        Ok(server) => server,
        Err(error) => return server_failed(&error),
    };
    announce(config, &server);
    match server.run(stop).await {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => server_failed(&error),
    }
}

/// Says where the server listens and who may use it, in the log.
fn announce(config: &Config, server: &Server) {
    let keys = if config.auth.enabled {
        config.auth.keys.len()
    } else {
        0
    };
    tracing::info!(url = %format_args!("http://{}/mcp", server.local_addr()), keys, role = %config.auth.role, "serving MCP");
    if let Ok(address) = server.ops_addr() {
        tracing::info!(url = %format_args!("http://{address}/metrics"), "serving metrics");
    }
}

pub(super) async fn stdio(config: &Config) -> ExitCode {
    // Nobody scrapes a child of a client, but the handles need a recorder all the same.
    if let Err(error) = metrics::install() {
        return fail(SOFTWARE, &error);
    }
    let stop = CancellationToken::new();
    if let Err(error) = shutdown::on_signal(stop.clone(), Hangup::Ends) {
        return fail(SOFTWARE, &error);
    }
    match serve_stdio(config, stop).await {
        Ok(Ok(())) => ExitCode::SUCCESS,
        Ok(Err(error)) => fail(1, &error),
        Err(error) => server_failed(&error),
    }
}
