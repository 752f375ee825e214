//! `find`: places, then an expression in which every word has its meaning from its position.
//!
//! Tests and actions after GNU findutils 4.9; BSD and busybox know fewer and refuse the rest. A
//! program that deletes, executes or writes by an action word has no place for "all but": only the
//! words here are allowed.

use super::holds::{is_number, refuse_path};
use super::refusal::Refusal;

/// Words that may stand alone before the places.
const LEADING: [&str; 3] = ["-H", "-L", "-P"];

/// Words of an expression without an argument.
const BARE: &[&str] = &[
    "(",
    ")",
    "!",
    ",",
    "-not",
    "-a",
    "-and",
    "-o",
    "-or",
    "-daystart",
    "-depth",
    "-empty",
    "-executable",
    "-false",
    "-follow",
    "-help",
    "--help",
    "-ignore_readdir_race",
    "-ls",
    "-mount",
    "-nogroup",
    "-noignore_readdir_race",
    "-noleaf",
    "-nouser",
    "-nowarn",
    "-print",
    "-print0",
    "-prune",
    "-quit",
    "-readable",
    "-true",
    "-version",
    "--version",
    "-warn",
    "-writable",
    "-xdev",
];

/// Words that take one argument, by what the argument is.
const TAKING: &[(Argument, &[&str])] = &[
    (
        Argument::Number,
        &[
            "-amin",
            "-atime",
            "-cmin",
            "-ctime",
            "-gid",
            "-inum",
            "-links",
            "-maxdepth",
            "-mindepth",
            "-mmin",
            "-mtime",
            "-size",
            "-uid",
            "-used",
        ],
    ),
    (
        Argument::Text,
        &[
            "-fstype",
            "-group",
            "-ilname",
            "-iname",
            "-ipath",
            "-iregex",
            "-iwholename",
            "-lname",
            "-name",
            "-path",
            "-printf",
            "-regex",
            "-regextype",
            "-type",
            "-user",
            "-wholename",
            "-xtype",
        ],
    ),
    (
        Argument::Path,
        &["-anewer", "-cnewer", "-newer", "-samefile"],
    ),
    (Argument::Mode, &["-perm"]),
];

const REFUSED: &[(&str, &str)] = &[
    ("-delete", "deletes files"),
    ("-exec", "executes a program"),
    ("-execdir", "executes a program"),
    ("-ok", "executes a program"),
    ("-okdir", "executes a program"),
    ("-fls", "writes a file"),
    ("-fprint", "writes a file"),
    ("-fprint0", "writes a file"),
    ("-fprintf", "writes a file"),
    (
        "-files0-from",
        "takes places from a file, where they cannot be checked",
    ),
];

#[derive(Debug, Clone, Copy)]
enum Argument {
    Number,
    Text,
    Path,
    Mode,
}

pub(super) fn check(words: &[&str]) -> Result<(), Refusal> {
    let mut words = words.iter().copied().peekable();
    while words.next_if(|word| LEADING.contains(word)).is_some() {}
    while let Some(place) = words.next_if(|word| !begins_expression(word)) {
        if let Some(why) = refuse_path(place) {
            return Err(refuse(place, why));
        }
    }
    while let Some(word) = words.next() {
        if BARE.contains(&word) {
            continue;
        }
        let Some(argument) = argument_of(word) else {
            return Err(unknown(word));
        };
        let Some(value) = words.next() else {
            return Err(refuse(word, "its argument is missing"));
        };
        argument.check(value)?;
    }
    Ok(())
}

/// Whether implementations could take the word for the beginning of the expression. They differ
/// about words such as `(x`, so those are neither places nor expressions here.
fn begins_expression(word: &str) -> bool {
    word.starts_with(['-', '(', ')', '!', ','])
}

fn argument_of(word: &str) -> Option<Argument> {
    let listed = TAKING
        .iter()
        .find(|(_, words)| words.contains(&word))
        .map(|(argument, _)| *argument);
    listed.or_else(|| newer(word))
}

/// `-newerXY`: X of a file against Y of another, or against a time if Y is `t`.
fn newer(word: &str) -> Option<Argument> {
    let mut letters = word.strip_prefix("-newer")?.chars();
    let (x, y) = (letters.next()?, letters.next()?);
    match (letters.next(), "aBcm".contains(x), y) {
        (None, true, 't') => Some(Argument::Text),
        (None, true, 'a' | 'B' | 'c' | 'm') => Some(Argument::Path),
        _ => None,
    }
}

impl Argument {
    /// Only what must begin with `-` may: anything else could be read as an action elsewhere.
    fn check(self, value: &str) -> Result<(), Refusal> {
        let why = match self {
            Self::Number if is_number(value) => None,
            Self::Number => Some("a number is expected here, such as `5`, `+5` or `-5`"),
            Self::Mode if is_mode(value) => None,
            Self::Mode => Some("permissions are expected here, such as `644`, `-u+w` or `/222`"),
            _ if value.starts_with('-') => {
                Some("it could be read as an action; write `[-]` for a leading dash in a pattern")
            }
            Self::Path => refuse_path(value),
            Self::Text => None,
        };
        why.map_or(Ok(()), |why| Err(refuse(value, why)))
    }
}

fn is_mode(text: &str) -> bool {
    let mode = text.strip_prefix(['-', '/', '+']).unwrap_or(text);
    let octal = (1..=5).contains(&mode.len()) && mode.chars().all(|c| ('0'..='7').contains(&c));
    let symbolic = mode.starts_with(['u', 'g', 'o', 'a', '+', '='])
        && mode.contains(['+', '=', '-'])
        && mode.chars().all(|c| "ugoarwxXst+-=,".contains(c));
    octal || symbolic
}

fn unknown(word: &str) -> Refusal {
    match REFUSED.iter().find(|(name, _)| *name == word) {
        Some((name, why)) => refuse(word, &format!("`{name}` {why}")),
        None if !begins_expression(word) => refuse(word, "places stand before the expression"),
        None => refuse(word, "it is not among the words an observer may use"),
    }
}

fn refuse(word: &str, why: &str) -> Refusal {
    Refusal::forbidden(word, why, allowed())
}

/// Everything `find` may be given, in one line.
pub(super) fn allowed() -> String {
    let taking = TAKING.iter().flat_map(|(_, words)| words.iter());
    let words: Vec<&str> = LEADING.iter().chain(BARE).chain(taking).copied().collect();
    format!("`find` takes {} -newerXY", words.join(" "))
}
