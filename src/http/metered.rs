//! Tells the observer about one request, exactly once, however it ends.

use std::fmt;
use std::sync::Arc;
use std::time::Instant;

use super::settings::Observer;

/// nginx's number for a client that closed the connection before the answer.
const CLIENT_CLOSED_REQUEST: u16 = 499;

/// A request being measured; reports when dropped.
pub(super) struct Metered {
    observer: Arc<dyn Observer>,
    started: Instant,
    method: &'static str,
    status: u16,
}

impl Metered {
    /// Starts the clock.
    pub(super) fn start(observer: Arc<dyn Observer>) -> Self {
        Self {
            observer,
            started: Instant::now(),
            method: "-",
            status: CLIENT_CLOSED_REQUEST,
        }
    }

    /// The request turned out to be this method.
    pub(super) fn is(&mut self, method: &'static str) {
        self.method = method;
    }

    /// The answer is known.
    pub(super) fn answered(&mut self, status: u16) {
        self.status = status;
    }
}

impl Drop for Metered {
    fn drop(&mut self) {
        self.observer
            .on_request(self.method, self.status, self.started.elapsed());
    }
}

impl fmt::Debug for Metered {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Metered")
            .field("method", &self.method)
            .finish_non_exhaustive()
    }
}
