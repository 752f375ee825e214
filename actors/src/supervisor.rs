//! The actor that spawns hosts and hears how they end.
//!
//! | child | stopped | panicked or failed |
//! |---|---|---|
//! | host | forgotten | counted and forgotten; the next lease spawns it anew; after [`INTENSITY`] crashes within [`WINDOW`] it is quarantined until they are that long ago |
//! | registry, rate limit, census | part of the shutdown | the whole process ends: they hold no state worth saving, and a server that cannot limit itself must not serve |
//!
//! Losing a connection is not an end of a host: only defects get here.

use crate::host::{Args, Host, HostRef};
use crate::metrics::Metrics;
use crate::target::HostName;
use ractor::{Actor, ActorId, ActorProcessingErr, ActorRef, DerivedActorRef, SupervisionEvent};
use std::collections::{HashMap, VecDeque};
use std::time::Duration;
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

/// Crashes of one host that are taken for accidents.
pub(crate) const INTENSITY: usize = 3;

/// How long a crash is held against a host.
pub(crate) const WINDOW: Duration = Duration::from_secs(60);

/// How long children may take to stop.
const STOP: Duration = Duration::from_secs(5);

/// What became of a host, for the registry.
#[derive(Debug, Clone)]
pub(crate) enum Birth {
    /// It lives.
    Born {
        host: HostName,
        generation: u64,
        actor: HostRef,
    },
    /// It crashed too often to be spawned now.
    Quarantined {
        host: HostName,
        generation: u64,
        remaining: Duration,
    },
    /// It ended.
    Gone { host: HostName, generation: u64 },
}

/// A host to spawn. `generation` is the registry's own number, handed back with all news.
pub(crate) struct Spawn {
    pub(crate) generation: u64,
    pub(crate) args: Args,
    pub(crate) news: DerivedActorRef<Birth>,
}

/// The actor.
pub(crate) struct Supervisor {
    /// Cancelled when something ended without which there is no fleet.
    pub(crate) fatal: CancellationToken,
    pub(crate) metrics: Metrics,
}

struct Child {
    host: HostName,
    generation: u64,
    news: DerivedActorRef<Birth>,
}

#[derive(Default)]
pub(crate) struct State {
    children: HashMap<ActorId, Child>,
    crashes: HashMap<HostName, VecDeque<Instant>>,
}

impl Actor for Supervisor {
    type Msg = Spawn;
    type State = State;
    type Arguments = ();

    async fn pre_start(&self, _: ActorRef<Spawn>, (): ()) -> Result<State, ActorProcessingErr> {
        Ok(State::default())
    }

    async fn handle(
        &self,
        me: ActorRef<Spawn>,
        Spawn {
            generation,
            args,
            news,
        }: Spawn,
        state: &mut State,
    ) -> Result<(), ActorProcessingErr> {
        let host = args.settings.name.clone();
        if let Some(remaining) = quarantine(state.crashes.get_mut(&host), Instant::now()) {
            let _sent = news.cast(Birth::Quarantined {
                host,
                generation,
                remaining,
            });
            return Ok(());
        }
        // A host's start does nothing but build its state, so this does not wait.
        match Actor::spawn_linked(None, Host, args, me.get_cell()).await {
            Ok((actor, _)) => {
                let child = Child {
                    host: host.clone(),
                    generation,
                    news: news.clone(),
                };
                state.children.insert(actor.get_id(), child);
                let actor = HostRef::new(actor);
                let _sent = news.cast(Birth::Born {
                    host,
                    generation,
                    actor,
                });
            }
            Err(error) => {
                tracing::error!(%host, %error, "a host actor did not start");
                let _sent = news.cast(Birth::Gone { host, generation });
            }
        }
        Ok(())
    }

    async fn handle_supervisor_evt(
        &self,
        _: ActorRef<Spawn>,
        event: SupervisionEvent,
        state: &mut State,
    ) -> Result<(), ActorProcessingErr> {
        let (id, crash) = match &event {
            SupervisionEvent::ActorTerminated(cell, ..) => (cell.get_id(), None),
            SupervisionEvent::ActorFailed(cell, error) => (cell.get_id(), Some(error.to_string())),
            _ => return Ok(()),
        };
        let Some(Child {
            host,
            generation,
            news,
        }) = state.children.remove(&id)
        else {
            tracing::error!(
                error = crash,
                "a part of the fleet ended that it cannot do without"
            );
            self.fatal.cancel();
            return Ok(());
        };
        if let Some(error) = crash {
            tracing::error!(%host, error, "a host actor crashed");
            self.metrics.host_crashed();
            state
                .crashes
                .entry(host.clone())
                .or_default()
                .push_back(Instant::now());
        }
        let _sent = news.cast(Birth::Gone { host, generation });
        Ok(())
    }

    async fn post_stop(
        &self,
        me: ActorRef<Spawn>,
        _: &mut State,
    ) -> Result<(), ActorProcessingErr> {
        // An actor that ends kills its children; only this lets them say goodbye.
        me.get_cell()
            .stop_children_and_wait(Some("shutdown".into()), Some(STOP))
            .await;
        Ok(())
    }
}

/// How long a host with these crashes must not be spawned, if at all.
fn quarantine(crashes: Option<&mut VecDeque<Instant>>, now: Instant) -> Option<Duration> {
    let crashes = crashes?;
    crashes.retain(|at| now.saturating_duration_since(*at) < WINDOW);
    let decisive = crashes.len().checked_sub(INTENSITY)?;
    let until = *crashes.get(decisive)? + WINDOW;
    Some(until.saturating_duration_since(now))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_third_crash_within_a_minute_is_one_too_many() {
        let start = Instant::now();
        let second = |n| start + Duration::from_secs(n);
        let mut crashes: VecDeque<_> = [second(0), second(30)].into();
        assert_eq!(quarantine(Some(&mut crashes), second(31)), None);
        crashes.push_back(second(40));
        assert_eq!(
            quarantine(Some(&mut crashes), second(41)),
            Some(Duration::from_secs(19))
        );
        assert_eq!(
            quarantine(Some(&mut crashes), second(61)),
            None,
            "the first is forgotten"
        );
    }
}
