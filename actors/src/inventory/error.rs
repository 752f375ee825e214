//! Why an inventory cannot be loaded, and why a single host of it cannot be used.
//!
//! The first kind ([`InventoryError`]) stops a load: the files do not say what was meant, and half
//! a configuration is worse than the old one. The second ([`Problem`]) belongs to one host, which
//! stays listed with its reason. Neither ever repeats the value of an environment variable.

use std::fmt;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// A line of a file; shown as `file:line`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Place {
    /// The file, as it was opened.
    pub file: Arc<Path>,
    /// Its line, from 1.
    pub line: u32,
}

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}", self.file.display(), self.line)
    }
}

/// Why no inventory could be made.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum InventoryError {
    /// A file cannot be read, or one that was named does not exist.
    #[error("cannot read `{}`; check that it exists and who may read it", path.display())]
    Read {
        /// The file.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
    /// Somebody else could change where this account connects to. The rule is that of `ssh`
    /// (`SSHCONF_CHECKPERM` in OpenSSH's `readconf.c`): owner root or the running user, not
    /// writable by group or others.
    #[error(
        "`{}` belongs to user id {owner} with mode {mode:03o}; it must belong to root or to the running user, and `chmod go-w` it", path.display()
    )]
    Permissions {
        /// The file.
        path: PathBuf,
        /// Its owner.
        owner: u32,
        /// Its permission bits.
        mode: u32,
    },
    /// Larger than any configuration is.
    #[error("`{}` is larger than {limit} bytes; is it the right file?", path.display())]
    TooLarge {
        /// The file.
        path: PathBuf,
        /// The most that is read, in bytes.
        limit: u64,
    },
    /// Files include each other in a circle, or too deep.
    #[error(
        "{at}: `Include` is nested deeper than {limit} files; look for files including each other"
    )]
    IncludeDepth {
        /// The directive that went too far.
        at: Place,
        /// The limit, that of `ssh`.
        limit: usize,
    },
    /// Lines that mean nothing, or that must not be guessed.
    #[error("{}", summary(.0))]
    Lines(Vec<BadLine>),
}

/// The first fault, and how many more there are: all of them are in the variant.
fn summary(lines: &[BadLine]) -> String {
    match lines {
        [] => "a line could not be read".to_owned(),
        [only] => only.to_string(),
        [first, rest @ ..] => format!("{first} (and {} more)", rest.len()),
    }
}

/// A line that cannot be accepted.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{at}: {fault}")]
pub struct BadLine {
    /// Where it stands.
    pub at: Place,
    /// What is wrong with it.
    pub fault: Fault,
}

/// What is wrong with a line.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum Fault {
    /// Not UTF-8, or with a zero byte.
    #[error("the line is not text; save the file as UTF-8")]
    NotText,
    /// A keyword that `ssh_config(5)` does not have.
    #[error("`{0}` is no keyword of ssh_config; correct it, or name it in `IgnoreUnknown` above")]
    UnknownKeyword(String),
    /// `Match`, whose meaning is not implemented and must not be guessed.
    #[error(
        "`Match` is not supported; say it with `Host` blocks, or name a file without it for this program"
    )]
    Match,
    /// A keyword alone.
    #[error("`{0}` has no value; give it one or remove the line")]
    NoValue(&'static str),
    /// `""` where a value must stand.
    #[error("`{0}` has an empty value; give it one or remove it")]
    EmptyValue(&'static str),
    /// More values than the keyword takes.
    #[error("`{0}` takes one value; quote it if it holds spaces")]
    ExtraValue(&'static str),
    /// A quote is not closed.
    #[error("a quote is opened and not closed; close it, or escape it with a backslash")]
    OpenQuote,
    /// A value outside what the keyword allows.
    #[error("`{keyword}` cannot be `{value}`; {expected}")]
    BadValue {
        /// The keyword.
        keyword: &'static str,
        /// What stands there.
        value: String,
        /// What may stand there.
        expected: &'static str,
    },
    /// `none` next to other values.
    #[error("`{0} none` must stand alone; remove `none` or the other values")]
    NoneNotAlone(&'static str),
    /// A path with a part that cannot be expanded.
    #[error("`{keyword} {value}` cannot be expanded: {why}")]
    Expansion {
        /// The keyword.
        keyword: &'static str,
        /// What stands there.
        value: String,
        /// Why not.
        why: ExpansionError,
    },
}

/// Why `~`, `%x` or `${NAME}` cannot be replaced.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum ExpansionError {
    /// A `%` token that this place does not know.
    #[error("`%{0}` means nothing here; write `%%` for a percent sign")]
    Token(char),
    /// `%` at the very end.
    #[error("it ends with a single `%`; write `%%` for a percent sign")]
    LonePercent,
    /// `${` without `}`, or with nothing between.
    #[error("`${{` begins a variable that is not named or not closed")]
    OpenVariable,
    /// The environment lacks the variable.
    #[error("the environment variable `{0}` is not set; set it for this process")]
    Variable(String),
    /// `~name` of an account that does not exist.
    #[error("there is no local account `{0}`")]
    Account(String),
    /// `~/` in a file of the whole machine.
    #[error("a file of the whole machine cannot use `~`; write an absolute path")]
    SystemHome,
}

/// Why one host of the inventory cannot be used.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum Problem {
    /// The connection would go through a local program; none is ever started.
    #[error(
        "{at}: `ProxyCommand` would run a local program, which is never done; use `ProxyJump`, or `ProxyCommand none` above it"
    )]
    ProxyCommand {
        /// The directive.
        at: Place,
    },
    /// A chain of jump hosts.
    #[error("{at}: `ProxyJump` names {hops} hosts; only one hop is supported")]
    Hops {
        /// The directive.
        at: Place,
        /// How many hosts it names.
        hops: usize,
    },
    /// The jump host itself needs one.
    #[error("the jump host `{hop}` has a `ProxyJump` of its own; only one hop is supported")]
    SecondHop {
        /// The jump host.
        hop: String,
    },
    /// The jump host is the host itself.
    #[error("the jump host `{hop}` is this host itself; exclude it from the block with `!{hop}`")]
    JumpLoop {
        /// The jump host.
        hop: String,
    },
    /// The name of the jump host cannot be an alias.
    #[error(
        "{at}: the jump host cannot be named `{hop}`; give it a `Host` block with a plain name"
    )]
    JumpName {
        /// The directive.
        at: Place,
        /// What stands there.
        hop: String,
    },
    /// The jump host cannot be used.
    #[error("the jump host `{hop}` cannot be used")]
    Jump {
        /// The jump host.
        hop: String,
        /// Why.
        source: Box<Problem>,
    },
    /// A value of this host cannot be expanded.
    #[error("`{keyword} {value}` cannot be expanded")]
    Expansion {
        /// The keyword.
        keyword: &'static str,
        /// What stands there.
        value: String,
        /// Why not.
        source: ExpansionError,
    },
    /// A keyword that changes whom we would talk to or trust, and is not implemented.
    #[error("{at}: `{keyword}` is not supported; remove it for this host")]
    Unsupported {
        /// The directive.
        at: Place,
        /// The keyword.
        keyword: &'static str,
    },
    /// `RefuseConnection` applies to this host.
    #[error("{at}: refused by the configuration: {reason}")]
    Refused {
        /// The directive.
        at: Place,
        /// The text of the directive.
        reason: String,
    },
    /// A keyword unknown to `ssh`, which this host's `IgnoreUnknown` does not name.
    #[error(
        "{at}: `{keyword}` is no keyword of ssh_config, and no `IgnoreUnknown` of this host names it"
    )]
    UnknownKeyword {
        /// The line.
        at: Place,
        /// The keyword.
        keyword: String,
    },
    /// More files than `ssh` takes for one host.
    #[error("`{keyword}` has more than {limit} values; remove some")]
    TooMany {
        /// The keyword.
        keyword: &'static str,
        /// The limit, that of `ssh`.
        limit: usize,
    },
}
