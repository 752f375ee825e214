//! The tables against the programs of this machine: an option means what the table says, and
//! nothing that is allowed changes a file. A program that is not installed is skipped out loud.

use std::cell::Cell;
use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};
use std::time::SystemTime;

use proptest::prelude::*;
use proptest::test_runner::{Config, TestRunner};

use super::super::{PROGRAMS, check};
use super::allowed::LINES;
use super::words;

/// A directory with something to read, and what it looked like.
struct Playground {
    dir: tempfile::TempDir,
    before: BTreeMap<PathBuf, (SystemTime, SystemTime, Vec<u8>)>,
}

impl Playground {
    fn new() -> Self {
        let dir = tempfile::tempdir().unwrap();
        for name in ["d", "d/e"] {
            fs::create_dir(dir.path().join(name)).unwrap();
        }
        for (name, text) in [
            ("d/x", "x 1\nx 1\ny 2\n"),
            ("d/y", "y\n"),
            ("d/e/z", "z\n"),
            ("-x", "-\n"),
        ] {
            fs::write(dir.path().join(name), text).unwrap();
        }
        let before = snapshot(dir.path());
        Self { dir, before }
    }

    fn run(&self, argv: &[String]) -> Option<Output> {
        Command::new(&argv[0])
            .args(&argv[1..])
            .current_dir(self.dir.path())
            .env("LC_ALL", "C")
            .env("TMPDIR", "/nonexistent")
            .stdin(Stdio::null())
            .output()
            .ok()
    }

    fn assert_unchanged(&self, argv: &[String]) {
        assert_eq!(snapshot(self.dir.path()), self.before, "{argv:?}");
    }
}

/// Every file below `dir`: modified, accessed, content. Reading does not count as access here,
/// because the snapshot itself reads; a time that was set does.
fn snapshot(dir: &Path) -> BTreeMap<PathBuf, (SystemTime, SystemTime, Vec<u8>)> {
    let mut all = BTreeMap::new();
    for entry in fs::read_dir(dir).unwrap() {
        let path = entry.unwrap().path();
        let meta = fs::metadata(&path).unwrap();
        let content = if meta.is_dir() {
            Vec::new()
        } else {
            fs::read(&path).unwrap()
        };
        if meta.is_dir() {
            all.extend(snapshot(&path));
        }
        all.insert(
            path,
            (
                meta.modified().unwrap(),
                meta.created().unwrap_or(SystemTime::UNIX_EPOCH),
                content,
            ),
        );
    }
    all
}

fn installed(program: &str) -> bool {
    let there = Command::new(program)
        .arg("--version")
        .stdin(Stdio::null())
        .output()
        .is_ok();
    if !there {
        println!("SKIPPED: `{program}` is not installed");
    }
    there
}

#[test]
fn the_programs_understand_every_allowed_line_and_change_nothing() {
    let playground = Playground::new();
    for line in LINES {
        let argv = words(line);
        if !installed(&argv[0]) {
            continue;
        }
        let Some(output) = playground.run(&argv) else {
            panic!("{line} did not start")
        };
        let complaint = String::from_utf8_lossy(&output.stderr).to_lowercase();
        for sign in [
            "unrecognized",
            "invalid option",
            "unknown",
            "usage:",
            "extra operand",
            "requires",
        ] {
            assert!(!complaint.contains(sign), "{line}: {complaint}");
        }
        playground.assert_unchanged(&argv);
    }
}

/// Every option of a table exists in the program and takes a value exactly where the table says:
/// `--help` shows `-x, --name=VALUE`, `--name[=VALUE]` or `--name`.
#[test]
fn long_options_take_what_the_help_says() {
    for program in PROGRAMS
        .into_iter()
        .filter(|p| !["find", "tree", "rg"].contains(p))
    {
        if !installed(program) {
            continue;
        }
        let help = Command::new(program).arg("--help").output().unwrap();
        let help = String::from_utf8_lossy(&help.stdout).into_owned();
        let grammar = super::super::grammar_of(program).unwrap();
        let shown = |long: &str| -> Vec<String> {
            let name = format!("--{long}");
            let found = help
                .match_indices(&name)
                .map(|(at, _)| help[at + name.len()..].chars().take(2).collect::<String>());
            found
                .filter(|next| !next.starts_with(|c: char| c.is_ascii_alphanumeric() || c == '-'))
                .collect()
        };
        let takes_value = |next: &String| {
            next.starts_with('=')
                || (next.starts_with(' ') && next.ends_with(|c: char| c.is_ascii_uppercase()))
        };
        for long in grammar.words {
            let nexts = shown(long);
            // Undocumented aliases and what a newer version added are not in the help.
            assert!(
                nexts.is_empty() || nexts.iter().any(|n| !takes_value(n)),
                "{program} --{long}: {nexts:?}"
            );
        }
        for value in grammar.values.iter().filter(|v| !v.long.is_empty()) {
            let nexts = shown(value.long);
            assert!(
                nexts.is_empty() || nexts.iter().any(takes_value),
                "{program} --{}: {nexts:?}",
                value.long
            );
        }
        for (long, _) in grammar.optional {
            let nexts = shown(long);
            assert!(
                nexts
                    .iter()
                    .any(|n| n.starts_with(['[', ',']) || takes_value(n)),
                "{program} --{long}: {nexts:?}"
            );
        }
    }
}

/// Lines made of options, letters and file names at random: whatever is accepted is run, and no
/// file may appear, change or go. This is what finds `tree -Po x out`.
#[test]
fn no_accepted_line_changes_a_file() {
    let word = prop_oneof![
        "-[a-zA-Z0-9.]{1,3}",
        "-[a-zA-Z]",
        // A letter that takes a value, and one that would act if it were read as an option.
        "-[PILktfscemFd][oRClzp]",
        "--[a-z]{1,4}",
        prop::sample::select(vec![
            "out",
            "d",
            "d/x",
            "d/y",
            "d/e",
            "new/out",
            "-",
            "--",
            "x",
            "o",
            "1",
            "-5",
            "+5",
            ".",
            "--output",
            "--output=out",
            "--key=1",
            "-L",
            "-P",
            "-I",
            "-k",
            "-t",
            "-f",
            "-o",
            "-c",
            "--sort",
            "--sort=name",
            "--check",
            "--charset",
            "-name",
            "-print",
            "-o",
            "-type",
        ])
        .prop_map(str::to_owned),
    ];
    let rest = prop::collection::vec(word, 1..5);
    for program in ["sort", "uniq", "tree", "file", "find", "diff", "ls", "grep"] {
        if !installed(program) {
            continue;
        }
        let playground = Playground::new();
        let accepted = Cell::new(0);
        let mut runner = TestRunner::new(Config {
            cases: 2000,
            ..Config::default()
        });
        let ran = runner.run(&rest, |rest| {
            let argv: Vec<String> = std::iter::once(program.to_owned()).chain(rest).collect();
            if check(&argv).is_ok() {
                accepted.set(accepted.get() + 1);
                playground.run(&argv);
                playground.assert_unchanged(&argv);
            }
            Ok(())
        });
        ran.unwrap_or_else(|error| panic!("{program}: {error}"));
        assert!(
            accepted.get() >= 20,
            "{program}: only {} lines were tried",
            accepted.get()
        );
    }
}
