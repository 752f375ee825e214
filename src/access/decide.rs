//! The decision: who, what, where, and nothing else.
//!
//! A pure function, so that it can be tested over every combination and asked at any point. It
//! fails closed: what is not allowed by a line here is refused.

use super::argv::{self, Refusal};
use super::{HostScope, Principal};

/// What somebody asks for.
#[derive(Debug, Clone, Copy)]
pub enum Action<'a> {
    /// Looking: hosts, files, directories, searches, comparisons, logs.
    Read,
    /// Running a program with exactly these words.
    Argv(&'a [String]),
    /// Running a command line in the account's shell.
    Shell(&'a str),
    /// Creating or replacing files, here or there.
    Write,
}

/// The answer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Decision {
    /// Do it as it was asked.
    Allow,
    /// Run these words instead of the command line: an observer has no shell.
    AllowArgv(Vec<String>),
    /// Answer as for a host that does not exist. Whoever may not see a host must not learn that
    /// it is there.
    UnknownHost,
    /// Say no, and why.
    Refuse(Denial),
}

/// Why an action is refused although its host is known.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum Denial {
    /// The command is not one an observer may run.
    #[error(transparent)]
    Command(#[from] Refusal),
    /// The role changes nothing.
    #[error("the role `observer` changes nothing; this needs the role `operator`")]
    Write,
}

/// The hosts that exist for clients at all, whoever they are.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Visible {
    /// The hosts that exist.
    pub allow: HostScope,
    /// The hosts that do not, whatever `allow` says.
    pub block: HostScope,
}

impl Visible {
    /// Every host.
    #[must_use]
    pub fn all() -> Self {
        Self {
            allow: HostScope::all(),
            block: HostScope::none(),
        }
    }

    /// Whether `host` exists for `principal`. Lists are filtered by this, so that they and
    /// [`decide`] cannot disagree.
    #[must_use]
    pub fn to(&self, principal: &Principal, host: &str) -> bool {
        self.allow.contains(host) && !self.block.contains(host) && principal.hosts.contains(host)
    }
}

/// Whether `principal` may do `action` on `host`; `None` is an action on no host in particular.
///
/// The host is looked at first: an action on a hidden host is answered like one on a missing host
/// even if it would be refused anyway.
#[must_use]
pub fn decide(
    visible: &Visible,
    principal: &Principal,
    action: Action<'_>,
    host: Option<&str>,
) -> Decision {
    if host.is_some_and(|host| !visible.to(principal, host)) {
        return Decision::UnknownHost;
    }
    let role = principal.role;
    let verdict = match action {
        Action::Read => Ok(Decision::Allow),
        Action::Write if role.may_write() => Ok(Decision::Allow),
        Action::Write => Err(Denial::Write),
        Action::Argv(_) | Action::Shell(_) if role.may_use_shell() => Ok(Decision::Allow),
        Action::Argv(words) => argv::check(words)
            .map(|()| Decision::Allow)
            .map_err(Denial::from),
        Action::Shell(line) => words_of(line)
            .map(Decision::AllowArgv)
            .map_err(Denial::from),
    };
    verdict.unwrap_or_else(Decision::Refuse)
}

fn words_of(line: &str) -> Result<Vec<String>, Refusal> {
    let words = argv::split(line)?;
    argv::check(&words)?;
    Ok(words)
}

#[cfg(test)]
mod tests {
    use super::super::Role;
    use super::*;

    fn principal(role: Role, hosts: &[&str]) -> Principal {
        let hosts = HostScope::matching(hosts.iter().copied()).unwrap();
        Principal {
            name: "somebody".into(),
            role,
            hosts,
        }
    }

    fn some(visible: &[&str], blocked: &[&str]) -> Visible {
        let scope = |globs: &[&str]| HostScope::matching(globs.iter().copied()).unwrap();
        Visible {
            allow: scope(visible),
            block: scope(blocked),
        }
    }

    #[test]
    fn a_hidden_host_answers_like_a_missing_one_whatever_is_asked() {
        let argv = ["rm".to_owned()];
        let actions = [
            Action::Read,
            Action::Write,
            Action::Argv(&argv),
            Action::Shell("rm x | sh"),
        ];
        let visible = some(&["web-*", "db-*"], &["web-9"]);
        for role in Role::ALL {
            let somebody = principal(role, &["web-*"]);
            for action in actions {
                for hidden in ["db-1", "web-9", "mail", "", "WEB-1", "web", "*"] {
                    let decision = decide(&visible, &somebody, action, Some(hidden));
                    assert_eq!(decision, Decision::UnknownHost, "{role} {hidden}");
                }
            }
            assert_eq!(
                decide(&visible, &somebody, Action::Read, Some("web-1")),
                Decision::Allow
            );
        }
    }

    #[test]
    fn an_operator_is_not_second_guessed() {
        let operator = principal(Role::Operator, &["*"]);
        let argv = ["find".to_owned(), ".".to_owned(), "-delete".to_owned()];
        for action in [
            Action::Read,
            Action::Write,
            Action::Argv(&argv),
            Action::Shell("a | b"),
        ] {
            assert_eq!(
                decide(&Visible::all(), &operator, action, Some("a")),
                Decision::Allow
            );
        }
    }

    #[test]
    fn an_observer_reads_and_has_no_shell() {
        let observer = principal(Role::Observer, &["*"]);
        let decide = |action: Action<'_>| decide(&Visible::all(), &observer, action, Some("a"));
        let words = |line: &[&str]| line.iter().map(|w| (*w).to_owned()).collect::<Vec<_>>();
        assert_eq!(decide(Action::Read), Decision::Allow);
        assert_eq!(decide(Action::Write), Decision::Refuse(Denial::Write));
        assert_eq!(decide(Action::Argv(&words(&["df", "-h"]))), Decision::Allow);
        assert_eq!(
            decide(Action::Shell("grep 'a b' f")),
            Decision::AllowArgv(words(&["grep", "a b", "f"]))
        );
        for refused in [
            Action::Argv(&words(&["id"])),
            Action::Argv(&[]),
            Action::Shell("df | sh"),
            Action::Shell(""),
        ] {
            assert!(
                matches!(decide(refused), Decision::Refuse(Denial::Command(_))),
                "{refused:?}"
            );
        }
    }

    #[test]
    fn what_is_on_no_host_depends_on_the_role_alone() {
        let nobodys = principal(Role::Observer, &[]);
        assert_eq!(
            decide(&Visible::all(), &nobodys, Action::Read, None),
            Decision::Allow
        );
        assert_eq!(
            decide(&Visible::all(), &nobodys, Action::Write, None),
            Decision::Refuse(Denial::Write)
        );
    }
}
