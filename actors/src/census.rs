//! The actor that knows which hosts are online without being connected to them.
//!
//! An answer is good for a while; hosts without one are probed all at once, and callers who ask
//! meanwhile share the probes. A probe is a TCP connection and nothing more. A host that Scout is
//! connected to is never probed: it is online, and sshd counts connections without a login against
//! the address they come from (`PerSourcePenalties`, `sshd_config(5)`).

use crate::inventory::HostSettings;
use crate::target::HostName;
use ractor::{Actor, ActorProcessingErr, ActorRef};
use std::collections::{HashMap, HashSet};
use std::sync::Arc;
use std::time::Duration;
use tokio::net::TcpStream;
use tokio::sync::{Semaphore, oneshot};
use tokio::task::JoinSet;
use tokio::time::Instant;

/// How long a host has to take a connection.
const PROBE: Duration = Duration::from_secs(2);

/// Probes at once: the descriptors they may cost.
const WIDTH: usize = 256;

pub(crate) enum Msg {
    /// Which of these hosts are online.
    Ask {
        hosts: Vec<Arc<HostSettings>>,
        reply: oneshot::Sender<HashMap<HostName, bool>>,
    },
    Probed {
        host: HostName,
        online: bool,
    },
}

/// The actor.
pub(crate) struct Census {
    /// How long an answer is good for.
    pub(crate) ttl: Duration,
}

struct Question {
    /// Kept here, so that an answer which grows old while others are open still counts.
    found: HashMap<HostName, bool>,
    open: HashSet<HostName>,
    reply: oneshot::Sender<HashMap<HostName, bool>>,
}

pub(crate) struct State {
    known: HashMap<HostName, (Instant, bool)>,
    probing: HashSet<HostName>,
    questions: Vec<Question>,
    probes: JoinSet<()>,
    turns: Arc<Semaphore>,
}

impl Actor for Census {
    type Msg = Msg;
    type State = State;
    type Arguments = ();

    async fn pre_start(&self, _: ActorRef<Msg>, (): ()) -> Result<State, ActorProcessingErr> {
        Ok(State {
            known: HashMap::new(),
            probing: HashSet::new(),
            questions: Vec::new(),
            probes: JoinSet::new(),
            turns: Arc::new(Semaphore::new(WIDTH)),
        })
    }

    async fn handle(
        &self,
        me: ActorRef<Msg>,
        message: Msg,
        state: &mut State,
    ) -> Result<(), ActorProcessingErr> {
        match message {
            Msg::Ask { hosts, reply } => {
                let now = Instant::now();
                state
                    .known
                    .retain(|_, (at, _)| now.saturating_duration_since(*at) < self.ttl);
                let (mut found, mut open) = (HashMap::new(), HashSet::new());
                for settings in &hosts {
                    let name = settings.name.clone();
                    if let Some((_, online)) = state.known.get(&name) {
                        found.insert(name, *online);
                    } else {
                        open.insert(name);
                        state.probe(&me, settings);
                    }
                }
                state.questions.push(Question { found, open, reply });
            }
            Msg::Probed { host, online } => {
                state.probed(&host, online);
            }
        }
        state.answer();
        while state.probes.try_join_next().is_some() {}
        Ok(())
    }
}

impl State {
    fn probe(&mut self, me: &ActorRef<Msg>, settings: &Arc<HostSettings>) {
        if !self.probing.insert(settings.name.clone()) {
            return;
        }
        let (me, settings) = (me.clone(), Arc::clone(settings));
        let turns = Arc::clone(&self.turns);
        self.probes.spawn(async move {
            let _turn = turns.acquire().await;
            let connect = TcpStream::connect((settings.hostname.as_str(), settings.port));
            let online = matches!(tokio::time::timeout(PROBE, connect).await, Ok(Ok(_)));
            let _sent = me.cast(Msg::Probed {
                host: settings.name.clone(),
                online,
            });
        });
    }

    fn probed(&mut self, host: &HostName, online: bool) {
        self.probing.remove(host);
        self.known.insert(host.clone(), (Instant::now(), online));
        for question in &mut self.questions {
            if question.open.remove(host) {
                question.found.insert(host.clone(), online);
            }
        }
    }

    fn answer(&mut self) {
        for question in std::mem::take(&mut self.questions) {
            if !question.open.is_empty() {
                self.questions.push(question);
                continue;
            }
            let _heard = question.reply.send(question.found);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn host(name: &str) -> HostName {
        HostName::parse(name).unwrap()
    }

    #[tokio::test]
    async fn an_answer_that_grew_old_still_counts_for_who_asked_in_time() {
        let (reply, answer) = oneshot::channel();
        let mut state = State {
            known: HashMap::new(),
            probing: HashSet::new(),
            questions: vec![Question {
                found: [(host("old"), true)].into(),
                open: [host("new")].into(),
                reply,
            }],
            probes: JoinSet::new(),
            turns: Arc::new(Semaphore::new(1)),
        };
        state.answer();
        assert_eq!(state.questions.len(), 1, "one is still open");
        state.probed(&host("new"), false);
        state.answer();
        let found = answer.await.unwrap();
        assert_eq!(found, [(host("old"), true), (host("new"), false)].into());
    }
}
