//! Which hosts an expression means, for whoever asks.
//!
//! Only what the principal may see takes part: names, tags, and what a wildcard can match. So a
//! hidden host cannot be told from one that does not exist, whichever way it is asked for.

use super::{Failure, Ops};
use crate::access::Principal;
use fleet::HostName;
use fleet::inventory::expression::ExpressionProblem;
use fleet::inventory::{Expression, ExpressionError};
use std::collections::BTreeSet;

/// How many tags are offered in place of an unknown one.
const OFFERED: usize = 20;

impl Ops {
    /// The hosts that a host expression selects, in the order of their names: at least one. Asks
    /// no host.
    ///
    /// # Errors
    /// What is wrong with the expression and where, or what in it no visible host has.
    pub fn select(
        &self,
        principal: &Principal,
        expression: &str,
    ) -> Result<Vec<HostName>, Failure> {
        let parsed = Expression::parse(expression).map_err(Failure::expression)?;
        let entries = self.fleet.inventory().iter();
        let visible = entries.filter(|e| self.visible.to(principal, e.name().as_str()));
        let hosts: Vec<_> = visible.map(|e| (e.name(), e.tags())).collect();
        parsed.select(hosts.iter().copied()).map_err(|error| {
            let names = match error.problem() {
                ExpressionProblem::UnknownHosts(names) => names,
                ExpressionProblem::UnknownTags(_) => {
                    let hint = Some(tags_there_are(&hosts));
                    let failure = Failure::expression(error);
                    return Failure { hint, ..failure };
                }
                // Whoever sees no host at all need not look for a mistake.
                ExpressionProblem::NoneSelected if hosts.is_empty() => {
                    let hint = self.unknown_host(principal, "").hint;
                    let failure = Failure::expression(error);
                    return Failure { hint, ..failure };
                }
                _ => return Failure::expression(error),
            };
            let host = names.first().map(String::as_str).unwrap_or_default();
            let unknown = self.unknown_host(principal, host);
            match parsed.as_single() {
                // One plain name is answered in the words of every tool that takes one host.
                Some(_) => unknown,
                None => Failure {
                    message: Failure::expression(error).message,
                    ..unknown
                },
            }
        })
    }
}

/// What can be asked for instead of an unknown tag.
fn tags_there_are(hosts: &[(&HostName, &[String])]) -> String {
    let tags: BTreeSet<&str> = hosts
        .iter()
        .flat_map(|(_, tags)| tags.iter().map(String::as_str))
        .collect();
    let shown: Vec<String> = tags
        .iter()
        .take(OFFERED)
        .map(|tag| format!("@{tag}"))
        .collect();
    match (shown.is_empty(), tags.len() - shown.len()) {
        (true, _) => {
            "no host has a tag; give them with `Tag` in the ssh configuration or in `[tags]`".into()
        }
        (false, 0) => format!("tags there are: {}", shown.join(", ")),
        (false, more) => format!("tags there are: {} and {more} more", shown.join(", ")),
    }
}

impl Failure {
    /// What is wrong with a host expression, with a caret below the place.
    #[must_use]
    pub fn expression(error: ExpressionError) -> Self {
        Self {
            code: error.code(),
            hint: Some(error.hint().to_owned()),
            ..Self::invalid(format!("{error}\n{}", error.pointed()))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_tags_there_are_are_offered_in_place_of_one_that_is_not() {
        let host = HostName::parse("a").unwrap();
        let tags = |n: usize| (0..n).map(|n| format!("t{n:02}")).collect::<Vec<_>>();
        let hint = |n: usize| tags_there_are(&[(&host, &tags(n)), (&host, &tags(1))]);
        assert_eq!(hint(2), "tags there are: @t00, @t01");
        assert!(hint(22).ends_with("@t19 and 2 more"), "{}", hint(22));
        assert!(tags_there_are(&[(&host, &[])]).starts_with("no host has a tag"));
    }

    #[test]
    fn a_mistake_is_shown_below_the_expression() {
        let error = Expression::parse("web-[18-01]").err().unwrap();
        let failure = Failure::expression(error);
        assert_eq!(
            (failure.outcome, failure.code),
            ("invalid", "bad_expression")
        );
        let lines: Vec<_> = failure.message.lines().collect();
        assert_eq!(lines[1..], ["web-[18-01]", "     ^"]);
        assert!(lines[0].ends_with("(at position 5)"), "{}", lines[0]);
        assert!(failure.hint.is_some());
    }
}
