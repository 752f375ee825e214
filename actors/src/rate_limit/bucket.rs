//! A token bucket that takes the time as an argument. Pure.

use std::time::Duration;
use tokio::time::Instant;

/// How fast a bucket fills and how much it holds.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Rate {
    per_second: f64,
    burst: f64,
}

impl Rate {
    /// `per_minute` tokens a minute, at most `burst` (and at least one) at once. Nothing for a
    /// rate of zero, which means no limit.
    pub fn new(per_minute: u32, burst: u32) -> Option<Self> {
        (per_minute > 0).then(|| Self {
            per_second: f64::from(per_minute) / 60.0,
            burst: f64::from(burst.max(1)),
        })
    }
}

/// The tokens of one caller: 24 bytes.
#[derive(Debug, Clone, Copy)]
pub struct Bucket {
    tokens: f64,
    at: Instant,
}

impl Bucket {
    /// A full bucket.
    pub fn full(rate: Rate, now: Instant) -> Self {
        Self {
            tokens: rate.burst,
            at: now,
        }
    }

    /// Takes a token, or says how long until there is one.
    pub fn take(&mut self, rate: Rate, now: Instant) -> Result<(), Duration> {
        self.refill(rate, now);
        if self.tokens >= 1.0 {
            self.tokens -= 1.0;
            return Ok(());
        }
        Err(Duration::from_secs_f64(
            (1.0 - self.tokens) / rate.per_second,
        ))
    }

    /// Whether the bucket is as good as a new one, so that it need not be kept.
    pub fn is_full(&self, rate: Rate, now: Instant) -> bool {
        let mut later = *self;
        later.refill(rate, now);
        later.tokens >= rate.burst
    }

    fn refill(&mut self, rate: Rate, now: Instant) {
        let passed = now.saturating_duration_since(self.at).as_secs_f64();
        self.tokens = (self.tokens + passed * rate.per_second).min(rate.burst);
        self.at = self.at.max(now);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn sixty_a_minute_with_a_burst_of_ten() {
        let (rate, now) = (Rate::new(60, 10).unwrap(), Instant::now());
        let mut bucket = Bucket::full(rate, now);
        for _ in 0..10 {
            bucket.take(rate, now).unwrap();
        }
        assert_eq!(bucket.take(rate, now), Err(Duration::from_secs(1)));
        bucket.take(rate, now + Duration::from_secs(1)).unwrap();
        assert!(!bucket.is_full(rate, now + Duration::from_secs(2)));
        assert!(bucket.is_full(rate, now + Duration::from_secs(11)));
    }

    #[test]
    fn zero_is_no_limit() {
        assert_eq!(Rate::new(0, 10), None);
    }

    proptest! {
        #[test]
        fn never_more_than_burst_plus_rate(
            per_minute in 1_u32..6000, burst in 1_u32..100,
            steps in proptest::collection::vec(0_u64..2000, 1..300),
        ) {
            let (rate, start) = (Rate::new(per_minute, burst).unwrap(), Instant::now());
            let mut bucket = Bucket::full(rate, start);
            let (mut now, mut taken) = (start, 0.0);
            for step in steps {
                now += Duration::from_millis(step);
                if bucket.take(rate, now).is_ok() { taken += 1.0; }
                let earned = (now - start).as_secs_f64() * f64::from(per_minute) / 60.0;
                prop_assert!(taken <= f64::from(burst) + earned + 1e-6);
            }
        }
    }
}
