//! MCP over HTTP: one endpoint, `POST /mcp`, and `GET /health`; HTTP/1.1 and HTTP/2 without TLS.
//!
//! The shell owns connections, headers, limits and the shape of the response. What a message means
//! is the engine's business ([`crate::mcp`]); who may send one is the [`Gate`]'s. Nothing but
//! `/health` can be reached past the gate, not even a 404.
//!
//! Statuses follow the specification (`mcp::layer`), with these choices of our own: a request that
//! outlives its deadline is answered in band, -32603 with 200, because the client's transport is
//! not at fault; `429` and `503` carry `Retry-After` and a JSON-RPC error without id; a client that
//! disconnects cancels its call in every version of the protocol.
//!
//! Not here: TLS (a proxy's business), sessions, `GET` streams, CORS.

mod body;
mod credentials;
mod gate;
mod metered;
mod negotiate;
mod origin;
mod pulse;
mod refusal;
mod server;
mod settings;
mod shell;
mod socket;
mod stream;
mod table;

pub(crate) use credentials::presented_key;
pub use gate::{Caller, Denied, Gate, Open, Refusal};
pub use refusal::NOT_BEGUN;
pub use server::{Drained, Server};
pub use settings::{Observer, Settings, Surroundings, TurnedAway};
