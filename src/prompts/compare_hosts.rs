//! `compare_hosts`: how two hosts differ.

use super::step::Step;
use super::{Filler, host_argument, message};
use crate::mcp::CallError;
use rmcp::model::PromptArgument;

pub(super) const STEPS: &[Step] = &[
    Step::read("distribution and release", "/etc/os-release"),
    Step::read("kernel", "/proc/version"),
    Step::run("CPUs", &["grep", "-c", "^processor", "/proc/cpuinfo"]),
    Step::run(
        "memory",
        &[
            "grep",
            "-E",
            "^(MemTotal|MemAvailable|SwapTotal):",
            "/proc/meminfo",
        ],
    ),
    Step::read("load", "/proc/loadavg"),
    Step::read("seconds since the start", "/proc/uptime"),
    Step::run("file systems", &["df", "-h"]),
    Step::run(
        "what is configured, and when it changed last",
        &["ls", "-l", "--time-style=long-iso", "/etc"],
    ),
];

/// The longest wish that is passed on, in characters.
const MAX_WISH: usize = 500;

const CONCLUSION: &str = "Make each call on both hosts and put the answers side by side. Where a file differs, `read` it on both. Then say what is the same, what differs, and which differences matter; leave out what always differs (names, addresses, times, counters).";

pub(super) fn describe() -> (&'static str, &'static str, Vec<PromptArgument>) {
    let arguments = vec![
        host_argument("host_a", "One host, by its name in the list of hosts"),
        host_argument("host_b", "The other host"),
        PromptArgument::new("what")
            .with_description("What to compare: a path such as `/etc/nginx`, or a few words")
            .with_required(false),
    ];
    (
        "Compare two hosts",
        "Compare two hosts: system, resources, configuration, or a path.",
        arguments,
    )
}

pub(super) fn text(filler: &Filler<'_>) -> Result<String, CallError> {
    let (a, b) = (filler.host("host_a")?, filler.host("host_b")?);
    let mut question = format!("How do the hosts `{a}` and `{b}` differ?");
    if let Some(wish) = filler
        .text("what")?
        .map(str::trim)
        .filter(|w| !w.is_empty())
    {
        if wish.chars().count() > MAX_WISH {
            let why = format!("`what` is longer than {MAX_WISH} characters");
            return Err(CallError::Arguments(why));
        }
        // On one line and in quotes, so that it stays a wish.
        question.push_str(&format!(
            " Above all compare this path or topic, on both hosts: {wish:?}."
        ));
    }
    Ok(message(&question, &[(&a, STEPS), (&b, STEPS)], CONCLUSION))
}
