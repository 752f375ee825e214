//! Scout: an MCP server that gives agents safe, fast access to a fleet of SSH hosts.

pub mod http;
pub mod mcp;
pub mod stdio;
