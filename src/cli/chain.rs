//! An error with its causes, as people are shown it: `what failed: why: why`. No error type writes
//! its own source, so this is where they are joined.

use std::error::Error;
use std::fmt;

/// Shows an error and everything behind it.
pub(super) struct Chain<'a>(pub(super) &'a dyn Error);

impl fmt::Display for Chain<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut said = self.0.to_string();
        f.write_str(&said)?;
        let mut cause = self.0.source();
        while let Some(error) = cause {
            let text = error.to_string();
            // Libraries may repeat their source in their own text.
            if !said.ends_with(&text) {
                write!(f, ": {text}")?;
            }
            (said, cause) = (text, error.source());
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::io;

    #[derive(Debug, thiserror::Error)]
    #[error("cannot listen")]
    struct Outer(#[source] io::Error);

    #[derive(Debug, thiserror::Error)]
    #[error("no start: {0}")]
    struct Repeats(#[source] Outer);

    #[test]
    fn every_cause_is_said_once() {
        let outer = || Outer(io::Error::other("in use"));
        assert_eq!(Chain(&outer()).to_string(), "cannot listen: in use");
        assert_eq!(
            Chain(&Repeats(outer())).to_string(),
            "no start: cannot listen: in use"
        );
    }
}
