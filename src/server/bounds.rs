//! The bounds of a fleet, as the configuration has them.

use crate::config::Config;
use fleet::Limits;

pub(super) fn limits(config: &Config) -> Limits {
    let rate = config.limits.rate_limit;
    Limits {
        capacity: config.ssh.max_pool_size,
        idle_timeout: config.ssh.idle_timeout,
        warm_timeout: config.ssh.warm_timeout,
        connect_timeout: config.ssh.connection_timeout,
        connect_timeout_min: config.ssh.connection_timeout_min,
        command_timeout: config.limits.command_timeout,
        running: config.limits.host_running,
        queued: config.limits.host_queue,
        shell_idle: config.limits.shell_idle,
        keepalive: config.ssh.keepalive,
        max_file: config.limits.max_file_size,
        max_output: config.limits.max_output_size,
        output_budget: config.limits.output_budget,
        rate_per_minute: rate.map_or(0, |rate| rate.per_minute.get()),
        rate_burst: rate.map_or(1, |rate| rate.burst.get()),
        status_ttl: config.ssh.host_status_ttl,
    }
}
