//! How long to leave a host alone after a failed connection. Pure.

use crate::error::DialError;
use std::time::Duration;

/// The pause after the first failure.
const BASE: Duration = Duration::from_millis(250);

/// The longest pause. A host that is back is found by the first call at most this much later.
const CEILING: Duration = Duration::from_secs(5);

/// The pause after a failure that will not mend itself: sshd since OpenSSH 9.8 locks addresses
/// out that keep failing (`PerSourcePenalties`, `sshd_config(5)`).
const SETTLED: Duration = Duration::from_secs(60);

/// The pause before the next attempt.
///
/// Exponential with full jitter: anything up to the exponential step, so that callers who failed
/// together do not return together. `random` is in `0.0..1.0`.
pub fn pause(failures: u32, error: &DialError, random: f64) -> Duration {
    if error.is_settled() {
        return SETTLED;
    }
    let step = BASE
        .saturating_mul(1 << failures.saturating_sub(1).min(10))
        .min(CEILING);
    step.mul_f64(random.clamp(0.0, 1.0))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::error::{DialFailure, Phase};

    fn failed(phase: Phase) -> DialError {
        DialError {
            phase,
            cause: DialFailure::Protocol("x".into()),
            hop: None,
        }
    }

    #[test]
    fn pauses_grow_to_a_ceiling() {
        let longest = |n| pause(n, &failed(Phase::Tcp), 1.0);
        assert_eq!(longest(1), BASE);
        assert_eq!(longest(3), BASE * 4);
        assert_eq!(longest(99), CEILING);
        assert_eq!(pause(5, &failed(Phase::Tcp), 0.0), Duration::ZERO);
    }

    #[test]
    fn a_refused_login_is_left_alone_for_a_minute() {
        assert_eq!(pause(1, &failed(Phase::Auth), 0.0), SETTLED);
        let hiccup = DialError {
            phase: Phase::Auth,
            cause: DialFailure::Io("reset".into()),
            hop: None,
        };
        assert!(
            pause(1, &hiccup, 1.0) <= BASE,
            "a reset during login is no verdict"
        );
    }
}
