//! What the benches stand on: real hosts and the built program, as the black-box tests have them, a
//! client that costs little, a network that is slow, and what to make of samples.
#![allow(dead_code, reason = "a bench uses some of it, the tests use the rest")]

pub(crate) mod client;
pub(crate) mod daemon;
pub(crate) mod delay;
pub(crate) mod mcp;
pub(crate) mod stats;
pub(crate) mod usage;

/// The same support that the black-box tests use.
#[path = "../../tests/it/support"]
pub(crate) mod real {
    pub(crate) mod account;
    pub(crate) mod client;
    pub(crate) mod exposition;
    pub(crate) mod fleet;
    pub(crate) mod keys;
    pub(crate) mod procs;
    pub(crate) mod program;
    pub(crate) mod server;
    pub(crate) mod sockets;
    pub(crate) mod sshd;
}
