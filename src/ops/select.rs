//! Which hosts an expression means, for whoever asks.
//!
//! Only what the principal may see takes part: names, tags, and what a wildcard can match. So a
//! hidden host cannot be told from one that does not exist, whichever way it is asked for.

use super::{Failure, Ops};
use crate::access::Principal;
use fleet::HostName;
use fleet::inventory::expression::ExpressionProblem;
use fleet::inventory::{Expression, ExpressionError};

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
        let hosts = visible.map(|entry| (entry.name(), entry.tags()));
        parsed.select(hosts).map_err(|error| {
            // One plain name is answered in the words of every tool that takes one host.
            if let ExpressionProblem::UnknownHosts(_) = error.problem()
                && let Some(host) = parsed.as_single()
            {
                return self.unknown_host(principal, host.as_str());
            }
            match error.problem() {
                ExpressionProblem::UnknownHosts(names) => {
                    let host = names.first().map(String::as_str).unwrap_or_default();
                    let Failure { outcome, hint, .. } = self.unknown_host(principal, host);
                    Failure {
                        outcome,
                        hint,
                        ..Failure::expression(error)
                    }
                }
                _ => Failure::expression(error),
            }
        })
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
