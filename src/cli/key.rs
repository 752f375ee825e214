//! `scout key new NAME`: makes an API key and shows it once.

use super::fail;
use crate::access::{Role, keys};
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
            eprintln!("The secret, for the client; it is not shown again:\n");
            println!("{}", key.secret);
            eprintln!("\nAdd this to scout.toml:\n\n{}", key.toml(role));
            ExitCode::SUCCESS
        }
        Err(error) => fail(2, &error),
    }
}
