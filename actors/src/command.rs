//! What a caller asks a host to run, checked once so that later floors need not doubt it.
//!
//! Nothing here is shell text yet: a value stays a value until [`crate::ssh::lifeline`] quotes it.

use crate::target::RemotePath;
use bytes::Bytes;
use std::ffi::OsString;
use std::os::unix::ffi::OsStrExt;
use std::time::Duration;

/// The longest command line or argument vector, in bytes: the usual `ARG_MAX` divided so that an
/// environment still fits beside it (`execve(2)`, `MAX_ARG_STRLEN` is 131,072).
pub const MAX_COMMAND: usize = 120_000;

/// The most bytes a call may feed to a command's standard input.
pub const MAX_STDIN: usize = 1 << 20;

/// What to run. Words are bytes as everywhere on a host, which need not be UTF-8.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Program {
    /// A line for `/bin/sh` (POSIX), with pipes, globs and all.
    Shell(OsString),
    /// A program and its arguments. No shell ever interprets them.
    Argv(Vec<OsString>),
}

/// A checked request to run something.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Command {
    program: Program,
    cwd: Option<RemotePath>,
    env: Vec<(String, OsString)>,
    stdin: Bytes,
    self_contained: bool,
}

impl Command {
    /// Checks a program.
    ///
    /// # Errors
    /// Nothing to run, a NUL byte, or more than [`MAX_COMMAND`] bytes.
    pub fn new(program: Program) -> Result<Self, CommandError> {
        let words: &[OsString] = match &program {
            Program::Shell(line) => std::slice::from_ref(line),
            Program::Argv(words) => words,
        };
        let blank = |word: &OsString| word.as_bytes().trim_ascii().is_empty();
        if words.first().is_none_or(blank) {
            return Err(CommandError::Empty);
        }
        if words.iter().any(|word| word.as_bytes().contains(&0)) {
            return Err(CommandError::Nul("command"));
        }
        let bytes = words.iter().map(|word| word.len() + 1).sum();
        if bytes > MAX_COMMAND {
            return Err(CommandError::Long { bytes });
        }
        Ok(Self {
            program,
            cwd: None,
            env: Vec::new(),
            stdin: Bytes::new(),
            self_contained: false,
        })
    }

    /// Says that the program leaves no process behind, so that its shell may serve the next call.
    /// What it left all the same would end only with that shell.
    #[must_use]
    pub fn self_contained(mut self) -> Self {
        self.self_contained = true;
        self
    }

    /// Runs in this directory instead of the home directory.
    #[must_use]
    pub fn in_directory(mut self, cwd: Option<RemotePath>) -> Self {
        self.cwd = cwd;
        self
    }

    /// Adds environment variables.
    ///
    /// # Errors
    /// A name that POSIX does not allow (XBD §8.1: letters, digits and `_`, no leading digit), or
    /// a NUL in a value.
    pub fn with_env(
        mut self,
        env: impl IntoIterator<Item = (String, OsString)>,
    ) -> Result<Self, CommandError> {
        for (name, value) in env {
            let legal = |(at, b): (usize, u8)| {
                b == b'_' || b.is_ascii_alphabetic() || (at > 0 && b.is_ascii_digit())
            };
            if name.is_empty() || !name.bytes().enumerate().all(legal) {
                return Err(CommandError::EnvName { name });
            }
            if value.as_bytes().contains(&0) {
                return Err(CommandError::Nul("environment"));
            }
            self.env.push((name, value));
        }
        Ok(self)
    }

    /// Feeds these bytes to standard input, which is otherwise empty.
    ///
    /// # Errors
    /// More than [`MAX_STDIN`] bytes.
    pub fn with_stdin(mut self, stdin: impl Into<Bytes>) -> Result<Self, CommandError> {
        self.stdin = stdin.into();
        match self.stdin.len() {
            bytes if bytes > MAX_STDIN => Err(CommandError::LongStdin { bytes }),
            _ => Ok(self),
        }
    }

    /// What to run.
    #[must_use]
    pub fn program(&self) -> &Program {
        &self.program
    }

    /// Where, if not in the home directory.
    #[must_use]
    pub fn cwd(&self) -> Option<&RemotePath> {
        self.cwd.as_ref()
    }

    /// Variables to set.
    #[must_use]
    pub fn env(&self) -> &[(String, OsString)] {
        &self.env
    }

    /// Whether it leaves no process behind.
    #[must_use]
    pub fn is_self_contained(&self) -> bool {
        self.self_contained
    }

    /// Standard input.
    #[must_use]
    pub fn stdin(&self) -> &Bytes {
        &self.stdin
    }
}

/// What one run may cost.
#[derive(Debug, Clone, Copy, Default)]
pub struct Bounds {
    /// How long the command may run from its start, which the deadline of the call may shorten;
    /// the fleet's command timeout when absent or longer.
    pub timeout: Option<Duration>,
    /// Bytes kept of each stream; the fleet's limit when absent or larger.
    pub max_bytes: Option<u64>,
    /// Whether what is left out of a stream is hashed, so that two that were cut can be compared.
    pub compared: bool,
}

/// Why a command is refused before anything is sent.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum CommandError {
    /// Nothing to run.
    #[error("the command is empty")]
    Empty,
    /// A NUL byte, which no argument or variable can hold.
    #[error("the {0} has a NUL byte")]
    Nul(&'static str),
    /// Longer than a host would take.
    #[error(
        "the command has {bytes} bytes; at most {MAX_COMMAND} are allowed; copy a script to the host, or send it as `stdin` to `sh -s`"
    )]
    Long {
        /// Its length.
        bytes: usize,
    },
    /// Not a variable name.
    #[error(
        "`{name}` is not a name for an environment variable; letters, digits and `_` are allowed, without a leading digit"
    )]
    EnvName {
        /// The name.
        name: String,
    },
    /// Too much input.
    #[error(
        "stdin has {bytes} bytes; at most {MAX_STDIN} are allowed; copy a file to the host instead"
    )]
    LongStdin {
        /// Its length.
        bytes: usize,
    },
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_command_that_no_host_could_run_is_refused_at_the_door() {
        let shell = |s: &str| Command::new(Program::Shell(s.into()));
        assert_eq!(shell("  "), Err(CommandError::Empty));
        assert_eq!(
            Command::new(Program::Argv(vec![])),
            Err(CommandError::Empty)
        );
        assert_eq!(shell("a\0b"), Err(CommandError::Nul("command")));
        assert!(matches!(
            shell(&"x".repeat(MAX_COMMAND)),
            Err(CommandError::Long { .. })
        ));
        let ok = shell("true").unwrap();
        assert!(
            ok.clone()
                .with_env([("1A".into(), OsString::new())])
                .is_err()
        );
        assert!(
            ok.clone()
                .with_env([("A=B;".into(), OsString::new())])
                .is_err()
        );
        assert!(ok.clone().with_env([("A_1".into(), "x y".into())]).is_ok());
        assert!(ok.with_stdin(vec![0; MAX_STDIN + 1]).is_err());
    }
}
