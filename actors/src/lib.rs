//! The fleet: one supervised actor per SSH host, and one door to all of them.
//!
//! # Who owns whom
//! ```text
//! Fleet ── supervisor ─┬─ registry      leases, capacity, eviction, waiters
//!                      ├─ rate limit    one bucket per caller
//!                      ├─ census        who is online
//!                      └─ host …        one connection, two queues, its jobs
//! ```
//! Calls go down and news goes up. A caller gets a [`Lease`] from the registry, and asks the host
//! through it; the host starts a job, and the job answers the caller itself. Nobody waits for
//! anybody inside a handler.
//!
//! # Decisions and work
//! Decisions about a host are made by its actor, one message at a time, on state nothing else can
//! reach. Work (dialling, commands, reads) runs in tasks that share the connection, which is
//! itself only a sender to its session loop. So there is no lock in this crate, and `clippy.toml`
//! keeps it that way, while eight commands on one host still overlap.
//!
//! # Invariants
//! 1. Live and leaving hosts, and the second connections of large copies, together never exceed the
//!    capacity; a leased host is never evicted.
//! 2. Every message about a connection carries its epoch; news of an earlier one changes nothing.
//! 3. Every SSH channel is read to its end and closed in every path.
//! 4. An end without the report of the host is never a success.
//! 5. A command is started at most once. What came back undone was not started.
//! 6. A call has one deadline, which only shrinks.
//! 7. Queues are bounded where work comes in: per host, in the pool, and in memory. In each of them
//!    interactive calls overtake bulk work, and neither keeps the other waiting for ever.
//! 8. A value from a caller becomes part of a script in one place, [`ssh`]'s lifeline, quoted.
//!
//! The crate knows SSH and actors. It knows nothing of MCP, HTTP or configuration files other than
//! those of SSH.

mod budget;
mod census;
pub mod command;
pub mod error;
pub mod file;
mod file_session;
mod fleet;
mod host;
pub mod inventory;
mod latency;
mod lease;
pub mod limits;
pub mod loopback;
pub mod metrics;
pub mod outcome;
mod queue;
mod rate_limit;
mod registry;
pub mod rules;
mod ssh;
mod supervisor;
mod survey;
pub mod target;
mod urgency;

pub use budget::{Budget, Hold};
pub use command::{Bounds, Command, CommandError, Program};
pub use error::FleetError;
pub use file_session::{FileReader, FileSession, FileWriter};
pub use fleet::{Fleet, HostStatus, Settings, StartError};
pub use inventory::Inventory;
pub use lease::Lease;
pub use limits::{Deadline, Limits};
pub use outcome::{Captured, Execution, Outcome, Stopped};
pub use rate_limit::Refused;
pub use ssh::HostKeyPolicy;
pub use survey::{HostPulse, HostState, Tally};
pub use target::{HostName, RemotePath, Target};
pub use urgency::Urgency;
