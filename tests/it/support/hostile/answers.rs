//! The script of a hostile host: one answer for each thing a client may want. The default is a host
//! that behaves.

use std::time::Duration;

/// What the host does. Everything that is not named stays well behaved, so that a test sees the one
/// fault it asked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(crate) struct Script {
    pub(crate) auth: Auth,
    pub(crate) exec: Exec,
    pub(crate) sftp: Sftp,
    pub(crate) opens: Opens,
    pub(crate) closing: Closing,
    /// Session channels open at once; one more is refused as by `MaxSessions`.
    pub(crate) max_sessions: Option<usize>,
    /// Ends the connection when a session channel is asked for.
    pub(crate) hangs_up: bool,
}

/// What becomes of an authentication request.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(crate) enum Auth {
    /// Any public key is right.
    #[default]
    Accept,
    /// None is, and no other method is offered.
    Refuse,
    /// There is no answer.
    Stall,
}

/// What becomes of an exec request.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Exec {
    /// `/bin/sh -c` really runs it, as the user of the test; the end is up to `Ending`.
    Run(Ending),
    /// Nothing runs: the channel ends at once, with this exit status or none.
    Claim(Option<u32>),
    /// The request gets no reply.
    Unanswered,
    /// The request succeeds; nothing else ever comes.
    Silent,
    /// The request succeeds, and output comes as fast as the window allows, for ever.
    Flood,
}

impl Default for Exec {
    fn default() -> Self {
        Self::Run(Ending::Status)
    }
}

/// How a command that ran is reported.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Ending {
    /// Exit status, EOF, CLOSE: the ordinary end.
    Status,
    /// EOF and CLOSE, but no exit status.
    NoStatus,
    /// The exit status, and then another one: 0.
    TwoStatuses,
    /// The output, and then nothing.
    Never,
}

/// What becomes of the `sftp` subsystem.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(crate) enum Sftp {
    /// There is none.
    #[default]
    Missing,
    /// It starts and never says a word.
    Silent,
    /// Every directory has one more entry, for ever; every file has one more byte.
    Endless,
    /// As `Endless`, with names that must not become paths: `../x`, `a\nb`, `/etc/passwd`.
    BadNames,
    /// Every file says that it has ten bytes, and never ends.
    Growing,
    /// Every directory has two files, as large as a number can say.
    Vast,
    /// Every directory has 3,900 directories with names of 1,000 bytes.
    Bloated,
    /// Every directory has 10,000 links, and each leads to a path of 200,000 bytes.
    LongLinks,
    /// Answers carry an id that nobody asked with.
    WrongIds,
    /// The first answer announces 1 GiB.
    Oversized,
    /// The first answer is no SFTP at all.
    Garbage,
}

/// Channels that the host opens towards the client once it is logged in.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(crate) enum Opens {
    #[default]
    None,
    /// This many of each kind: session, forwarded TCP, agent, X11.
    EachKind(usize),
}

/// What becomes of a CLOSE that the client sends first. A client that only answers ours is not kept.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(crate) enum Closing {
    #[default]
    Answer,
    /// The whole connection hangs for this long: no reply, no reading.
    Hang(Duration),
}
