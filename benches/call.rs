//! The whole way: `tools/call` over HTTP to the real `scout serve`, and from there to real `sshd`
//! processes on loopback. Client, server and hosts share this machine, so that compared with another
//! run of the same machine the figures say something, and alone little.
//!
//! ```text
//! cargo bench --bench call                    all of them, about six minutes
//! cargo bench --bench call -- read            those with that in their name
//! cargo bench --bench call -- hosts=1/        those on one host
//! cargo bench --bench call -- 'cold/.*=10$'   a regular expression
//! ```
//!
//! Needs `sshd` and `ssh-keygen`; nothing is started that the filter leaves out. The time is what
//! one caller waits for an answer while `callers` of them call; `thrpt` is the calls of all of them
//! in a second. Callers go from host to host.
//!
//! - `read`: a file of 1 KB. `list`: a directory of 20 names. `run`: `wc -c` on that file, as an
//!   observer, which is the default. `shell`: the same as an operator, who has the shell.
//! - `broadcast`: one call that reads the file on every host.
//! - `cold/…`: the first call of a fresh server, which has no connection yet; on several hosts
//!   that is a broadcast.

// `cfg(test)` is always set here; it is what tells clippy that this is test code.
#[cfg(test)]
#[allow(unused_imports, reason = "a bench needs a part of what tests stand on")]
#[path = "../tests/it"]
mod it {
    pub(crate) mod support;
}
#[cfg(test)]
#[path = "call/cold.rs"]
mod cold;
#[cfg(test)]
#[allow(dead_code, reason = "several benches share it")]
#[path = "support/site.rs"]
mod site;
#[cfg(test)]
#[path = "support/turns.rs"]
mod turns;
#[cfg(test)]
#[path = "call/warm.rs"]
mod warm;
#[cfg(test)]
#[path = "support/wire.rs"]
mod wire;

use criterion::Criterion;
use it::support;
use std::time::Duration;

fn main() -> std::io::Result<()> {
    if !site::Site::possible() {
        return Ok(());
    }
    let mut criterion = Criterion::default()
        .sample_size(20)
        .warm_up_time(Duration::from_millis(500))
        .measurement_time(Duration::from_secs(2))
        .configure_from_args();
    let runtime = tokio::runtime::Runtime::new()?;
    warm::benches(&mut criterion, &runtime);
    cold::benches(&mut criterion, &runtime);
    criterion.final_summary();
    Ok(())
}
