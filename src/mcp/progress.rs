//! Progress of one request, on its way to the client.
//!
//! Never blocks, never goes backwards, and says nothing unless the client sent a `progressToken`
//! and nothing after the answer.

use std::fmt;
use std::sync::{Arc, Mutex, PoisonError};

use bytes::Bytes;
use rmcp::model::{
    JsonRpcNotification, JsonRpcVersion2_0, ProgressNotification, ProgressNotificationParam,
    ProgressToken,
};
use tokio::sync::mpsc;

/// Where the notifications of one request go: serialised JSON-RPC objects, one per item.
pub type Outbound = mpsc::Sender<Bytes>;

/// A handle to report progress with. Cheap to clone; clones share one sequence.
#[derive(Clone, Default)]
pub struct Progress(Option<Arc<Channel>>);

struct Channel {
    token: ProgressToken,
    out: Outbound,
    state: Mutex<State>,
}

struct State {
    last: f64,
    open: bool,
}

impl Progress {
    /// Progress that nobody asked for.
    pub fn silent() -> Self {
        Self(None)
    }

    pub(super) fn new(token: ProgressToken, out: Outbound) -> Self {
        let state = Mutex::new(State {
            last: f64::NEG_INFINITY,
            open: true,
        });
        Self(Some(Arc::new(Channel { token, out, state })))
    }

    /// Whether anybody listens: spares the work of composing a message.
    pub fn is_wanted(&self) -> bool {
        self.0.is_some()
    }

    /// Reports that `done` of `total` is done, in any unit. Dropped when `done` does not exceed
    /// what was reported last (the specification wants it to increase), when it is not a finite
    /// number, or when the client reads too slowly.
    pub fn report(&self, done: f64, total: Option<f64>, message: Option<&str>) {
        let Some(channel) = &self.0 else { return };
        // The lock is held across `try_send`, so that what is queued increases too.
        let mut state = channel.state.lock().unwrap_or_else(PoisonError::into_inner);
        if !state.open || !done.is_finite() || done <= state.last {
            return;
        }
        let Ok(frame) = frame(channel.token.clone(), done, total, message) else {
            return;
        };
        if channel.out.try_send(frame).is_ok() {
            state.last = done;
        }
    }

    /// Ends the sequence: a task that outlives its call reports into the void.
    pub(super) fn close(&self) {
        if let Some(channel) = &self.0 {
            channel
                .state
                .lock()
                .unwrap_or_else(PoisonError::into_inner)
                .open = false;
        }
    }
}

impl fmt::Debug for Progress {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Progress")
            .field("wanted", &self.is_wanted())
            .finish()
    }
}

fn frame(
    token: ProgressToken,
    done: f64,
    total: Option<f64>,
    message: Option<&str>,
) -> serde_json::Result<Bytes> {
    let mut params = ProgressNotificationParam::new(token, done);
    params.total = total;
    params.message = message.map(str::to_owned);
    let notification = JsonRpcNotification {
        jsonrpc: JsonRpcVersion2_0,
        notification: ProgressNotification::new(params),
    };
    serde_json::to_vec(&notification).map(Bytes::from)
}

#[cfg(test)]
mod tests {
    use rmcp::model::NumberOrString;
    use serde_json::{Value, json};

    use super::*;

    fn drain(from: &mut mpsc::Receiver<Bytes>) -> Vec<Value> {
        std::iter::from_fn(|| from.try_recv().ok())
            .map(|frame| serde_json::from_slice(&frame).unwrap())
            .collect()
    }

    fn channel(token: NumberOrString, depth: usize) -> (Progress, mpsc::Receiver<Bytes>) {
        let (out, from) = mpsc::channel(depth);
        (Progress::new(ProgressToken(token), out), from)
    }

    #[test]
    fn only_increasing_numbers_are_sent() {
        let (progress, mut from) = channel(NumberOrString::Number(4), 8);
        for done in [0.0, 0.0, 2.0, 1.0, f64::NAN, 2.0, 3.0] {
            progress.report(done, Some(3.0), None);
        }
        let sent: Vec<_> = drain(&mut from)
            .iter()
            .map(|n| n["params"]["progress"].clone())
            .collect();
        assert_eq!(sent, [0.0, 2.0, 3.0]);
    }

    #[test]
    fn the_token_comes_back_as_it_was_sent() {
        let (progress, mut from) = channel(NumberOrString::String("7".into()), 8);
        progress.report(1.0, None, Some("half"));
        assert_eq!(
            drain(&mut from),
            [json!({"jsonrpc": "2.0", "method": "notifications/progress",
                "params": {"progressToken": "7", "progress": 1.0, "message": "half"}})]
        );
    }

    #[test]
    fn a_slow_reader_loses_reports_and_not_their_order() {
        let (progress, mut from) = channel(NumberOrString::Number(1), 1);
        progress.report(1.0, None, None);
        progress.report(2.0, None, None);
        assert_eq!(drain(&mut from).len(), 1);
        progress.report(2.0, None, None);
        assert_eq!(drain(&mut from)[0]["params"]["progress"], 2.0);
    }

    #[test]
    fn nothing_follows_the_answer() {
        let (progress, mut from) = channel(NumberOrString::Number(1), 8);
        let kept = progress.clone();
        progress.close();
        kept.report(1.0, None, None);
        assert!(drain(&mut from).is_empty());
        Progress::silent().report(1.0, None, None);
    }
}
