//! Scout: an MCP server that gives agents safe, fast access to a fleet of SSH hosts.

pub mod access;
pub mod config;
pub mod http;
pub mod mcp;
pub mod stdio;
pub mod telemetry;
