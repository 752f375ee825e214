//! How far an attempt to connect has come, and how long it may take.

use super::super::host_key::Progress;
use crate::error::Phase;
use crate::inventory::HostSettings;
use std::sync::Arc;
use std::time::Duration;

/// How long an attempt may take: until the host has shown its key, and in all.
#[derive(Clone, Copy)]
pub(super) struct Limit {
    pub(super) after: Duration,
    pub(super) most: Duration,
    pub(super) usual: Option<Duration>,
}

/// How far an attempt has come, on its way through the jump host if there is one.
#[derive(Default)]
pub(super) struct Way {
    pub(super) host: Arc<Progress>,
    pub(super) hop: Arc<Progress>,
}

impl Way {
    pub(super) fn is_at_hop(&self, host: &HostSettings) -> bool {
        host.jump.is_some() && self.host.phase() == Phase::Resolve
    }

    pub(super) fn phase(&self, host: &HostSettings) -> Phase {
        match self.is_at_hop(host) {
            true => self.hop.phase(),
            false => self.host.phase(),
        }
    }

    pub(super) fn is_logging_in(&self, host: &HostSettings) -> bool {
        self.phase(host) == Phase::Auth
    }
}
