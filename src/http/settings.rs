//! The numbers of the HTTP shell, with the defaults it ships with.

use std::sync::Arc;
use std::time::Duration;

use super::gate::Gate;

/// How the server behaves.
#[derive(Debug, Clone)]
pub struct Settings {
    /// Names accepted in `Host` and `Origin` beside `localhost`, `127.0.0.1` and `[::1]`. Empty on
    /// a bind that is not loopback means that every `Host` is accepted there: keys are required
    /// then, and a page in a browser does not have them.
    pub hosts: Vec<String>,
    /// Connections open at once. Above it the one idle for longest is closed; when none is idle the
    /// new one gets a 503.
    pub connections: usize,
    /// Connections open at once from one address that is not loopback; 0 for no such limit.
    pub connections_per_peer: usize,
    /// Requests being worked on at once; the next one gets a 503 with `Retry-After: 1`.
    pub requests: usize,
    /// Bytes of a request body; above it 413.
    pub body: usize,
    /// From the first byte of a request (or from accept) to the end of its headers.
    pub header_timeout: Duration,
    /// From the end of the headers to the end of the body; then 408.
    pub body_timeout: Duration,
    /// How long a client may leave an answer unread before the connection is cut.
    pub write_timeout: Duration,
    /// The deadline of every request. The engine answers -32603 two seconds after it when the
    /// handler does not.
    pub request_timeout: Duration,
    /// Silence on a response stream after which a comment is sent; also when a silent call becomes
    /// a stream.
    pub keep_alive: Duration,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            hosts: Vec::new(),
            connections: 1024,
            connections_per_peer: 64,
            requests: 256,
            body: 4 << 20,
            header_timeout: Duration::from_secs(10),
            body_timeout: Duration::from_secs(30),
            write_timeout: Duration::from_secs(60),
            request_timeout: Duration::from_secs(60),
            keep_alive: Duration::from_secs(15),
        }
    }
}

/// Why a request or connection was turned away before it became a call.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum TurnedAway {
    /// No key, a wrong one, or one where none belongs.
    Key,
    /// A `Host` or `Origin` that is not ours.
    Origin,
    /// Over the rate of its caller.
    Rate,
    /// As many requests as there may be are being worked on.
    Busy,
    /// A body that is too large, too slow, or no message.
    Body,
    /// As many connections as there may be are open.
    Connections,
}

/// Watches the traffic, for metrics. Must not block.
pub trait Observer: Send + Sync + 'static {
    /// A request was answered. `method` is the JSON-RPC method when it is one the engine knows,
    /// else `other`, or `-` when the request never became a message; `status` is the HTTP status;
    /// 499 stands for a client that went away before the answer began. A stream counts when it ends.
    fn on_request(&self, method: &'static str, status: u16, duration: Duration) {
        let _ = (method, status, duration);
    }

    /// A request or connection was turned away; its status is told by [`Observer::on_request`].
    fn on_turned_away(&self, why: TurnedAway) {
        let _ = why;
    }

    /// A request is being worked on (`1`), or no longer (`-1`).
    fn on_work(&self, change: i64) {
        let _ = change;
    }

    /// A connection was accepted (`1`) or has ended (`-1`).
    fn on_connection(&self, change: i64) {
        let _ = change;
    }
}

/// Watches nothing.
impl Observer for () {}

/// What the shell is given by whoever starts it.
#[derive(Clone)]
pub struct Surroundings {
    /// Lets requests in.
    pub gate: Arc<dyn Gate>,
    /// Is told of them.
    pub observer: Arc<dyn Observer>,
}
