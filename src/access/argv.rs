//! What an observer may run: sixteen programs that read, each under a grammar of its own.
//!
//! A list of program names is no rule: `find -exec`, `sort -o`, `rg --pre` and a second operand of
//! `uniq` all write or execute. So every option that is allowed is named here with what it takes,
//! and every other word is refused. The rules hold whichever implementation answers to the name:
//!
//! - an option is written in full. GNU tools complete `--out` to `--output`; what is not in the
//!   table letter by letter is refused, so nothing is left to complete.
//! - a value in a word of its own never begins with `-`, unless it is a number: a tool that takes
//!   no value there would read an option. It can always be attached instead (`--regexp=-x`).
//! - nothing that reads operands, magic or programs out of a file, follows a file without end,
//!   executes a helper (`diff -l` runs `pr`, `file -z` and `rg -z` run decompressors) or touches
//!   times (`file -p`) is in any table. Patterns may come from a file (`grep -f`): they are data, and
//!   whoever names the file may read it anyway.
//! - a path has no `..` in it, so that a line says what it reads. This is for whoever reads the
//!   audit; what an account must not read is for the host to forbid.
//!
//! Words go to the program as they are. There is no shell, so no expansion: [`split()`] takes a
//! command line apart and refuses everything a shell would have acted on.
//!
//! Two programs also read options from the environment: `rg` from the file in
//! `RIPGREP_CONFIG_PATH`, and `grep` before 3.6 from `GREP_OPTIONS`. [`environment`] keeps an
//! observer from setting either; what the account's own login sets is the account's business.

mod environment;
mod find;
mod grammar;
mod holds;
mod listing;
mod order;
mod refusal;
mod search;
mod split;
mod text;
mod usage;

pub use environment::check_variable;
pub use refusal::{Fault, Refusal};
pub use split::split;

use grammar::Grammar;

/// The most bytes of all words together. Longer lines carry data, and data belongs on stdin.
pub const MAX_BYTES: usize = 64 * 1024;

/// The most words, the program included.
pub const MAX_WORDS: usize = 1024;

/// The programs an observer may run.
pub const PROGRAMS: [&str; 16] = [
    "grep", "rg", "find", "ls", "tree", "cat", "head", "tail", "wc", "sort", "uniq", "diff",
    "stat", "file", "du", "df",
];

/// Whether an observer may run exactly these words.
///
/// # Errors
/// The first word that is refused, why, and what is allowed in its place.
pub fn check(argv: &[impl AsRef<str>]) -> Result<(), Refusal> {
    let words: Vec<&str> = argv.iter().map(AsRef::as_ref).collect();
    well_formed(&words)?;
    let Some((program, words)) = words.split_first() else {
        return Err(Refusal::malformed(
            "",
            "there is no command",
            "give a program and its words",
        ));
    };
    match grammar_of(program) {
        _ if *program == "find" => find::check(words),
        Some(grammar) => grammar.check(words),
        None if program.contains('/') => Err(Refusal::forbidden(
            program,
            "a program is named without a path",
            "an observer runs the program the account's PATH has",
        )),
        None => Err(Refusal::forbidden(
            program,
            "an observer may not run this program",
            format!(
                "allowed are {}; anything else needs the operator role",
                PROGRAMS.join(" ")
            ),
        )),
    }
}

/// The options an observer may give to `program`, for descriptions and help.
#[must_use]
pub fn options_of(program: &str) -> Option<String> {
    if program == "find" {
        Some(find::allowed())
    } else {
        grammar_of(program).map(Grammar::allowed)
    }
}

fn grammar_of(program: &str) -> Option<&'static Grammar> {
    let families = [
        search::GRAMMARS,
        listing::GRAMMARS,
        text::GRAMMARS,
        order::GRAMMARS,
        usage::GRAMMARS,
    ];
    families
        .into_iter()
        .flatten()
        .find(|grammar| grammar.program == program)
}

fn well_formed(words: &[&str]) -> Result<(), Refusal> {
    let bytes: usize = words.iter().map(|word| word.len()).sum();
    if bytes > MAX_BYTES || words.len() > MAX_WORDS {
        let first = words.first().copied().unwrap_or_default();
        return Err(Refusal::malformed(
            first,
            "the command is too long",
            "at most 1024 words and 65536 bytes; send data on stdin",
        ));
    }
    if let Some(word) = words.iter().find(|word| word.contains('\0')) {
        return Err(Refusal::malformed(
            word,
            "a word has a NUL in it",
            "no program can be given one",
        ));
    }
    if words.first().is_some_and(|program| program.is_empty()) {
        return Err(Refusal::malformed(
            "",
            "the program is empty",
            "give a program and its words",
        ));
    }
    Ok(())
}

#[cfg(test)]
mod tests;
