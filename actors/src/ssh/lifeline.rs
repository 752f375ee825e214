//! The script that runs a command on a host and lets nothing outlive its call.
//!
//! sshd kills nothing when a channel or connection ends without a terminal, and `timeout(1)` only
//! sends `TERM`. So the request sent to the host is the constant [`REQUEST`], whatever the login
//! shell; the script follows on standard input, which then stays open as a lifeline: when it ends,
//! because the call is over or Scout is gone, a watcher on the host, which does nothing but read
//! there, stops the process group. A second watcher does so at the call's time limit, should the
//! network be cut in between.
//!
//! A login shell that is busy with its start-up files gets to the script when it gets there. Where the
//! whole call has passed by then (`/proc` tells how long ago sshd started the shell; proc(5), field
//! `starttime`, in hundredths of a second), the script does nothing.
//!
//! A shell can also be armed before there is a call: it gets the functions alone, reports itself, and
//! reads on; its call is then a few lines. Either way a call ends its shell, and the process group with
//! it, unless its program leaves nothing behind: then the watcher alone is ended, and the shell reads on.
//!
//! A command that ends by itself takes its process group with it. What left the group before
//! (`setsid`) stays: that is how daemons are started on purpose. When a command had to be stopped,
//! such strays are found by a mark in their environment, where the host has `/proc`; twice, so that
//! nothing slips through while it forks, and before the report, which says whether the search was
//! possible, and whether the group is ours alone: it is not where the shell leads no group, or where
//! another user's process is in it (`sudo`). A process that also clears its environment escapes, and
//! a loop of the shell itself in a group of its own (`set -m`); that is said in the documentation.
//!
//! This file only writes text. The quoting in [`body`] is the one place where a value becomes
//! part of a script.

mod body;

use super::frame::Marker;
use crate::command::Command;
use crate::limits::STOP_GRACE;
use std::time::Duration;

/// The exec request. `exec` keeps the process id of the login shell, which sshd made the leader
/// of its own process group; `-s` reads the script from standard input.
pub(crate) const REQUEST: &str = "exec /bin/sh -s";

/// What every shell is told first. Its words have a prefix, because a command line can see them.
const FUNCTIONS: &str = include_str!("lifeline/functions.sh");

/// How much longer than the whole call its login shell must have taken for the script to do nothing;
/// the clocks that are compared count whole seconds.
const TOO_LATE: Duration = Duration::from_secs(1);

/// The host's own time limit is this much later than ours, so that ours decides when both live.
const HOST_SLACK: Duration = Duration::from_secs(3);

/// How much later still it may be where one clock serves many calls of a shell: most of them then need
/// not start one.
const CLOCK_SLACK: Duration = Duration::from_secs(5);

/// What a call's script is written for.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Terms<'a> {
    /// Frames the streams; fresh for every call.
    pub(crate) marker: &'a Marker,
    /// The value of the environment variable by which strays are found; fresh for every call.
    pub(crate) mark: &'a str,
    /// How long the command may run.
    pub(crate) timeout: Duration,
    /// Whether the shell has the functions already.
    pub(crate) armed: bool,
    /// Whether a clock runs in the shell that an earlier call started.
    pub(crate) clocked: bool,
    /// How the shell goes on.
    pub(crate) then: Then,
}

/// What becomes of the shell when its command has ended by itself.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Then {
    /// It ends, and its process group with it.
    End,
    /// It waits for the next call. A clock that serves several calls is the time limit on the host;
    /// `clock` is whether one is started.
    Wait { clock: bool },
}

/// How long a clock that is started for a call of this length runs.
pub(crate) fn clock(timeout: Duration) -> Duration {
    whole(timeout + HOST_SLACK + CLOCK_SLACK)
}

/// Whether a clock that ends in `left` is good enough for a call of this length.
pub(crate) fn clock_serves(left: Duration, timeout: Duration) -> bool {
    left >= whole(timeout + HOST_SLACK) && left <= clock(timeout)
}

fn whole(span: Duration) -> Duration {
    Duration::from_secs(span.as_secs() + u64::from(span.subsec_nanos() > 0))
}

/// Writes what arms a shell: behind it the shell reports its process group between two marks.
pub(crate) fn arming(marker: &Marker) -> Vec<u8> {
    let (grace, hex) = (STOP_GRACE.as_secs(), marker.hex());
    format!(
        "{{\n{FUNCTIONS}scout_grace={grace} scout_m={hex}\nkill -0 -$$ || exit\nscout_mark $$; scout_mark begin >&5\n}}\n"
    )
    .into_bytes()
}

/// Writes the script for a command.
pub(crate) fn script(command: &Command, terms: &Terms<'_>) -> Vec<u8> {
    let &Terms { mark, timeout, .. } = terms;
    let (hex, limit) = (terms.marker.hex(), whole(timeout + HOST_SLACK).as_secs());
    let mut text = b"{\n".to_vec();
    let mut put = |part: &str| text.extend_from_slice(part.as_bytes());
    if !terms.armed {
        let grace = STOP_GRACE.as_secs();
        put(FUNCTIONS);
        put(&format!("scout_grace={grace}\n"));
    }
    put(&format!("scout_m={hex} scout_k={mark} scout_x=\n"));
    if !terms.armed {
        let late = whole(timeout + TOO_LATE).as_secs();
        put(&format!("scout_late {late} && exit\n"));
    }
    let input = command.stdin().len();
    if input > 0 {
        // Not every `head` has `-c` (POSIX has it since 2024); a command must not mistake
        // missing input for empty input.
        put("head -c 0 </dev/null || { scout_mark nohead >&4; exit; }\n");
    }
    put("scout_mark $$\n");
    if !terms.armed {
        put("scout_mark begin >&5\n");
    }
    if terms.clocked && terms.then == Then::End {
        put("scout_unclock\n");
    }
    // The command's own standard input, when there is one, is the first part of ours; only then
    // does ours become the lifeline. As long as the command leaves input unread, the end of the
    // lifeline stands behind it and is not seen: then only the time limit on the host, and the
    // killing from outside, end it.
    match (input, terms.then) {
        (0, Then::End) => put(&format!("scout_watch {limit}\n")),
        (0, Then::Wait { clock: false }) => put("scout_watch\n"),
        (0, Then::Wait { clock: true }) => {
            let clock = clock(timeout).as_secs();
            put(&format!("scout_clock {clock}; scout_watch\n"));
        }
        (n, _) => put(&format!(
            "scout_limit {limit}\n{{ scout_feed {n} & }} | {{ scout_heed\n"
        )),
    }
    text.extend_from_slice(&body::of(command, mark));
    text.extend_from_slice(match (input, terms.then) {
        (0, Then::End) => b"\nscout_done $?\n}\n",
        (0, Then::Wait { .. }) => b"\nscout_again $?\n}\n",
        _ => b"\nscout_done $?\n}\n}\n",
    });
    text
}

#[cfg(test)]
mod tests;
