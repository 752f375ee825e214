//! The wait of a caller for its job: until its deadline while it stands in a queue, and a little
//! longer once it runs.

use crate::error::FleetError;
use crate::host::HostRef;
use crate::host::job::{Claim, Job};
use crate::host::run::busy;
use crate::limits::{Deadline, STOP_GRACE};
use crate::target::HostName;
use std::time::Duration;
use tokio::sync::oneshot;
use tokio::time::Instant;

/// How long after its deadline a running job may take to be stopped and to report it.
const STOPPING: Duration = Duration::from_secs(6);

/// Hands a job over and waits for its answer.
pub(super) async fn hand_over<T>(
    actor: &HostRef,
    name: &HostName,
    job: Job,
    mut answer: oneshot::Receiver<Result<T, FleetError>>,
    deadline: Deadline,
) -> Result<T, FleetError> {
    let began = Instant::now();
    let host = name.clone();
    // However this future ends, a job that has not started by then never will.
    let claim = job.claim.clone();
    let _abandon = Abandon {
        claim: claim.clone(),
        host: actor.clone(),
    };
    actor.submit(job);
    let crashed = || FleetError::Internal { host: host.clone() };
    match tokio::time::timeout_at(deadline.instant(), &mut answer).await {
        Ok(answer) => return answer.map_err(|_| crashed())?,
        Err(_) if claim.abandon() => return Err(busy(&host, began.elapsed())),
        Err(_) => {}
    }
    // It is running, and is being stopped: its outcome is worth the wait.
    let patience = STOP_GRACE + STOPPING;
    match tokio::time::timeout(patience, answer).await {
        Ok(answer) => answer.map_err(|_| crashed())?,
        Err(_) => Err(FleetError::DeadlinePassed {
            host,
            doing: "stopping the call",
        }),
    }
}

/// Leaves the queue when dropped.
struct Abandon {
    claim: Claim,
    host: HostRef,
}

impl Drop for Abandon {
    fn drop(&mut self) {
        if self.claim.leave() {
            self.host.left();
        }
    }
}
