//! What is done, by how many callers, and what came of it.

use std::future::Future;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use serde::{Deserialize, Serialize};

/// What stands in the files that are read, with the rest of a kilobyte behind it.
pub(crate) const CONTENT: &str = "a-word-that-only-these-files-have";
/// Files in the directory that is listed.
pub(crate) const FILES: usize = 20;

/// One kind of work on a host.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum Op {
    /// Reads a file of 1 KB.
    Read,
    /// Reads a file of 1 MB.
    Large,
    /// Lists a directory of 20 files.
    List,
    /// Runs `cd DIR && wc -c FILE`, or what comes to the same.
    Run,
}

/// Work to be done over and over for a while.
#[derive(Debug, Clone)]
pub(crate) struct Cell {
    pub(crate) op: Op,
    /// Callers at once on the first host; `None` is one caller who asks all hosts at once.
    pub(crate) callers: Option<usize>,
    pub(crate) hosts: Vec<String>,
    pub(crate) shelf: PathBuf,
    pub(crate) time: Duration,
}

/// What one peer did in one round.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
pub(crate) struct Outcome {
    /// How long each call took, in seconds.
    pub(crate) times: Vec<f64>,
    /// How long all of it took.
    pub(crate) elapsed: f64,
    /// Calls whose answer was an error, or was not what it should be.
    pub(crate) errors: usize,
    /// The first error.
    #[serde(default)]
    pub(crate) error: Option<String>,
}

impl Cell {
    /// How the table calls it.
    pub(crate) fn name(&self) -> String {
        let op = match self.op {
            Op::Read => "read 1 KB",
            Op::Large => "read 1 MB",
            Op::List => "list 20 files",
            Op::Run => "run `wc -c`",
        };
        match self.callers {
            Some(callers) => format!("{op}, c = {callers}"),
            None => format!("{op} on {} hosts", self.hosts.len()),
        }
    }

    /// What it is about: a file, or the directory with the files.
    pub(crate) fn place(&self) -> PathBuf {
        match self.op {
            Op::Read => self.shelf.join("note-00.txt"),
            Op::Large => self.shelf.with_file_name("large.txt"),
            Op::List | Op::Run => self.shelf.clone(),
        }
    }

    /// What a right answer holds.
    pub(crate) fn expected(&self) -> &'static str {
        match self.op {
            Op::Read | Op::Large => CONTENT,
            Op::List => "note-19.txt",
            Op::Run => "1024 note-00.txt",
        }
    }

    /// The same as a line for a shell on the host.
    pub(crate) fn command(&self) -> String {
        let place = self.place();
        let place = place.display();
        match self.op {
            Op::Read | Op::Large => format!("cat {place}"),
            Op::List => format!("ls -la {place}"),
            Op::Run => format!("cd {place} && wc -c note-00.txt"),
        }
    }
}

impl Outcome {
    /// Calls that went well, per second.
    pub(crate) fn rate(&self) -> f64 {
        self.times.len() as f64 / self.elapsed
    }

    /// What several callers did side by side.
    pub(crate) fn join(parts: Vec<Self>) -> Self {
        let mut all = Self::default();
        for part in parts {
            all.times.extend(part.times);
            all.elapsed = all.elapsed.max(part.elapsed);
            all.errors += part.errors;
            all.error = all.error.or(part.error);
        }
        all
    }
}

/// Calls again and again until the time is up, at least once, or until a call fails: how fast somebody
/// fails is of no interest.
pub(crate) async fn repeat<F>(time: Duration, mut call: impl FnMut() -> F) -> Outcome
where
    F: Future<Output = std::io::Result<()>>,
{
    let mut outcome = Outcome::default();
    let start = Instant::now();
    loop {
        let began = Instant::now();
        match call().await {
            Ok(()) => outcome.times.push(began.elapsed().as_secs_f64()),
            Err(error) => {
                outcome.errors = 1;
                outcome.error = Some(error.to_string());
            }
        }
        if outcome.errors > 0 || start.elapsed() >= time {
            outcome.elapsed = start.elapsed().as_secs_f64();
            return outcome;
        }
    }
}

/// The directory with the files, which every account may read, and beside it the large file, with the
/// text that an answer must hold at its end.
pub(crate) fn furnish(dir: &Path) -> std::io::Result<PathBuf> {
    let shelf = dir.join("shelf");
    std::fs::create_dir(&shelf)?;
    for index in 0..FILES {
        let text = format!("{CONTENT:-<1023}\n");
        std::fs::write(shelf.join(format!("note-{index:02}.txt")), text)?;
    }
    let large = ".".repeat(1_000_000 - CONTENT.len()) + CONTENT;
    std::fs::write(dir.join("large.txt"), large)?;
    Ok(shelf)
}
