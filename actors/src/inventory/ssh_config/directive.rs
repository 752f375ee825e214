//! One line of `ssh_config` that sets something, read into its meaning.
//!
//! Values are checked as soon as they are read, also in blocks that apply to nobody, because `ssh`
//! does so too: a typo is found when it is written. What depends on the host (`%h`, `~`) stays
//! text here.

use std::time::Duration;

use super::jump::{self, JumpSpec};
use super::keyword::Keyword;
use super::lexer::{self, Line};
use super::tokens;
use super::value;
use crate::inventory::error::Fault;
use crate::inventory::local::Local;
use crate::inventory::settings::HostKeyChecking;

/// What a line sets.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Directive {
    HostName(String),
    User(String),
    Port(u16),
    IdentityFile(String),
    CertificateFile(String),
    IdentitiesOnly(bool),
    IdentityAgent(String),
    ProxyJump(JumpSpec),
    /// Whether it names a command.
    ProxyCommand(bool),
    UserKnownHosts(Vec<String>),
    GlobalKnownHosts(Vec<String>),
    HostKeyAlias(String),
    HostKeyAlgorithms(String),
    HostKeyChecking(HostKeyChecking),
    ConnectTimeout(Option<Duration>),
    Tag(String),
    /// Whether it names a command.
    KnownHostsCommand(bool),
    /// Whether it names a command.
    LocalCommand(bool),
    PermitLocalCommand(bool),
    /// A keyword that must not be passed over, and whether its value asks for anything.
    Unsupported(Keyword, bool),
    RefuseConnection(String),
}

/// Reads a line whose keyword is none of `Host`, `Match`, `Include` and `IgnoreUnknown`; `None`
/// when it has no effect here.
pub(super) fn parse(
    keyword: Keyword,
    line: &Line<'_>,
    local: &Local,
) -> Result<Option<Directive>, Fault> {
    let words = lexer::arguments(line.rest).map_err(|_| Fault::OpenQuote)?;
    let one = || single(keyword, &words);
    let bad = |value: &str, expected| bad(keyword, value, expected);
    let flag = || {
        let text = one()?;
        value::flag(text).ok_or_else(|| bad(text, "`yes` or `no` is meant"))
    };
    Ok(Some(match keyword {
        Keyword::HostName => Directive::HostName(one()?.to_owned()),
        Keyword::User => Directive::User(one()?.to_owned()),
        Keyword::Port => {
            let text = one()?;
            let port = value::port(text);
            Directive::Port(port.ok_or_else(|| bad(text, "a number from 1 to 65535 is meant"))?)
        }
        Keyword::IdentityFile => Directive::IdentityFile(one()?.to_owned()),
        Keyword::CertificateFile => Directive::CertificateFile(one()?.to_owned()),
        Keyword::IdentitiesOnly => Directive::IdentitiesOnly(flag()?),
        Keyword::IdentityAgent => Directive::IdentityAgent(agent(one()?, local)?),
        Keyword::ProxyJump => {
            let spec = jump::parse(line.rest);
            let expected = "`none` or `[user@]host[:port]` is meant";
            Directive::ProxyJump(spec.ok_or_else(|| bad(line.rest, expected))?)
        }
        Keyword::ProxyCommand => Directive::ProxyCommand(runs(line.rest)),
        Keyword::KnownHostsCommand => Directive::KnownHostsCommand(runs(line.rest)),
        Keyword::LocalCommand => Directive::LocalCommand(runs(line.rest)),
        Keyword::PermitLocalCommand => Directive::PermitLocalCommand(flag()?),
        Keyword::UserKnownHostsFile => Directive::UserKnownHosts(files(keyword, words)?),
        Keyword::GlobalKnownHostsFile => Directive::GlobalKnownHosts(files(keyword, words)?),
        Keyword::HostKeyAlias => Directive::HostKeyAlias(one()?.to_owned()),
        Keyword::HostKeyAlgorithms => Directive::HostKeyAlgorithms(one()?.to_owned()),
        Keyword::StrictHostKeyChecking => {
            let text = one()?;
            let expected = "`yes`, `accept-new`, `ask` or `no` is meant";
            let checking = value::checking(text);
            Directive::HostKeyChecking(checking.ok_or_else(|| bad(text, expected))?)
        }
        Keyword::ConnectTimeout => {
            let text = one()?;
            let expected = "`none`, seconds or a time like `1m30s` is meant";
            Directive::ConnectTimeout(match text {
                "none" => None,
                _ => Some(value::duration(text).ok_or_else(|| bad(text, expected))?),
            })
        }
        Keyword::Tag => Directive::Tag(one()?.to_owned()),
        Keyword::RevokedHostKeys | Keyword::CanonicalizePermittedCnames => {
            let none = matches!(&words[..], [only] if value::is_none(only));
            Directive::Unsupported(keyword, !none)
        }
        Keyword::CanonicalizeHostname => {
            let text = one()?;
            let on = match text {
                text if text.eq_ignore_ascii_case("always") => Some(true),
                text => value::flag(text),
            };
            let on = on.ok_or_else(|| bad(text, "`yes`, `no` or `always` is meant"))?;
            Directive::Unsupported(keyword, on)
        }
        Keyword::RefuseConnection => Directive::RefuseConnection(one()?.to_owned()),
        Keyword::Host
        | Keyword::Match
        | Keyword::Include
        | Keyword::IgnoreUnknown
        | Keyword::Ignored => return Ok(None),
    }))
}

/// The only value of a keyword.
pub(super) fn single(keyword: Keyword, words: &[String]) -> Result<&str, Fault> {
    match words {
        [] => Err(Fault::NoValue(keyword.name())),
        [first, ..] if first.is_empty() => Err(Fault::EmptyValue(keyword.name())),
        [only] => Ok(only),
        _ => Err(Fault::ExtraValue(keyword.name())),
    }
}

fn bad(keyword: Keyword, value: &str, expected: &'static str) -> Fault {
    Fault::BadValue {
        keyword: keyword.name(),
        value: value.to_owned(),
        expected,
    }
}

/// Whether the raw text of a command is one; `none` turns it off.
fn runs(rest: &str) -> bool {
    !value::is_none(rest.trim_start_matches([' ', '\t', '=']))
}

/// A list of files, or `none` alone.
fn files(keyword: Keyword, words: Vec<String>) -> Result<Vec<String>, Fault> {
    if words.iter().any(String::is_empty) {
        return Err(Fault::EmptyValue(keyword.name()));
    }
    if words.len() > 1 && words.iter().any(|word| value::is_none(word)) {
        return Err(Fault::NoneNotAlone(keyword.name()));
    }
    Ok(words)
}

/// `IdentityAgent` must be expandable where it stands, whomever it is for (`parse_agent_path` in
/// OpenSSH's `readconf.c`).
fn agent(text: &str, local: &Local) -> Result<String, Fault> {
    let fault = |why| Fault::Expansion {
        keyword: Keyword::IdentityAgent.name(),
        value: text.to_owned(),
        why,
    };
    tokens::variables(text, local).map_err(fault)?;
    if let Some(name) = text.strip_prefix('$')
        && !name.starts_with('{')
        && (name.is_empty() || !name.bytes().all(|c| c.is_ascii_alphanumeric() || c == b'_'))
    {
        return Err(bad(
            Keyword::IdentityAgent,
            text,
            "the name of an environment variable is meant",
        ));
    }
    Ok(text.to_owned())
}
