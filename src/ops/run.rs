//! Running a command on one host.

use super::decode::timed;
use super::{Bytes, Failure, Ops};
use crate::access::{Action, Decision, Principal, argv};
use fleet::{Bounds, Command, Deadline, Execution, HostName, Outcome, Program, RemotePath};
use serde::ser::{Serialize, SerializeMap, Serializer};
use std::ffi::OsString;
use std::fmt;
use std::sync::Arc;
use std::time::Duration;

/// What to run.
#[derive(Debug, Clone)]
pub struct RunRequest {
    /// Where.
    pub host: HostName,
    /// What: a line for the shell, or a program with its arguments.
    pub program: Program,
    /// In which directory.
    pub cwd: Option<RemotePath>,
    /// With which variables.
    pub env: Vec<(String, OsString)>,
    /// With which input.
    pub stdin: Option<String>,
    /// For how long, and with how much output.
    pub bounds: Bounds,
}

/// How it went.
#[derive(Debug)]
pub struct RunReport {
    host: HostName,
    outcome: Outcome,
    stdout: Bytes,
    stderr: Bytes,
    cut: Cut,
    duration: Duration,
    hold: Arc<fleet::Hold>,
}

/// Where each stream was cut, if it was: bytes kept and bytes there were.
#[derive(Debug, Clone, Copy, Default)]
struct Cut {
    stdout: Option<(u64, u64)>,
    stderr: Option<(u64, u64)>,
}

impl Ops {
    /// Runs a command.
    ///
    /// An observer's command line is split into words as a shell would, and both lines and words
    /// must pass the observer's grammar; nothing of it meets a shell.
    ///
    /// # Errors
    /// What kept the command from being started.
    pub async fn run(
        &self,
        principal: &Principal,
        request: RunRequest,
        deadline: Deadline,
    ) -> Result<RunReport, Failure> {
        let RunRequest {
            host,
            program,
            cwd,
            env,
            stdin,
            bounds,
        } = request;
        let program = self.allowed(principal, &host, program)?;
        if !principal.role.may_use_shell() {
            for (name, value) in &env {
                argv::check_variable(name, &value.to_string_lossy())
                    .map_err(|refusal| Failure::refused(refusal.to_string()))?;
            }
        }
        let command = Command::new(program)?
            .in_directory(cwd)
            .with_env(env)?
            .with_stdin(stdin.unwrap_or_default())?;
        let lease = self.lease(principal, &host, deadline).await?;
        let execution = lease.run(command, bounds, deadline).await;
        let execution = execution.map_err(|error| self.failure(principal, error))?;
        Ok(RunReport::new(execution))
    }

    /// The program as this principal may run it on that host.
    fn allowed(
        &self,
        principal: &Principal,
        host: &HostName,
        program: Program,
    ) -> Result<Program, Failure> {
        // The grammar of observers is one of texts. What is replaced for it here fits nothing in it
        // that the bytes themselves would not fit, and an operator's words go on as they are.
        let text = |word: &OsString| word.to_string_lossy().into_owned();
        let decision = match &program {
            Program::Shell(line) => self.decide(principal, Action::Shell(&text(line)), host),
            Program::Argv(words) => {
                let words: Vec<String> = words.iter().map(text).collect();
                self.decide(principal, Action::Argv(&words), host)
            }
        };
        Ok(match decision? {
            Decision::AllowArgv(words) => {
                Program::Argv(words.into_iter().map(OsString::from).collect())
            }
            _ => program,
        })
    }
}

impl RunReport {
    fn new(execution: Execution) -> Self {
        let Execution {
            host,
            outcome,
            stdout,
            stderr,
            duration,
            hold,
        } = execution;
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
            },
            duration,
            hold,
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

impl fmt::Display for RunReport {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut parts = 0_usize;
        let mut part = |f: &mut fmt::Formatter<'_>, text: fmt::Arguments<'_>| {
            parts += 1;
            if parts > 1 {
                f.write_str("\n")?;
            }
            f.write_fmt(text)
        };
        if !self.stdout.is_empty() {
            part(f, format_args!("{}", self.stdout))?;
        }
        if let Some((kept, _)) = self.cut.stdout {
            part(f, format_args!("[truncated at {kept} bytes]"))?;
        }
        if !self.stderr.is_empty() {
            part(f, format_args!("[stderr]\n{}", self.stderr))?;
        }
        if let Some((kept, _)) = self.cut.stderr {
            part(f, format_args!("[truncated at {kept} bytes]"))?;
        }
        match self.ending() {
            Some(ending) => part(f, format_args!("{ending}")),
            None if parts == 0 => f.write_str("(no output)"),
            None => Ok(()),
        }
    }
}

impl Serialize for RunReport {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut map = serializer.serialize_map(None)?;
        map.serialize_entry("host", self.host.as_str())?;
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
        let duration = u64::try_from(self.duration.as_millis()).unwrap_or(u64::MAX);
        map.serialize_entry("duration_ms", &duration)?;
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
        map.end()
    }
}
