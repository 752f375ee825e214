//! Looking at a host with a program of its own: fixed words of ours, and values of callers only as
//! words behind them or as standard input.
//!
//! It needs the right to read and nothing more, so what runs here must change nothing on the host,
//! and leave nothing running there.

use super::{Failure, Ops};
use crate::access::{Action, Principal};
use bytes::Bytes;
use fleet::{Bounds, Command, Deadline, Execution, HostName, Program};

impl Ops {
    /// Runs a program that only looks, within the limits of every command.
    ///
    /// # Errors
    /// A host the principal may not see, or what kept the program from being started.
    pub async fn inspect(
        &self,
        principal: &Principal,
        host: &HostName,
        program: Program,
        stdin: Bytes,
        deadline: Deadline,
    ) -> Result<Execution, Failure> {
        self.decide(principal, Action::Read, host)?;
        let command = Command::new(program)?.with_stdin(stdin)?.self_contained();
        let lease = self.lease(principal, host, deadline).await?;
        let execution = lease.run(command, Bounds::default(), deadline).await;
        execution.map_err(|error| self.failure(principal, error))
    }
}
