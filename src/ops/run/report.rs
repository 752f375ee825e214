//! How a command went, as text and as data.

use crate::ops::decode::timed;
use crate::ops::fold::{Key, Keyed};
use crate::ops::text::{Bytes, shrink};
use fleet::{Execution, HostName, Outcome};
use serde::ser::{Serialize, SerializeMap, Serializer};
use std::fmt;
use std::sync::Arc;
use std::time::Duration;

/// How it went.
#[derive(Debug)]
pub struct RunReport {
    pub(super) host: HostName,
    pub(super) outcome: Outcome,
    pub(super) stdout: Bytes,
    pub(super) stderr: Bytes,
    pub(super) cut: Cut,
    pub(super) duration: Duration,
    pub(super) hold: Arc<fleet::Hold>,
}

/// Where each stream was cut, if it was: bytes kept and bytes there were.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Cut {
    pub(super) stdout: Option<(u64, u64)>,
    pub(super) stderr: Option<(u64, u64)>,
    /// The hashes of what the fleet left out of each, where it is to be compared.
    pub(super) rest: [Option<[u8; 32]>; 2],
}

impl RunReport {
    pub(in crate::ops) fn new(execution: Execution) -> Self {
        let Execution {
            host,
            outcome,
            stdout,
            stderr,
            duration,
            hold,
        } = execution;
        let rest = [stdout.rest, stderr.rest];
        let (stdout, out_cut) = shown(stdout);
        let (stderr, err_cut) = shown(stderr);
        Self {
            host,
            outcome,
            stdout,
            stderr,
            cut: Cut {
                stdout: out_cut,
                stderr: err_cut,
                rest,
            },
            duration,
            hold,
        }
    }

    /// Lets go of all but `most` bytes, and of the memory that the rest was accounted for with.
    pub(in crate::ops) fn keep(&mut self, most: usize) {
        let mut left = most;
        for (bytes, cut) in [
            (&mut self.stdout, &mut self.cut.stdout),
            (&mut self.stderr, &mut self.cut.stderr),
        ] {
            if bytes.len() > left {
                let total = cut.map_or(bytes.len() as u64, |(_, total)| total);
                bytes.truncate(left);
                *cut = Some((bytes.len() as u64, total));
            }
            left = left.saturating_sub(bytes.len());
        }
        shrink(&mut self.hold, [&self.stdout, &self.stderr]);
    }

    /// Bytes of output.
    pub(in crate::ops) fn size(&self) -> usize {
        self.stdout.len() + self.stderr.len()
    }

    /// Equal for commands that wrote the same and ended in the same way.
    pub(in crate::ops) fn key(&self, keyed: Keyed) -> Key {
        let keyed = keyed.with(self.outcome.label());
        let mut keyed = match &self.outcome {
            Outcome::Exited { code } => keyed.with_number(*code),
            Outcome::Signaled { name } => keyed.with(name),
            Outcome::TimedOut { stopped } | Outcome::Cancelled { stopped } => {
                keyed.with(stopped.to_string())
            }
            Outcome::ConnectionLost { may_still_run } => keyed.with_number(*may_still_run),
        };
        for (bytes, cut) in [
            (&self.stdout, self.cut.stdout),
            (&self.stderr, self.cut.stderr),
        ] {
            let total = cut.map_or(bytes.len() as u64, |(_, total)| total);
            keyed = keyed
                .with_number(cut.is_some())
                .with_number(total)
                .with(bytes.as_bytes());
        }
        for rest in self.cut.rest {
            keyed = keyed.with(rest.unwrap_or_default());
        }
        keyed.finish()
    }

    /// Replaces what is text of the output.
    pub(in crate::ops) fn map_text(&mut self, replace: impl Fn(&str) -> String) {
        for bytes in [&mut self.stdout, &mut self.stderr] {
            bytes.map_text(&replace);
        }
    }

    /// How it ended.
    #[must_use]
    pub fn outcome(&self) -> &Outcome {
        &self.outcome
    }

    /// Standard output as far as it was kept.
    #[must_use]
    pub fn stdout(&self) -> &Bytes {
        &self.stdout
    }

    /// Standard error as far as it was kept.
    #[must_use]
    pub fn stderr(&self) -> &Bytes {
        &self.stderr
    }

    /// Each stream that was cut: its name, the bytes kept, the bytes there were.
    pub fn cuts(&self) -> impl Iterator<Item = (&'static str, u64, u64)> {
        let streams = [("stdout", self.cut.stdout), ("stderr", self.cut.stderr)];
        let cut = |(name, cut): (_, Option<_>)| cut.map(|(kept, total)| (name, kept, total));
        streams.into_iter().filter_map(cut)
    }

    /// What it wrote, and of a stream that was cut how much there was.
    pub(in crate::ops) fn output(&self) -> Output<'_> {
        Output {
            report: self,
            sized: true,
        }
    }

    /// Whether there is nothing to show of what it wrote.
    fn is_silent(&self) -> bool {
        self.stdout.is_empty() && self.stderr.is_empty() && self.cuts().next().is_none()
    }

    /// Accounts for the memory of the output; keep it while a copy of the output lives.
    #[must_use]
    pub fn hold(&self) -> Arc<fleet::Hold> {
        Arc::clone(&self.hold)
    }

    /// The line that says how it ended, unless it ended well.
    #[must_use]
    pub fn ending(&self) -> Option<String> {
        let took = timed(self.duration);
        Some(match &self.outcome {
            Outcome::Exited { code: 0 } => return None,
            Outcome::Exited { code } => format!("[exit code: {code}]"),
            Outcome::Signaled { name } => format!("[killed by signal {name}]"),
            Outcome::TimedOut { stopped } => {
                format!("[timed out after {took}; stopping it: {stopped}]")
            }
            Outcome::Cancelled { stopped } => {
                format!("[cancelled after {took}; stopping it: {stopped}]")
            }
            Outcome::ConnectionLost { .. } => format!(
                "[connection lost after {took}; the command may have run in part or whole, and is not repeated]"
            ),
        })
    }
}

/// The bytes as they are given back, and where they were cut: a character that the limit fell into is
/// left out as a whole.
fn shown(stream: fleet::Captured) -> (Bytes, Option<(u64, u64)>) {
    let (cut, total) = (stream.is_truncated(), stream.total);
    let bytes = Bytes::new(stream.bytes, cut);
    let cut = cut.then_some((bytes.len() as u64, total));
    (bytes, cut)
}

/// What a command wrote, without how it ended.
pub(in crate::ops) struct Output<'a> {
    report: &'a RunReport,
    /// Whether the mark of a cut says how much there was.
    sized: bool,
}

impl fmt::Display for Output<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let RunReport {
            stdout,
            stderr,
            cut,
            ..
        } = self.report;
        let streams = [("", stdout, cut.stdout), ("[stderr]\n", stderr, cut.stderr)];
        let mut between = "";
        for (title, bytes, cut) in streams {
            if !bytes.is_empty() {
                write!(f, "{between}{title}{bytes}")?;
                between = "\n";
            }
            if let Some((kept, total)) = cut {
                write!(f, "{between}[truncated at {kept} bytes]")?;
                if self.sized {
                    write!(f, " of {total}")?;
                }
                between = "\n";
            }
        }
        Ok(())
    }
}

impl fmt::Display for RunReport {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let output = Output {
            report: self,
            sized: false,
        };
        output.fmt(f)?;
        match (self.ending(), self.is_silent()) {
            (Some(ending), true) => f.write_str(&ending),
            (Some(ending), false) => write!(f, "\n{ending}"),
            (None, true) => f.write_str("(no output)"),
            (None, false) => Ok(()),
        }
    }
}

impl Serialize for RunReport {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut map = serializer.serialize_map(None)?;
        map.serialize_entry("host", self.host.as_str())?;
        self.write_into(&mut map)?;
        let duration = u64::try_from(self.duration.as_millis()).unwrap_or(u64::MAX);
        map.serialize_entry("duration_ms", &duration)?;
        map.end()
    }
}

impl RunReport {
    /// What the command did: all but where, and how long it took.
    pub(in crate::ops) fn write_into<M: SerializeMap>(&self, map: &mut M) -> Result<(), M::Error> {
        map.serialize_entry("outcome", self.outcome.label())?;
        match &self.outcome {
            Outcome::Exited { code } => map.serialize_entry("exit_code", code)?,
            Outcome::Signaled { name } => map.serialize_entry("signal", name)?,
            Outcome::TimedOut { stopped } | Outcome::Cancelled { stopped } => {
                map.serialize_entry("stopped", &stopped.to_string())?;
            }
            Outcome::ConnectionLost { may_still_run } => {
                map.serialize_entry("may_still_run", may_still_run)?;
            }
        }
        let truncated = self.cut.stdout.is_some() || self.cut.stderr.is_some();
        map.serialize_entry("truncated", &truncated)?;
        for (name, bytes, cut) in [
            ("stdout", &self.stdout, self.cut.stdout),
            ("stderr", &self.stderr, self.cut.stderr),
        ] {
            map.serialize_entry(name, bytes)?;
            if bytes.encoding() != "utf-8" {
                map.serialize_entry(&format!("{name}_encoding"), bytes.encoding())?;
            }
            if let Some((_, total)) = cut {
                map.serialize_entry(&format!("{name}_bytes"), &total)?;
            }
        }
        Ok(())
    }
}
