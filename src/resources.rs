//! The resources: one file per scheme, behind one enum that the compiler keeps complete.
//!
//! A resource is something to look at: the list of hosts, a file, a directory, the containers, pools
//! and logs of a host. It is read with the same operations and the same rights as the tools use;
//! nothing here changes anything.

mod compose;
mod contents;
mod docker;
mod host;
mod hosts;
mod listed;
mod scout;
mod source;
mod subject;
mod syslog;
pub mod uri;
mod zfs;

use crate::access::Principal;
use crate::mcp::{CallError, Contents};
use crate::ops::{Failure, Ops};
use fleet::Deadline;
use rmcp::model::{Resource, ResourceTemplate};
use serde_json::Value;
use std::time::Duration;
use subject::Source;

/// Every scheme.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Scheme {
    /// `hosts://list`.
    Hosts,
    /// `scout://{host}/{path*}`.
    Scout,
    /// `{host}://{path*}`: the name of a host.
    Host,
    /// `{host}://docker…` and `docker://{host}…`: its containers.
    Docker,
    /// `{host}://compose…` and `compose://{host}…`: its compose projects.
    Compose,
    /// `{host}://zfs…` and `zfs://{host}…`: its pools.
    Zfs,
    /// `{host}://syslog` and `syslog://{host}`: its log.
    Syslog,
}

/// What a resource is read with.
#[derive(Clone, Copy)]
pub struct Reader<'a> {
    /// The operations.
    pub ops: &'a Ops,
    /// Who reads.
    pub principal: &'a Principal,
    /// When the read is over.
    pub deadline: Deadline,
    /// How long the list of hosts stays as it is.
    pub hosts_ttl: Duration,
}

impl Scheme {
    /// All of them.
    pub const ALL: [Self; 7] = [
        Self::Hosts,
        Self::Scout,
        Self::Host,
        Self::Docker,
        Self::Compose,
        Self::Zfs,
        Self::Syslog,
    ];

    /// The scheme of a URI. Whatever is none of ours may be the name of a host.
    ///
    /// Schemes are case-insensitive (RFC 3986 §3.1).
    #[must_use]
    pub fn of(uri: &str) -> Self {
        match uri::split(uri) {
            Some((scheme, _)) if scheme.eq_ignore_ascii_case("hosts") => Self::Hosts,
            Some((scheme, _)) if scheme.eq_ignore_ascii_case("scout") => Self::Scout,
            _ => match subject::asked(uri).next() {
                Some(asked) => asked.subject.source().into(),
                None => Self::Host,
            },
        }
    }

    /// How metrics and logs call it.
    #[must_use]
    pub fn label(self) -> &'static str {
        match self {
            Self::Hosts => "hosts",
            Self::Scout => "scout",
            Self::Host => "host",
            Self::Docker => Source::Docker.word(),
            Self::Compose => Source::Compose.word(),
            Self::Zfs => Source::Zfs.word(),
            Self::Syslog => Source::Syslog.word(),
        }
    }

    /// Reads a resource of this scheme.
    ///
    /// # Errors
    /// Why there is nothing; [`error`] says it in the words of the protocol.
    pub async fn read(self, reader: Reader<'_>, uri: &str) -> Result<Contents, Failure> {
        let (scheme, rest) = uri::split(uri).ok_or_else(no_such_resource)?;
        match self {
            Self::Hosts => hosts::read(reader, uri, rest).await,
            Self::Scout => scout::read(reader, uri, rest).await,
            Self::Host => host::read(reader, uri, scheme, rest).await,
            Self::Docker | Self::Compose | Self::Zfs | Self::Syslog => {
                source::read(reader, uri, scheme, rest).await
            }
        }
    }
}

impl From<Source> for Scheme {
    fn from(source: Source) -> Self {
        match source {
            Source::Docker => Self::Docker,
            Source::Compose => Self::Compose,
            Source::Zfs => Self::Zfs,
            Source::Syslog => Self::Syslog,
        }
    }
}

/// What is listed. Files are not: there are too many, and hosts are found in the one list.
#[must_use]
pub fn list() -> Vec<Resource> {
    vec![hosts::describe()]
}

/// What can be filled in.
#[must_use]
pub fn templates() -> Vec<ResourceTemplate> {
    let files = [scout::describe(), host::describe()];
    files.into_iter().chain(source::templates()).collect()
}

/// Whether a template of this form is served: completion is asked for by it.
#[must_use]
pub fn is_template(uri_template: &str) -> bool {
    let mut templates = templates().into_iter();
    templates.any(|template| template.uri_template == uri_template)
}

/// What a failed read answers.
///
/// A host that the caller may not see, a host that does not exist and a path that does not exist
/// are all the same: not found.
#[must_use]
pub fn error(uri: &str, failure: Failure) -> CallError {
    let missing = ["unknown_host", "not_found", "unknown_resource"];
    if missing.contains(&failure.code) {
        return CallError::ResourceNotFound { uri: uri.into() };
    }
    let message = match &failure.hint {
        Some(hint) => format!("{}; {hint}", failure.message),
        None => failure.message.clone(),
    };
    let data = serde_json::to_value(&failure).ok();
    match failure.outcome {
        "invalid" => CallError::InvalidParams { message, data },
        _ => CallError::Failed {
            message,
            data: data.unwrap_or(Value::Null),
        },
    }
}

fn no_such_resource() -> Failure {
    Failure {
        code: "unknown_resource",
        ..Failure::refused("there is no such resource")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_not_our_scheme_may_be_a_host() {
        for (uri, scheme) in [
            ("hosts://list", Scheme::Hosts),
            ("HOSTS://list", Scheme::Hosts),
            ("Scout://web1/x", Scheme::Scout),
            ("web1://x", Scheme::Host),
            ("web1://docker", Scheme::Docker),
            ("web1://docker/x", Scheme::Host),
            ("docker://web1/app/logs", Scheme::Docker),
            ("Docker://etc/hosts", Scheme::Host),
            ("web1://compose/shop", Scheme::Compose),
            ("zfs://web1", Scheme::Zfs),
            ("web1://syslog", Scheme::Syslog),
            ("scout://docker/app/logs", Scheme::Scout),
            ("file:///etc/passwd", Scheme::Host),
            ("nonsense", Scheme::Host),
            ("", Scheme::Host),
        ] {
            assert_eq!(Scheme::of(uri), scheme, "{uri}");
        }
    }

    #[test]
    fn a_hidden_host_a_missing_one_and_a_missing_path_are_not_told_apart() {
        let missing = |code| Failure {
            code,
            ..Failure::refused("why")
        };
        for code in ["unknown_host", "not_found", "unknown_resource"] {
            let error = error("web1://x", missing(code));
            assert!(
                matches!(&error, CallError::ResourceNotFound { uri } if uri == "web1://x"),
                "{error:?}"
            );
        }
    }

    #[test]
    fn any_other_failure_keeps_its_sentence_and_its_code() {
        let failure = Failure {
            outcome: "unreachable",
            code: "connect_refused",
            hint: Some("start sshd".into()),
            ..Failure::invalid("`web1` cannot be reached")
        };
        let CallError::Failed { message, data } = error("web1://x", failure) else {
            panic!("a failure of the host is not the client's fault");
        };
        assert_eq!(message, "`web1` cannot be reached; start sshd");
        assert_eq!(data["code"], "connect_refused");
        let invalid = error("web1://x", Failure::invalid("no"));
        assert!(
            matches!(invalid, CallError::InvalidParams { .. }),
            "{invalid:?}"
        );
    }
}
