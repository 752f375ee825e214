//! Why an expression selects nothing, and where in it the reason stands.

use super::{MAX_EXPRESSION, MAX_NAMES, MAX_WILDCARDS, fold};
use crate::target::{HostName, MAX_HOST_NAME};
use std::fmt;

/// How much of an expression is shown before and behind the place, in bytes.
const CONTEXT: usize = 32;

/// How much of a list of unknown names is shown, in bytes.
const SHOWN: usize = 200;

/// An expression that cannot be followed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ExpressionError {
    text: String,
    at: usize,
    problem: ExpressionProblem,
}

/// What is wrong with an expression.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum ExpressionProblem {
    /// Nothing but white space.
    #[error("the host expression is empty")]
    Empty,
    /// Longer than [`MAX_EXPRESSION`].
    #[error("the host expression has {bytes} bytes; at most {MAX_EXPRESSION} are allowed")]
    Long {
        /// Its length.
        bytes: usize,
    },
    /// Nothing between two commas, or behind `!` or `@`.
    #[error("a name is missing")]
    EmptyTerm,
    /// A character that no name, tag or pattern has there.
    #[error("the character {0:?} cannot stand here")]
    Character(char),
    /// Two names with white space between them.
    #[error("a comma is missing between two names")]
    NoComma,
    /// A colon outside of an IPv6 address.
    #[error("a colon cannot stand in a host expression")]
    Colon,
    /// A `[` without `]`.
    #[error("the bracket is not closed")]
    OpenBracket,
    /// Something other than a number between brackets.
    #[error("brackets hold numbers and ranges of numbers only")]
    Number,
    /// More digits than a number may have.
    #[error("the number is too long")]
    LongNumber,
    /// `[1-09]`, `[001-18]`.
    #[error("the ends of the range differ in their zeros")]
    Width,
    /// `[18-1]`.
    #[error("the range runs backwards")]
    Backwards,
    /// A pattern that only longer texts than names fit.
    #[error("no host name is that long; at most {MAX_HOST_NAME} bytes are allowed")]
    LongName,
    /// More wildcards than [`MAX_WILDCARDS`].
    #[error("there are more than {MAX_WILDCARDS} wildcards")]
    Wildcards,
    /// More names than [`MAX_NAMES`].
    #[error("the ranges spell out more than {MAX_NAMES} names")]
    Names,
    /// Names of no host, at least one.
    #[error("{}", Listed("host", .0))]
    UnknownHosts(Vec<String>),
    /// Tags of no host, at least one.
    #[error("{}", Listed("tag", .0))]
    UnknownTags(Vec<String>),
    /// Nothing is left.
    #[error("the host expression selects no host")]
    NoneSelected,
}

impl ExpressionError {
    pub(super) fn new(text: &str, at: usize, problem: ExpressionProblem) -> Self {
        Self {
            text: text.to_owned(),
            at,
            problem,
        }
    }

    /// What is wrong.
    #[must_use]
    pub fn problem(&self) -> &ExpressionProblem {
        &self.problem
    }

    /// Where in the expression, in bytes from its begin.
    #[must_use]
    pub fn position(&self) -> usize {
        self.at
    }

    /// A stable name for programs.
    #[must_use]
    pub fn code(&self) -> &'static str {
        match self.problem {
            ExpressionProblem::UnknownHosts(_) => "unknown_host",
            ExpressionProblem::UnknownTags(_) => "unknown_tag",
            ExpressionProblem::NoneSelected => "no_host_selected",
            _ => "bad_expression",
        }
    }

    /// What to do.
    #[must_use]
    pub fn hint(&self) -> &'static str {
        use ExpressionProblem as P;
        match self.problem {
            P::Empty => {
                "name hosts: `web-01`, `web-*`, `web-[01-18]`, `@tag` or `all`, with commas between them"
            }
            P::Long { .. } => "use wildcards, ranges or tags in place of single names",
            P::EmptyTerm => "write a name there, or remove the comma, `!` or `@`",
            P::Character(_) => {
                "names are letters, digits, `.`, `_` and `-`; patterns also have `*`, `?` and ranges such as `[01-18]`"
            }
            P::NoComma => "separate the names by commas",
            P::Colon => "a path does not belong here, nor does a port: name the hosts alone",
            P::OpenBracket => "close it: `web-[01-18]`",
            P::Number => "write `[1-3]`, `[01-18]` or `[1,3,7-9]`; for letters use `?` or `*`",
            P::LongNumber => "at most 18 digits are allowed",
            P::Width => "write both ends with the same number of digits: `[01-18]` or `[1-18]`",
            P::Backwards => "write the smaller number first",
            P::LongName => "shorten the name",
            P::Wildcards => "one `*` stands for any number of characters",
            P::Names => "use a wildcard, which costs nothing: `web-*`",
            P::UnknownHosts(_) => {
                "correct the name, or use a wildcard, which may match fewer hosts"
            }
            P::UnknownTags(_) => {
                "tags come from `Tag` in the ssh configuration and from `[tags]` in Scout's own"
            }
            P::NoneSelected => "the wildcards in it match no host, or `!` excludes all of them",
        }
    }

    /// Two lines: the expression, or what of it is near the place, and a caret below that place.
    /// Safe to print: what is not plain ASCII is written out.
    #[must_use]
    pub fn pointed(&self) -> String {
        let begin = self.boundary(self.at.saturating_sub(CONTEXT));
        let place = self.boundary(self.at.min(self.text.len()));
        let end = self.boundary((place + CONTEXT).min(self.text.len()));
        let part = |from, to| {
            let part = self.text.get(from..to).unwrap_or_default();
            part.escape_default()
                .to_string()
                .replace("\\'", "'")
                .replace("\\\"", "\"")
        };
        let before = format!(
            "{}{}",
            if begin > 0 { "..." } else { "" },
            part(begin, place)
        );
        let behind = part(place, end);
        let cut = if end < self.text.len() { "..." } else { "" };
        format!(
            "{before}{behind}{cut}\n{:>width$}",
            '^',
            width = before.len() + 1
        )
    }

    /// The nearest place at or before `at` where a character begins.
    fn boundary(&self, at: usize) -> usize {
        (0..=at)
            .rev()
            .find(|&at| self.text.is_char_boundary(at))
            .unwrap_or(0)
    }
}

impl fmt::Display for ExpressionError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} (at position {})", self.problem, self.at)
    }
}

impl std::error::Error for ExpressionError {}

/// `unknown host `a``, or how many and which.
struct Listed<'a>(&'static str, &'a [String]);

impl fmt::Display for Listed<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self(what, names) = *self;
        if let [name] = names {
            return write!(f, "unknown {what} `{name}`");
        }
        let hosts: Option<Vec<HostName>> = names
            .iter()
            .map(|name| HostName::parse(name).ok())
            .collect();
        let list = hosts.map_or_else(|| names.join(","), |hosts| fold(&hosts));
        let (shown, cut) = match list.get(..SHOWN) {
            Some(shown) if list.len() > SHOWN => (shown, "..."),
            _ => (list.as_str(), ""),
        };
        write!(f, "{} unknown {what}s: {shown}{cut}", names.len())
    }
}
