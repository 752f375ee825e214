//! The actor that lets requests in at the rate each caller is entitled to.
//!
//! One message in, [`admit`](RateLimitRef::admit), answered at once. Buckets that have filled up
//! again are forgotten, and there are never more than [`RATE_BUCKETS`]. If it does not answer,
//! nobody is let in.

pub(crate) mod bucket;

use crate::limits::{Limits, RATE_BUCKETS};
use crate::metrics::Metrics;
use bucket::{Bucket, Rate};
use hashlink::LinkedHashMap;
use ractor::{Actor, ActorProcessingErr, ActorRef};
use std::time::Duration;
use tokio::sync::oneshot;
use tokio::time::Instant;

/// How often filled buckets are thrown away.
const SWEEP: Duration = Duration::from_secs(30);

/// How long the answer may take before the caller is turned away.
const PATIENCE: Duration = Duration::from_secs(1);

/// Why a caller is not let in.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum Refused {
    /// Too many requests; there is a token again after this time.
    #[error("too many requests; try again in {} s", .0.as_secs_f64().ceil())]
    RateLimited(Duration),
    /// The rate limit does not answer, so it cannot be said that the caller may enter.
    #[error("the rate limit is not available")]
    Unavailable,
}

/// A way to the actor; without one there is no limit.
#[derive(Debug, Clone)]
pub(crate) struct RateLimitRef(Option<ActorRef<Msg>>);

impl RateLimitRef {
    /// The way to an actor, or to nowhere when there is no limit.
    pub(crate) fn new(actor: Option<ActorRef<Msg>>) -> Self {
        Self(actor)
    }

    /// Takes one token of `caller`'s.
    pub(crate) async fn admit(&self, caller: String) -> Result<(), Refused> {
        let Some(actor) = &self.0 else { return Ok(()) };
        let (reply, answer) = oneshot::channel();
        actor
            .cast(Msg::Admit { caller, reply })
            .map_err(|_| Refused::Unavailable)?;
        match tokio::time::timeout(PATIENCE, answer).await {
            Ok(Ok(decision)) => decision.map_err(Refused::RateLimited),
            _ => Err(Refused::Unavailable),
        }
    }
}

pub(crate) enum Msg {
    Admit {
        caller: String,
        reply: oneshot::Sender<Result<(), Duration>>,
    },
    Sweep,
}

/// The actor.
pub(crate) struct RateLimit {
    pub(crate) rate: Rate,
    pub(crate) metrics: Metrics,
}

impl RateLimit {
    /// The rate the limits ask for, if any.
    pub(crate) fn rate(limits: &Limits) -> Option<Rate> {
        Rate::new(limits.rate_per_minute, limits.rate_burst)
    }
}

/// The buckets, the one longest silent first.
pub(crate) type Buckets = LinkedHashMap<String, Bucket>;

impl Actor for RateLimit {
    type Msg = Msg;
    type State = Buckets;
    type Arguments = ();

    async fn pre_start(&self, me: ActorRef<Msg>, (): ()) -> Result<Buckets, ActorProcessingErr> {
        // The timer ends with the actor.
        let _timer = me.send_interval(SWEEP, || Msg::Sweep);
        Ok(Buckets::new())
    }

    async fn handle(
        &self,
        _: ActorRef<Msg>,
        message: Msg,
        buckets: &mut Buckets,
    ) -> Result<(), ActorProcessingErr> {
        let now = Instant::now();
        match message {
            Msg::Admit { caller, reply } => {
                let decision = take(buckets, caller, self.rate, now);
                if decision.is_err() {
                    self.metrics.rate_limited();
                }
                let _heard = reply.send(decision);
            }
            Msg::Sweep => buckets.retain(|_, bucket| !bucket.is_full(self.rate, now)),
        }
        self.metrics.rate_buckets(buckets.len());
        Ok(())
    }
}

/// Takes a token for `caller` and makes it the one heard of last.
fn take(buckets: &mut Buckets, caller: String, rate: Rate, now: Instant) -> Result<(), Duration> {
    let mut bucket = buckets
        .remove(&caller)
        .unwrap_or_else(|| Bucket::full(rate, now));
    let decision = bucket.take(rate, now);
    if buckets.len() >= RATE_BUCKETS {
        buckets.pop_front();
    }
    buckets.insert(caller, bucket);
    decision
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn callers_do_not_share_and_are_not_remembered_without_end() {
        let (rate, now) = (Rate::new(60, 1).unwrap(), Instant::now());
        let mut buckets = Buckets::new();
        assert!(take(&mut buckets, "a".into(), rate, now).is_ok());
        assert!(take(&mut buckets, "a".into(), rate, now).is_err());
        for n in 0..2 * RATE_BUCKETS {
            assert!(take(&mut buckets, n.to_string(), rate, now).is_ok());
        }
        assert_eq!(buckets.len(), RATE_BUCKETS);
    }
}
