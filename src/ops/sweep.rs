//! A program of the host over many of its files: fixed text of ours, and paths as words behind it.
//!
//! A batch of files costs one command. The program prints a line for each file it could read, with the
//! name of the file in it; names are known beforehand, so a line is compared with them and never
//! taken for one. Names that could break a line (with a control character, or a backslash, which
//! some programs escape) are left out of that: their files are fed to the program one by one, and
//! it prints a line for each, whatever it is called.
//!
//! Only what the host's shell calls a readable regular file is opened, so nothing waits for a FIFO.

use fleet::command::MAX_COMMAND;
use fleet::{Command, CommandError, Deadline, FleetError, Lease, Outcome, Program, RemotePath};
use std::collections::HashMap;
use std::ffi::OsString;
use std::os::unix::ffi::OsStringExt;

/// The most files of one batch.
const FILES: usize = 1000;

/// What one batch may hold of paths, in bytes: what a command may hold, less our own words.
const ROOM: usize = MAX_COMMAND - (16 << 10);

/// What stands around a program's own text: which files can be read is decided here, once. The last
/// line says that nothing was left out, which a program that was killed does not say. What is given to
/// `eval` are numbers of arguments: to pick them out one by one would take as long as its square.
const AROUND: [&str; 2] = [
    "mode=$1; shift\n",
    r#"
if [ "$mode" = all ]; then
n=0 a=
for f do
n=$((n + 1))
[ -f "$f" ] && [ -r "$f" ] && a="$a \"\${$n}\""
done
[ -z "$a" ] || eval "all $a" 2>/dev/null || exit 65
else
for f do
x=
[ -f "$f" ] && [ -r "$f" ] && x=$(one <"$f" 2>/dev/null)
printf '%s\n' "${x:--}"
done
fi
printf '.\n'
"#,
];

/// A program that looks at files.
pub(super) trait Sweep {
    /// What it says of a file.
    type Answer;

    /// Text for `sh` that takes its words from the front of `$@` and defines two functions: `all`
    /// prints a line for each of its arguments and fails only where the program itself does; `one`
    /// prints a line for its standard input. A host that lacks what they need ends it with a code
    /// that is not 0.
    const FUNCTIONS: &'static str;

    /// The words it takes.
    fn words(&self) -> Vec<OsString>;

    /// What a line says, and of which name, where it has one.
    fn read<'l>(&self, line: &'l [u8]) -> Option<(Self::Answer, &'l [u8])>;
}

/// What a batch came to.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Swept<A> {
    /// Every file was looked at: one without an answer is no readable regular file.
    Whole(Vec<(usize, A)>),
    /// Time ran out: a file without an answer may be anything.
    Cut(Vec<(usize, A)>),
    /// The host has no shell or no such program, or there was no memory for what it said.
    Unable,
}

/// Files that are looked at with one command.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Batch {
    /// Which of the paths.
    pub(super) files: Vec<usize>,
    /// Whether their names fit into a line.
    plain: bool,
}

impl Batch {
    /// Puts the paths into batches.
    pub(super) fn of(paths: &[RemotePath]) -> Vec<Self> {
        let is_odd_byte = |byte: &u8| byte.is_ascii_control() || *byte == b'\\';
        let is_odd = |path: &RemotePath| path.as_bytes().iter().any(is_odd_byte);
        let mut batches: Vec<Self> = Vec::new();
        for plain in [true, false] {
            let mut room = 0;
            for (at, path) in paths.iter().enumerate() {
                if is_odd(path) == plain {
                    continue;
                }
                let bytes = path.as_bytes().len() + 3;
                match batches.last_mut() {
                    Some(last)
                        if last.plain == plain && last.files.len() < FILES && bytes <= room =>
                    {
                        last.files.push(at);
                        room -= bytes;
                    }
                    _ => {
                        batches.push(Self {
                            files: vec![at],
                            plain,
                        });
                        room = ROOM.saturating_sub(bytes);
                    }
                }
            }
        }
        batches
    }

    /// Looks at the files of the batch.
    ///
    /// # Errors
    /// What kept the host from being asked, or ended its answer.
    pub(super) async fn run<S: Sweep>(
        &self,
        sweep: &S,
        lease: &Lease,
        paths: &[RemotePath],
        deadline: Deadline,
    ) -> Result<Swept<S::Answer>, FleetError> {
        let Ok(command) = self.command(sweep, paths) else {
            return Ok(Swept::Unable);
        };
        let most = self.words(paths).map(|word| word.len() as u64 + LINE).sum();
        let execution = match lease.run_own(command, most, deadline).await {
            Ok(execution) => execution,
            Err(
                FleetError::NoShell { .. }
                | FleetError::NoDirectory { .. }
                | FleetError::NoInput { .. },
            ) => return Ok(Swept::Unable),
            Err(other) => return Err(other),
        };
        let host = || execution.host.clone();
        let output = &execution.stdout;
        let answers = || self.answers(sweep, paths, &output.bytes);
        Ok(match execution.outcome {
            Outcome::Exited { code: 0 }
                if !output.is_truncated() && output.bytes.ends_with(b".\n") =>
            {
                Swept::Whole(answers())
            }
            Outcome::Exited { .. } | Outcome::Signaled { .. } => Swept::Unable,
            Outcome::TimedOut { .. } => Swept::Cut(answers()),
            Outcome::Cancelled { .. } => return Err(FleetError::ShuttingDown),
            Outcome::ConnectionLost { .. } => {
                return Err(FleetError::ConnectionLost { host: host() });
            }
        })
    }

    fn command<S: Sweep>(&self, sweep: &S, paths: &[RemotePath]) -> Result<Command, CommandError> {
        let mode = if self.plain { "all" } else { "one" };
        let [before, after] = AROUND;
        let script = [before, S::FUNCTIONS, after].concat();
        let ours = ["/bin/sh", "-c", &script, "scout", mode].map(OsString::from);
        let words = ours.into_iter().chain(sweep.words());
        let words = words
            .chain(self.words(paths).map(OsString::from_vec))
            .collect();
        let below_home = |at: &usize| paths.get(*at).is_some_and(|p| p.below_home().is_some());
        let home = self.files.iter().any(below_home).then(RemotePath::home);
        // Bytes are what they are, for a program that would take them for characters too.
        Command::new(Program::Argv(words))?
            .self_contained()
            .in_directory(home)
            .with_env([("LC_ALL".to_owned(), "C".into())])
    }

    /// The files as the program is given them: nothing that begins with a dash.
    fn words<'p>(&'p self, paths: &'p [RemotePath]) -> impl Iterator<Item = Vec<u8>> + Clone + 'p {
        let paths = self.files.iter().filter_map(|&at| paths.get(at));
        paths.map(|path| match path.below_home() {
            Some(below) => [b"./", below].concat(),
            None => path.as_bytes().to_vec(),
        })
    }

    /// The answers of the program, each with the index of its file.
    fn answers<S: Sweep>(
        &self,
        sweep: &S,
        paths: &[RemotePath],
        output: &[u8],
    ) -> Vec<(usize, S::Answer)> {
        let mut answers = Vec::new();
        // By name, so that a line with any other costs no more than one with a name of ours.
        let mut index: HashMap<Vec<u8>, usize> = HashMap::new();
        if self.plain {
            index.extend(self.words(paths).zip(0..));
        }
        let mut next = 0;
        // A line without its end was cut.
        let whole = memchr::memrchr(b'\n', output).map_or(0, |end| end + 1);
        let (whole, _cut) = output.split_at(whole);
        for line in whole.split_inclusive(|&byte| byte == b'\n') {
            let line = line.strip_suffix(b"\n").unwrap_or(line);
            let read = sweep.read(line);
            if !self.plain {
                // One line for each, also for those that cannot be read.
                let Some(&at) = self.files.get(next) else {
                    break;
                };
                next += 1;
                answers.extend(read.map(|(answer, _)| (at, answer)));
            } else if let Some((answer, name)) = read
                && let Some(&nth) = index.get(name)
                && nth >= next
                && let Some(&at) = self.files.get(nth)
            {
                // Lines come in the order of the files; those in between had none.
                answers.push((at, answer));
                next = nth + 1;
            }
        }
        answers
    }
}

/// Bytes that a line may hold beside the name.
const LINE: u64 = 128;

#[cfg(test)]
pub(super) mod tests {
    use super::*;
    use std::path::Path;

    /// Runs a sweep on this machine, as a host would.
    pub(in crate::ops) fn here<S: Sweep>(
        sweep: &S,
        paths: &[RemotePath],
        path: &str,
    ) -> Option<Vec<Option<S::Answer>>> {
        let mut all: Vec<Option<S::Answer>> = paths.iter().map(|_| None).collect();
        for batch in Batch::of(paths) {
            let command = batch.command(sweep, paths).unwrap();
            let Program::Argv(words) = command.program() else {
                unreachable!()
            };
            let output = std::process::Command::new(&words[0])
                .args(&words[1..])
                .env("PATH", path)
                .env("LC_ALL", "C")
                .output()
                .unwrap();
            if !output.status.success() {
                return None;
            }
            assert!(output.stdout.ends_with(b".\n"));
            for (at, answer) in batch.answers(sweep, paths, &output.stdout) {
                all[at] = Some(answer);
            }
        }
        Some(all)
    }

    pub(in crate::ops) fn below(dir: &Path, name: &[u8]) -> RemotePath {
        let dir = RemotePath::parse(dir.to_str().unwrap()).unwrap();
        dir.join(name).unwrap()
    }

    struct Echo;

    impl Sweep for Echo {
        type Answer = ();
        const FUNCTIONS: &'static str = "all() { printf '%s\\n' \"$@\"; }\none() { echo x; }";

        fn words(&self) -> Vec<OsString> {
            Vec::new()
        }

        fn read<'l>(&self, line: &'l [u8]) -> Option<((), &'l [u8])> {
            (line != b"-").then_some(((), line))
        }
    }

    #[test]
    fn every_file_has_its_own_answer_whatever_its_name() {
        let dir = tempfile::tempdir().unwrap();
        let names: [&[u8]; 7] = [b"-n", b"a\nb", b"a", b"$(id)", b"b \\", b"\xff", b"missing"];
        let paths: Vec<_> = names.iter().map(|name| below(dir.path(), name)).collect();
        for path in &paths[..6] {
            let name = std::os::unix::ffi::OsStrExt::from_bytes(path.as_bytes());
            std::fs::write::<&std::ffi::OsStr, _>(name, "x").unwrap();
        }
        let fifo = dir.path().join("fifo");
        nix::unistd::mkfifo(&fifo, nix::sys::stat::Mode::S_IRWXU).unwrap();
        let paths = [
            paths,
            vec![below(dir.path(), b"fifo"), below(dir.path(), b"")],
        ]
        .concat();
        let found = here(&Echo, &paths, "/usr/bin:/bin").unwrap();
        let found: Vec<_> = found.iter().map(Option::is_some).collect();
        assert_eq!(
            found,
            [true, true, true, true, true, true, false, false, false]
        );
    }

    #[test]
    fn a_batch_fits_into_a_command() {
        let long = "x".repeat(200);
        let paths: Vec<_> = (0..3000)
            .map(|n| {
                RemotePath::parse(format!("/{long}/{n}{}", if n % 7 == 0 { "\n" } else { "" }))
                    .unwrap()
            })
            .collect();
        let batches = Batch::of(&paths);
        let mut all: Vec<_> = batches
            .iter()
            .flat_map(|batch| batch.files.clone())
            .collect();
        all.sort_unstable();
        assert_eq!(all, (0..3000).collect::<Vec<_>>());
        for batch in &batches {
            assert!(batch.files.len() <= FILES && batch.command(&Echo, &paths).is_ok());
        }
    }

    #[test]
    fn a_line_of_another_name_is_nobodys_answer() {
        let paths = ["/a", "/b", "/c"].map(|path| RemotePath::parse(path).unwrap());
        let [batch] = &*Batch::of(&paths) else {
            panic!("one batch")
        };
        let answers = |output: &[u8]| -> Vec<usize> {
            let answers = batch.answers(&Echo, &paths, output);
            answers.into_iter().map(|(at, ())| at).collect()
        };
        assert_eq!(answers(b"/a\n/x\n/c\n.\n"), [0, 2]);
        assert_eq!(answers(b"/c\n/a\n"), [2], "out of order");
        assert_eq!(answers(b"/a\n/b"), [0], "cut");
    }

    #[test]
    fn lines_of_other_names_cost_no_more_than_they_are_long() {
        let path = |nth| RemotePath::parse(format!("/{}/{nth}", "d".repeat(80))).unwrap();
        let paths: Vec<_> = (0..FILES).map(path).collect();
        let [batch] = &*Batch::of(&paths) else {
            panic!("one batch")
        };
        let output = b"/x\n".repeat(50_000);
        let began = std::time::Instant::now();
        assert_eq!(batch.answers(&Echo, &paths, &output), []);
        // Each of them beside each of ours would be fifty million.
        let took = began.elapsed();
        assert!(took < std::time::Duration::from_secs(1), "{took:?}");
    }
}
