//! Scout: an MCP server that gives agents safe, fast access to a fleet of SSH hosts.
//!
//! # The floors
//! ```text
//! main ── cli ─── server ── catalogue ─┬─ tools, resources, prompts ── ops ── fleet (its own crate)
//!                   │                  └─ mcp                           │
//!                   ├─ http, stdio ─── mcp                            access
//!                   └─ admin, config, telemetry, metrics, shutdown
//! ```
//! An arrow means "knows". `mcp` knows no SSH, `http` knows no tool, `ops` knows no protocol, and
//! the crate `fleet` knows none of them: Cargo sees to that, since only it depends on SSH and
//! actors.
//!
//! # One call
//! `http` accepts a request and asks the gate who it is and whether it may; `mcp` decides which
//! version of the protocol it speaks and whether it is well formed; `catalogue` finds the tool;
//! the tool parses its arguments and asks `ops`; `ops` asks `access` whether the caller may, and
//! the fleet for a lease; the host's actor starts a job; the report goes back the same way, and
//! the memory it accounts for is given back when its last byte has left.

/// The revision of the source it was built from: twelve digits of git's, or `unknown`.
pub const REVISION: &str = env!("SCOUT_REVISION");

/// Version and revision, as `scout --version` shows them.
pub const VERSION: &str = concat!(env!("CARGO_PKG_VERSION"), " (", env!("SCOUT_REVISION"), ")");

pub mod access;
pub mod admin;
pub mod balancer;
pub mod catalogue;
pub mod cli;
pub mod completion;
pub mod config;
pub mod demo;
pub mod http;
pub mod mcp;
pub mod metrics;
pub mod ops;
pub mod prompts;
pub mod resources;
pub mod server;
pub mod shutdown;
pub mod stdio;
pub mod telemetry;
pub mod tools;
