//! The two roles and what each may do.
//!
//! A role is a set of rights, not a person: which key has which role is configuration. There is
//! no third role in between, because a list of forbidden words over shell text would be one, and
//! such lists do not hold.

use std::fmt;
use std::str::FromStr;

use serde::Deserialize;

/// What a principal may do.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Role {
    /// Reads, and runs the programs of [`argv`](super::argv) under their grammar. Changes nothing.
    #[default]
    Observer,
    /// Everything the SSH account can do: the shell, copies, any program.
    Operator,
}

impl Role {
    /// Both roles, the weaker one first.
    pub const ALL: [Self; 2] = [Self::Observer, Self::Operator];

    /// Whether a command line may go to a shell as it is.
    #[must_use]
    pub fn may_use_shell(self) -> bool {
        self == Self::Operator
    }

    /// Whether files may be created or replaced.
    #[must_use]
    pub fn may_write(self) -> bool {
        self == Self::Operator
    }

    /// The word used in configuration, logs and labels.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Observer => "observer",
            Self::Operator => "operator",
        }
    }
}

impl fmt::Display for Role {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl FromStr for Role {
    type Err = UnknownRole;

    fn from_str(text: &str) -> Result<Self, UnknownRole> {
        Self::ALL
            .into_iter()
            .find(|role| role.as_str() == text)
            .ok_or(UnknownRole)
    }
}

/// A word that names no role.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("not a role; `observer` and `operator` are")]
pub struct UnknownRole;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_role_is_read_back_as_it_is_written_and_nothing_else_is() {
        for role in Role::ALL {
            assert_eq!(role.to_string().parse(), Ok(role));
        }
        for wrong in ["", "Operator", "observer ", "admin", "root"] {
            assert_eq!(wrong.parse::<Role>(), Err(UnknownRole), "{wrong:?}");
        }
    }

    #[test]
    fn without_a_word_nobody_writes_or_has_a_shell() {
        assert!(!Role::default().may_write());
        assert!(!Role::default().may_use_shell());
    }
}
