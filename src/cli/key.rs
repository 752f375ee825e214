//! `scout key new NAME`: makes an API key and shows it once.

use super::{EXIT_USAGE, SOFTWARE, fail, out};
use crate::access::Role;
use crate::access::keys::{self, KeyError};
use clap::Subcommand;
use std::process::ExitCode;

/// What can be done with keys.
#[derive(Debug, Subcommand)]
pub(super) enum KeyCommand {
    /// Make a key. The secret is shown once; the configuration stores only its digest.
    New {
        /// How logs name the owner.
        name: String,
        /// What the owner may do: observer or operator.
        #[arg(long, default_value = "observer")]
        role: Role,
    },
}

pub(super) fn run(command: KeyCommand) -> ExitCode {
    let KeyCommand::New { name, role } = command;
    match keys::generate(&name) {
        Ok(key) => {
            out::note("The secret, for the client; it is not shown again:\n");
            let secret = format!("{}\n", key.secret);
            let code = out::data(secret.as_bytes(), ExitCode::SUCCESS, ExitCode::FAILURE);
            let lines = key.toml(role);
            out::note(format_args!("\nAdd this to scout.toml:\n\n{lines}"));
            code
        }
        Err(error @ KeyError::Name { .. }) => fail(EXIT_USAGE, &error),
        Err(error @ KeyError::Random(_)) => fail(SOFTWARE, &error),
    }
}
