//! `slow_host`: why a host is slow.

use super::step::Step;
use super::{Filler, host_argument, message};
use crate::mcp::CallError;
use rmcp::model::PromptArgument;

pub(super) const STEPS: &[Step] = &[
    Step::read(
        "load of 1, 5 and 15 minutes: rising or falling?",
        "/proc/loadavg",
    ),
    Step::run(
        "CPUs; a load above their number is a queue",
        &["grep", "-c", "^processor", "/proc/cpuinfo"],
    ),
    Step::run(
        "share of time in which work waited for CPU, disk or memory (Linux 4.20 and later)",
        &[
            "grep",
            "-H",
            ".",
            "/proc/pressure/cpu",
            "/proc/pressure/io",
            "/proc/pressure/memory",
        ],
    ),
    Step::run(
        "CPU time as user nice system idle iowait irq softirq steal; call it twice and compare: iowait is the disk, steal is a neighbour on the same machine",
        &["grep", "^cpu ", "/proc/stat"],
    ),
    Step::run(
        "memory: little available and swap in use means that it thrashes",
        &[
            "grep",
            "-E",
            "^(MemTotal|MemAvailable|SwapTotal|SwapFree|Dirty|Writeback):",
            "/proc/meminfo",
        ],
    ),
    Step::run("full file systems stall whoever writes", &["df", "-h"]),
    Step::run("so do file systems without inodes", &["df", "-i"]),
    Step::read(
        "operations and time per disk; call it twice and compare",
        "/proc/diskstats",
    ),
    Step::read("errors and drops per network interface", "/proc/net/dev"),
    Step::run(
        "the processes there are, whose each is, and since when",
        &[
            "find",
            "/proc",
            "-mindepth",
            "1",
            "-maxdepth",
            "1",
            "-name",
            "[0-9]*",
            "-printf",
            "%T+ %u %p\\n",
        ],
    ),
    Step::tail(
        "what the kernel and services said last (`/var/log/messages` on other systems)",
        "/var/log/syslog",
        200,
    ),
];

const CONCLUSION: &str = "Find the processes behind what is short: `run` with argv `grep -H -E ^(Name|State|VmRSS): /proc/PID/status` takes hundreds of such files at once (state D waits for a disk), and the fields 14 and 15 of `/proc/PID/stat`, read twice, tell the CPU time between. If you may use a shell there, `ps -eo pid,state,pcpu,rss,etime,args --sort=-pcpu` says the same in one call. Then say which resource is short, since when, who uses it, what shows that, and what would help.";

pub(super) fn describe() -> (&'static str, &'static str, Vec<PromptArgument>) {
    let host = host_argument("host", "The host, by its name in the list of hosts");
    (
        "Why is this host slow?",
        "Find out why a host is slow: CPU, memory, disk, or a neighbour.",
        vec![host],
    )
}

pub(super) fn text(filler: &Filler<'_>) -> Result<String, CallError> {
    let host = filler.host("host")?;
    let question = format!("Why is the host `{host}` slow?");
    Ok(message(&question, &[(&host, STEPS)], CONCLUSION))
}
