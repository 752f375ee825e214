//! The HTTP shell from the outside: raw bytes in, statuses and headers out.
//!
//! Everything runs against a real server on loopback with short timeouts and a small catalogue, so
//! that no helper of a client library hides what is on the wire.
#![cfg(test)]

#[path = "http/hostile.rs"]
mod hostile;
#[path = "http/http2.rs"]
mod http2;
#[path = "http/life.rs"]
mod life;
#[path = "http/limits.rs"]
mod limits;
#[path = "http/raw.rs"]
mod raw;
#[path = "http/statuses.rs"]
mod statuses;
#[path = "http/support.rs"]
mod support;
