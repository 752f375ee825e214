//! Running a command on one host.

mod report;
mod sent;

pub use report::RunReport;
pub(super) use sent::SentRun;

use super::{Failure, Ops};
use crate::access::{Action, Decision, Denial, Principal, argv};
use fleet::{Bounds, Command, Deadline, HostName, Program, RemotePath};
use std::ffi::OsString;

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
        let command = self
            .command(principal, Some(&host), program, env, stdin)?
            .in_directory(cwd);
        let lease = self.lease(principal, &host, deadline).await?;
        let execution = lease.run(command, bounds, deadline).await;
        let execution = execution.map_err(|error| self.failure(principal, error))?;
        Ok(RunReport::new(execution))
    }

    /// The command as this principal may run it: on that host, or on any it may see.
    pub(super) fn command(
        &self,
        principal: &Principal,
        host: Option<&HostName>,
        program: Program,
        env: Vec<(String, OsString)>,
        stdin: Option<String>,
    ) -> Result<Command, Failure> {
        let program = match self.decide_program(principal, host, &program)? {
            Decision::AllowArgv(words) => {
                Program::Argv(words.into_iter().map(OsString::from).collect())
            }
            _ => program,
        };
        if !principal.role.may_use_shell() {
            for (name, value) in &env {
                argv::check_variable(name, &value.to_string_lossy())
                    .map_err(|refusal| Failure::denied(host, &Denial::Command(refusal)))?;
            }
        }
        // With variables of a caller's choice, any program may do anything.
        let self_contained = env.is_empty() && leaves_nothing(&program);
        let command = Command::new(program)?
            .with_env(env)?
            .with_stdin(stdin.unwrap_or_default())?;
        Ok(match self_contained {
            true => command.self_contained(),
            false => command,
        })
    }

    /// Whether this principal may run that program, and if need be in which other words: on that
    /// host, or on any it may see.
    pub(super) fn decide_program(
        &self,
        principal: &Principal,
        host: Option<&HostName>,
        program: &Program,
    ) -> Result<Decision, Failure> {
        // The grammar of observers is one of texts. What is replaced for it here fits nothing in it
        // that the bytes themselves would not fit, and an operator's words go on as they are.
        let text = |word: &OsString| word.to_string_lossy().into_owned();
        match program {
            Program::Shell(line) => self.decide_on(principal, Action::Shell(&text(line)), host),
            Program::Argv(words) => {
                let words: Vec<String> = words.iter().map(text).collect();
                self.decide_on(principal, Action::Argv(&words), host)
            }
        }
    }
}

/// Whether this is one of the programs that only read, whoever runs it. They are trusted to leave
/// nothing running; what a wrapper of that name does leave ends with its shell, in which only more of
/// them are run.
fn leaves_nothing(program: &Program) -> bool {
    let Program::Argv(words) = program else {
        return false;
    };
    let words: Vec<_> = words.iter().map(|word| word.to_string_lossy()).collect();
    argv::check(&words).is_ok()
}
