//! The requests of one stdio session: started, cancelled, answered, drained.

use std::collections::HashMap;
use std::sync::{Arc, OnceLock};

use bytes::Bytes;
use http::Extensions;
use jsonrpsee::types::ErrorObjectOwned;
use rmcp::model::ErrorCode;
use serde::Deserialize;
use serde_json::value::RawValue;
use tokio::sync::mpsc;
use tokio::task::JoinSet;
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;
use tracing::Instrument;

use super::Settings;
use super::writer::Pieces;
use crate::mcp::envelope::error_object;
use crate::mcp::{Call, Engine, Id, Link, Message, Version};

/// Notifications of one request on their way to the writer.
const NOTIFICATIONS: usize = 64;

/// One session.
#[derive(Debug)]
pub(super) struct Session {
    engine: Engine,
    extensions: Extensions,
    settings: Settings,
    out: mpsc::Sender<Pieces>,
    negotiated: Arc<OnceLock<Version>>,
    running: HashMap<Id, CancellationToken>,
    tasks: JoinSet<Id>,
}

/// `notifications/cancelled`
#[derive(Deserialize)]
struct Cancelled {
    #[serde(rename = "requestId")]
    request_id: Box<RawValue>,
}

impl Session {
    pub(super) fn new(
        engine: Engine,
        extensions: Extensions,
        settings: Settings,
        out: mpsc::Sender<Pieces>,
    ) -> Self {
        Self {
            engine,
            extensions,
            settings,
            out,
            negotiated: Arc::default(),
            running: HashMap::new(),
            tasks: JoinSet::new(),
        }
    }

    /// Serves one line.
    pub(super) async fn take(&mut self, line: &[u8]) {
        match Message::parse(line) {
            Err(malformed) => self.error(malformed.id.as_ref(), &malformed.error).await,
            Ok(Message::Notification { method, params }) => {
                if method == "notifications/cancelled" {
                    self.cancel(params.as_deref());
                }
            }
            Ok(Message::Request { id, method, params }) => {
                let full = self.running.len() >= self.settings.requests;
                if full || self.running.contains_key(&id) {
                    let (code, why) = match full {
                        true => (
                            ErrorCode::INTERNAL_ERROR,
                            "too many requests are being worked on",
                        ),
                        false => (
                            ErrorCode::INVALID_REQUEST,
                            "a request with this id is running",
                        ),
                    };
                    let error = ErrorObjectOwned::owned::<()>(code.0, why, None);
                    return self.error(Some(&id), &error).await;
                }
                self.start(id, method, params);
            }
        }
    }

    /// Answers something that is not a message.
    pub(super) async fn refuse(&self, code: ErrorCode, why: &str) {
        self.error(None, &ErrorObjectOwned::owned::<()>(code.0, why, None))
            .await;
    }

    /// Forgets a request that has ended; pending while there is none.
    pub(super) async fn reap(&mut self) {
        match self.tasks.join_next().await {
            Some(Ok(id)) => drop(self.running.remove(&id)),
            Some(Err(lost)) => tracing::error!(error = %lost, "a request was lost"),
            None => std::future::pending().await,
        }
    }

    /// Waits for everything that runs, then lets go of the writer.
    pub(super) async fn finish(mut self) {
        while self.tasks.join_next().await.is_some() {}
    }

    async fn error(&self, id: Option<&Id>, error: &ErrorObjectOwned) {
        // A writer that has gone ends the session by itself.
        let _ = self
            .out
            .send(vec![Bytes::from(error_object(id, error))])
            .await;
    }

    fn cancel(&mut self, params: Option<&RawValue>) {
        let named = params.and_then(|raw| serde_json::from_str::<Cancelled>(raw.get()).ok());
        let id = named.and_then(|cancelled| Id::parse(&cancelled.request_id));
        if let Some(token) = id.and_then(|id| self.running.get(&id)) {
            token.cancel();
        }
    }

    fn start(&mut self, id: Id, method: String, params: Option<Box<RawValue>>) {
        let cancelled = CancellationToken::new();
        self.running.insert(id.clone(), cancelled.clone());
        let span = tracing::info_span!(
            "rpc",
            id = %id.to_json().chars().take(64).collect::<String>(),
            method = self.engine.label(&method),
        );
        let (outbound, notifications) = mpsc::channel(NOTIFICATIONS);
        let call = Call {
            message: Message::Request {
                id: id.clone(),
                method,
                params,
            },
            link: Link::stdio(self.negotiated.get().copied()),
            extensions: self.extensions.clone(),
            outbound: Some(outbound),
            deadline: Instant::now() + self.settings.request_timeout,
        };
        let work = Work {
            engine: self.engine.clone(),
            out: self.out.clone(),
            negotiated: Arc::clone(&self.negotiated),
        };
        let task = async move {
            tokio::select! {
                biased;
                () = cancelled.cancelled() => {}
                () = work.run(call, notifications) => {}
            }
            id
        };
        self.tasks.spawn(task.instrument(span));
    }
}

/// What one running request needs of its session.
struct Work {
    engine: Engine,
    out: mpsc::Sender<Pieces>,
    negotiated: Arc<OnceLock<Version>>,
}

impl Work {
    /// Runs the method and writes what it says, the answer last.
    async fn run(self, call: Call, mut notifications: mpsc::Receiver<Bytes>) {
        let mut serve = std::pin::pin!(self.engine.serve(call));
        let reply = loop {
            tokio::select! {
                biased;
                Some(notification) = notifications.recv() => {
                    if self.out.send(vec![notification]).await.is_err() {
                        return;
                    }
                }
                reply = &mut serve => break reply,
            }
        };
        while let Ok(notification) = notifications.try_recv() {
            let _ = self.out.send(vec![notification]).await;
        }
        if let Some(version) = reply.negotiated {
            let _ = self.negotiated.set(version);
        }
        let _ = self.out.send(reply.body).await;
    }
}
