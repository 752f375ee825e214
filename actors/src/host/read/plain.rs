//! Reading on a host without SFTP: a script of ours, run like every command.
//!
//! What is found is the same, with these differences: entries have no line of the host's own `ls`;
//! a tree that is cut is cut in the order of the host's `find`, not level by level; and what the
//! host's programs cannot tell is left out (times, where `stat` is missing). A read counts as one
//! of the host's running commands, and ends with everything it started when its time is up.

use super::parse;
use crate::command::{Command, CommandError, Program};
use crate::error::{Contended, FileError, FleetError};
use crate::file::{MAX_ENTRIES, MAX_ENTRY_BYTES, Part, Want};
use crate::host::job::{Slot, Undone};
use crate::host::read::{ReadJob, found, sftp_path};
use crate::outcome::Outcome;
use crate::ssh::OpenError;
use crate::ssh::exec::{self, Allowance, BASE, Ended, ExecError, Finished, Place};
use std::ffi::OsString;
use std::os::unix::ffi::OsStringExt;
use std::time::Duration;
use tokio_util::sync::CancellationToken;

/// The script. It has no value of anybody's in it.
const SCRIPT: &str = include_str!("plain.sh");

/// What an entry's record takes beside its name, at most: the script says nothing long of it.
const RECORD: usize = 100;

impl ReadJob {
    /// Reads by a command.
    pub(super) async fn run_plainly(self, mut slot: Slot) {
        tokio::time::sleep(slot.pause()).await;
        if !self.claim.start() {
            return;
        }
        // What is kept of the streams takes more as it comes.
        let hold = match self.reserve(2 * BASE).await {
            Ok(hold) => hold,
            Err(error) => return drop(self.reply.send(Err(error))),
        };
        let host = self.host.clone();
        let Ok(command) = command(sftp_path(&self.path), &self.want) else {
            // No path is that long (`MAX_PATH`, target.rs).
            let _heard = self.reply.send(Err(FleetError::NoSftp { host }));
            return;
        };
        let allowance = Allowance {
            timeout: self.deadline.left(),
            max_output: most(&self.want),
            compared: false,
            hold,
            reuse: false,
            metrics: self.metrics.clone(),
        };
        // Nobody stops a read but its deadline, and the end of the host's actor.
        let never = CancellationToken::new();
        let place = std::mem::replace(&mut slot.place, Place::Fresh);
        let command = (&command, allowance);
        let Finished { result, leftover } = exec::run(&slot.session, place, command, &never).await;
        let answer = match result {
            Ok(Ended {
                outcome: Outcome::Exited { code },
                stdout,
                stderr,
                hold,
            }) => {
                let is_cut = stdout.is_truncated();
                let is_tail = matches!(self.want.part, Part::Tail { .. });
                let looked = match code {
                    0 => parse::looked(&stdout.bytes, &stderr.bytes, is_cut, &self.want),
                    _ => Err(parse::problem(&stderr.bytes)),
                };
                match looked {
                    // Of a tail the end is kept, and that is what is missing.
                    Ok(_) if is_cut && is_tail && self.want.tree.is_none() => {
                        let (what, waited) = (Contended::Memory, Duration::ZERO);
                        Err(FleetError::Busy { what, waited })
                    }
                    Ok(looked) => Ok(found(looked, self.want.part, hold)),
                    Err(problem) => Err(FleetError::File(FileError {
                        host,
                        path: self.path,
                        problem,
                    })),
                }
            }
            Ok(Ended {
                outcome: Outcome::TimedOut { .. } | Outcome::Cancelled { .. },
                ..
            }) => Err(FleetError::DeadlinePassed {
                host,
                doing: "reading",
            }),
            // A read changes nothing, so it may be done again where nothing answered.
            Ok(Ended { .. }) => {
                leftover.settle().await;
                return slot.undone(self.queue(), Undone::FilesLost);
            }
            Err(ExecError::Open(OpenError::TooMany, _)) => {
                return slot.undone(self.queue(), Undone::NoChannel);
            }
            Err(ExecError::Open(OpenError::Lost, _)) => {
                return slot.undone(self.queue(), Undone::Lost);
            }
            Err(ExecError::NoShell(_) | ExecError::NoInput | ExecError::NoDirectory) => {
                Err(FleetError::NoSftp { host })
            }
        };
        drop(self.reply.send(answer));
        leftover.settle().await;
        drop(slot);
        drop(self.lease);
    }
}

/// The script with its values, each in a variable.
fn command(path: &[u8], want: &Want) -> Result<Command, CommandError> {
    // A name that begins with a dash is no option.
    let path = match path.starts_with(b"/") {
        true => path.to_vec(),
        false => [b"./", path].concat(),
    };
    let (offset, limit, tail) = match want.part {
        Part::From { offset, limit } => (offset, limit, ""),
        Part::Tail { limit } => (0, limit, "1"),
    };
    let number = |name: &str, value: u64| {
        let value = value.min(i64::MAX as u64);
        (name.to_owned(), OsString::from(value.to_string()))
    };
    let depth = u64::try_from(want.tree.unwrap_or(1)).unwrap_or(u64::MAX);
    Command::new(Program::Shell(SCRIPT.into()))?.with_env([
        ("SCOUT_PATH".to_owned(), OsString::from_vec(path)),
        number("SCOUT_OFFSET", offset),
        // One byte past the limit tells whether the file goes on.
        number("SCOUT_COUNT", limit.saturating_add(1)),
        ("SCOUT_TAIL".to_owned(), tail.into()),
        number("SCOUT_DEPTH", depth),
        number("SCOUT_MOST", entries()),
    ])
}

/// Bytes taken of what the script prints.
fn most(want: &Want) -> u64 {
    let (Part::From { limit, .. } | Part::Tail { limit }) = want.part;
    // Where blocks are read, one may come before what was asked for, and one behind.
    entries().max(limit.saturating_add(2 * 4096 + RECORD as u64))
}

fn entries() -> u64 {
    (MAX_ENTRY_BYTES + RECORD * MAX_ENTRIES) as u64
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::error::FileProblem;
    use crate::file::{Kind, Node, Tree};
    use crate::ssh::sftp::Looked;
    use std::fs;
    use std::os::unix::ffi::OsStrExt;
    use std::os::unix::fs::{PermissionsExt, symlink};
    use std::path::Path;
    use std::process::Command as Process;

    /// Programs that a host may have in another form, or not at all.
    const HOSTS: [&[&str]; 4] = [&[], &["find"], &["find", "head"], &["find", "head", "stat"]];

    fn want(offset: u64, limit: u64) -> Want {
        Want {
            part: Part::From { offset, limit },
            tree: Some(3),
        }
    }

    /// Reads on a host that lacks these programs.
    fn read(lacks: &[&str], path: &Path, want: &Want) -> Result<Looked, FileProblem> {
        let bin = tempfile::tempdir().unwrap();
        for name in lacks {
            let program = bin.path().join(name);
            fs::write(&program, "#!/bin/sh\nexit 64\n").unwrap();
            fs::set_permissions(&program, fs::Permissions::from_mode(0o755)).unwrap();
        }
        let command = command(path.as_os_str().as_bytes(), want).unwrap();
        let Program::Shell(line) = command.program() else {
            panic!("it is a script");
        };
        let search = format!(
            "{}:{}",
            bin.path().display(),
            std::env::var("PATH").unwrap()
        );
        let output = Process::new("/bin/sh")
            .arg("-c")
            .arg(line)
            .envs(command.env().iter().map(|(name, value)| (name, value)))
            .env("PATH", search)
            .output()
            .unwrap();
        assert!(output.stdout.len() as u64 <= most(want));
        parse::looked(&output.stdout, &output.stderr, false, want)
    }

    #[test]
    fn a_part_of_a_file_is_exact_on_every_host() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("a 'file'\n");
        let bytes: Vec<u8> = (0..30_000_u32).map(|n| (n % 251) as u8).collect();
        fs::write(&path, &bytes).unwrap();
        let parts = [
            (0, 10),
            (0, 40_000),
            (1, 4096),
            (4096, 4096),
            (9_999, 7),
            (29_999, 5),
            (30_000, 5),
            (99_999, 5),
            (5, 0),
        ];
        for lacks in HOSTS {
            for (from, limit) in parts {
                let Ok(Looked::File {
                    bytes: read,
                    offset,
                    more,
                    attributes,
                }) = read(lacks, &path, &want(from, limit))
                else {
                    panic!("it is a file");
                };
                let left = bytes.get(from as usize..).unwrap_or_default();
                let kept = left.len().min(limit as usize);
                assert!(read == left[..kept], "{from} {limit} without {lacks:?}");
                assert_eq!((offset, more), (from, kept < left.len()));
                assert_eq!(
                    (attributes.size, attributes.kind()),
                    (Some(30_000), Kind::File)
                );
            }
            for limit in [0, 1, 5_000, 30_000, 90_000] {
                let want = Want {
                    part: Part::Tail { limit },
                    tree: None,
                };
                let Ok(Looked::File {
                    bytes: tail,
                    offset,
                    ..
                }) = read(lacks, &path, &want)
                else {
                    panic!("it is a file");
                };
                let from = bytes.len() - bytes.len().min(limit as usize);
                assert!(
                    tail == bytes[from..] && offset == from as u64,
                    "{limit} without {lacks:?}"
                );
            }
        }
    }

    #[test]
    fn a_tree_is_the_same_on_every_host() {
        let dir = tempfile::tempdir().unwrap();
        let root = dir.path();
        fs::create_dir_all(root.join("-d/b/c/deeper")).unwrap();
        let names: [&[u8]; 7] = [
            b"-n",
            b"a b",
            b"!",
            b".hidden",
            b"..odd",
            b"x\ny",
            b"\xff'\"*",
        ];
        for name in names {
            fs::write(root.join(std::ffi::OsStr::from_bytes(name)), name).unwrap();
        }
        symlink("..", root.join("-d/loop")).unwrap();
        symlink("nowhere", root.join("-d/dangling")).unwrap();
        let made = Process::new("mkfifo").arg(root.join("pipe")).status();
        assert!(made.unwrap().success());
        let tree = |lacks| match read(lacks, root, &want(0, 1)) {
            Ok(Looked::Tree(Tree {
                nodes,
                truncated: false,
            })) => nodes,
            _ => panic!("it is a tree"),
        };
        let bare = |nodes: Vec<Node>| -> Vec<_> {
            let told = |node: Node| {
                let told = node.entry.attributes;
                (
                    node.depth,
                    node.entry.name,
                    told.mode,
                    told.owner,
                    told.size,
                )
            };
            nodes.into_iter().map(told).collect()
        };
        let first = bare(tree(HOSTS[0]));
        assert_eq!(first.len(), names.len() + 6);
        for lacks in &HOSTS[1..] {
            assert_eq!(bare(tree(lacks)), first, "without {lacks:?}");
        }
    }

    #[test]
    fn nothing_but_a_file_is_opened_and_the_reason_is_told() {
        let dir = tempfile::tempdir().unwrap();
        let fifo = dir.path().join("pipe");
        assert!(
            Process::new("mkfifo")
                .arg(&fifo)
                .status()
                .unwrap()
                .success()
        );
        symlink("nowhere", dir.path().join("dangling")).unwrap();
        fs::write(dir.path().join("file"), b"").unwrap();
        for lacks in HOSTS {
            let problem = |path: &Path| read(lacks, path, &want(0, 9)).err();
            let not = |kind| Some(FileProblem::NotRegular(kind));
            assert_eq!(problem(&fifo), not("fifo"));
            assert_eq!(problem(Path::new("/dev/null")), not("character device"));
            for gone in ["missing", "dangling", "file/below"] {
                assert_eq!(
                    problem(&dir.path().join(gone)),
                    Some(FileProblem::Missing),
                    "{gone}"
                );
            }
        }
    }
}
