//! Every metric of the fleet: its name, its help, its labels, and one method per event.
//!
//! Handles are held, so an observation costs no lookup; every label value exists from the start at
//! 0, so that the first event is seen by `increase()`. No metric has a label that a client can set.

mod describe;

use crate::error::{HostKeyProblem, Phase};
use crate::limits::Limits;
use crate::registry::Reason;
use crate::urgency::Urgency;
use metrics::{Counter, Gauge, Histogram, counter, gauge, histogram};
use std::ops::Deref;
use std::sync::Arc;
use std::time::Duration;

/// Buckets of [`LOCK_WAIT`] and [`QUEUE_WAIT`], in seconds: an uncontended hop takes microseconds.
pub const LOCK_WAIT_BUCKETS: &[f64] = &[
    0.000_05, 0.000_1, 0.000_25, 0.000_5, 0.001, 0.002_5, 0.005, 0.01, 0.05, 0.1, 0.5, 1.0, 5.0,
    30.0,
];

/// Buckets of [`CONNECT_DURATION`], [`DEADLINE`] and [`EXCHANGE`], in seconds.
pub const CONNECT_BUCKETS: &[f64] = &[
    0.001, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0,
];

/// Time from a request reaching the host actor's mailbox to the start of its work, not counting
/// the making of a connection.
pub const LOCK_WAIT: &str = "scout_lock_wait_seconds";

/// The same time, told apart by how soon the work wanted its turn.
pub const QUEUE_WAIT: &str = "scout_queue_wait_seconds";

/// Time of each phase of making a connection.
pub const CONNECT_DURATION: &str = "scout_ssh_connect_duration_seconds";

/// Why a host actor was stopped while Scout goes on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Eviction {
    /// Another host needed the place.
    Capacity,
    /// Nobody used it for the idle timeout.
    Idle,
}

/// The deadlines that were chosen.
pub const DEADLINE: &str = "scout_ssh_deadline_seconds";

/// What one exchange with a host took.
pub const EXCHANGE: &str = "scout_ssh_rtt_seconds";

/// What is waited for, by a deadline that follows the host.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Awaited {
    /// A connection up to the host's key.
    Connection,
    /// An answer on a connection: that a channel is open, that the host is alive.
    Answer,
}

/// How an attempt to connect ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Connect {
    Ok,
    Failed(Phase),
}

/// The shell a command runs in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum ShellUse {
    Fresh,
    Armed,
    Reused,
}

/// The metrics. Cheap to clone: every lease and every job carries them.
#[derive(Clone)]
pub(crate) struct Metrics(Arc<Handles>);

impl Metrics {
    /// Describes and creates all of them; call once the recorder is installed.
    pub(crate) fn register(limits: &Limits) -> Self {
        Self(Arc::new(Handles::register(limits)))
    }
}

impl Deref for Metrics {
    type Target = Handles;

    fn deref(&self) -> &Handles {
        &self.0
    }
}

/// The handles.
pub(crate) struct Handles {
    hit: Counter,
    miss: Counter,
    connections: Gauge,
    evicted: [Counter; 2],
    warmed: [Counter; 2],
    lock_wait: Histogram,
    queue_wait: [Histogram; Urgency::ALL.len()],
    connect_ok: Counter,
    connect_failed: [Counter; Phase::ALL.len()],
    connect_phase: [Histogram; Phase::ALL.len()],
    deadline: [Histogram; 2],
    exchange: Histogram,
    keys_refused: [Counter; 3],
    lost: Counter,
    pool_waiting: Gauge,
    host_running: Gauge,
    host_queued: Gauge,
    crashes: Counter,
    rate_limited: Counter,
    buckets: Gauge,
    budget: Gauge,
    unverified: Counter,
    shells_waiting: Gauge,
    shells_busy: Gauge,
    shell_uses: [Counter; 3],
}

impl Handles {
    fn register(limits: &Limits) -> Self {
        describe::all();
        gauge!("scout_pool_capacity").set(limits.capacity as f64);
        gauge!("scout_output_budget_limit_bytes").set(limits.output_budget as f64);
        let this = Self {
            hit: counter!("scout_pool_requests_total", "result" => "hit"),
            miss: counter!("scout_pool_requests_total", "result" => "miss"),
            connections: gauge!("scout_pool_connections"),
            evicted: ["capacity", "idle"]
                .map(|reason| counter!("scout_pool_evictions_total", "reason" => reason)),
            warmed: ["start", "hot"]
                .map(|reason| counter!("scout_pool_warmed_total", "reason" => reason)),
            lock_wait: histogram!(LOCK_WAIT),
            queue_wait: Urgency::ALL
                .map(|urgency| histogram!(QUEUE_WAIT, "urgency" => urgency.label())),
            connect_ok: counter!("scout_ssh_connects_total", "outcome" => "ok"),
            connect_failed: Phase::ALL
                .map(|phase| counter!("scout_ssh_connects_total", "outcome" => phase.label())),
            connect_phase: Phase::ALL
                .map(|phase| histogram!(CONNECT_DURATION, "phase" => phase.label())),
            deadline: ["connect", "start"].map(|what| histogram!(DEADLINE, "what" => what)),
            exchange: histogram!(EXCHANGE),
            keys_refused: ["unknown", "changed", "revoked"]
                .map(|why| counter!("scout_host_keys_refused_total", "why" => why)),
            lost: counter!("scout_ssh_connections_lost_total"),
            pool_waiting: gauge!("scout_pool_waiting"),
            host_running: gauge!("scout_host_running"),
            host_queued: gauge!("scout_host_queued"),
            crashes: counter!("scout_host_crashes_total"),
            rate_limited: counter!("scout_rate_limited_total"),
            buckets: gauge!("scout_rate_limit_buckets"),
            budget: gauge!("scout_output_budget_bytes"),
            unverified: counter!("scout_stops_unverified_total"),
            shells_waiting: gauge!("scout_shells", "state" => "idle"),
            shells_busy: gauge!("scout_shells", "state" => "busy"),
            shell_uses: ["fresh", "armed", "reused"]
                .map(|kind| counter!("scout_shell_uses_total", "kind" => kind)),
        };
        for counter in [
            &this.hit,
            &this.miss,
            &this.connect_ok,
            &this.lost,
            &this.crashes,
            &this.rate_limited,
            &this.unverified,
        ]
        .into_iter()
        .chain(&this.keys_refused)
        .chain(&this.evicted)
        .chain(&this.warmed)
        .chain(&this.connect_failed)
        .chain(&this.shell_uses)
        {
            counter.increment(0);
        }
        for gauge in [
            &this.connections,
            &this.pool_waiting,
            &this.host_running,
            &this.host_queued,
            &this.buckets,
            &this.budget,
            &this.shells_waiting,
            &this.shells_busy,
        ] {
            gauge.set(0);
        }
        this
    }

    pub(crate) fn pool_request(&self, hit: bool) {
        if hit { &self.hit } else { &self.miss }.increment(1);
    }

    pub(crate) fn connection_up(&self) {
        self.connections.increment(1);
    }

    pub(crate) fn connection_down(&self, lost: bool) {
        self.connections.decrement(1);
        if lost {
            self.lost.increment(1);
        }
    }

    pub(crate) fn evicted(&self, why: Eviction) {
        let [capacity, idle] = &self.evicted;
        match why {
            Eviction::Capacity => capacity,
            Eviction::Idle => idle,
        }
        .increment(1);
    }

    pub(crate) fn warmed(&self, why: Reason) {
        let [start, hot] = &self.warmed;
        match why {
            Reason::Start => start,
            Reason::Hot => hot,
        }
        .increment(1);
    }

    pub(crate) fn waited(&self, urgency: Urgency, wait: Duration) {
        self.lock_wait.record(wait);
        if let Some(histogram) = self.queue_wait.get(urgency as usize) {
            histogram.record(wait);
        }
    }

    pub(crate) fn connected(&self, how: Connect) {
        match how {
            Connect::Ok => self.connect_ok.increment(1),
            Connect::Failed(phase) => {
                if let Some(counter) = self.connect_failed.get(phase as usize) {
                    counter.increment(1);
                }
            }
        }
    }

    /// A host showed a key that is not to be trusted.
    pub(crate) fn key_refused(&self, problem: &HostKeyProblem) {
        let [unknown, changed, revoked] = &self.keys_refused;
        match problem {
            HostKeyProblem::Unknown { .. } => unknown.increment(1),
            HostKeyProblem::Changed { .. } => changed.increment(1),
            HostKeyProblem::Revoked { .. } => revoked.increment(1),
            // No key was judged.
            HostKeyProblem::Certificate | HostKeyProblem::Unreadable(_) => {}
        }
    }

    pub(crate) fn phase_took(&self, phase: Phase, took: Duration) {
        if let Some(histogram) = self.connect_phase.get(phase as usize) {
            histogram.record(took);
        }
    }

    pub(crate) fn waits_at_most(&self, what: Awaited, span: Duration) {
        let [connect, start] = &self.deadline;
        match what {
            Awaited::Connection => connect,
            Awaited::Answer => start,
        }
        .record(span);
    }

    pub(crate) fn exchanged(&self, took: Duration) {
        self.exchange.record(took);
    }

    pub(crate) fn pool_waiting(&self, callers: usize) {
        self.pool_waiting.set(callers as f64);
    }

    pub(crate) fn running(&self, by: f64) {
        self.host_running.increment(by);
    }

    pub(crate) fn queued(&self, by: f64) {
        self.host_queued.increment(by);
    }

    pub(crate) fn host_crashed(&self) {
        self.crashes.increment(1);
    }

    pub(crate) fn rate_limited(&self) {
        self.rate_limited.increment(1);
    }

    pub(crate) fn rate_buckets(&self, buckets: usize) {
        self.buckets.set(buckets as f64);
    }

    /// The gauge of the memory budget, which keeps it itself.
    pub(crate) fn budget(&self) -> Gauge {
        self.budget.clone()
    }

    pub(crate) fn stop_unverified(&self) {
        self.unverified.increment(1);
    }

    pub(crate) fn shells_waiting(&self, by: f64) {
        self.shells_waiting.increment(by);
    }

    /// Counts a command and the shell it runs in, until the answer is dropped.
    pub(crate) fn shell_used(&self, how: ShellUse) -> ShellInUse {
        if let Some(counter) = self.shell_uses.get(how as usize) {
            counter.increment(1);
        }
        self.shells_busy.increment(1);
        ShellInUse(self.shells_busy.clone())
    }
}

/// A shell in which a command runs.
pub(crate) struct ShellInUse(Gauge);

impl Drop for ShellInUse {
    fn drop(&mut self) {
        self.0.decrement(1);
    }
}
