//! Completion on the command line: `scout completions SHELL` prints a script, and what the script
//! asks at each press of the key.
//!
//! The scripts hold no command and no flag: they hand the words to the program that is installed
//! and show what it answers, so that they never grow old. What follows from the grammar of the
//! commands is clap's to say; hosts, tags and remote paths are ours. Whoever types sees no error:
//! what cannot be read or does not answer has no suggestions.

mod line;
mod values;

use super::{Cli, out};
use clap::{Args, CommandFactory, ValueEnum};
use clap_complete::CompletionCandidate;
use clap_complete::engine::{ArgValueCompleter, complete};
use line::Line;
use std::ffi::OsString;
use std::process::ExitCode;
use values::Values;

/// A shell that there is a script for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(super) enum Shell {
    /// `source <(scout completions bash)` in `~/.bashrc`.
    Bash,
    /// `source <(scout completions zsh)` in `~/.zshrc`, behind `compinit`.
    Zsh,
    /// `scout completions fish | source` in `~/.config/fish/config.fish`.
    Fish,
}

/// Flags of `completions`.
#[derive(Debug, Args)]
pub(super) struct CompletionsArgs {
    /// The shell.
    shell: Shell,
}

/// What a script asks.
#[derive(Debug, Args)]
pub(super) struct CompleteArgs {
    /// The shell that asks.
    shell: Shell,
    /// Of bash the line up to the cursor, and the characters at which it breaks words; of the others
    /// the words up to the cursor.
    #[arg(required = true, trailing_var_arg = true, allow_hyphen_values = true)]
    words: Vec<OsString>,
}

/// Prints the script for a shell.
pub(super) fn script(args: &CompletionsArgs) -> ExitCode {
    let script = match args.shell {
        Shell::Bash => include_str!("complete/scout.bash"),
        Shell::Zsh => include_str!("complete/scout.zsh"),
        Shell::Fish => include_str!("complete/scout.fish"),
    };
    out::data(script.as_bytes(), ExitCode::SUCCESS, ExitCode::FAILURE)
}

/// Prints what could stand in place of the last word, one suggestion a line.
pub(super) fn suggest(args: CompleteArgs) -> ExitCode {
    let mut text = String::new();
    match args.shell {
        Shell::Bash => {
            let mut words = args.words.iter().map(|word| word.to_string_lossy());
            let (line, breaks) = (words.next(), words.next());
            let line = Line::read(&line.unwrap_or_default(), &breaks.unwrap_or_default());
            for candidate in candidates(line.words()) {
                if let Some(value) = plain(&candidate) {
                    text.extend(line.written(value).map(|value| value + "\n"));
                }
            }
        }
        Shell::Zsh | Shell::Fish => {
            for candidate in candidates(args.words) {
                let help = candidate.get_help().map(ToString::to_string);
                let help = help.as_deref().and_then(|help| help.lines().next());
                if let Some(value) = plain(&candidate) {
                    text += value;
                    text.extend(help.map(|help| format!("\t{help}")));
                    text.push('\n');
                }
            }
        }
    }
    out::data(text.as_bytes(), ExitCode::SUCCESS, ExitCode::FAILURE)
}

/// What could stand in place of the last of these words, the first of which is the program.
fn candidates(words: Vec<OsString>) -> Vec<CompletionCandidate> {
    let Some(last) = words.len().checked_sub(1) else {
        return Vec::new();
    };
    let mut command = with_values(Cli::command(), &Values::of(&words));
    let here = std::env::current_dir().ok();
    complete(&mut command, words, last, here.as_deref()).unwrap_or_default()
}

/// Says of each argument by its name what it may be, so that a command only has to name it.
fn with_values(command: clap::Command, values: &Values) -> clap::Command {
    let command = command.mut_args(|arg| {
        // `--hosts` of `demo` is a number.
        if !arg.is_positional() {
            return arg;
        }
        let name = match arg.get_value_names() {
            Some([name]) => name.to_string(),
            _ => arg.get_id().as_str().to_ascii_uppercase(),
        };
        let values = values.clone();
        match name.as_str() {
            "HOST" | "HOSTS" | "EXPRESSION" => {
                arg.add(ArgValueCompleter::new(move |word: &std::ffi::OsStr| {
                    values.hosts(word)
                }))
            }
            "TARGET" | "TARGETS" | "OTHER" => {
                arg.add(ArgValueCompleter::new(move |word: &std::ffi::OsStr| {
                    values.targets(word)
                }))
            }
            "FROM" | "TO" => arg.add(ArgValueCompleter::new(move |word: &std::ffi::OsStr| {
                values.targets_and_files(word)
            })),
            _ => arg,
        }
    });
    let names: Vec<String> = command
        .get_subcommands()
        .map(|command| command.get_name().to_owned())
        .collect();
    names.into_iter().fold(command, |command, name| {
        command.mut_subcommand(name, |command| with_values(command, values))
    })
}

/// The text of a suggestion, if it is one that can be typed on a line.
fn plain(candidate: &CompletionCandidate) -> Option<&str> {
    let value = candidate.get_value().to_str()?;
    (!value.chars().any(char::is_control)).then_some(value)
}
