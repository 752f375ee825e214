//! What is to be told of every host at one moment: its state, and what has happened to it so far.
//!
//! The registry hears of all of it anyway and counts as it does; who asks, as the exporter of metrics
//! does when it is scraped, gets numbers. Nothing here is told to clients.

use crate::target::HostName;
use std::time::Duration;

/// Where a host of the inventory stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum HostState {
    /// It has no connection, and nothing speaks against one.
    Idle,
    /// A connection is being made.
    Connecting,
    /// It has one.
    Connected,
    /// The last attempt failed, and none has succeeded since.
    Backoff,
    /// Its actor crashed too often, and is not started for a while.
    Quarantined,
}

impl HostState {
    /// Every state.
    pub const ALL: [Self; 5] = [
        Self::Idle,
        Self::Connecting,
        Self::Connected,
        Self::Backoff,
        Self::Quarantined,
    ];

    /// A word for it.
    #[must_use]
    pub fn label(self) -> &'static str {
        match self {
            Self::Idle => "idle",
            Self::Connecting => "connecting",
            Self::Connected => "connected",
            Self::Backoff => "backoff",
            Self::Quarantined => "quarantined",
        }
    }
}

/// What has happened to a host since the start.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Tally {
    /// Calls that were given the host.
    pub calls: u64,
    /// Attempts to connect that succeeded.
    pub connected: u64,
    /// Attempts that failed.
    pub failed: u64,
    /// Connections that ended without being asked to.
    pub lost: u64,
    /// How often it was stopped, for being idle or to make room.
    pub evicted: u64,
    /// When it failed for the first time, or lost a connection: its place among all that did, from 0.
    pub first_trouble: Option<u64>,
}

/// One host.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct HostPulse {
    /// Its alias.
    pub name: HostName,
    /// Where it stands.
    pub state: HostState,
    /// How long it is still left alone after it failed.
    pub backoff: Duration,
    /// What has happened to it.
    pub tally: Tally,
}
