//! Compares what the inventory understands with what OpenSSH understands: `ssh -G` for
//! configurations, `ssh-keygen -F` and real connections for known hosts.
//!
//! Needs `ssh`, `ssh-keygen` and `sshd` on this machine; nothing is mocked, nothing leaves it.

#![expect(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    reason = "the whole crate is tests; clippy allows these in `#[test]` functions only"
)]

mod configs;
mod corpus;
mod oracle;
mod random;
mod sshd;
mod trust;
