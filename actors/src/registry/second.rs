//! Second connections: who may have one, and what is remembered of those that came to nothing.
//!
//! One is given only where nobody else needs the place: nothing is evicted for it, nobody waits for
//! it, and nobody may be waiting. All together have a small part of the pool, so that hosts which are
//! asked for later find theirs.

use super::{Life, Registry, State};
use crate::lease::{Second, SecondOver, SecondPlace, SecondWanted};
use crate::target::HostName;
use std::sync::Arc;
use std::time::Duration;
use tokio::time::Instant;

/// How long a host that refused a second login is not asked for one.
const REFUSED: Duration = Duration::from_secs(600);

impl Registry {
    /// Answers at once.
    pub(super) fn second(&self, state: &mut State, wanted: SecondWanted) {
        // Should the answer reach nobody, the place comes back with it.
        let _heard = wanted.reply.send(self.grant_second(state, &wanted.host));
    }

    fn grant_second(&self, state: &mut State, host: &HostName) -> Option<Second> {
        let entry = state.entries.get(host)?;
        let is_up = matches!(entry.life, Life::Live(_)) && entry.state == "connected";
        let refused = state.seconds_refused.get(host);
        let may = is_up
            && !state.closed
            && state.waiters.len() == 0
            && refused.is_none_or(|at| at.elapsed() >= REFUSED);
        let settings = Arc::clone(self.inventory.find(host)?.settings().ok()?);
        (may && state.places.take_aside()).then(|| Second {
            dialler: state.context.dialler.for_transfers(),
            settings,
            paces: state.paces.get(host).cloned().unwrap_or_default(),
            place: SecondPlace::new(host.clone(), state.me.get_derived()),
        })
    }
}

impl State {
    pub(super) fn second_over(&mut self, over: SecondOver) {
        self.places.give_aside();
        if over.refused {
            self.seconds_refused.insert(over.host, Instant::now());
        }
    }
}
