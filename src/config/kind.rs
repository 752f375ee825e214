//! What a key may hold, and how a written value becomes a legal one.
//!
//! The environment has only texts, a file has types; both end in the same [`Held`]. A secret is
//! hashed here, in the first function that touches it, so that no later stage can leak it.

use super::balancer::{self, Endpoint};
use super::text;
use super::units::{self, SECOND};

/// What a key may hold.
#[derive(Debug, Clone, Copy)]
pub(super) enum Kind {
    /// True or false.
    Switch,
    /// A whole number.
    Count { min: u64, max: u64 },
    /// A TCP port; 0 takes a free one.
    Port,
    /// Bytes.
    Size { min: u64, max: u64 },
    /// A duration; the bounds are milliseconds.
    Span { bare: Bare, min: u64, max: u64 },
    /// One of some words.
    Choice(&'static [&'static str]),
    /// An address or host name to listen on.
    Host,
    /// Host names, as they stand in a URL.
    Names,
    /// Globs over host aliases.
    Globs,
    /// A path, `~/` for the home directory.
    Path,
    /// An HTTP endpoint, or `none`.
    Url,
    /// Absolute directories.
    Directories,
    /// A log level or filter directives.
    Level,
    /// Raw API keys.
    Secrets,
    /// `[[auth.keys]]`, whose fields are keys of their own.
    KeyTables,
    /// `[tags]`, whose names are those of tags.
    TagTable,
    /// Host expressions without tags.
    Hosts,
    /// Host expressions, perhaps none.
    Expressions,
    /// The name of a key.
    Name,
    /// A SHA-256 in hex.
    Digest,
}

/// What a number without a unit counts.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Bare {
    Seconds,
    Millis,
}

/// A value as a layer wrote it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Given {
    /// Text, from anywhere.
    Text(String),
    /// A number, from a file.
    Number(String),
    /// A boolean, from a file.
    Switch(bool),
    /// A list of texts, from a file.
    List(Vec<String>),
    /// Something no key can hold, by the name of its type.
    Foreign(&'static str),
}

/// A value that is legal for its key.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Held {
    Switch(bool),
    Number(u64),
    Text(String),
    List(Vec<String>),
}

impl Kind {
    /// Reads a value.
    ///
    /// # Errors
    /// What is wrong with it beyond not being one of [`Kind::legal`], which may be nothing.
    pub(super) fn read(self, given: &Given) -> Result<Held, String> {
        let within = |number: Option<u64>, min, max| {
            number
                .filter(|n| (min..=max).contains(n))
                .map(Held::Number)
                .ok_or_else(String::new)
        };
        match self {
            Self::Expressions => match given {
                Given::List(items) => text::expressions(items),
                // A comma may stand between brackets.
                other => match other.one()? {
                    "" => Ok(Vec::new()),
                    text => text::expressions(&[text.to_owned()]),
                },
            }
            .map(Held::List),
            Self::Switch => match given {
                Given::Switch(value) => Ok(Held::Switch(*value)),
                _ => text::switch(given.one()?)
                    .map(Held::Switch)
                    .ok_or_else(String::new),
            },
            Self::Count { min, max } => within(given.number()?.parse().ok(), min, max),
            Self::Port => within(given.number()?.parse().ok(), 0, u16::MAX.into()),
            Self::Size { min, max } => within(units::size(given.number()?), min, max),
            Self::Span { bare, min, max } => {
                within(units::span(given.number()?, bare.millis()), min, max)
            }
            Self::Choice(words) => {
                let text = given.one()?.to_ascii_lowercase();
                if words.contains(&text.as_str()) {
                    Ok(Held::Text(text))
                } else {
                    Err(String::new())
                }
            }
            Self::Host => text::bind_host(given.one()?).map(Held::Text),
            Self::Path => text::path(given.one()?).map(Held::Text),
            Self::Url => match given.one()? {
                balancer::NONE => Ok(Held::Text(balancer::NONE.into())),
                text => Endpoint::parse(text).map(|url| Held::Text(url.to_string())),
            },
            Self::Level => text::level(given.one()?).map(Held::Text),
            Self::Name => text::key_name(given.one()?).map(Held::Text),
            Self::Digest => text::digest(given.one()?).map(Held::Text),
            Self::Names => given
                .list()?
                .iter()
                .map(|n| text::url_host(n))
                .collect::<Result<_, _>>()
                .map(Held::List),
            Self::Globs => text::globs(given.list()?).map(Held::List),
            Self::Directories => given
                .list()?
                .iter()
                .map(|path| text::directory(path))
                .collect::<Result<_, _>>()
                .map(Held::List),
            Self::Secrets => given
                .list()?
                .iter()
                .map(|s| text::secret(s))
                .collect::<Result<_, _>>()
                .map(Held::List),
            Self::KeyTables => match given {
                Given::Text(text) if text.is_empty() => Ok(Held::List(Vec::new())),
                _ => Err("write `[[auth.keys]]` tables".into()),
            },
            Self::TagTable => match given {
                Given::Text(text) if text.is_empty() => Ok(Held::List(Vec::new())),
                _ => Err("write a `[tags]` table".into()),
            },
            Self::Hosts => match given {
                Given::List(items) => text::hosts(items),
                // A comma may stand between brackets.
                other => text::hosts(&[other.one()?.to_owned()]),
            }
            .map(Held::List),
        }
    }

    /// The values it may hold, in words.
    pub(super) fn legal(self) -> String {
        let sizes = |min, max| (units::show_size(min), units::show_size(max));
        let spans = |min, max| (units::show_span(min), units::show_span(max));
        match self {
            Self::Switch => "`true` or `false`".into(),
            Self::Count { min, max } => format!("a whole number from {min} to {max}"),
            Self::Port => "a port from 0 to 65535".into(),
            Self::Size { min, max } => {
                let (min, max) = sizes(min, max);
                format!("a size from {min} to {max}, such as `10MB`, `1MiB` or a number of bytes")
            }
            Self::Span { bare, min, max } => {
                let (min, max) = spans(min, max);
                let bare = if bare == Bare::Seconds {
                    "seconds"
                } else {
                    "milliseconds"
                };
                format!(
                    "a duration from {min} to {max}, such as `30s`, `500ms` or a number of {bare}"
                )
            }
            Self::Choice(words) => words
                .iter()
                .map(|w| format!("`{w}`"))
                .collect::<Vec<_>>()
                .join(" or "),
            Self::Host => "an IP address or a host name, without port".into(),
            Self::Names => "host names without scheme or port".into(),
            Self::Globs => "globs over host aliases, such as `web-*`".into(),
            Self::Path => "a path; `~/` is the home directory".into(),
            Self::Url => "`http://NAME:PORT/mcp`, or `none`".into(),
            Self::Directories => "absolute directories, without `..`".into(),
            Self::Level => {
                "`error`, `warn`, `info`, `debug`, `trace`, `off` or `module=level` directives"
                    .into()
            }
            Self::Secrets => {
                "keys of at least 16 characters without spaces; `scout key new NAME` makes one"
                    .into()
            }
            Self::KeyTables => "tables with `name`, `sha256`, `role` and `hosts`".into(),
            Self::TagTable => "a table of tags, each with the hosts that have it".into(),
            Self::Hosts => {
                "host names, `web-*` and `web-[01-18]`, less those behind `!`; no tags".into()
            }
            Self::Expressions => {
                "host expressions, such as `web-*`, `web-[01-18]`, `@db` or `all`, less those behind `!`"
                    .into()
            }
            Self::Name => "a name of letters, digits, `.`, `_` and `-`, at most 64".into(),
            Self::Digest => "64 hexadecimal digits; `scout key new NAME` prints them".into(),
        }
    }

    /// Whether a written value must not be shown.
    pub(super) fn is_secret(self) -> bool {
        matches!(self, Self::Secrets)
    }

    /// A held value as `scout check` shows it.
    pub(super) fn show(self, held: &Held) -> String {
        match (self, held) {
            (Self::Secrets, Held::List(keys)) => format!("{} (not shown)", keys.len()),
            (Self::Size { .. }, Held::Number(bytes)) => units::show_size(*bytes),
            (Self::Span { .. }, Held::Number(millis)) => units::show_span(*millis),
            (_, Held::Switch(value)) => value.to_string(),
            (_, Held::Number(number)) => number.to_string(),
            (_, Held::Text(text)) => text.clone(),
            (_, Held::List(items)) => items.join(","),
        }
    }
}

impl Bare {
    fn millis(self) -> u64 {
        match self {
            Self::Seconds => SECOND,
            Self::Millis => 1,
        }
    }
}

impl Given {
    fn one(&self) -> Result<&str, String> {
        match self {
            Self::Text(text) => Ok(text.trim()),
            other => Err(format!("it is {}", other.type_name())),
        }
    }

    fn number(&self) -> Result<&str, String> {
        match self {
            Self::Number(number) => Ok(number),
            other => other.one(),
        }
    }

    /// A list as it is, or a text split at its commas; a comma inside `{}` splits nothing.
    fn list(&self) -> Result<Vec<String>, String> {
        match self {
            Self::List(items) => Ok(items.clone()),
            other => Ok(text::split_list(other.one()?)),
        }
    }

    fn type_name(&self) -> &'static str {
        match self {
            Self::Text(_) => "a text",
            Self::Number(_) => "a number",
            Self::Switch(_) => "a boolean",
            Self::List(_) => "a list",
            Self::Foreign(name) => name,
        }
    }

    /// The value as an error shows it: short, and without anything that breaks a line.
    pub(super) fn show(&self) -> String {
        let text = match self {
            Self::Text(text) | Self::Number(text) => text.clone(),
            Self::Switch(value) => value.to_string(),
            Self::List(items) => items.join(","),
            Self::Foreign(name) => (*name).to_owned(),
        };
        let short: String = text.chars().take(80).collect();
        let more = if short.len() < text.len() { "…" } else { "" };
        format!("{}{more}", short.escape_debug())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_number_is_read_alike_from_a_file_and_from_the_environment() {
        let kind = Kind::Span {
            bare: Bare::Seconds,
            min: 1000,
            max: 60_000,
        };
        for given in [
            Given::Number("30".into()),
            Given::Text("30".into()),
            Given::Text("30s".into()),
        ] {
            assert_eq!(kind.read(&given), Ok(Held::Number(30_000)), "{given:?}");
        }
        for given in [
            Given::Text("61".into()),
            Given::Number("0".into()),
            Given::Switch(true),
        ] {
            assert!(kind.read(&given).is_err(), "{given:?}");
        }
    }

    #[test]
    fn a_type_that_does_not_fit_is_refused_and_named() {
        let refusal = Kind::Path.read(&Given::Number("5".into())).unwrap_err();
        assert_eq!(refusal, "it is a number");
        let refusal = Kind::Switch.read(&Given::List(vec![])).unwrap_err();
        assert_eq!(refusal, "it is a list");
    }

    #[test]
    fn a_shown_value_stays_on_one_line_and_short() {
        let shown = Given::Text(format!("a\nb{}", "c".repeat(200))).show();
        assert!(!shown.contains('\n') && shown.len() < 100, "{shown}");
    }
}
