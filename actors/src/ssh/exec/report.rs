//! What the script says about the end of a command.

use crate::outcome::Stopped;

/// The last line of the script on standard output.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Report {
    pub(super) code: Option<u8>,
    /// Whether strays were searched for: nothing when there was no need.
    pub(super) swept: Option<bool>,
}

impl Report {
    /// Nothing was started, so nothing is left.
    pub(super) fn nothing() -> Self {
        Self {
            code: None,
            swept: Some(true),
        }
    }

    pub(super) fn parse(line: Option<&str>) -> Self {
        let mut report = Self::default();
        for word in line.unwrap_or_default().split(' ') {
            match word.split_once('=') {
                Some(("rc", code)) => report.code = code.parse().ok(),
                Some(("swept" | "stopped", swept)) => {
                    report.swept = match swept {
                        "1" => Some(true),
                        "0" => Some(false),
                        _ => None,
                    };
                }
                _ => {}
            }
        }
        report
    }

    pub(super) fn stopped(&self) -> Stopped {
        match self.swept {
            Some(true) => Stopped::Verified,
            _ => Stopped::Unverified,
        }
    }
}
