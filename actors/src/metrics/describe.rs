//! What each metric of the fleet is, in the words that are exported as its `HELP`.

use super::{CONNECT_DURATION, DEADLINE, EXCHANGE, LOCK_WAIT, QUEUE_WAIT};
use metrics::{describe_counter, describe_gauge, describe_histogram};

/// Describes all of them to the recorder.
pub(super) fn all() {
    describe_counter!(
        "scout_pool_requests_total",
        "Calls that found a connection made or being made (hit) or needed a new one (miss); that a large copy moves to a second one counts as neither"
    );
    describe_gauge!(
        "scout_pool_connections",
        "SSH connections that are up, the second ones of large copies included"
    );
    describe_gauge!(
        "scout_pool_capacity",
        "Most host actors and second connections at once"
    );
    describe_counter!(
        "scout_pool_evictions_total",
        "Host actors stopped to make room or for being idle"
    );
    describe_counter!(
        "scout_pool_warmed_total",
        "Connections made before a call asked for them: at the start, or because the host is used often"
    );
    describe_gauge!(
        "scout_pool_waiting",
        "Callers waiting for a place in the pool"
    );
    describe_histogram!(
        LOCK_WAIT,
        "Time from a request reaching its host's mailbox to the start of its work, without the making of a connection"
    );
    describe_histogram!(
        QUEUE_WAIT,
        "The same time by urgency: interactive calls overtake bulk work, which has its turn when it has waited long"
    );
    describe_counter!(
        "scout_ssh_connects_total",
        "Attempts to connect, by outcome"
    );
    describe_histogram!(
        CONNECT_DURATION,
        "Time spent in each phase of making a connection"
    );
    describe_histogram!(
        DEADLINE,
        "Deadlines chosen from what a host usually takes: to connect, and to start something on a connection"
    );
    describe_histogram!(
        EXCHANGE,
        "Time of one exchange with a host: its TCP handshake, the opening of a channel, a sign of life"
    );
    describe_counter!(
        "scout_ssh_connections_lost_total",
        "Connections that ended without being asked to"
    );
    describe_gauge!("scout_host_running", "Calls at work on all hosts together");
    describe_gauge!("scout_host_queued", "Calls waiting at all hosts together");
    describe_counter!(
        "scout_host_crashes_total",
        "Host actors that ended by a defect"
    );
    describe_counter!(
        "scout_rate_limited_total",
        "Requests refused by the rate limit"
    );
    describe_gauge!(
        "scout_rate_limit_buckets",
        "Callers the rate limit remembers"
    );
    describe_gauge!(
        "scout_output_budget_bytes",
        "Memory accounted for output and file content"
    );
    describe_counter!(
        "scout_stops_unverified_total",
        "Commands that were stopped without proof that every process ended"
    );
    describe_gauge!(
        "scout_shells",
        "Shells on hosts that wait for a call (idle) or run one (busy)"
    );
    describe_counter!(
        "scout_shell_uses_total",
        "Commands by the shell they ran in: started for them (fresh), started before (armed), or left by another (reused)"
    );
    describe_gauge!(
        "scout_output_budget_limit_bytes",
        "Memory that output and file content may take"
    );
    describe_counter!(
        "scout_host_keys_refused_total",
        "Host keys that were refused: on no list (unknown), not the one on the list (changed), or withdrawn (revoked)"
    );
}
