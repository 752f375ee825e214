//! What the callers do, and in which proportion.

use std::path::{Path, PathBuf};
use std::str::FromStr;

use serde_json::{Value, json};

/// What stands in the files that are read, with the rest of a kilobyte behind it.
pub(super) const CONTENT: &str = "a-word-that-only-these-files-have";
const FILES: usize = 20;

/// One kind of call.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Op {
    Read,
    List,
    Run,
    Broadcast,
}

impl Op {
    pub(super) const ALL: [Self; 4] = [Self::Read, Self::List, Self::Run, Self::Broadcast];

    pub(super) fn name(self) -> &'static str {
        match self {
            Self::Read => "read",
            Self::List => "list",
            Self::Run => "run",
            Self::Broadcast => "broadcast",
        }
    }
}

/// Weights of the kinds: `read=70,list=15,run=10,broadcast=5`.
#[derive(Debug, Clone)]
pub(super) struct Mix(Vec<(Op, u64)>);

impl FromStr for Mix {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let part = |part: &str| {
            let (name, weight) = part.split_once('=')?;
            let op = Op::ALL.into_iter().find(|op| op.name() == name)?;
            Some((op, weight.parse().ok()?))
        };
        let parts: Option<Vec<_>> = text.split(',').map(part).collect();
        let parts = parts.filter(|parts| parts.iter().any(|(_, weight)| *weight > 0));
        let kinds = Op::ALL.map(Op::name).join(", ");
        Ok(Self(parts.ok_or_else(|| {
            format!("not KIND=WEIGHT,..; kinds are {kinds}")
        })?))
    }
}

/// A call before it has its client.
#[derive(Debug)]
pub(super) struct Job {
    pub(super) op: Op,
    pub(super) tool: &'static str,
    pub(super) arguments: Value,
    pub(super) expected: String,
}

/// Draws one job after the other. The same seed draws the same jobs.
#[derive(Debug)]
pub(super) struct Draw<'a> {
    pub(super) state: u64,
    pub(super) mix: &'a Mix,
    pub(super) hosts: &'a [String],
    pub(super) shelf: &'a Path,
    /// Hosts of a broadcast.
    pub(super) width: usize,
}

impl Draw<'_> {
    pub(super) fn job(&mut self) -> Job {
        let op = self.op();
        let index = self.below(self.hosts.len());
        let host = &self.hosts[index];
        let file = format!("note-{:02}.txt", self.below(FILES));
        let path = self.shelf.join(&file);
        let (tool, arguments, expected) = match op {
            Op::Read => (
                "read",
                json!({"host": host, "path": path}),
                CONTENT.to_owned(),
            ),
            Op::List => (
                "read",
                json!({"host": host, "path": self.shelf}),
                "note-19.txt".to_owned(),
            ),
            Op::Run => (
                "run",
                json!({"host": host, "argv": ["wc", "-c", file], "cwd": self.shelf}),
                format!("1024 {file}"),
            ),
            Op::Broadcast => {
                let some = self.hosts.iter().cycle().skip(index).take(self.width);
                let some: Vec<_> = some.map(String::as_str).collect();
                let all = format!("{0}/{0} hosts succeeded", self.width);
                (
                    "broadcast",
                    json!({"hosts": some.join(","), "path": path}),
                    all,
                )
            }
        };
        Job {
            op,
            tool,
            arguments,
            expected,
        }
    }

    fn op(&mut self) -> Op {
        let Mix(parts) = self.mix;
        let total: u64 = parts.iter().map(|(_, weight)| weight).sum();
        let mut ticket = self.next() % total;
        for (op, weight) in parts {
            match ticket.checked_sub(*weight) {
                Some(rest) => ticket = rest,
                None => return *op,
            }
        }
        Op::Read
    }

    fn below(&mut self, end: usize) -> usize {
        let end = u64::try_from(end).unwrap();
        usize::try_from(self.next() % end).unwrap()
    }

    /// SplitMix64 (Steele, Lea, Flood: Fast Splittable Pseudorandom Number Generators, 2014).
    fn next(&mut self) -> u64 {
        self.state = self.state.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.state;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }
}

/// The directory with the files, which every account may read.
pub(super) fn furnish(dir: &Path) -> std::io::Result<PathBuf> {
    let shelf = dir.join("shelf");
    std::fs::create_dir(&shelf)?;
    for index in 0..FILES {
        let text = format!("{CONTENT:-<1023}\n");
        std::fs::write(shelf.join(format!("note-{index:02}.txt")), text)?;
    }
    Ok(shelf)
}
