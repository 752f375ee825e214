//! The grammar that fifteen of the programs share: options anywhere, then operands.
//!
//! It follows the conventions of POSIX.1-2024 XBD §12.2 and GNU `getopt_long`: short options may
//! be clustered, `--` ends the options, options may follow operands. Where a program departs from
//! them its grammar says so. This file decides; the tables in the files beside it say what.

use super::holds::{Holds, is_number, refuse_path};
use super::refusal::Refusal;

/// What one program may be given.
#[derive(Debug)]
pub(super) struct Grammar {
    pub program: &'static str,
    /// Short options without a value, one letter each.
    pub flags: &'static str,
    /// Long options without a value, without their dashes.
    pub words: &'static [&'static str],
    /// Options that need a value.
    pub values: &'static [Value],
    /// Long options whose value may be left out, and is attached with `=` if it is not.
    pub optional: &'static [(&'static str, Holds)],
    /// Options that exist and are refused, and why. The rest of the tools' options is refused
    /// without a word of its own.
    pub refused: &'static [(&'static str, &'static str)],
    /// What stands where no option does.
    pub operands: Operands,
    /// Whether `-5` is a number of lines.
    pub counts: bool,
    /// Whether a short option may have its value in the same word (`-n5`).
    pub attached: bool,
}

/// An option that needs a value.
#[derive(Debug)]
pub(super) struct Value {
    /// The letter; NUL if it has none.
    pub short: char,
    /// The word; empty if it has none.
    pub long: &'static str,
    pub holds: Holds,
}

/// What stands where no option does.
#[derive(Debug, Clone, Copy)]
pub(super) enum Operands {
    /// Any number of paths.
    Paths,
    /// A pattern, unless one of these options gave it, then any number of paths.
    PatternThenPaths { unless: &'static [&'static str] },
    /// One path, with nothing behind it.
    OnePathLast,
}

impl Grammar {
    pub(super) const EMPTY: Self = Self {
        program: "",
        flags: "",
        words: &[],
        values: &[],
        optional: &[],
        refused: &[],
        operands: Operands::Paths,
        counts: false,
        attached: true,
    };

    /// Whether the program may be given `words`.
    pub(super) fn check(&self, words: &[&str]) -> Result<(), Refusal> {
        let mut seen = Seen::default();
        let mut words = words.iter().copied();
        let mut options_ended = false;
        while let Some(word) = words.next() {
            if options_ended || word == "-" || !word.starts_with('-') {
                seen.operands.push(word);
                continue;
            }
            if let (Operands::OnePathLast, [_, ..]) = (self.operands, &*seen.operands) {
                return Err(self.refuse(word, "nothing may follow the operand of this program"));
            }
            match word.strip_prefix("--") {
                Some("") => options_ended = true,
                Some(long) => self.long(word, long, &mut words, &mut seen)?,
                None if self.counts && is_count(word) => {}
                None => self.cluster(word, &mut words, &mut seen)?,
            }
        }
        self.operands(&seen)
    }

    fn long<'a>(
        &self,
        word: &'a str,
        long: &'a str,
        rest: &mut impl Iterator<Item = &'a str>,
        seen: &mut Seen<'a>,
    ) -> Result<(), Refusal> {
        let (name, attached) = match long.split_once('=') {
            Some((name, value)) => (name, Some(value)),
            None => (long, None),
        };
        seen.options.push(name);
        if let Some(value) = self
            .values
            .iter()
            .find(|v| !v.long.is_empty() && v.long == name)
        {
            let given = match attached {
                Some(given) => given,
                None => self.value_word(word, value, rest)?,
            };
            return self.value(word, given, value.holds);
        }
        if let Some((_, holds)) = self.optional.iter().find(|(known, _)| *known == name) {
            return attached.map_or(Ok(()), |given| self.value(word, given, *holds));
        }
        match (self.words.contains(&name), attached) {
            (true, None) => Ok(()),
            (true, Some(_)) => Err(self.refuse(word, "this option takes no value")),
            (false, _) => Err(self.unknown(word, &format!("--{name}"))),
        }
    }

    fn cluster<'a>(
        &self,
        word: &'a str,
        rest: &mut impl Iterator<Item = &'a str>,
        seen: &mut Seen<'a>,
    ) -> Result<(), Refusal> {
        for (at, letter) in word.char_indices().skip(1) {
            if self.flags.contains(letter) {
                continue;
            }
            let Some(value) = self
                .values
                .iter()
                .find(|v| v.short == letter && letter != '\0')
            else {
                return Err(self.unknown(word, &format!("-{letter}")));
            };
            seen.options.push(value.long);
            let attached = word.get(at + letter.len_utf8()..).unwrap_or_default();
            if !attached.is_empty() && !self.attached {
                let why = format!("the value of `-{letter}` must be a word of its own");
                return Err(self.refuse(word, &why));
            }
            let given = if attached.is_empty() {
                self.value_word(word, value, rest)?
            } else {
                attached
            };
            return self.value(word, given, value.holds);
        }
        Ok(())
    }

    /// The next word as a value. One that looks like an option is not taken for a value, because
    /// another implementation of the program might not take it for one either.
    fn value_word<'a>(
        &self,
        option: &str,
        value: &Value,
        rest: &mut impl Iterator<Item = &'a str>,
    ) -> Result<&'a str, Refusal> {
        let Some(word) = rest.next() else {
            return Err(self.refuse(option, "its value is missing"));
        };
        let number = matches!(value.holds, Holds::Number) && is_number(word);
        let stdin = matches!(value.holds, Holds::Path) && word == "-";
        if word.starts_with('-') && !number && !stdin {
            let why = format!(
                "as the value of `{}` it could be read as an option",
                trimmed(option)
            );
            let how = match value {
                _ if !self.attached => {
                    "a value that begins with `-` is not allowed here".to_owned()
                }
                Value {
                    long: "", short, ..
                } => format!("attach it: `-{short}VALUE`"),
                Value { long, .. } => format!("attach it: `--{long}=VALUE`"),
            };
            return Err(Refusal::forbidden(word, why, how));
        }
        Ok(word)
    }

    fn value(&self, option: &str, given: &str, holds: Holds) -> Result<(), Refusal> {
        match holds.refuse(given) {
            None => Ok(()),
            Some(why) => Err(self.refuse(if given.is_empty() { option } else { given }, &why)),
        }
    }

    fn operands(&self, seen: &Seen<'_>) -> Result<(), Refusal> {
        let paths = match (self.operands, &*seen.operands) {
            (Operands::OnePathLast, [_, second, ..]) => {
                return Err(self.refuse(second, "a second operand is a file that is written"));
            }
            (Operands::PatternThenPaths { unless }, operands)
                if !seen.options.iter().any(|option| unless.contains(option)) =>
            {
                operands.get(1..).unwrap_or_default()
            }
            (_, operands) => operands,
        };
        for path in paths {
            if let Some(why) = refuse_path(path) {
                return Err(self.refuse(path, why));
            }
            // `tail +5f` follows without end and `sort +1` is a key where the obsolete forms of
            // POSIX.2-1992 are still read.
            if path.starts_with('+') {
                return Err(self.refuse(path, "an operand may not begin with `+`: write `./+`"));
            }
        }
        Ok(())
    }

    fn unknown(&self, word: &str, option: &str) -> Refusal {
        if let Some((_, why)) = self.refused.iter().find(|(refused, _)| *refused == option) {
            return self.refuse(word, &format!("`{option}` {why}"));
        }
        let known = self.long_names().chain(
            self.refused
                .iter()
                .map(|(name, _)| name.trim_start_matches('-')),
        );
        let name = option.strip_prefix("--").unwrap_or_default();
        let full: Vec<_> = known
            .filter(|long| !name.is_empty() && long.starts_with(name))
            .collect();
        if full.is_empty() {
            self.refuse(
                word,
                &format!("`{option}` is not among the options an observer may use"),
            )
        } else {
            let full: Vec<_> = full.iter().map(|long| format!("--{long}")).collect();
            self.refuse(
                word,
                &format!("an option is written in full: {}", full.join(" or ")),
            )
        }
    }

    fn refuse(&self, word: &str, why: &str) -> Refusal {
        Refusal::forbidden(word, why, self.allowed())
    }

    /// Everything the program may be given, in one line.
    pub(super) fn allowed(&self) -> String {
        let shorts = self
            .flags
            .chars()
            .chain(self.values.iter().map(|v| v.short));
        let shorts: String = shorts.filter(|short| *short != '\0').collect();
        let longs: Vec<_> = self.long_names().map(|long| format!(" --{long}")).collect();
        format!("`{}` takes -{shorts}{}", self.program, longs.concat())
    }

    fn long_names(&self) -> impl Iterator<Item = &'static str> {
        let values = self
            .values
            .iter()
            .map(|v| v.long)
            .filter(|long| !long.is_empty());
        let optional = self.optional.iter().map(|(long, _)| *long);
        self.words.iter().copied().chain(values).chain(optional)
    }
}

/// What was read so far.
#[derive(Debug, Default)]
struct Seen<'a> {
    /// Long names of the options given.
    options: Vec<&'a str>,
    operands: Vec<&'a str>,
}

/// `-5`: dash and digits, nothing else.
fn is_count(word: &str) -> bool {
    word.strip_prefix('-')
        .is_some_and(|n| !n.is_empty() && n.chars().all(|c| c.is_ascii_digit()))
}

fn trimmed(option: &str) -> String {
    option
        .chars()
        .filter(char::is_ascii_graphic)
        .take(32)
        .collect()
}

/// An option that needs a value; `'\0'` or `""` where it has no letter or no word.
pub(super) const fn takes(short: char, long: &'static str, holds: Holds) -> Value {
    Value { short, long, holds }
}

/// Reasons that several tables share. Each follows the name of the option.
pub(super) const WRITES: &str = "writes a file";
pub(super) const EXECUTES: &str = "executes a program";
pub(super) const ENDLESS: &str = "never ends";
pub(super) const NAMES_FROM_FILE: &str = "takes operands from a file, where they cannot be checked";
pub(super) const EXHAUSTS: &str = "decides how much of the host is used";
