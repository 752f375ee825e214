//! `disk_full`: what fills the disk of a host.

use super::step::Step;
use super::{Filler, host_argument, message};
use crate::mcp::CallError;
use rmcp::model::PromptArgument;

pub(super) const STEPS: &[Step] = &[
    Step::run("which file systems are nearly full", &["df", "-h"]),
    Step::run("which have no inodes left: many small files", &["df", "-i"]),
    Step::run(
        "what is below `/var`, where most of it grows",
        &["du", "-x", "-h", "-d", "1", "/var"],
    ),
    Step::run(
        "what is below `/home`",
        &["du", "-x", "-h", "-d", "1", "/home"],
    ),
    Step::run(
        "large files of the root file system, in bytes",
        &[
            "find",
            "/",
            "-xdev",
            "-type",
            "f",
            "-size",
            "+100M",
            "-printf",
            "%s %TY-%Tm-%Td %p\\n",
        ],
    ),
    Step::run(
        "large logs",
        &[
            "find", "/var/log", "-xdev", "-type", "f", "-size", "+20M", "-ls",
        ],
    ),
    Step::run(
        "files that are deleted but still open: their space comes back only when the process closes them",
        &[
            "find",
            "/proc",
            "-mindepth",
            "3",
            "-maxdepth",
            "3",
            "-path",
            "/proc/[0-9]*/fd/*",
            "-lname",
            "* (deleted)",
            "-printf",
            "%p %l\\n",
        ],
    ),
];

const CONCLUSION: &str = "Take the fullest file system and go down with `du -x -h -d 1` from its mount point, one level at a time, into the largest directory; where it takes too long, ask for single directories. Compare what `du` adds up to with what `df` says is used: deleted open files and directories you may not read are the difference. Then list what takes most, how fast it seems to grow, and what can go first with the least risk (rotated logs, caches, old images) before anything that holds data.";

pub(super) fn describe() -> (&'static str, &'static str, Vec<PromptArgument>) {
    let host = host_argument("host", "The host, by its name in the list of hosts");
    (
        "What fills the disk?",
        "Find what fills the disk of a host, and what could go first.",
        vec![host],
    )
}

pub(super) fn text(filler: &Filler<'_>) -> Result<String, CallError> {
    let host = filler.host("host")?;
    let question = format!("The disk of the host `{host}` is full, or nearly. What fills it?");
    Ok(message(&question, &[(&host, STEPS)], CONCLUSION))
}
