//! The arguments that say what is run, for the tools that run something.

use crate::ops::Failure;
use fleet::Program;
use std::collections::BTreeMap;
use std::ffi::OsString;

/// A command line or a program with its arguments; nothing if there is neither.
pub(super) fn program(
    command: Option<String>,
    argv: Option<Vec<String>>,
) -> Result<Option<Program>, Failure> {
    match (command, argv) {
        (Some(_), Some(_)) => Err(Failure::invalid("give either `command` or `argv`")),
        (Some(command), None) => Ok(Some(Program::Shell(command.into()))),
        (None, Some(argv)) => Ok(Some(Program::Argv(
            argv.into_iter().map(Into::into).collect(),
        ))),
        (None, None) => Ok(None),
    }
}

/// The variables to set.
pub(super) fn variables(env: Option<BTreeMap<String, String>>) -> Vec<(String, OsString)> {
    let env = env.unwrap_or_default().into_iter();
    env.map(|(name, value)| (name, value.into())).collect()
}
